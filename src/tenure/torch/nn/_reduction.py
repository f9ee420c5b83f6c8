"""``torch.nn._reduction``: reductions of losses as numbers, and by the two older arguments."""

from __future__ import annotations

import warnings
from typing import Any

ORDER = ("none", "mean", "sum")


def get_enum(reduction: str) -> int:
    """Number of a reduction."""
    if reduction not in ORDER:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return ORDER.index(reduction)


def legacy_get_string(size_average: Any, reduce: Any, emit_warning: bool = True) -> str:
    """The reduction that the two older arguments mean."""
    found = "none" if reduce is False else "sum" if size_average is False else "mean"
    if emit_warning:
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.", stacklevel=2
        )
    return found


def legacy_get_enum(size_average: Any, reduce: Any, emit_warning: bool = True) -> int:
    """Number of the reduction that the two older arguments mean."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
