"""Tensors from data: numbers, nested sequences, arrays."""

from __future__ import annotations

import sys
import weakref
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure.dtypes import DTypeLike, as_dtype, bool_, default_float
from tenure.errors import DTypeError, GradientError, ShapeError, shown
from tenure.ir.aval import Aval
from tenure.ops.promote import Operation, filled
from tenure.values.rules.rules import Kind, kind_of
from tenure.values.trace import record
from tenure.values.trace.given import flag, int_of, refuse_array, to_array

if TYPE_CHECKING:
    from tenure.values.places.var import Var
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import Array, ArrayLike

FILL = Operation("full", filled)
"""Operation of an array of one number."""


def wrap(array: Any, aval: Aval | None = None) -> Tensor:
    """Value that takes ownership of an array: nobody else may write it from now on."""
    if aval is None:
        array = np.asarray(array)
        aval = Aval(array.shape, as_dtype(array.dtype))
    return standing(array, kind_of(aval))


def standing(array: Any, kind: Kind) -> Tensor:
    """Value of a kind with an array, which nobody else may write from now on."""
    h: Tensor = object.__new__(record._Tensor)
    h._aval, h._kind, h._trace, h._slot = kind.aval, kind, None, 0
    h._data, h._src, h._rule = array, None, None
    return h


