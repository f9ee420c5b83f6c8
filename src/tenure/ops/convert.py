"""Numbers from one dtype to another on NumPy: the meaning of a cast, for bfloat16 too, which NumPy has not."""

from __future__ import annotations

from typing import Any

from tenure.dtypes import BFLOAT16, DType, as_dtype

Array = Any


def converted(np: Any, x: Array, dtype: DType) -> Array:
    """An array in another dtype: the nearest number, of two equally near the even one; towards 0 where that is whole; a
    complex number's real part."""
    if x.dtype == dtype.numpy:
        return x.copy()
    if x.dtype == BFLOAT16:
        x = widened(np, x)
    if x.dtype.kind == "c" and dtype.kind not in "bc":
        x = x.real
    if dtype.kind in "iu" and x.dtype.kind == "f":
        return whole(np, x, dtype)
    return narrowed(np, x) if dtype.numpy == BFLOAT16 else x.astype(dtype.numpy)


def whole(np: Any, x: Array, dtype: DType) -> Array:
    """Floats as whole numbers, towards 0: the nearest there is for what is too large, 0 for NaN."""
    least, most = dtype.range
    known = np.isfinite(x) & (x > least - 1) & (x < float(most) + (most < 2**53))
    ans = np.where(known, x, 0).astype(dtype.numpy)
    return np.where(known | np.isnan(x), ans, np.where(x > 0, dtype.numpy.type(most), dtype.numpy.type(least)))


def widened(np: Any, x: Array) -> Array:
    """bfloat16 as float32, which holds each."""
    return (x["bfloat16"].astype(np.uint32) << 16).view(np.float32)


def narrowed(np: Any, x: Array) -> Array:
    """Numbers as bfloat16, rounded once."""
    bits = odd(np, x).view(np.uint32)
    short = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    short = np.where(np.isnan(x), (bits >> 16 | 0x40).astype(np.uint16), short)
    return short.view(BFLOAT16)


def odd(np: Any, x: Array) -> Array:
    """float32 of numbers, rounded to odd where it does not hold them: rounding once more is then as rounding once."""
    if x.dtype == np.float32:
        return x
    x = x.astype(np.float64)
    near = x.astype(np.float32)
    inexact = np.isfinite(x) & (near.astype(np.float64) != x)
    beyond = inexact & (np.abs(near.astype(np.float64)) > np.abs(x))
    bits = near.view(np.uint32) - beyond.astype(np.uint32)
    return (bits | inexact.astype(np.uint32)).view(np.float32)


def number_in(np: Any, value: Any, dtype: DType) -> Array:
    """A Python number as a rank-0 array of a dtype; both parts of a complex −0.0 are (``ops.selection``)."""
    if dtype.is_complex and value == 0 and not isinstance(value, complex):
        value = complex(value, value)
    return converted(np, np.array(value), dtype) if dtype.kind == "h" else np.array(value, dtype.numpy)


def added(np: Any, x: Array, y: Array) -> Array:
    """x + y, in the dtype of both."""
    dtype = as_dtype(x.dtype)
    if dtype.kind != "h":
        return x + y
    return converted(np, converted(np, x, dtype.parts) + converted(np, y, dtype.parts), dtype)
