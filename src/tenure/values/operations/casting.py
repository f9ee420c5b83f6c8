"""Methods of tensors that convert to another dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike, as_dtype
from tenure.errors import DTypeError, shown
from tenure.values.operations import arithmetic, creation
from tenure.values.trace import record
from tenure.values.trace.formats import MemoryFormat, check_format
from tenure.values.trace.given import flag
from tenure.values.trace.spelling import in_plain_names

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor


@in_plain_names
class Casting:
    """The same numbers in another dtype. In a class of its own, for its methods have names of types."""

    __slots__ = ()

    def type(self: Any, dtype: DTypeLike) -> Tensor:
        """The tensor in another dtype; as ``tn.astype``.

        >>> tn.tensor([1.5]).type(tn.int64)
        tensor([1])
        """
        return arithmetic.astype(self, dtype)

    def float(self: Any) -> Tensor:
        """The tensor in float32.

        >>> tn.tensor([1, 2]).float()
        tensor([1., 2.])
        """
        return arithmetic.astype(self, "float32")

    def double(self: Any) -> Tensor:
        """The tensor in float64.

        >>> tn.tensor([1.0]).double()
        tensor([1.], dtype=tenure.float64)
        """
        return arithmetic.astype(self, "float64")

    def half(self: Any) -> Tensor:
        """The tensor in float16.

        >>> tn.tensor([1, 2]).half()
        tensor([1., 2.], dtype=tenure.float16)
        """
        return arithmetic.astype(self, "float16")

    def bfloat16(self: Any) -> Tensor:
        """The tensor in bfloat16: float32 with 8 bits of precision.

        >>> tn.tensor([1.01]).bfloat16()
        tensor([1.0078], dtype=tenure.bfloat16)
        """
        return arithmetic.astype(self, "bfloat16")

    def cfloat(self: Any) -> Tensor:
        """The tensor in complex64.

        >>> tn.tensor([1, 2]).cfloat()
        tensor([1.+0.j, 2.+0.j])
        """
        return arithmetic.astype(self, "complex64")

    def cdouble(self: Any) -> Tensor:
        """The tensor in complex128.

        >>> tn.tensor([1.0]).cdouble()
        tensor([1.+0.j], dtype=tenure.complex128)
        """
        return arithmetic.astype(self, "complex128")

    def long(self: Any) -> Tensor:
        """The tensor in int64.

        >>> tn.tensor([1.5]).long()
        tensor([1])
        """
        return arithmetic.astype(self, "int64")

    def short(self: Any) -> Tensor:
        """The tensor in int16.

        >>> tn.tensor([1.5]).short()
        tensor([1], dtype=tenure.int16)
        """
        return arithmetic.astype(self, "int16")

    def char(self: Any) -> Tensor:
        """The tensor in int8.

        >>> tn.tensor([-1.5]).char()
        tensor([-1], dtype=tenure.int8)
        """
        return arithmetic.astype(self, "int8")

    def byte(self: Any) -> Tensor:
        """The tensor in uint8.

        >>> tn.tensor([1.5]).byte()
        tensor([1], dtype=tenure.uint8)
        """
        return arithmetic.astype(self, "uint8")

    def int(self: Any) -> Tensor:
        """The tensor in int32.

        >>> tn.tensor([1.5]).int()
        tensor([1], dtype=tenure.int32)
        """
        return arithmetic.astype(self, "int32")

    def bool(self: Any) -> Tensor:
        """Whether each element is not zero: the tensor in bool.

        >>> tn.tensor([0.0, 2.0]).bool()
        tensor([False,  True])
        """
        return arithmetic.astype(self, "bool")

    def to_device(self: Any, device: str, /, *, stream: None = None) -> Tensor:
        """The tensor on a device, of which there is one. DTypeError (TN802) for another device, and for a stream.

        >>> tn.zeros(2).to_device("cpu")
        tensor([0., 0.])
        """
        creation.check_device(device)
        if stream is not None:
            raise DTypeError(f"to_device: the device cpu has no streams, and {shown(stream)} is given")
        return self._read()  # type: ignore[no-any-return]


def to(
    x: Any, *args: DTypeLike | Tensor, dtype: DTypeLike | None = None, device: str | None = None, copy: bool = False,
    non_blocking: bool = False, memory_format: MemoryFormat | None = None,
) -> Tensor:
    """The tensor in another dtype; there is one device. ``args``: a dtype, a device, both, or a tensor to be like.

    ``non_blocking`` and ``memory_format`` make no difference. DTypeError (TN802) for what is no dtype or device.

    >>> tn.tensor([1.5]).to(tn.int64)
    tensor([1])
    """
    arg: Any
    for arg in args:
        if isinstance(arg, str) and arg.split(":")[0] in ("cpu", "cuda", "mps"):
            device = arg
        elif dtype is not None:
            raise TypeError("to: the dtype is given twice")
        else:
            dtype = arg.dtype if isinstance(arg, record._Tensor) else arg
    creation.check_device(device)
    for name, given in (("copy", copy), ("non_blocking", non_blocking)):
        if given is not False:
            flag(f"to: {name}", given)
    check_format("to", memory_format)
    return x._read() if dtype is None else arithmetic.to_dtype(x, as_dtype(dtype))
