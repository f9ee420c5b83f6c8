"""How a primitive becomes native code, said without the code generator.

An elementwise rule is written over an emitter ``e`` that is handed in: ``lower(e, index, *xs, **params)`` gives
the element of the result at an index, reading operands by ``e.at(x, index)``. The same rule serves every fused
kernel. The other kinds say which loop nest they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

Rule = Callable[..., Any]


class Cost(IntEnum):
    """What computing an element once more costs: nothing (it is moved), an instruction or two, or many."""

    FREE = 0
    LIGHT = 1
    HEAVY = 4


class Kind:
    """A kind of lowering."""

    cost = Cost.LIGHT


@dataclass(frozen=True, slots=True)
class Element(Kind):
    """The element at an index, from elements of the operands. ``HEAVY`` rules are not computed twice.

    ``alike`` ones take the element at the same index of every operand, which broadcast. ``folds`` says that LLVM
    computes it where the operands are constants; ``exact`` that NumPy gives its bits (None: unless it is heavy).
    """

    rule: Rule
    cost: Cost = Cost.LIGHT
    alike: bool = False
    folds: bool = False
    exact: bool | None = None

    @property
    def heavy(self) -> bool:
        """Whether it is not to be computed twice."""
        return self.cost is Cost.HEAVY

    @property
    def by_numpy(self) -> bool:
        """Whether NumPy gives its bits."""
        return not self.heavy if self.exact is None else self.exact


@dataclass(frozen=True, slots=True)
class Fold(Kind):
    """A reduction over ``axes`` by add, max or min, in the order of DESIGN.md section 4."""

    operation: str


@dataclass(frozen=True, slots=True)
class Search(Kind):
    """Where along ``axis`` the first max or min lies."""

    operation: str


@dataclass(frozen=True, slots=True)
class Write(Kind):
    """A copy of operand ``base`` (zeros if None), then a store of each element of a value.

    ``place(e, index, *xs, **params)`` is where in the result the element of operand ``value`` at an index goes.
    ``combine`` (add, multiply, maximum or minimum) says what becomes of it and the element there; None: it is stored.
    ``part(shape, **params)`` gives, where not all of the value is written, the shape of the part and its offset.
    ``ordered`` writes may meet the same place twice, unless a parameter ``unique`` says no, and keep index order.
    ``blank`` results are read only where they were written.
    """

    place: Rule
    value: int
    base: int | None
    combine: str | None = None
    ordered: bool = False
    part: Rule | None = None
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Pieces(Kind):
    """The operands, written one after the other along ``axis``."""


@dataclass(frozen=True, slots=True)
class Product(Kind):
    """A matrix product over the last two axes; of the ``transposed`` right operand, where it says so."""

    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Rewritten(Kind):
    """Others, which ``simplify`` puts in its place."""


Lowering = Element | Fold | Search | Write | Pieces | Product | Rewritten


def elementwise(
    function: Rule, cost: Cost = Cost.LIGHT, *, folds: bool = False, exact: bool | None = None
) -> Element:
    """The rule of an elementwise primitive from a function of elements, operands broadcasting."""

    def rule(e: Any, index: Any, *xs: Any, **params: Any) -> Any:
        return function(e, *[e.at(x, e.broadcast(index, x)) for x in xs], **params)

    return Element(rule, cost, alike=True, folds=folds, exact=exact)


def moving(rule: Rule) -> Element:
    """The rule of what gives elements as they are, or makes them from nothing."""
    return Element(rule, Cost.FREE, folds=True)
