"""Reverse mode: extend a builder by the cotangents of values it already holds.

    x = input; y = sin x; z = mul y y        with a cotangent g of z becomes
    …; a = mul g y; b = mul g y; c = add a b; d = cos x; e = mul c d        and e is the cotangent of x

The cotangent of an indexed read is added into one accumulator instead of being summed from dense pieces; that of
a read of a computed value goes on as one of its operands (see ``reads``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tenure.ir.primitive import NOT_DIFFERENTIABLE, PARTIAL, UNSIGNED
from tenure.ir.program import TABLE, Builder, Instruction, Value
from tenure.ops.selection import ready, settled, unselected_like, zeros_of
from tenure.transform.reads import Elements, Read, alike, through, worth
from tenure.transform.recompute import Recomputed

Cotangents = dict[int, Value]


def dependents(b: Builder, sources: Collection[int], end: int) -> set[int]:
    """Values below ``end`` that depend differentiably on one of the sources, these included."""
    found = set(sources)
    for v in range(min(found, default=end), end):
        at = b.made(v)
        if at is None or v in found or not b.tracked[v]:
            continue
        if any(b.operands[v][k] in found for k in at.flows):
            found.add(v)
    return found


class Reads(list[tuple[Read, Value, Value]]):
    """Sparse cotangent of a computed value, of which only a few small reads by index have arrived: each with its result
    and the cotangent of that, in the order of their arrival."""

    def dense(self, x: Value) -> Value:
        """The cotangent as a dense array."""
        acc = unselected_like(x)
        for read, _, g in self:
            acc = accumulated(acc, g, x, read)
        return acc


def accumulated(acc: Value, g: Value, x: Value, read: Read) -> Value:
    """Accumulator with the cotangent of a read added to it."""
    rule = read.primitive.accumulate
    assert rule is not None
    g = ready(g) if zeros_of(acc) == PARTIAL else g
    return rule(acc, g, x, *read.operands, **read.params)  # type: ignore[no-any-return]


class Walk:
    """Reverse walk: cotangents on their way from results to sources."""

    def __init__(
        self, b: Builder, sources: Collection[int], final: Collection[int], relevant: set[int], into: Cotangents
    ) -> None:
        self.b = b
        self.sources = sources
        self.final = final
        self.relevant = relevant
        self.held: dict[int, Value | Reads] = dict(into)
        self.elements = Elements(b)
        self.reading = Recomputed(b)
        self.reached: set[int] = set()

    def around(self, v: int, at: Instruction) -> tuple[list[Value], Value]:
        """Operands and result of an instruction, as its derivative reads them."""
        block = self.reading.block(v)
        return [self.reading.value(o, block) for o in at.operands], self.reading.value(v, block)

    def add(self, x: int, g: Value) -> None:
        """Add a cotangent of a value."""
        held = self.held.get(x)
        self.held[x] = g if held is None else TABLE["add"](self.whole(x, held), g)
        self.reached.add(x)

    def add_read(self, x: int, read: Read, ans: Value, g: Value) -> None:
        """Add the cotangent of a read: it is kept as a sparse one where possible."""
        held = self.held.get(x)
        self.reached.add(x)
        if held is None and (x in self.sources or self.b.made(x) is None):
            held = Value(self.b, x).zeros() if x in self.final else unselected_like(Value(self.b, x))
        if isinstance(held, Value):
            self.held[x] = accumulated(held, g, Value(self.b, x), read)
        else:
            waiting = Reads([*(held or ()), (read, ans, g)])
            size = self.b.avals[x].size
            fits = worth([read for read, _, _ in waiting], size)
            self.held[x] = waiting if fits else waiting.dense(Value(self.b, x))

    def whole(self, x: int, held: Value | Reads) -> Value:
        """Cotangent of a value as a dense array."""
        return held if isinstance(held, Value) else held.dense(Value(self.b, x))

    def through(self, v: int, at: Instruction, g: Value) -> None:
        """Add the contributions of one instruction to the cotangents of its operands."""
        prim, (xs, ans) = at.primitive, self.around(v, at)
        if prim.accumulate is not None:
            if at.operands[0] in self.relevant:
                read = Read(prim, tuple(xs[1:]), dict(at.params), at.aval.size)
                self.add_read(at.operands[0], read, ans, g)
            return
        for k, gx in zip(prim.differentiable(len(xs)), vjp_of(at, g, ans, xs), strict=True):
            if gx is not None and at.operands[k] in self.relevant:
                self.add(at.operands[k], gx)

    def follow(self, v: int, at: Instruction, reads: Reads) -> bool:
        """Pass on cotangents of reads as such; False, and nothing done, where that is not possible."""
        xs, _ = self.around(v, at)
        if alike(at, [x.shape for x in xs]):
            for read, ans, g in reads:
                self.follow_alike(at, xs, read, ans, g)
            return True
        views = [through(at, xs[0], read) for read, _, _ in reads] if xs and at.operands[0] in self.relevant else []
        if not views or None in views:
            return False
        for view, (_, ans, g) in zip(views, reads, strict=True):
            if view is not None:
                self.add_read(at.operands[0], view.read, view.back(ans), view.back(g))
        return True

    def follow_alike(self, at: Instruction, xs: list[Value], read: Read, ans: Value, g: Value) -> None:
        """Pass on the cotangents of the elements at which an elementwise result was read."""
        single = [x.shape == () != at.aval.shape for x in xs]
        small = [x if alone else self.elements.of(x, read) for x, alone in zip(xs, single, strict=True)]
        found = list(vjp_of(at, g, ans, small))
        for k, gx in zip(at.primitive.differentiable(len(xs)), found, strict=True):
            o = at.operands[k]
            if gx is None or o not in self.relevant:
                continue
            if single[k]:
                self.add(o, gx)
            else:
                self.add_read(o, read, small[k], gx)


def vjp_of(at: Instruction, g: Value, ans: Value, xs: list[Value]) -> Iterable[Value | None]:
    """Cotangents of the operands of an instruction."""
    rule = at.primitive.vjp
    assert rule is not NOT_DIFFERENTIABLE and callable(rule), at.primitive
    return rule(g, ans, *xs, **at.params)  # type: ignore[no-any-return]


def pull_back(
    b: Builder, cotangents: Cotangents, sources: Collection[int], into: Cotangents, final: Collection[int] = ()
) -> Cotangents:
    """Cotangents of those ``sources`` that are reached, from the cotangents of some values.

    The walk ends at the sources. ``into`` holds accumulators of sources, to which theirs are added. Those of ``final``
    sources leave the graph: they are numbers, in which elements that are not selected are 0.
    ``b.tracking`` says whether the result can be differentiated again.
    """
    end = max(cotangents, default=-1) + 1
    b.zeros.update({acc.id: UNSIGNED for v, acc in into.items() if v in final})
    walk = Walk(b, sources, final, dependents(b, sources, end), into)
    for v, g in cotangents.items():
        if v in walk.relevant:
            walk.add(v, g)
    walk.reached = set(walk.held) - set(into) | (set(cotangents) & set(into))
    for v in range(end - 1, -1, -1):
        instruction = b.instruction(v)
        if v in walk.held and v not in sources:
            held = walk.held.pop(v)
            if instruction is None or not b.tracked[v]:
                continue
            if isinstance(held, Value) or not walk.follow(v, instruction, held):
                walk.through(v, instruction, walk.whole(v, held))
    return {v: leaving(walk.whole(v, g), v in final) for v, g in walk.held.items() if v in walk.reached}


def leaving(g: Value, final: bool) -> Value:
    """Cotangent as it leaves the walk: as a gradient, or for the next walk."""
    return settled(g) if final else ready(g)
