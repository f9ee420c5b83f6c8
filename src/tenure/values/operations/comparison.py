"""Comparisons and logic, elementwise: each gives a tensor of bools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure import dtypes
from tenure.ops import pointwise, promote
from tenure.ops.promote import Operation, elementary
from tenure.values.operations.elementary import unary
from tenure.values.trace.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

# mypy: disable-error-code="empty-body"


def _comparison(name: str) -> Operation:
    prim = getattr(pointwise, name)
    return Operation(name, lambda x, y: prim(*promote.common(x, y)))


def _logical(name: str) -> Operation:
    prim = getattr(pointwise, name)
    return Operation(name, lambda *xs: prim(*[promote.as_type(x, dtypes.bool_) for x in xs]))


EQUAL, NOT_EQUAL = _comparison("equal"), _comparison("not_equal")
LESS, LESS_EQUAL = _comparison("less"), _comparison("less_equal")
GREATER, GREATER_EQUAL = _comparison("greater"), _comparison("greater_equal")


@recorded(binary(EQUAL, operator=False))
def equal(x: Operand, y: Operand) -> Tensor:
    """Whether x equals y, elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.equal(tn.tensor([1, 2]), 2)
    tensor([False,  True])
    """


@recorded(binary(NOT_EQUAL, operator=False))
def not_equal(x: Operand, y: Operand) -> Tensor:
    """Whether x differs from y, elementwise; NaN differs from itself.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.not_equal(tn.tensor([1, 2]), 2)
    tensor([ True, False])
    """


@recorded(binary(LESS, operator=False))
def less(x: Operand, y: Operand) -> Tensor:
    """Whether x is less than y, elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.less(tn.tensor([1, 2]), 2)
    tensor([ True, False])
    """


@recorded(binary(LESS_EQUAL, operator=False))
def less_equal(x: Operand, y: Operand) -> Tensor:
    """Whether x is at most y, elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.less_equal(tn.tensor([1, 2]), 1)
    tensor([ True, False])
    """


@recorded(binary(GREATER, operator=False))
def greater(x: Operand, y: Operand) -> Tensor:
    """Whether x is greater than y, elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.greater(tn.tensor([1, 2]), 1)
    tensor([False,  True])
    """


@recorded(binary(GREATER_EQUAL, operator=False))
def greater_equal(x: Operand, y: Operand) -> Tensor:
    """Whether x is at least y, elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.greater_equal(tn.tensor([1, 2]), 2)
    tensor([False,  True])
    """


@recorded(binary(_logical("logical_and"), operator=False))
def logical_and(x: Operand, y: Operand) -> Tensor:
    """Whether both x and y are true (not zero), elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.logical_and(tn.tensor([0, 1]), True)
    tensor([False,  True])
    """


@recorded(binary(_logical("logical_or"), operator=False))
def logical_or(x: Operand, y: Operand) -> Tensor:
    """Whether x, y or both are true (not zero), elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.logical_or(tn.tensor([0, 1]), False)
    tensor([False,  True])
    """


@recorded(binary(_logical("logical_xor"), operator=False))
def logical_xor(x: Operand, y: Operand) -> Tensor:
    """Whether one of x and y is true (not zero), and not both, elementwise.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.logical_xor(tn.tensor([0, 1]), True)
    tensor([ True, False])
    """


@recorded(unary(_logical("logical_not")))
def logical_not(x: ArrayLike) -> Tensor:
    """Whether x is false (zero), elementwise, in the shape of x.

    >>> tn.logical_not(tn.tensor([0, 1]))
    tensor([ True, False])
    """


@recorded(unary(elementary("isnan", pointwise.isnan, "")))
def isnan(x: ArrayLike) -> Tensor:
    """Whether x is NaN, elementwise, in the shape of x.

    >>> tn.isnan(tn.tensor([0.0, float("nan")]))
    tensor([False,  True])
    """


@recorded(unary(elementary("isfinite", pointwise.isfinite, "")))
def isfinite(x: ArrayLike) -> Tensor:
    """Whether x is neither infinite nor NaN, elementwise, in the shape of x.

    >>> tn.isfinite(tn.tensor([0.0, float("inf")]))
    tensor([ True, False])
    """


def truth(x: Tensor) -> Tensor:
    """Whether each element is not zero; a tensor of bools is returned unchanged."""
    return x if x._aval.dtype.kind == "b" else not_equal(x, 0)
