"""How a primitive becomes native code, said without the code generator.

An elementwise rule is written over an emitter ``e`` that is handed in: ``lower(e, index, *xs, **params)`` gives
the element of the result at an index, reading operands by ``e.at(x, index)``. The same rule serves every fused
kernel. The other kinds say which loop nest they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rule = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Element:
    """The element at an index, from elements of the operands. ``heavy`` rules are not computed twice.

    ``alike`` ones take the element at the same index of every operand, which broadcast.
    """

    rule: Rule
    heavy: bool = False
    alike: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """A reduction over ``axes`` by add, max or min, in the order of DESIGN.md section 4."""

    operation: str


@dataclass(frozen=True, slots=True)
class Search:
    """Where along ``axis`` the first max or min lies."""

    operation: str


@dataclass(frozen=True, slots=True)
class Write:
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
class Pieces:
    """The operands, written one after the other along ``axis``."""


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product over the last two axes; of the ``transposed`` right operand, where it says so."""

    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Others, which ``simplify`` puts in its place."""


Lowering = Element | Fold | Search | Write | Pieces | Product | Rewritten


def elementwise(function: Rule, heavy: bool = False) -> Element:
    """The rule of an elementwise primitive from a function of elements, operands broadcasting."""

    def rule(e: Any, index: Any, *xs: Any, **params: Any) -> Any:
        return function(e, *[e.at(x, e.broadcast(index, x)) for x in xs], **params)

    return Element(rule, heavy, alike=True)
