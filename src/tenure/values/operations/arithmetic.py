"""Arithmetic of two operands, elementwise: tensors and Python numbers, broadcast together; casts and choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, overload

import numpy as np

from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, TenureError, following, shown
from tenure.ops import division, pointwise, promote, rounding
from tenure.ops.promote import Operation, arithmetic, common, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import comparison, masks
from tenure.values.operations.creation import check_device
from tenure.values.operations.reading import value_of
from tenure.values.trace import record
from tenure.values.trace.formats import MemoryFormat, check_format
from tenure.values.trace.given import PLAIN, flag
from tenure.values.trace.operators import STEPS, binary, recorded, scaled

if TYPE_CHECKING:
    from tenure.ir.program import Value
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

# mypy: disable-error-code="empty-body"


def _quotient_towards_zero(x: Any, y: Any) -> Any:
    x, y = common(x, y)
    if x.dtype.kind == "b":
        raise DTypeError("divide with rounding_mode is not defined for bool", help="cast to a number first")
    if x.dtype.is_floating:
        return rounding.trunc(x / y)
    return division.floor_divide(x - rounding.fmod(x, y), y)


ADD = arithmetic("add", pointwise.add, pointwise.logical_or, "AddBackward0")
SUBTRACT = arithmetic("subtract", pointwise.subtract, None, "SubBackward0")
MULTIPLY = arithmetic("multiply", pointwise.multiply, pointwise.logical_and, "MulBackward0")
DIVIDE = Operation("divide", promote.true_divide, "DivBackward0")
FLOOR_DIVIDE = arithmetic("floor_divide", division.floor_divide, None, "NotImplemented")
QUOTIENT = arithmetic("divide", division.quotient, None, "NotImplemented")
TRUNC_DIVIDE = Operation("divide", _quotient_towards_zero, "NotImplemented")
REMAINDER = arithmetic("remainder", division.remainder, None, "RemainderBackward0")
POWER = arithmetic("pow", pointwise.power, None, "PowBackward0")
MAXIMUM = arithmetic("maximum", pointwise.maximum, pointwise.logical_or, "MaximumBackward0")
MINIMUM = arithmetic("minimum", pointwise.minimum, pointwise.logical_and, "MinimumBackward0")


@recorded(scaled(ADD))
def add(x: Operand, y: Operand, *, alpha: float = 1) -> Tensor:
    """Elementwise sum x + alpha · y; of bools, the logical or.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.add(tn.tensor([1, 2]), 10)
    tensor([11, 12])
    """


@recorded(scaled(SUBTRACT))
def subtract(x: Operand, y: Operand, *, alpha: float = 1) -> Tensor:
    """Elementwise difference x - alpha · y.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for
    two bools.

    >>> tn.subtract(tn.tensor([1, 2]), 10)
    tensor([-9, -8])
    """


@recorded(binary(MULTIPLY, operator=False))
def multiply(x: Operand, y: Operand) -> Tensor:
    """Elementwise product x · y; of bools, the logical and.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.multiply(tn.tensor([1, 2]), 10)
    tensor([10, 20])
    """


def divide(x: Operand, y: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """Elementwise quotient x / y, a float: whole numbers become float32 first.

    ``rounding_mode`` "trunc" rounds it towards 0 and "floor" down, and the dtype is then that of the operands;
    ValueError for another. Beside an infinite number "floor" is PyTorch's and Python's: NaN of an
    infinite x, −1 of a finite quotient below 0. At least one operand is a tensor. The shapes broadcast together, else
    ShapeError (TN802).
    DivisionByZero, when the result is read, where whole numbers are divided by 0 and rounded.

    >>> tn.divide(tn.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    """
    if rounding_mode is None:
        return _divide(x, y)
    if not isinstance(rounding_mode, str) or rounding_mode not in ROUNDED:
        raise ValueError(f"divide: rounding_mode is None, 'trunc' or 'floor', not {shown(rounding_mode)}")
    return ROUNDED[rounding_mode](x, y)


_divide = binary(DIVIDE, operator=False, depth=2)
ROUNDED = {
    "floor": binary(QUOTIENT, operator=False, depth=2),
    "trunc": binary(TRUNC_DIVIDE, operator=False, depth=2),
}
STEPS[divide] = STEPS[_divide]


@recorded(binary(DIVIDE, operator=False))
def true_divide(x: Operand, y: Operand) -> Tensor:
    """Elementwise quotient x / y, as ``divide`` without rounding.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.true_divide(tn.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    """


@recorded(binary(FLOOR_DIVIDE, operator=False))
def floor_divide(x: Operand, y: Operand) -> Tensor:
    """Elementwise quotient rounded down, x // y; not differentiable. Beside an infinite number it is x / y (array API).

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802). DivisionByZero, when the
    result is read, where whole numbers are divided by 0.

    >>> tn.floor_divide(tn.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """


@recorded(binary(REMAINDER, operator=False))
def remainder(x: Operand, y: Operand) -> Tensor:
    """Elementwise remainder x % y, with the sign of y.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802). DivisionByZero, when the
    result is read, where whole numbers are divided by 0.

    >>> tn.remainder(tn.tensor([7, -7]), 4)
    tensor([3, 1])
    """


@recorded(binary(POWER, operator=False))
def pow(x: Operand, y: Operand) -> Tensor:
    """Elementwise power, x to the y.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.pow(tn.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """


@recorded(binary(MAXIMUM, operator=False))
def maximum(x: Operand, y: Operand) -> Tensor:
    """Elementwise larger of two; NaN where either is. Equal elements share the gradient.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.maximum(tn.tensor([1, 5]), tn.tensor([3, 4]))
    tensor([3, 5])
    """


@recorded(binary(MINIMUM, operator=False))
def minimum(x: Operand, y: Operand) -> Tensor:
    """Elementwise smaller of two; NaN where either is. Equal elements share the gradient.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.minimum(tn.tensor([1, 5]), tn.tensor([3, 4]))
    tensor([1, 4])
    """


WHERE = Operation("where", promote.choose, "WhereBackward0")
CAST = Operation("to", lambda x, *, dtype: promote.as_type(x, dtype), "ToCopyBackward0")
CLONE = Operation("clone", pointwise.mark, "CloneBackward0")
DETACH = Operation("detach", promote.stop)


@overload
def where(condition: ArrayLike) -> tuple[Tensor, ...]: ...
@overload
def where(condition: ArrayLike, x: ArrayLike, y: ArrayLike) -> Tensor: ...
def where(condition: ArrayLike, x: Any = None, y: Any = None) -> Tensor | tuple[Tensor, ...]:
    """x where the condition (bool) holds, else y: a choice by element.

    The shapes broadcast together, else ShapeError (TN802); x and y are promoted, and either may be a number. The
    gradient goes to x where the condition holds and to y elsewhere, never as NaN from the other side. With the
    condition alone: for each axis the indices at which it holds (``nonzero``).

    >>> x = tn.tensor([-1.0, 2.0])
    >>> tn.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    c = value_of(condition)
    if isinstance(x, np.generic) or isinstance(y, np.generic):
        x, y = (v.item() if isinstance(v, np.generic) and v.dtype.kind in "biuf" else v for v in (x, y))
    if x is None and y is None:
        return masks.positions(comparison.truth(c), False)
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
    """Variants of ``where`` with Python numbers as operands; numbers follow the tensors in a recorded step."""

    where_numbers = Operation("where", promote.choose, "WhereBackward0")
    where_right = Operation("where", promote.choose, "WhereBackward0")
    where_left = Operation("where", lambda c, y, x: promote.choose(c, x, y), "WhereBackward0")


def _within(x: Value, *bounds: Value, forms: tuple[str, str]) -> Value:
    """x, the lower and the upper bound where they are given; tensors come before numbers."""
    tensors = iter(bounds[: forms.count("tensor")])
    numbers = iter(bounds[forms.count("tensor") :])
    for form, beyond in zip(forms, (pointwise.less, pointwise.greater), strict=True):
        if form:
            x, bound = common(x, following(tensors if form == "tensor" else numbers))
            beside = beyond(x, bound)
            if x.dtype.is_floating:
                beside = pointwise.logical_or(beside, pointwise.isnan(bound))
            x = pointwise.where(beside, bound, x)
    return x


CLIP = Operation("clip", _within, "ClampBackward0")


def clip(x: ArrayLike, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """x with each element kept within [min, max]; a bound left out does not bound.

    The gradient goes to x where it is within or at a bound, else to that bound. The shapes broadcast together, else
    ShapeError (TN802).

    >>> tn.clip(tn.tensor([-2.0, 0.5, 3.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    x, forms = value_of(x), ["", ""]
    tensors: list[Tensor] = []
    numbers: list[Any] = []
    for k, (name, bound) in enumerate((("min", min), ("max", max))):
        if bound is not None:
            given: Any = bound if type(bound) in PLAIN else _operand(bound, f"clip: {name}")
            forms[k] = "number" if type(given) in PLAIN else "tensor"
            (numbers if type(given) in PLAIN else tensors).append(given)
    return apply(CLIP, (x, *tensors), parameters(("forms",), tuple(forms)), tuple(numbers)) if any(forms) else x


def clamp_min(x: ArrayLike, min: Operand) -> Tensor:
    """x with each element at least min.

    The shapes broadcast together, else ShapeError (TN802).

    >>> tn.clamp_min(tn.tensor([-2.0, 0.5]), 0.0)
    tensor([0.0000, 0.5000])
    """
    return clip(x, min=_operand(min, "clamp_min: min"))


def clamp_max(x: ArrayLike, max: Operand) -> Tensor:
    """x with each element at most max.

    The shapes broadcast together, else ShapeError (TN802).

    >>> tn.clamp_max(tn.tensor([-2.0, 0.5]), 0.0)
    tensor([-2.,  0.])
    """
    return clip(x, max=_operand(max, "clamp_max: max"))


def rsub(x: Operand, y: Operand, *, alpha: float = 1) -> Tensor:
    """Elementwise difference y - alpha · x: ``subtract`` with its operands exchanged.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.rsub(tn.tensor([1, 2]), 10)
    tensor([9, 8])
    """
    return subtract(y, x, alpha=alpha)


def _operand(x: Any, what: str) -> Any:
    """Operand as a number or a value; TN802 for any other object."""
    if type(x) is record._Tensor or type(x) in PLAIN:
        return x
    if not isinstance(x, (record._Tensor, np.ndarray, np.generic, list, tuple, bool, int, float)):
        raise DTypeError(f"{what} is a number or a tensor, not {shown(x)}")
    return value_of(x)


def lerp(x: Tensor, end: ArrayLike, weight: Operand) -> Tensor:
    """Elementwise linear interpolation x + weight · (end - x), from x towards end.

    The shapes broadcast together, else ShapeError (TN802).

    >>> tn.lerp(tn.tensor([0.0, 10.0]), tn.tensor([10.0, 20.0]), 0.5)
    tensor([ 5., 15.])
    """
    try:
        return x + multiply(value_of(end) - x, weight)
    except (TypeError, ValueError) as error:
        refuse_among(error, "lerp", x=x, weight=weight)


def addcmul(x: Tensor, a: ArrayLike, b: Operand, *, value: float = 1) -> Tensor:
    """Elementwise x + value · a · b.

    The shapes broadcast together, else ShapeError (TN802).

    >>> tn.addcmul(tn.tensor([1.0]), tn.tensor([2.0]), tn.tensor([3.0]), value=10)
    tensor([61.])
    """
    try:
        return x + (value_of(a) * b if type(value) in PLAIN and value == 1 else value_of(a) * b * value)
    except (TypeError, ValueError) as error:
        refuse_among(error, "addcmul", x=x, b=b, value=value)


def addcdiv(x: Tensor, a: ArrayLike, b: Operand, *, value: float = 1) -> Tensor:
    """Elementwise x + value · a / b.

    The shapes broadcast together, else ShapeError (TN802).

    >>> tn.addcdiv(tn.tensor([1.0]), tn.tensor([3.0]), tn.tensor([2.0]), value=10)
    tensor([16.])
    """
    try:
        return x + (value_of(a) / b if type(value) in PLAIN and value == 1 else value_of(a) / b * value)
    except (TypeError, ValueError) as error:
        refuse_among(error, "addcdiv", x=x, b=b, value=value)


def refuse_among(error: Exception, name: str, **operands: Any) -> NoReturn:
    """Raise the error of a call with a wrong operand; the original error, if it has a law's code."""
    if not isinstance(error, TenureError):
        for argument, x in operands.items():
            _operand(x, f"{name}: {argument}")
    raise error


def to_dtype(x: ArrayLike, dtype: DType) -> Tensor:
    """x cast to another dtype; x itself where it has that dtype."""
    x = value_of(x)
    if x._aval.dtype.is_complex and not dtype.is_complex:
        raise DTypeError(
            f"a tensor of {x._aval.dtype.name} does not go into {dtype.name}: its imaginary part would be lost",
            help="take x.real, x.abs() or tn.view_as_real(x)",
        )
    return x if x._aval.dtype is dtype else apply_one(CAST, x, (("dtype", dtype),))


def astype(x: ArrayLike, dtype: DTypeLike, *, copy: bool = True, device: str | None = None) -> Tensor:
    """x in another dtype; ``copy`` makes no difference, for values never change.

    Floats are cut towards zero to whole numbers. DTypeError (TN802) for what is no dtype.

    >>> tn.astype(tn.tensor([0.5, 2.7]), tn.int64)
    tensor([0, 2])
    """
    flag("copy", copy)
    check_device(device)
    return to_dtype(x, as_dtype(dtype))


def clone(x: ArrayLike, *, memory_format: MemoryFormat | None = None) -> Tensor:
    """The same value as another result, in the graph; ``memory_format`` makes no difference.

    >>> tn.ones(2, requires_grad=True).clone()
    tensor([1., 1.], grad_fn=<CloneBackward0>)
    """
    if memory_format is not None:
        check_format("clone", memory_format)
    return apply_one(CLONE, value_of(x))


def detach(x: ArrayLike) -> Tensor:
    """The same value without its graph: no gradient goes back through it.

    >>> tn.detach(tn.ones(2, requires_grad=True) * 3)
    tensor([3., 3.])
    """
    x = value_of(x)
    return apply_one(DETACH, x) if x._kind.tracked else x
