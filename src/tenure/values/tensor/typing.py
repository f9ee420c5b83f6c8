"""Types of arguments, for annotations: operands, arrays, shapes, axes, indices."""

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, Protocol, TypeAlias

import numpy as np

from tenure.values.tensor.tensor import Tensor

__all__ = ["Array", "ArrayLike", "Axes", "Basic", "Index", "Number", "Operand", "Shape", "SupportsArray", "Tensors"]

Number: TypeAlias = float | int
"""An element in Python; a bool is an int."""

Array: TypeAlias = np.ndarray[Any, Any]
"""An array of NumPy."""


class SupportsArray(Protocol):
    """An object that NumPy makes an array of."""

    def __array__(self) -> Array:
        """The array."""
        raise NotImplementedError


Operand: TypeAlias = Tensor | complex | Array | np.number[Any] | np.bool_
"""An operand beside a tensor: a tensor, a Python number or bool, an array of NumPy or a number of its."""

ArrayLike: TypeAlias = Operand | list[Any] | tuple[Any, ...] | range | SupportsArray
"""Data that a tensor is made of: an operand, or nested sequences of numbers."""

Tensors: TypeAlias = Tensor | Sequence[Tensor]
"""One tensor, or several."""

Shape: TypeAlias = int | Sequence[int]
"""The size of each axis, or the size of one."""

Axes: TypeAlias = int | tuple[int, ...] | list[int] | None
"""One axis, several, or all of them (None)."""

Step: TypeAlias = int | np.integer[Any] | slice | EllipsisType | None

Basic: TypeAlias = Step | tuple[Step, ...]
"""An index made of ints, slices, ``...`` and None."""

Entry: TypeAlias = Step | Tensor | Array | list[Any] | range

Index: TypeAlias = Entry | tuple[Entry, ...]
"""An index of any form: also index arrays and masks."""
