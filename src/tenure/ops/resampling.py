"""Resampling in primitives: elements of an axis as sums of a few others, each with a weight; blocks and windows.

    taps x index weights       Σ_t x[index_t] · weights_t along an axis
"""

from __future__ import annotations

from math import prod

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError
from tenure.ir.program import Value
from tenure.ops import advanced, move, pointwise, promote, rounding
from tenure.ops.index import getitem
from tenure.ops.rearrange import ordered, shaped
from tenure.ops.windows import counts, overlap, padded, windows

Sizes = tuple[int, ...]


def taken(x: Value, index: Value, axis: int) -> Value:
    """The elements of x at indices along an axis."""
    spec = tuple(["a" if a == axis else ":" for a in range(x.ndim)])
    return advanced.gather(x, index, spec=spec, at=axis, unique=False)


def nearest(x: Value, *tables: Value) -> Value:
    """x at indices along each of the last axes."""
    for k, index in enumerate(tables):
        x = taken(x, index, x.ndim - len(tables) + k)
    return x


def weighed(x: Value, *tables: Value, name: str) -> Value:
    """Weighted sums along each of the last axes; of each there are the indices (taps, n) and the weights. Bytes are
    rounded after each axis, to the nearest from 0 to 255."""
    whole = x.dtype is dtypes.uint8
    x = promote.as_type(x, dtypes.float32) if whole else x
    if not x.dtype.is_floating:
        raise DTypeError(f"{name} is not defined for {x.dtype.name}", help="cast first: x.float()")
    n = len(tables) // 2
    for k in reversed(range(n)):
        axis, (index, weights) = x.ndim - n + k, tables[2 * k : 2 * k + 2]
        total: Value | None = None
        for t in range(index.shape[0]):
            scale = shaped(_row(weights, t), (index.shape[1], *[1] * (x.ndim - 1 - axis)))
            term = pointwise.multiply(taken(x, _row(index, t), axis), promote.as_type(scale, x.dtype))
            total = term if total is None else pointwise.add(total, term)
        assert total is not None
        x = _as_bytes(total) if whole else total
    return promote.as_type(x, dtypes.uint8) if whole else x


def _as_bytes(x: Value) -> Value:
    return pointwise.minimum(pointwise.maximum(rounding.round(x), x.coerce(0)), x.coerce(255))


def _row(x: Value, k: int) -> Value:
    return getitem(x, x.builder.constant(k, dtypes.int64), spec=("i", ":"))


def unfolded(x: Value, *, sizes: Sizes, steps: Sizes, widths: Sizes, gaps: Sizes) -> Value:
    """The windows over the last axes as columns: (N, C · window, windows)."""
    seen = padded(x, [(n, n) for n in widths])
    if min(counts(seen.shape[2:], sizes, steps, gaps), default=1) < 1:
        wide = [g * (k - 1) + 1 for k, g in zip(sizes, gaps, strict=True)]
        raise ShapeError(f"unfold: a window of {wide} does not fit into {list(seen.shape[2:])}, the padded input")
    every = windows(seen, sizes=sizes, steps=steps, gaps=gaps)
    n = len(sizes)
    return shaped(every, (x.shape[0], x.shape[1] * prod(sizes), prod(every.shape[2 + n :])))


def folded(x: Value, *, shape: Sizes, sizes: Sizes, steps: Sizes, widths: Sizes, gaps: Sizes) -> Value:
    """Columns (N, C · window, windows), each element added at its place: the transpose of ``unfolded``."""
    whole = tuple([n + 2 * w for n, w in zip(shape, widths, strict=True)])
    found, window = counts(whole, sizes, steps, gaps), prod(sizes)
    if min(found) < 1 or x.shape[1] % window or x.shape[2] != prod(found):
        raise ShapeError(
            f"fold: an input of shape {list(x.shape)}, where windows of {list(sizes)} elements over {list(shape)} are "
            f"(N, C · {window}, {prod(max(k, 0) for k in found)})"
        )
    if x.dtype.kind == "b":
        raise DTypeError("fold is not defined for bool")
    apart = shaped(x, (x.shape[0], x.shape[1] // window, *sizes, *found))
    return padded(overlap(apart, shape=whole, steps=steps, gaps=gaps), [(-w, -w) for w in widths])


def shuffled(x: Value, *, factor: int, back: bool) -> Value:
    """Channels as blocks of the image, (…, C r², H, W) to (…, C, H r, W r), or ``back``."""
    r, lead, (c, h, w) = factor, x.shape[:-3], x.shape[-3:]
    n = len(lead)
    axes = tuple(range(n))
    if back:
        apart = shaped(x, (*lead, c, h // r, r, w // r, r))
        turned = ordered(apart, (*axes, n, n + 2, n + 4, n + 1, n + 3))
        return shaped(turned, (*lead, c * r * r, h // r, w // r))
    apart = shaped(x, (*lead, c // (r * r), r, r, h, w))
    return shaped(ordered(apart, (*axes, n, n + 3, n + 1, n + 4, n + 2)), (*lead, c // (r * r), h * r, w * r))


def interleaved(x: Value, *, groups: int) -> Value:
    """The channels of groups, the first of each group in front."""
    apart = shaped(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    return move.reshape(ordered(apart, (0, 2, 1, *range(3, apart.ndim))), shape=x.shape)
