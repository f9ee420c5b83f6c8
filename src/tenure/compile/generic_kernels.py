"""Generic kernels: one compiled function for an operation on operands of any extents and strides.

    i64 generic(ptr buffers, ptr numbers)

``buffers`` has the addresses of the operands, then the result's; ``numbers`` for each operand its shape and strides,
then the shape of the result, which is in C order, then where an operand is written in part the part's shape and offset.
It returns 0.

Kinds of lowering emit it by the rules with which they emit a specialised kernel: the writer that they are handed has
the same loop nests over run-time extents. So both have the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile import scans
from tenure.compile.combine import Combine
from tenure.compile.dynamic import Dynamic, DynamicEmitter, Extents, Scattered
from tenure.compile.element_types import in_memory, widths
from tenure.compile.generic_folds import Columns, Rows
from tenure.compile.generic_moves import copy_bytes, set_bytes
from tenure.compile.generic_search import Search
from tenure.compile.math.lanes import Builder as Lines
from tenure.compile.nests import constant, counted, vectorized
from tenure.compile.writes import combined
from tenure.errors import InternalError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Program

POINTER, I64 = ir.PointerType(), ir.IntType(64)


class GenericWriter:
    """The writer that kinds of lowering emit a kernel of any extents with; ``lanes`` says of each operand whether its
    elements lie side by side along the last axis (None: nothing is known, and elements are computed one by one)."""

    def __init__(
        self,
        module: ir.Module,
        name: str,
        primitive: Primitive,
        params: Mapping[str, Any],
        avals: Sequence[Aval],
        ans: Aval,
        lanes: Sequence[bool] | None,
        bits: int,
    ) -> None:
        function = started(module, name)
        self.b = b = Lines(function.append_basic_block("entry"), bits)
        self.primitive, self.aval, self.lanes, self.bits = primitive, ans, lanes, bits
        self.program, self.function = Program(tuple(avals), (), ()), function
        self.operands = tuple(range(len(avals)))
        buffers, self.numbers = function.args
        self.read = 0
        self.pointers = {
            k: b.load(b.gep(buffers, [constant(k)], source_etype=POINTER), typ=POINTER) for k in range(len(avals) + 1)
        }
        self.out = self.pointers.pop(len(avals))
        self.shapes: dict[int, Extents] = {}
        self.strides: dict[int, Extents] = {}
        for k, aval in enumerate(avals):
            self.shapes[k], self.strides[k] = self.extents(aval.ndim), self.extents(aval.ndim)
            if lanes is not None and lanes[k]:
                self.strides[k][-1].lane = True
        self.shape = self.extents(ans.ndim)
        self.params = primitive.traits.sized(self.shape, params)
        self.index: Extents = ()

    def extents(self, count: int) -> Extents:
        """The next numbers."""
        start, self.read = self.read, self.read + count
        places = [self.b.gep(self.numbers, [constant(start + k)], source_etype=I64) for k in range(count)]
        return tuple([Dynamic(self.b, self.b.load(place, typ=I64)) for place in places])

    def emitter(self, width: int = 1) -> DynamicEmitter:
        """An emitter at the builder's place."""
        return DynamicEmitter(self.program, self.b, self.pointers, self.shapes, self.strides, width)

    def each(self, extents: Sequence[Dynamic], body: Callable[[], None], before: Extents = ()) -> None:
        """Serial loops over extents, with their counters as the ``index``."""
        if not extents:
            self.index = before
            body()
            return

        def step(i: ir.Value, _: list[Any]) -> list[Any]:
            self.each(extents[1:], body, (*before, Dynamic(self.b, i)))
            return []

        counted(self.b, constant(0), extents[0].value, 1, step)

    def store(self, e: DynamicEmitter, x: Any) -> None:
        """Store an element of the result where the loops are."""
        e.put(x, self.out, e.address(self.index, self.shape).value, self.aval.dtype)

    # -- loop nests

    def map(self) -> None:
        """Elements of the result, vectors along the last axis where operands lie so."""

        def element(e: DynamicEmitter) -> None:
            self.store(e, self.primitive.lower.element(e, self.index, *self.operands, **self.params))

        self.vectors(self.shape, element, [self.aval])

    def vectors(self, extents: Extents, element: Callable[[DynamicEmitter], None], avals: Sequence[Aval]) -> None:
        """Loops over extents, by vectors along the last axis where operands lie so and the element allows it."""
        if self.lanes is None or not extents:
            self.each(extents, lambda: element(self.emitter()))
            return
        width = widths(avals, self.bits)

        def row() -> None:
            before = self.index

            def vector(i: ir.Value, w: int) -> None:
                self.index = (*before, Dynamic(self.b, i, w > 1))
                element(self.emitter(w))

            vectorized(self.b, constant(0), extents[-1].value, width, vector)

        self.each(extents[:-1], row)

    def along(self, axis: int, start: Callable[[Any], Any], step: Callable[[Any, Any], Any]) -> None:
        """``held = step(emitter, held)`` from element to element along an axis of the result, all rows."""

        def row() -> None:
            kept = self.index

            def each(i: ir.Value, held: list[Any]) -> list[Any]:
                self.index = (*kept[:axis], Dynamic(self.b, i), *kept[axis:])
                return [step(self.emitter(), held[0])]

            counted(self.b, constant(0), self.shape[axis].value, 1, each, [start(self.emitter())])

        self.each([n for k, n in enumerate(self.shape) if k != axis], row)

    def folds(self, operation: str) -> None:
        """A reduction of (outer, n) or (outer, n, inner) over n."""
        outer, n, *inner = (extent.value for extent in self.shapes[0])
        step, t = Combine(self.b, operation, self.aval.dtype), in_memory(self.aval.dtype)
        if inner:
            Columns(self.b, step, t).emit(self.pointers[0], self.out, outer, n, inner[0])
        else:
            Rows(self.b, step, t).emit(self.pointers[0], self.out, outer, n)

    def search(self, operation: str) -> None:
        """The index over n of (outer, n) or (outer, n, inner) of the first max or min, or of the first NaN."""
        source = self.program.aval(0).dtype
        found = Search(self.b, self.emitter, self.pointers[0], self.out, source, ">" if operation == "max" else "<")
        outer, n, *inner = (extent.value for extent in self.shapes[0])
        if inner:
            found.columns(outer, n, inner[0], widths([self.aval], self.bits))
        else:
            found.rows(outer, n)

    def scan(self, lower: Any) -> None:
        """A scan of (outer, n) or (outer, n, inner) along n."""
        outer, n, *inner = (extent.value for extent in self.shapes[0])
        extents = scans.Extents(outer, n, inner[0] if inner else None)
        ways = {k: way for k, way in self.params.items() if k != "axis"}
        loops = scans.Scans(self.b, lower, self.program.aval(0).dtype, extents, self.bits, **ways)
        xs = [self.pointers[k] for k in self.operands]
        loops.emit(constant(0), loops.items(), xs, self.out)

    def pieces(self) -> None:
        """None: operands are copied one by one, how many there are."""
        raise InternalError("operands joined are no generic kernel, but copies")

    def write(self, lower: Any) -> None:
        """The base, or zeros, then the elements of a value in their places, in the order of their index."""
        b, dtype, x = self.b, self.aval.dtype, lower.value
        if not lower.blank:
            total = constant(dtype.itemsize)
            for n in self.shape:
                total = b.mul(total, n.value)
            if lower.base is None:
                set_bytes(b, self.out, total)
            else:
                base = self.pointers[lower.base]
                with b.if_then(b.icmp_unsigned("!=", b.ptrtoint(base, I64), b.ptrtoint(self.out, I64))):
                    copy_bytes(b, self.out, base, total)

        def element(e: DynamicEmitter) -> None:
            source = self.index if offset is None else tuple([i + k for i, k in zip(self.index, offset, strict=True)])
            spot = e.address(lower.place(e, self.index, *self.operands, **self.params), self.shape)
            e.along_lanes(spot)
            value = e.at(x, source)
            if lower.combine:
                value = combined(e, lower.combine, e.fetch(self.out, spot.value, dtype, spot.lane), value, dtype)
            e.put(value, self.out, spot.value, dtype)

        rank = self.program.aval(x).ndim
        extents, offset = self.shapes[x], None
        if lower.part is not None:
            extents, offset = self.extents(rank), self.extents(rank)
        self.vectors(extents, element, [self.program.aval(x)])

    def product(self) -> None:
        """None: the library multiplies matrices of any size."""
        raise InternalError("a product is no generic kernel, but a call of the library")


