"""Dtypes and their promotion, as the Python array API standard (2024.12) has them.

A further dtype is one row of `DTYPES`. Where the standard leaves a mix undefined, an integer with a float
gives the float's dtype and a bool with a number gives the number's.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from tenure.errors import DTypeError, shown

__all__ = [
    "DTYPES",
    "DType",
    "DTypeLike",
    "FInfo",
    "IInfo",
    "as_dtype",
    "bool_",
    "can_cast",
    "default_float",
    "default_int",
    "finfo",
    "float32",
    "float64",
    "iinfo",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "promote",
    "promote_scalar",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]

Kind: TypeAlias = Literal["b", "i", "u", "f"]


class DType:
    """The type of a tensor's elements. There is one object per dtype: compare with `is`.

    >>> tn.tensor([1.5]).dtype is tn.float32
    True
    """

    __slots__ = ("is_floating", "itemsize", "kind", "name", "numpy")

    name: str
    kind: Kind
    itemsize: int
    numpy: np.dtype[np.generic]
    is_floating: bool

    def __init__(self, name: str, kind: Kind, numpy: type[np.generic]) -> None:
        self.name = name
        self.kind = kind
        self.numpy = np.dtype(numpy)
        self.itemsize = self.numpy.itemsize
        self.is_floating = kind == "f"

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """NumPy's dtype of the same elements, by which ``np.dtype(tn.float32)`` finds it.

        >>> np.zeros(2, tn.int8)
        array([0, 0], dtype=int8)
        """
        return self.numpy

    @property
    def range(self) -> tuple[int, int]:
        """The least and the largest number of an integer dtype.

        >>> tn.uint8.range
        (0, 255)
        """
        bits = 8 * self.itemsize
        return (0, 2**bits - 1) if self.kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def __repr__(self) -> str:
        return f"tenure.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return as_dtype, (self.name,)


DTYPES = (
    bool_ := DType("bool", "b", np.bool_),
    uint8 := DType("uint8", "u", np.uint8),
    uint16 := DType("uint16", "u", np.uint16),
    uint32 := DType("uint32", "u", np.uint32),
    uint64 := DType("uint64", "u", np.uint64),
    int8 := DType("int8", "i", np.int8),
    int16 := DType("int16", "i", np.int16),
    int32 := DType("int32", "i", np.int32),
    int64 := DType("int64", "i", np.int64),
    float32 := DType("float32", "f", np.float32),
    float64 := DType("float64", "f", np.float64),
)
"""Every dtype; within a kind from narrow to wide, and kinds in the order in which they promote."""

default_float = float32
default_int = int64

DTypeLike: TypeAlias = DType | str | type | np.dtype[np.generic]

_NAMED = {dtype.name: dtype for dtype in DTYPES}
_PYTHON: dict[type, DType] = {bool: bool_, int: default_int, float: default_float}
_TYPES = _PYTHON | {dtype.numpy.type: dtype for dtype in DTYPES}
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}
_KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "c",
    "numeric": "iufc",
}


def as_dtype(x: DTypeLike) -> DType:
    """The dtype that `x` names: a DType, a name, a NumPy dtype or scalar type, or Python's bool, int, float.

    Python's `float` is float32 and its `int` is int64, the defaults. Anything else: DTypeError (TN802).
    """
    if isinstance(x, DType):
        return x
    found: DType | None = None
    if isinstance(x, str):
        found = _NAMED.get(x)
    elif isinstance(x, np.dtype):
        found = _NAMED.get(x.name)
    elif isinstance(x, type):
        found = _TYPES.get(x)
    if found is None:
        raise DTypeError(f"{shown(x)} is not a dtype", help=f"the dtypes are {', '.join(_NAMED)}")
    return found


def promote(a: DTypeLike, b: DTypeLike) -> DType:
    """The dtype of an operation on `a` and `b`; DTypeError (TN802) where none holds both.

    >>> tn.promote_types(tn.int64, tn.float32)
    tenure.float32
    """
    a, b = as_dtype(a), as_dtype(b)
    for dtype in DTYPES:
        if _holds(dtype, a) and _holds(dtype, b):
            if dtype.is_floating and not (a.is_floating or b.is_floating):
                break
            return dtype
    raise DTypeError(f"no dtype holds both {a.name} and {b.name}", help="cast one of them with .to(dtype)")


def promote_scalar(dtype: DTypeLike, python_type: type) -> DType:
    """The dtype of an operation on a tensor of `dtype` and a weak scalar: Python's bool, int or float."""
    dtype = as_dtype(dtype)
    scalar = _PYTHON.get(python_type)
    if scalar is None:
        raise DTypeError(
            f"a {python_type.__name__} does not combine with a tensor of {dtype.name}",
            help="scalars are bool, int or float; make a tensor of anything else",
        )
    return dtype if _RANK[scalar.kind] <= _RANK[dtype.kind] else scalar


