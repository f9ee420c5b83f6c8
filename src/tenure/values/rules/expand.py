"""Expansion of recorded steps into primitives.

    input f32[3]; sin −1; sum 0; backward 1        becomes, in a builder,
    v0 = input; v1 = sin v0; v2 = reduce_sum v1; v3 = full 1; v4 = broadcast_to …; v5 = cos v0; v6 = multiply …

The same path always gives the same value numbers: Python scalars are inputs here, whether specialized or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import int64
from tenure.ir.applications import Application, applied
from tenure.ir.aval import Aval
from tenure.ir.likes import Bounded
from tenure.ir.primitive import UNSIGNED
from tenure.ir.program import Builder, Value, filled
from tenure.ir.templates import Template
from tenure.ops import index, pointwise
from tenure.ops.selection import settled
from tenure.transform import vjp
from tenure.transform.batch import close, widen
from tenure.transform.jvp import push_forward
from tenure.values.rules.rows import ROOT, Path, Step
from tenure.values.rules.rules import WEAK, Rule, Slots


class Expansion:
    """Primitives of a path in a builder: ``slots`` are the numbers of its values, ``inputs`` and ``scalars`` those
    that it is given, and ``examples`` the number of the example in each vmapped call that is open."""

    __slots__ = ("builder", "examples", "inputs", "path", "scalars", "slots")

    def __init__(self) -> None:
        self.builder = Builder()
        self.slots: list[int] = []
        self.inputs: list[int] = []
        self.scalars: list[int] = []
        self.examples: list[Value] = []
        self.path: Path = ROOT

    def advance(self, path: Path) -> Expansion:
        """Expand the steps from the current path to ``path``, which goes on from it."""
        for block in path.blocks(self.path):
            self._advance(block)
        self.path = path
        return self

    def _advance(self, block: Path) -> None:
        """Expand a block of rows: where a rule has a template, without making an object of the row."""
        row = at = 0
        while True:
            row, at = self.copied(block, row, at)
            if row == len(block.rules):
                return
            rule = block.rules[row]
            args = block.slots[at : at + rule.arity]
            self.builder.origin, self.builder.tracking = len(self.slots), rule.grad
            rule.expand(self, Step(rule, args, len(self.slots), len(self.scalars), None))
            row, at = row + 1, at + rule.arity

    def copied(self, block: Path, row: int, at: int) -> tuple[int, int]:
        """Expand the rows of a block from one on, whose slots stand at ``at``, as far as their rules have templates;
        the next row, and where its slots stand."""
        b, slots, rules, read = self.builder, self.slots, block.rules, block.slots
        while row < len(rules) and rules[row].template is not None and not b.depths:
            rule = rules[row]
            b.origin, b.tracking = len(slots), rule.grad
            ids = self.arguments(rule, read[at : at + rule.arity])
            rule.template.lay(b, ids)
            slots += [ids[k] for k in rule.template.results]
            row, at = row + 1, at + rule.arity
        return row, at

    def __getitem__(self, slot: int) -> Value:
        return Value(self.builder, self.number(slot))

    def number(self, slot: int) -> int:
        """Number of the value of a slot."""
        return self.slots[slot] if slot >= 0 else self.inputs[~slot]

    def numbers(self, slots: Sequence[int]) -> set[int]:
        """Numbers of the values of some slots."""
        read, inputs = self.slots, self.inputs
        return {read[slot] if slot >= 0 else inputs[~slot] for slot in slots}

    def arguments(self, rule: Rule, args: Slots) -> list[int]:
        """Numbers of the values that a step reads; its scalars become inputs here."""
        slots, inputs = self.slots, self.inputs
        read = [slots[k] if k >= 0 else inputs[~k] for k in args]
        if not rule.numbers:
            return read
        numbers = [self.scalar(kind) for kind in rule.numbers]
        return [*numbers, *read] if rule.turned else [*read, *numbers]

    def scalar(self, kind: type) -> int:
        """Number of the value of the next Python number."""
        value = self.builder.input(WEAK[kind]).id
        self.scalars.append(value)
        return value


def expand_input(ex: Expansion, step: Step) -> None:
    """Expand an input; it is tracked if a gradient flows to it."""
    aval, tracked = step.params
    ex.inputs.append(ex.builder.input(aval, tracked=tracked).id)


def expand_operation(ex: Expansion, step: Step) -> None:
    """Expand an operation, with its static parameters."""
    b, rule, leaves = ex.builder, step.rule, step.rule.leaves
    ids = ex.arguments(rule, step.args)
    first = len(b.avals)
    found = rule.recipe.lay(b, ids)
    if rule.template is None and not leaves:
        rule.template = rule.recipe.plain(rule.flags)
    if not leaves and (found[0] if len(found) == 1 else min(found)) >= first:
        ex.slots += found
        return
    for k, v in enumerate(found):
        ex.slots.append(v if v >= first and k not in leaves else marked(b, v))
        if k in leaves:
            b.tracked[ex.slots[-1]] = True


MARKS, ONES = Bounded(), Bounded()
"""Marks, by the avals of their operands; arrays of ones, by theirs."""


def marked(b: Builder, v: int) -> int:
    """The same value under a number of its own."""
    aval = b.avals[v]
    at: Application | None = MARKS.get(aval)
    return b.append(MARKS.keep(aval, applied(pointwise.mark, {}, (aval,))) if at is None else at, (v,))


def ones(b: Builder, v: int) -> int:
    """The cotangent of a value by itself."""
    aval = b.avals[v]
    at: Application | None = ONES.get(aval)
    g = b.append(ONES.keep(aval, filled(aval.shape, 1, aval.dtype)) if at is None else at, ())
    b.zeros[g] = UNSIGNED
    return g


def expand_mark(ex: Expansion, step: Step) -> None:
    """Expand a mark, at which differentiation may end: a leaf, or the argument of a transform."""
    v = marked(ex.builder, ex.number(step.args[0]))
    ex.builder.tracked[v] = True
    ex.slots.append(v)


def expand_close(ex: Expansion, step: Step) -> None:
    """Expand the end of a transform: outside it the result is constant, but for dependence on outer marks."""
    v = marked(ex.builder, ex.number(step.args[0]))
    ex.builder.tracked[v] = step.rule.kinds[0].tracked
    ex.slots.append(v)


def expand_gradient(ex: Expansion, step: Step) -> None:
    """Expand a gradient: cotangents of ``stops`` from those of ``roots``, by the adjoint program of the steps
    between."""
    lay_gradient(ex, step.rule.params)


def lay_gradient(ex: Expansion, params: Any) -> None:
    """Expand the gradient of some parameters."""
    roots, stops, into, create_graph, reached, final, _ = params
    b = ex.builder
    tracking, b.tracking = b.tracking, create_graph
    held: dict[int, int] = {}
    for slot, given in roots:
        v = ex.number(slot)
        g = ones(b, v) if given is None else ex.number(given)
        held[v] = g if v not in held else (Value(b, held[v]) + Value(b, g)).id
    accumulators = {ex.number(s): ex.number(a) for s, a in zip(stops, into, strict=True) if a is not None}
    found = vjp.pulled(b, held, ex.numbers(stops), accumulators, ex.numbers(final))
    for stop in reached:
        arrived = found.get(ex.number(stop))
        ex.slots.append(marked(b, ex[stop].zeros().id if arrived is None else arrived))
    b.tracking = tracking


def expand_tangent(ex: Expansion, step: Step) -> None:
    """Expand a tangent: tangents of some slots from those of others; zero where there is no dependence."""
    outs, ins, tangents = step.params
    given = {ex[s].id: ex[t] for s, t in zip(ins, tangents, strict=True)}
    found = push_forward(ex.builder, given, [ex[out].id for out in outs])
    for out in outs:
        t = found.get(ex[out].id)
        ex.slots.append(marked(ex.builder, (ex[out].zeros() if t is None else settled(t)).id))


def expand_call(ex: Expansion, step: Step) -> None:
    """Expand a call: the instructions of a program, inlined, on slots and numbers."""
    rule = step.rule
    if rule.template is None:
        rule.template = inlined(rule)
    ids = ex.arguments(rule, step.args)
    rule.template.lay(ex.builder, ids)
    ex.slots += [ids[k] for k in rule.template.results]


def inlined(rule: Rule) -> Template:
    """The instructions of a call's program as a template, with a number of its own for each result."""
    program, given = rule.params[0], rule.arity + len(rule.numbers)
    b = Builder()
    b.tracking = rule.grad
    for aval, flows in zip(program.inputs, rule.flags, strict=True):
        b.input(aval, tracked=flows)
    ids = [*range(given)]
    for at in program.instructions:
        ids.append(b.append(at.application, tuple([ids[o] for o in at.operands])))
    return Template(b, given, [pointwise.mark(Value(b, ids[v])) for v in program.outputs])


