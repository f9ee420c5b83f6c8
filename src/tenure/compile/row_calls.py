"""Calls of generic functions that an operation on known avals becomes: the rows of a table, but for their places.

    exp float32[4, 5]                       exp of rank 1, on 20 elements
    add float32[3, 5] float32[5]            add of ranks 2 and 1
    permute float32[3, 5] order=(1, 0)      a copy with other strides
    concat float32[2, 3] float32[1, 3]      a copy for each operand

``CallWriter`` is the writer that kinds of lowering are emitted with here, in place of that of a kernel. All operands
and results are in C order, and neighbouring axes are one axis where that changes nothing: so few functions serve all
shapes. What has no generic function is refused with InternalError: the operation is then computed in Python.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from math import prod
from struct import pack, unpack
from typing import Any, NamedTuple

from tenure.compile.generic_library import Function, function
from tenure.compile.index import Affine, Unseen, loop, strides
from tenure.compile.jit import engine
from tenure.compile.late import late
from tenure.compile.routines import emitter, of_library
from tenure.compile.symbolic import Tracer
from tenure.dtypes import DType
from tenure.errors import InternalError
from tenure.ir.aval import Aval
from tenure.ir.extents import Lost, called, symbolic
from tenure.ir.kind import Cost
from tenure.ir.primitive import Primitive
from tenure.ir.program import Program
from tenure.ops.order import extent, runs
from tenure.ops.scan import STEPS
from tenure.ops.spans import inside, parted, spans
from tenure.runtime.blas import available
from tenure.runtime.table_plan import RESULT, TEMP
from tenure.runtime.tiles import Product, any_layout, tiling

__all__ = ["Call", "CallWriter", "check", "copy"]

ALIGN = 64
NUMBER, HEAVY, TERM, SCANNED = 35, 250, 20, 500
"""Picoseconds, whole ones for the sake of symbols (``records``), for a number read or written, for an elementary
function, for a term of a product, and for an element of a scan."""
ONE = unpack("q", pack("d", 1.0))[0]
"""The word of 1.0."""
Shape = tuple[int, ...]
Axes = Sequence[tuple[int, int, int]]


class Call(NamedTuple):
    """A function, the time it takes in picoseconds, its numbers, and the spots of its buffers."""

    function: Function
    work: int
    numbers: Sequence[int]
    spots: tuple[int, ...]

    def words(self) -> array[int]:
        """The time and the numbers, as a table refers to them."""
        return array("q", [self.work + 1, *self.numbers])


def call(function: Function, work: int, numbers: Sequence[int], spots: Sequence[int]) -> Call:
    """A call."""
    return Call(function, work, numbers, tuple(spots))


def copy(axes: Axes, size: int, source: int, target: int = RESULT, there: int = 0, here: int = 0) -> Call:
    """Elements of so many bytes copied along axes, each an extent and two strides, from one offset to another."""
    merged: list[tuple[int, int, int]] = []
    for n, s, t in axes:
        if n == 1:
            continue
        if merged and merged[-1][1:] == (s * n, t * n):
            n *= merged.pop()[0]
        merged.append((n, s, t))
    merged = merged or [(1, 1, 1)]
    numbers = [there, here, len(merged), *[x for axis in merged for x in axis]]
    made = function(f"copy {size}", lambda module, name: late("generic_moves").emit_copy(module, name, size))
    return call(made, 2 * NUMBER * prod(n for n, _, _ in merged), numbers, (source, target))


def zero(nbytes: int) -> Call:
    """The result zeroed."""
    made = function("zero", lambda module, name: late("generic_moves").emit_zero(module, name))
    return call(made, NUMBER // 8 * nbytes, [nbytes], (RESULT,))


def check(operand: int, aval: Aval, low: int, most: int) -> Call:
    """The check that whole numbers, or the bits of floats, lie in [low, low + most)."""
    size, real = aval.dtype.itemsize, aval.dtype.kind == "f"
    made = function(
        f"check {aval.dtype.kind}{size}" if real else f"check {size}",
        lambda module, name: late("generic_moves").emit_check(module, name, size, real),
    )
    signed = most - 2**64 if most >= 2**63 else most
    return call(made, NUMBER * aval.size, [aval.size, low, signed], (operand,))


class CallWriter:
    """The calls of one operation; ``temps`` are the bytes of the buffers between them."""

    def __init__(self, primitive: Primitive, params: Mapping[str, Any], avals: Sequence[Aval], ans: Aval) -> None:
        self.primitive, self.lower, self.params = primitive, primitive.lower, params
        self.avals, self.aval = tuple(avals), ans
        self.operands = tuple(range(len(avals)))
        self.index: Any = ()
        self.calls: list[Call] = []
        self.temps: list[int] = []

    def temp(self, nbytes: int) -> int:
        """The spot of a buffer between calls: TEMP, TEMP − 1, …"""
        self.temps.append(-(-nbytes // ALIGN) * ALIGN)
        return TEMP + 1 - len(self.temps)

    def generic(
        self, shapes: Sequence[Shape], shape: Shape, lanes: Sequence[bool] | None, more: Sequence[int] = ()
    ) -> None:
        """A call of the function of the operation's rank class, on all operands as they lie in these shapes."""
        if not self.lower.generic:
            raise InternalError("its code holds numbers of which each program has others")
        numbers = [x for s in shapes for x in (*s, *steps(s))]
        avals = [Aval((2,) * len(s), aval.dtype) for s, aval in zip(shapes, self.avals, strict=True)]
        made = of_class(self.primitive, self.params, avals, Aval((2,) * len(shape), self.aval.dtype), lanes)
        elements = sum(map(prod, shapes)) + prod(shape)
        work = NUMBER * elements + HEAVY * prod(shape) * self.lower.heavy
        self.calls.append(call(made, work, [*numbers, *shape, *more], (*self.operands, RESULT)))

    def whole(self, lanes: bool, more: Sequence[int] = ()) -> None:
        """A call on all operands in their own shapes."""
        shapes = [aval.shape for aval in self.avals]
        self.generic(shapes, self.aval.shape, wide(shapes) if lanes else None, more)

    # -- what kinds of lowering ask for

    def map(self) -> None:
        """Elements of the result."""
        if self.lower.alike or self.lower.numbered:
            shapes, shape = merged([aval.shape for aval in self.avals], self.aval.shape)
            single = shape == (1,)  # a row of one: the function of rows serves it
            self.generic(shapes, shape, tuple(map(bool, shapes)) if single else wide(shapes))
            return
        source = moved(self.primitive, self.params, self.avals, self.aval)
        if source is None:
            self.whole(lanes=True)
        else:
            x, form = source
            axes = [(n, form.coefficient(k), s) for k, (n, s) in enumerate(laid(self.aval.shape))]
            self.calls.append(copy(axes, self.aval.dtype.itemsize, x, there=form.constant))

    def along(self, axis: int, start: Callable[[Any], Any], step: Callable[[Any, Any], Any]) -> None:
        """Elements one after the other along an axis."""
        self.whole(lanes=False)

    def search(self, operation: str) -> None:
        """The index along an axis, of rows or of columns."""
        seen, (x,) = folded(self.avals[0].shape, (self.params["axis"],)), self.avals
        avals = Aval((2,) * len(seen), x.dtype), Aval((2,) * (len(seen) - 1), self.aval.dtype)
        made = of_class(self.primitive, {"axis": 1}, avals[:1], avals[1], None)
        numbers = [*seen, *steps(seen), *seen[:1], *seen[2:]]
        self.calls.append(call(made, NUMBER * x.size, numbers, (0, RESULT)))

    def scan(self, lower: Any) -> None:
        """A scan along an axis: of long ones, where there are few, in the three steps of its primitive."""
        if lower.part != "whole":
            raise InternalError("steps of a scan are the compiler's")
        axis, shape = self.params["axis"], self.aval.shape
        seen, ways = folded(shape, (axis,)), {k: way for k, way in self.params.items() if k != "axis"}
        data = [(k, self.aval.dtype) for k in self.operands]
        if not parted(shape, axis):
            self.scanned(self.primitive, seen, ways, data, (RESULT, seen, self.aval.dtype))
            return
        split, dtype = STEPS[self.primitive], inside(self.aval.dtype, lower.operation)
        parts = (seen[0], spans(seen[1]), *seen[2:])
        spots = [self.temp(prod(parts) * dtype.itemsize) for _ in (*split.totals, split.serial)]
        way = {"reverse": ways["reverse"]}
        for (made, count), spot in zip(split.totals, spots, strict=False):
            self.scanned(made, seen, way, data[:count], (spot, parts, dtype))
        totals = [(spot, dtype) for spot in spots[:-1]]
        once = {"reverse": False, "exclusive": True}
        self.scanned(split.serial, parts, once, totals, (spots[-1], parts, dtype))
        self.scanned(split.onward, seen, ways, [*data, (spots[-1], dtype)], (RESULT, seen, self.aval.dtype), parts)

    def scanned(
        self,
        primitive: Primitive,
        seen: Shape,
        ways: Mapping[str, Any],
        operands: Sequence[tuple[int, DType]],
        result: tuple[int, Shape, DType],
        starts: Shape = (),
    ) -> None:
        """A call of the function of a scan, on operands of one shape; the last has another where one is given."""
        spot, shape, dtype = result
        avals = [Aval((2,) * len(seen), of) for _, of in operands]
        made = of_class(primitive, {"axis": 1, **ways}, avals, Aval((2,) * len(seen), dtype), None)
        shapes = [seen] * len(operands)
        shapes[-1:] = [starts or seen]
        numbers = [x for s in shapes for x in (*s, *steps(s))]
        work = SCANNED * prod(seen)
        self.calls.append(call(made, work, [*numbers, *shape], (*[k for k, _ in operands], spot)))

    def folds(self, operation: str) -> None:
        """A reduction: runs of neighbouring axes one after the other."""
        if "block" in self.params:
            raise InternalError("blocks of a reduction are the compiler's")
        (x,), dtype, source = self.avals, self.aval.dtype, 0
        shape, all_runs = x.shape, runs(x.shape, self.params["axes"])
        if not all_runs:
            self.calls.append(copy([(x.size, 1, 1)], dtype.itemsize, 0))
        for k, run in enumerate(all_runs):
            seen = folded(shape, run)
            shape = tuple([size for a, size in enumerate(shape) if a not in run])
            target = RESULT if k == len(all_runs) - 1 else self.temp(prod(shape) * dtype.itemsize)
            avals = Aval((2,) * len(seen), dtype), Aval((2,) * (len(seen) - 1), dtype)
            made = of_class(self.primitive, {"axes": (1,)}, avals[:1], avals[1], None)
            numbers = [*seen, *steps(seen), *seen[:1], *seen[2:]]
            self.calls.append(call(made, NUMBER * prod(seen), numbers, (source, target)))
            source = target

    def pieces(self) -> None:
        """Operands one after the other: a copy of each."""
        axis, start = self.params["axis"], 0
        out = strides(self.aval.shape)
        for k, aval in enumerate(self.avals):
            axes = [(n, s, t) for (n, s), t in zip(laid(aval.shape), out, strict=True)]
            if aval.size:
                self.calls.append(copy(axes, aval.dtype.itemsize, k, here=start * out[axis]))
            start += aval.shape[axis]

    def write(self, lower: Any) -> None:
        """A value over a base: a copy of its part where nothing else is there and it is known where it goes."""
        shapes = [aval.shape for aval in self.avals]
        if lower.part is None:
            self.whole(lanes=True, more=lower.parts(shapes, self.params))
            return
        shape, offset = lower.part(shapes[lower.value], **self.params)
        spot = self.placed(lower, len(shape))
        out, inside = strides(self.aval.shape), strides(shapes[lower.value])
        self.calls.append(zero(self.aval.nbytes))
        if prod(shape):
            axes = list(zip(shape, inside, out, strict=True))
            there = sum([k * s for k, s in zip(offset, inside, strict=True)])
            here = sum([i.constant * s for i, s in zip(spot, out, strict=True)])
            self.calls.append(copy(axes, self.aval.dtype.itemsize, lower.value, there=there, here=here))

    def placed(self, lower: Any, ndim: int) -> Sequence[Affine]:
        """The index at which the part of a value is written, if it is its own, shifted."""
        index = tuple([loop(k) for k in range(ndim)])
        spot: Sequence[Affine] = lower.place(self.tracer(), index, *self.operands, **self.params)
        shifted = [i.terms == ((k, 1),) and not i.reads for k, i in enumerate(spot)]
        if lower.base is not None or lower.combine or not all(shifted):
            raise InternalError("a part of a value is written in no order of its own")
        return spot

    def product(self) -> None:
        """Matrices of floats, multiplied by the library."""
        x, y = (aval.shape for aval in self.avals)
        dtype, (m, n), k = self.aval.dtype, self.aval.shape[-2:], x[-1]
        batch, turned, right = prod(self.aval.shape[:-2]), self.lower.transposed, 1
        if dtype.kind != "f" or not available() or any(prod(s[:-2]) not in (1, batch) for s in (x, y)):
            raise InternalError("products of whole numbers, and of batches that broadcast, are NumPy's")
        if turned and not called(any_layout, m, n, k):
            right = self.temp(prod(y) * dtype.itemsize)
            axes = [(prod(y[:-2]), n * k, n * k), (k, 1, n), (n, k, 1)]
            self.calls.append(copy(axes, dtype.itemsize, 1, right))
            turned = False
        fields = {"m": m, "n": n, "k": k, "lda": max(k, 1), "ldb": max(k if turned else n, 1), "ldc": max(n, 1)}
        fields |= {"batch": batch, "stride_c": m * n, "transpose_b": int(turned), "alpha": ONE}
        fields |= {f"stride_{of}": 0 if prod(s[:-2]) == 1 else s[-1] * s[-2] for of, s in (("a", x), ("b", y))}
        fields |= {name: int(self.params.get(name, 0)) for name in ("selects", "marks")}
        fields |= called(tiling, m, n, k, batch)
        size = dtype.itemsize
        made = function(
            f"product {size}", lambda module, name: late("generic_moves").emit_product(module, name, size), True
        )
        numbers = [fields.get(name, 0) for name, *_ in Product._fields_]
        self.calls.append(call(made, TERM * batch * m * n * k, numbers, (0, right, RESULT)))

    def routine(self, lower: Any) -> None:
        """A routine of the run time."""
        symbol, size = lower.symbol(self.avals), lower.room(self.aval, self.avals, self.params)
        room = [self.temp(size)] if size else []
        work = TERM * lower.terms(self.aval, self.avals)
        numbers = lower.numbers(self.aval, self.avals, **self.params)
        made = function(symbol, emitter(symbol), of_library(symbol))
        self.calls.append(call(made, work, numbers, (*self.operands, RESULT, *room)))

    def tracer(self) -> Tracer:
        """Follower of rules on the operands."""
        return Tracer(Program(self.avals, (), ()), set(self.operands))