@overload
def tensor(
    data: ArrayLike, *, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True]
) -> Var: ...
@overload
def tensor(
    data: ArrayLike, *, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor: ...
def tensor(
    data: Any, *, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of ``data``: a number, nested sequences, or an array (whose dtype is kept).

    With ``requires_grad`` it is a place and a differentiation leaf (``Var``), else a value. Floats become float32
    (float64 where an element is of that dtype) and ints int64 unless ``dtype`` says otherwise. Owns its buffer: later
    changes of ``data`` do not show. ShapeError or DTypeError (TN802) for ragged or non-numeric data; GradientError
    (TN804) for a differentiable tensor, which .detach() or .clone() copies.

    >>> tn.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> tn.tensor([1, 2], dtype=tn.float32, requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    check_device(device)
    target = None if dtype is None else as_dtype(dtype)
    if isinstance(data, record._Tensor):
        if data.requires_grad:
            raise GradientError(
                "tensor() copies data, but this is differentiable and its gradient would be lost",
                help="use x.detach() for the number alone, x.clone() to stay in the graph",
            )
        value = data._read() if target is None else data._read().to(target)
    else:
        value = wrap(to_array(data, target))
    return leaf(value, requires_grad)


def scalar_tensor(
    s: float, *, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """A 0-dimensional tensor of a number, float32 unless given. ShapeError (TN802) for more than one number.

    >>> tn.scalar_tensor(2)
    tensor(2.)
    """
    made = tensor(s, dtype=default_float if dtype is None else dtype, device=device)
    if made._aval.shape:
        raise ShapeError(f"scalar_tensor: a number is wanted, and this has shape {list(made._aval.shape)}")
    return leaf(made, requires_grad)


def leaf(value: Tensor, requires_grad: bool) -> Tensor:
    """The value itself, or a differentiable place that starts with it."""
    if requires_grad is False or not flag("requires_grad", requires_grad):
        return value
    return record._Var(value, True)  # type: ignore[no-any-return]


def check_differentiable(value: Any) -> None:
    """TN804 for a dtype that is not floating: only floating tensors can require grad."""
    if not value._aval.dtype.has_gradient:
        raise DTypeError(
            f"a tensor of dtype {value._aval.dtype.name} cannot require grad",
            help="only floating and complex dtypes can: give dtype=tn.float32",
        )


def check_device(device: Any) -> None:
    """ValueError for a device other than the CPU."""
    if device is not None and (not isinstance(device, str) or device not in ("cpu", "cpu:0")):
        raise DTypeError(f"there is no device {shown(device)}", help='the device is "cpu"')


def as_tensor(
    data: ArrayLike, *, dtype: DTypeLike | None = None, device: str | None = None, copy: bool | None = None
) -> Tensor:
    """``data`` itself if it is a value of that dtype, the value of a place, else a tensor with a copy of it.

    Also called ``asarray``. ``copy`` is the array API's: a value never changes, so that it is its own copy; ValueError
    for ``copy=False`` where numbers would have to be copied.

    >>> x = tn.tensor([1, 2])
    >>> tn.as_tensor(x) is x, tn.as_tensor([1, 2])
    (True, tensor([1, 2]))
    """
    check_device(device)
    copy = None if copy is None else flag("asarray: copy", copy)
    if isinstance(data, record._Tensor):
        if copy is False and dtype is not None and data._aval.dtype is not as_dtype(dtype):
            raise ValueError("as_tensor, asarray: a cast copies the numbers, and copy=False forbids it")
        value: Tensor = data._read()
        return value if dtype is None else value.to(dtype)
    if copy is False:
        raise ValueError(
            f"as_tensor, asarray: the numbers of a {type(data).__name__} are copied, and copy=False forbids it;"
            " tn.from_numpy(a, copy=False) takes an array that nobody else holds"
        )
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(a: Array, *, copy: bool = True) -> Tensor:
    """A value with the contents of an array, in its dtype.

    With ``copy=False`` the array is moved in where that is certain: a temporary, as in
    ``from_numpy(load(), copy=False)``, that owns its memory and that no name, view or weak reference refers to. Any
    other array is copied, as its holders could write it. DTypeError (TN802) for what is no array.

    >>> tn.from_numpy(np.array([1.5, 2.5]))
    tensor([1.5000, 2.5000], dtype=tenure.float64)
    """
    if not isinstance(a, np.ndarray):
        raise DTypeError(f"from_numpy takes an ndarray, not {shown(a)}", help="use tn.tensor(data)")
    if copy is not False and flag("copy", copy):
        return tensor(a)
    if sys.getrefcount(a) > _TEMPORARY or type(a) is not np.ndarray or _is_named(a, sys._getframe(1)):
        return tensor(a)
    owned = a.base is None and a.flags.owndata and a.flags.carray and not weakref.getweakrefcount(a)
    return wrap(a) if owned and a.dtype == as_dtype(a.dtype).numpy else tensor(a)


def frombuffer(
    buffer: Any, *, dtype: DTypeLike, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A tensor of a copy of numbers that lie in a buffer, such as bytes or an ``array.array``.

    They begin ``offset`` bytes from its start; a ``count`` of -1 takes all. DTypeError (TN802) for what is no buffer of
    contiguous bytes; ShapeError (TN802) where the rest is not a whole number of elements, or has fewer than ``count``.

    >>> tn.frombuffer(b"ab", dtype=tn.uint8)
    tensor([97, 98], dtype=tenure.uint8)
    """
    of, first, many = as_dtype(dtype), int_of(offset, "frombuffer: offset"), int_of(count, "frombuffer: count")
    if isinstance(buffer, np.ndarray) and (type(buffer) is not np.ndarray or buffer.dtype.kind not in "biufc"):
        refuse_array(buffer)
    try:
        held = memoryview(buffer).cast("B")
    except (TypeError, ValueError) as error:
        raise DTypeError(f"frombuffer: a buffer of contiguous bytes is wanted, not {shown(buffer)}") from error
    if not 0 <= first <= held.nbytes or many < -1:
        raise ShapeError(f"frombuffer: offset {first} and count {many} of a buffer of {held.nbytes} bytes")
    rest = held.nbytes - first
    if many * of.itemsize > rest or (many < 0 and rest % of.itemsize):
        wanted = "a whole number" if many < 0 else f"{many}"
        raise ShapeError(f"frombuffer: {rest} bytes are not {wanted} of {of.name}, of {of.itemsize} bytes each")
    part = held[first : first + (rest if many < 0 else many * of.itemsize)]
    found = np.frombuffer(part, np.uint8).astype(bool) if of is bool_ else np.frombuffer(part, of.numpy).copy()
    return leaf(wrap(found, Aval(found.shape, of)), requires_grad)


def _is_named(a: Any, caller: FrameType) -> bool:
    """Whether the argument is a local variable of the caller: from Python 3.14 on passing one adds no reference."""
    return any(held is a for held in caller.f_locals.values())


def _count_temporary() -> int:
    """Reference count of a temporary argument."""

    def probe(a: Any) -> int:
        return sys.getrefcount(a)

    return probe(np.empty(0))


_TEMPORARY = _count_temporary()


def from_dlpack(x: Any, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A value with the numbers of an object that has ``__dlpack__``; of a tensor, its value.

    Owns a copy: the exporter may write the memory later. BufferError for ``copy=False``; DTypeError
    (TN802) for an object without ``__dlpack__``.

    >>> tn.from_dlpack(np.array([1, 2]))
    tensor([1, 2])
    """
    check_device(device)
    if isinstance(x, record._Tensor):
        return x.detach()  # type: ignore[no-any-return]
    if copy is not None and not flag("copy", copy):
        raise BufferError("from_dlpack copies: what the exporter writes later would change a value")
    if not hasattr(x, "__dlpack__"):
        raise DTypeError(f"from_dlpack takes an object with __dlpack__, not {shown(x)}")
    if isinstance(x, np.ndarray):
        refuse_array(x)
    try:
        array = np.from_dlpack(x)
    except (RuntimeError, BufferError) as error:
        raise DTypeError(f"from_dlpack: {error}", help="convert it to a dtype that NumPy has first") from None
    return tensor(array)
