"""Reductions over axes. ``dim`` and ``keepdim`` are accepted for ``axis`` and ``keepdims``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from tenure.dtypes import DTypeLike, as_dtype
from tenure.ops import move, promote, reduce, statistics
from tenure.ops.promote import Operation
from tenure.values.native.hits import apply_one
from tenure.values.operations.axes import NOT_GIVEN, check_axes, check_axis, is_axis, kept, one_of, reduction
from tenure.values.operations.indexing import take_along_axis
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag, number
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes

# mypy: disable-error-code="empty-body"

SUM = Operation("sum", promote.total, "SumBackward0")
MEAN = Operation("mean", promote.average, "MeanBackward0")
AMAX = Operation("max", promote.extremum(reduce.reduce_max), "AmaxBackward0")
AMIN = Operation("min", promote.extremum(reduce.reduce_min), "AminBackward0")
ARGMAX = Operation("argmax", promote.arg(reduce.argmax))
ARGMIN = Operation("argmin", promote.arg(reduce.argmin))
SUM_AXES = Operation("sum", promote.total, "SumBackward1")
MEAN_AXES = Operation("mean", promote.average, "MeanBackward1")
ALL = Operation("all", lambda x, *, axes, keepdims: promote.quantified(reduce.reduce_min, x, axes, keepdims, True))
ANY = Operation("any", lambda x, *, axes, keepdims: promote.quantified(reduce.reduce_max, x, axes, keepdims, False))
LOGSUMEXP = Operation("logsumexp", statistics.logsumexp, "LogsumexpBackward0")
VAR = Operation("var", statistics.variance, "VarBackward0")
STD = Operation("std", statistics.deviation, "StdBackward0")
MOMENTS = Operation("moments", statistics.moments, "NativeBatchNormBackward0")


def sum(
    x: ArrayLike,
    axis: Axes = None,
    keepdims: bool = False,
    *,
    dtype: DTypeLike | None = None,
    dim: Axes = None,
    keepdim: bool = False,
) -> Tensor:
    """The sum over axes (all by default), in the shape of x without them.

    bool and integers are summed in int64, unsigned ones in uint64. OutOfRange (TN801) for an axis that is not there.

    >>> x = tn.tensor([[1, 2], [3, 4]])
    >>> tn.sum(x), tn.sum(x, axis=0)
    (tensor(10), tensor([4, 6]))
    """
    x = value_of(x)
    axis = axis if dim is None else one_of(axis, dim)
    params = reduction(axis, len(x._aval.shape), keepdims, keepdim)
    if dtype is not None:
        params = (*params, ("dtype", as_dtype(dtype)))
    return apply_one(SUM if axis is None else SUM_AXES, x, params)


def mean(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """The arithmetic mean over axes (all by default), in the shape of x without them.

    DTypeError (TN802) unless x is floating; OutOfRange (TN801) for an axis that is not there.

    >>> tn.mean(tn.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([1.5000, 3.5000])
    """
    x = value_of(x)
    axis = axis if dim is None else one_of(axis, dim)
    return apply_one(MEAN if axis is None else MEAN_AXES, x, reduction(axis, len(x._aval.shape), keepdims, keepdim))


class Extremum(NamedTuple):
    """The extreme elements along an axis and their indices (int64): the result of ``max(dim=…)``, as in PyTorch."""

    values: Tensor
    indices: Tensor


def _extremum(fn: Operation, where: Operation) -> Callable[..., Tensor | Extremum]:
    def step(
        x: Any,
        *positional: Any,
        axis: Axes = None,
        keepdims: bool = False,
        dim: int | None = None,
        keepdim: bool = False,
    ) -> Tensor | Extremum:
        if positional and not is_axis(positional[0]):
            larger = "maximum" if fn is AMAX else "minimum"
            raise TypeError(
                f"{fn.name} takes one tensor: write tn.{larger}(x, y) for the {fn.name} of two, element by element"
            )
        if positional:
            raise TypeError(
                f"{fn.name}({positional[0]!r}) gives the {fn.name} in NumPy and a pair (values, indices) in PyTorch: "
                f"write axis={positional[0]!r} or dim={positional[0]!r}"
            )
        x = value_of(x)
        if dim is None:
            return apply_one(fn, x, reduction(axis, len(x._aval.shape), keepdims))
        one_of(axis, dim)
        if not x._aval.shape and check_axes(dim, 0) == ():
            return Extremum(x, apply_one(where, x, (("axis", None), ("keepdims", False))))
        at = check_axis(dim, len(x._aval.shape))
        indices = apply_one(where, x, (("axis", at), ("keepdims", True)))
        values = take_along_axis(x, indices, at)
        if kept(keepdims, keepdim):
            return Extremum(values, indices)
        return Extremum(apply_one(DROP, values, (("axis", at),)), apply_one(DROP, indices, (("axis", at),)))

    return step


DROP = Operation("squeeze", lambda x, *, axis: move.reshape(x, shape=(*x.shape[:axis], *x.shape[axis + 1 :])))


@overload
def max(x: ArrayLike, *, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
@overload
def max(x: ArrayLike, *, dim: int, keepdims: bool = False, keepdim: bool = False) -> Extremum: ...
@recorded(_extremum(AMAX, ARGMAX))
def max(
    x: ArrayLike,
    *positional: Any,
    axis: Axes = None,
    keepdims: bool = False,
    dim: int | None = None,
    keepdim: bool = False,
) -> Tensor | Extremum:
    """The largest element over axes (all by default), in the shape of x without them.

    NaN if there is one; equal maxima share the gradient. ``dim=`` has PyTorch's meaning: a pair (values, indices), the
    first of equals winning. OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for no elements.

    >>> x = tn.tensor([[1, 5], [7, 2]])
    >>> tn.max(x, axis=1)
    tensor([5, 7])
    >>> tn.max(x, dim=1).indices
    tensor([1, 0])
    """


@overload
def min(x: ArrayLike, *, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
@overload
def min(x: ArrayLike, *, dim: int, keepdims: bool = False, keepdim: bool = False) -> Extremum: ...
@recorded(_extremum(AMIN, ARGMIN))
def min(
    x: ArrayLike,
    *positional: Any,
    axis: Axes = None,
    keepdims: bool = False,
    dim: int | None = None,
    keepdim: bool = False,
) -> Tensor | Extremum:
    """The smallest element over axes (all by default), in the shape of x without them.

    NaN if there is one; equal minima share the gradient. ``dim=`` has PyTorch's meaning: a pair (values, indices), the
    first of equals winning. OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for no elements.

    >>> x = tn.tensor([[1, 5], [7, 2]])
    >>> tn.min(x, axis=1)
    tensor([1, 2])
    >>> tn.min(x, dim=1).indices
    tensor([0, 1])
    """


def over_axes(fn: Operation) -> Callable[..., Tensor]:
    def step(
        x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
    ) -> Tensor:
        x = value_of(x)
        return apply_one(fn, x, reduction(one_of(axis, dim), len(x._aval.shape), keepdims, keepdim))

    return step


@recorded(over_axes(AMAX))
def amax(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """The largest element over axes (all by default), under PyTorch's name; see ``tn.max``.

    >>> tn.amax(tn.tensor([[1, 5], [7, 2]]), 1)
    tensor([5, 7])
    """


@recorded(over_axes(AMIN))
def amin(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """The smallest element over axes (all by default), under PyTorch's name; see ``tn.min``.

    >>> tn.amin(tn.tensor([[1, 5], [7, 2]]), 1)
    tensor([1, 2])
    """


@recorded(over_axes(LOGSUMEXP))
def logsumexp(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """The logarithm of the sum of exponentials over axes (all by default), within the range of the dtype throughout.

    DTypeError (TN802) unless x is floating; OutOfRange (TN801) for an axis that is not there.

    >>> tn.logsumexp(tn.tensor([[100.0, 100.0]]), axis=1)
    tensor([100.6931])
    """


@recorded(over_axes(ALL))
def all(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Whether all elements are true (not zero) over axes (all by default), in the shape of x without them.

    OutOfRange (TN801) for an axis that is not there.

    >>> tn.all(tn.tensor([[True, True], [True, False]]), axis=1)
    tensor([ True, False])
    """


@recorded(over_axes(ANY))
def any(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False
) -> Tensor:
    """Whether any element is true (not zero) over axes (all by default), in the shape of x without them.

    OutOfRange (TN801) for an axis that is not there.

    >>> tn.any(tn.tensor([[False, True], [False, False]]), axis=1)
    tensor([ True, False])
    """


def _spread(fn: Operation) -> Callable[..., Tensor]:
    def step(
        x: Any,
        *positional: Any,
        axis: Axes = None,
        correction: float | None = None,
        keepdims: bool = False,
        dim: Axes = NOT_GIVEN,
        unbiased: bool | None = None,
        keepdim: bool = False,
    ) -> Tensor:
        if unbiased is not None:
            correction = one_of(correction, int(flag("unbiased", unbiased)), "correction and unbiased")
        if len(positional) > 1 or (positional and correction is None):
            at = repr(positional[0]) if is_axis(positional[0]) else "…"
            raise TypeError(f"{fn.name} of one tensor: write axis={at} (n in the divisor) or dim={at} (n - 1)")
        if positional:
            axis = one_of(positional[0], axis)
        if correction is None and axis is None and dim is NOT_GIVEN:
            raise TypeError(f"{fn.name}() divides by n in NumPy and by n - 1 in PyTorch: give correction=0 or 1")
        x = value_of(x)
        if correction is None:
            correction = 0 if dim is NOT_GIVEN else 1
        axes = reduction(axis if dim is NOT_GIVEN else one_of(axis, dim), len(x._aval.shape), keepdims, keepdim)
        return apply_one(fn, x, (*axes, ("correction", float(number(fn.name, "correction", correction)))))

    return step


@recorded(_spread(VAR))
def var(
    x: ArrayLike,
    *positional: Any,
    axis: Axes = None,
    correction: float | None = None,
    keepdims: bool = False,
    dim: Axes = NOT_GIVEN,
    unbiased: bool | None = None,
    keepdim: bool = False,
) -> Tensor:
    """The variance over axes (all by default): the sum of (x - mean)² divided by n - correction.

    ``correction`` is 0 by default with ``axis`` (the array API) and 1 with ``dim`` (PyTorch); without either it must
    be given. DTypeError (TN802) unless x is floating; OutOfRange (TN801) for an axis that is not there.

    >>> tn.var(tn.tensor([1.0, 2.0, 3.0]), correction=1)
    tensor(1.)
    """


@recorded(_spread(STD))
def std(
    x: ArrayLike,
    *positional: Any,
    axis: Axes = None,
    correction: float | None = None,
    keepdims: bool = False,
    dim: Axes = NOT_GIVEN,
    unbiased: bool | None = None,
    keepdim: bool = False,
) -> Tensor:
    """The standard deviation over axes (all by default), the square root of the variance; see ``tn.var``.

    >>> tn.std(tn.tensor([1.0, 2.0, 3.0]), correction=1)
    tensor(1.)
    """


def _arg(fn: Operation) -> Callable[..., Tensor]:
    def step(
        x: Any,
        axis: int | None = None,
        keepdims: bool = False,
        *,
        dim: int | None = None,
        keepdim: bool = False,
    ) -> Tensor:
        x = value_of(x)
        axis = axis if dim is None else one_of(axis, dim)
        ndim = len(x._aval.shape)
        at = None if axis is None or not (ndim or check_axes(axis, 0)) else check_axis(axis, ndim)
        return apply_one(fn, x, (("axis", at), ("keepdims", kept(keepdims, keepdim))))

    return step


@recorded(_arg(ARGMAX))
def argmax(
    x: ArrayLike,
    axis: int | None = None,
    keepdims: bool = False,
    *,
    dim: int | None = None,
    keepdim: bool = False,
) -> Tensor:
    """The index (int64) of the largest element along an axis, or in the flattened tensor; the first of equals.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for no elements.

    >>> tn.argmax(tn.tensor([[1, 5], [7, 2]]), axis=1)
    tensor([1, 0])
    """


@recorded(_arg(ARGMIN))
def argmin(
    x: ArrayLike,
    axis: int | None = None,
    keepdims: bool = False,
    *,
    dim: int | None = None,
    keepdim: bool = False,
) -> Tensor:
    """The index (int64) of the smallest element along an axis, or in the flattened tensor; the first of equals.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for no elements.

    >>> tn.argmin(tn.tensor([[1, 5], [7, 2]]), axis=1)
    tensor([0, 1])
    """
