"""Reductions of the elements that a mask selects: the others become an element that makes no difference."""

from __future__ import annotations

import math
from typing import Any

import tenure as tn
from tenure.torch.names.forms.arithmetic import cast, floating
from tenure.torch.names.forms.reducing import axes, product

__all__ = ["hidden", "highest", "lowest", "masked_mean", "masked_norm", "masked_spread", "nan_of", "product_over"]


def lowest(dtype: Any) -> Any:
    """The least number of a dtype."""
    return -math.inf if dtype.has_gradient else False if dtype.kind == "b" else dtype.range[0]


def highest(dtype: Any) -> Any:
    """The largest number of a dtype."""
    return math.inf if dtype.has_gradient else True if dtype.kind == "b" else dtype.range[1]


def nan_of(dtype: Any) -> Any:
    """NaN, which a median passes over."""
    return math.nan


def hidden(x: Any, mask: Any, fill: Any) -> Any:
    """x with a number where a mask does not select."""
    if mask is None:
        return x
    fill = fill(x.dtype) if callable(fill) else fill
    fill = bool(fill) if x.dtype.kind == "b" else fill
    return tn.where(cast(mask, tn.bool), x, tn.full((), fill, dtype=x.dtype))


def product_over(x: Any, dim: Any, keepdim: bool, dtype: Any) -> Any:
    """The product over several axes."""
    dims = range(len(x.shape)) if axes(dim) is None else [dim] if isinstance(dim, int) else dim
    for d in sorted((d % max(len(x.shape), 1) for d in dims), reverse=True):
        x = product(x, d, keepdim, dtype) if x.shape else x
    return x if dims and x.shape else product(x, None, False, dtype)


def _count(x: Any, mask: Any, dim: Any, keepdim: bool) -> Any:
    ones = tn.ones(x.shape, dtype=tn.int64)
    return tn.sum(ones if mask is None else hidden(ones, tn.broadcast_to(mask, x.shape), 0), axes(dim), keepdim)


def masked_mean(x: Any, mask: Any, dim: Any, keepdim: bool) -> Any:
    """The mean of what is selected."""
    return tn.sum(hidden(x, mask, 0), axes(dim), keepdim) / _count(x, mask, dim, keepdim)


def masked_norm(x: Any, mask: Any, ord: Any, dim: Any, keepdim: bool) -> Any:
    """The norm of what is selected."""
    fill = math.inf if ord == -math.inf or ord < 0 else 0
    return tn.linalg.vector_norm(hidden(x, mask, fill), ord, axes(dim), keepdim)


def masked_spread(
    fn: Any, x: Any, dim: Any, unbiased: Any, correction: Any, keepdim: bool, dtype: Any, mask: Any
) -> Any:
    """Standard deviation or variance of what is selected."""
    x = floating(cast(x, dtype))
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    count = _count(x, mask, dim, True)
    off = x - tn.sum(hidden(x, mask, 0), axes(dim), True) / count
    squares = tn.real(off * tn.conj(off)) if x.dtype.is_complex else off * off
    divisor = tn.clamp_min(_count(x, mask, dim, keepdim) - correction, 0)
    found = tn.sum(hidden(squares, mask, 0), axes(dim), keepdim) / divisor
    return tn.sqrt(found) if fn is tn.std else found
