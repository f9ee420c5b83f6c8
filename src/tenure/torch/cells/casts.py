"""Casts as PyTorch has them: complex numbers go into real dtypes, without their imaginary parts."""

from __future__ import annotations

import warnings
from typing import Any

from tenure.dtypes import DType, bool_
from tenure.values.operations.casting import to
from tenure.values.operations.comparison import not_equal
from tenure.values.operations.complexes import real

LOST = "Casting complex values to real discards the imaginary part"


def cast(x: Any, target: DType) -> Any:
    """A home value in a dtype; UserWarning where imaginary parts are lost, which at home is an error.

    True is what is not 0, imaginary numbers too.
    """
    of = x._aval.dtype
    if of is target:
        return x
    if of.is_complex and not target.is_complex:
        if target is bool_:
            return not_equal(x, 0)
        warnings.warn(LOST, stacklevel=4)
        x = real(x)
    return to(x, target)
