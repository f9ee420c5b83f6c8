"""Boundary between tensors and Python or NumPy: reading, printing, pickling."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.dtypes import BFLOAT16, DType, bfloat16
from tenure.errors import AnomalyError, DTypeError, GradientError, ScalarError, ShapeError, TenureError, shown
from tenure.interp.interp import Poison
from tenure.ops.convert import widened
from tenure.values.native.hits import coded
from tenure.values.operations.alone import run_alone
from tenure.values.operations.creation import tensor
from tenure.values.operations.leaving import leave
from tenure.values.operations.namespace import VERSIONS
from tenure.values.operations.show import format_tensor
from tenure.values.rules.graph import Leaf, Out
from tenure.values.trace.record import RECORDER
from tenure.values.trace.spelling import in_plain_names

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import Number


@coded
def array_of(x: Any) -> Any:
    """Buffer of a tensor, computed if it is pending; raises the error of a failed computation here."""
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
    """Buffer of a tensor, for which only its own operands are computed: the rest of the trace stays pending."""
    x, t = x._read(), RECORDER.trace
    if x._data is None and x._trace is t and len(t.handles) > 1 and not RECORDER.open and not t.busy:
        run_alone(t, x, array_of)
    return array_of(x)


def owned(array: np.ndarray[Any, Any]) -> Any:
    """Value of an unpickled array: of a copy, for others may have the array too (PEP 574)."""
    return tensor(array)


def spelled(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array of numbers that Python and NumPy know: bfloat16 as float32, which holds each."""
    return widened(np, array) if array.dtype == BFLOAT16 else array


