"""Scans by spans: their meaning in NumPy, their shape rule, and the steps that the compiler parts long ones into.

Spans of SPAN elements are scanned on their own, then their totals; each result is the total of the spans before,
combined with that of its own span. A recurrence begins anew in each span from the result before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ops.batching import shift_axes
from tenure.ops.declare import claim, interval, primitive
from tenure.ops.lowering import Scan
from tenure.ops.order import COLUMNS, ROWS, SPAN, extent

Params = Any


def inside(dtype: DType, operation: str) -> DType:
    """The dtype in which a scan computes."""
    wide = dtype.is_floating and dtype.itemsize < 8 and operation not in ("max", "min")
    return dtypes.float64 if wide else dtype


def spans(n: int) -> int:
    """The number of spans of an axis."""
    return -(-n // SPAN)


def parted(shape: tuple[int, ...], axis: int) -> bool:
    """Whether scans are parted into spans: long ones, of which there are few. Columns go in vectors."""
    outer, n, inner = extent(shape, (axis,))
    return n > SPAN and outer * inner < (ROWS if inner == 1 else COLUMNS)


# -- the meaning


def neutral(operation: str, dtype: Any) -> Any:
    """The element that changes no other."""
    if operation in ("add", "recurrence"):
        return dtype.type(-0.0) if dtype.kind == "f" else 0
    if operation == "multiply":
        return 1
    low = operation == "max"
    if dtype.kind == "f":
        return float("-inf") if low else float("inf")
    if dtype.kind == "b":
        return not low
    limits = dtypes.iinfo(dtypes.as_dtype(dtype))
    return limits.min if low else limits.max


class Meaning:
    """A scan in NumPy, of arrays (rows, n) in the order of the scan."""

    def __init__(self, np: Any, operation: str, dtype: Any) -> None:
        self.np, self.operation, self.dtype = np, operation, dtype
        self.neutral = neutral(operation, dtype)

    def combined(self, x: Any, y: Any) -> Any:
        """Elements before, combined with those behind; of equal extremes the latter."""
        if self.operation == "max":
            return self.np.where((x > y) | (x != x), x, y)
        if self.operation == "min":
            return self.np.where((x < y) | (x != x), x, y)
        return (self.np.add if self.operation == "add" else self.np.multiply)(x, y)

    def chain(self, xs: Sequence[Any], start: Any = None) -> Any:
        """One element after the other along the last axis."""
        if self.operation in ("add", "multiply"):
            fold = self.np.add if self.operation == "add" else self.np.multiply
            return fold.accumulate(xs[0], axis=-1, dtype=self.dtype)
        out = self.np.empty_like(xs[0])
        held = self.np.full(out.shape[:-1], self.neutral, self.dtype) if start is None else start
        for k in range(out.shape[-1]):
            x = [y[..., k] for y in xs]
            held = out[..., k] = x[0] * held + x[1] if self.operation == "recurrence" else self.combined(held, x[0])
        return out

    def before(self, x: Any, start: Any = None) -> Any:
        """The result before each element of a chain."""
        first = self.np.full((*x.shape[:-1], 1), self.neutral, self.dtype) if start is None else start[..., None]
        return self.np.concatenate([first, x[..., :-1]], -1)

    def parted(self, x: Any) -> Any:
        """Rows in spans, neutral elements behind the last."""
        rows, n = x.shape
        fill = self.np.full((rows, -n % SPAN), 0 if self.operation == "recurrence" else self.neutral, self.dtype)
        return self.np.concatenate([x, fill], 1).reshape(rows, spans(n), SPAN)

    def totals(self, xs: Sequence[Any]) -> Any:
        """The last result of each span."""
        n = xs[0].shape[-1]
        if n == 0:
            return self.np.zeros((len(xs[0]), 0), self.dtype)
        found = self.chain([self.parted(x) for x in xs])
        last = found[..., -1]
        last[:, -1] = found[:, -1, (n - 1) % SPAN]
        return last

    def onward(self, xs: Sequence[Any], starts: Any, exclusive: bool) -> Any:
        """All results from the starts of the spans on."""
        rows, n = xs[0].shape
        if n == 0:
            return self.np.zeros((rows, 0), self.dtype)
        parts = [self.parted(x) for x in xs]
        if self.operation == "recurrence":
            found = self.chain(parts, starts)
            found = self.before(found, starts) if exclusive else found
        else:
            local = self.chain(parts)
            found = self.combined(starts[..., None], self.before(local) if exclusive else local)
        return found.reshape(rows, spans(n) * SPAN)[:, :n]

    def starts(self, xs: Sequence[Any]) -> Any:
        """The result before each span."""
        totals = [self.totals(xs)]
        if self.operation == "recurrence":
            totals.insert(0, Meaning(self.np, "multiply", self.dtype).totals(xs[:1]))
        return self.before(self.chain(totals))


def meaning(operation: str, part: str) -> Callable[..., Any]:
    """The meaning of a part of a scan, along any axis."""

    def ref(np: Any, *xs: Any, axis: int, reverse: bool = False, exclusive: bool = False) -> Any:
        source = xs[0].dtype
        dtype = inside(dtypes.as_dtype(source), operation).numpy
        m = Meaning(np, operation, dtype)
        moved = [np.moveaxis(x, axis, -1).astype(dtype) for x in xs]
        rows = [x.reshape(-1, x.shape[-1]) if x.size else x.reshape(0, x.shape[-1]) for x in moved]
        data = rows[:-1] if part == "onward" else rows
        data = [x[:, ::-1] if reverse else x for x in data]
        if part == "serial":
            found = m.chain(data)
            found = m.before(found) if exclusive else found
        elif part == "totals":
            found = m.totals(data)
        else:
            found = m.onward(data, rows[-1] if part == "onward" else m.starts(data), exclusive)
        found = found[:, ::-1] if reverse and part != "totals" else found
        found = found.reshape(*moved[0].shape[:-1], found.shape[-1])
        result = dtype if part == "totals" else source
        return np.array(np.moveaxis(found, -1, axis), result, order="C")

    return ref


# -- the shape rule


def scan_aval(name: str, operation: str, part: str, kinds: str) -> Callable[..., Aval]:
    def rule(*xs: Aval, axis: int, reverse: bool = False, exclusive: bool = False) -> Aval:
        x = xs[0]
        data = xs[:-1] if part == "onward" else xs
        for y in data:
            claim(name, y.dtype, kinds)
            if y.dtype is not x.dtype:
                raise DTypeError(f"{name}: operands of dtypes {x.dtype.name} and {y.dtype.name} need a cast")
            if y.shape != x.shape:
                raise ShapeError(f"{name}: operands of shapes {list(x.shape)} and {list(y.shape)}")
        parts = (*x.shape[:axis], spans(x.shape[axis]), *x.shape[axis + 1 :])
        if part == "onward" and xs[-1] != Aval(parts, inside(x.dtype, operation)):
            raise ShapeError(f"{name}: {xs[-1]} for the starts of spans of {x}")
        return Aval(parts, inside(x.dtype, operation)) if part == "totals" else Aval(x.shape, x.dtype)

    return rule


SHAPES: tuple[tuple[tuple[int, ...], int], ...] = (
    ((2, 3, 2), 1),
    ((5,), 0),
    ((9, 9), 1),
    ((2, 0), 1),
    ((SPAN + 3,), 0),
)
WAYS: tuple[Params, ...] = ({"reverse": False}, {"reverse": True})
FORMS: tuple[Params, ...] = tuple([{**way, "exclusive": excluded} for excluded in (False, True) for way in WAYS])


def samples_of(arity: int, domain: Any, choices: Sequence[Params], shapes: Any = SHAPES) -> Callable[..., Any]:
    """Samples of shapes, the ways in turn."""

    def samples(rng: Any, dtype: DType) -> Any:
        for k, (shape, axis) in enumerate(shapes):
            params = choices[k % len(choices)]
            yield tuple([domain(rng, shape, dtype) for _ in range(arity)]), {"axis": axis, **params}

    return samples


# -- steps of long scans


class Steps(NamedTuple):
    """A scan in three steps: the totals of spans, each of so many operands (of a recurrence first the products of its
    factors); the scan of these in one chain, which gives what comes before each span; the scan of each span from
    there on."""

    totals: tuple[tuple[Primitive, int], ...]
    serial: Primitive
    onward: Primitive


def _part(of: Primitive, part: str) -> Primitive:
    lower: Any = of.lower
    name, operation, arity = f"{of.name}_{part}", lower.operation, 1 if of.argnums else 2
    made = scan_aval(name, operation, part, of.dtypes)

    def samples(rng: Any, dtype: DType) -> Any:
        ways = WAYS if part == "totals" else FORMS
        for k, (shape, axis) in enumerate((((2, SPAN + 1, 3), 1), ((SPAN + 3,), 0), ((5,), 0), ((9, 9), 1))):
            xs = [interval(-1, 1)(rng, shape, dtype) for _ in range(arity)]
            if part == "onward":
                counts = (*shape[:axis], spans(shape[axis]), *shape[axis + 1 :])
                xs.append(interval(-1, 1)(rng, counts, inside(dtype, operation)))
            yield tuple(xs), {"axis": axis, **ways[k % len(ways)]}

    return primitive(
        name,
        lower=Scan(operation, part),
        batch=shift_axes("axis"),
        aval=made,
        ref=meaning(operation, part),
        vjp=NOT_DIFFERENTIABLE,
        jvp=NOT_DIFFERENTIABLE,
        argnums=(),
        dtypes=of.dtypes,
        samples=samples,
    )


def steps_of(of: Primitive, *more: tuple[Primitive, int]) -> Steps:
    """The steps of a scan, declared: the compiler makes them, from gradients' programs too, so they have no
    derivative."""
    return Steps((*more, (_part(of, "totals"), 1 + len(more))), _part(of, "serial"), _part(of, "onward"))
