"""Which files are checked: those named, and the Python files below the folders named."""

import os
from collections.abc import Iterator, Sequence

from tenure.check.settings import Found, SettingsError
from tenure.check.source import STDIN

__all__ = ["discover"]

_SUFFIXES = (".py", ".pyi", ".pyw")


def discover(paths: Sequence[str], found: Found) -> list[str]:
    """The files to check, sorted, each once. What is named is checked even where settings exclude it; "-" is
    standard input."""
    out: dict[str, str] = {}
    for path in paths:
        if path == "-":
            out[STDIN] = STDIN
        elif os.path.isdir(path):
            for file in _below(path, found):
                out.setdefault(os.path.realpath(file), file)
        elif os.path.exists(path):
            out.setdefault(os.path.realpath(path), os.path.normpath(path))
        else:
            raise SettingsError(f"there is no file or folder {path!r}")
    return sorted(out.values())


def _below(top: str, found: Found) -> Iterator[str]:
    """The Python files below a folder; links to folders are not followed, so there is no cycle."""
    for folder, folders, files in os.walk(top):
        settings = found.of_folder(os.path.abspath(folder))
        folders[:] = sorted(f for f in folders if not settings.excludes(os.path.normpath(os.path.join(folder, f))))
        for name in files:
            path = os.path.normpath(os.path.join(folder, name))
            if name.endswith(_SUFFIXES) and not settings.excludes(path):
                yield path
