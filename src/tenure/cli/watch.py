"""`tenure check --watch`: check again whenever a file that is checked changes, until it is interrupted."""

import os
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from tenure.check.discover import discover
from tenure.check.settings import Found, SettingsError

__all__ = ["rest", "watch"]

_PAUSE = 0.4  # seconds between two looks at the files
_CLEAR = "\x1b[2J\x1b[H"

Stamps = dict[str, tuple[int, int]]


def watch(paths: Sequence[str], check: Callable[[], object], *, clear: bool, pause: Callable[[], None]) -> NoReturn:
    """Check at once and after each change below the paths. It ends by an exception: that of an interrupt."""
    last: Stamps | None = None
    while True:
        now = _stamps(paths)
        if now != last:
            last = now
            print(f"{_CLEAR if clear else ''}checked at {time.strftime('%H:%M:%S')}, waiting for changes", flush=True)
            check()
        else:
            pause()


def rest() -> None:
    """Wait until it is worth looking again."""
    time.sleep(_PAUSE)


def _stamps(paths: Sequence[str]) -> Stamps:
    """Time and size of each file, and of the settings beside it: a change of these changes the reports too."""
    try:
        files = discover(paths, Found())
    except SettingsError:  # said by the check; a file may come back
        files = []
    folders = {os.path.dirname(os.path.abspath(path)) for path in (*files, *paths, os.curdir)}
    out: Stamps = {}
    for path in (*files, *(os.path.join(folder, "pyproject.toml") for folder in sorted(folders))):
        try:
            found = os.stat(path)
        except OSError:
            continue
        out[path] = found.st_mtime_ns, found.st_size
    return out
