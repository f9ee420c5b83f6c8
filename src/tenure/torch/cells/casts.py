"""Casts as PyTorch has them: complex numbers go into real dtypes, without their imaginary parts."""

from __future__ import annotations

import warnings
from math import inf
from typing import Any

from tenure.dtypes import DType, bfloat16, bool_, finfo, float16, float32
from tenure.torch.errors import refuse
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


ROOM: dict[str, tuple[float, str]] = {
    "float32": (float(finfo(float32).max), "float"),
    "float16": (float(finfo(float16).max), "c10::Half"),
    "bfloat16": (float(finfo(bfloat16).max), "c10::BFloat16"),
    "complex64": (float(finfo(float32).max), "c10::complex<float>"),
}
"""Largest number of each dtype that Python's are wider than, and its name in C++."""


def held(number: Any, dtype: DType) -> Any:
    """A number that fills a tensor of a dtype; RuntimeError where it is finite and would be infinite there."""
    if type(number) in (int, float, complex) and dtype.name in ROOM:
        most, name = ROOM[dtype.name]
        parts = (number.real, number.imag) if isinstance(number, complex) else (number,)
        if any(most < abs(x) < inf for x in parts):
            raise refuse(f"value cannot be converted to type {name} without overflow")
    return number
