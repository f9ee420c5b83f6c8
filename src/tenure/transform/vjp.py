"""Reverse mode: extend a builder by the cotangents of values it already holds.

    x = input; y = sin x; z = mul y y        with a cotangent g of z becomes
    …; a = mul g y; b = mul g y; c = add a b; d = cos x; e = mul c d        and e is the cotangent of x

The cotangent of an indexed read is added into one accumulator instead of being summed from dense pieces; that of
a read of a computed value goes on as one of its operands (see ``reads``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from tenure.ir.applications import Application, applied
from tenure.ir.aval import Aval
from tenure.ir.likes import Bounded
from tenure.ir.primitive import NOT_DIFFERENTIABLE, PARTIAL, UNSIGNED
from tenure.ir.program import TABLE, Builder, Instruction, Value
from tenure.ops.selection import ready, settled, unselected_like, zeros_of
from tenure.transform.reads import SMALL, Elements, Read, alike, through, worth
from tenure.transform.recompute import Recomputed
from tenure.transform.rules import OnKinds, laid

Cotangents = dict[int, int]
"""Values, each with the one that is its cotangent."""


def between(b: Builder, sources: set[int], ends: list[int]) -> list[int]:
    """Values behind some ends that depend differentiably on one of the sources, sources included; ascending."""
    found: set[int] = set()
    stack = list(ends)
    while stack:
        v = stack.pop()
        if v in found:
            continue
        found.add(v)
        at = b.applications[v]
        if at is not None and b.tracked[v] and v not in sources:
            operands = b.operands[v]
            stack += [operands[k] for k in at.flows]
    out: list[int] = []
    known: set[int] = set()
    for v in sorted(found):
        at = b.applications[v]
        if v not in sources:
            if at is None or not b.tracked[v]:
                continue
            operands = b.operands[v]
            if known.isdisjoint([operands[k] for k in at.flows]):
                continue
        known.add(v)
        out.append(v)
    return out


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


SUMS, BLANKS = Bounded(), Bounded()
"""Additions of two cotangents, by their avals; accumulators of small values, by theirs."""


class Walk:
    """Reverse walk: cotangents on their way from results to sources."""

    __slots__ = (
        "b", "blanks", "elements", "final", "held", "order", "reached", "reading", "relevant", "sources", "sums",
    )  # fmt: skip

    def __init__(
        self, b: Builder, sources: Collection[int], final: Collection[int], ends: Iterable[int], into: Cotangents
    ) -> None:
        self.b = b
        self.sources = set(sources)
        self.final = final
        self.order = between(b, self.sources, list(ends))
        self.relevant = set(self.order)
        self.held: dict[int, int | Reads] = {**into}
        self.elements: Elements | None = None
        self.reading: Recomputed | None = None
        self.reached: set[int] = set()
        self.sums: dict[tuple[Aval, Aval], Application] = SUMS
        self.blanks: dict[Aval, Application] = BLANKS

    def run(self) -> None:
        """Pass on the cotangents of all values but the sources."""
        at = len(self.order)
        while at:
            at = self.passed(at)
            if at:
                at -= 1
                self.pass_on(self.order[at])

    def passed(self, at: int) -> int:
        """Pass on cotangents from the end of the first ``at`` values on, as far as rules have templates; how many are
        left."""
        return at

    def pass_on(self, v: int) -> None:
        """Pass on the cotangent of a value, if one has arrived."""
        if v not in self.held or v in self.sources:
            return
        held, at = self.held.pop(v), self.b.applications[v]
        if at is None or not self.b.tracked[v]:
            return
        if isinstance(held, int) or not self.follow(v, Instruction(at, self.b.operands[v]), held):
            self.through(v, at, self.whole(v, held))

    def around(self, v: int) -> tuple[list[Value], Value]:
        """Operands and result of an instruction, as its derivative reads them."""
        reading = self.reading = self.reading or Recomputed(self.b)
        block = reading.block(v)
        return [reading.value(o, block) for o in self.b.operands[v]], reading.value(v, block)

    def add(self, x: int, g: int) -> None:
        """Add a cotangent of a value."""
        held = self.held.get(x)
        self.held[x] = g if held is None else self.sum(self.whole(x, held), g)
        self.reached.add(x)

    def sum(self, x: int, y: int) -> int:
        """Sum of two cotangents of a value."""
        zeros, key = self.b.zeros, (self.b.avals[x], self.b.avals[y])
        if key[0].dtype.parts is not key[0].dtype:
            return (Value(self.b, x) + Value(self.b, y)).id
        at = self.sums.get(key)
        if at is None:
            at = SUMS.keep(key, applied(TABLE["add"], {}, key))
        ans = self.b.append(at, (x, y))
        if x in zeros and y in zeros:
            zeros[ans] = min(zeros[x], zeros[y])
        return ans

    def add_read(self, x: int, read: Read, ans: Value, g: Value) -> None:
        """Add the cotangent of a read: it is kept as a sparse one where possible."""
        held = self.begun(x)
        if isinstance(held, int):
            self.held[x] = accumulated(Value(self.b, held), g, Value(self.b, x), read).id
        else:
            waiting = Reads([*(held or ()), (read, ans, g)])
            size = self.b.avals[x].size
            fits = worth([read for read, _, _ in waiting], size)
            self.held[x] = waiting if fits else waiting.dense(Value(self.b, x)).id

    def begun(self, x: int) -> int | Reads | None:
        """Cotangent of a value so far; that of a source, an input or a small value begins as an accumulator."""
        held = self.held.get(x)
        self.reached.add(x)
        if held is None and (x in self.sources or self.b.applications[x] is None):
            like = Value(self.b, x)
            held = self.held[x] = (like.zeros() if x in self.final else unselected_like(like)).id
        elif held is None and self.b.avals[x].size <= SMALL:
            held = self.held[x] = self.blank(x)
        return held

    def blank(self, x: int) -> int:
        """Accumulator of a small value."""
        aval = self.b.avals[x]
        g = unselected_like(Value(self.b, x)).id
        at = self.b.applications[g]
        if at is not None and at.kin[0] is not None:
            BLANKS.keep(aval, at)
        return g

    def whole(self, x: int, held: int | Reads) -> int:
        """Cotangent of a value as a dense array."""
        return held if isinstance(held, int) else held.dense(Value(self.b, x)).id

    def through(self, v: int, at: Application, g: int) -> None:
        """Add the contributions of one instruction to the cotangents of its operands."""
        b, operands = self.b, self.b.operands[v]
        if at.primitive.accumulate is not None:
            if operands[0] in self.relevant:
                self.through_read(v, at, g)
            return
        found: Sequence[int | None] | None = None
        if v not in b.blocks and b.avals[g] == at.aval:
            found = laid(b, at, "vjp", [g, v, *operands], 1, pulling)
        if found is None:
            xs, ans = self.around(v)
            found = [None if x is None else x.id for x in vjp_of(at)(Value(b, g), ans, *xs)]
        for k, gx in zip(at.flows, found, strict=True):
            if gx is not None and operands[k] in self.relevant:
                self.add(operands[k], gx)

    def through_read(self, v: int, at: Application, g: int) -> None:
        """Add the cotangent of a read."""
        x, *rest = self.b.operands[v]
        b = self.b
        held = None if v in b.blocks else self.begun(x)
        if isinstance(held, int) and b.avals[held] == at.operands[0] and b.avals[g] == at.aval:
            found = laid(b, at, "accumulate", [held, g, x, *rest], 2, adding)
            if found is not None:
                (self.held[x],) = found  # type: ignore[assignment]
                return
        xs, ans = self.around(v)
        self.add_read(x, Read(at.primitive, tuple(xs[1:]), dict(at.params), at.aval.size), ans, Value(self.b, g))

    def follow(self, v: int, at: Instruction, reads: Reads) -> bool:
        """Pass on cotangents of reads as such; False, and nothing done, where that is not possible."""
        xs, _ = self.around(v)
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
        elements = self.elements = self.elements or Elements(self.b)
        single = [x.shape == () != at.aval.shape for x in xs]
        small = [x if alone else elements.of(x, read) for x, alone in zip(xs, single, strict=True)]
        of = applied(at.primitive, at.params, tuple([x.aval for x in small]))
        found: Sequence[int | None] | None = None
        if g.aval == ans.aval == of.aval:
            found = laid(self.b, of, "vjp", [g.id, ans.id, *[x.id for x in small]], 1, pulling)
        if found is None:
            found = [None if x is None else x.id for x in vjp_of(of)(g, ans, *small)]
        for k, gx in zip(of.flows, found, strict=True):
            o = at.operands[k]
            if gx is None or o not in self.relevant:
                continue
            if single[k]:
                self.add(o, gx)
            else:
                self.add_read(o, read, small[k], Value(self.b, gx))


def vjp_of(at: Application) -> Callable[..., Sequence[Value | None]]:
    """Function of a cotangent, the result and the operands: the cotangents of the operands."""
    rule = at.primitive.vjp
    assert rule is not NOT_DIFFERENTIABLE and callable(rule), at.primitive
    return partial(rule, **at.params)


def pulling(at: Application) -> OnKinds:
    """The rule of an instruction on its cotangent, result and operands."""
    return vjp_of(at), (at.aval, at.aval, *at.operands)


def adding(at: Application) -> OnKinds:
    """The rule of a read on an accumulator, a cotangent to be added to it, and its operands."""

    def rule(acc: Value, g: Value, x: Value, *rest: Value) -> list[Value]:
        return [accumulated(acc, g, x, Read(at.primitive, rest, dict(at.params), at.aval.size))]

    return rule, (at.operands[0], at.aval, *at.operands)


def pull_back(
    b: Builder,
    cotangents: dict[int, Value],
    sources: Collection[int],
    into: dict[int, Value],
    final: Collection[int] = (),
) -> dict[int, Value]:
    """``pulled``, on values."""
    given, begun = ({v: g.id for v, g in of.items()} for of in (cotangents, into))
    return {v: Value(b, g) for v, g in pulled(b, given, sources, begun, final).items()}


def pulled(
    b: Builder, cotangents: Cotangents, sources: Collection[int], into: Cotangents, final: Collection[int]
) -> Cotangents:
    """Cotangents of those ``sources`` that are reached, from the cotangents of some values.

    The walk ends at the sources. ``into`` holds accumulators of sources, to which theirs are added. Those of ``final``
    sources leave the graph: they are numbers, in which elements that are not selected are 0.
    ``b.tracking`` says whether the result can be differentiated again.
    """
    for v in into.keys() & final:
        b.zeros[into[v]] = UNSIGNED
    walk = Walk(b, sources, final, cotangents, into)
    for v, g in cotangents.items():
        if v in walk.relevant:
            walk.add(v, g)
    walk.reached = (walk.held.keys() - into.keys()) | (cotangents.keys() & into.keys())
    walk.run()
    return {v: leaving(b, walk.whole(v, g), v in final) for v, g in walk.held.items() if v in walk.reached}


def leaving(b: Builder, g: int, final: bool) -> int:
    """Cotangent as it leaves the walk: as a gradient, or for the next walk."""
    if b.zeros.get(g) == UNSIGNED:
        return g
    return (settled if final else ready)(Value(b, g)).id
