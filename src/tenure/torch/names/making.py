"""Tensors from data, and the older constructors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tenure as tn
from tenure.dtypes import DType, as_dtype, bool_, int64, promote
from tenure.errors import BorrowError, TenureError
from tenure.torch.cautions import COPIED, UNWRITABLE, caution
from tenure.torch.cells import Tensor, entering, unwrap
from tenure.torch.cells.casts import cast
from tenure.torch.cells.layout import laid
from tenure.torch.cells.outdated import check_current
from tenure.torch.devices import check_device, check_layout
from tenure.torch.dtypes import BY_NAME, LEGACY, Defaults, dtype, home_dtype
from tenure.torch.errors import TorchTypeError, TorchValueError, refuse, translated
from tenure.torch.names.arguments import sizes
from tenure.values.tensor.tensor import Tensor as Value


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Any:
    """A tensor with a copy of ``data``: a number, nested sequences, an array, or a tensor."""
    return copied(data, dtype, device, requires_grad, "torch.tensor")


def copied(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, name: str = "") -> Any:
    """A tensor with a copy of data; with the name of the call that warns where this is a tensor."""
    check_device(device)
    if name and isinstance(data, Value):
        caution(COPIED, name)
    x = Tensor._of(value_of(data, home_dtype(dtype)))
    if isinstance(data, Tensor):
        laid(x, (data,))
    return x.requires_grad_() if requires_grad else x


def value_of(data: Any, target: DType | None) -> Any:
    """Home value of data, in a dtype or that of the data."""
    if isinstance(data, Value):
        found = tn.detach(data._read())
        return found if target is None else cast(found, target)
    check_current(data)
    try:
        if isinstance(data, np.ndarray):
            return tn.tensor(data, dtype=target)
        if hasattr(data, "__array__") and not isinstance(data, np.generic | list | tuple):
            return tn.tensor(np.asarray(data), dtype=target)
        numbers = plain(data)
        if target is None:
            target = inferred(data)
        return tn.tensor(numbers, dtype=target)
    except TenureError as error:
        if (said := ragged(data)) is not None:
            raise refuse(said, TorchValueError) from None
        made = translated(error)
        raise TorchValueError(made.message) if isinstance(error, tn.ShapeError) else made from None


def ragged(data: Any) -> str | None:
    """PyTorch's words for nested sequences of different lengths; None if they are not."""
    rows, axis = data if isinstance(data, list | tuple) else (), 1
    while rows and all(isinstance(row, list | tuple) for row in rows):
        for row in rows:
            if len(row) != len(rows[0]):
                return f"expected sequence of length {len(rows[0])} at dim {axis} (got {len(row)})"
        rows, axis = [x for row in rows for x in row], axis + 1
    return None


def plain(data: Any) -> Any:
    """Nested sequences of Python numbers or arrays, of what may hold tensors."""
    if isinstance(data, Value):
        return data._read().tolist()
    if isinstance(data, np.generic):
        return data.item()
    if isinstance(data, list | tuple | range):
        if not data or (type(data[0]) in (int, float, bool) and all(type(x) in (int, float, bool) for x in data)):
            return list(data)
        if all(isinstance(x, np.ndarray) for x in data):
            return np.stack(data).tolist()
        return [plain(x) for x in data]
    if isinstance(data, np.ndarray):
        return data.tolist()
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, str | dict):
        return [plain(data[k]) for k in range(len(data))]
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str'")
    if not isinstance(data, int | float | complex):
        raise refuse(f"Could not infer dtype of {type(data).__name__}")
    return data


def inferred(data: Any) -> DType:
    """The dtype of data: Python's floats are the default one, arrays and NumPy's numbers keep theirs."""
    if isinstance(data, Value):
        return data._aval.dtype
    if isinstance(data, np.generic | np.ndarray):
        return as_dtype(data.dtype)
    if isinstance(data, bool):
        return bool_
    if isinstance(data, int):
        return int64
    if isinstance(data, float):
        return Defaults.float.home  # type: ignore[return-value]
    if isinstance(data, complex):
        return promote(Defaults.float.home, "complex64")  # type: ignore[arg-type]
    found = None
    seen: set[type] = set()
    for x in data:
        if type(x) in seen:
            continue
        if type(x) in (int, float, bool, complex):
            seen.add(type(x))
        found = inferred(x) if found is None else promote(found, inferred(x))
    return found or Defaults.float.home  # type: ignore[return-value]


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """The tensor itself if it is one of that dtype, an array's elements shared, else a copy of the data."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None or data._aval.dtype is home_dtype(dtype) else data.to(dtype)
    if isinstance(data, np.ndarray):
        shared = from_numpy(data)
        return shared if dtype is None else shared.to(dtype)
    return tensor(data, dtype=dtype)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Any:
    """A tensor of an object: shared where it can be, unless ``copy`` says otherwise."""
    x = tensor(obj, dtype=dtype, device=device) if copy else as_tensor(obj, dtype, device)
    return x.requires_grad_() if requires_grad else x


def from_numpy(array: Any) -> Any:
    """A tensor of an array's elements, which the array lends."""
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        caution(UNWRITABLE, once=True)
    try:
        return entering.from_numpy(array)
    except BorrowError:
        raise
    except TenureError as error:
        text = f"can't convert np.ndarray of type {getattr(array, 'dtype', type(array))}. {error.message}"
        raise refuse(text, TorchTypeError) from None


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Any:
    """A tensor of a copy of the bytes of a buffer."""
    x = Tensor._of(tn.frombuffer(buffer, dtype=home_dtype(dtype), count=count, offset=offset))
    return x.requires_grad_() if requires_grad else x


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor with a copy of the elements of an object that has DLPack."""
    check_device(device)
    return Tensor._of(tn.from_dlpack(Exported(ext_tensor) if is_capsule(ext_tensor) else unwrap(ext_tensor)))


class Exported:
    """A capsule of ``to_dlpack``, as an object that has DLPack."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **asked: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def is_capsule(x: Any) -> bool:
    """Whether an object is a capsule itself."""
    return type(x).__name__ == "PyCapsule"


def legacy(name: str, own: dtype) -> type:
    """An older class of tensors of one dtype: a constructor, and a type for ``isinstance`` and ``x.type(…)``."""
    body = {"__new__": lambda cls, *data, device=None: older(own.home, data, device), "__module__": "torch",
            "dtype": own, "__slots__": ()}  # fmt: skip
    return _Legacy(name, (), body)


class _Legacy(type):
    """Class of the older classes."""

    dtype: Any

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x._aval.dtype is cls.dtype.home


def older(of: Any, data: tuple[Any, ...], device: Any = None) -> Any:
    """Tensor of an older constructor: of sizes one of that shape, of anything else one of its elements."""
    check_device(device)
    if not data:
        return Tensor._of(tn.zeros((0,), dtype=of))
    if len(data) == 1 and isinstance(data[0], Tensor):
        return data[0] if data[0]._aval.dtype is of else tensor(data[0], dtype=of)
    if type(data[0]).__name__ == "Size" or all(isinstance(n, int) for n in data):
        return Tensor._of(tn.zeros(sizes(data, None), dtype=of))
    return tensor(data[0], dtype=of)


LEGACIES: dict[str, Callable[..., Any]] = {
    f"{name}Tensor": legacy(f"{name}Tensor", BY_NAME[of]) for of, name in LEGACY.items() if not of.startswith("complex")
}


__all__ = ["LEGACIES", "as_tensor", "asarray", "check_layout", "from_dlpack", "frombuffer", "older", "tensor"]
