"""Dtypes and their promotion, as the Python array API standard (2024.12) has them.

A further dtype is one row of `DTYPES`. Where the standard leaves a mix undefined, an integer with a float
gives the float's dtype and a bool with a number gives the number's.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from tenure.errors import DTypeError, shown

__all__ = [
    "DTYPES",
    "DType",
    "DTypeLike",
    "FInfo",
    "IInfo",
    "as_dtype",
    "bfloat16",
    "bool_",
    "can_cast",
    "complex64",
    "complex128",
    "default_complex",
    "default_float",
    "default_int",
    "finfo",
    "float16",
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

Kind: TypeAlias = Literal["b", "i", "u", "f", "h", "c"]
"""bool, signed and unsigned integer, floating, floating that is stored and not computed in, complex."""

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
"""The upper half of a float32, which NumPy has no number for: the bits, under a name."""


class DType:
    """The type of a tensor's elements. There is one object per dtype: compare with `is`.

    ``parts`` is the dtype that its elements are computed in: float32 for float16 and bfloat16, that of the real and
    the imaginary part for complex numbers, itself for all others.

    >>> tn.tensor([1.5]).dtype is tn.float32
    True
    """

    __slots__ = ("has_gradient", "is_complex", "is_floating", "itemsize", "kind", "name", "numpy", "parts")

    name: str
    kind: Kind
    itemsize: int
    numpy: np.dtype[np.generic]
    is_floating: bool
    is_complex: bool
    has_gradient: bool
    parts: "DType"

    def __init__(
        self, name: str, kind: Kind, numpy: "type[np.generic] | np.dtype[Any]", parts: "DType | None" = None
    ) -> None:
        self.name = name
        self.kind = kind
        self.numpy = np.dtype(numpy)
        self.itemsize = self.numpy.itemsize
        self.is_floating = kind in "fh"
        self.is_complex = kind == "c"
        self.has_gradient = kind in "fhc"
        self.parts = parts or self

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
    float16 := DType("float16", "h", np.float16, _float32 := DType("float32", "f", np.float32)),
    bfloat16 := DType("bfloat16", "h", BFLOAT16, _float32),
    float32 := _float32,
    float64 := DType("float64", "f", np.float64),
    complex64 := DType("complex64", "c", np.complex64, float32),
    complex128 := DType("complex128", "c", np.complex128, float64),
)
"""Every dtype; within a kind from narrow to wide, and kinds in the order in which they promote."""

default_float = float32
default_int = int64
default_complex = complex64

DTypeLike: TypeAlias = DType | str | type | np.dtype[np.generic]

_NAMED = {dtype.name: dtype for dtype in DTYPES}
_PYTHON: dict[type, DType] = {bool: bool_, int: default_int, float: default_float, complex: default_complex}
_TYPES = _PYTHON | {dtype.numpy.type: dtype for dtype in DTYPES}
_OF_NUMPY = {dtype.numpy: dtype for dtype in DTYPES}
_RANK = {"b": 0, "u": 1, "i": 1, "h": 2, "f": 2, "c": 3}
_KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "fh",
    "complex floating": "c",
    "numeric": "iufhc",
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
        found = _OF_NUMPY.get(x) or _NAMED.get(x.name)  # a name takes NumPy 5 to 10 µs
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
            if dtype.has_gradient and not (a.has_gradient or b.has_gradient):
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
            help="scalars are bool, int, float or complex; make a tensor of anything else",
        )
    if scalar.kind == "c" and dtype is float64:
        return complex128
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

    Of a complex dtype they are those of its parts.

    >>> tn.finfo(tn.float32).bits, tn.finfo(tn.float64).eps
    (32, 2.220446049250313e-16)
    """
    dtype = _dtype_of(x)
    if not dtype.has_gradient:
        raise DTypeError(f"finfo is about floating dtypes, not {dtype.name}", help="use iinfo for integers")
    dtype = dtype.parts if dtype.is_complex else dtype
    if dtype is bfloat16:
        return FInfo(dtype, 16, 2.0**-7, (2 - 2.0**-7) * 2.0**127, -(2 - 2.0**-7) * 2.0**127, 2.0**-126)
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
    if dtype.kind == "c" and other.is_floating:
        return _holds(dtype.parts, other)
    if dtype.kind == other.kind or (dtype.is_floating and other.is_floating):
        return dtype is other or dtype.itemsize > other.itemsize
    if dtype.kind == "i" and other.kind == "u":
        return dtype.itemsize > other.itemsize
    return _RANK[other.kind] < _RANK[dtype.kind]


def _dtype_of(x: object) -> DType:
    own = getattr(x, "dtype", None)
    return own if isinstance(own, DType) else as_dtype(x)  # type: ignore[arg-type]
