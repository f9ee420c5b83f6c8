"""Questions that a shape, a dtype or a class answers."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.dtypes import DType, DTypeLike, as_dtype, default_float, promote, promote_scalar
from tenure.errors import DTypeError
from tenure.values.operations.reading import value_of
from tenure.values.trace import record
from tenure.values.trace.given import PLAIN

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike


def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor: a value, a place or a borrow.

    >>> tn.is_tensor(tn.zeros(2)), tn.is_tensor([0.0])
    (True, False)
    """
    return isinstance(obj, record._Tensor)


def is_floating_point(x: ArrayLike) -> bool:
    """Whether the elements of a tensor are floating-point numbers.

    >>> tn.is_floating_point(tn.zeros(2)), tn.is_floating_point(tn.tensor(1))
    (True, False)
    """
    return value_of(x)._aval.dtype.is_floating


def is_signed(x: ArrayLike) -> bool:
    """Whether the dtype of a tensor has negative numbers.

    >>> tn.is_signed(tn.tensor([1])), tn.is_signed(tn.zeros(2, dtype=tn.uint8))
    (True, False)
    """
    return value_of(x)._aval.dtype.kind not in "bu"


def is_nonzero(x: ArrayLike) -> bool:
    """Whether the one element of a tensor is not zero; reads it.

    ShapeError (TN802) for another number of elements.

    >>> tn.is_nonzero(tn.tensor([0.5]))
    True
    """
    return bool(value_of(x))


def is_complex(x: ArrayLike) -> bool:
    """Whether the elements of a tensor are complex numbers.

    >>> tn.is_complex(tn.zeros(2))
    False
    """
    return value_of(x)._aval.dtype.is_complex


def result_type(*arrays_and_dtypes: ArrayLike | DTypeLike) -> DType:
    """The dtype of an operation on tensors, or on tensors of some dtypes; Python numbers take that of their partners.

    DTypeError (TN802) for what is neither.

    >>> tn.result_type(tn.int32, tn.ones(2), 1.5)
    tenure.float32
    """
    weak = [x for x in arrays_and_dtypes if type(x) in PLAIN]
    strong = [_dtype_of(x) for x in arrays_and_dtypes if type(x) not in PLAIN]
    if not arrays_and_dtypes:
        raise DTypeError("result_type: there is neither a tensor nor a dtype")
    found = reduce(promote, strong) if strong else _dtype_of(type(weak.pop(0)))
    return reduce(lambda dtype, x: promote_scalar(dtype, type(x)), weak, found)


def _dtype_of(x: Any) -> DType:
    return as_dtype(x) if isinstance(x, DType | str | type | np.dtype) else value_of(x)._aval.dtype


def numel(x: ArrayLike) -> int:
    """The number of elements of a tensor.

    >>> tn.numel(tn.zeros(2, 3))
    6
    """
    return value_of(x)._aval.size


def get_default_dtype() -> DType:
    """The dtype of floats that are given none, float32.

    >>> tn.get_default_dtype()
    tenure.float32
    """
    return default_float
