"""Factories where PyTorch's dtypes or arguments differ."""

from __future__ import annotations

import math
from math import ceil
from typing import Any

import tenure as tn
from tenure.dtypes import promote
from tenure.torch.cells.casts import held
from tenure.torch.errors import TorchShapeError, TorchTypeError, refuse
from tenure.torch.names.forms.arithmetic import default
from tenure.values.tensor.tensor import Tensor as Value

__all__ = ["constant", "counted", "counted_to", "held", "spaced", "spaced_by", "whole"]


def _number(x: Any) -> Any:
    return x.item() if hasattr(x, "item") else x


def dtype_of(*numbers: Any) -> Any:
    """The dtype of a factory's result by the numbers it is given."""
    if any(isinstance(n, complex) for n in numbers):
        return promote(default(), "complex64")
    if any(isinstance(n, float) for n in numbers):
        return default()
    return tn.int64


def constant(size: Any, fill_value: Any, dtype: Any) -> Any:
    """A number in a shape."""
    fill = _number(fill_value)
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, Value) else tn.bool if fill is True or fill is False else (
            dtype_of(fill))
    return tn.full(tuple(size) if isinstance(size, list | tuple) else (size,), held(fill, dtype), dtype=dtype)


def counted(start: Any, end: Any, step: Any, dtype: Any) -> Any:
    """Numbers from a start to an end, which is not among them."""
    if end is None:
        start, end = 0, start
    start, end, step = _number(start), _number(end), _number(step)
    _check(start, end, step)
    if dtype is None:
        dtype = dtype_of(start, end, step)
    if dtype.kind in "iu":
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise refuse("step must be nonzero", TorchShapeError)
    return tn.arange(start, end, step, dtype=dtype)


def _check(start: Any, end: Any, step: Any) -> None:
    if not all(math.isfinite(n) for n in (start, end)):
        raise refuse(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise refuse("step must be nonzero", TorchShapeError)
    if (end - start) * step < 0:
        raise refuse("upper bound and lower bound inconsistent with step sign")


def counted_to(start: Any, end: Any, step: Any, dtype: Any) -> Any:
    """Numbers from a start to an end, which is among them."""
    start, end, step = _number(start), _number(end), _number(step)
    _check(start, end, step)
    count = int((end - start) / step) + 1
    return tn.astype(start + tn.arange(count, dtype=tn.float64) * step, dtype or default())


def spaced(start: Any, end: Any, steps: Any, dtype: Any) -> Any:
    """So many numbers from a start to an end."""
    start, end = _number(start), _number(end)
    if steps is None or isinstance(steps, float):
        raise refuse("linspace(): argument 'steps' must be int", TorchTypeError)
    if steps < 0:
        raise refuse("number of steps must be non-negative")
    if dtype is None:
        dtype = promote(default(), "complex64") if isinstance(start, complex) or isinstance(end, complex) else default()
    if dtype.kind in "iu":
        return _whole_spaced(int(start), int(end), int(steps), dtype)
    return tn.linspace(start, end, steps, dtype=dtype)


def _whole_spaced(start: int, end: int, steps: int, dtype: Any) -> Any:
    """Whole numbers as PyTorch rounds them: towards the ends."""
    step = (end - start) / (steps - 1) if steps > 1 else 0.0
    half = ceil(steps / 2) if steps % 2 == 0 else steps // 2
    numbers = [int(start + step * k) if k < half else int(end - step * (steps - 1 - k)) for k in range(steps)]
    return tn.tensor(numbers if steps != 1 else [start], dtype=dtype)


def spaced_by(start: Any, end: Any, steps: Any, base: float, dtype: Any) -> Any:
    """Powers of a base whose exponents are evenly spaced."""
    if steps < 0:
        raise refuse("number of steps must be non-negative")
    return tn.logspace(_number(start), _number(end), steps, base, dtype=dtype or default())


def whole(low: Any, high: Any, size: Any, dtype: Any, generator: Any) -> Any:
    """Random whole numbers of a half-open range."""
    if isinstance(high, list | tuple):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise refuse("randint(): missing required argument 'size'", TorchTypeError)
    return tn.randint(_number(low), _number(high), tuple(size), dtype=dtype, generator=generator)
