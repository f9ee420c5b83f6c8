"""Elementwise primitives: arithmetic, comparisons, logic, elementary functions, casts."""

from __future__ import annotations

from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import Value
from tenure.ir.traits import Limit, Traits, always
from tenure.ops.batching import aligned, spreading
from tenure.ops.convert import converted
from tenure.ops.declare import (
    NONZERO,
    POSITIVE,
    REALS,
    broadcast_shapes,
    interval,
    linear,
    pointwise,
    unbroadcast,
)
from tenure.ops.lowering import Element, elementwise
from tenure.ops.selection import Selection, masked, unselected_like

ALL = "biuf"
EVERY = "biufhc"
"""Kinds of dtypes that elements are moved of, whatever they are computed in."""
NUMBERS = "iuf"
TWO_REALS = (REALS, REALS)


def won(lost: Value, x: Value, y: Value) -> Selection:
    """Not selected where lost, ½ where tied, else 1 (to both beside a NaN): the subgradient that PyTorch also takes."""
    return Selection(logical_not(lost), where(equal(x, y), x.coerce(0.5), x.coerce(1)))


add = pointwise(
    "add",
    lower=elementwise(lambda e, x, y: e.add(x, y), folds=True),
    ref=lambda np, x, y: np.add(x, y),
    partials=(1.0, 1.0),
    domain=TWO_REALS,
    dtypes=NUMBERS,
    zeros=(None, min),
)
subtract = pointwise(
    "subtract",
    lower=elementwise(lambda e, x, y: e.subtract(x, y), folds=True),
    ref=lambda np, x, y: np.subtract(x, y),
    partials=(1.0, -1.0),
    domain=TWO_REALS,
    dtypes=NUMBERS,
)
multiply = pointwise(
    "multiply",
    lower=elementwise(lambda e, x, y: e.multiply(x, y), folds=True),
    ref=lambda np, x, y: np.multiply(x, y),
    partials=(lambda ans, x, y: y, lambda ans, x, y: x),
    domain=TWO_REALS,
    dtypes=NUMBERS,
)
divide = pointwise(
    "divide",
    lower=elementwise(lambda e, x, y: e.divide(x, y), Cost.HEAVY, folds=True, exact=True),
    ref=lambda np, x, y: np.divide(x, y),
    partials=(lambda ans, x, y: 1 / y, lambda ans, x, y: -(ans / y)),
    domain=(REALS, NONZERO),
    dtypes="f",
)


def _power(np: Any, x: Any, y: Any) -> Any:
    """Powers 1, 2, 3, ½ and −1 take the exact short forms, whether the exponent is constant or computed."""
    if np.ndim(y) == 0 and np.dtype(y.dtype).kind == "f":
        short = {
            1.0: lambda: +x,
            2.0: lambda: x * x,
            3.0: lambda: x * x * x,
            0.5: lambda: np.sqrt(x),
            -1.0: lambda: 1 / x,
        }
        form = short.get(float(y))
        if form is not None:
            return np.asarray(form(), x.dtype)
    return np.power(x, y)


def _no_whole_number(y: int) -> DTypeError:
    return DTypeError(
        f"a whole number to the power {y} is no whole number",
        help="cast the base to a float first: x.to(tn.float32) ** y",
    )


def _power_by_base(ans: Value, x: Value, y: Value) -> Value:
    """y · x^(y−1); 0 for y = 0, at x = 0 and NaN too."""
    none = equal(y, y.coerce(0))
    if not y.builder.tracked[y.id]:
        return where(none, y.coerce(0), y * power(x, y - 1))
    base = where(logical_and(none, logical_not(greater(absolute(x), x.coerce(0)))), x.coerce(1), x)
    return y * power(base, y - 1)


def _power_by_exponent(ans: Value, x: Value, y: Value) -> Value:
    """x^y · log x; 0 for x = 0 with y ≥ 0. There is none below 0 (NaN)."""
    zero = logical_and(equal(x, x.coerce(0)), greater_equal(y, y.coerce(0)))
    return ans * log(where(zero, x.coerce(1), x))