def of_class(
    primitive: Primitive, params: Mapping[str, Any], avals: Sequence[Aval], ans: Aval, lanes: Sequence[bool] | None
) -> Function:
    """The function of a rank class: of the shapes only the ranks count."""
    sized = sorted(primitive.traits.sized(None, params).items())
    if any(symbolic(value) for _, value in sized):
        raise Lost
    key = f"{primitive.name} {' '.join(map(str, [*avals, ans]))} {lanes} {sized}"
    given = (primitive, params, tuple(avals), ans, lanes, engine().target.vector_bits)
    return function(key, lambda module, name: late("generic_kernels").emit_generic(module, name, *given))


def moved(
    primitive: Primitive, params: Mapping[str, Any], avals: tuple[Aval, ...], ans: Aval
) -> tuple[int, Affine] | None:
    """The operand whose elements the result's are, and where in it, if that is a sum of loop variables."""
    lower, operands = primitive.lower, range(len(avals))
    if lower.cost is not Cost.FREE:
        return None
    t = Tracer(Program(avals, (), ()), set(operands))
    try:
        lower.element(t, tuple([loop(k) for k in range(ans.ndim)]), *operands, **params)
    except Unseen:
        return None
    found = list(t.places)
    if len(found) != 1 or found[0][1].reads or avals[found[0][0]].dtype is not ans.dtype:
        return None
    return found[0]


