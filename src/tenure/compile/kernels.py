"""Kernels as functions: ``void kernel(ptr table, i64 first, i64 last)`` computes the items [first, last).

``table`` holds the address of every stored value. Items are what threads share out: blocks of a flat loop, or
steps of the outermost axis; which thread computes an item changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tenure.compile.elements import Emitter, in_memory, widths
from tenure.compile.folds import fold_columns, fold_rows, search
from tenure.compile.fuse import Kernel, Plan, identity, instruction
from tenure.compile.index import Affine, Index
from tenure.compile.loops import BLOCK, Axis, constant, counted, merge, nest, vectorized
from tenure.compile.rows import RowKernel, goes_by_rows
from tenure.compile.symbolic import Tracer
from tenure.ops.lowering import Element, Fold, Pieces, Search, Write
from tenure.ops.reduce import extent

POINTER = ir.PointerType()
I64 = ir.IntType(64)
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])


class Body:
    """The function of a kernel while it is written: its builder, the table's pointers, and how many items it has."""

    def __init__(self, module: ir.Module, name: str, plan: Plan, slots: dict[int, int], bits: int) -> None:
        self.plan = plan
        self.program = plan.program
        self.slots = slots
        self.bits = bits
        self.function = ir.Function(module, SIGNATURE, name)
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.first, self.last = self.function.args[1], self.function.args[2]
        self.pointers: dict[int, ir.Value] = {}
        self.items = 1
        self.work = 0

    def pointer(self, v: int) -> ir.Value:
        """The buffer of a stored value, loaded in the entry block."""
        if v not in self.pointers:
            table = self.function.args[0]
            with self.b.goto_entry_block():
                at = self.b.gep(table, [constant(self.slots[v])], source_etype=POINTER)
                self.pointers[v] = self.b.load(at, typ=POINTER)
        return self.pointers[v]

    def emitter(
        self,
        hidden: set[int],
        variables: dict[int, ir.Value],
        lane: int | None,
        width: int,
        live: int | None = None,
        kind: type[Emitter] = Emitter,
    ) -> Emitter:
        """An emitter at the builder's place; ``hidden`` values are computed here, not read."""
        stored = self.plan.stored - hidden
        return kind(self.program, stored, self.b, Pointers(self), dict(variables), lane, width, live)

    def spread(
        self,
        axes: list[Axis],
        width: int,
        body: Callable[[dict[int, Any], int | None, int], None],
        block: int = BLOCK,
    ) -> None:
        """The loop nest over all axes, vectors along the last, items along the first."""
        if not axes:
            body({}, None, 1)
            return
        b, lane = self.b, axes[-1]
        width = width if lane.size >= width else 1
        if len(axes) == 1:
            self.items = -(-lane.size // block)
            start = b.mul(self.first, constant(block))
            end = b.mul(self.last, constant(block))
            stop = b.select(b.icmp_signed("<", end, constant(lane.size)), end, constant(lane.size))
            vectorized(b, start, stop, width, lambda i, w: body({lane.name: i}, lane.name, w))
            return
        self.items = axes[0].size
        variables: dict[int, Any] = {}

        def row() -> None:
            def step(i: ir.Value, w: int) -> None:
                body({**variables, lane.name: i}, lane.name, w)

            vectorized(b, constant(0), constant(lane.size), width, step)

        def outer(i: ir.Value, _: list[Any]) -> list[Any]:
            variables[axes[0].name] = i
            nest(b, axes[1:-1], variables, row)
            return []

        counted(b, self.first, self.last, 1, outer)


class Pointers(dict[int, Any]):
    """The table's pointers, loaded when first used."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body

    def __missing__(self, v: int) -> ir.Value:
        return self.body.pointer(v)


def trace(body: Body, hidden: set[int], follow: Callable[[Tracer], object]) -> set[Affine]:
    """The addresses that a rule meets."""
    tracer = Tracer(body.program, body.plan.stored - hidden)
    follow(tracer)
    return tracer.forms


def emit_kernel(module: ir.Module, name: str, plan: Plan, kernel: Kernel, slots: dict[int, int], bits: int) -> Body:
    """The function of a kernel."""
    body = Body(module, name, plan, slots, bits)
    v = kernel.values[0]
    lower = instruction(plan.program, v).primitive.lower
    if goes_by_rows(kernel):
        RowKernel(body, kernel).emit()
    elif isinstance(lower, Element):
        emit_map(body, kernel.values)
    elif isinstance(lower, Fold):
        emit_fold(body, v, lower)
    elif isinstance(lower, Search):
        search(body, v, lower.operation)
    elif isinstance(lower, Pieces):
        emit_pieces(body, v)
    elif isinstance(lower, Write):
        emit_write(body, v, lower)
    else:
        raise TypeError(lower)
    body.b.ret_void()
    body.work = sum(plan.program.aval(r).size for r in kernel.reads) + plan.program.aval(v).size
    return body


def emit_map(body: Body, values: list[int]) -> None:
    """Each element of values of one shape."""
    shape = body.program.aval(values[0]).shape
    index, hidden = identity(shape), set(values)

    def follow(t: Tracer) -> None:
        for v in values:
            t.at(v, index)
            t.see(t.address(index, shape))

    copy_element(body, shape, index, hidden, values, follow)


def copy_element(body: Body, shape: Any, index: Index, hidden: set[int], values: list[int], follow: Any) -> None:
    """Compute values at the loop's index and store each at its own."""
    axes = merge(shape, range(len(shape)), trace(body, hidden, follow))
    width = widths([body.program.aval(v) for v in values], body.bits)

    def element(variables: dict[int, Any], lane: int | None, w: int) -> None:
        e = body.emitter(hidden, variables, lane, w)
        for v in values:
            e.store(e.at(v, index), body.pointer(v), e.address(index, shape), body.program.aval(v).dtype)

    if all(n for n in shape):
        body.spread(axes, width, element)


def emit_fold(body: Body, v: int, lower: Fold) -> None:
    """A reduction: along the last axes by lanes, along others row after row."""
    at = instruction(body.program, v)
    _, _, inner = extent(body.program.aval(at.operands[0]).shape, at.params["axes"])
    if inner == 1:
        fold_rows(body, v, lower.operation)
    else:
        fold_columns(body, v, lower.operation)


def store_block(body: Body, v: int, x: int, place: Callable[[Emitter, Index], Index], part: Any = None) -> None:
    """Store the elements of x, computed here if they are not stored, in places of the buffer of v."""
    shape, target = body.program.aval(x).shape, body.program.aval(v).shape
    offset = (0,) * len(shape)
    if part is not None:
        shape, offset = part
    index = identity(shape)
    source = tuple([i + k for i, k in zip(index, offset, strict=True)])

    def follow(t: Tracer) -> None:
        t.at(x, source)
        t.see(t.address(place(t, index), target))  # type: ignore[arg-type]

    axes = merge(shape, range(len(shape)), trace(body, set(), follow))

    def element(variables: dict[int, Any], lane: int | None, w: int) -> None:
        e = body.emitter(set(), variables, lane, w)
        e.store(e.at(x, source), body.pointer(v), e.address(place(e, index), target), body.program.aval(v).dtype)

    if all(shape):
        serial(body, axes, widths([body.program.aval(v)], body.bits), element)


def serial(body: Body, axes: list[Axis], width: int, element: Any) -> None:
    """A loop nest in one piece."""
    variables: dict[int, Any] = {}
    if not axes:
        element({}, None, 1)
        return
    lane = axes[-1]

    def row() -> None:
        def step(i: ir.Value, w: int) -> None:
            element({**variables, lane.name: i}, lane.name, w)

        vectorized(body.b, constant(0), constant(lane.size), width if lane.size >= width else 1, step)

    nest(body.b, axes[:-1], variables, row)


def emit_pieces(body: Body, v: int) -> None:
    """Operands one after the other."""
    at = instruction(body.program, v)
    axis, start = at.params["axis"], 0
    for o in at.operands:

        def place(e: Emitter, index: Index, start: int = start) -> Index:
            return tuple([i + start if k == axis else i for k, i in enumerate(index)])

        store_block(body, v, o, place)
        start += body.program.aval(o).shape[axis]


def emit_write(body: Body, v: int, lower: Write) -> None:
    """The base, unless the result lies in its buffer, then the elements that are written."""
    at = instruction(body.program, v)
    b = body.b
    aval = body.program.aval(v)
    if lower.base is None:
        zero = ir.Constant(in_memory(aval.dtype), 0 if aval.dtype.kind != "f" else 0.0)
        fill(body, v, zero)
    elif at.operands[lower.base] not in body.plan.stored:
        store_block(body, v, at.operands[lower.base], lambda e, index: index)
    elif body.slots[at.operands[lower.base]] != body.slots[v]:
        source, target = body.pointer(at.operands[lower.base]), body.pointer(v)
        same = b.icmp_unsigned("==", b.ptrtoint(source, I64), b.ptrtoint(target, I64))
        with b.if_then(b.not_(same)):
            store_block(body, v, at.operands[lower.base], lambda e, index: index)
    x = at.operands[lower.value]

    def place(e: Emitter, index: Index) -> Index:
        return lower.place(e, index, *at.operands, **at.params)  # type: ignore[no-any-return]

    part = None if lower.part is None else lower.part(body.program.aval(x).shape, **at.params)
    if lower.add:
        add_block(body, v, x, place, lower.ordered)
    else:
        store_block(body, v, x, place, part)


def fill(body: Body, v: int, number: ir.Value) -> None:
    """One number everywhere."""
    aval = body.program.aval(v)
    target = body.pointer(v)

    def step(i: ir.Value, _: list[Any]) -> list[Any]:
        body.b.store(number, body.b.gep(target, [i], source_etype=in_memory(aval.dtype)))
        return []

    counted(body.b, constant(0), constant(aval.size), 1, step)


def add_block(body: Body, v: int, x: int, place: Callable[[Emitter, Index], Index], ordered: bool) -> None:
    """Add the elements of x to places of the buffer of v, in the order of their index."""
    shape, aval = body.program.aval(x).shape, body.program.aval(v)
    index = identity(shape)

    def follow(t: Tracer) -> None:
        t.at(x, index)
        t.see(t.address(place(t, index), aval.shape))  # type: ignore[arg-type]

    axes = merge(shape, range(len(shape)), trace(body, set(), follow))

    def element(variables: dict[int, Any], lane: int | None, w: int) -> None:
        e = body.emitter(set(), variables, lane, w)
        where = e.address(place(e, index), aval.shape)
        e.pointers[v] = body.pointer(v)
        e.store(e.add(e.load(v, where), e.at(x, index)), body.pointer(v), where, aval.dtype)

    if all(shape):
        width = widths([aval], body.bits)
        if ordered and axes:
            probe = body.emitter(set(), {}, axes[-1].name, width)
            width = 1 if probe.varies(probe.address(place(probe, index), aval.shape)) else width
        serial(body, axes, width, element)
