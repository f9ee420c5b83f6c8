"""Static analysis of recorded paths: the ancestors of a result, and the residuals of its adjoint."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from tenure.dtypes import DType
from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost
from tenure.ir.likes import Bounded
from tenure.ir.primitive import UNSIGNED
from tenure.ir.program import Value, filled
from tenure.transform.vjp import pulled
from tenure.values.rules.expand import (
    Expansion,
    expand_close,
    expand_gradient,
    expand_mark,
    expand_return,
    expand_tangent,
    expand_widen,
)
from tenure.values.rules.graph import Source
from tenure.values.rules.guard import guarded
from tenure.values.rules.levels import is_open
from tenure.values.rules.rows import History, Path, Results, Step, history_of
from tenure.values.rules.rules import GENERAL, Rule, Slots

LEAF, ARGUMENT, BY_RULE, KEEPING = range(4)
"""Marks: of a leaf, of an argument of a transform, of the result of a custom rule, of one that keeps residuals."""


def steps(path: Path) -> Results:
    """Step of each result of the path, and the result's index within the step."""
    return Results(path)


def own_rows(path: Path) -> Iterator[tuple[int, Rule, int]]:
    """Results of a path, each with its rule and the place within it."""
    rules = (rule for block in path.blocks() for rule in block.rules)
    return ((s, *at) for s, at in enumerate((rule, k) for rule in rules for k in range(len(rule.kinds))))


def ancestors(path: Path, slots: Iterable[int], halt: Iterable[int] = ()) -> set[int]:
    """Differentiable ancestors of some results of a path, these included; the walk ends at ``halt``."""
    return set(walked(path, list(slots), list(halt), True)[0])


def ancestors_in(
    made: Sequence[tuple[Step, int]], slots: Iterable[int], halt: Iterable[int] = (), leaves: bool = True
) -> set[int]:
    """``ancestors`` among results given with their steps; without ``leaves`` the walk ends at leaves too."""
    stop = set(halt)
    found: set[int] = set()
    stack = [s for s in slots if s >= 0]
    while stack:
        slot = stack.pop()
        if slot in found or slot in stop:
            continue
        step, k = made[slot]
        if step.rule.kinds[k].tracked and (leaves or not is_leaf(step.rule, k)):
            found.add(slot)
            stack.extend([a for a in step.args if a >= 0])
    return found


Walked = tuple[list[int], list[Rule], list[int]]
"""Results, the last first; their rules, and their places within these."""


def walked(path: Path, slots: list[int], halt: list[int], leaves: bool) -> Walked:
    """The ``ancestors`` of some results of a path, with their rules; without ``leaves`` the walk ends at leaves too."""
    made = Results(path)
    found = sorted(ancestors_in(made, slots, halt, leaves), reverse=True)
    at = [made[s] for s in found]
    return found, [step.rule for step, _ in at], [k for _, k in at]


def spread(path: Path, spent: dict[int, Any]) -> dict[int, Any]:
    """Some results of a path, and those whose gradient would walk them; each with what is known of the first that it
    leads to."""
    out = dict(spent)
    for slot, (step, k) in enumerate(Results(path)) if out else ():
        if slot not in out and step.rule.kinds[k].tracked and not is_leaf(step.rule, k):
            by = next((a for a in step.args if a in out), None)
            if by is not None:
                out[slot] = out[by]
    return out


def reached(path: Path, slot: int) -> Slots:
    """Source slots that the gradient of a slot reaches: tracked inputs and marks; cached."""
    history, stack = history_of(path), [slot]  # another thread may give the path another one meanwhile
    if slot in history.reach:
        return history.reach[slot]
    if slot >= 0:
        found = reached_rows(path, slot)
        if found is not None:
            history.reach[slot] = found
    while slot >= 0 and slot not in history.reach:
        s = stack[-1]
        missing = [] if s in history.reach else _reach(path, history, s)
        stack.extend(missing)
        if not missing:
            stack.pop()
    return _known(history, slot)


def _known(history: History, slot: int) -> Slots:
    """Sources behind a slot, of a result those that were found."""
    return history.reach[slot] if slot >= 0 else (slot,) if history.inputs[~slot][1] else ()


def reached_rows(path: Path, slot: int) -> Slots | None:
    """The sources behind a result, from the rows alone; None where that is not possible, as some are hidden."""
    return None