power: Primitive = pointwise(
    "power",
    lower=Element(
        lambda e, index, x, y: e.power(
            e.at(x, e.broadcast(index, x)), e.at(y, e.broadcast(index, y)), uniform=e.shape(y) == ()
        ),
        Cost.HEAVY,
        alike=True,
    ),
    ref=_power,
    partials=(_power_by_base, _power_by_exponent),
    domain=(POSITIVE, interval(1.0, 3.0)),
    dtypes=NUMBERS,
    traits=Traits(Limit(1, zero=True, error=_no_whole_number, computable=True)),
)
negative = pointwise(
    "negative",
    lower=elementwise(lambda e, x: e.negative(x), folds=True),
    ref=lambda np, x: np.negative(x),
    partials=(-1.0,),
    domain=(REALS,),
    dtypes=NUMBERS,
)
absolute: Primitive = pointwise(
    "absolute",
    lower=elementwise(lambda e, x: e.call("absolute", x), exact=False),
    ref=lambda np, x: np.abs(x),
    partials=(lambda ans, x: sign(x),),
    domain=(REALS,),
    dtypes=NUMBERS,
)
sign: Primitive = pointwise(
    "sign",
    lower=elementwise(lambda e, x: e.call("sign", x), exact=False),
    ref=lambda np, x: np.sign(x),
    partials=NOT_DIFFERENTIABLE,
    domain=(REALS,),
    dtypes=NUMBERS,
)
floor = pointwise(
    "floor",
    lower=lambda e, x: e.call("floor", x),
    ref=lambda np, x: np.floor(x),
    partials=NOT_DIFFERENTIABLE,
    domain=(REALS,),
    dtypes="f",
)
exp = pointwise(
    "exp",
    lower=lambda e, x: e.call("exp", x),
    heavy=True,
    ref=lambda np, x: np.exp(x),
    partials=(lambda ans, x: ans,),
    domain=(REALS,),
    dtypes="f",
)
log: Primitive = pointwise(
    "log",
    lower=lambda e, x: e.call("log", x),
    heavy=True,
    ref=lambda np, x: np.log(x),
    partials=(lambda ans, x: 1 / x,),
    domain=(POSITIVE,),
    dtypes="f",
)
sqrt = pointwise(
    "sqrt",
    lower=lambda e, x: e.call("sqrt", x),
    ref=lambda np, x: np.sqrt(x),
    partials=(lambda ans, x: 0.5 / ans,),
    domain=(POSITIVE,),
    dtypes="f",
)
tanh = pointwise(
    "tanh",
    lower=lambda e, x: e.call("tanh", x),
    heavy=True,
    ref=lambda np, x: np.tanh(x),
    partials=(lambda ans, x: (1 - ans) * (1 + ans),),
    domain=(REALS,),
    dtypes="f",
)
sin: Primitive = pointwise(
    "sin",
    lower=lambda e, x: e.call("sin", x),
    heavy=True,
    ref=lambda np, x: np.sin(x),
    partials=(lambda ans, x: cos(x),),
    domain=(REALS,),
    dtypes="f",
)
cos: Primitive = pointwise(
    "cos",
    lower=lambda e, x: e.call("cos", x),
    heavy=True,
    ref=lambda np, x: np.cos(x),
    partials=(lambda ans, x: -sin(x),),
    domain=(REALS,),
    dtypes="f",
)
maximum = pointwise(
    "maximum",
    lower=elementwise(lambda e, x, y: e.call("maximum", x, y), exact=False),
    ref=lambda np, x, y: np.maximum(x, y),
    partials=(
        lambda ans, x, y: won(less(x, y), x, y),
        lambda ans, x, y: won(less(y, x), y, x),
    ),
    domain=TWO_REALS,
    dtypes=NUMBERS,
)
minimum = pointwise(
    "minimum",
    lower=elementwise(lambda e, x, y: e.call("minimum", x, y), exact=False),
    ref=lambda np, x, y: np.minimum(x, y),
    partials=(
        lambda ans, x, y: won(less(y, x), x, y),
        lambda ans, x, y: won(less(x, y), y, x),
    ),
    domain=TWO_REALS,
    dtypes=NUMBERS,
)


def _predicate(name: str, lower: Any, kinds: str, arity: int = 2, folds: bool = False) -> Any:
    return pointwise(
        name,
        lower=elementwise(lower, folds=folds),
        ref=lambda np, *xs: getattr(np, name)(*xs),
        partials=NOT_DIFFERENTIABLE,
        domain=(interval(-1.0, 1.0),) * arity,
        dtypes=kinds,
        result=dtypes.bool_,
    )


def _comparison(sign: str) -> Any:
    return lambda e, x, y: e.compare(sign, x, y)


equal: Primitive = _predicate("equal", _comparison("=="), ALL, folds=True)
not_equal = _predicate("not_equal", _comparison("!="), ALL, folds=True)
less: Primitive = _predicate("less", _comparison("<"), ALL)
less_equal: Primitive = _predicate("less_equal", _comparison("<="), ALL)
greater: Primitive = _predicate("greater", _comparison(">"), ALL)
greater_equal: Primitive = _predicate("greater_equal", _comparison(">="), ALL)
logical_and: Primitive = _predicate("logical_and", lambda e, x, y: e.conjunction(x, y), "b")
logical_or = _predicate("logical_or", lambda e, x, y: e.disjunction(x, y), "b")
logical_xor = _predicate("logical_xor", lambda e, x, y: e.exclusive(x, y), "b")
logical_not: Primitive = _predicate("logical_not", lambda e, x: e.negation(x), "b", 1)
isnan = _predicate("isnan", lambda e, x: e.compare("!=", x, x), "f", 1)
isfinite = _predicate("isfinite", lambda e, x: e.compare("==", e.subtract(x, x), e.number(0, x)), "f", 1)


