"""Writes by index arrays that combine with what is there: products, largest and smallest.

Every duplicate counts. Where several of them, or the element itself, are the largest, each takes an equal share of
the gradient, as in a reduction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.advanced import (
    WRITES,
    block_of,
    gather,
    scatter_add,
    scatter_aval,
    scatter_meaning,
    scatter_samples,
    scatter_write,
)
from tenure.ops.declare import primitive
from tenure.ops.index_batching import array_write
from tenure.ops.pointwise import NUMBERS, cast, equal, logical_and, logical_or, not_equal, where
from tenure.ops.selection import Selection, ready, times, unselected_like

Weights = Callable[..., tuple[Value | Selection | None, Value | Selection | None]]


def _combining(name: str, function: str, weights: Weights) -> Primitive:
    """A scatter by a ufunc. ``weights(wanted, ans, x, v, operands, params)`` are the derivatives of the result: of each
    element by that of the base there, and by each element of the value; only the wanted ones."""

    def vjp(g: Value, ans: Value, x: Value, v: Value, *operands: Value, **params: Any) -> list[Value | None]:
        tracked = x.builder.tracked
        of_x, of_v = weights((tracked[x.id], tracked[v.id]), ans, x, v, operands, params)
        return [
            None if of_x is None else times(g, of_x),
            None if of_v is None else times(gather(g, *operands, **params), of_v),
        ]

    def jvp(
        dxs: Sequence[Value | None], ans: Value, x: Value, v: Value, *operands: Value, **params: Any
    ) -> Value | None:
        dx, dv = dxs
        of_x, of_v = weights((dx is not None, dv is not None), ans, x, v, operands, params)
        total = unselected_like(x) if dx is None or of_x is None else times(dx, of_x)
        if dv is None or of_v is None:
            return total
        return scatter_add(ready(total), ready(times(dv, of_v)), *operands, **params)

    return primitive(
        name,
        batch=array_write,
        lower=scatter_write(function),
        aval=scatter_aval(name, NUMBERS),
        ref=scatter_meaning(function),
        vjp=vjp,
        jvp=jvp,
        argnums=(0, 1),
        in_place=0,
        traits=WRITES,
        dtypes=NUMBERS,
        samples=scatter_samples,
    )


def _winners(
    wanted: tuple[bool, bool], ans: Value, x: Value, v: Value, operands: Sequence[Value], params: dict[str, Any]
) -> tuple[Selection | None, Selection | None]:
    """The share of each of those that are the result; where that is NaN, the NaNs are."""
    of_x = logical_or(equal(x, ans), not_equal(x, x))
    of_v = logical_or(equal(v, gather(ans, *operands, **params)), not_equal(v, v))
    share = 1 / scatter_add(cast(of_x, dtype=x.dtype), cast(of_v, dtype=x.dtype), *operands, **params)
    return (
        Selection(of_x, share) if wanted[0] else None,
        Selection(of_v, gather(share, *operands, **params)) if wanted[1] else None,
    )


def _factors(
    wanted: tuple[bool, bool], ans: Value, x: Value, v: Value, operands: Sequence[Value], params: dict[str, Any]
) -> tuple[Value | None, Value | None]:
    """The product of the other factors of each element."""
    ones = x.builder.full(x.shape, 1, x.dtype)
    of_x = scatter_multiply(ones, v, *operands, **params) if wanted[0] else None
    return of_x, _others(x, v, operands, params) if wanted[1] else None


def _others(x: Value, v: Value, operands: Sequence[Value], params: dict[str, Any]) -> Value:
    """The product of all factors of an element but each one of v.

    That is the product of those that are not zero by this one, unless one of the others is zero. A factor that is
    zero stands in it by its value, through the sum of such factors, so that what is 0 here still has a gradient.
    """
    if params["unique"] or prod(block_of(params["spec"], operands)) <= 1:
        return gather(x, *operands, **params)
    zero, one = x.coerce(0), x.coerce(1)
    x_none, v_none = equal(x, zero), equal(v, zero)

    def whole(of_x: Value, of_v: Value, combine: Primitive) -> Value:
        return gather(combine(of_x, of_v, *operands, **params), *operands, **params)

    count = whole(cast(x_none, dtype=x.dtype), cast(v_none, dtype=x.dtype), scatter_add)
    product = whole(where(x_none, one, x), where(v_none, one, v), scatter_multiply)
    zeros = whole(where(x_none, x, zero), where(v_none, v, zero), scatter_add)
    rest = product / where(v_none, one, v)
    if_one = where(v_none, product, zeros * rest)
    if_two = where(logical_and(v_none, equal(count, x.coerce(2))), (zeros - v) * product, zero)
    return where(equal(count, zero), rest, where(equal(count, one), if_one, if_two))


scatter_multiply: Primitive = _combining("scatter_multiply", "multiply", _factors)
scatter_max = _combining("scatter_max", "maximum", _winners)
scatter_min = _combining("scatter_min", "minimum", _winners)
