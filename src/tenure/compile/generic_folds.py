"""Reductions of any size, in the order of ``folds``: the loop nests of generic kernels that reduce.

x is contiguous, seen as (outer, n) or (outer, n, inner); out is (outer,) or (outer, inner).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.combine import Combine
from tenure.compile.nests import constant, counted, guarded, least, stack
from tenure.ops.order import CHUNK, GROUP, LANES

I64, POINTER = ir.IntType(64), ir.PointerType()
WIDTH = 16
LEVELS = 13
"""Groups of groups of rows: GROUP to this power are more rows than memory holds."""


class Fold:
    """The common part of rows and columns: the builder, the step, and the element in memory."""

    def __init__(self, b: ir.IRBuilder, step: Combine, t: ir.Type) -> None:
        self.b, self.step, self.t = b, step, t
        self.wide = ir.VectorType(t, WIDTH)

    def at(self, start: ir.Value, k: ir.Value) -> ir.Value:
        """The address of element k."""
        return self.b.gep(start, [k], source_etype=self.t)

    def load(self, start: ir.Value, k: ir.Value, t: ir.Type) -> ir.Value:
        """An element or a vector."""
        return self.b.load(self.at(start, k), typ=t, align=self.step.bits // 8)

    def store(self, x: ir.Value, start: ir.Value, k: ir.Value) -> None:
        """The inverse of load."""
        self.b.store(x, self.at(start, k), align=self.step.bits // 8)

    def each(self, start: ir.Value, stop: ir.Value, step: int, body: Any) -> None:
        """A loop that carries nothing."""

        def inner(i: ir.Value, _: list[Any]) -> list[Any]:
            body(i)
            return []

        counted(self.b, start, stop, step, inner)


class Rows(Fold):
    """Chunks into lanes, their results into lanes again."""

    def emit(self, x: ir.Value, out: ir.Value, outer: ir.Value, n: ir.Value) -> None:
        """Row after row."""
        room = stack(self.b, ir.ArrayType(self.t, LANES))

        def row(r: ir.Value) -> None:
            start = self.at(x, self.b.mul(r, n))

            def chunk(first: ir.Value, held: list[Any]) -> list[Any]:
                size = least(self.b, self.b.sub(n, first), constant(CHUNK))
                total = self.total(self.at(start, first), size, room)
                lane = self.b.and_(self.b.udiv(first, constant(CHUNK)), constant(LANES - 1))
                return self.into_lane(held, total, lane)

            def chunks(first: ir.Value, last: ir.Value) -> list[Any]:
                return counted(self.b, first, last, CHUNK, chunk, self.neutral())

            parts = self.groups(constant(0), n, LANES * CHUNK, chunks)
            empty = self.b.icmp_signed("==", n, constant(0))
            self.store(self.b.select(empty, self.step.empty(self.t), self.step.total(parts)), out, r)

        self.each(constant(0), outer, 1, row)

    def neutral(self) -> list[ir.Value]:
        """The initial value of the lanes."""
        return self.step.held(self.wide, LANES // WIDTH)

    def groups(self, start: ir.Value, end: ir.Value, unit: int, lanes: Any, part: int = GROUP**3) -> list[Any]:
        """``lanes(first, last)`` of GROUP units each, groups of groups merged."""
        b, width, step = self.b, part * unit, self.step
        if not step.grouped:
            return lanes(start, end)  # type: ignore[no-any-return]

        def merged(i: ir.Value, held: list[Any]) -> list[Any]:
            last = least(b, b.add(i, constant(width)), end)
            below = part > GROUP
            later = self.groups(i, last, unit, lanes, part // GROUP) if below else step.closed(lanes(i, last))
            return step.merge(held, later)

        return counted(b, start, end, width, merged, step.closed(self.neutral()))

    def into_lane(self, held: list[Any], total: ir.Value, lane: ir.Value) -> list[Any]:
        """The result of a chunk combined into a lane; a neutral element into all others."""
        vectors = []
        for u in range(LANES // WIDTH):
            numbers = ir.Constant(ir.VectorType(I64, WIDTH), [u * WIDTH + k for k in range(WIDTH)])
            hit = self.b.icmp_signed("==", numbers, self.splat(lane))
            vectors.append(self.b.select(hit, self.splat(total), self.step.start(self.wide)))
        return self.step.step(held, vectors)

    def splat(self, x: ir.Value) -> ir.Value:
        """A scalar in every lane."""
        t = ir.VectorType(x.type, WIDTH)
        one = self.b.insert_element(ir.Constant(t, ir.Undefined), x, constant(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        return self.b.shuffle_vector(one, ir.Constant(t, ir.Undefined), zeros)

    def total(self, start: ir.Value, size: ir.Value, room: ir.Value) -> ir.Value:
        """Up to CHUNK elements, in groups of groups of lanes; the rest behind full lanes is padded in ``room``."""
        b, step = self.b, self.step

        def full(start: ir.Value, i: ir.Value, held: Any) -> list[Any]:
            return step.step(
                held, [self.load(start, b.add(i, constant(u * WIDTH)), self.wide) for u in range(LANES // WIDTH)]
            )

        rest = b.and_(size, constant(LANES - 1))
        whole = b.sub(size, rest)

        def padded(held: Any) -> list[Any]:
            for u in range(LANES // WIDTH):
                self.store(step.start(self.wide), room, constant(u * WIDTH))
            self.each(constant(0), rest, 1, lambda k: self.store(self.load(start, b.add(whole, k), self.t), room, k))
            return full(room, constant(0), held)

        def lanes(first: ir.Value, last: ir.Value) -> list[Any]:
            stop = least(b, last, whole)
            held = counted(b, first, stop, LANES, lambda i, held: full(start, i, held), self.neutral())
            return guarded(b, b.icmp_signed(">", last, whole), held, padded)

        return step.total(self.groups(constant(0), size, LANES, lanes))


class Columns(Fold):
    """Row after row into a group's result, groups into groups of groups: as an odometer turns its wheels."""

    def emit(self, x: ir.Value, out: ir.Value, outer: ir.Value, n: ir.Value, inner: ir.Value) -> None:
        """Strips of columns, full vectors first."""
        b = self.b
        room = stack(b, ir.ArrayType(self.wide, LEVELS))

        def matrix(o: ir.Value) -> None:
            start = self.at(x, b.mul(o, b.mul(n, inner)))
            to = self.at(out, b.mul(o, inner))
            whole = b.and_(inner, constant(-WIDTH))
            self.each(constant(0), whole, WIDTH, lambda c: self.strip(start, to, n, inner, c, self.wide, room))
            self.each(whole, inner, 1, lambda c: self.strip(start, to, n, inner, c, self.t, room))

        self.each(constant(0), outer, 1, matrix)

    def strip(self, x: Any, out: Any, n: Any, inner: Any, c: Any, t: ir.Type, room: Any) -> None:
        """The columns from c on, as many as t has lanes."""
        b = self.b
        coarsest = b.gep(room, [constant(LEVELS - 1)], source_etype=self.wide)
        b.store(self.step.empty(t), coarsest)
        last = b.udiv(b.sub(n, constant(1)), constant(GROUP))

        def row(r: ir.Value, held: list[Any]) -> list[Any]:
            return [self.step.serial([held[0], self.load(x, b.add(b.mul(r, inner), c), t)])]

        def group(first: ir.Value) -> None:
            stop = least(b, b.add(first, constant(GROUP)), n)
            (carried,) = counted(b, first, stop, 1, row, [self.step.start(t)])
            self.turn(room, carried, b.udiv(first, constant(GROUP)), last)

        self.each(constant(0), n, GROUP, group)
        self.store(b.load(coarsest, typ=t), out, c)

    def turn(self, room: Any, total: ir.Value, r: ir.Value, last: ir.Value) -> None:
        """Combine the total of group r into the finest wheel, and what a wheel holds into the next where it is through:
        a loop, as thirteen wheels written out take twice as long to compile."""
        b, before = self.b, self.b.block
        turning, after = b.append_basic_block("turning"), b.append_basic_block("after")
        b.branch(turning)
        b.position_at_end(turning)
        k, size, x = b.phi(I64), b.phi(I64), b.phi(total.type)
        wheel, block = b.gep(room, [k], source_etype=self.wide), b.mul(size, constant(GROUP))
        within = b.sub(block, constant(1))  # GROUP is a power of two
        fresh = b.icmp_signed("<", b.and_(r, within), size)
        held = b.select(fresh, x, self.step.serial([b.load(wheel, typ=x.type), x]))
        b.store(held, wheel)
        through = b.icmp_signed("==", b.and_(b.add(r, constant(1)), within), constant(0))
        through = b.or_(through, b.icmp_signed("==", r, last))
        coarser = b.add(k, constant(1))
        b.cbranch(b.and_(through, b.icmp_signed("<", coarser, constant(LEVELS))), turning, after)
        for phi, first, later in ((k, constant(0), coarser), (size, constant(1), block), (x, total, held)):
            phi.add_incoming(first, before)
            phi.add_incoming(later, turning)
        b.position_at_end(after)
