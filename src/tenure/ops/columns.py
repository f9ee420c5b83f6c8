"""The cut of a transposed convolution by columns (``compile.routines.columns``): what windows come to, then added.

A result is a sum over the windows that it is in. Where images are small beside windows most of those that a result
could be in are none, so less is to be computed window by window, though what they come to is added one by one.
"""

from __future__ import annotations

from math import prod

from tenure.ops.cuts import FEW, ITEMS, LINE, Cut, Way, pieces_of
from tenure.ops.panels import PAGES, PLACES, TERMS

ADDED, TILED, LISTED = 32, 2, 1 << 14
"""Products in whose time one number is added, products that a tile saves, pairs of places and elements of windows."""


def columns(
    which: int, way: Way, images: int, groups: int, channels: int, results: int, words: int, tiled: bool
) -> Cut | None:
    """The cut, if it pays; ``tiled`` where the other way would be tiles."""
    size, taps = prod(way.source), prod(way.window)
    if which != 1 or size > PLACES or taps * size > LISTED or not (images and channels and results and size):
        return None
    others = prod(way.target) * channels // (prod(way.step_out) * (TILED if tiled else 1))
    if others <= size * (channels + ADDED):
        return None
    line = LINE // words
    joined = max(1, min(images, FEW // size, LISTED // (taps * size)))
    joined = -(-images // -(-images // joined))
    items = -(-images // joined) * groups
    parts = max(1, min(-(-ITEMS // items), results // line))
    part = -(-results // (parts * line)) * line if parts > 1 else results
    pages = max(1, 4096 // (4 * words * size))
    pitch = (-(-(joined * size + LINE) // LINE) | 1) * LINE
    rest = (size, part, channels, line, min(TERMS, PAGES * pages), pieces_of(items * -(-results // part), 0))
    return Cut((1, 1, 1), (1, 1, 1), way.source, *rest, pitch, size, 3, joined, direct=1)
