"""Kernels that put elements in their places: operands joined, and indexed writes into a base.

A write is two kernels, one after the other: the base, unless the result lies in its buffer, then what is written.
Each is shared out; an addition that may meet a place twice keeps the order of its index, whatever the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import prod
from typing import Any

from llvmlite import ir

from tenure.compile.body import Body, is_large, launch, leading, smaller, unravel
from tenure.compile.element_types import widths
from tenure.compile.elements import Emitter, Held
from tenure.compile.index import Index, loop
from tenure.compile.nests import Axis, constant, counted, merge, nest, vectorized
from tenure.compile.plan import identity, instruction
from tenure.compile.stencil import StencilWriter, entangled, stencil
from tenure.compile.sweep import loaded, steady, steady_places, sweep
from tenure.compile.symbolic import Tracer
from tenure.dtypes import DType
from tenure.ops.lowering import Write

I64 = ir.IntType(64)
STRIPE = 128
"""Bytes of each row, at least, that one thread adds into."""
PIECES = 16
"""Operands that one function puts in their places."""
Place = Callable[[Any, Index], Index]


def emit_pieces(body: Body, v: int) -> None:
    """Operands one after the other; many in functions of some each, as LLVM takes more than in proportion to length."""
    at = instruction(body.program, v)
    axis = at.params["axis"]
    sizes = [body.program.aval(o).shape[axis] for o in at.operands]
    placed = list(zip(at.operands, accumulate(sizes, initial=0), strict=False))
    if len(placed) <= PIECES:
        store_pieces(body, v, placed)
        return
    for start in range(0, len(placed), PIECES):
        part = body.part(f"pieces{start}")
        store_pieces(part, v, placed[start : start + PIECES])
        part.b.ret_void()
        launch(body.b, part, body.function.args[0], is_large(part))
    body.work = 1


def store_pieces(body: Body, v: int, placed: Sequence[tuple[int, int]]) -> None:
    """Operands, each from a place of an axis on."""
    axis = instruction(body.program, v).params["axis"]
    for o, start in placed:

        def place(e: Any, index: Index, start: int = start) -> Index:
            return tuple([i + start if k == axis else i for k, i in enumerate(index)])

        store_block(body, v, o, place)


def emit_write(body: Body, v: int, lower: Write) -> None:
    """The base, unless the result lies in its buffer, then the elements that are written."""
    at, b, slots = instruction(body.program, v), body.b, body.slots
    base = None if lower.base is None else at.operands[lower.base]
    if base is not None and base in body.plan.stored and slots[base] == slots[v]:
        write_block(body, v, lower)
        return
    if lower.blank:
        write_block(body, v, lower)
        return
    first, second = body.part("base"), body.part("block")
    copy_base(first, v, base)
    write_block(second, v, lower)
    for part in (first, second):
        part.b.ret_void()
    table = body.function.args[0]
    if base is not None and base in body.plan.stored:  # a donated input is the result's buffer
        moved = b.icmp_unsigned("!=", *[b.ptrtoint(body.pointer(x), I64) for x in (base, v)])
        with b.if_then(moved):
            launch(b, first, table, is_large(first))
    else:
        launch(b, first, table, is_large(first))
    launch(b, second, table, is_large(second))
    body.work = 1


def copy_base(body: Body, v: int, base: int | None) -> None:
    """The elements around the written ones: a base, or zeros."""
    aval = body.program.aval(v)
    if base is not None:
        store_block(body, v, base, lambda e, index: index)
        return
    index = identity(aval.shape)

    def element(e: Emitter) -> None:
        e.store(e.constant(0, aval.dtype), body.pointer(v), e.address(index, aval.shape), aval.dtype)

    sweep(body, aval.shape, lambda t: t.see(t.address(index, aval.shape)), element, [v])


def write_block(body: Body, v: int, lower: Write) -> None:
    """The elements that are written."""
    at = instruction(body.program, v)
    x = at.operands[lower.value]

    def place(e: Any, index: Index) -> Index:
        return lower.place(e, index, *at.operands, **at.params)  # type: ignore[no-any-return]

    part = None if lower.part is None else lower.part(body.program.aval(x).shape, **at.params)
    behind = stencil(body.program, body.plan.stored, v) if entangled(body.program, body.plan.stored, v) else None
    if behind is not None:
        StencilWriter(body, v, behind).emit()
    elif lower.ordered and not at.params.get("unique", False):
        write_in_order(body, v, x, place, lower.combine)
    else:
        store_block(body, v, x, place, part, lower.combine)


def store_block(body: Body, v: int, x: int, place: Place, part: Any = None, combine: str | None = None) -> None:
    """Store the elements of x, computed here if they are not stored, in places of the buffer of v, or combine them."""
    aval, shape = body.program.aval(v), body.program.aval(x).shape
    shape, offset = part or (shape, (0,) * len(shape))
    index = identity(shape)
    source = tuple([i + k for i, k in zip(index, offset, strict=True)])

    def follow(t: Tracer) -> None:
        t.at(x, source)
        t.see(t.address(place(t, index), aval.shape))

    def element(e: Emitter) -> None:
        where, value = e.address(place(e, index), aval.shape), e.at(x, source)
        value = combined(e, combine, e.load(v, where), value, aval.dtype) if combine else value
        e.store(value, body.pointer(v), where, aval.dtype)

    sweep(body, shape, follow, element, [v])


def combined(e: Emitter, combine: str, old: ir.Value, new: ir.Value, dtype: DType) -> ir.Value:
    """The combination of an element of a dtype and the one that is written to its place."""
    if combine == "add":
        return e.plus(old, new, dtype)
    return e.multiply(old, new) if combine == "multiply" else e.call(combine, old, new)


def write_in_order(body: Body, v: int, x: int, place: Place, combine: str | None) -> None:
    """Store the elements of x, in the order of their index, in places of the buffer of v that may be the same.

    Axes that are axes of the result too are shared out: steps along them never meet.
    """
    aval, shape = body.program.aval(v), body.program.aval(x).shape
    if not all(shape):
        return
    index = identity(shape)
    t = Tracer(body.program, body.plan.stored)
    t.at(x, index)
    spots = place(t, index)
    t.see(t.address(spots, aval.shape))
    axes = merge(shape, range(len(shape)), t.forms)
    body.work = prod([axis.size for axis in axes]) * (len(t.places) + 1)

    lane = axes[-1].name if axes else None
    lanes = [axis.name for axis in axes[-1:]]
    moving = any(not steady(i, k) for k in lanes for spot in spots for read, _ in spot.reads for i in read.index)
    still = lane is not None and not any(spot.coefficient(lane) for spot in spots)  # all lanes meet
    width = 1 if moving or still else widths([aval], body.bits)
    common = steady_places(t, lanes)
    held: Held = {}

    def before(variables: dict[int, Any]) -> None:
        held.update(loaded(body.emitter(set(), variables, None, 1), common))

    def element(variables: dict[int, Any], w: int) -> None:
        e = body.emitter(set(), variables, lane, w)
        e.held = held
        where, new = e.address(place(e, index), aval.shape), e.at(x, index)
        value = combined(e, combine, e.load(v, where), new, aval.dtype) if combine else new
        e.store(value, body.pointer(v), where, aval.dtype)

    stripe = STRIPE // aval.dtype.itemsize
    serially(body, axes, [loop(axis.name) in spots for axis in axes], stripe, width, before, element)


def serially(
    body: Body,
    axes: list[Axis],
    apart: list[bool],
    stripe: int,
    width: int,
    before: Callable[[dict[int, Any]], None],
    element: Callable[[dict[int, Any], int], None],
) -> None:
    """The loop nest in order; items are stripes of the last axis, or steps of the first axes, where those are apart."""
    b = body.b
    variables: dict[int, Any] = {}
    if not axes:
        body.once(lambda: element({}, 1))
        return
    lane, count = axes[-1], list(accumulate(apart[:-1], min)).count(True)

    def row(start: ir.Value, stop: ir.Value) -> None:
        before(variables)
        vectorized(b, start, stop, width, lambda i, w: element({**variables, lane.name: i}, w))

    if apart[-1] and not count:
        block = stripe * max(1, lane.size // (8 * stripe))
        first, last = body.claim(-(-lane.size // block))
        start, stop = b.mul(first, constant(block)), smaller(b, b.mul(last, constant(block)), lane.size)
        nest(b, axes[:-1], variables, lambda: row(start, stop))
        return
    shared = leading(axes[:count])

    def item(i: ir.Value, _: list[Any]) -> list[Any]:
        sizes = [axis.size for axis in shared]
        variables.update(zip([axis.name for axis in shared], unravel(b, i, sizes or [1]), strict=False))
        nest(b, axes[len(shared) : -1], variables, lambda: row(constant(0), constant(lane.size)))
        return []

    first, last = body.claim(prod([axis.size for axis in shared]))
    counted(b, first, last, 1, item)
