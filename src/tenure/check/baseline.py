"""A baseline: the present reports of a project, so that only new ones count.

A report is known again by its file, its rule and the text of its line, never by the line's number; so lines may
move. What stands in the baseline twice may occur twice. A renamed file keeps its reports.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence

from tenure.check.settings import SettingsError
from tenure.diagnostic import Diagnostic
from tenure.report.text import Lines

__all__ = ["Baseline", "write"]

_VERSION = 1
Key = tuple[str, str, str, str]


class Baseline:
    """The known reports in a file."""

    def __init__(self, path: str) -> None:
        self._root = os.path.dirname(os.path.abspath(path))
        self._known = _read(path)

    def unknown(self, found: Iterable[Diagnostic], lines: Lines) -> list[Diagnostic]:
        """The reports that are not in the baseline."""
        left = Counter(self._known)
        out = []
        for one in found:
            key = _key(one, lines, self._root)
            if left[key] > 0:
                left[key] -= 1
            else:
                out.append(one)
        moved = Counter[tuple[str, str, str]]()
        for (path, *rest), count in left.items():
            if count > 0 and not os.path.exists(os.path.join(self._root, path)):
                moved[rest[0], rest[1], rest[2]] += count
        return [one for one in out if not _take(moved, _key(one, lines, self._root)[1:])]


def write(path: str, found: Iterable[Diagnostic], lines: Lines) -> int:
    """Write a baseline of these reports, and return their number."""
    root = os.path.dirname(os.path.abspath(path))
    counted = Counter(_key(one, lines, root) for one in found)
    entries = [
        {"path": key[0], "code": key[1], "rule": key[2], "line": key[3], "count": count}
        for key, count in sorted(counted.items())
    ]
    text = json.dumps({"version": _VERSION, "reports": entries}, indent=1, ensure_ascii=False)
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise SettingsError(f"cannot write the baseline {path}: {error.strerror}") from None
    return counted.total()


def _read(path: str) -> Counter[Key]:
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document["version"] != _VERSION:
            raise SettingsError(f"the baseline {path} is of version {document['version']}; write it again")
        return Counter({_entry(entry): int(entry["count"]) for entry in document["reports"]})
    except FileNotFoundError:
        raise SettingsError(f"there is no baseline {path}; --write-baseline makes one") from None
    except OSError as error:
        raise SettingsError(f"cannot read the baseline {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is no baseline: {error}") from None


def _entry(entry: dict[str, str]) -> Key:
    return entry["path"], entry["code"], entry["rule"], entry["line"]


def _key(one: Diagnostic, lines: Lines, root: str) -> Key:
    span = one.primary.span
    path = os.path.relpath(os.path.abspath(span.path), root).replace(os.sep, "/")
    return path, one.code, one.rule, " ".join((lines(span.path, span.line) or "").split())


def _take(moved: Counter[tuple[str, str, str]], key: Sequence[str]) -> bool:
    code, rule, line = key
    if moved[code, rule, line] > 0:
        moved[code, rule, line] -= 1
        return True
    return False
