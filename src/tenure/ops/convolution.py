"""Convolution in primitives: windows of the input as columns of a matrix, and one product with the weights.

``x`` is (batch, channels, *shape), ``w`` (out, channels / groups, *sizes). In the transposed form ``w`` is (channels,
out / groups, *sizes), and the columns that a product gives are added up where they overlap. Both are linear in each
operand, so their derivatives are products and windows again.

Source: V. Dumoulin, F. Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from tenure.errors import DTypeError, ShapeError
from tenure.ir.program import Value
from tenure.ops import contract, convolving, move, pointwise, reduce
from tenure.ops.promote import common
from tenure.ops.rearrange import ordered, shaped
from tenure.ops.windows import counts, overlap, padded, windows

Sizes = tuple[int, ...]
Widths = tuple[tuple[int, int], ...]


class Form(NamedTuple):
    """The form of a convolution: elements from window to window, zeros around, elements from one to the next in a
    window, groups of channels."""

    steps: Sizes
    widths: Widths
    gaps: Sizes
    groups: int


def convolution(
    x: Value, w: Value, bias: Value | None = None, *, steps: Sizes, widths: Widths, gaps: Sizes, groups: int, name: str
) -> Value:
    """Σ over the channels of a group and over a window of x · w, and the bias of the channel."""
    x, w = checked(name, x, w, bias, len(steps), groups, w.shape[1] * groups if w.ndim > 1 else 0, w.shape[:1])
    n, sizes = len(steps), w.shape[2:]
    seen = tuple([m + lo + hi for m, (lo, hi) in zip(x.shape[2:], widths, strict=True)])
    found = counts(seen, sizes, steps, gaps)
    if min(found, default=1) < 1:
        raise ShapeError(
            f"{name}: a window of {[g * (k - 1) + 1 for k, g in zip(sizes, gaps, strict=True)]} does not fit into "
            f"{list(seen)}, the input with its padding"
        )
    if native(x):
        lows = tuple([low for low, _ in widths])
        ans = convolving.convolve(x, w, shape=found, steps=steps, gaps=gaps, lows=lows, groups=groups)
        return ans if bias is None else _shifted(ans, bias)
    every = windows(padded(x, widths), sizes=sizes, steps=steps, gaps=gaps)
    if prod(sizes) == groups == 1:
        whole = shaped(every, (x.shape[0], w.shape[1], prod(found)))
        ans = shaped(contract.product(shaped(w, w.shape[:2]), whole), (x.shape[0], w.shape[0], *found))
    elif w.shape[1] == 1:
        ans = _by_channel(every, w, n)
    else:
        columns = _columns(every, n, groups)
        rows = shaped(w, (groups, w.shape[0] // groups, prod(w.shape[1:])))
        ans = _rows_of(contract.product(rows, columns), (w.shape[0], x.shape[0], *found))
    return ans if bias is None else _shifted(ans, bias)


def transposed(
    x: Value, w: Value, bias: Value | None = None, *, steps: Sizes, widths: Widths, more: Sizes, gaps: Sizes,
    groups: int, name: str,
) -> Value:  # fmt: skip
    """The transpose of a convolution: each element of x spread over a window, times w, and the bias of the channel.
    ``widths`` are cut off, ``more`` is added behind."""
    x, w = checked(
        name, x, w, bias, len(steps), groups, w.shape[0] if w.ndim else 0, [w.shape[1] * groups] if w.ndim > 1 else []
    )
    n, batch, sizes, out = len(steps), x.shape[0], w.shape[2:], w.shape[1] * groups
    every = zip(x.shape[2:], sizes, steps, gaps, widths, more, strict=True)
    found = tuple([(m - 1) * s + g * (k - 1) + 1 - lo - hi + add for m, k, s, g, (lo, hi), add in every])
    if min(found) < 1:
        raise ShapeError(
            f"{name}: padding {[lo for lo, _ in widths]} leaves a result of {list(found)} elements along the axes"
        )
    if native(x):
        lows = tuple([low for low, _ in widths])
        ans = convolving.spread(x, w, shape=found, steps=steps, gaps=gaps, lows=lows, groups=groups)
        return ans if bias is None else _shifted(ans, bias)
    per = w.shape[0] // groups
    rows = shaped(w, (groups, per, prod(w.shape[1:])))
    flat = shaped(ordered(x, (1, 0, *range(2, n + 2))), (groups, per, batch * prod(x.shape[2:])))
    columns = contract.product(ordered(rows, (0, 2, 1)), flat)
    apart = shaped(columns, (out, *sizes, batch, *x.shape[2:]))
    apart = ordered(apart, (n + 1, 0, *range(1, n + 1), *range(n + 2, 2 * n + 2)))
    axes = zip(x.shape[2:], sizes, steps, gaps, strict=True)
    whole = tuple([(s - 1) * step + gap * (k - 1) + 1 for s, k, step, gap in axes])
    ans = overlap(apart, shape=whole, steps=steps, gaps=gaps)
    ans = padded(ans, tuple([(-lo, extra - hi) for (lo, hi), extra in zip(widths, more, strict=True)]))
    return ans if bias is None else _shifted(ans, bias)


def native(x: Value) -> bool:
    """Whether the primitives of convolution (``ops.convolving``) take its dtype."""
    return x.dtype.kind in "fhc"


def checked(
    name: str, x: Value, w: Value, bias: Value | None, n: int, groups: int, channels: int, out: Sequence[int]
) -> list[Value]:
    """x and w in one dtype; TN802 where shapes do not fit together."""
    if x.ndim != n + 2 or w.ndim != n + 2:
        raise ShapeError(
            f"{name}: an input of shape {list(x.shape)} and weights of shape {list(w.shape)}: both have {n + 2} axes, "
            f"(batch, channels, …) and (channels, channels, …)"
        )
    if x.shape[1] != channels:
        raise ShapeError(
            f"{name}: the input of shape {list(x.shape)} has {x.shape[1]} channels, and weights of shape "
            f"{list(w.shape)} with groups={groups} take {channels}"
        )
    if w.shape[0] % groups:
        raise ShapeError(f"{name}: {w.shape[0]} channels, the weights' first axis, are no multiple of {groups} groups")
    if bias is not None and bias.shape != tuple(out):
        raise ShapeError(f"{name}: a bias of shape {list(bias.shape)} for {out[0]} channels")
    if min(w.shape[2:]) < 1:
        raise ShapeError(f"{name}: weights of shape {list(w.shape)} have a window of no elements")
    x, w = common(x, w)
    if x.dtype.kind == "b":
        raise DTypeError(f"{name} is not defined for bool", help="cast to a number: x.float()")
    return [x, w]


def _columns(every: Value, n: int, groups: int) -> Value:
    """(groups, channels · window, batch · windows) of windows (batch, channels, *sizes, *counts)."""
    turned = ordered(every, (*range(1, n + 2), 0, *range(n + 2, 2 * n + 2)))
    channels, window = turned.shape[0], prod(turned.shape[1 : n + 1])
    return shaped(turned, (groups, channels // groups * window, prod(turned.shape[n + 1 :])))


def _rows_of(product: Value, shape: Sizes) -> Value:
    """(batch, channels, …) of (groups, channels / groups, batch · …)."""
    return ordered(shaped(product, shape), (1, 0, *range(2, len(shape))))


def _by_channel(every: Value, w: Value, n: int) -> Value:
    """Of groups of one channel: a sum over each window for itself, without a matrix."""
    batch, channels, found = every.shape[0], every.shape[1], every.shape[n + 2 :]
    several = w.shape[0] // channels
    weights = shaped(w, (channels, several, *w.shape[2:], *[1] * n))
    terms = pointwise.multiply(shaped(every, (batch, channels, 1, *every.shape[2:])), weights)
    total = reduce.reduce_sum(terms, axes=tuple(range(3, 3 + n)))
    return shaped(total, (batch, w.shape[0], *found))


def _shifted(x: Value, bias: Value) -> Value:
    x, bias = common(x, bias)
    return pointwise.add(x, move.reshape(bias, shape=(1, bias.shape[0], *[1] * (x.ndim - 2))))