def named(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array as NumPy names its dtype; bfloat16 by ``ml_dtypes``, where that is installed. DTypeError (TN802)."""
    if array.dtype != BFLOAT16:
        return array
    try:
        theirs = import_module("ml_dtypes").bfloat16
    except ImportError:
        help = "take x.float().numpy(), or install ml_dtypes, which has it"
        raise DTypeError("NumPy has no bfloat16", help=help) from None
    return array.view(theirs)


WRITABLE = 1
"""Flag of the buffer protocol by which a consumer asks for writable memory."""

HAS_FLAGS = (1,)
"""First version of DLPack with read-only memory."""

CPU = (1, 0)
"""Device of DLPack, and its number."""


def independent(x: Any) -> Any:
    """Value of a tensor now, if it does not require grad; inside a custom rule this marks the use of a value outside
    the graph."""
    value = x._read()
    if value._kind.tracked and RECORDER.rules:
        RECORDER.rules[-1] = True
    elif value._kind.tracked:
        raise GradientError("numpy() of a tensor that requires grad", help="use x.detach().numpy()")
    return value


def _numpy_dtype(dtype: Any) -> np.dtype[Any]:
    if isinstance(dtype, DType):
        return dtype.numpy
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError, DeprecationWarning, RecursionError):
        raise DTypeError(f"__array__: {shown(dtype)} is no dtype of NumPy") from None
    return found


@in_plain_names
class Boundary:
    """Methods that export a tensor's numbers."""

    __slots__ = ()
    __array_ufunc__ = None
    __array_priority__ = 1000

    def item(self: Any) -> Number:
        """The one element, as a Python number; ShapeError (TN802) if there are more, or none.

        >>> tn.tensor([2.5]).item()
        2.5
        """
        array = array_of(self)
        if array.size != 1:
            raise ShapeError(f"item() of a tensor with {array.size} elements", help="use .tolist() or .numpy()")
        return spelled(array).item()  # type: ignore[no-any-return]

    def tolist(self: Any) -> Any:
        """The elements as nested lists of Python numbers (a number for a 0-dimensional tensor).

        >>> tn.tensor([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
        """
        return spelled(array_of(self)).tolist()

    def numpy(self: Any) -> np.ndarray[Any, Any]:
        """The elements as an array of its own, which is read-only and cannot be made writable.

        Not shared memory: there are libraries that write what NumPy calls read-only. See docs/threads.md for its cost.

        >>> tn.tensor([1.0, 2.0]).numpy()
        array([1., 2.], dtype=float32)
        """
        value = independent(self)
        return named(leave(value, array_of(value)))

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        value = independent(self)
        array = named(array_of(value))
        if copy is not None and not isinstance(copy, bool):
            raise DTypeError(f"__array__: copy is True, False or None, not {shown(copy)}")
        if dtype is not None and _numpy_dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError("a cast needs a copy, and copy=False forbids one")
            return array.astype(dtype)
        return array.copy() if copy else named(leave(value, array_of(value)))

    def __buffer__(self: Any, flags: int) -> memoryview:
        """The buffer protocol (PEP 688): read-only memory, for as long as it is held."""
        if flags & WRITABLE:
            raise BufferError("the memory of a tensor leaves read-only")
        return memoryview(self.numpy())

    def __release_buffer__(self: Any, buffer: memoryview) -> None:
        """The end of a buffer. NumPy holds on to the buffer, not to the tensor alone, of those who want to know it."""
        buffer.release()

    def __dlpack__(
        self: Any,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A DLPack capsule of a copy, read-only for consumers that ask for a version which can say so.

        BufferError for ``copy=False``, for bfloat16, and for a device other than the CPU.
        """
        if copy is False:
            raise BufferError("a tensor leaves as a copy: there are consumers that write what is read-only")
        if self._aval.dtype is bfloat16:
            raise BufferError("NumPy, which exports memory, has no bfloat16: take x.float()")
        asked: Any = {"stream": stream, "max_version": max_version, "dl_device": dl_device}
        if copy is None and (max_version or (0,)) >= HAS_FLAGS:
            return self.numpy().__dlpack__(**asked)
        return array_of(independent(self)).__dlpack__(**asked, copy=True)

    def __dlpack_device__(self: Any) -> tuple[int, int]:
        """The CPU in DLPack's numbers."""
        return CPU

    def __array_namespace__(self: Any, *, api_version: str | None = None) -> ModuleType:
        """The namespace of the Python array API standard, in its own form: ``tenure.array_api``.

        ValueError for a version of the standard that is not known.

        >>> tn.zeros(2).__array_namespace__() is tn.array_api
        True
        """
        if api_version is not None and api_version not in VERSIONS:
            raise ValueError(f"the versions of the array API are {', '.join(VERSIONS)}, not {shown(api_version)}")
        return import_module(f"{__name__.partition('.')[0]}.array_api")

    def __bool__(self: Any) -> bool:
        array = array_of(self)
        if array.size != 1:
            raise ShapeError(
                f"the truth of a tensor with {array.size} elements is not defined",
                help="use .any() or .all(), or tn.where for a choice by element",
            )
        return bool(self.item())

    def __float__(self: Any) -> float:
        return float(self.item())

    def __complex__(self: Any) -> complex:
        return complex(self.item())

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
            raise ScalarError("len() of a 0-dimensional tensor")
        return int(self.shape[0])

    def __iter__(self: Any) -> Iterator[Tensor]:
        value = self._read()
        if not value.shape:
            raise ScalarError("iteration over a 0-dimensional tensor")
        return (value[k] for k in range(value.shape[0]))

    def __contains__(self: Any, element: Any) -> bool:
        same = self == element
        return same if isinstance(same, bool) else bool(same.any())

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self: Any) -> str:
        level = self._read()._kind.level
        if level is not None:
            return f"tensor(<one example of {level.count}>, shape={self.shape}, dtype={self.dtype.name})"
        try:
            array = spelled(array_of(self))
        except AnomalyError:
            raise  # the run has succeeded, and says it once
        except TenureError as error:
            return f"tensor(<failed: {error.message}>, shape={self.shape})"
        return format_tensor(
            array, requires_grad=self.requires_grad, grad_fn=self._grad_fn_name(), dtype_name=self.dtype.name
        )

    def _grad_fn_name(self: Any) -> str | None:
        """The name of the operation that a differentiable result came from, as PyTorch calls it."""
        value = self._read()
        rule, source = value._rule, value._src
        if not value._kind.tracked or isinstance(source, Leaf):
            return None
        return source.name if isinstance(source, Out) else rule.name if rule else None

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        if self.requires_grad:
            raise GradientError("pickling a differentiable result would lose its graph", help="pickle x.detach()")
        return owned, (array_of(self).copy(),)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    @property
    def dtype(self: Any) -> DType:
        """The type of the elements."""
        return self._aval.dtype  # type: ignore[no-any-return]
