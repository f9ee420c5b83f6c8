"""Room and numbers of the routines of convolution, whose work is cut by ``cuts``, ``panels`` and ``columns``.

Blocks depend on shapes alone, and so do the bits. The room holds the weights once more, and for each of at most PIECES
pieces of the work a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, get_type_hints

from tenure.ir.aval import Aval
from tenure.ops import panels
from tenure.ops.columns import columns
from tenure.ops.cuts import LISTS, SLACK, SPATIAL, TILES, Cut, Sizes, Way, listed, tiles


def layout(which: int, ans: Aval, xs: Sequence[Aval], **params: Any) -> list[int]:
    """The numbers of ``convolve`` (0), ``spread`` (1) or ``filters`` (2)."""
    out: list[int] = []
    for part in formed(which, xs, **params)[0]:
        for x in part:
            out.extend(x if isinstance(x, tuple) else [x])
    return out


def room(which: int, ans: Aval, xs: Sequence[Aval], **params: Any) -> int:
    """The bytes that it needs."""
    return formed(which, xs, **params)[1] if ans.size else 0


def formed(
    which: int, xs: Sequence[Aval], *, shape: Sizes, steps: Sizes, gaps: Sizes, lows: Sizes, groups: int,
    selects: int = 0, marks: bool = False,
) -> tuple[tuple[Head, Way, Cut], int]:  # fmt: skip
    """The numbers and the bytes of room."""
    x, y = xs
    window, target = (shape, y.shape[2:]) if which == 2 else (y.shape[2:], shape)
    way = Way.of(which, x.shape[2:], target, window, steps, gaps, lows)
    images, channels, taps, size = x.shape[0], x.shape[1] // groups, prod(window), x.dtype.itemsize
    results = y.shape[1] if which == 1 else y.shape[0 if which == 0 else 1] // groups
    sizes = (which, way, images, groups, channels, results, size // 4)
    tiled = tiles(*sizes)
    cut = columns(*sizes, tiled is not None) or tiled or panels.panels(*sizes) or Cut.of(*sizes)
    cut = listed(cut, channels)
    laid = y.size * size if which == 1 else 0
    if cut.tiled == 3:
        laid = size * groups * -(-results * taps // cut.chunk) * cut.chunk * channels
    elif cut.tiled == 2 and cut.fresh:
        laid = 0
    elif cut.tiled == 2:
        laid = size * groups * -(-results // cut.chunk) * cut.chunk * channels * taps
        laid = laid if which < 2 else size * panels.kept(cut, groups, channels, results, taps)
    elif cut.tiled:
        laid = TILES * groups * results * channels * size
    terms = (cut.strip if which == 2 else channels) * taps
    piece = lines(held(which, cut, channels, taps, way.step_out[2]) * size)
    ends = [0]
    for nbytes in (8 * (prod(way.step_out) + 1), 8 * terms, laid, cut.pieces * piece):
        ends.append(ends[-1] + lines(nbytes))
    by = (taps, results * taps) if which == 1 else (channels * taps, taps)
    begins = (ends[1], ends[2] if laid else 0, ends[3], piece)
    return (Head(images, groups, channels, results, *by, *begins, selects, int(marks)), way, cut), ends[4]


def held(which: int, cut: Cut, channels: int, taps: int, along: int) -> int:
    """The elements that a piece of the work needs room for."""
    if cut.tiled == 3:
        return (cut.chunk + 1 + 2 * taps) * cut.pitch
    lists = cut.listed * LISTS * (cut.channel + 2)
    if cut.tiled == 2:
        return panels.room(which, cut, taps, along) + lists
    if not cut.tiled:
        seen = lists if cut.direct else lists + (cut.strip if which == 2 else channels) * cut.channel
        return seen + SLACK + (cut.chunk + 1) * cut.pitch + cut.channel
    rows = TILES * (channels + cut.chunk) * cut.pitch + cut.block[1] * cut.across
    return (1 + cut.joined) * cut.channel + SLACK + rows


def lines(nbytes: int) -> int:
    """Bytes up to a whole number of cache lines."""
    return -(-nbytes // 64) * 64


class Head(NamedTuple):
    """Sizes, the elements from weight to weight of another result or channel, where parts of the room begin, the bytes
    of one piece's, and the parameters about what is not selected."""

    images: int
    groups: int
    channels: int
    results: int
    by_result: int
    by_channel: int
    starts: int
    turned: int
    pieces_at: int
    piece: int
    selects: int
    marks: int


ALL = [
    name
    for part in (Head, Way, Cut)
    for field, kind in get_type_hints(part).items()
    for name in ([field] if kind is int else [f"{field}.{axis}" for axis in SPATIAL])
]
"""Names of the numbers, in order."""