def can_cast(from_: object, to: DTypeLike) -> bool:
    """Whether promotion alone takes `from_` (a dtype or a tensor) to `to`.

    >>> tn.can_cast(tn.int32, tn.int64), tn.can_cast(tn.float64, tn.float32)
    (True, False)
    """
    return _holds(as_dtype(to), _dtype_of(from_))


def isdtype(dtype: DTypeLike, kind: DTypeLike | tuple[DTypeLike, ...]) -> bool:
    """Whether `dtype` is of `kind`: a dtype, one of the array API's kind names, or a tuple of these.

    The names are "bool", "signed integer", "unsigned integer", "integral", "real floating",
    "complex floating" and "numeric". DTypeError (TN802) for another name.

    >>> tn.isdtype(tn.float32, "real floating")
    True
    """
    dtype = as_dtype(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise DTypeError(f"{shown(kind)} is not a kind of dtype", help=f"the kinds are {', '.join(_KINDS)}")
        return dtype.kind in _KINDS[kind]
    return dtype is as_dtype(kind)


@dataclass(frozen=True, slots=True)
class FInfo:
    """The machine limits of a floating dtype."""

    dtype: DType
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float

    @property
    def tiny(self) -> float:
        """PyTorch's name for `smallest_normal`."""
        return self.smallest_normal


@dataclass(frozen=True, slots=True)
class IInfo:
    """The machine limits of an integer dtype."""

    dtype: DType
    bits: int
    max: int
    min: int


def finfo(x: object) -> FInfo:
    """The limits of a floating dtype, or of the dtype of a tensor; DTypeError (TN802) for another kind.

    >>> tn.finfo(tn.float32).bits, tn.finfo(tn.float64).eps
    (32, 2.220446049250313e-16)
    """
    dtype = _dtype_of(x)
    if not dtype.is_floating:
        raise DTypeError(f"finfo is about floating dtypes, not {dtype.name}", help="use iinfo for integers")
    limits = np.finfo(dtype.numpy.type)  # type: ignore[type-var]
    return FInfo(
        dtype=dtype,
        bits=limits.bits,
        eps=float(limits.eps),
        max=float(limits.max),
        min=float(limits.min),
        smallest_normal=float(limits.smallest_normal),
    )


def iinfo(x: object) -> IInfo:
    """The limits of an integer dtype, or of the dtype of a tensor; DTypeError (TN802) for another kind.

    >>> tn.iinfo(tn.int32).max
    2147483647
    """
    dtype = _dtype_of(x)
    if dtype.kind not in "iu":
        raise DTypeError(f"iinfo is about integer dtypes, not {dtype.name}", help="use finfo for floats")
    least, most = dtype.range
    return IInfo(dtype=dtype, bits=8 * dtype.itemsize, max=most, min=least)


def _holds(dtype: DType, other: DType) -> bool:
    """Whether promotion takes `other` to `dtype`."""
    if dtype.kind == other.kind:
        return dtype is other or dtype.itemsize > other.itemsize
    if dtype.kind == "i" and other.kind == "u":
        return dtype.itemsize > other.itemsize
    return _RANK[other.kind] < _RANK[dtype.kind]


def _dtype_of(x: object) -> DType:
    own = getattr(x, "dtype", None)
    return own if isinstance(own, DType) else as_dtype(x)  # type: ignore[arg-type]
