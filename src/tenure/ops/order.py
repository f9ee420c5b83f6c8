"""The order of reductions: which axes are reduced together, and how many elements at once (``compile.folds``)."""

from __future__ import annotations

from math import prod

LANES = 64
GROUP = 8
"""Elements that are combined one after the other."""
CHUNK = 1 << 16
"""Elements of a long row that are reduced on their own."""
HEIGHT = 64
"""Rows of a column that are reduced on their own."""
SPAN = 1024
"""Elements of a scan that are scanned on their own."""
ROWS, COLUMNS = 32, 256
"""Scans side by side from which on none is parted into spans: there are enough to share out."""


def runs(shape: tuple[int, ...], axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The reduced axes in runs of neighbours, the last run first; kept axes of size 1 do not part neighbours."""
    out: list[tuple[int, ...]] = []
    for k in reversed(axes):
        if out and all(n == 1 for n in shape[k + 1 : out[-1][0]]):
            out[-1] = (k, *out[-1])
        else:
            out.append((k,))
    return out


def extent(shape: tuple[int, ...], run: tuple[int, ...]) -> tuple[int, int, int]:
    """(outer, n, inner): the elements before a run of reduced axes, along it, and behind it."""
    return prod(shape[: run[0]]), prod(shape[k] for k in run), prod(shape[run[-1] + 1 :])
