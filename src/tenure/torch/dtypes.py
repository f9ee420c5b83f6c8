"""PyTorch's dtypes: objects of their own, each with the home library's beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure import dtypes as home
from tenure.dtypes import DType, as_dtype
from tenure.torch.errors import TorchTypeError, refuse

LEGACY = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "uint8": "Byte",
    "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}  # fmt: skip
"""First part of the name of the legacy class of a dtype: ``FloatTensor``."""


class dtype:
    """A dtype of the face; ``home`` is the home library's, None of one that tensors cannot have here."""

    __slots__ = ("__weakref__", "home", "itemsize", "name")
    __module__ = "torch"

    def __init__(self, name: str, own: DType | None, itemsize: int) -> None:
        self.name, self.home, self.itemsize = name, own, itemsize

    @property
    def is_floating_point(self) -> bool:
        """Whether the elements are real floating numbers."""
        return self.home.is_floating if self.home is not None else self.name.startswith("float")

    @property
    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.name.startswith("complex")

    @property
    def is_signed(self) -> bool:
        """Whether the elements can be negative."""
        return not self.name.startswith(("uint", "quint", "bool", "bits"))

    def to_complex(self) -> dtype:
        """The complex dtype of the same precision."""
        return {"float64": complex128, "complex128": complex128, "float16": complex32, "complex32": complex32}.get(
            self.name, complex64
        )

    def to_real(self) -> dtype:
        """The dtype of the real part."""
        return {"complex128": float64, "complex64": float32, "complex32": float16}.get(self.name, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:
        return _named, (self.name,)


def _named(name: str) -> dtype:
    return BY_NAME[name]


_SIZES = {"complex32": 4, "qint8": 1, "quint8": 1, "qint32": 4, "float8_e4m3fn": 1, "float8_e5m2": 1}
_SIZES |= {"float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1, "quint4x2": 1, "quint2x4": 1}
BY_NAME = {own.name: dtype(own.name, own, own.itemsize) for own in home.DTYPES}
BY_NAME |= {name: dtype(name, None, size) for name, size in _SIZES.items()}
OF_HOME = {own: BY_NAME[own.name] for own in home.DTYPES}
"""The face's dtype of each of the home library's."""

float32, float64, float16, bfloat16 = (BY_NAME[n] for n in ("float32", "float64", "float16", "bfloat16"))
complex64, complex128, complex32 = (BY_NAME[n] for n in ("complex64", "complex128", "complex32"))
_ALIASES = {
    "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "short": "int16",
    "cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32",
}  # fmt: skip
PUBLIC = BY_NAME | {alias: BY_NAME[name] for alias, name in _ALIASES.items()}
"""Dtypes by the names that they have in ``torch``."""
_PYTHON: dict[Any, dtype] = {bool: BY_NAME["bool"], int: BY_NAME["int64"], float: float64, complex: complex128}


class Defaults:
    """The default dtype of floats; those of complex numbers follow it."""

    float = float32


def get_default_dtype() -> dtype:
    """The dtype that floats have unless one is given."""
    return Defaults.float


def set_default_dtype(d: Any, /) -> None:
    """Set the dtype that floats have unless one is given: float32, float64, float16 or bfloat16."""
    if not isinstance(d, dtype):
        raise refuse("set_default_dtype(): invalid dtype object", TorchTypeError)
    if not d.is_floating_point or d.home is None:
        raise refuse("only floating-point types are supported as the default type", TorchTypeError)
    Defaults.float = d


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by a legacy class or its name, such as ``torch.DoubleTensor``."""
    name = t if isinstance(t, str) else f"{t.__module__}.{t.__name__}"
    named = {f"torch.{legacy}Tensor": BY_NAME[of] for of, legacy in LEGACY.items()}
    if name not in named:
        raise refuse(f"invalid type object: {name}", TorchTypeError)
    set_default_dtype(named[name])


def home_dtype(d: Any) -> Any:
    """The home library's dtype of one of the face, of Python's ``bool``, ``int``, ``float``, ``complex``, or None."""
    if type(d) is dtype:
        if d.home is None:
            raise refuse(f"tensors of {d!r} are not supported", help="float32, float64, float16, bfloat16 and the "
                         "integer, bool and complex dtypes are")
        return d.home
    if d is None or isinstance(d, DType):
        return d
    if isinstance(d, type) and d in _PYTHON:
        return _PYTHON[d].home
    raise refuse(f"dtype must be a torch.dtype, not {type(d).__name__}", TorchTypeError)


def from_numpy_dtype(d: Any) -> dtype:
    """The face's dtype of NumPy's."""
    return OF_HOME[as_dtype(np.dtype(d))]


class _Info:
    __slots__ = ("bits", "dtype", "max", "min")
    dtype: str
    _FIELDS: tuple[str, ...] = ("min", "max")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name):g}" for name in self._FIELDS)
        return f"{type(self).__name__}({shown}, dtype={self.dtype})"


class finfo(_Info):
    """The limits of a floating dtype, by default the default one."""

    __slots__ = ("eps", "resolution", "smallest_normal", "tiny")
    __module__ = "torch"
    _FIELDS = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")

    def __init__(self, type: Any = None) -> None:
        d = Defaults.float if type is None else type
        if not isinstance(d, dtype) or not (d.is_floating_point or d.is_complex):
            raise refuse(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'",
                TorchTypeError,
            )
        limits = home.finfo(home_dtype(d.to_real()))
        self.bits, self.eps, self.max, self.min = limits.bits, limits.eps, limits.max, limits.min
        self.tiny = self.smallest_normal = limits.smallest_normal
        self.resolution = 10.0 ** -{"float64": 15, "float32": 6, "float16": 3, "bfloat16": 2}[limits.dtype.name]
        self.dtype = limits.dtype.name


class iinfo(_Info):
    """The limits of an integer dtype."""

    __slots__ = ()
    __module__ = "torch"

    def __init__(self, type: Any) -> None:
        if not isinstance(type, dtype) or type.home is None or type.home.kind not in "iu":
            raise refuse(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'", TorchTypeError
            )
        self.min, self.max = type.home.range
        self.bits, self.dtype = 8 * type.itemsize, type.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"  # as PyTorch prints whole numbers
