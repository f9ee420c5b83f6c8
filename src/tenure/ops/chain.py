"""The product of the chain rule: a partial derivative times a cotangent or tangent, parts of which may be unselected.

    d = 1 / x; g = where c 1 −0.0; b = chain d g      b is −0.0 where c does not hold, also where d is infinite
"""

from __future__ import annotations

from tenure import dtypes
from tenure.ir.primitive import NOT_DIFFERENTIABLE, PARTIAL, UNSIGNED, Primitive, Rule
from tenure.ops.declare import REALS, Partial, interval, pointwise
from tenure.ops.lowering import elementwise
from tenure.ops.pointwise import logical_not
from tenure.ops.selection import NONE, Selection

unselected = pointwise(
    "unselected",
    lower=lambda e, g: e.call("unselected", g),
    ref=lambda np, g: np.logical_and(g == 0, np.signbit(g)),
    partials=NOT_DIFFERENTIABLE,
    domain=(interval(-1.0, 1.0),),
    dtypes="f",
    result=dtypes.bool_,
)
"""Whether an element of a cotangent is −0.0 (``ops.selection``)."""


def _chained(other: Rule) -> Partial:
    """The partial derivative of ``chain``: the other operand, where the cotangent is selected."""
    return lambda ans, x, g: Selection(logical_not(unselected(g)), other(x, g))


chain: Primitive = pointwise(
    "chain",
    lower=elementwise(
        lambda e, x, g: e.select(
            e.call("unselected", g), e.number(NONE, g), e.add(e.multiply(x, g), e.number(0.0, g))
        ),
        folds=True,
    ),
    ref=lambda np, x, g: np.where(
        np.logical_and(g == 0, np.signbit(g)), np.asarray(NONE, g.dtype), np.add(np.multiply(x, g), g.dtype.type(0))
    ),
    partials=(_chained(lambda x, g: g), _chained(lambda x, g: x)),
    domain=(REALS, REALS),
    dtypes="f",
    zeros=((1,), lambda found: PARTIAL if found[0] == PARTIAL else UNSIGNED),
)
"""x · g, a partial derivative times a cotangent: −0.0 where g is not selected, whatever x, and +0.0 for any other zero
(``ops.selection``)."""
