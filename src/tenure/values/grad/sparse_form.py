"""Shape, dtype and text of sparse rows."""

from __future__ import annotations

from typing import Any, overload

from tenure.devices import CPU, Layout, device, sparse_coo
from tenure.dtypes import DType
from tenure.ir.aval import Aval
from tenure.values.operations.axes import check_axis
from tenure.values.operations.show import format_tensor


class Form:
    """Shape, dtype, device and layout of sparse rows."""

    __slots__ = ("_aval",)
    _aval: Aval

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis, of all rows."""
        return self._aval.shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._aval.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._aval.shape)

    @property
    def device(self) -> device:
        """The device of the elements, "cpu"."""
        return CPU

    @property
    def layout(self) -> Layout:
        """The layout of the elements, ``tn.sparse_coo``."""
        return sparse_coo

    @overload
    def size(self, dim: None = None) -> tuple[int, ...]: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> int | tuple[int, ...]:
        """The shape, or the size of one axis."""
        return self.shape if dim is None else self.shape[check_axis(dim, self.ndim)]

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    def numel(self) -> int:
        """The number of elements, those of rows that are not listed among them."""
        return self._aval.size

    def sparse_dim(self) -> int:
        """The number of axes that are listed, 1."""
        return 1

    def dense_dim(self) -> int:
        """The number of axes of a listed row."""
        return self.ndim - 1


def text(array: Any) -> str:
    """Text of a part: the dtype is said once, for the whole."""
    return format_tensor(array, requires_grad=False, grad_fn=None, dtype_name="float32")
