"""Products, counts, and reductions in pairs. ``dim`` and ``keepdim`` are accepted for ``axis`` and ``keepdims``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.dtypes import DTypeLike, as_dtype
from tenure.ops import totals
from tenure.ops.promote import Operation
from tenure.values.native.hits import apply_one
from tenure.values.operations import reductions
from tenure.values.operations.axes import NOT_GIVEN, one_of, reduction
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes

# mypy: disable-error-code="empty-body"

PROD = Operation("prod", totals.product, "ProdBackward0")
NANSUM = Operation("nansum", totals.nan_total, "NansumBackward0")
NANMEAN = Operation("nanmean", totals.nan_average, "NanmeanBackward0")
COUNT = Operation("count_nonzero", totals.nonzeros)


def _total(fn: Operation) -> Callable[..., Tensor]:
    """Step of a reduction that takes a dtype."""

    def step(
        x: Any,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dtype: DTypeLike | None = None,
        dim: Axes = None,
        keepdim: bool = False,
    ) -> Tensor:
        x = value_of(x)
        params = reduction(one_of(axis, dim), len(x._aval.shape), keepdims, keepdim)
        if dtype is not None:
            params = (*params, ("dtype", as_dtype(dtype)))
        return apply_one(fn, x, params)

    return step


@recorded(_total(PROD))
def prod(
    x: ArrayLike,
    axis: Axes = None,
    keepdims: bool = False,
    *,
    dtype: DTypeLike | None = None,
    dim: Axes = None,
    keepdim: bool = False,
) -> Tensor:
    """The product over axes (all by default), in the shape of x without them.

    bool and int32 are multiplied in int64. The gradient is right where elements are zero: it is the product of the
    others. OutOfRange (TN801) for an axis that is not there.

    >>> x = tn.tensor([[1, 2], [3, 4]])
    >>> tn.prod(x), tn.prod(x, axis=0)
    (tensor(24), tensor([3, 8]))
    """


@recorded(_total(NANSUM))
def nansum(
    x: ArrayLike,
    axis: Axes = None,
    keepdims: bool = False,
    *,
    dtype: DTypeLike | None = None,
    dim: Axes = None,
    keepdim: bool = False,
) -> Tensor:
    """The sum over axes (all by default) of the elements that are not NaN, which get no gradient; see ``tn.sum``.

    >>> tn.nansum(tn.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """


@recorded(reductions.over_axes(NANMEAN))
def nanmean(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """The mean over axes (all by default) of the elements that are not NaN, which get no gradient; NaN of no element.

    DTypeError (TN802) unless x is floating; OutOfRange (TN801) for an axis that is not there.

    >>> tn.nanmean(tn.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """


@recorded(reductions.over_axes(COUNT))
def count_nonzero(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """The number (int64) of elements that are not zero, over axes (all by default).

    NaN is not zero. OutOfRange (TN801) for an axis that is not there.

    >>> tn.count_nonzero(tn.tensor([[1, 0], [3, 4]]), axis=1)
    tensor([1, 2])
    """


class AMinMax(NamedTuple):
    """The smallest and the largest elements over an axis: the result of ``aminmax``, as in PyTorch."""

    min: Tensor
    max: Tensor


@public
def aminmax(x: ArrayLike, *, dim: int | None = None, keepdim: bool = False) -> AMinMax:
    """The smallest and the largest element along an axis, or of all: a pair (min, max); see ``tn.amin``.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for no elements.

    >>> tn.aminmax(tn.tensor([[1, 5], [7, 2]]), dim=1)
    AMinMax(min=tensor([1, 2]), max=tensor([5, 7]))
    """
    least, largest = (of(x, dim=dim, keepdim=keepdim) for of in (reductions.amin, reductions.amax))
    return AMinMax(at_users_line(least), at_users_line(largest))


def _with_mean(name: str) -> Callable[..., tuple[Tensor, Tensor]]:
    fn = getattr(reductions, name)

    def step(
        x: Any,
        *positional: Any,
        axis: Axes = None,
        correction: float | None = None,
        keepdims: bool = False,
        dim: Axes = NOT_GIVEN,
        unbiased: bool | None = None,
        keepdim: bool = False,
    ) -> tuple[Tensor, Tensor]:
        options = {"correction": correction, "keepdims": keepdims, "keepdim": keepdim}
        spread = fn(x, *positional, axis=axis, dim=dim, unbiased=unbiased, **options)
        axes = axis if dim is NOT_GIVEN else dim
        return at_users_line(spread), at_users_line(reductions.mean(x, axes, keepdims, keepdim=keepdim))

    return public(step)


@recorded(_with_mean("std"))
def std_mean(
    x: ArrayLike,
    *positional: Any,
    axis: Axes = None,
    correction: float | None = None,
    keepdims: bool = False,
    dim: Axes = NOT_GIVEN,
    unbiased: bool | None = None,
    keepdim: bool = False,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over axes (all by default); see ``tn.std`` for ``correction``.

    >>> tn.std_mean(tn.tensor([1.0, 2.0, 3.0]), correction=1)
    (tensor(1.), tensor(2.))
    """


@recorded(_with_mean("var"))
def var_mean(
    x: ArrayLike,
    *positional: Any,
    axis: Axes = None,
    correction: float | None = None,
    keepdims: bool = False,
    dim: Axes = NOT_GIVEN,
    unbiased: bool | None = None,
    keepdim: bool = False,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over axes (all by default); see ``tn.var`` for ``correction``.

    >>> tn.var_mean(tn.tensor([1.0, 2.0, 3.0]), correction=1)
    (tensor(1.), tensor(2.))
    """
