"""Reductions where PyTorch's differ: which dtype, which axes, which structure."""

from __future__ import annotations

import math
from typing import Any

import tenure as tn
from tenure.torch.cautions import caution
from tenure.torch.errors import TorchIndexError, TorchShapeError, refuse
from tenure.torch.messages import spelled
from tenure.torch.names.arguments import weighed
from tenure.torch.names.forms.arithmetic import cast, flat
from tenure.values.operations.casting import to

__all__ = [
    "average", "axes", "bounded", "ends", "extreme", "extreme_along", "followed", "implied", "in_equal_bins", "length",
    "middle", "pair", "placed", "plain_pair", "product", "quantified", "scan", "spread", "summed", "total", "traced",
]  # fmt: skip


def axes(dim: Any) -> Any:
    """Axes of a reduction: none given are all."""
    if isinstance(dim, list | tuple):
        return tuple(dim) or None
    return dim


def implied(x: Any, dim: Any, name: str = "softmax") -> Any:
    """The axis of a softmax; where none is given that of old programs, with a warning."""
    if dim is not None:
        return dim
    said = "Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument."
    caution(said, name)
    return 0 if x.ndim in (0, 1, 3) else 1


def summed(x: Any, dtype: Any) -> Any:
    """x in the dtype of its sums: int64 of whole numbers."""
    return cast(x, dtype if dtype is not None else tn.int64 if x.dtype.kind in "biu" else None)


def total(x: Any, dim: Any, keepdim: Any, dtype: Any) -> Any:
    """The sum over axes."""
    if dtype is None and x.dtype.kind != "u":
        return tn.sum(x, axes(dim), keepdim)
    return cast(tn.sum(summed(x, dtype), axes(dim), keepdim), dtype)


def traced(x: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    return total(tn.diagonal(x), None, False, None)


def average(x: Any, dim: Any, keepdim: Any, dtype: Any) -> Any:
    """The mean over axes, of floats."""
    x = cast(x, dtype)
    if not x.dtype.has_gradient:
        raise refuse(
            f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            f"{spelled(x.dtype.name)}"
        )
    return tn.mean(x, axes(dim), keepdim)


def product(x: Any, dim: Any, keepdim: Any, dtype: Any) -> Any:
    """The product over one axis, or all."""
    return cast(tn.prod(summed(x, dtype), dim, keepdim), dtype)


def middle(fn: Any, x: Any) -> Any:
    """The median of all elements; of none NaN, and the least of whole numbers."""
    if 0 not in x.shape:
        return fn(x)
    return tn.full((), math.nan if x.dtype.is_floating else tn.iinfo(x.dtype).min, dtype=x.dtype)


def in_equal_bins(x: Any, bins: Any, low: Any, high: Any) -> Any:
    """``histc``; a range that x itself gives is finite."""
    found = tn.histc(x, bins, low, high)
    if low == high and 0 not in x.shape and bool(tn.any(tn.isnan(found)).item()):
        raise refuse(f"torch.histc: range of [{tn.min(x).item():g}, {tn.max(x).item():g}] is not finite")
    return found


def quantified(fn: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    """``all`` and ``any``: of bytes a byte."""
    found = fn(x, axes(dim), keepdim)
    return to(found, x.dtype) if x.dtype.name == "uint8" else found


def extreme(fn: Any, x: Any) -> Any:
    """The largest or smallest element, whose gradient all that are equal share."""
    if not x.size() or 0 not in x.shape:
        return fn(x, axis=None)
    raise refuse(
        f"{fn.__name__}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim"
        " with the 'dim' argument."
    )


def pair(fn: Any, x: Any, y: Any) -> Any:
    """The larger or smaller of two, element by element."""
    return fn(*weighed(x, y))


def bounded(fn: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    """The largest or smallest elements over axes, of which none is empty."""
    dims = axes(dim)
    for d in range(len(x.shape)) if dims is None else (dims,) if isinstance(dims, int) else dims:
        if x.shape and not x.shape[d]:
            raise refuse(f"{fn.__name__}(): Expected reduction dim {d} to have non-zero size.",
                         TorchShapeError if dims is None else TorchIndexError)
    return fn(x, dims, keepdim)


def ends(x: Any, dim: Any, keepdim: Any) -> Any:
    """The smallest and the largest elements, of all or along an axis."""
    if dim is None and 0 in x.shape:
        raise refuse("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.")
    return tn.aminmax(x, dim=dim, keepdim=keepdim)


def extreme_along(fn: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    """The largest or smallest elements along an axis, and where they are."""
    return fn(x, dim=int(dim), keepdim=keepdim)


def placed(fn: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    """The place of the largest or smallest element."""
    if x.dtype.name == "bool":
        raise refuse(f"\"{fn.__name__}_cpu\" not implemented for 'Bool'")
    return fn(x, dim, keepdim)


def spread(fn: Any, x: Any, dim: Any, unbiased: Any, keepdim: Any, correction: Any) -> Any:
    """Standard deviation, variance and their kin: n − 1 divides unless told otherwise."""
    if type(dim) is bool:
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    elif unbiased is not None:
        raise TypeError(f"{fn.__name__}() takes unbiased or correction, not both")
    if not x.dtype.has_gradient:
        raise refuse(f"{fn.__name__} and its kin only support floating point and complex dtypes")
    return fn(x, dim=axes(dim), correction=correction, keepdim=keepdim)


def length(x: Any, p: Any, dim: Any, keepdim: Any, dtype: Any) -> Any:
    """A norm over axes."""
    x = cast(x, dtype)
    if not x.dtype.has_gradient:
        raise refuse("norm(): input dtype should be either floating point or complex dtypes")
    if p == "fro" or p is None:
        return tn.linalg.vector_norm(x, 2, axes(dim), keepdim)
    if p == "nuc":
        return tn.linalg.matrix_norm(x, "nuc", (0, 1) if dim is None else dim, keepdim)
    return followed(tn.linalg.vector_norm(x, p, axes(dim), keepdim), x)


def followed(found: Any, x: Any) -> Any:
    """A norm, which has a gradient of 0 where it counts elements."""
    return flat(found, tn.sum(tn.abs(x))) if x.requires_grad and not found.requires_grad else found


def scan(fn: Any, x: Any, dim: Any, dtype: Any) -> Any:
    """Sums or products up to each element."""
    return cast(fn(summed(x, dtype), dim=dim), dtype)


def plain_pair(found: Any) -> Any:
    """Several results as a plain tuple."""
    return tuple(found) if isinstance(found, tuple) else found


