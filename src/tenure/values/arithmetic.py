"""Elementwise functions: of tensors and Python numbers, on broadcast operands."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, TenureError, shown
from tenure.ops import normal, pointwise, promote, special
from tenure.ops.promote import Operation, arithmetic, elementary
from tenure.values import keys, record
from tenure.values.given import PLAIN, flag
from tenure.values.hits import apply, apply_one
from tenure.values.operators import STEPS, binary, scaled
from tenure.values.reading import value_of

ADD = arithmetic("add", pointwise.add, pointwise.logical_or, "AddBackward0")
SUBTRACT = arithmetic("subtract", pointwise.subtract, None, "SubBackward0")
MULTIPLY = arithmetic("multiply", pointwise.multiply, pointwise.logical_and, "MulBackward0")
DIVIDE = Operation("divide", promote.true_divide, "DivBackward0")
FLOOR_DIVIDE = arithmetic("floor_divide", pointwise.floor_divide, None, "NotImplemented")
REMAINDER = arithmetic("remainder", pointwise.remainder, None, "RemainderBackward0")
POWER = arithmetic("pow", pointwise.power, None, "PowBackward0")
MAXIMUM = arithmetic("maximum", pointwise.maximum, pointwise.logical_or, "MaximumBackward0")
MINIMUM = arithmetic("minimum", pointwise.minimum, pointwise.logical_and, "MinimumBackward0")


def _comparison(name: str) -> Operation:
    prim = getattr(pointwise, name)
    return Operation(name, lambda x, y: prim(*promote.common(x, y)))


def _logical(name: str) -> Operation:
    prim = getattr(pointwise, name)
    return Operation(name, lambda *xs: prim(*[promote.as_type(x, dtypes.bool_) for x in xs]))


def _bitwise(name: str, symbol: str) -> Operation:
    prim = getattr(pointwise, name)

    def function(*xs: Any) -> Any:
        for x in xs:
            if x.dtype.kind != "b":
                raise DTypeError(f"{symbol} is defined for bool, not {x.dtype.name}", help="compare first, as (x > 0)")
        return prim(*[promote.as_type(x, dtypes.bool_) for x in xs])

    return Operation(symbol, function)


EQUAL, NOT_EQUAL = _comparison("equal"), _comparison("not_equal")
LESS, LESS_EQUAL = _comparison("less"), _comparison("less_equal")
GREATER, GREATER_EQUAL = _comparison("greater"), _comparison("greater_equal")
AND, OR, XOR, INVERT = (
    _bitwise(name, symbol)
    for name, symbol in (
        ("logical_and", "&"),
        ("logical_or", "|"),
        ("logical_xor", "^"),
        ("logical_not", "~"),
    )
)

add = scaled(ADD)
subtract = scaled(SUBTRACT)
multiply = binary(MULTIPLY, operator=False)
divide = binary(DIVIDE, operator=False)
floor_divide = binary(FLOOR_DIVIDE, operator=False)
remainder = binary(REMAINDER, operator=False)
pow = binary(POWER, operator=False)
maximum = binary(MAXIMUM, operator=False)
minimum = binary(MINIMUM, operator=False)
equal = binary(EQUAL, operator=False)
not_equal = binary(NOT_EQUAL, operator=False)
less = binary(LESS, operator=False)
less_equal = binary(LESS_EQUAL, operator=False)
greater = binary(GREATER, operator=False)
greater_equal = binary(GREATER_EQUAL, operator=False)
logical_and = binary(_logical("logical_and"), operator=False)
logical_or = binary(_logical("logical_or"), operator=False)
logical_xor = binary(_logical("logical_xor"), operator=False)


def _unary(fn: Operation, doc: str) -> Any:
    def record(x: Any) -> Any:
        return apply_one(fn, value_of(x))

    record.__name__ = record.__qualname__ = fn.name
    record.__doc__ = doc
    STEPS[record] = (fn, "method", False)
    return record


negative = _unary(Operation("negative", pointwise.negative, "NegBackward0"), "-x, elementwise.")
abs = _unary(Operation("abs", pointwise.absolute, "AbsBackward0"), "|x|, elementwise; the gradient at 0 is 0.")
sign = _unary(Operation("sign", pointwise.sign), "-1, 0 or 1, elementwise; not differentiable.")
floor = _unary(
    Operation("floor", lambda x: pointwise.floor(x) if x.dtype.is_floating else x, "FloorBackward0"),
    "The largest whole number ≤ x; not differentiable.",
)
exp = _unary(elementary("exp", pointwise.exp, "ExpBackward0"), "e to the x, elementwise.")
log = _unary(elementary("log", pointwise.log, "LogBackward0"), "The natural logarithm, elementwise.")
sqrt = _unary(elementary("sqrt", pointwise.sqrt, "SqrtBackward0"), "The square root, elementwise.")
tanh = _unary(elementary("tanh", pointwise.tanh, "TanhBackward0"), "The hyperbolic tangent, elementwise.")
erf = _unary(elementary("erf", special.erf, "ErfBackward0"), "The error function, elementwise.")
ndtr = _unary(
    elementary("ndtr", normal.ndtr, "SpecialNdtrBackward0"),
    "The standard normal distribution function, elementwise.",
)
sigmoid = _unary(elementary("sigmoid", special.sigmoid, "SigmoidBackward0"), "1 / (1 + e⁻ˣ), elementwise.")
softplus = _unary(elementary("softplus", special.softplus, "SoftplusBackward0"), "log(1 + eˣ), elementwise.")
expm1 = _unary(elementary("expm1", special.expm1, "Expm1Backward0"), "eˣ - 1, elementwise.")
log1p = _unary(elementary("log1p", special.log1p, "Log1PBackward0"), "log(1 + x), elementwise.")
sin = _unary(elementary("sin", pointwise.sin, "SinBackward0"), "The sine of x in radians, elementwise.")
cos = _unary(elementary("cos", pointwise.cos, "CosBackward0"), "The cosine of x in radians, elementwise.")
square = _unary(Operation("square", lambda x: pointwise.multiply(x, x), "PowBackward0"), "x·x, elementwise.")
isnan = _unary(elementary("isnan", pointwise.isnan, ""), "Whether x is NaN, elementwise.")
isfinite = _unary(elementary("isfinite", pointwise.isfinite, ""), "Whether x is neither infinite nor NaN, elementwise.")
logical_not = _unary(_logical("logical_not"), "not x, elementwise.")
invert = _unary(INVERT, "~x for bool, elementwise.")


def _relu(x: Any) -> Any:
    """x above zero, else 0; NaN stays NaN and the gradient at 0 is 0, as in PyTorch."""
    zero = x.coerce(0)
    return pointwise.where(pointwise.less_equal(x, zero), zero, x)


relu = _unary(Operation("relu", _relu, "ReluBackward0"), "max(x, 0), elementwise; the gradient at 0 is 0.")

WHERE = Operation("where", promote.choose, "WhereBackward0")
CAST = Operation("to", lambda x, *, dtype: promote.as_type(x, dtype), "ToCopyBackward0")
CLONE = Operation("clone", pointwise.mark, "CloneBackward0")
DETACH = Operation("detach", promote.stop)


def truth(x: Any) -> Any:
    """Whether each element is not zero: a value of bools itself."""
    return x if x._aval.dtype.kind == "b" else not_equal(x, 0)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """x where the condition (bool) holds, else y; all broadcast, x and y promoted (either may be a number).

    The gradient goes to x where the condition holds and to y elsewhere, never as NaN from the other side. With the
    condition alone: for each axis the indices at which it holds (``nonzero``).
    """
    c = value_of(condition)
    if isinstance(x, np.generic) or isinstance(y, np.generic):
        x, y = (v.item() if isinstance(v, np.generic) and v.dtype.kind in "biuf" else v for v in (x, y))
    if x is None and y is None:
        return keys.positions(truth(c), False)
    if x is None or y is None:
        raise DTypeError("where takes the condition alone, or both x and y")
    if isinstance(x, NUMBERS) and isinstance(y, NUMBERS):
        return apply(Operations.where_numbers, (c,), (), (x, y))
    if isinstance(y, NUMBERS):
        return apply(Operations.where_right, (c, value_of(x)), (), (y,))
    if isinstance(x, NUMBERS):
        return apply(Operations.where_left, (c, value_of(y)), (), (x,))
    return apply(WHERE, (c, value_of(x), value_of(y)))


NUMBERS = (bool, int, float)


class Operations:
    """where with Python numbers, which follow the tensors in a recorded step."""

    where_numbers = Operation("where", promote.choose, "WhereBackward0")
    where_right = Operation("where", promote.choose, "WhereBackward0")
    where_left = Operation("where", lambda c, y, x: promote.choose(c, x, y), "WhereBackward0")


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """x kept within [min, max]; a bound left out does not bound."""
    x = value_of(x)
    if min is not None:
        x = maximum(x, min if type(min) in PLAIN else _operand(min, "clip: min"))
    if max is not None:
        x = minimum(x, max if type(max) in PLAIN else _operand(max, "clip: max"))
    return x


def _operand(x: Any, what: str) -> Any:
    """A number, or the value of what is none; TN802 for what is neither a number nor a tensor."""
    if type(x) is record._Tensor or type(x) in PLAIN:
        return x
    if not isinstance(x, (record._Tensor, np.ndarray, np.generic, list, tuple, bool, int, float)):
        raise DTypeError(f"{what} is a number or a tensor, not {shown(x)}")
    return value_of(x)


def lerp(x: Any, end: Any, weight: Any) -> Any:
    """x + weight · (end - x): from x towards end, elementwise."""
    try:
        return x + weight * (value_of(end) - x)
    except (TypeError, ValueError) as error:
        refuse_among(error, "lerp", x=x, weight=weight)


def addcmul(x: Any, a: Any, b: Any, *, value: float = 1) -> Any:
    """x + value · a · b, elementwise."""
    try:
        return x + (value_of(a) * b if value == 1 else value_of(a) * b * value)
    except (TypeError, ValueError) as error:
        refuse_among(error, "addcmul", x=x, b=b, value=value)


def addcdiv(x: Any, a: Any, b: Any, *, value: float = 1) -> Any:
    """x + value · a / b, elementwise."""
    try:
        return x + (value_of(a) / b if value == 1 else value_of(a) / b * value)
    except (TypeError, ValueError) as error:
        refuse_among(error, "addcdiv", x=x, b=b, value=value)


def refuse_among(error: Exception, name: str, **operands: Any) -> NoReturn:
    """Raise which of a function's operands is none; the error itself, if it is one of a law."""
    if not isinstance(error, TenureError):
        for argument, x in operands.items():
            _operand(x, f"{name}: {argument}")
    raise error


def to_dtype(x: Any, dtype: DType) -> Any:
    """x in another dtype; itself where it has it."""
    x = value_of(x)
    return x if x._aval.dtype is dtype else apply_one(CAST, x, (("dtype", dtype),))


def astype(x: Any, dtype: DTypeLike, *, copy: bool = True) -> Any:
    """x in another dtype. Values never change, so ``copy`` makes no difference."""
    flag("copy", copy)
    return to_dtype(x, as_dtype(dtype))


def clone(x: Any) -> Any:
    """The same value, in the graph."""
    return apply_one(CLONE, value_of(x))


def detach(x: Any) -> Any:
    """The same value without its graph."""
    x = value_of(x)
    return apply_one(DETACH, x) if x._deps else x