def _reach(path: Path, history: History, slot: int) -> list[int]:
    """Find the sources behind a result, or the results of which they must be known first."""
    made, given, known = Results(path), history.inputs, history.reach
    found: set[int] = set()
    missing: list[int] = []
    seen: set[int] = set()
    stack = [slot]
    while stack:
        s = stack.pop()
        if s in seen:
            continue
        seen.add(s)
        if s < 0:
            found.update((s,) if given[~s][1] else ())
            continue
        step, k = made[s]
        if not step.rule.kinds[k].tracked:
            continue
        if is_source(step.rule, k):
            found.add(s)
        if step.expand in HIDING:
            behind = step.args[k] if s == slot else s
            if behind >= 0 and behind not in known:
                missing.append(behind)
            else:
                below = _known(history, behind)
                found.update(visible(made, step, below) if s == slot else below)
        elif not is_leaf(step.rule, k):
            stack.extend(step.args)
    if not missing:
        known[slot] = tuple(sorted(found))
    return missing


def visible(made: Sequence[tuple[Step, int]], by: Step | Rule, sources: Iterable[int]) -> list[int]:
    """Sources that are visible behind the end of a transform or of a vmapped call."""
    if by.expand is expand_close:
        hidden, end = by.params
        inner = range(min(hidden, default=end), end)
        return [d for d in sources if d not in inner or not is_argument(made[d][0].rule)]
    level = by.params[-1]
    return [d for d in sources if d < 0 or not is_open(level, made[d][0].level)]


def met(path: Path, roots: Iterable[int], special: Collection[int]) -> dict[int, frozenset[int]] | None:
    """The slots that a walk meets first behind each ancestor of some results: sources, and ``special`` ones, its halts.
    None if sources are hidden, or a result depends on more than its operands."""
    made, given, out = Results(path), history_of(path).inputs, dict[int, frozenset[int]]()
    nothing = frozenset[int]()
    for slot in sorted(ancestors(path, roots)):
        step, k = made[slot]
        if step.expand in HIDING or step.expand in WALKING:
            return None
        found = frozenset([slot]) if is_source(step.rule, k) else nothing
        for a in () if is_leaf(step.rule, k) else step.args:
            below = out.get(a, nothing)
            if a in special or (a < 0 and given[~a][1]):
                below = frozenset([a])
            found = below if not found else found if below <= found else found | below
        out[slot] = found
    return out


HIDING = (expand_close, expand_return, expand_widen)
"""Steps behind which some sources are hidden."""
WALKING = (expand_gradient, expand_tangent)
"""Steps whose results depend on what lies behind their operands, not by way of these alone."""


def inputs_of(path: Path) -> list[tuple[Aval, bool]]:
    """Aval of each input of the path, and whether a gradient flows to it; perhaps of later ones too."""
    return history_of(path).inputs


def behind(path: Path, slot: int) -> set[int]:
    """Ancestors of a result, itself included."""
    made = steps(path)
    found: set[int] = set()
    stack = [slot]
    while stack:
        s = stack.pop()
        if s >= 0 and s not in found:
            found.add(s)
            stack.extend(made[s][0].args)
    return found


def is_mark(rule: Rule, k: int) -> bool:
    """Whether differentiation may end at a result of a step."""
    return rule.expand is expand_mark or k in rule.leaves


def is_source(rule: Rule, k: int) -> bool:
    """Whether a result of a step is a source of gradients itself."""
    return is_leaf(rule, k) or (rule.expand is expand_mark and rule.params == ARGUMENT)


def is_leaf(rule: Rule, k: int) -> bool:
    """Whether a result of a step is the value of a leaf."""
    return k in rule.leaves or (rule.expand is expand_mark and rule.params == LEAF)


def is_argument(rule: Rule) -> bool:
    """Whether a step marks the argument of a transform, or the result of a custom rule."""
    return rule.expand is expand_mark and rule.params != LEAF


def mark_slots(path: Path) -> list[int]:
    """Result slots at which differentiation may end."""
    return [s for s, rule, k in own_rows(path) if is_mark(rule, k)]


def tracked(path: Path, slots: Slots) -> tuple[list[int], list[int]]:
    """Results among some slots that are leaves, and the others that a gradient flows to; ascending."""
    wanted = set(slots)
    found = [at for at in own_rows(path) if at[0] in wanted] if path.tracked else []
    leaves = [slot for slot, rule, k in found if is_leaf(rule, k)]
    return leaves, [slot for slot, rule, k in found if rule.kinds[k].tracked and not is_leaf(rule, k)]


def source_slots(path: Path) -> list[int]:
    """Slots where a gradient may leave this path: tracked inputs and marks."""
    inputs = islice(inputs_of(path), path.inputs)
    return [~k for k, (_, tracked) in enumerate(inputs) if tracked] + mark_slots(path)