def _where_aval(c: Aval, x: Aval, y: Aval) -> Aval:
    if c.dtype.kind != "b":
        raise DTypeError(f"where: the condition is {c.dtype.name}, not bool", help="compare first: where(x > 0, …)")
    if x.dtype is not y.dtype:
        raise DTypeError(f"where: operands of dtypes {x.dtype.name} and {y.dtype.name} need a cast")
    return Aval(broadcast_shapes([c.shape, x.shape, y.shape], "where"), x.dtype)


def _where_samples(rng: Any, dtype: DType) -> Any:
    for c, x, y in (((3,), (3,), (3,)), ((2, 1), (3,), ()), ((), (2, 3), (3,)), ((0,), (0,), (1,))):
        yield (rng.integers(0, 2, c).astype(bool), REALS(rng, x, dtype), REALS(rng, y, dtype)), {}


where: Primitive = linear(
    "where",
    batch=aligned,
    lower=elementwise(lambda e, c, x, y: e.select(c, x, y), folds=True),
    aval=_where_aval,
    ref=lambda np, c, x, y: np.where(c, x, y),
    transpose=(
        lambda g, c, x, y: unbroadcast(masked(c, g), x),
        lambda g, c, x, y: unbroadcast(masked(logical_not(c), g), y),
    ),
    argnums=(1, 2),
    dtypes=EVERY,
    samples=_where_samples,
)


def _fits(x: Aval, ans: Aval) -> bool:
    """Whether whole numbers stay the same: a number that was recorded fits into the dtype that it is cast to first."""
    whole = x.dtype.kind in "biu" and ans.dtype.kind in "iu"
    return whole and (x.weak or dtypes.can_cast(x.dtype, ans.dtype))


def _cast_element(e: Any, index: Any, x: int, *, dtype: DType) -> Any:
    return e.cast(e.at(x, e.broadcast(index, x)), dtype, e.aval(x).dtype)


def _cast_samples(rng: Any, dtype: DType) -> Any:
    others = (dtypes.uint8, dtypes.uint64, dtypes.float16, dtypes.bfloat16, dtypes.complex64, dtypes.complex128)
    for target in (dtypes.float32, dtypes.float64, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.bool_, *others):
        yield (REALS(rng, (2, 3), dtype),), {"dtype": target}


cast: Primitive = linear(
    "cast",
    batch=aligned,
    lower=Element(_cast_element, Cost.FREE, alike=True, folds=True),
    traits=Traits(preserves=_fits),
    aval=lambda x, *, dtype: x.with_dtype(dtype),
    ref=lambda np, x, *, dtype: converted(np, np.asarray(x), dtype),
    transpose=(lambda g, x, *, dtype: cast(g, dtype=x.dtype),),
    dtypes=EVERY,
    samples=_cast_samples,
)
mark = linear(
    "mark",
    batch=aligned,
    lower=elementwise(lambda e, x: x, Cost.FREE, folds=True),
    traits=Traits(preserves=always, in_order=True),
    aval=lambda x: Aval(x.shape, x.dtype),
    ref=lambda np, x: x,
    transpose=(lambda g, x: g,),
    alias=0,
    dtypes=EVERY,
    samples=lambda rng, dtype: [((REALS(rng, (2, 3), dtype),), {})],
)
"""The identity, as a value of its own: where a differentiation begins or ends."""

again = linear(
    "again",
    batch=aligned,
    lower=elementwise(lambda e, x: x),
    aval=lambda x: Aval(x.shape, x.dtype),
    ref=lambda np, x: x,
    transpose=(lambda g, x: g,),
    dtypes=EVERY,
    samples=lambda rng, dtype: [((REALS(rng, (2, 3), dtype),), {})],
)
"""The identity, from which what is computed already is computed once more."""


def _replace_aval(x: Aval, v: Aval) -> Aval:
    if v.shape != x.shape or v.dtype is not x.dtype:
        raise ShapeError(f"replace: a value {v} for a base {x}")
    return Aval(x.shape, x.dtype)


replace = linear(
    "replace",
    batch=spreading,
    lower=Element(lambda e, index, x, v: e.at(v, index)),
    aval=_replace_aval,
    ref=lambda np, x, v: v,
    transpose=(lambda g, x, v: unselected_like(x), lambda g, x, v: g),
    argnums=(0, 1),
    alias=1,
    dtypes=EVERY,
    samples=lambda rng, dtype: [((REALS(rng, (2, 3), dtype), REALS(rng, (2, 3), dtype)), {})],
)
"""v, which has wholly overwritten x: the gradient of x is zero."""
