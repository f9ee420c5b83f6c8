"""Norms of vectors over axes. ``dim`` and ``keepdim`` are accepted for ``axis`` and ``keepdims``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike, as_dtype
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import totals
from tenure.ops.promote import Operation
from tenure.values.native.hits import apply_one
from tenure.values.operations.arithmetic import where
from tenure.values.operations.axes import check_axis, one_of, reduction
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.given import number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes

NORM = Operation("norm", totals.norm, "LinalgVectorNormBackward0")
SMALL = 1e-7
"""Number that PyTorch adds to a norm that it divides by."""


def norm(
    x: ArrayLike,
    p: float | str | None = "fro",
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """The p-norm of the elements over axes (all by default), as in PyTorch: (Σ |x|^p)^(1/p), Euclid's for "fro".

    ``p`` is any number: ∞ and -∞ give the largest and the smallest |x|, 0 the number of elements that are not zero.
    The gradient where a norm is 0 is 0, and equal extremes share it. DTypeError (TN802) for another ``p``, or unless x
    is floating; OutOfRange (TN801) for an axis that is not there.

    >>> tn.norm(tn.tensor([3.0, 4.0])), tn.norm(tn.tensor([3.0, -4.0]), 1)
    (tensor(5.), tensor(7.))
    """
    if p is None or (isinstance(p, str) and p == "fro"):
        p = 2.0
    elif isinstance(p, str):
        advice = "it is the sum of the singular values" if p == "nuc" else None
        raise DTypeError(f"norm: p is a number or 'fro', not {shown(p)}", help=advice)
    return apply_one(NORM, *_of("norm", x, p, one_of(axis, dim), keepdims, keepdim, dtype))


def vector_norm(
    x: ArrayLike,
    ord: float = 2,
    axis: Axes = None,
    keepdims: bool = False,
    *,
    dim: Axes = None,
    keepdim: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """The norm of order ``ord`` of the elements over axes (all by default), as ``tn.norm``: (Σ |x|^p)^(1/p).

    The gradient where a norm is 0 is 0. DTypeError (TN802) unless x is floating; OutOfRange (TN801) for an axis that is
    not there; ShapeError (TN802) for an infinite order of no elements.

    >>> tn.linalg.vector_norm(tn.tensor([[3.0, 4.0], [0.0, 5.0]]), axis=1)
    tensor([5., 5.])
    """
    return apply_one(NORM, *_of("vector_norm", x, ord, one_of(axis, dim), keepdims, keepdim, dtype))


def _of(
    name: str, x: Any, order: Any, axes: Axes, keepdims: bool, keepdim: bool, dtype: DTypeLike | None
) -> tuple[Any, tuple[Any, ...]]:
    """The operand and the parameters of a norm."""
    x = value_of(x)
    order = number(name, "the order", order)
    if not isinstance(order, int | float):
        raise DTypeError(f"{name}: the order is a Python number, not a tensor")
    params = (*reduction(axes, len(x._aval.shape), keepdims, keepdim), ("order", float(order)))
    return x, params if dtype is None else (*params, ("dtype", as_dtype(dtype)))


@public
def dist(x: ArrayLike, y: ArrayLike, p: float = 2) -> Tensor:
    """The p-norm of x - y, over all elements, as ``tn.norm``.

    ShapeError (TN802) unless the shapes broadcast together; DTypeError (TN802) unless the difference is floating.

    >>> tn.dist(tn.tensor([3.0, 4.0]), tn.tensor([0.0, 0.0]))
    tensor(5.)
    """
    return at_users_line(norm(value_of(x) - value_of(y), p))


@public
def renorm(x: ArrayLike, p: float, dim: int, maxnorm: float) -> Tensor:
    """x with each part along an axis scaled so that its p-norm is at most ``maxnorm``, where it is larger.

    OutOfRange (TN801) for an axis that is not there; ShapeError (TN802) for fewer than two axes; ValueError unless p is
    above 0 and maxnorm at least 0.

    >>> tn.renorm(tn.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    x, most = value_of(x), number("renorm", "maxnorm", maxnorm)
    order, ndim = number("renorm", "p", p), len(x._aval.shape)
    if ndim < 2:
        raise ShapeError(f"renorm: a tensor of shape {list(x._aval.shape)}, where two axes are wanted")
    if not (isinstance(order, int | float) and order > 0 and isinstance(most, int | float) and most >= 0):
        raise ValueError(f"renorm: p is above 0 and maxnorm at least 0, not {shown(p)} and {shown(maxnorm)}")
    at = check_axis(dim, ndim, "renorm: dim")
    size = norm(x, order, axis=[k for k in range(ndim) if k != at], keepdims=True)
    return at_users_line(where(size > most, x * (most / (size + SMALL)), x))
