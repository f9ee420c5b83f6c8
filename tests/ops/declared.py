"""Primitives that the tests declare themselves: each stands in the table for one test, and is then taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE
from tenure.ops.declare import REALS, linear, pointwise
from tenure.ops.index import add_along, take_along
from tenure.ops.pointwise import absolute, greater
from tenure.ops.selection import Selection, ready, unselected_like


@contextmanager
def only_here() -> Iterator[None]:
    """What is declared inside leaves the table at the end."""
    before = set(TABLE)
    try:
        yield
    finally:
        for name in set(TABLE) - before:
            del TABLE[name]


def picked() -> Primitive:
    """The lowering and the index operand of ``take_along`` under another name."""
    return linear(
        "picked",
        batch=take_along.batch,
        lower=take_along.lower,
        aval=take_along.aval,
        ref=take_along.ref,
        transpose=(lambda g, x, index: add_along(unselected_like(x), ready(g), index),),
        traits=take_along.traits,
        dtypes=take_along.dtypes,
        samples=take_along.samples,
    )


def softshrink() -> Primitive:
    """Towards zero by λ, and zero within λ of it: an elementwise function with a parameter."""

    def native(e: Any, x: Any, *, λ: float) -> Any:
        less = e.subtract(x, e.number(λ, x))
        more = e.add(x, e.number(λ, x))
        low = e.select(e.compare("<", x, e.number(-λ, x)), more, e.number(0, x))
        return e.select(e.compare(">", x, e.number(λ, x)), less, low)

    def meaning(np: Any, x: Any, *, λ: float) -> Any:
        by = x.dtype.type(λ)
        return np.where(x > by, x - by, np.where(x < -by, x + by, x.dtype.type(0)))

    return pointwise(
        "softshrink",
        ref=meaning,
        partials=(lambda ans, x, *, λ: Selection(greater(absolute(x), x.coerce(λ)), x.coerce(1)),),
        lower=native,
        domain=(REALS,),
        dtypes="f",
        params=({"λ": 0.5}, {"λ": 1.25}),
    )
