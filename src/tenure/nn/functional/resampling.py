"""Images in another size: nearest elements, linear and cubic interpolation, averages."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import floor, inf
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.dtypes import float64
from tenure.errors import DTypeError, OutOfMemory, ShapeError, shown
from tenure.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from tenure.ops import resampling
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import fitting, flag, ints_of, number
from tenure.values.trace.memo import remembered

if TYPE_CHECKING:
    from tenure.ir.aval import Aval
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

NEAREST = Operation("interpolate", resampling.nearest, "UpsampleNearestBackward0")
WEIGHED = Operation("interpolate", resampling.weighed, "UpsampleBackward0")
Axis = tuple[int, int, float | None]
"""The sizes before and after, and the factor that was given."""
AXES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3),
    "linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,),
}  # fmt: skip
"""The numbers of axes that a mode is for."""
AVERAGES: tuple[Callable[..., Tensor], ...] = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
SHARP, SMOOTH = -0.75, -0.5
"""The slope of the cubic filter at 1: PyTorch's, and Pillow's, which it takes with ``antialias``."""
LONGEST = 1 << 16
"""Elements of an axis of which the table is kept."""


def interpolate(
    input: ArrayLike,
    size: int | tuple[int, ...] | list[int] | None = None,
    scale_factor: float | tuple[float, ...] | list[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input (N, C, …) in another size over its last axes: ``size``, or ⌊size · scale_factor⌋.

    ``mode`` is "nearest" (the element at ⌊k · scale⌋), "nearest-exact" (at ⌊(k + ½) · scale⌋), "linear", "bilinear",
    "trilinear", "bicubic" or "area" (averages). With ``align_corners`` the first and last elements lie upon each other,
    else the outer edges of their cells. Positions follow from ``scale_factor`` itself, unless
    ``recompute_scale_factor``. ``antialias`` widens the filter of "bilinear" and "bicubic" when sizes shrink, as Pillow
    does. Bytes are rounded after each axis.
    ShapeError (TN802) for axes that a mode is not for, and for sizes below 1; ValueError unless one of ``size``
    and ``scale_factor`` is given. Source: R. Keys, IEEE Trans. ASSP 29(6), 1981, of the cubic filter.

    >>> F.interpolate(tn.tensor([[[1.0, 3.0]]]), size=4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    return _interpolated(
        "interpolate", input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias
    )


def _interpolated(
    name: str,
    input: Any,
    size: Any,
    scale: Any,
    mode: Any,
    aligned: Any = None,
    recompute: Any = None,
    smooth: Any = False,
) -> Tensor:
    """``interpolate`` by one of its names."""
    x = value_of(input)
    whole, axes = _form(x._aval, name, size, scale, mode, aligned, recompute, smooth)
    if mode == "area":
        return AVERAGES[len(whole) - 1](x, whole)
    try:
        return _resampled(x, mode, axes, bool(aligned), smooth)
    except MemoryError:
        raise OutOfMemory(f"{name}: there is no memory for a result of {list(whole)} elements") from None


@remembered
def _form(
    known: Aval, name: str, size: Any, scale: Any, mode: Any, aligned: Any, recompute: Any, smooth: Any
) -> tuple[tuple[int, ...], tuple[Axis, ...]]:
    """The sizes of the result, and what is known of each axis."""
    shape = known.shape
    n = _checked(name, shape, mode, aligned, smooth)
    whole, scales = _sizes(name, shape[2:], size, scale)
    fitting(name, (*shape[:2], *whole), known.dtype)
    fitting(name, (8, max(whole)), float64)  # a table's taps and weights
    if recompute is not None and flag(f"{name}: recompute_scale_factor", recompute):
        if size is not None:
            raise ValueError(f"{name}: recompute_scale_factor goes with scale_factor, not with size")
        scales = (None,) * n
    axes = zip(shape[2:], whole, scales, strict=True)
    return whole, tuple([(k, m, None if _plain(mode, n, smooth, k, m) else scale) for k, m, scale in axes])


def _plain(mode: str, n: int, smooth: bool, old: int, new: int) -> bool:
    """Whether sizes say what becomes of an axis, whatever the scale was that gave them: as in PyTorch."""
    if mode == "nearest":
        return n == 2 and new in (old, 2 * old)
    return new == old and (smooth or "linear" in mode)


def _resampled(x: Any, mode: str, axes: tuple[Axis, ...], aligned: bool, antialias: bool) -> Tensor:
    if mode in ("nearest", "nearest-exact"):
        tables = [_table(places, *axis, mode == "nearest-exact") for axis in axes]
        return apply(NEAREST, (x, *tables), ())
    kind = "cubic" if mode == "bicubic" else "linear"
    weighed: list[Tensor] = []
    for axis in axes:
        weighed += _table(widened if antialias else weights, *axis, kind, aligned)
    return apply(WEIGHED, (x, *weighed), parameters(("name",), "interpolate"))


def upsample(
    input: ArrayLike,
    size: int | tuple[int, ...] | list[int] | None = None,
    scale_factor: float | tuple[float, ...] | list[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """``interpolate`` by its older name.

    >>> F.upsample(tn.tensor([[[1.0, 3.0]]]), scale_factor=2)
    tensor([[[1., 1., 3., 3.]]])
    """
    return _interpolated("upsample", input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: ArrayLike,
    size: int | tuple[int, ...] | list[int] | None = None,
    scale_factor: float | tuple[float, ...] | list[float] | None = None,
) -> Tensor:
    """``interpolate`` to the nearest elements.

    >>> F.upsample_nearest(tn.tensor([[[1.0, 3.0]]]), size=3)
    tensor([[[1., 1., 3.]]])
    """
    return _interpolated("upsample_nearest", input, size, scale_factor, "nearest")


def upsample_bilinear(
    input: ArrayLike,
    size: int | tuple[int, ...] | list[int] | None = None,
    scale_factor: float | tuple[float, ...] | list[float] | None = None,
) -> Tensor:
    """``interpolate`` of images (N, C, H, W) by two lines, with corners that lie upon each other.

    >>> F.upsample_bilinear(tn.tensor([[[[1.0, 3.0]]]]), size=(1, 3))
    tensor([[[[1., 2., 3.]]]])
    """
    return _interpolated("upsample_bilinear", input, size, scale_factor, "bilinear", True)


def _checked(name: str, shape: tuple[int, ...], mode: Any, align_corners: Any, antialias: Any) -> int:
    """The number of axes; an error for arguments that do not go together."""
    if type(mode) is not str or mode not in AXES:
        raise DTypeError(f"{name}: mode is one of {list(AXES)}, not {shown(mode)}")
    n = len(shape) - 2
    if n not in AXES[mode]:
        wanted = " or ".join([str(k + 2) for k in AXES[mode]])
        raise ShapeError(f"{name}: mode {mode!r} is for {wanted} axes, and the input has shape {list(shape)}")
    if min(shape[2:]) < 1:
        raise ShapeError(f"{name}: an input of shape {list(shape)} has nothing to interpolate")
    if align_corners is not None:
        flag(f"{name}: align_corners", align_corners)
        if len(AXES[mode]) > 1:
            raise ValueError(f"{name}: align_corners goes with linear and cubic modes, not with {mode!r}")
    if flag(f"{name}: antialias", antialias) and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"{name}: antialias goes with 'bilinear' and 'bicubic', not with {mode!r}")
    return n


def _sizes(
    name: str, shape: tuple[int, ...], size: Any, scale: Any
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The sizes of the result, and the scale factors that were given."""
    n = len(shape)
    if (size is None) == (scale is None):
        raise ValueError(f"{name}: give one of size and scale_factor")
    if size is not None:
        whole = ints_of(size, f"{name}: size")
        whole = whole * n if not isinstance(size, tuple | list) else whole
        factors: tuple[float | None, ...] = (None,) * n
    else:
        given = tuple(scale) if isinstance(scale, tuple | list) else (scale,) * n
        factors = tuple([float(number(name, "scale_factor", s)) for s in given])
        if not all(0 < s < inf for s in factors if s is not None):
            raise ValueError(f"{name}: scale_factor is a finite number above 0, not {shown(scale)}")
        whole = tuple([floor(k * s) for k, s in zip(shape, factors, strict=False) if s is not None])
    if len(whole) != n or len(factors) != n:
        argument = "size" if size is not None else "scale_factor"
        raise ShapeError(f"{name}: {argument} {shown(size if scale is None else scale)} is not for {n} axes")
    if min(whole) < 1:
        raise ShapeError(f"{name}: a result of {list(whole)} elements")
    return whole, factors


