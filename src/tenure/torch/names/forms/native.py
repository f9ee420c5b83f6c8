"""Forms of the functions below those of ``torch.nn.functional``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tenure as tn
from tenure.torch.errors import refuse
from tenure.values.operations.boundary import array_of

__all__ = ["bagged", "conv_in_time", "fake_quantized", "linalg_norm", "named_reduction", "norm_except", "normalized",
           "segments_reduced"]  # fmt: skip


def named_reduction(number: int) -> str:
    """The name of a reduction by number."""
    if number not in (0, 1, 2):
        raise refuse(f"{number} is not a valid value for reduction")
    return ("none", "mean", "sum")[number]


def normalized(x: Any, shape: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    """Layer normalization, the mean and one over the deviation, which keep the axes."""
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    rstd = tn.rsqrt(tn.square(x - mean).mean(axis=axes, keepdims=True) + eps)
    return tn.nn.functional.layer_norm(x, tuple(shape), weight, bias, eps), mean, rstd


def bagged(out: Any, indices: Any, offsets: Any) -> tuple[Any, Any, Any, Any]:
    """Bags of an embedding, the bag of each index, the sizes of the bags, and no indices of maxima."""
    starts = array_of(offsets)
    sizes = np.diff(starts, append=indices.shape[0])[: out.shape[0]]
    which = np.repeat(np.arange(len(sizes)), sizes)
    return out, *[tn.tensor(x, dtype=indices.dtype) for x in (which, sizes, np.zeros(0))]


def conv_in_time(x: Any, weight: Any, bias: Any, pad: int) -> Any:
    """Convolution of (time, batch, channels) with (width, channels, channels out)."""
    moved = tn.nn.functional.conv1d(tn.permute(x, (1, 2, 0)), tn.permute(weight, (2, 1, 0)), bias, padding=pad)
    return tn.permute(moved, (2, 0, 1))


def linalg_norm(x: Any, kind: str, dim: Any, keepdim: bool) -> Any:
    """Frobenius or nuclear norm over one or two axes, by default the last two."""
    axes = [-2, -1] if dim is None or dim in ((), []) else [dim] if isinstance(dim, int) else list(dim)
    if kind == "fro":
        return tn.linalg.vector_norm(x, 2, axis=tuple(axes), keepdims=keepdim)
    return tn.linalg.matrix_norm(x, kind, axis=tuple(axes), keepdims=keepdim)


def norm_except(v: Any, pow: int, dim: int) -> Any:
    """Norm over all axes but one, which stay with size 1; over all for −1."""
    axes = tuple(k for k in range(v.ndim) if dim == -1 or k != dim)
    return tn.linalg.vector_norm(v, pow, axis=axes, keepdims=dim != -1)


def segments_reduced(x: Any, reduce: str, lengths: Any, offsets: Any, axis: int, initial: Any) -> Any:
    """Parts of an axis reduced, one for each length: sum, mean, max, min or prod."""
    ways = {"sum": ("sum", 0), "mean": ("sum", math.nan), "prod": ("prod", 1)}
    ways |= {"max": ("amax", -math.inf), "min": ("amin", math.inf)}
    if reduce not in ways or (lengths is None) == (offsets is None):
        raise refuse("segment_reduce(): sum, mean, max, min or prod, of segments by either lengths or offsets")
    if axis != 0 or (lengths if offsets is None else offsets).ndim != 1:
        raise refuse("segment_reduce(): segments of the first axis alone, by a vector, are supported here")
    sizes = array_of(lengths) if offsets is None else np.diff(array_of(offsets))
    if (sizes < 0).any() or sizes.sum() != x.shape[0]:
        raise refuse("segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1)")
    how, empty = ways[reduce]
    start = tn.full((len(sizes), *x.shape[1:]), empty if initial is None else initial, dtype=x.dtype)
    which = tn.tensor(np.repeat(np.arange(len(sizes)), sizes)).reshape((-1, *(1,) * (x.ndim - 1)))
    placed = tn.broadcast_to(which, x.shape)
    found = tn.scatter_reduce(start, 0, placed, x, how, include_self=initial is not None)
    counts = np.maximum(sizes, 1).reshape((-1, *(1,) * (x.ndim - 1)))
    return found / tn.tensor(counts, dtype=x.dtype) if reduce == "mean" else found


def fake_quantized(x: Any, scale: Any, zero_point: Any, axis: int | None, least: int, most: int) -> Any:
    """Elements as the nearest of the steps of a scale; the gradient passes where they are within the range."""
    if least > most:
        raise refuse("`quant_min` should be less than or equal to `quant_max`.")
    if axis is not None:
        shape = [-1 if k == axis % x.ndim else 1 for k in range(x.ndim)]
        scale, zero_point = (tn.astype(tn.reshape(v, shape), x.dtype) for v in (scale, zero_point))
    near = tn.round(x.detach() / scale) + zero_point
    found = (tn.clip(near, least, most) - zero_point) * scale
    return tn.where((near >= least) & (near <= most), x - x.detach(), 0.0) + found
