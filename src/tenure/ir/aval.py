"""Abstract values: shape, dtype and weakness of an array before it is computed."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from tenure.dtypes import DType


class Aval(NamedTuple):
    """Shape, dtype and device of an array; ``weak`` marks a Python scalar, which takes its partner's dtype.

    A tuple, so that hashing and comparing it in a recording key costs no Python call.
    """

    shape: tuple[int, ...]
    dtype: DType
    weak: bool = False
    device: str = "cpu"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the contiguous array."""
        return self.size * self.dtype.itemsize

    def with_shape(self, shape: tuple[int, ...]) -> Aval:
        """The same dtype in another shape."""
        return Aval(shape, self.dtype)

    def with_dtype(self, dtype: DType) -> Aval:
        """The same shape in another dtype."""
        return Aval(self.shape, dtype)

    def __str__(self) -> str:
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"
