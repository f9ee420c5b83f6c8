"""Discovery of the files to check: those named, and the Python files and notebooks below the folders named."""

import os
import re
from collections.abc import Iterator, Sequence

from tenure.check.settings import Found, SettingsError
from tenure.check.source import STDIN

__all__ = ["discover", "imported"]

_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([^#\n]+))", re.MULTILINE)
_SUFFIXES = (".py", ".pyi", ".pyw", ".ipynb")


def discover(paths: Sequence[str], found: Found) -> list[str]:
    """The files to check, sorted, each once. Named files are checked even if settings exclude them; "-" is
    standard input."""
    out: dict[str, str] = {}
    for path in paths:
        if path == "-":
            out[STDIN] = STDIN
        elif os.path.isdir(path):
            for file, real in _below(path, found):
                out.setdefault(real, file)
        elif os.path.isfile(path):
            out.setdefault(os.path.realpath(path), os.path.normpath(path))
        elif os.path.exists(path):
            raise SettingsError(f"{path!r} is no regular file; - stands for standard input")
        else:
            raise SettingsError(f"there is no file or folder {path!r}")
    return sorted(out.values())


def imported(script: str, found: Found) -> list[str]:
    """The files beside a script that its imports may lead to, directly or through each other: modules, whole packages.

    Files of the folder that are not imported are not read.
    """
    folder = os.path.dirname(script)
    out: list[str] = []
    left, seen = [os.path.normpath(script)], {""}
    while left:
        for name in _imports(left.pop()) - seen:
            seen.add(name)
            module, package = (os.path.normpath(os.path.join(folder, part)) for part in (f"{name}.py", name))
            if os.path.isfile(module):
                new = [module]
            else:
                new = sorted(file for file, _ in _below(package, found)) if os.path.isdir(package) else []
            out += new
            left += new
    return out


def _imports(path: str) -> set[str]:
    """The first parts of the names that a file imports."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return set()
    names = set()
    for one, several in _IMPORT.findall(data):
        names.update([one] if one else re.split(rb"[ \t]*,[ \t]*", several))
    return {re.split(rb"[.\s(]", name.strip())[0].decode(errors="replace") for name in names}


def _below(top: str, found: Found) -> Iterator[tuple[str, str]]:
    """The Python files below a folder, each with the path that it has without links.

    Links to folders are not followed, so there is no cycle. Pipes and the like are left out, they would be waited for.
    """
    refused: list[OSError] = []
    for folder, folders, files in os.walk(top, onerror=refused.append):
        settings = found.of_folder(os.path.abspath(folder))
        folders[:] = sorted(f for f in folders if not settings.excludes(os.path.normpath(os.path.join(folder, f))))
        real = os.path.realpath(folder)
        for name in files:
            path = os.path.normpath(os.path.join(folder, name))
            if not name.endswith(_SUFFIXES) or settings.excludes(path):
                continue
            if os.path.islink(path):
                yield path, os.path.realpath(path)
            elif os.path.isfile(path):
                yield path, os.path.join(real, name)
    for error in refused:  # reported as unreadable
        yield os.path.normpath(error.filename), os.path.realpath(error.filename)
