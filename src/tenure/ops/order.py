"""Orders: of reductions, which axes are reduced together and how many elements at once (``compile.folds``); of keys,
the ways in which rows are sorted (``compile.routines``)."""

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
SHORT = 160
"""Keys of a row that are ordered by comparing every pair."""
FEW = 32
"""Places at the beginning of an order that are kept while a row is gone through."""
NARROW, WIDE = 8, 11
"""Bits of a digit of the keys of a short and of a long row, at most."""
BINS = 1 << WIDE
CHUNKS = 8
"""Parts of a row of LONG keys or more that threads share."""
LONG = 1 << 15
PARTLY = 8
"""The part of a row of which at most so small a part is wanted is found before it is sorted."""
GROUPS, ENOUGH = 16, 2048
"""Groups of rows that threads share, at most, and the keys of a group, at least."""


def room_of(rows: int, n: int, bits: int) -> tuple[int, int]:
    """The groups of rows, and the bytes that ordering each takes besides operands and result."""
    groups = max(1, min(rows, GROUPS, rows * n // ENOUGH))
    tables = CHUNKS * BINS if n >= LONG else 1 << NARROW
    return groups, 0 if n <= SHORT else 8 * tables + 2 * n * (bits // 4)
