"""Description of a tensor: shape, dtype, size in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from tenure.devices import CPU, Layout, device, strided
from tenure.values.operations.axes import check_axis
from tenure.values.trace.spelling import in_plain_names

if TYPE_CHECKING:
    from tenure.ir.aval import Aval


@in_plain_names
class Described:
    """Attributes of a tensor that are known before it is computed."""

    __slots__ = ()
    _aval: Aval

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self._aval.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._aval.shape)

    @overload
    def size(self, dim: None = None) -> tuple[int, ...]: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> int | tuple[int, ...]:
        """The shape, or the size of one axis; OutOfRange (TN801) for an axis that is not there.

        >>> x = tn.zeros(2, 3)
        >>> x.size(), x.size(0)
        ((2, 3), 2)
        """
        return self.shape if dim is None else self.shape[check_axis(dim, self.ndim)]

    def dim(self) -> int:
        """The number of axes. Also called ``ndimension``.

        >>> tn.zeros(2, 3).dim()
        2
        """
        return len(self._aval.shape)

    ndimension = dim

    def numel(self) -> int:
        """The number of elements. Also called ``nelement``.

        >>> tn.zeros(2, 3).numel()
        6
        """
        return self._aval.size

    nelement = numel

    def element_size(self) -> int:
        """The bytes that one element takes; the attribute ``itemsize``.

        >>> tn.zeros(2, 3).element_size()
        4
        """
        return self._aval.dtype.itemsize

    @property
    def itemsize(self) -> int:
        """The bytes that one element takes."""
        return self._aval.dtype.itemsize

    def is_floating_point(self) -> bool:
        """Whether the elements are floating-point numbers.

        >>> tn.zeros(2).is_floating_point()
        True
        """
        return self._aval.dtype.is_floating

    def is_signed(self) -> bool:
        """Whether the dtype has negative numbers.

        >>> tn.zeros(2, dtype=tn.uint8).is_signed()
        False
        """
        return self._aval.dtype.kind not in "bu"

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers.

        >>> tn.zeros(2).is_complex()
        False
        """
        return self._aval.dtype.is_complex

    @property
    def device(self) -> device:
        """The device of the elements, "cpu"."""
        return CPU

    @property
    def layout(self) -> Layout:
        """The layout of the elements, ``tn.strided``."""
        return strided

    is_cuda = is_sparse = is_quantized = is_meta = is_nested = False
    """Of a tensor of PyTorch's that lies or is stored elsewhere."""

    def get_device(self) -> int:
        """The number of the device, -1 for the CPU.

        >>> tn.zeros(2).get_device()
        -1
        """
        return -1

    @property
    def nbytes(self) -> int:
        """The bytes that the elements take."""
        return self._aval.nbytes
