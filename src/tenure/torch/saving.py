"""``torch.save`` and ``torch.load``: PyTorch's file format, by the home library; what is no plain data is pickled."""

from __future__ import annotations

import contextlib
import pickle
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tenure import devices as home_devices
from tenure import io as home
from tenure.devices import CPU, Layout
from tenure.dtypes import DType
from tenure.errors import TenureError, following
from tenure.io.files import Source
from tenure.io.pickling import Part
from tenure.io.rebuild import Words
from tenure.io.storages import Extents, Storage, Storages
from tenure.io.torchfile import load_by
from tenure.torch.cells import Parameter, Tensor
from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.geometry import layout as layout_of
from tenure.torch.cells.stores import WRITING, Store, Stores
from tenure.torch.crossings import given
from tenure.torch.devices import PUBLIC, check_device, device, layout, strided
from tenure.torch.dtypes import OF_HOME
from tenure.torch.errors import refuse, translated
from tenure.torch.nn.places import faced
from tenure.torch.nn.saving import Kept
from tenure.torch.sizes import Size
from tenure.values.tensor.tensor import Tensor as Value

HEAD = b"TENURE-TORCH-PICKLE\n"
"""Begin of a file that holds a pickle of objects other than tensors and plain data."""
DEFAULT_PROTOCOL = 2
MAP_LOCATION = Any
"""Annotation of where storages go."""
_SAFE: list[Any] = []
LAYOUTS = {strided: home_devices.strided, PUBLIC["sparse_coo"]: home_devices.sparse_coo}
HOMELY: dict[type, Callable[[Any], Any]] = {
    Counter: lambda x: x, Size: Extents, device: lambda x: CPU, layout: lambda x: LAYOUTS.get(x, x),
}  # fmt: skip
"""Plain data of the face as the home library's, by class."""
SHOWN: dict[type, Callable[[Any], Any]] = {
    Extents: Size, DType: OF_HOME.__getitem__, type(CPU): lambda x: device("cpu"),
    Layout: lambda x: following(own for own, its in LAYOUTS.items() if its is x),
}  # fmt: skip
"""And back."""


def save(
    obj: Any, f: Any, pickle_module: Any = pickle, pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
) -> None:  # fmt: skip
    """Write tensors and plain data as PyTorch does; a module, or an object of another class, as a pickle of it."""
    if is_plain(obj, set()):
        try:
            home.save(homely(obj, {}, Stores()), f)
        except TenureError as error:
            raise translated(error) from None
        return
    token = WRITING.set(Stores())
    try:
        data = HEAD + pickle.dumps(obj)
    finally:
        WRITING.reset(token)
    if hasattr(f, "write"):
        f.write(data)
        return
    with open(f, "wb") as file:
        file.write(data)


def homely(x: Any, made: dict[int, Any], stores: Stores) -> Any:
    """Plain data with tensors by their places in storages; what was one object is one."""
    if isinstance(x, Tensor):
        if id(x) not in made:
            store, at = stores.of(x)
            made[id(x)] = Part(id(store), store.memory, x._aval.dtype, at.offset, at.shape, at.strides, x.requires_grad,
                               isinstance(x, Parameter))  # fmt: skip
        return made[id(x)]
    if isinstance(x, OrderedDict):
        kept: Any = OrderedDict((k, homely(v, made, stores)) for k, v in x.items())
        if hasattr(x, "_metadata"):
            kept._metadata = x._metadata
        return kept
    if type(x) is dict:
        return {k: homely(v, made, stores) for k, v in x.items()}
    if type(x) in HOMELY:
        return HOMELY[type(x)](x)
    return type(x)([homely(v, made, stores) for v in x]) if type(x) in (list, tuple, set, frozenset) else given(x)


