"""The cut of a convolution whose results lie side by side, some channels of one place (``compile.routines.panels``).

Images are read where they lie, if no window goes over a border; else a block of them is copied, with its border.
"""

from __future__ import annotations

from math import prod

from tenure.ops.cuts import BLOCK, FAR, FEW, ITEMS, LINE, SLACK, Cut, Sizes, Way, pieces_of

PLACES, TERMS, LEAST, PAGES = 400, 256, 12, 56
"""Places of a block, terms at once, results from which vectors of them pay, pages of memory that are read at once."""
HELD, MOST, MANY = 1 << 18, 32, 64
"""Sums of weights that an item has, panels of results, terms of few results from which a panel pays."""


def width(bits: int) -> int:
    """Elements of a line."""
    return LINE * 32 // bits


def far(way: Way) -> Sizes:
    """Places from the first element of a window to the last."""
    return way.reach if way.sign < 0 else tuple([(k - 1) * g for k, g in zip(way.window, way.gap, strict=True)])


def seen(way: Way, rows: int, wide: int) -> Sizes:
    """The extent of what results read."""
    d, h, w = far(way)
    _, down, along = (s // a for s, a in zip(way.step_in, apart(way), strict=True))
    return (d + 1, (rows - 1) * down + h + 1, (wide - 1) * along + w + 1)


def apart(way: Way) -> Sizes:
    """The steps that a copy leaves out: those between windows of one element."""
    return tuple([s if k == 1 else 1 for k, s in zip(way.window, way.step_in, strict=True)])


def direct(way: Way, channels: int) -> bool:
    """Whether images are read where they lie: no window goes over a border, and few elements are read twice."""
    ends = zip(way.counts, way.step_in, way.shift, far(way), way.source, strict=True)
    inside = all(n > 0 and low >= 0 and (n - 1) * s + low + f < size for n, s, low, f, size in ends)
    once = prod(apart(way)) == 1 and prod(way.window) <= prod(way.step_in) * prod(way.step_out)
    return inside and once and channels * prod(way.source) < 1 << 30


def uncopied(way: Way, channels: int) -> bool:
    """Whether few results go by panels too: half of a vector is wanted, but nothing is copied."""
    return direct(way, channels) and prod(way.step_in) > 1 and channels * prod(way.window) >= MANY


def panels(which: int, way: Way, images: int, groups: int, channels: int, results: int, words: int) -> Cut | None:
    """The cut, if results are to lie so."""
    line, one, size = LINE // words, (1, 1, 1), prod(way.source)
    if results < LEAST and not uncopied(way, channels):
        return None
    if which == 2:
        return sums(way, images, groups, channels, results, words)
    there = direct(way, channels)
    rows, wide = box(way, channels, there, BLOCK // words)
    joined = 1
    if (rows, wide) == way.counts[1:] and way.counts[0] == 1:
        read = channels * prod(seen(way, rows, wide))
        fits = min(FEW // (rows * wide), 4 * BLOCK // words // max(read, 1))
        joined = max(1, min(images, fits))
        joined = -(-images // -(-images // joined)) if images else 1
    extent = (*way.source,) if there else seen(way, rows, wide)
    channel = size if there else (-(-prod(extent) // LINE) | 1) * LINE
    count, down, across = (max(n, 1) for n in way.counts)
    blocks = -(-images // joined) * count * -(-down // rows) * -(-across // wide)
    items = blocks * groups
    parts = max(1, min(-(-ITEMS // max(items, 1)), results // (4 * line)))
    part = -(-results // (parts * line)) * line
    pieces = pieces_of(items * -(-results // part), 0 if there else joined * channels * channel)
    pitch = (-(-(joined * rows * wide + 2 * LINE) // LINE) | 1) * LINE
    pages = max(1, 4096 // (4 * words * channel))
    depth = min(TERMS, PAGES * pages * prod(way.window))
    rest = (channel, part, channels, line, depth, pieces, pitch, wide, 2, joined)
    d, h, w = seen(way, rows, wide)
    reached = ((d - 1) * extent[1] + h - 1) * extent[2] + w if there else channel
    return Cut((1, rows, wide), one, extent, *rest, 1, apart(way), int(there), reached, 1, int(blocks == 1))


def sums(way: Way, images: int, groups: int, channels: int, results: int, words: int) -> Cut:
    """The cut of sums of weights: some results by some channels, over a share of the images."""
    line, taps, most, size = LINE // words, prod(way.window), BLOCK // words, prod(way.source)
    there = direct(way, channels)
    rows, wide = box(way, 1, there, most)
    read = max(1, rows * wide if there else prod(seen(way, rows, wide)))
    wanted = -(-results // line)
    part = -(-wanted // -(-wanted // MOST)) * line
    strip = max(1, min(channels, HELD // (part * taps), most // read))
    strip = -(-channels // -(-channels // strip)) if channels else 1
    joined = 1
    if (rows, wide) == way.counts[1:] and way.counts[0] == 1:
        joined = max(1, min(images, FEW // (rows * wide), most // (strip * read)))
    blocks = -(-images // joined)
    items = groups * -(-results // part)
    shares = max(1, min(blocks, -(-ITEMS // max(1, items * -(-channels // strip)))))
    while items * -(-channels // strip) * shares < ITEMS and strip * taps > 2 * SLACK:
        strip = -(-strip // 2)
    extent = way.source if there else seen(way, rows, wide)
    channel = size if there else (-(-prod(extent) // LINE) | 1) * LINE
    pieces = pieces_of(items * -(-channels // strip) * shares, 0 if there else joined * strip * channel)
    pitch = -(-(joined * rows * wide) // LINE) * LINE + LINE
    rest = (channel, part, strip, line, TERMS, pieces, pitch, wide, 2, joined)
    one = (1, 1, 1)
    return Cut((1, rows, wide), one, extent, *rest, 1, apart(way), int(there), 0, shares)


def kept(cut: Cut, groups: int, channels: int, results: int, taps: int) -> int:
    """The elements of all sums of weights, share by share; a single one has its own in its room."""
    if cut.shares == 1:
        return 0
    strips, parts = -(-max(channels, 1) // cut.strip), -(-results // cut.chunk)
    return cut.shares * groups * parts * strips * (cut.strip * taps + LINE) * cut.chunk


def box(way: Way, channels: int, there: bool, most: int) -> tuple[int, int]:
    """Rows and columns of a block. What it reads should fit the second level, but not at the cost of few places: the
    weights are read once for each block."""
    _, down, across = (max(n, 1) for n in way.counts)
    limit = PLACES // min(way.step_out[2], 4)
    wide = -(-across // -(-across // limit))
    rows = max(1, min(down, limit // wide))
    few = max(1, min(rows, -(-FEW // wide)))

    def read(rows: int) -> int:
        return 0 if there else channels * prod(seen(way, rows, wide))

    while rows > 1 and read(rows) > (most if rows > few else FAR * most):
        rows -= 1
    while rows == 1 and wide > SLACK and read(1) > FAR * most:
        wide = -(-wide // 2)
    return -(-down // -(-down // rows)), wide


def room(which: int, cut: Cut, taps: int, along: int) -> int:
    """The elements that a piece of the work needs room for."""
    copied = 0 if cut.direct else cut.joined * cut.strip * cut.channel + SLACK
    if which < 2:
        laid = cut.fresh * cut.strip * taps * cut.chunk
        return ((1 + along) * cut.chunk + 1 + 2 * along) * cut.pitch + cut.reached + SLACK + laid + copied
    places = cut.strip * taps + LINE
    own = 0 if cut.shares > 1 else cut.part * places
    return own + places * cut.chunk + places + (1 + cut.part) * cut.pitch + copied