def started(module: ir.Module, name: str) -> ir.Function:
    """A generic function without its code."""
    return ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)


def joined(emits: Sequence[Callable[[ir.Module, str], None]]) -> ir.Module:
    """The module of ``generic0``, ``generic1``, … of so many functions."""
    module = ir.Module(name="generic")
    for k, emit in enumerate(emits):
        emit(module, f"generic{k}")
    return module


def emit_generic(
    module: ir.Module,
    name: str,
    primitive: Primitive,
    params: Mapping[str, Any],
    avals: Sequence[Aval],
    ans: Aval,
    lanes: Sequence[bool] | None,
    bits: int,
) -> None:
    """Add the function of a rank class to a module; of the shapes only the ranks count. One by one where the elements
    of a vector do not lie side by side."""
    lower = primitive.lower
    known = lanes is None or lower.alike or lower.numbered
    if not (known or vectorizes(primitive, params, avals, ans, lanes, bits)):
        lanes = None
    k = GenericWriter(module, name, primitive, params, avals, ans, lanes, bits)
    primitive.lower.emit(k)
    k.b.ret(constant(0))


def vectorizes(*given: Any) -> bool:
    """Whether a function can be emitted with vectors along the last axis."""
    try:
        given[0].lower.emit(GenericWriter(ir.Module(), "probe", *given))
    except Scattered:
        return False
    return True
