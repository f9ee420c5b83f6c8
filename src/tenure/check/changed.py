"""Lines changed since a commit, by git: `--diff REF` reports only findings on them."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module

from tenure.check.settings import SettingsError
from tenure.diagnostic import Diagnostic, Span

__all__ = ["Changes"]

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Changes:
    """The lines of each file that differ from a commit; untracked files are changed whole."""

    def __init__(self, ref: str, folder: str = os.curdir) -> None:
        top = _git(["rev-parse", "--show-toplevel"], folder).decode().rstrip("\n")
        if ref.startswith("-"):
            raise SettingsError(f"--diff: {ref!r} is no commit")
        _git(["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"], folder, f"there is no commit {ref!r}")
        options = ["-c", "core.quotePath=false", "diff", "-U0", "--no-color", "--no-ext-diff", "--no-renames"]
        diff = _git([*options, "--src-prefix=a/", "--dst-prefix=b/", ref, "--"], top)
        self._ranges: dict[str, list[range] | None] = {
            os.path.realpath(os.path.join(top, name)): ranges for name, ranges in _changed(diff)
        }
        for name in filter(None, _git(["ls-files", "--others", "--exclude-standard", "-z"], top).split(b"\0")):
            self._ranges[os.path.realpath(os.path.join(top, os.fsdecode(name)))] = None

    def touched(self, found: Iterable[Diagnostic]) -> list[Diagnostic]:
        """The reports with a site, primary or secondary, on a changed line."""
        return [one for one in found if any(self._has(label.span) for label in (one.primary, *one.labels))]

    def _has(self, span: Span) -> bool:
        ranges = self._ranges.get(os.path.realpath(span.path), [])
        if ranges and span.path.endswith(".ipynb"):  # git's lines are those of the JSON
            return True
        return ranges is None or any(span.line < lines.stop and lines.start <= span.end_line for lines in ranges)


def _changed(diff: bytes) -> Iterator[tuple[str, list[range] | None]]:
    """The files of a diff without context, and the lines that are new in each."""
    lines = iter(diff.split(b"\n"))
    ranges: list[range] = []
    for line in lines:
        if line.startswith(b"+++ "):
            ranges = []
            yield _file_name(line[4:]), ranges
        elif (hunk := _HUNK.match(line)) is not None:
            removed, first, added = (int(number) if number else 1 for number in hunk.groups())
            if added:
                ranges.append(range(first, first + added))
            for _ in range(removed + added):  # the text of the lines does not matter
                next(lines, None)


def _file_name(name: bytes) -> str:
    """A file name in git's notation: behind `b/`, and quoted as in C where it is ambiguous."""
    name = name.removesuffix(b"\t")
    if name.startswith(b'"'):
        name = name[1:-1].decode("unicode_escape").encode("latin-1")
    return os.fsdecode(name.removeprefix(b"b/"))


def _git(arguments: Sequence[str], folder: str, otherwise: str = "") -> bytes:
    try:
        done = import_module("subprocess").run(["git", "-C", folder, *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise SettingsError("--diff needs git, which is not installed") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ").split("\n")[0]
        raise SettingsError(f"--diff: {otherwise or said}")
    return bytes(done.stdout)