def expand_open(ex: Expansion, step: Step) -> None:
    """Expand the begin of a vmapped call; until it returns, its primitives are those of one example."""
    number = ex.builder.input(Aval((), int64))
    ex.examples.append(number)
    ex.builder.depths[number.id] = len(ex.examples)


def expand_select(ex: Expansion, step: Step) -> None:
    """Expand the selection of one example of a value with an axis of them."""
    axis, depth = step.params
    x = ex[step.args[0]]
    spec = tuple(["i" if k == axis else ":" for k in range(x.ndim)])
    ex.slots.append(index.getitem(x, ex.examples[depth - 1], spec=spec).id)


def expand_return(ex: Expansion, step: Step) -> None:
    """Expand the return of a vmapped call: its primitives become those of all examples."""
    axes, count, _ = step.params
    results = [ex[slot] for slot in step.args]
    first = len(ex.builder.avals)
    for value in close(ex.builder, ex.examples.pop(), count, results, axes):
        ex.slots.append(value.id if value.id >= first else marked(ex.builder, value.id))


def expand_widen(ex: Expansion, step: Step) -> None:
    """Expand the broadcast of values of one example to all of them, within the vmapped call."""
    depth, count, _ = step.params
    first, values = len(ex.builder.avals), [ex[slot] for slot in step.args]
    for value in widen(ex.builder, ex.examples[depth - 1], count, values, [0] * len(values)):
        ex.slots.append(value.id if value.id >= first else marked(ex.builder, value.id))


def expand_block(ex: Expansion, step: Step) -> None:
    """Expand the begin or the return of a checkpointed function."""
    if step.params:
        ex.builder.begin_block()
    else:
        ex.builder.end_block()


def reached_stops(ex: Expansion, roots: tuple[Any, ...], stops: tuple[int, ...]) -> tuple[int, ...]:
    """Stops that a gradient of the roots reaches without passing through another one, in their order."""
    tracked = ex.builder.tracked
    ends = [v for v in [ex.number(slot) for slot, _ in roots] if tracked[v]]
    sources = [ex.number(s) for s in stops]
    found = set(vjp.between(ex.builder, set(sources), ends))
    return tuple([s for s, v in zip(stops, sources, strict=True) if v in found and tracked[v]])
