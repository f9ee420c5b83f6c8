"""The cut of a convolution whose results lie side by side, some channels of one place (``compile.routines.panels``).

Images are read where they lie, if no window goes over a border; else a block of them is copied, with its border.
"""

from __future__ import annotations

from math import prod

from tenure.ops.cuts import BLOCK, FEW, ITEMS, LINE, PIECES, SLACK, Cut, Sizes, Way

PLACES, TERMS, LEAST, PAGES = 400, 256, 6, 56
"""Places of a block, terms at once, results from which vectors of them pay, and pages of memory that are read at once."""
HELD = 1 << 16
"""Sums of weights that an item has."""


def width(bits: int) -> int:
    """Elements of a line."""
    return LINE * 32 // bits


def far(way: Way) -> Sizes:
    """Places from the first element of a window to the last."""
    return tuple([(k - 1) * g // s for k, g, s in zip(way.window, way.gap, way.step_out, strict=True)])


def seen(way: Way, rows: int, wide: int) -> Sizes:
    """The extent of what results read."""
    d, h, w = far(way)
    _, down, along = (s // a for s, a in zip(way.step_in, apart(way), strict=True))
    return (d + 1, (rows - 1) * down + h + 1, (wide - 1) * along + w + 1)


def apart(way: Way) -> Sizes:
    """The steps that a copy leaves out: those between windows of one element."""
    return tuple([s if k == 1 else 1 for k, s in zip(way.window, way.step_in, strict=True)])


def inside(way: Way) -> bool:
    """Whether images are read where they lie: no window goes over a border, and no copy would leave anything out."""
    if prod(apart(way)) != 1:
        return False
    ends = zip(way.counts, way.step_in, way.shift, far(way), way.source, strict=True)
    return all(n > 0 and low >= 0 and (n - 1) * s + low + f < size for n, s, low, f, size in ends)


def panels(which: int, way: Way, images: int, groups: int, channels: int, results: int, words: int) -> Cut | None:
    """The cut, if results are to lie so."""
    line, one, size = LINE // words, (1, 1, 1), prod(way.source)
    if results < LEAST or which == 2:
        return None
    direct = inside(way) and channels * size < 1 << 30
    rows, wide = box(way, channels, direct, BLOCK // words)
    joined = 1
    if (rows, wide) == way.counts[1:] and way.counts[0] == 1:
        read = channels * prod(seen(way, rows, wide))
        fits = min(FEW // (rows * wide), 4 * BLOCK // words // max(read, 1))
        joined = max(1, min(images, fits))
        joined = -(-images // -(-images // joined)) if images else 1
    extent = (*way.source,) if direct else seen(way, rows, wide)
    channel = size if direct else (-(-prod(extent) // LINE) | 1) * LINE
    count, down, across = (max(n, 1) for n in way.counts)
    items = -(-images // joined) * groups * count * -(-down // rows) * -(-across // wide)
    parts = max(1, min(-(-ITEMS // max(items, 1)), results // (4 * line)))
    part = -(-results // (parts * line)) * line
    pieces = max(1, min(items * -(-results // part), PIECES))
    pitch = (-(-(joined * rows * wide + 2 * LINE) // LINE) | 1) * LINE
    pages = max(1, 4096 // (4 * words * channel))
    depth = min(TERMS, PAGES * pages * prod(way.window))
    rest = (channel, part, channels, line, depth, pieces, pitch, 0, wide, 2, joined)
    d, h, w = seen(way, rows, wide)
    reached = ((d - 1) * extent[1] + h - 1) * extent[2] + w if direct else channel
    return Cut((1, rows, wide), one, extent, one, *rest, 1, apart(way), int(direct), reached)


def box(way: Way, channels: int, direct: bool, most: int) -> tuple[int, int]:
    """Rows and columns of a block."""
    _, down, across = (max(n, 1) for n in way.counts)
    wide = -(-across // -(-across // PLACES))
    rows = max(1, min(down, PLACES // wide))
    if not direct:
        while rows > 1 and channels * prod(seen(way, rows, wide)) > most:
            rows -= 1
        while rows == 1 and wide > SLACK and channels * prod(seen(way, 1, wide)) > most:
            wide = -(-wide // 2)
    return -(-down // -(-down // rows)), wide


def room(cut: Cut, channels: int) -> int:
    """The elements that a piece of the work needs room for."""
    line = cut.chunk
    copied = 0 if cut.direct else cut.joined * channels * cut.channel + SLACK
    return (2 * line + 1) * cut.pitch + cut.reached + SLACK + copied