def _table(made: Any, n: int, m: int, *form: Any) -> Any:
    """The table of an axis of n elements and m of the result, kept unless it is long."""
    return (made if m <= LONGEST else made.__wrapped__)(n, m, *form)


def _tables(*arrays: Any) -> tuple[Tensor, ...]:
    """Arrays as tensors, which every call shares."""
    return tuple(map(tensor, arrays))


@lru_cache(maxsize=256)
def places(n: int, m: int, scale: float | None, exact: bool) -> Tensor:
    """The nearest of n elements for each of m, in float32 as PyTorch has it."""
    step = np.float32(1 / scale if scale else np.float32(n) / np.float32(m))
    at = np.floor((np.arange(m, dtype=np.float32) + np.float32(exact / 2)) * step)
    return tensor(np.minimum(at, n - 1).astype(np.int64))


@lru_cache(maxsize=256)
def weights(n: int, m: int, scale: float | None, kind: str, aligned: bool) -> tuple[Tensor, ...]:
    """The elements (taps, m) that each of m is made of, and their weights."""
    k = np.arange(m)
    if aligned:
        at = k * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        at = (k + 0.5) * (1 / scale if scale else n / m) - 0.5
    if kind == "linear":
        at = np.maximum(at, 0)
    low = np.minimum(np.floor(at), n - 1)
    t = np.clip(at - low, 0, 1)
    if kind == "linear":
        return _tables(np.stack([low, np.minimum(low + 1, n - 1)]).astype(np.int64), np.stack([1 - t, t]))
    taps = np.stack([keys(1 + t, SHARP), keys(t, SHARP), keys(1 - t, SHARP), keys(2 - t, SHARP)])
    return _tables(np.clip(low + np.arange(-1, 3)[:, None], 0, n - 1).astype(np.int64), taps)


