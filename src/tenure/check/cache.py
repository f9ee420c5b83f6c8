"""The cache between runs: reports of each file, valid while neither it nor its dependencies change.

One JSON file for a set of files and options, behind a digest of itself: what is cut off, damaged or of another
version is not believed. A file's reports depend on the files that its imports lead to (`Result.depends`), on the
version of the checker and on which files are checked together.
"""

import functools
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tenure.check.files import replace
from tenure.diagnostic import Diagnostic, Edit, Label, Span

__all__ = ["Cache", "digest"]

_PACKAGE = Path(__file__).parent
FOLDER = ".tenure_cache"
KEPT = 16  # sets of files, such as the arguments of other command lines
_IGNORE = "# Made by `tenure check`.\n*\n"


def digest(data: bytes) -> str:
    """A digest of a file's contents."""
    return blake2b(data, digest_size=16).hexdigest()


@dataclass(slots=True)
class Entry:
    """One file in the cache: its digest, its dependencies, and its findings."""

    digest: str
    depends: list[str]
    found: list[Any]


@dataclass(slots=True)
class Cache:
    """The cached reports of a set of files. `folder` None: no cache."""

    folder: str | None
    options: str = ""
    _entries: dict[str, Entry] = field(default_factory=dict)
    _tree: list[str] = field(default_factory=list)

    def load(self) -> None:
        """Read the file of an earlier run, if it is valid."""
        try:
            head, _, body = Path(self._path()).read_bytes().partition(b"\n")
            if head.decode() != f"{version()} {digest(body)}":
                return
            document = json.loads(body)
            self._tree = document["tree"]
            self._entries = {path: Entry(*entry) for path, entry in document["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._entries, self._tree = {}, []

    def known(self, contents: Mapping[str, bytes]) -> dict[str, list[Diagnostic]]:
        """The reports of the files that need no check. `contents` are all files that are checked."""
        changed = set(contents) ^ set(self._tree)
        for path, data in contents.items():
            entry = self._entries.get(path)
            if entry is None or entry.digest != digest(data):
                changed.add(path)
        if set(contents) != set(self._tree):
            changed |= self._affected_by_names({*contents} ^ {*self._tree}, contents)
        stale = self._depending_on(changed) if changed else set()
        return {
            path: [_revived(one) for one in self._entries[path].found]
            for path in contents
            if path in self._entries and path not in stale
        }

    def store(
        self,
        contents: Mapping[str, bytes],
        found: Mapping[str, Sequence[Diagnostic]],
        depends: Mapping[str, Iterable[str]],
    ) -> None:
        """Write the findings to the cache; the file appears whole or not at all."""
        if self.folder is None:
            return
        files = {}
        for path, data in contents.items():
            known = self._entries.get(path)
            needs = {*depends.get(path, ()), *(known.depends if known is not None else ())}
            files[path] = [digest(data), sorted({*needs} - {path}), [_kept(one) for one in found.get(path, ())]]
        body = json.dumps({"tree": sorted(contents), "files": files}, separators=(",", ":")).encode()
        try:
            os.makedirs(self.folder, exist_ok=True)
            ignore = os.path.join(self.folder, ".gitignore")
            if not os.path.exists(ignore):
                replace(ignore, _IGNORE.encode())
            replace(self._path(), f"{version()} {digest(body)}\n".encode() + body)
            _prune(self.folder)
        except OSError:
            return  # a folder that cannot be written only costs time

    def _path(self) -> str:
        return os.path.join(self.folder or "", f"check-{digest(self.options.encode())}.json")

    def _depending_on(self, changed: set[str]) -> set[str]:
        """The files that depend on one of these, also through others."""
        users: dict[str, list[str]] = {}
        for path, entry in self._entries.items():
            for needed in entry.depends:
                users.setdefault(needed, []).append(path)
        out, left = set(changed), list(changed)
        while left:
            new = [user for user in users.get(left.pop(), ()) if user not in out]
            out.update(new)
            left += new
        return out

    def _affected_by_names(self, moved: set[str], contents: Mapping[str, bytes]) -> set[str]:
        """The files that name a module that was added or removed: their imports may lead elsewhere now."""
        names = {_module_name(path).encode() for path in moved}
        return {path for path, data in contents.items() if any(name in data for name in names)}


@functools.cache
def version() -> str:
    """The version of the checker and of Python: entries of other versions are invalid."""
    files = sorted(path for path in _PACKAGE.rglob("*") if path.suffix in (".py", ".effects"))
    state = [(str(path.relative_to(_PACKAGE)), *_stamp(path)) for path in files]
    return digest(repr((sys.version_info[:3], state)).encode())


def _prune(folder: str) -> None:
    """Remove the entries of the sets of files that were checked longest ago."""
    known = [path for path in Path(folder).glob("check-*.json") if path.is_file()]
    for path in sorted(known, key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
        path.unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, int]:
    known = path.stat()
    return known.st_mtime_ns, known.st_size


def _module_name(path: str) -> str:
    folder, name = os.path.split(os.path.splitext(path)[0])
    return os.path.basename(folder) if name == "__init__" else name


def _kept(one: Diagnostic) -> list[Any]:
    def span(s: Span) -> list[Any]:
        return [s.path, s.line, s.column, s.end_line, s.end_column]

    labels = [[*span(label.span), label.text] for label in (one.primary, *one.labels)]
    edits = [[*span(edit.span), edit.replacement] for edit in one.edits]
    return [one.code, one.rule, one.message, labels, list(one.notes), one.help, edits, one.certain, one.tier]


def _revived(kept: list[Any]) -> Diagnostic:
    code, rule, message, labels, notes, help, edits, certain, tier = kept
    primary, *others = (Label(Span(*label[:5]), label[5]) for label in labels)
    fixes = tuple(Edit(Span(*edit[:5]), edit[5]) for edit in edits)
    return Diagnostic(code, rule, message, primary, tuple(others), tuple(notes), help, fixes, certain, tier)
