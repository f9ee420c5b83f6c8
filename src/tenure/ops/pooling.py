"""Pooling over the last axes in primitives: largest elements with their places, sums and averages.

A maximum over windows of several axes is one along each axis after the other, from the last: the first of equal
elements in C order wins, as in PyTorch, whose gradient goes to that one alone. ``spans`` say where along an axis
windows begin, how long they are and what is from one element to the next.
"""

from __future__ import annotations

from math import inf, prod
from typing import NamedTuple

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError
from tenure.ir.program import Value
from tenure.ops import advanced, division, move, pointwise, promote, reduce
from tenure.ops.index import getitem, take_along
from tenure.ops.select import counting
from tenure.ops.windows import padded, window_sums, windows

Sizes = tuple[int, ...]
FEW = 25
"""Elements of a window up to which they are read one by one for its sum."""


class Span(NamedTuple):
    """Windows along an axis: their number, elements, steps, gaps, and the padding before and behind.

    ``whole`` is the size that they divide, as evenly as they can, where windows differ (adaptive pooling); 0 else.
    """

    number: int
    size: int
    step: int
    gap: int
    before: int
    behind: int
    whole: int = 0

    @property
    def longest(self) -> int:
        """Elements of the longest window, at most."""
        return -(-self.whole // self.number) + (self.whole % self.number > 0) if self.whole else self.size


def regular(name: str, n: int, size: int, step: int, gap: int, padding: int, ceil: bool) -> Span:
    """Windows of one size along an axis of n elements, as PyTorch counts them."""
    if 2 * padding > size:
        raise ShapeError(f"{name}: padding {padding} is at most half of the window, {size}")
    room = n + 2 * padding - gap * (size - 1) - 1
    count = (room + (step - 1 if ceil else 0)) // step + 1
    if ceil and (count - 1) * step >= n + padding:
        count -= 1
    if (room < 0 and not (ceil and count > 0)) or count < 1:
        raise ShapeError(f"{name}: a window of {gap * (size - 1) + 1} does not fit into {n + 2 * padding} elements")
    behind = max(padding, (count - 1) * step + gap * (size - 1) + 1 - n - padding)
    return Span(count, size, step, gap, padding, behind)


def elements(x: Value, axis: int, span: Span, k: int) -> Value:
    """Element k of each window along an axis; of a shorter one that has none its last."""
    if span.whole:
        at = _divided(x, span, k)
        spec = tuple(["a" if a == axis else ":" for a in range(x.ndim)])
        return advanced.gather(x, at, spec=spec, at=axis, unique=False)
    start = x.builder.constant(k * span.gap, dtypes.int64)
    return getitem(x, start, spec=tuple([(span.number, span.step) if a == axis else ":" for a in range(x.ndim)]))


def _divided(x: Value, span: Span, k: int) -> Value:
    """The places of element k of windows that divide an axis."""
    i = counting(x, span.number, 0, 1)
    whole, count = i.coerce(span.whole), i.coerce(span.number)
    start = division.floor_divide(i * whole, count)
    end = division.floor_divide((i + 1) * whole + (span.number - 1), count)
    return pointwise.minimum(start + k, end - 1)


def largest(x: Value, *, spans: tuple[Span, ...]) -> tuple[Value, Value]:
    """The largest element of each window, NaN if there is one, and its place among the elements of the last axes."""
    if x.dtype.kind in "bc":
        raise DTypeError(f"max_pool is not defined for {x.dtype.name}")
    first, shape = x.ndim - len(spans), x.shape[x.ndim - len(spans) :]
    best, place = promote.stop(x), _places(x, len(spans))
    low = -inf if x.dtype.is_floating else dtypes.iinfo(x.dtype).min
    for k in reversed(range(len(spans))):
        best, place = _along(best, place, first + k, spans[k], low)
    place = promote.as_type(place, dtypes.int64)
    if not x.builder.tracked[x.id]:
        return _values(x, spans, low), place
    flat = move.reshape(x, shape=(*x.shape[:first], prod(shape)))
    counts = tuple([span.number for span in spans])
    index = move.reshape(place, shape=(*x.shape[:first], prod(counts)))
    return move.reshape(take_along(flat, index), shape=place.shape), place


def _places(x: Value, n: int) -> Value:
    """0, 1, 2, … over the last axes, spread over the others, in as few bits as do."""
    shape = x.shape[x.ndim - n :]
    places = promote.as_type(counting(x, prod(shape), 0, 1), dtypes.int32 if prod(shape) < 1 << 31 else dtypes.int64)
    return move.broadcast_to(move.reshape(places, shape=shape), shape=x.shape)


def _along(x: Value, place: Value, axis: int, span: Span, low: float) -> tuple[Value, Value]:
    """The largest along one axis, and its place."""
    edges = [(0, 0)] * x.ndim
    if not span.whole:
        edges[axis] = (span.before, span.behind)
    x, place = padded(x, edges, low), padded(place, edges, -1)
    best, where = (elements(v, axis, span, 0) for v in (x, place))
    for k in range(1, span.longest):
        other, there = (elements(v, axis, span, k) for v in (x, place))
        better = pointwise.logical_or(_better(other, best), pointwise.less(where, where.coerce(0)))
        better = pointwise.logical_and(better, pointwise.greater_equal(there, there.coerce(0)))
        best, where = pointwise.where(better, other, best), pointwise.where(better, there, where)
    return best, where


def _better(x: Value, y: Value) -> Value:
    """Whether x is larger than y, or NaN where y is not."""
    larger: Value = pointwise.greater(x, y)
    if x.dtype.is_floating:
        larger = pointwise.logical_or(larger, pointwise.logical_and(pointwise.isnan(x), pointwise.equal(y, y)))
    return larger


def _values(x: Value, spans: tuple[Span, ...], low: float) -> Value:
    """The largest elements alone: what lies beside the axes is the smallest number, and none of them unless all are."""
    first = x.ndim - len(spans)
    for k in reversed(range(len(spans))):
        edges = [(0, 0)] * x.ndim
        if not spans[k].whole:
            edges[first + k] = (spans[k].before, spans[k].behind)
        wide = padded(x, edges, low)
        x = elements(wide, first + k, spans[k], 0)
        for n in range(1, spans[k].longest):
            other = elements(wide, first + k, spans[k], n)
            x = pointwise.where(_better(other, x), other, x)
    return x


def averages(x: Value, *, spans: tuple[Span, ...], counted: bool, divisor: int) -> Value:
    """The sums of windows by the number of their elements: with their padding (``counted``), without, or by another."""
    first = x.ndim - len(spans)
    for k in reversed(range(len(spans))):
        if spans[k].whole:
            x = _shared(x, first + k, spans[k])
    spans = tuple([Span(s.number, 1, 1, 1, 0, 0) if s.whole else s for s in spans])
    if all(s.size == 1 and s.step == 1 and not (s.before or s.behind) for s in spans) and not divisor:
        return x if x.dtype.has_gradient else promote.floating(x)
    total = sums(x, spans)
    return total / (divisor * 1.0) if divisor else total / _counts(total, x.shape[first:], spans, counted)


def sums(x: Value, spans: tuple[Span, ...]) -> Value:
    """The sums of windows; of one that is all there is, over its axes as they lie."""
    x = x if x.dtype.has_gradient else promote.floating(x)
    n = len(spans)
    if all(s.number == 1 and s.size == size and not s.before for s, size in zip(spans, x.shape[-n:], strict=True)):
        total = reduce.reduce_sum(x, axes=tuple(range(x.ndim - n, x.ndim)))
        return move.reshape(total, shape=(*total.shape, *[1] * n))
    wide = padded(x, [(s.before, s.behind) for s in spans])
    few = x.dtype.kind == "f" and prod(_of(spans, "size")) <= FEW
    of = window_sums if few else windows
    seen = of(wide, sizes=_of(spans, "size"), steps=_of(spans, "step"), gaps=_of(spans, "gap"))
    cut = seen.shape[: seen.ndim - n] + _of(spans, "number")
    spec = (*[":"] * (seen.ndim - n), *[(span.number, 1) for span in spans])
    if cut != seen.shape:
        seen = getitem(seen, *[x.builder.constant(0, dtypes.int64)] * n, spec=spec)
    return seen if few else reduce.reduce_sum(seen, axes=tuple(range(seen.ndim - 2 * n, seen.ndim - n)))


def _of(spans: tuple[Span, ...], name: str) -> Sizes:
    return tuple([getattr(span, name) for span in spans])


def _shared(x: Value, axis: int, span: Span) -> Value:
    """The averages along an axis of windows that divide it."""
    x = x if x.dtype.has_gradient else promote.floating(x)
    shape = tuple([span.number if a == axis else 1 for a in range(x.ndim)])
    i = counting(x, span.number, 0, 1)
    start = division.floor_divide(i * i.coerce(span.whole), i.coerce(span.number))
    end = division.floor_divide((i + 1) * i.coerce(span.whole) + (span.number - 1), i.coerce(span.number))
    length = move.reshape(end - start, shape=shape)
    total = elements(x, axis, span, 0)
    for k in range(1, span.longest):
        part = elements(x, axis, span, k)
        total = total + pointwise.where(pointwise.greater(length, length.coerce(k)), part, part.coerce(0))
    return pointwise.divide(total, promote.as_type(length, total.dtype))


def _counts(like: Value, shape: Sizes, spans: tuple[Span, ...], counted: bool) -> Value:
    """The number of elements of each window."""
    found: Value | None = None
    for k, (n, span) in enumerate(zip(shape, spans, strict=True)):
        i = counting(like, span.number, 0, 1)
        start = i * span.step - span.before
        most = n + (span.before if counted else 0)
        end = pointwise.minimum(start + span.size, i.coerce(most))
        begin = start if counted else pointwise.maximum(start, i.coerce(0))
        length = move.reshape(end - begin, shape=tuple([span.number if a == k else 1 for a in range(len(spans))]))
        found = length if found is None else pointwise.multiply(found, length)
    assert found is not None
    return promote.as_type(found, like.dtype)


def unpooled(x: Value, place: Value, *, shape: Sizes) -> Value:
    """Zeros of a shape but for the elements of x, each at its place among the last axes."""
    first = x.ndim - len(shape)
    lead, count = x.shape[:first], prod(x.shape[first:])
    flat, index = move.reshape(x, shape=(*lead, count)), move.reshape(place, shape=(*lead, count))
    base = x.builder.full((*lead, prod(shape)), 0, x.dtype)
    rows = [counting(x, n, k, first + 1) for k, n in enumerate(lead)]
    spec = ("a",) * (first + 1)
    filled = advanced.scatter(base, flat, *rows, index, spec=spec, at=0, unique=False)
    return move.reshape(filled, shape=(*lead, *shape))
