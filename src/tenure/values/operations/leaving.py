"""Exported arrays: copies, and from the fifth of a large value on mappings of the same pages.

In either case each array has memory of its own, so that a library that writes a read-only array changes neither the
value nor the arrays of others.
"""

from __future__ import annotations

import weakref
from typing import Any

from tenure.runtime import pages
from tenure.runtime.export import frozen

__all__ = ["LARGE", "leave"]

LARGE = 1 << 18
"""Size in bytes from which a mapping takes less time than a copy."""
FILES = 32
"""Number of files open at one time, at most."""


class _Left(weakref.ref[Any]):
    """Export record of a large value: the number of copies so far, and the file."""

    __slots__ = ("copies", "file", "key")
    key: int
    copies: int
    file: pages.Pages | None


def leave(value: Any, array: Any) -> Any:
    """Array with the numbers of ``array``, the data of a value: with no other holder, and read-only for NumPy."""
    size = array.nbytes
    if size < LARGE or not pages.AVAILABLE:
        return frozen(array, size)
    left = _LEFT.get(id(value))
    if left is None or left() is not value:
        left = _Left(value, _forget)
        left.key, left.copies, left.file = id(value), 0, None
        _LEFT[left.key] = left
    try:
        file = left.file
        if file is None and left.copies == pages.COPIES:
            _close()
            file = left.file = pages.Pages(array)
        if file is not None:
            return file.mapped()
    except OSError:  # no file to be had, or no room for one mapping more
        left.file = None
    left.copies = left.copies % pages.COPIES + 1
    return frozen(array, size)


_LEFT: dict[int, _Left] = {}
"""Export records by the id of their value (equality of tensors is an operation)."""


def _forget(left: _Left) -> None:
    """Forget a dead value, and its file with it."""
    if _LEFT.get(left.key) is left:
        del _LEFT[left.key]


def _close() -> None:
    """Close the oldest files, so that one more may be opened."""
    for left in [x for x in list(_LEFT.values()) if x.file is not None][: 1 - FILES or None]:
        left.file, left.copies = None, 0
