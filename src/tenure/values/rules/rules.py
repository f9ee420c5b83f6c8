"""Kinds and rules: what is known of recorded values and steps before any number is.

A *kind* is what recording needs to know of a value: its aval, whether a gradient flows to it, the vmapped call of whose
example it is. A *rule* is a step on operands of given kinds: what it gives, which numbers it accepts, how it becomes
primitives. Both are interned: equal ones are one object, and are compared as such. A rule is made once in a process; a
recorded step is a rule and the slots that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from tenure import dtypes
from tenure.errors import DTypeError
from tenure.ir import likes
from tenure.ir.aval import Aval
from tenure.ir.likes import Twinned
from tenure.ir.templates import Recipe, recipe
from tenure.ir.traits import Limit
from tenure.ops.division import DIVISOR

Key = tuple[Any, ...]
Slots = tuple[int, ...]
MOST_KINDS = 1 << 14
MOST_RULES = 1 << 15


class _General:
    """Marker of a scalar position that has met more than one value: an input of the program for good."""

    def __repr__(self) -> str:
        return "GENERAL"


GENERAL: Final = _General()
Bound = tuple[int, int, Limit | None]
"""Bound of a Python number where it is recorded: its range, and further conditions."""
INT64: Bound = (-(2**63), 2**63 - 1, None)
DIVIDES: Bound = (*INT64[:2], DIVISOR)


WEAK = {
    bool: Aval((), dtypes.bool_, weak=True),
    int: Aval((), dtypes.int64, weak=True),
    float: Aval((), dtypes.float64, weak=True),
}
"""Avals of Python numbers by their types."""


class Level:
    """Vmapped call on a path: so many examples, ``depth`` calls deep, within the level ``outer``."""

    __slots__ = ("count", "depth", "outer")

    def __init__(self, count: int, outer: Level | None) -> None:
        self.count = count
        self.outer = outer
        self.depth: int = 1 if outer is None else outer.depth + 1


class Kind:
    """Kind of a value. ``leaf`` is the same with a gradient; ``input`` is the rule by which
    such a value becomes an input of a trace. ``like`` is what it shares with kinds of other ``extents`` (``alike``)."""

    leaf: Kind
    extents: tuple[int, ...]
    __slots__ = ("aval", "extents", "input", "leaf", "level", "like", "tracked")

    def __init__(self, aval: Aval, tracked: bool, level: Level | None) -> None:
        self.aval = aval
        self.tracked = tracked
        self.level = level
        self.input: Any = None
        self.like: Any = None

    def __repr__(self) -> str:
        return f"{self.aval}{' tracked' if self.tracked else ''}{' of one example' if self.level else ''}"


KINDS: dict[tuple[Aval, Level | None], Kind] = {}


def kind_of(aval: Aval, tracked: bool = False, level: Level | None = None) -> Kind:
    """The kind of an aval."""
    plain = KINDS.get((aval, level))
    if plain is None:
        if len(KINDS) > MOST_KINDS:
            for kind in [*KINDS.values()]:
                kind.input = kind.leaf.input = None  # which leads back to it
            KINDS.clear()
        plain, leaf = Kind(aval, False, level), Kind(aval, True, level)
        plain.leaf = leaf.leaf = leaf
        key = aval, level
        if level is None:
            likes.untracked(key)
        plain = KINDS.setdefault(key, plain)
    return plain.leaf if tracked else plain


SAME: Final = Level(0, None)
"""The innermost open vmapped call is the one before the step."""


class Rule(Twinned):
    """Step on operands of some kinds.

    ``kinds`` are those of its results, ``kind`` that of the only one, ``level`` their vmapped call; some are
    ``tracked`` or none. It reads ``arity`` slots, and numbers of the Python types ``numbers``, which ``bounds``
    restrict, after them, or before if it is ``turned``. ``leaves`` says which results of an operation are sources of
    gradients from here on; ``grad``, whether gradients were recorded. ``inputs`` is 1 for a new input; a gradient
    ``consumes`` what it walks or not. ``size`` counts its operations, each of a composite one by itself. ``open`` is
    the innermost vmapped call from here on. ``form`` is what rules share that differ in extents alone (``forms``), with
    its own extents. It is ``made_of`` a recipe, which knows what an operation emits with some ``flags``
    (``ir.templates``); ``template`` has it, where each result is an instruction of its own; of the call of a program it
    has the program, and the flags say which operands are tracked; ``reads`` is whether its
    gradient reads a value, once that is known, and ``spends`` says of each result whether a backward consumes its step
    (``spending``), likewise. ``first`` is the first rule of its class (``alike``), if it is another.
    """

    made_of: Recipe | None
    first: Rule | None
    __slots__ = (
        "arity", "bounds", "consumes", "expand", "first", "flags", "form", "grad", "inputs", "key", "kind", "kinds",
        "leaves", "level", "made_of", "name", "numbers", "open", "params", "reads", "size", "spends", "template",
        "tracked", "turned",
    )  # fmt: skip

    def __init__(
        self,
        key: Key,
        expand: Callable[..., None],
        *,
        arity: int = 0,
        params: Any = None,
        kinds: tuple[Kind, ...] = (),
        numbers: tuple[type, ...] = (),
        bounds: tuple[Bound | None, ...] = (),
        name: str = "",
        leaves: tuple[int, ...] = (),
        grad: bool = True,
        inputs: int = 0,
        consumes: bool = False,
        size: int = 0,
        open: Level | None = SAME,
        turned: bool = False,
    ) -> None:
        self.key = key
        self.expand = expand
        self.arity = arity
        self.params = params
        self.numbers = numbers
        self.bounds = bounds or tuple([INT64 if k is int else None for k in numbers])
        self.name = name
        self.leaves = leaves
        self.grad = grad
        self.inputs = inputs
        self.consumes = consumes
        self.size = size
        self.open = open
        self.form: tuple[int, tuple[int, ...]] | None = None
        self.made_of = self.first = None
        self.template: Any = None
        self.flags: tuple[bool, ...] = ()
        self.reads: bool | None = None
        self.spends: tuple[bool, ...] | None = None
        self.turned = turned
        self.giving(*kinds)

    def giving(self, *kinds: Kind) -> Rule:
        """Set the kinds of the results of a new rule."""
        self.kinds = kinds
        self.kind = kinds[0] if len(kinds) == 1 else None
        self.level: Level | None = kinds[0].level if kinds else None
        self.size = max(self.size, len(kinds))
        self.tracked = any(kind.tracked for kind in kinds)
        return self

    def alike(self, key: Key, template: Any, kinds: tuple[Kind, ...], params: Any, form: Any) -> Rule:
        """The rule of another key of its class, with such results."""
        made = self.twin()
        made.key, made.template, made.kinds, made.params, made.form = key, template, kinds, params, form
        made.made_of, made.kind = None, kinds[0] if len(kinds) == 1 else None
        return made

    @property
    def recipe(self) -> Recipe:
        """Recipe of an operation on operands of its kinds."""
        if self.made_of is None:
            (fn, params), kinds = self.params, [part for part in self.key if type(part) is Kind]
            given, weak = [kind.aval for kind in kinds], [WEAK[of] for of in self.numbers]
            self.made_of = recipe(fn, params, tuple([*weak, *given] if self.turned else [*given, *weak]))
        return self.made_of

    def check(self, scalars: tuple[Any, ...]) -> None:
        """Check the numbers of a step."""
        for value, bound in zip(scalars, self.bounds, strict=True):
            if bound is not None and not within(value, bound):
                raise out_of_bounds(value, bound)


class Known(dict[Key, Rule]):
    """Rules by their keys: an operation, the kinds of its operands, its parameters, and the types of its numbers."""

    def keep(self, rule: Rule) -> Rule:
        """Intern a rule."""
        if len(self) > MOST_RULES:
            self.clear()
        return self.setdefault(rule.key, rule)


def within(value: int, bound: Bound) -> bool:
    """Whether a Python number lies within a bound."""
    return bound[0] <= value <= bound[1] and (bound[2] is None or bound[2].admits(value))


def in_words(numbers: Sequence[Any]) -> Sequence[Any]:
    """The numbers of a step as a program takes them, in 64 bits: what a uint64 holds beyond an int64, modulo 2^64."""
    most = INT64[1]
    if all(type(n) is not int or n <= most for n in numbers):
        return numbers
    return [n - 2**64 if type(n) is int and n > most else n for n in numbers]


def as_given(words: Sequence[Any], bounds: Sequence[Bound | None]) -> tuple[Any, ...]:
    """The numbers that a step was recorded with; of a uint64 those below 0 stand for ones that no int64 holds."""
    pairs = zip(words, bounds, strict=True)
    return tuple([n + 2**64 if bound and bound[0] == 0 and n < 0 else n for n, bound in pairs])


def out_of_bounds(value: int, bound: Bound) -> Exception:
    """Error for a Python number outside the range of its dtype, or refused by a primitive."""
    if bound[2] is not None and bound[0] <= value <= bound[1]:
        return bound[2].error(value)
    name = f"{'int' if bound[0] else 'uint'}{(bound[1] - bound[0]).bit_length()}"
    return DTypeError(f"the number {value} does not fit in {name}", help="write it as a float, or cast the tensor")
