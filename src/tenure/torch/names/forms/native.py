"""Forms of the functions below those of ``torch.nn.functional``."""

from __future__ import annotations

from typing import Any

import tenure as tn
from tenure.torch.errors import refuse

__all__ = ["named_reduction", "normalized"]


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
