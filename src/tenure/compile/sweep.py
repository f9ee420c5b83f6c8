"""A loop nest over a shape that computes element by element.

Numbers that a row shares are read once in front of its vectors. Operands that lie across the rows (``a + b.T``) are
turned in registers, see ``transpose``; rows shorter than a vector are computed side by side, see ``spread``. Results
too large for the caches are written past them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from llvmlite import ir

from tenure.compile.body import Body
from tenure.compile.element_types import widths
from tenure.compile.elements import Emitter, Held
from tenure.compile.index import Affine
from tenure.compile.nests import Axis, constant, merge, nest, short
from tenure.compile.spread import Lanes, side_by_side
from tenure.compile.symbolic import Except, Tracer
from tenure.compile.transpose import across, turned

I64 = ir.IntType(64)
LINE = 64
STREAM = 32 << 20
"""Bytes moved from which results are written past the caches: the next kernel would not find them there."""


def sweep(
    body: Body,
    shape: tuple[int, ...],
    follow: Callable[[Tracer], object],
    element: Callable[[Emitter], None],
    values: list[int],
    hidden: set[int] | None = None,
) -> None:
    """``element(emitter)`` at each index of a shape; ``follow`` is the same to a tracer.

    ``values`` are those that are stored, ``hidden`` those that are computed here and not read.
    """
    if not all(shape):
        return
    hidden = hidden or set()
    t = Tracer(body.program, Except(body.plan.stored, hidden))
    follow(t)
    axes = merge(shape, range(len(shape)), t.forms)
    size = prod([axis.size for axis in axes])
    body.work += size * (len(t.places) + len(values))
    turn = across(body.program, axes, t.places, values)
    avals = [body.program.aval(v) for v in values]
    width = widths(avals, body.bits)
    vectors = side_by_side(axes, width) if turn is None else []
    common = steady_places(t, [axis.name for axis in axes[-2 if vectors else -1 :]])
    rest = short(axes[-1].size, width, min([aval.dtype.itemsize for aval in avals])) if len(axes) > 1 else 0

    def loops(streaming: bool) -> None:
        pieces = Pieces(body, hidden, element, streaming)

        def before(variables: dict[int, Any]) -> None:
            pieces.held.update(loaded(body.emitter(hidden, variables, None, 1), common))

        if turn is not None:
            turned(body, axes, turn, pieces.at, ahead=2 if streaming else 0)
        elif vectors:
            abreast(body, axes, width, vectors, pieces, before)
        else:
            partial = (lambda variables, lane: pieces.at(variables, lane, width, live=rest)) if rest else None
            body.parallel(axes, width, pieces.at, before=before, rest=partial)

    streamed(body, size, {x for x, _ in t.places}, values, loops)


class Pieces:
    """The code for a few elements of a sweep; ``held`` are those at hand already."""

    def __init__(self, body: Body, hidden: set[int], element: Callable[[Emitter], None], streaming: bool) -> None:
        self.body, self.hidden, self.element, self.streaming = body, hidden, element, streaming
        self.held: Held = {}

    def at(
        self,
        variables: dict[int, Any],
        lane: int | None,
        width: int,
        held: Held | None = None,
        live: int = 0,
        spread: dict[int, list[int]] | None = None,
    ) -> None:
        """A vector along the lane axis, or over several axes."""
        e = self.body.emitter(self.hidden, variables, lane, width, live or width)
        e.held, e.streaming, e.spread = self.held if held is None else held, self.streaming, spread
        self.element(e)


def abreast(
    body: Body, axes: list[Axis], width: int, vectors: Lanes, pieces: Pieces, before: Callable[[dict[int, Any]], None]
) -> None:
    """Short rows side by side: as many as make whole vectors in a step, and the rest one element after the other."""
    across = axes[-1]

    def rows(variables: dict[int, Any], lane: int | None, count: int) -> None:
        if count == 1:
            nest(body.b, [across], variables, lambda: pieces.at(variables, lane, 1))
        for lanes in vectors if count > 1 else []:
            pieces.at({**variables, across.name: constant(0)}, lane, width, spread=lanes)

    body.parallel(axes[:-1], width * len(vectors) // across.size, rows, before=before)


def moved(body: Body, size: int, read: set[int], values: list[int]) -> int:
    """Bytes that a kernel reads and writes at least."""
    avals = [body.program.aval(x) for x in [*read, *values]]
    return sum([min(size, aval.size) * aval.dtype.itemsize for aval in avals])


def apart(body: Body, read: set[int], values: list[int]) -> ir.Value:
    """Whether the values begin at whole cache lines and lie in buffers of their own."""
    b = body.b
    condition: ir.Value = ir.Constant(ir.IntType(1), 1)
    for v in values:
        start = b.ptrtoint(body.pointer(v), I64)
        condition = b.and_(
            condition, b.icmp_signed("==", b.and_(start, ir.Constant(I64, LINE - 1)), ir.Constant(I64, 0))
        )
        for x in sorted(read):
            condition = b.and_(condition, b.icmp_signed("!=", start, b.ptrtoint(body.pointer(x), I64)))
    return condition


def streamed(body: Body, size: int, read: set[int], values: list[int], loops: Callable[[bool], None]) -> None:
    """``loops(streaming)``: past the caches where much is moved and, at the run, no value lies where another is read.

    What was written past the caches is then made visible to other threads.
    """
    if moved(body, size, read, values) < STREAM:
        loops(False)
        return
    items = body.items
    with body.b.if_else(apart(body, read, values)) as (streaming, plain):
        with streaming:
            loops(True)
            body.b.fence("seq_cst")
        with plain:
            body.items = items
            loops(False)


def steady_places(t: Tracer, lanes: Sequence[int]) -> list[tuple[int, Affine]]:
    """The reads of a tracer that are the same along the axes of lanes."""
    return sorted([(x, where) for x, where in t.places if all(steady(where, lane) for lane in lanes)], key=repr)


def loaded(e: Emitter, places: list[tuple[int, Affine]]) -> Held:
    """The elements there."""
    return {(x, where): e.load(x, where) for x, where in places}


def steady(where: Affine, lane: int) -> bool:
    """Whether an address is the same along the lane axis."""
    return where.coefficient(lane) == 0 and all(steady(i, lane) for read, _ in where.reads for i in read.index)
