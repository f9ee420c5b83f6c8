"""`[tool.tenure.check]` of pyproject.toml: its keys, and the file that counts for a path (the nearest above it)."""

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from typing import Any

from tenure.check.rules import RULES
from tenure.codes import LAWS

__all__ = ["NAMES", "Settings", "SettingsError", "check_names", "load", "nearest"]

OF_THE_CHECKER = ("TN000", "syntax-error", "unreadable-file", "checker-failed", "TN001", "unused-suppression")
NAMES = frozenset([*LAWS, *OF_THE_CHECKER, *(name for rule in RULES for name in (rule.code, rule.name))])
"""Names that select reports: the codes and the rules."""

EXCLUDED = (".*", "__pycache__", "node_modules", "site-packages", "venv", "build", "dist")
"""Folders that are not looked into unless they are named on the command line."""


class SettingsError(Exception):
    """A mistake in the settings or on the command line, as a message of one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one pyproject.toml. Patterns are relative to its folder `root`."""

    root: str = ""
    source: str = ""
    select: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    strict: bool = False
    exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, frozenset[str]], ...] = ()
    baseline: str | None = None
    cache: bool = True

    def wants(self, path: str, code: str, rule: str) -> bool:
        """Whether reports of a rule are wanted for a file."""
        names = {code, rule}
        if self.select is not None and not names & self.select and code != "TN000":
            return False
        return not names & self.ignore and not any(
            names & ignored for pattern, ignored in self.per_file_ignores if self._matches(path, pattern)
        )

    def excludes(self, path: str) -> bool:
        """Whether a file or folder is left out when it is found below a folder that is checked."""
        if _excluded(os.path.basename(path)):
            return True
        return any(self._matches(path, pattern) for pattern in self.exclude)

    def _matches(self, path: str, pattern: str) -> bool:
        """Whether a pattern matches: with a slash from the root, without one against each part of the path."""
        relative = os.path.relpath(path, self.root or os.curdir).replace(os.sep, "/")
        if "/" not in pattern.rstrip("/"):
            return any(fnmatch(part, pattern.rstrip("/")) for part in relative.split("/"))
        wanted = pattern.rstrip("/").removeprefix("./")
        return fnmatch(relative, wanted) or fnmatch(relative, f"{wanted}/*")


@cache
def _excluded(name: str) -> bool:
    return name not in (".", "..") and any(fnmatch(name, pattern) for pattern in EXCLUDED)


@dataclass(slots=True)
class Found:
    """The settings by folder, each file read once."""

    by_folder: dict[str, Settings] = field(default_factory=dict)

    def of(self, path: str) -> Settings:
        """The settings that count for a file: of the nearest pyproject.toml above it that has any."""
        return self.of_folder(os.path.dirname(os.path.abspath(path)))

    def of_folder(self, folder: str) -> Settings:
        """The settings that count for the contents of a folder."""
        known = self.by_folder.get(folder)
        if known is None:
            above = os.path.dirname(folder)
            own = load(os.path.join(folder, "pyproject.toml"))
            known = own or (self.of_folder(above) if above != folder else Settings())
            self.by_folder[folder] = known
        return known


def load(path: str) -> Settings | None:
    """The settings in a pyproject.toml; None if there is no such file or no table in it."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        if b"tenure" not in data:
            return None
        document = import_module("tomllib").loads(data.decode())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    table: Any = document
    for key in ("tool", "tenure", "check"):
        table = table.get(key) if isinstance(table, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: [tool.tenure.check] must be a table")
    return _settings(path, table)


def _settings(path: str, table: dict[str, Any]) -> Settings:
    out: dict[str, Any] = {"root": os.path.dirname(os.path.abspath(path)), "source": path}
    for key, value in table.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS) or f"; there are {', '.join(sorted(_KEYS))}"
            raise SettingsError(f"{path}: unknown key `{key}` in [tool.tenure.check]{hint}")
        try:
            out[key.replace("-", "_")] = _KEYS[key](value)
        except SettingsError as error:
            raise SettingsError(f"{path}: `{key}`: {error}") from None
    return Settings(**out)


def check_names(names: Iterable[str]) -> frozenset[str]:
    """The codes and rules named, each in its own spelling; an unknown name is an error."""
    out = set()
    for name in names:
        own = name.upper() if name.upper() in NAMES else name.lower().replace("_", "-")
        if own not in NAMES:
            raise SettingsError(f"there is no rule {name!r}{nearest(own, NAMES)}")
        out.add(own)
    return frozenset(out)


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint at the name that was meant, if one is near."""
    near = import_module("difflib").get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _strings(value: Any) -> Collection[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SettingsError(f"must be a list of strings, not {value!r}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"must be true or false, not {value!r}")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"must be a string, not {value!r}")
    return value


def _by_pattern(value: Any) -> tuple[tuple[str, frozenset[str]], ...]:
    if not isinstance(value, dict):
        raise SettingsError(f"must be a table of lists of rules by pattern, not {value!r}")
    return tuple((pattern, check_names(_strings(names))) for pattern, names in value.items())


_KEYS: dict[str, Callable[[Any], Any]] = {
    "select": lambda value: check_names(_strings(value)),
    "ignore": lambda value: check_names(_strings(value)),
    "strict": _flag,
    "exclude": lambda value: tuple(_strings(value)),
    "per-file-ignores": _by_pattern,
    "baseline": _string,
    "cache": _flag,
}
