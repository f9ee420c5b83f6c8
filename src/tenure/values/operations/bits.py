"""Bits and common divisors of whole numbers, elementwise; of bools the bits are the logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError
from tenure.ops import division, integers, pointwise
from tenure.ops.promote import Operation, common
from tenure.values.operations.elementary import unary
from tenure.values.trace.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

# mypy: disable-error-code="empty-body"


def _bitwise(name: str, on_integers: Any, on_bools: Any = None) -> Operation:
    """Operation on promoted integers, and on bools where there is one."""

    def function(*xs: Any) -> Any:
        xs = tuple(common(*xs)) if len(xs) > 1 else xs
        kind = xs[0].dtype.kind
        if kind == "b" and on_bools is not None:
            return on_bools(*xs)
        if kind not in "iu":
            kinds = "integers and bool" if on_bools is not None else "integers"
            advice = "compare first, as (x > 0)" if kind == "f" and on_bools is not None else "cast it first"
            raise DTypeError(f"{name} is defined for {kinds}, not {xs[0].dtype.name}", help=advice)
        return on_integers(*xs)

    return Operation(name, function, "NotImplemented")


def _multiple(x: Any, y: Any) -> Any:
    """|x · y| by the divisor before the product, which may be too large."""
    divisor = integers.gcd(x, y)
    safe = pointwise.where(pointwise.equal(divisor, x.coerce(0)), x.coerce(1), divisor)
    return pointwise.absolute(division.floor_divide(x, safe) * y)


AND = _bitwise("&", integers.bitwise_and, pointwise.logical_and)
OR = _bitwise("|", integers.bitwise_or, pointwise.logical_or)
XOR = _bitwise("^", integers.bitwise_xor, pointwise.logical_xor)
INVERT = _bitwise("~", integers.bitwise_not, pointwise.logical_not)
LEFT_SHIFT = _bitwise("<<", integers.left_shift)
RIGHT_SHIFT = _bitwise(">>", integers.right_shift)


@recorded(binary(AND, operator=False))
def bitwise_and(x: Operand, y: Operand) -> Tensor:
    """Bits that x and y both have, elementwise; of bools, the logical and.

    The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for floats.

    >>> tn.bitwise_and(tn.tensor([5, 6]), 3)
    tensor([1, 2])
    """


@recorded(binary(OR, operator=False))
def bitwise_or(x: Operand, y: Operand) -> Tensor:
    """Bits that x, y or both have, elementwise; of bools, the logical or.

    The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for floats.

    >>> tn.bitwise_or(tn.tensor([5, 6]), 3)
    tensor([7, 7])
    """


@recorded(binary(XOR, operator=False))
def bitwise_xor(x: Operand, y: Operand) -> Tensor:
    """Bits that one of x and y has, elementwise; of bools, the exclusive or.

    The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for floats.

    >>> tn.bitwise_xor(tn.tensor([5, 6]), 3)
    tensor([6, 5])
    """


@recorded(unary(INVERT))
def bitwise_not(x: ArrayLike) -> Tensor:
    """Every bit of x the other way round, elementwise; of bools, the logical not.

    Shape and dtype are those of x; DTypeError (TN802) for floats.

    >>> tn.bitwise_not(tn.tensor([5, -1]))
    tensor([-6,  0])
    """


@recorded(binary(LEFT_SHIFT, operator=False))
def bitwise_left_shift(x: Operand, y: Operand) -> Tensor:
    """Elementwise x · 2ʸ of integers: bits that leave are lost.

    A shift below 0 or of all bits gives 0. The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802)
    for floats and bools.

    >>> tn.bitwise_left_shift(tn.tensor([1, 5]), 2)
    tensor([ 4, 20])
    """


@recorded(binary(RIGHT_SHIFT, operator=False))
def bitwise_right_shift(x: Operand, y: Operand) -> Tensor:
    """Elementwise x / 2ʸ of integers, rounded down.

    A shift below 0 or of all bits gives 0, or -1 below 0. The shapes broadcast together, else ShapeError (TN802);
    DTypeError (TN802) for floats and bools.

    >>> tn.bitwise_right_shift(tn.tensor([20, -5]), 2)
    tensor([ 5, -2])
    """


@recorded(binary(_bitwise("gcd", integers.gcd), operator=False))
def gcd(x: Operand, y: Operand) -> Tensor:
    """Elementwise greatest common divisor of integers, not negative; of 0 and 0 it is 0.

    The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for floats and bools.

    >>> tn.gcd(tn.tensor([12, -6]), 8)
    tensor([4, 2])
    """


@recorded(binary(_bitwise("lcm", _multiple), operator=False))
def lcm(x: Operand, y: Operand) -> Tensor:
    """Elementwise least common multiple of integers, not negative; beside 0 it is 0.

    The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for floats and bools.

    >>> tn.lcm(tn.tensor([12, -6]), 8)
    tensor([24, 24])
    """
