"""Edges around the last axes in primitives: numbers, or elements from within."""

from __future__ import annotations

from collections.abc import Sequence

from tenure.errors import ShapeError
from tenure.ir.program import Value
from tenure.ops import advanced, pointwise
from tenure.ops.select import counting
from tenure.ops.windows import padded

Widths = Sequence[tuple[int, int]]


def edged(x: Value, *, widths: Widths, mode: str, value: float = 0.0) -> Value:
    """x with so many elements before and behind along its last axes; negative numbers crop.

    They are a number ("constant"), the elements next to the edge, mirrored in it ("reflect"), the edge ("replicate") or
    those of the other end ("circular"), of which what is cut off is none.
    """
    if mode in ("constant", "circular"):
        x = padded(x, [(min(lo, 0), min(hi, 0)) for lo, hi in widths])
        widths = [(max(lo, 0), max(hi, 0)) for lo, hi in widths]
    if mode == "constant":
        return padded(x, widths, value)
    first = x.ndim - len(widths)
    for axis, (lo, hi) in enumerate(widths, first):
        if lo or hi:
            x = advanced.gather(x, _places(x, axis, lo, hi, mode), spec=_along(x, axis), at=axis, unique=False)
    return x


def _along(x: Value, axis: int) -> tuple[str, ...]:
    return tuple(["a" if k == axis else ":" for k in range(x.ndim)])


def _places(x: Value, axis: int, lo: int, hi: int, mode: str) -> Value:
    """The places along an axis of the padded one's elements."""
    n = x.shape[axis]
    most = {"reflect": n - 1, "replicate": n and max(lo, hi), "circular": n}[mode]
    if max(lo, hi) > most or n + lo + hi < 0:
        raise ShapeError(
            f"pad: {max(lo, hi)} elements around axis {axis} of size {n} in mode {mode!r}: there are {most}"
        )
    at = counting(x, n + lo + hi, 0, 1) - lo
    zero, end = at.coerce(0), at.coerce(n - 1)
    if mode == "replicate":
        return pointwise.minimum(pointwise.maximum(at, zero), end)
    if mode == "reflect":
        return end - pointwise.absolute(end - pointwise.absolute(at))
    before = pointwise.where(pointwise.less(at, zero), at + n, at)
    return pointwise.where(pointwise.greater(before, end), before - n, before)
