"""Fourier transforms of the windows of a signal in primitives, and the signal of such transforms."""

from __future__ import annotations

from collections.abc import Sequence

from tenure.ir.program import Value
from tenure.ops import fourier, move
from tenure.ops.padding import edged
from tenure.ops.promote import common
from tenure.ops.rearrange import ordered, part, shaped, windows
from tenure.ops.windows import padded


def swapped(x: Value) -> Value:
    """x with its last two axes exchanged."""
    return ordered(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def spectra(
    x: Value, *weights: Value, size: int, step: int, around: Sequence[int], mode: str, half: bool, factor: float
) -> Value:
    """The transforms of windows of ``size`` elements, one every ``step``, along the last axis: a column for each.

    Windows are multiplied by the weights, which stand ``around`` so many zeros. With a ``mode`` half a window is added
    to both ends first; ``half`` keeps the first half of each transform.
    """
    x = edged(x, widths=[(size // 2, size // 2)], mode=mode) if mode else x
    frames = windows(x, axis=x.ndim - 1, size=size, step=step)
    for w in weights:
        frames, w = common(frames, edged(w, widths=[(around[0], around[1])], mode="constant"))
        frames = frames * w
    kind = "r2c" if half else "c2c"
    axes, sizes = (frames.ndim - 1,), (size,)
    return swapped(fourier.transform(frames, kind=kind, axes=axes, sizes=sizes, inverse=False, factor=factor))


def signal(
    x: Value, weights: Value, *, size: int, step: int, around: Sequence[int], start: int, length: int, half: bool,
    factor: float,
) -> Value:  # fmt: skip
    """The signal whose ``spectra`` are nearest: windows added up where they overlap, over the sum of squared weights.

    Of it ``length`` elements from ``start`` on, zeros behind its end. (Griffin, Lim, 1984.)
    """
    kind, axes = "c2r" if half else "c2c", (x.ndim - 1,)
    frames = fourier.transform(swapped(x), kind=kind, axes=axes, sizes=(size,), inverse=True, factor=factor)
    frames, w = common(frames, edged(weights, widths=[(around[0], around[1])], mode="constant"))
    count = frames.shape[-2]
    squares = move.broadcast_to(w * w, shape=(count, size))
    total, norm = overlapped(frames * w, step), overlapped(squares, step)
    kept = min(length, total.shape[-1] - start)
    ans = part(total, total.ndim - 1, start, kept) / part(norm, 0, start, kept)
    return padded(ans, [(0, length - kept)]) if kept < length else ans


def overlapped(frames: Value, step: int) -> Value:
    """The sum of frames (…, n, size) of which each begins ``step`` elements behind the one before."""
    *before, n, size = frames.shape
    blocks, axis = -(-size // step), frames.ndim - 1
    frames = padded(frames, [(0, blocks * step - size)])
    total: Value | None = None
    for k in range(blocks):
        later = padded(part(frames, axis, k * step, step), [(k, blocks - 1 - k), (0, 0)])
        total = later if total is None else total + later
    assert total is not None
    flat = shaped(total, (*before, (n + blocks - 1) * step))
    return part(flat, flat.ndim - 1, 0, size + step * (n - 1))