def is_plain(x: Any, seen: set[int]) -> bool:
    """Whether an object is made of tensors and plain data."""
    if x is None or isinstance(x, Tensor | bool | int | float | complex | str | bytes):
        return True
    if id(x) in seen:
        return True
    seen.add(id(x))
    if type(x) in (list, tuple, set, frozenset):
        return all(is_plain(y, seen) for y in x)
    if type(x) in (dict, OrderedDict, Kept, Counter):
        return all(is_plain(k, seen) and is_plain(v, seen) for k, v in x.items())
    return type(x).__module__ in ("numpy", "torch") and not (callable(x) or isinstance(x, np.ndarray))


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
    mmap: bool | None = None, **pickle_load_args: Any,
) -> Any:  # fmt: skip
    """Read what ``save``, or PyTorch, has written."""
    check_location(map_location)
    head = _head(f)
    if head == HEAD:
        if weights_only is not False:
            raise pickle.UnpicklingError(
                "Weights only load failed: the file holds a pickle of objects that are no tensors and plain data. Do"
                " `torch.load(f, weights_only=False)` only if you trust its source, since it can run code"
            )
        return _unpickled(f)
    location = None if map_location is None or callable(map_location) or isinstance(map_location, dict) else "cpu"
    try:
        found = load_by(Rebuilt.of, f, location)
    except TenureError as error:
        raise translated(error) from None
    return shown(found)


def check_location(given: Any) -> None:
    """Refuse a device that nothing can be read to, as PyTorch's build for the CPU does, and "meta"."""
    if given is None or callable(given) or isinstance(given, dict):
        return
    kind = str(given).partition(":")[0]
    if kind == "cuda":
        raise refuse(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are"
            " running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your"
            " storages to the CPU."
        )
    if kind == "meta":
        check_device(kind)
    if kind != "cpu":
        text = f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {given})"
        raise refuse(text)


def _head(f: Any) -> bytes:
    if hasattr(f, "read"):
        at = f.tell()
        head: bytes = f.read(len(HEAD))
        f.seek(at)
        return head
    with open(f, "rb") as file:
        return file.read(len(HEAD))


def _unpickled(f: Any) -> Any:
    if hasattr(f, "read"):
        f.read(len(HEAD))
        return pickle.load(f)
    with open(f, "rb") as file:
        file.seek(len(HEAD))
        return pickle.load(file)


class Rebuilt(Words):
    """Vocabulary whose tensors are the face's, and share elements where the file has one storage of them."""

    leaf, made, conjugate = staticmethod(Tensor.requires_grad_), Parameter, staticmethod(Tensor.conj)  # type: ignore

    @classmethod
    def of(cls, source: Source, storages: Storages) -> Words:
        """The vocabulary of a file with storages."""
        stores: dict[Any, Store] = {}

        def viewed(storage: Storage, dtype: DType, offset: int, shape: Any, strides: Any) -> Any:
            storages.check(storage, dtype, offset, shape, strides)
            name = storage.key, storage.offset, dtype
            if name not in stores:
                stores[name] = Store(storages.memory(storage, dtype))
            return stores[name].tensor(Tensor, Geometry(offset, layout_of(shape, strides)))

        return cls(source, viewed)


def shown(x: Any) -> Any:
    """Loaded plain data as the face has it."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, Value):
        return faced(x)
    if isinstance(x, OrderedDict):
        kept = Kept((k, shown(v)) for k, v in x.items())
        if hasattr(x, "_metadata"):
            kept._metadata = x._metadata
        return kept
    if type(x) is dict:
        return {k: shown(v) for k, v in x.items()}
    if type(x) in SHOWN:
        return SHOWN[type(x)](x)
    if type(x) in (list, tuple):
        return type(x)([shown(v) for v in x])
    return x


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Note classes that files may hold; only ``weights_only=False`` reads pickles of them here."""
    _SAFE.extend(safe_globals)


def clear_safe_globals() -> None:
    """Forget the classes noted."""
    _SAFE.clear()


def get_safe_globals() -> list[Any]:
    """The classes noted."""
    return list(_SAFE)


@contextlib.contextmanager
def safe_globals(safe: list[Any]) -> Iterator[None]:
    """Context in which classes are noted."""
    before = list(_SAFE)
    _SAFE.extend(safe)
    try:
        yield
    finally:
        _SAFE[:] = before


class SourceChangeWarning(Warning):
    """Warning of PyTorch's old files."""


def default_restore_location(storage: Any, location: str) -> Any:
    """The storage: it is on the CPU."""
    return storage


__all__ = [
    "DEFAULT_PROTOCOL", "MAP_LOCATION", "SourceChangeWarning", "add_safe_globals", "clear_safe_globals",
    "default_restore_location", "get_safe_globals", "load", "safe_globals", "save",
]  # fmt: skip
