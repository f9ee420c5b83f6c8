"""Reductions, and products of matrices. ``dim`` and ``keepdim`` are accepted for ``axis`` and ``keepdims``."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from tenure.dtypes import DTypeLike, as_dtype
from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.ops import move, promote, reduce, statistics
from tenure.ops.promote import Operation
from tenure.values.given import flag, number
from tenure.values.hits import apply_one
from tenure.values.indexing import take_along_axis
from tenure.values.operators import binary
from tenure.values.reading import value_of

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
MATMUL = Operation("matmul", promote.product, "MmBackward0")
AFFINE = Operation("linear", promote.affine, "MmBackward0")

Axes = int | tuple[int, ...] | list[int] | None


def check_axis(axis: Any, ndim: int, what: str = "axis") -> int:
    """A non-negative axis; TN801 outside the dimensions, TN802 for what is no int."""
    if type(axis) is not int:
        if isinstance(axis, bool):
            raise DTypeError(f"{what} is an int, not {shown(axis)}")
        try:
            axis = operator.index(axis)
        except TypeError:
            raise DTypeError(f"{what} is an int, not {shown(axis)}") from None
    if not -ndim <= axis < ndim:
        raise OutOfRange(f"{what} {axis} is out of range for a tensor of {ndim} dimensions")
    return axis + ndim if axis < 0 else axis  # type: ignore[no-any-return]


def is_axis(x: Any) -> bool:
    """Whether an argument can be meant as an axis, or several."""
    return x is None or {int, *map(type, x if isinstance(x, tuple | list) else (x,))} == {int}


def check_axes(axis: Axes, ndim: int) -> tuple[int, ...]:
    """Ascending, distinct, non-negative axes; all of them for None."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, tuple | list):
        axes = sorted([check_axis(a, ndim) for a in axis])
        if len(set(axes)) < len(axes):
            raise ShapeError(f"an axis is named twice in {shown(list(axis))}")
        return tuple(axes)
    return (check_axis(axis, ndim),)


def reduction(axis: Axes, ndim: int, keepdims: bool, keepdim: bool = False) -> tuple[Any, ...]:
    """The parameters of a reduction over axes; those of the usual calls are kept."""
    if axis is None or type(axis) is int:
        try:
            found = _REDUCTIONS.get((axis, ndim, keepdims, keepdim))
        except TypeError:  # what has no hash is no flag
            found = None
        if found is not None:
            return found
        kept = _kept(keepdims, keepdim)
        made = _REDUCTIONS[axis, ndim, keepdims, keepdim] = (("axes", check_axes(axis, ndim)), ("keepdims", kept))
        return made
    return (("axes", check_axes(axis, ndim)), ("keepdims", _kept(keepdims, keepdim)))


_REDUCTIONS: dict[tuple[int | None, int, bool, bool], tuple[Any, ...]] = {}


def _kept(keepdims: Any, keepdim: Any) -> bool:
    """Whether reduced axes are kept, under either of the names."""
    if keepdims is False and keepdim is False:
        return False
    return flag("keepdims", keepdims) or flag("keepdim", keepdim)


def one_of(axis: Any, dim: Any) -> Any:
    """``axis`` under either of its names."""
    if axis is not None and dim is not None:
        raise TypeError("axis and dim are two names of one argument: give one of them")
    return dim if axis is None else axis


def sum(
    x: Any,
    axis: Axes = None,
    keepdims: bool = False,
    *,
    dtype: DTypeLike | None = None,
    dim: Axes = None,
    keepdim: bool = False,
) -> Any:
    """The sum over axes (all by default). bool and int32 are summed in int64. Shape: x's without the axes."""
    x = value_of(x)
    axis = axis if dim is None else one_of(axis, dim)
    params = reduction(axis, len(x._aval.shape), keepdims, keepdim)
    if dtype is not None:
        params = (*params, ("dtype", as_dtype(dtype)))
    return apply_one(SUM if axis is None else SUM_AXES, x, params)


def mean(x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False) -> Any:
    """The arithmetic mean over axes (all by default) of a floating tensor."""
    x = value_of(x)
    axis = axis if dim is None else one_of(axis, dim)
    return apply_one(MEAN if axis is None else MEAN_AXES, x, reduction(axis, len(x._aval.shape), keepdims, keepdim))


class Extremum(NamedTuple):
    """What PyTorch's ``max(dim=…)`` gives: the extreme elements along an axis and where they lie (int64)."""

    values: Any
    indices: Any


