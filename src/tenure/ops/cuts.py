"""Cuts of the work of a convolution into blocks, from shapes alone: of few results as it lies, or in tiles.

A block is a box of results of one image and one group. What it reads is copied to where nothing depends on a border or
a step any more: for each channel one plane for each residue of a place modulo the step. Each element of a window is
then an offset, the same for all results, which lie behind one another; behind each row are a few that nobody wants.
The transpose of a step are such planes of results. Small images are woven: a block has several of them, an element of
each beside the same element of the next, so that vectors are full and weights are read once for all.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

Sizes = tuple[int, ...]
BLOCK, STRIP = 3 << 14, 1000
"""Elements that a block reads, and results of it where weights are summed over them: of a cache's second and first
level."""
PIECES, ITEMS, SLACK, LINE = 16, 8, 64, 16
"""The most pieces of the work, the blocks wanted at least, elements that may be read behind an end, those of a line."""
TILES, WORTH = 16, 64
"""Numbers of a tile, and results of an image from which it pays to transform the weights: whatever the images are, so
that the numbers of one do not depend on how many there are."""
LEAST = 3 * LINE
"""Places of a block that is read where it lies: what tiles read goes over no end."""
FAR = 20
"""Reads of a block of few places, in what fits the second level."""
SHORT, FAR_APART = 12, 1 << 30
"""Elements of a row below which each is copied, or stored, for itself; a modulus that leaves distances as they are."""
QUAD, LISTS = 4, 4
"""Results, channels or filters, that are computed together; numbers of lists for each element that is copied."""
SPATIAL = ("d", "h", "w")
FEW, CHUNK, DEPTH = 192, 64, 128
"""Places of results that a block has at least, if there are so many; results computed at once, terms of them that read
different lines."""
WOVEN = 32
"""Results of an image up to which images are woven."""


class Way(NamedTuple):
    """The meeting of images, windows and results on each of three axes. A place in an image is step_in · (place of a
    result) + plane + shift, one in the result step_out · (place) + residue."""

    source: Sizes
    target: Sizes
    window: Sizes
    step_in: Sizes
    step_out: Sizes
    gap: Sizes
    lows: Sizes
    shift: Sizes
    base: Sizes
    sign: int
    counts: Sizes

    @staticmethod
    def of(which: int, source: Sizes, target: Sizes, window: Sizes, step: Sizes, gap: Sizes, low: Sizes) -> Way:
        """The meeting that a primitive has."""
        if prod(window) == prod(step) == 1 and not any(low) and source == target:
            source = target = (prod(source),)
            window, step, gap, low = (1,), (1,), (1,), (0,)
        one, n = (1, 1, 1), 3 - len(source)
        source, target, window, step, gap = ((*[1] * n, *v) for v in (source, target, window, step, gap))
        low = (*[0] * n, *low)
        if which != 1:
            turned, none = tuple([-a for a in low]), (0, 0, 0)
            return Way(source, target, window, step, one, gap, low, turned, none, 1, target)
        last = zip(window, gap, step, low, strict=True)
        shift = tuple([-(((k - 1) * g - a) // s) for k, g, s, a in last])
        count = tuple([-(-m // s) for m, s in zip(target, step, strict=True)])
        base = tuple([-a for a in shift])
        return Way(source, target, window, one, step, gap, low, shift, base, -1, count)

    @property
    def reach(self) -> Sizes:
        """Places from the first element of a window to the last, in steps."""
        if self.sign < 0:
            ends = zip(self.lows, self.step_out, self.base, strict=True)
            return tuple([max(0, -(-low // s) + first) for low, s, first in ends])
        return tuple([(k - 1) * g // s for k, g, s in zip(self.window, self.gap, self.step_in, strict=True)])


class Cut(NamedTuple):
    """Blocks, and what they read: along each axis planes, one for each residue modulo ``apart``, and their extent;
    elements of a channel; results and channels of an item, results computed at once, pieces of the work, elements of a
    row of results; the way (0: as it lies, 1: tiles, 2: panels, 3: columns), images of a block, or that are woven;
    whether they are read where they lie, places of a channel that are read, parts of the images; whether weights are
    laid out by those who need them, each for itself; of the elements of a window the distance whose residue is their
    plane, and from plane to plane; whether copies go by lists."""

    block: Sizes
    planes: Sizes
    extent: Sizes
    channel: int
    part: int
    strip: int
    chunk: int
    depth: int
    pieces: int
    pitch: int
    across: int
    tiled: int
    joined: int
    woven: int = 1
    apart: Sizes = (1, 1, 1)
    direct: int = 0
    reached: int = 0
    shares: int = 1
    fresh: int = 0
    modulus: Sizes = (1, 1, 1)
    spread: Sizes = (1, 1, 1)
    listed: int = 0

    @staticmethod
    def of(which: int, way: Way, images: int, groups: int, channels: int, results: int, words: int) -> Cut:
        """The cut of one primitive."""
        alike, images = images, images * groups if which < 2 else groups  # whose results are apart
        most, count = BLOCK // words, tuple([max(n, 1) for n in way.counts])
        seen, part, strip = max(channels, 1) if which < 2 else 1, max(results, 1), max(channels, 1)
        planes, reach, modulus, spread = parted(way, (1, *count[1:]))
        far = reach[2]
        deep, terms = prod(planes) * (reach[0] + 1), seen * prod(way.window)
        rows, wide = box(which, seen * deep, reach[1], far, count, most)
        if which < 2:
            rows = enough(rows, wide, count[1], images * count[0] * -(-count[2] // wide))
        rows = -(-count[1] // -(-count[1] // rows))
        there = which < 2 and alike_places(way)
        while there and 0 < count[2] % wide < LEAST:
            wide += 1
        extent = (reach[0] + 1, rows + reach[1], wide + far)
        read, woven = prod(planes) * prod(extent), 1
        if which < 2 and (rows, wide) == count[1:] and not there:
            woven = weaving(alike, rows * wide, seen * read, most)
        channel = way.source[2] if there else (-(-read * woven // LINE) | 1) * LINE
        pitch = -(-rows * extent[2] * woven // SLACK) * SLACK + SLACK
        items = images if woven == 1 else groups * -(-alike // woven)
        if which < 2:
            items *= count[0] * -(-count[1] // rows) * -(-count[2] // wide)
            part = portion(part, ITEMS if woven == 1 else ITEMS // 2, items, QUAD * QUAD)
            items *= -(-max(results, 1) // part)
            chunk = min(CHUNK, -(-part // QUAD) * QUAD)
            chunk = chunk if woven > 1 else max(QUAD, min(chunk, BLOCK // terms // QUAD * QUAD))
        else:
            strip = min(portion(strip, ITEMS, items, 8), max(1, most // channel))
            items *= -(-max(channels, 1) // strip)
            part = portion(part, ITEMS, items, 8)
            items *= -(-max(results, 1) // part)
            chunk = QUAD
        pieces = pieces_of(items, 0 if there else (channels if which < 2 else strip) * channel)
        rest = (channel, part, strip, chunk, DEPTH, pieces, pitch, extent[2], 0, 1, woven)
        return Cut((1, rows, wide), planes, extent, *rest, way.step_in, int(there), modulus=modulus, spread=spread)


def parted(way: Way, count: Sizes) -> tuple[Sizes, Sizes, Sizes, Sizes]:
    """The planes of each axis and how far they go on, one for each residue modulo the step, or for each element of a
    window where these are less to copy; the moduli, and the distances of planes."""
    found = []
    for k, g, s, reach, n in zip(way.window, way.gap, way.step_in, way.reach, count, strict=True):
        residues = min(s, (k - 1) * g + 1)
        each = way.sign > 0 and k * n < residues * (n + reach)
        found.append((k, 0, FAR_APART, g) if each else (residues, reach, s, 1))
    planes, far, modulus, spread = zip(*found, strict=True)
    return planes, far, modulus, spread


def listed(cut: Cut, channels: int) -> Cut:
    """The cut whose copies go by lists, where rows are short and channels many."""
    short = cut.tiled in (0, 2) and not cut.direct and cut.extent[2] < SHORT and min(channels, cut.strip) >= 2 * QUAD
    return cut._replace(listed=1) if short else cut


def alike_places(way: Way) -> bool:
    """Whether windows are of one element, and images are read where they lie: enough places for a tile."""
    one = (1, 1, 1)
    alike = way.window == way.step_in == way.step_out == one and way.source == way.target
    return alike and way.source[:2] == (1, 1) and way.source[2] >= LEAST


def enough(rows: int, wide: int, down: int, others: int) -> int:
    """The rows of a block: fewer where there would be too few blocks, next to so many others."""
    few = min(rows, -(-FEW // wide))
    return max(few, min(rows, -(-down // -(-ITEMS // max(others, 1)))))


def weaving(images: int, results: int, read: int, most: int) -> int:
    """The images that are woven, each of which has so many results of a channel, and of which so much is read."""
    if results > WOVEN or images == 0:
        return 1
    fits = max(1, min(images, FEW // results, 4 * most // read))
    return -(-images // -(-images // fits))


def tiles(which: int, way: Way, images: int, groups: int, channels: int, results: int, words: int) -> Cut | None:
    """The cut where tiles of 2 × 2 results are computed together (``compile.routines.winograd``), if they are."""
    one, count = (1, 1, 1), way.counts
    fits = way.window == (1, 3, 3) and way.step_in == way.step_out == way.gap == one and which < 2
    many = prod(count[1:]) >= WORTH and min(count[1:], default=0) >= 4 and min(channels, results) >= LINE
    if not (fits and many):
        return None
    chunk = min(CHUNK, -(-results // QUAD) * QUAD)
    goal = max(24, min(64, 2 * BLOCK // words // (TILES * (channels + chunk))))
    wide = -(-count[2] // 2)
    wide = -(-wide // -(-wide // max(goal, 32)))
    high = -(-count[1] // 2)
    high = -(-high // -(-high // max(1, goal // wide)))
    whole = wide * 2 >= count[2] and high * 2 >= count[1]
    joined = max(1, min(images, goal // (wide * high))) if whole else 1
    extent = (1, 2 * high + 2, 2 * wide + 2)
    channel = -(-prod(extent) // LINE) * LINE + 2 * LINE
    pitch = (-(-(joined * wide * high + LINE) // LINE) | 1) * LINE
    items = -(-images // joined) * groups * count[0] * -(-count[1] // (2 * high)) * -(-count[2] // (2 * wide))
    pieces, across = max(1, min(items, PIECES)), 2 * wide + 2 * LINE
    rest = (channel, results, channels, chunk, DEPTH, pieces, pitch, across, 1, joined)
    return Cut((1, 2 * high, 2 * wide), one, extent, *rest)


def box(which: int, deep: int, down: int, across: int, count: Sizes, most: int) -> tuple[int, int]:
    """Rows and columns of a block, of whose reads a row has so many elements at each place."""
    limit, columns = STRIP if which == 2 else most, count[2]
    if deep * (1 + down) * (columns + across) > most or columns > limit:
        fits = min(most // (deep * (1 + down)) - across, limit)
        columns = -(-columns // -(-columns // max(fits, min(FEW, columns))))
    by_reads = most // (deep * (columns + across)) - down
    by_results = limit // (columns + across)
    if which < 2:  # few places are dear, as the weights are read once for each block
        by_reads = max(by_reads, min(FAR * most // (deep * (columns + across)) - down, -(-FEW // columns)))
    return max(1, min(count[1], by_reads, by_results)), columns


def pieces_of(items: int, copied: int) -> int:
    """The pieces of the work: fewer where each copies much."""
    return max(1, min(items, PIECES, max(QUAD, PIECES * QUAD * BLOCK // max(copied, 1))))


def portion(n: int, wanted: int, items: int, least: int) -> int:
    """The size of equal parts, such that there are as many items as wanted, none of fewer than the least."""
    parts = max(1, min(-(-wanted // max(items, 1)), n // least))
    return -(-n // (parts * QUAD)) * QUAD if parts > 1 else n
