"""Questions that a shape, a dtype or a class answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.values import record
from tenure.values.reading import value_of

if TYPE_CHECKING:
    from tenure.values.typing import ArrayLike


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


def numel(x: ArrayLike) -> int:
    """The number of elements of a tensor.

    >>> tn.numel(tn.zeros(2, 3))
    6
    """
    return value_of(x)._aval.size
