"""Primitives that the tests declare themselves: each stands in the table for one test, and is then taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tenure.ir.aval import Aval
from tenure.ir.kind import Kind
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import TABLE, Value
from tenure.ops.batching import shift_axes
from tenure.ops.declare import REALS, claim, linear, pointwise
from tenure.ops.index import add_along, take_along
from tenure.ops.move import flip
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


def like(known: Primitive, name: str, **changes: Any) -> Primitive:
    """A primitive of the meaning and lowering of a known one, without its traits and derivatives, but for changes."""
    kept = {rule: getattr(known, rule) for rule in ("aval", "ref", "dtypes", "samples", "batch", "lower")}
    none = {"vjp": NOT_DIFFERENTIABLE, "jvp": NOT_DIFFERENTIABLE, "argnums": ()}
    return Primitive(name, **{**none, **kept, **changes})


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


@dataclass(frozen=True, slots=True)
class Chain(Kind):
    """Running totals along ``axis``, each from the one before."""

    def reads(self, t: Any, v: int, at: Any) -> None:
        t.whole(at.operands[0])

    def emit(self, k: Any) -> None:
        def step(e: Any, held: Any) -> Any:
            total = e.add(held, e.at(k.operands[0], k.index))
            k.store(e, total)
            return total

        neutral = -0.0 if k.aval.dtype.kind == "f" else 0
        k.along(k.params["axis"], lambda e: e.constant(neutral, k.aval.dtype), step)

    def run(self, n: Any, at: Any) -> Any:
        return n.reference(at)


def running_total(lower: Kind | None = None) -> Primitive:
    """A cumulative sum: one declaration over a kind of its own."""

    def samples(rng: Any, dtype: Any) -> Any:
        for shape, axis in (((5,), 0), ((3, 4), 0), ((2, 3, 4), 1), ((2, 0), 1)):
            yield (REALS(rng, shape, dtype),), {"axis": axis}

    def shape_rule(x: Aval, *, axis: int) -> Aval:
        claim("running_total", x.dtype, "iuf")
        return x.with_shape(x.shape)

    def back(g: Value, x: Value, *, axis: int) -> Value:
        return flip(total(flip(g, axes=(axis,)), axis=axis), axes=(axis,))

    total = linear(
        "running_total",
        batch=shift_axes("axis"),
        lower=lower or Chain(),
        aval=shape_rule,
        ref=lambda np, x, *, axis: np.cumsum(x, axis=axis, dtype=x.dtype),
        transpose=(back,),
        dtypes="iuf",
        samples=samples,
    )
    return total