def sources(t: Any, path: Path | None = None) -> dict[int, Source]:
    """Sources of a trace by slot: leaves and results of earlier traces that its gradient goes on to."""
    n = len(t.inputs) if path is None else path.inputs
    out: dict[int, Source] = {~k: x._src for k, x in enumerate(t.inputs[:n]) if x._kind.tracked}
    if t.marks:
        out.update({slot: leaf for slot, leaf in t.marks.copy().items() if path is None or slot < path.results})
    return out


def adjoint(
    ex: Expansion,
    roots: Sequence[int],
    stops: Sequence[int],
    into: Sequence[int],
    final: Sequence[int] = (),
    numbers: Sequence[int] = (),
) -> tuple[dict[str, list[Value]], dict[int, Value]]:
    """Add the cotangents of ``stops`` to a path's primitives, with new inputs for the rest; the walk ends at the
    ``final`` ones. All elements of the cotangents of ``numbers`` are selected."""
    b = ex.builder
    b.tracking = False
    given = {
        "roots": [b.input(ex[s].aval) for s in roots],
        "into": [b.input(ex[s].aval) for s in into],
    }
    held: dict[int, int] = {}
    for s, g in zip(roots, given["roots"], strict=True):
        held[ex.number(s)] = g.id
        if s in numbers:
            b.zeros[g.id] = UNSIGNED
    accumulators = {ex.number(s): a.id for s, a in zip(into, given["into"], strict=True)}
    found = pulled(b, held, ex.numbers(stops), accumulators, ex.numbers(final))
    arrived = [(s, found.get(ex.number(s))) for s in stops]
    return given, {s: Value(b, g) for s, g in arrived if g is not None}


def residuals(
    path: Path, roots: tuple[int, ...], lasting: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Residuals of a path: the numbers of computed values, and the inputs that its adjoint reads.

    Parts and views of ``lasting`` inputs, which outlive the path, are not saved, but the inputs kept.
    """
    ex = Expansion().advance(path)
    n = len(ex.builder.avals)
    rules = [step for step in path.steps() if step.expand is expand_mark and step.level is None]
    by_hand = [s for step in rules for s in step.args[1:]]
    given, found = adjoint(ex, sorted({*roots, *by_hand}), source_slots(path), ())
    b = ex.builder
    outputs = [v.id for v in found.values()]
    reads = {v for v in outputs if v < n}
    for v in b.needed(outputs, {v.id for v in given["roots"]} | set(range(n))):
        reads.update([o for o in b.operands[v] if o < n])
    again = {*[ex.inputs[k] for k in lasting], *ex.scalars}
    for v in range(n):
        at, operands = b.made(v), b.operands[v]
        if at is not None and operands and at.primitive.lower.cost is Cost.FREE and again.issuperset(operands):
            again.add(v)
    saved = tuple(sorted([v for v in reads if b.operands[v] and v not in again]))
    remade = b.needed(outputs, {v.id for v in given["roots"]} | set(saved))
    kept = tuple([k for k, v in enumerate(ex.inputs) if v in reads or v in remade])
    return saved, kept


Baked = list[tuple[Path, list[int]]]
"""Blocks, and the places of those of their numbers that a program took for constants."""


def literals(path: Path, ex: Expansion) -> tuple[dict[int, Application], Baked]:
    """Scalars that are still specialized, as constants, and their places."""
    out: dict[int, Application] = {}
    places: Baked = []
    scalars, avals = iter(ex.scalars), ex.builder.avals
    for block in path.blocks():
        special: list[int] = []
        for k, (value, scalar) in enumerate(zip(list(block.fixed), scalars, strict=False)):
            if value is not GENERAL:
                out[scalar] = literal(value, avals[scalar].dtype)
                special.append(k)
        if special:
            places.append((block, special))
    return out, places


def literal(value: Any, dtype: DType) -> Application:
    """A specialized number as a constant; it is neither NaN nor a zero that has a sign."""
    key = (type(value), value, dtype)
    found: Application | None = LITERALS.get(key)
    return LITERALS.keep(key, filled((), value, dtype)) if found is None else found


LITERALS = Bounded()


@guarded
def keep(path: Path, programs: Mapping[Any, Any], baked: Baked) -> bool:
    """Keep new programs of a path by their keys; the blocks of the numbers that they took for constants note the path.
    False, and nothing done, if such a number has differed since, in another thread."""
    if any(block.fixed[k] is GENERAL for block, places in baked for k in places):
        return False
    for block, _ in baked:
        block.baked[path] = None
    path.plans.update(programs)
    return True
