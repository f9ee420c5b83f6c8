"""Where tensors meet Python and NumPy: reading, printing, pickling."""

from __future__ import annotations

import copy
import sys
from types import FrameType
from typing import Any

import numpy as np

from tenure.dtypes import DType
from tenure.errors import DTypeError, GradientError, ShapeError, TenureError
from tenure.interp.interp import Poison
from tenure.runtime.export import read_only
from tenure.values.creation import wrap
from tenure.values.force import leaves_some, run_prefix
from tenure.values.graph import Leaf, Out
from tenure.values.hits import coded
from tenure.values.record import RECORDER
from tenure.values.show import format_tensor


@coded
def array_of(x: Any) -> Any:
    """The buffer of a tensor, computed if it is pending; what failed raises its error here."""
    x = x._read()
    if x._data is None:
        RECORDER.compute(x)
    data = x._data
    if data is None:
        x._read()  # it was moved away meanwhile
    if type(data) is Poison:
        error = copy.copy(data.error)
        raise error.with_traceback(None)
    return data


def array_alone(x: Any) -> Any:
    """``array_of``, for which only what x needs is computed: the rest of the trace stays pending."""
    x, t = x._read(), RECORDER.trace
    if x._data is None and x._trace is t and not RECORDER.open and not t.busy and leaves_some(t, x):
        run_prefix(t, x, t.expanded, alone=True)
    return array_of(x)


def owned(array: np.ndarray[Any, Any]) -> Any:
    """The value of an array that has been unpickled: of a copy where its memory is somebody else's (PEP 574)."""
    return wrap(array if array.base is None and array.flags.carray else array.copy())


WRITABLE = 1
"""The flag of the buffer protocol with which a consumer asks for memory that it may write."""

NUMPY_ASKS = frozenset(("dl_device", "copy", "max_version"))


def keeps_read_only(consumer: FrameType, asked: dict[str, Any]) -> bool:
    """Whether a consumer of DLPack is known to keep read-only memory so. Only NumPy is: it gives all of these names,
    of version 1 at least, and asks from C, so that the calling frame itself does not name ``__dlpack__``."""
    by_numpy = asked.keys() == NUMPY_ASKS and (asked["max_version"] or (0,)) >= (1,)
    return by_numpy and "__dlpack__" not in consumer.f_code.co_names


class Boundary:
    """The methods with which a tensor's numbers leave Tenure."""

    __slots__ = ()
    __array_ufunc__ = None
    __array_priority__ = 1000

    def item(self: Any) -> Any:
        """The one element, as a Python number."""
        array = array_of(self)
        if array.size != 1:
            raise ShapeError(f"item() of a tensor with {array.size} elements", help="use .tolist() or .numpy()")
        return array.item()

    def tolist(self: Any) -> Any:
        """The elements as nested lists of Python numbers (a number for a 0-dimensional tensor)."""
        return array_of(self).tolist()

    def numpy(self: Any) -> np.ndarray[Any, Any]:
        """The elements as a read-only array that shares memory: lent, for as long as the array lives."""
        if self.requires_grad:
            raise GradientError("numpy() of a tensor that requires grad", help="use x.detach().numpy()")
        return read_only(array_of(self))

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError("a cast needs a copy, and copy=False forbids one")
            return array.astype(dtype)  # type: ignore[no-any-return]
        return array.copy() if copy else array  # type: ignore[no-any-return]

    def __buffer__(self: Any, flags: int) -> memoryview:
        """The buffer protocol (PEP 688): read-only memory, for as long as it is held."""
        if flags & WRITABLE:
            raise BufferError("the memory of a tensor is lent read-only")
        return memoryview(self.numpy())

    def __dlpack__(self: Any, **asked: Any) -> Any:
        """A DLPack capsule: a read-only one that shares memory for a consumer known to keep it so, else of a copy.

        BufferError for ``copy=False`` from any other consumer, and for a device other than the CPU.
        """
        array = self.numpy()
        if asked.get("copy") is None:
            asked["copy"] = None if keeps_read_only(sys._getframe(1), asked) else True
        elif not asked["copy"] and not keeps_read_only(sys._getframe(1), asked):
            raise BufferError("a tensor is shared only with consumers known to keep it read-only: copy it")
        return array.__dlpack__(**asked)

    def __dlpack_device__(self: Any) -> Any:
        return array_of(self).__dlpack_device__()

    def __bool__(self: Any) -> bool:
        array = array_of(self)
        if array.size != 1:
            raise ShapeError(
                f"the truth of a tensor with {array.size} elements is not defined",
                help="use .any() or .all(), or tn.where for a choice by element",
            )
        return bool(array.item())

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __index__(self: Any) -> int:
        if self.dtype.kind not in "iu" or self._aval.size != 1:
            raise DTypeError(
                f"a tensor of {self.dtype.name} and shape {list(self.shape)} stands where Python wants an int",
                help="only a tensor of one whole number is an int",
            )
        return int(self.item())

    def __len__(self: Any) -> int:
        if not self.shape:
            raise ShapeError("len() of a 0-dimensional tensor")
        return int(self.shape[0])

    def __iter__(self: Any) -> Any:
        value = self._read()
        if not value.shape:
            raise ShapeError("iteration over a 0-dimensional tensor")
        return (value[k] for k in range(value.shape[0]))

    def __contains__(self: Any, element: Any) -> bool:
        return bool((self == element).any())

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self: Any) -> str:
        node = self._read()._node
        if node is not None and node.level is not None:
            return f"tensor(<one example of {node.level.count}>, shape={self.shape}, dtype={self.dtype.name})"
        try:
            array = array_of(self)
        except TenureError as error:
            return f"tensor(<failed: {error.message}>, shape={self.shape})"
        return format_tensor(
            array, requires_grad=self.requires_grad, grad_fn=self.grad_fn_name(), dtype_name=self.dtype.name
        )

    def grad_fn_name(self: Any) -> str | None:
        """The name of the operation that a differentiable result came from, as PyTorch calls it."""
        value = self._read()
        node, source = value._node, value._src
        if not value._deps or isinstance(source, Leaf):
            return None
        return source.name if isinstance(source, Out) else node.name if node else None

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        if self.requires_grad:
            raise GradientError("pickling a differentiable result would lose its graph", help="pickle x.detach()")
        return owned, (array_of(self).copy(),)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self: Any, memo: Any) -> Any:
        return self

    @property
    def dtype(self: Any) -> DType:
        """The dtype."""
        return self._aval.dtype  # type: ignore[no-any-return]
