"""Storages of PyTorch's files: runs of elements that tensors view by offset, sizes and strides, read when one does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType
from tenure.io.files import Source, octets
from tenure.ir.aval import Aval
from tenure.runtime import buffers
from tenure.values.operations.creation import wrap
from tenure.values.tensor.tensor import Tensor

AMPLE = 1 << 30
"""Bytes that the tensors of a file may take beyond those of its storages: a number that is expanded takes many."""
RANK = 64
"""Axes that an array has at most."""

_NAMED = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}  # fmt: skip
STORAGES = {f"{name}Storage": dtypes.as_dtype(dtype) for name, dtype in _NAMED.items()}
"""Dtypes by PyTorch's names of their storages."""
CLASSES = {dtype: name for name, dtype in STORAGES.items()}
BITS = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu")
"""Dtypes of which a tensor keeps the bits alone, as uint8."""
TYPES = {dtype.name: dtype for dtype in dtypes.DTYPES} | dict.fromkeys(BITS, dtypes.uint8)
"""Dtypes by PyTorch's names."""


@dataclass(slots=True)
class Storage:
    """Storage in a file: its key there, the dtype of its elements (uint8 where tensors say theirs), and their number.

    ``offset`` is where it begins in the storage of its key: old files have storages that are parts of others.
    """

    key: str
    dtype: DType
    size: int
    offset: int = 0
    used: bool = False


class Storages:
    """Tensors from the storages of one file. ``nbytes`` gives the size of a storage, ``fill`` reads all of it."""

    def __init__(
        self, source: Source, nbytes: Callable[[str], int], fill: Callable[[str, memoryview], None]
    ) -> None:
        self.source = source
        self._nbytes, self._fill = nbytes, fill
        self._read: dict[str, Any] = {}
        self._given: dict[tuple[Any, ...], Tensor] = {}
        self._taken, self._held = 0, 0
        self._seen: set[str] = set()

    def tensor(
        self, storage: Storage, dtype: DType, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> Tensor:
        """The value that a view of a storage shows; one object for equal views. FileError for one that leaves it."""
        whole = (storage.key, storage.offset, storage.size, dtype.name, offset, shape, strides)
        if whole not in self._given:
            self._given[whole] = wrap(self._array(storage, dtype, offset, shape, strides), Aval(shape, dtype))
        return self._given[whole]

    def memory(self, storage: Storage, dtype: DType) -> Any:
        """All elements of a storage."""
        return self._array(storage, dtype, 0, (storage.size * storage.dtype.itemsize // dtype.itemsize,), (1,))

    def _array(
        self, storage: Storage, dtype: DType, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> Any:
        count = math.prod(shape)
        held = storage.size * storage.dtype.itemsize
        self.check(storage, dtype, offset, shape, strides)
        self._take(storage.key, count * dtype.itemsize)
        bits = np.uint8 if dtype is dtypes.bool_ else dtype.numpy
        array = buffers.empty(shape, bits)
        if count and _is_dense(shape, strides) and storage.offset == 0 and held == array.nbytes and offset == 0:
            self._fill(storage.key, octets(array))
        elif count:
            start = storage.offset * storage.dtype.itemsize + offset * dtype.itemsize
            steps = [s * dtype.itemsize for s in strides]
            array[...] = np.ndarray(shape, bits, self._all(storage.key), start, steps)
        return array.astype(bool) if dtype is dtypes.bool_ else array

    def check(
        self, storage: Storage, dtype: DType, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> None:
        """FileError for sizes that are none, and for elements outside of the storage."""
        numbers = (offset, *shape, *strides)
        if any(type(n) is not int or n < 0 for n in numbers) or len(shape) != len(strides) or len(shape) > RANK:
            raise self.source.wrong(f"a tensor has the shape {shape!r}, strides {strides!r} and offset {offset!r}")
        held = storage.size * storage.dtype.itemsize
        if (storage.offset * storage.dtype.itemsize + held) > self._nbytes(storage.key):
            raise self.source.wrong(
                f"storage {storage.key!r} is said to have {held} bytes, and has {self._nbytes(storage.key)}"
            )
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if math.prod(shape) and (last + 1) * dtype.itemsize > held:
            raise self.source.wrong(
                f"a tensor of shape {list(shape)}, strides {list(strides)} and offset {offset} reaches element"
                f" {last} of storage {storage.key!r}, which has {held // dtype.itemsize}"
            )

    def _take(self, key: str, nbytes: int) -> None:
        """Count the memory of one more tensor; FileError where tensors take far more than the file holds."""
        self._taken += nbytes
        if key not in self._seen:
            self._seen.add(key)
            self._held += self._nbytes(key)
        if self._taken > self._held + AMPLE:
            raise self.source.wrong(
                f"its tensors take {self._taken} bytes, from storages of {self._held}",
                help="a tensor that was expanded before it was saved is saved as what it was expanded from",
            )

    def _all(self, key: str) -> Any:
        """All bytes of a storage, which several tensors view."""
        if key not in self._read:
            self._read[key] = data = np.empty(self._nbytes(key), np.uint8)
            self._fill(key, octets(data))
        return self._read[key]


def _is_dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether elements lie one after the other in C order."""
    expected = 1
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        if n != 1 and stride != expected:
            return False
        expected *= n
    return True


class Extents(tuple[int, ...]):
    """A shape that a file holds as ``torch.Size``: a tuple here, and a Size again when it is saved."""

    __slots__ = ()