def merged(shapes: Sequence[Shape], shape: Shape) -> tuple[list[Shape], Shape]:
    """Shapes that broadcast to one, with neighbouring axes made one where each operand has both or neither. An operand
    without axes stays so, as a rule may ask for that."""
    full = [(1,) * (len(shape) - len(s)) + s for s in shapes]
    groups: list[tuple[int, list[bool]]] = []
    for k, n in enumerate(shape):
        if n == 1:
            continue
        has = [s[k] != 1 for s in full]
        groups.append((groups.pop()[0] * n if groups and groups[-1][1] == has else n, has))
    groups = groups or [(1, [False] * len(shapes))]
    out = [
        tuple([n if has[k] else 1 for n, has in groups]) if any(has[k] for _, has in groups) else (1,) * bool(s)
        for k, s in enumerate(shapes)
    ]
    return out, tuple([n for n, _ in groups])


def folded(shape: Shape, run: tuple[int, ...]) -> Shape:
    """A shape seen as (outer, n, inner) around a run of axes; as (outer, n) where that leaves rows."""
    outer, n, inner = extent(shape, run)
    return (outer, n) if inner == 1 else (outer, n, inner)


def wide(shapes: Sequence[Shape]) -> tuple[bool, ...]:
    """The operands that are vectors along the last axis, the others single numbers."""
    return tuple([bool(s) and s[-1] != 1 for s in shapes])


def steps(shape: Shape) -> list[int]:
    """The strides in elements, 0 along axes of size 1, whatever index is taken there."""
    return [0 if n == 1 else s for n, s in laid(shape)]


def laid(shape: Shape) -> list[tuple[int, int]]:
    """The axes in C order: extents and strides."""
    return list(zip(shape, strides(shape), strict=True))
