"""The Python array API standard, version 2024.12, in its own names, signatures and defaults.

It is what ``x.__array_namespace__()`` gives: code that is written for any array library finds here what the standard
says, and nothing else. Its functions take home tensors too, and give arrays, which can be written by index. The home
namespace has the same functions with PyTorch's arguments too, and asks where the two differ (``docs/names.md``); a
function of ``forms`` is the standard's where they do.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import tenure
from tenure.array_api import forms
from tenure.array_api.arrays import of_arrays
from tenure.dtypes import DType

NAMES = """
abs acos acosh add all any arange argmax argmin asin asinh atan atan2 atanh bitwise_and
bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor broadcast_to can_cast ceil clip
concat conj copysign cos cosh count_nonzero cumulative_prod cumulative_sum diff divide empty_like equal exp
expand_dims expm1 eye finfo flip floor floor_divide from_dlpack full full_like greater greater_equal hypot iinfo imag
isdtype isfinite isinf isnan less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or
logical_xor matmul matrix_transpose max maximum mean min minimum moveaxis multiply negative nextafter nonzero
not_equal ones_like positive pow prod real reciprocal remainder repeat result_type roll round sign signbit sin
sinh sqrt square squeeze stack subtract sum take take_along_axis tan tanh tensordot tile tril triu trunc
unique_all unique_counts unique_inverse unique_values unstack vecdot where zeros_like bool int8 int16 int32
int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128 e inf nan newaxis pi __array_api_version__
__array_namespace_info__
"""
ALIKE = sorted(NAMES.split())
"""Names that mean the same in the home namespace."""
EXTENSIONS = ("fft", "linalg")

FORMS = """
argsort asarray astype broadcast_arrays empty meshgrid ones permute_dims reshape searchsorted sort std var zeros
"""
OWN = sorted(FORMS.split())
"""Names whose form is the standard's own (``forms``)."""

__all__ = [*ALIKE, *OWN]


class Extension(ModuleType):
    """Namespace of an extension: the functions of the home one, of arrays."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{__name__}.{name}")
        self._home = getattr(tenure, name)

    def __getattr__(self, name: str) -> Any:
        found = of_arrays(getattr(self._home, name))
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return dir(self._home)


def __getattr__(name: str) -> Any:
    if name in EXTENSIONS:
        value: Any = Extension(name)
    elif name in OWN:
        value = getattr(forms, name)
        value = value if name.startswith("as") else of_arrays(value)
    elif name in ALIKE:
        value = getattr(tenure, name)
        value = of_arrays(value) if callable(value) and not isinstance(value, DType) else value
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it is not in the standard", name=name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *EXTENSIONS])