def _extremum(fn: Operation, where: Operation, doc: str) -> Any:
    def record(
        x: Any,
        *positional: Any,
        axis: Axes = None,
        keepdims: bool = False,
        dim: int | None = None,
        keepdim: bool = False,
    ) -> Any:
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
        at = check_axis(dim, len(x._aval.shape))
        indices = apply_one(where, x, (("axis", at), ("keepdims", True)))
        values = take_along_axis(x, indices, at)
        if _kept(keepdims, keepdim):
            return Extremum(values, indices)
        return Extremum(apply_one(DROP, values, (("axis", at),)), apply_one(DROP, indices, (("axis", at),)))

    record.__name__ = record.__qualname__ = fn.name
    record.__doc__ = f"{doc} ``dim=`` has PyTorch's meaning: (values, indices), the first of equals winning."
    return record


DROP = Operation("squeeze", lambda x, *, axis: move.reshape(x, shape=(*x.shape[:axis], *x.shape[axis + 1 :])))


def _over_axes(fn: Operation, doc: str) -> Any:
    def record(x: Any, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None, keepdim: bool = False) -> Any:
        x = value_of(x)
        return apply_one(fn, x, reduction(one_of(axis, dim), len(x._aval.shape), keepdims, keepdim))

    record.__name__ = record.__qualname__ = fn.name
    record.__doc__ = doc
    return record


max = _extremum(AMAX, ARGMAX, "The largest element over axes; NaN if there is one. Equal maxima share the gradient.")
min = _extremum(AMIN, ARGMIN, "The smallest element over axes; NaN if there is one. Equal minima share the gradient.")
amax = _over_axes(AMAX, "The largest element over axes; PyTorch's name.")
amin = _over_axes(AMIN, "The smallest element over axes; PyTorch's name.")
logsumexp = _over_axes(LOGSUMEXP, "log Σ exp(x) over axes (all by default), without leaving the range of the dtype.")
all = _over_axes(ALL, "Whether all elements are true, over axes.")
any = _over_axes(ANY, "Whether any element is true, over axes.")


NOT_GIVEN: Any = object()


def _spread(fn: Operation, doc: str) -> Any:
    def record(
        x: Any,
        *positional: Any,
        axis: Axes = None,
        correction: float | None = None,
        keepdims: bool = False,
        dim: Axes = NOT_GIVEN,
        unbiased: bool | None = None,
        keepdim: bool = False,
    ) -> Any:
        if positional:
            at = repr(positional[0]) if is_axis(positional[0]) else "…"
            raise TypeError(f"{fn.name} of one tensor: write axis={at} (n in the divisor) or dim={at} (n - 1)")
        if unbiased is not None:
            correction = one_of(correction, int(flag("unbiased", unbiased)))
        if correction is None and axis is None and dim is NOT_GIVEN:
            raise TypeError(f"{fn.name}() divides by n in NumPy and by n - 1 in PyTorch: give correction=0 or 1")
        x = value_of(x)
        if correction is None:
            correction = 0 if dim is NOT_GIVEN else 1
        axes = reduction(axis if dim is NOT_GIVEN else one_of(axis, dim), len(x._aval.shape), keepdims, keepdim)
        return apply_one(fn, x, (*axes, ("correction", float(number(fn.name, "correction", correction)))))

    record.__name__ = record.__qualname__ = fn.name
    record.__doc__ = (
        f"{doc} over axes (all by default) of a floating tensor, with n - correction in the divisor. ``correction`` "
        "is 0 by default with ``axis`` (the array API) and 1 with ``dim`` (PyTorch); without either it must be given."
    )
    return record


var = _spread(VAR, "The mean of (x - mean)²")
std = _spread(STD, "The square root of the mean of (x - mean)²")


def _arg(fn: Operation, doc: str) -> Any:
    def record(
        x: Any,
        axis: int | None = None,
        keepdims: bool = False,
        *,
        dim: int | None = None,
        keepdim: bool = False,
    ) -> Any:
        x = value_of(x)
        axis = axis if dim is None else one_of(axis, dim)
        at = None if axis is None else check_axis(axis, len(x._aval.shape))
        return apply_one(fn, x, (("axis", at), ("keepdims", _kept(keepdims, keepdim))))

    record.__name__ = record.__qualname__ = fn.name
    record.__doc__ = doc
    return record


argmax = _arg(
    ARGMAX,
    "Where the largest element lies along an axis (in the flattened tensor by default), int64; the first of equals.",
)
argmin = _arg(
    ARGMIN,
    "Where the smallest element lies along an axis (in the flattened tensor by default), int64; the first of equals.",
)


matmul = binary(MATMUL, operator=False)
