"""Blocks, room and numbers of the routines of convolution (``compile.routines.convolution``).

A block is a box of results of one image and one group. What it reads is copied to where nothing depends on a border or
a step any more: for each channel one plane for each residue of a place modulo the step. Each element of a window is
then an offset, the same for all results, which lie behind one another; behind each row are a few that nobody wants.
The transpose of a step are such planes of results.

Blocks depend on shapes alone, and so do the bits. The room holds the weights once more, and for each of at most PIECES
pieces of the work a block: about BLOCK elements, or what one row of results reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple, get_type_hints

from tenure.ir.aval import Aval

Sizes = tuple[int, ...]
BLOCK, STRIP = 3 << 14, 1000
"""Elements that a block reads, and results of it where weights are summed over them: of a cache's second and first
level."""
PIECES, ITEMS, SLACK, LINE = 16, 8, 64, 16
"""The most pieces of the work, the blocks wanted at least, elements that may be read behind an end, those of a line."""
QUAD = 4
"""Results, channels or filters, that are computed together."""
SPATIAL = ("d", "h", "w")


class Form(NamedTuple):
    """What a routine is told: three numbers for each of three axes behind the first."""

    images: int
    groups: int
    channels: int
    results: int
    source: Sizes
    target: Sizes
    window: Sizes
    step_in: Sizes
    step_out: Sizes
    gap: Sizes
    shift: Sizes
    offset: Sizes
    base: Sizes
    sign: int
    count: Sizes
    block: Sizes
    planes: Sizes
    extent: Sizes
    channel: int
    by_result: int
    by_channel: int
    part: int
    strip: int
    pieces: int
    pitch: int
    starts: int
    panels: int
    pieces_at: int
    piece: int
    selects: int
    marks: int
    lows: Sizes


ALL = [
    of
    for name, kind in get_type_hints(Form).items()
    for of in ([name] if kind is int else [f"{name}.{axis}" for axis in SPATIAL])
]
"""Names of the numbers, in order."""


def layout(which: int, ans: Aval, xs: Sequence[Aval], **params: object) -> list[int]:
    """The numbers of ``convolve`` (0), ``spread`` (1) or ``filters`` (2)."""
    out: list[int] = []
    for x in formed(which, ans, xs, **params)[0]:  # type: ignore[arg-type]
        out.extend(x if isinstance(x, tuple) else [x])
    return out


def room(which: int, ans: Aval, xs: Sequence[Aval], **params: object) -> int:
    """The bytes that it needs."""
    return formed(which, ans, xs, **params)[1] if ans.size else 0  # type: ignore[arg-type]


def formed(
    which: int, ans: Aval, xs: Sequence[Aval], *, shape: Sizes, steps: Sizes, gaps: Sizes, lows: Sizes, groups: int,
    selects: int = 0, marks: bool = False,
) -> tuple[Form, int]:  # fmt: skip
    """The numbers and the bytes of room."""
    x, y = xs
    window, target = (shape, y.shape[2:]) if which == 2 else (y.shape[2:], shape)
    source, n = x.shape[2:], 3 - len(shape)
    whole = prod(window) == prod(steps) == 1 and not any(lows) and source == target
    if whole:
        source = target = (prod(source),)
        window = steps = gaps = (1,)
        lows, n = (0,), 2
    source, target, window, step, gap = ((*[1] * n, *v) for v in (source, target, window, steps, gaps))
    low = (*[0] * n, *lows)
    reach = tuple([(k - 1) * g // s for k, g, s in zip(window, gap, step, strict=True)])
    planes = tuple([min(s, (k - 1) * g + 1) for k, g, s in zip(window, gap, step, strict=True)])
    channels, one, taps = x.shape[1] // groups, (1, 1, 1), prod(window)
    if which == 1:
        first = tuple([a // s for a, s in zip(low, step, strict=True)])
        count = tuple([(m - 1 + a) // s - f + 1 for m, a, s, f in zip(target, low, step, first, strict=True)])
        shift = tuple([f - r for f, r in zip(first, reach, strict=True)])
        offset = tuple([f * s - a for f, s, a in zip(first, step, low, strict=True)])
        ways = (one, step, shift, offset, reach, -1, count, one)
        results, by_result, by_channel = y.shape[1], taps, y.shape[1] * taps
    else:
        ways = (step, one, tuple([-a for a in low]), (0, 0, 0), (0, 0, 0), 1, target, planes)
        results, by_result, by_channel = (y.shape[0 if which == 0 else 1] // groups), channels * taps, taps
    step_in, step_out, shift, offset, base, sign, count, planes = ways
    busy = tuple([max(n, 1) for n in count])
    size = x.dtype.itemsize
    head = (x.shape[0], groups, channels, results, source, target, window, step_in, step_out, gap, shift, offset, base)
    made = blocked(which, x.shape[0] * groups if which < 2 else groups, channels, results, reach, planes, busy, size // 4)
    block, extent, channel, part, strip, pieces, pitch = made
    sizes = [8 * (prod(step_out) + 1), 8 * (strip if which == 2 else channels) * taps]
    panels = groups * -(-results // QUAD) * QUAD * channels * taps * size if which < 2 else 0
    ends, held = [0], (strip if which == 2 else channels) * channel + SLACK + QUAD * pitch + channel
    for nbytes in (*sizes, panels, pieces * lines(held * size)):
        ends.append(ends[-1] + lines(nbytes))
    rest = (pieces, pitch, ends[1], ends[2], ends[3], lines(held * size), selects, int(marks), low)
    middle = (sign, count, block, planes, extent, channel, by_result, by_channel, part, strip)
    return Form(*head, *middle, *rest), ends[4]  # type: ignore[arg-type]


def lines(nbytes: int) -> int:
    """Bytes up to a whole number of cache lines."""
    return -(-nbytes // 64) * 64


def blocked(
    which: int, images: int, channels: int, results: int, reach: Sizes, planes: Sizes, count: Sizes, words: int
) -> tuple[Sizes, Sizes, int, int, int, int, int]:  # fmt: skip
    """The block, what it reads along each axis, the elements of a channel, the results and channels of an item, the
    pieces of the work, the elements of a row of results."""
    most = BLOCK // words
    deep = prod(planes) * (reach[0] + 1)
    seen = max(channels, 1) if which < 2 else 1

    def area(rows: int, columns: int) -> int:
        return seen * deep * (rows + reach[1]) * (columns + reach[2])

    columns, rows = count[2], 1
    limit = STRIP if which == 2 else most
    if area(1, columns) > most or columns > limit:
        fits = min(most // max(seen * deep * (1 + reach[1]), 1) - reach[2], limit)
        columns = -(-columns // -(-columns // max(fits, min(192, columns))))
    while rows < count[1] and area(rows + 1, columns) <= most and (which < 2 or (rows + 1) * (columns + reach[2]) <= limit):
        rows += 1
    if which < 2:
        others = images * count[0] * -(-count[2] // columns)
        wanted = -(-ITEMS // max(others, 1))
        rows = max(1, min(rows, -(-count[1] // wanted)))
    rows = -(-count[1] // -(-count[1] // rows))
    extent = (reach[0] + 1, rows + reach[1], columns + reach[2])
    channel = (-(-prod(planes) * prod(extent) // LINE) | 1) * LINE
    pitch = -(-rows * extent[2] // SLACK) * SLACK + SLACK
    part, strip = max(results, 1), max(channels, 1)
    if which < 2:
        items = images * count[0] * -(-count[1] // rows) * -(-count[2] // columns)
        part = portion(part, ITEMS, items, QUAD * QUAD)
        items *= -(-max(results, 1) // part)
    else:
        items = images
        strip = min(portion(strip, ITEMS, items, 8), max(1, most // channel))
        items *= -(-max(channels, 1) // strip)
        part = portion(part, ITEMS, items, 8)
        items *= -(-max(results, 1) // part)
    return (1, rows, columns), extent, channel, part, strip, max(1, min(items, PIECES)), pitch


def portion(n: int, wanted: int, items: int, least: int) -> int:
    """The size of equal parts, such that there are as many items as wanted, none of fewer than the least."""
    parts = max(1, min(-(-wanted // max(items, 1)), n // least))
    return -(-n // (parts * QUAD)) * QUAD if parts > 1 else n