def keys(x: Any, a: float) -> Any:
    """Keys' cubic filter."""
    x = np.abs(x)
    inner, outer = ((a + 2) * x - (a + 3)) * x * x + 1, (((x - 5) * x + 8) * x - 4) * a
    return np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))


@lru_cache(maxsize=256)
def widened(n: int, m: int, scale: float | None, kind: str, aligned: bool) -> tuple[Tensor, ...]:
    """As ``weights``, by a filter that is as wide as the elements of the result are apart."""
    step = (n - 1) / (m - 1) if aligned and m > 1 else 0.0 if aligned else 1 / scale if scale else n / m
    reach = (2 if kind == "cubic" else 1) * max(step, 1.0)
    middle = (np.arange(m) + 0.5) * step
    first = np.maximum((middle - reach + 0.5).astype(np.int64), 0)
    count = np.maximum(np.minimum((middle + reach + 0.5).astype(np.int64), n) - first, 1)
    taps = np.arange(count.max())[:, None]
    away = np.abs((taps + first - middle + 0.5) / max(step, 1.0))
    found = keys(away, SMOOTH) if kind == "cubic" else np.maximum(1 - away, 0)
    found = np.where(taps < count, found, 0.0)
    return _tables(np.minimum(first + np.minimum(taps, count - 1), n - 1), found / found.sum(0))
