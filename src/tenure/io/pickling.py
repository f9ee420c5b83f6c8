"""Pickler of plain data and tensors, in the words that PyTorch's files use and its ``weights_only=True`` admits.

Protocol 2, written by itself rather than by `pickle`, which would import what it names.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tenure.devices import Layout, device, sparse_coo
from tenure.dtypes import DType
from tenure.errors import DTypeError, shown
from tenure.io.storages import CLASSES, Extents
from tenure.values.grad.sparse_place import RowsBorrow
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.boundary import array_of
from tenure.values.places.parameter import Parameter
from tenure.values.tensor.tensor import Tensor

AS_STATE = "save its state: tn.save(x.state_dict(), file)"
DATA = "tensors, numbers, str, bytes, None, dtypes, and dicts, lists, tuples and sets of them are saved"


class Part(NamedTuple):
    """A tensor by its place in a storage that others may have in common: ``name`` says which it is."""

    name: Hashable
    storage: np.ndarray[Any, Any]
    dtype: DType
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool
    is_parameter: bool


class Pickler:
    """Pickle of one object. `storages` are the arrays of its tensors, in the order of their keys."""

    def __init__(self) -> None:
        self.out: list[bytes] = [b"\x80\x02"]
        self.storages: list[np.ndarray[Any, Any]] = []
        self._keys: dict[Hashable, int] = {}
        self._memo: dict[int, tuple[int, Any]] = {}
        self._texts: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._count = 0
        self._path: list[str] = []

    def dump(self, x: Any) -> bytes:
        """The pickle. DTypeError (TN802) for what is no data; it says where that lies."""
        try:
            self._save(x)
        except RecursionError:
            raise DTypeError("save: lists or dicts lie too deep in each other, or a tuple in itself") from None
        return b"".join([*self.out, b"."])

    def _save(self, x: Any) -> None:
        known = self._memo.get(id(x))
        if known is not None:
            self._get(known[0])
            return
        writer = WRITERS.get(type(x))
        if writer is not None:
            writer(self, x)
        elif isinstance(x, Tensor):
            self._tensor(x)
        elif isinstance(x, np.generic) and x.dtype.kind in "biufc":
            self._save(x.item())
        elif isinstance(x, Mapping) and isinstance(x, dict):
            self._dict({**x})
        else:
            self._refuse(x)

    def _refuse(self, x: Any) -> None:
        what = "".join(["what is saved", *([" at "] if self._path else []), *self._path])
        if hasattr(x, "state_dict"):
            raise DTypeError(f"save: {what} is a {type(x).__name__}, which is code, not data", help=AS_STATE)
        if isinstance(x, np.ndarray):
            raise DTypeError(f"save: {what} is {shown(x)}", help="save a tensor, tn.tensor(a), or use tn.io.save_npz")
        raise DTypeError(f"save: {what} is {shown(x)}, which is no data", help=DATA)

    def _keep(self, x: Any) -> None:
        """Note the object that was written last, to be referred to."""
        self._memo[id(x)] = (self._put(), x)

    def _put(self) -> int:
        n = self._count
        self._count += 1
        self.out.append(b"q" + bytes([n]) if n < 256 else b"r" + struct.pack("<I", n))
        return n

    def _get(self, n: int) -> None:
        self.out.append(b"h" + bytes([n]) if n < 256 else b"j" + struct.pack("<I", n))

    def name(self, name: str) -> None:
        """Write a name: module and object with a space between."""
        if name in self._names:
            self._get(self._names[name])
        else:
            self.out.append(b"c" + name.replace(" ", "\n").encode() + b"\n")
            self._names[name] = self._put()

    def _text(self, x: str) -> None:
        if x in self._texts:
            self._get(self._texts[x])
            return
        data = x.encode("utf-8", "surrogatepass")
        self.out.append(b"X" + struct.pack("<I", len(data)) + data)
        self._texts[x] = self._put()

    def _int(self, x: int) -> None:
        if 0 <= x < 256:
            self.out.append(b"K" + bytes([x]))
        elif -(2**31) <= x < 2**31:
            self.out.append(b"J" + struct.pack("<i", x))
        else:
            data = x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True)
            if len(data) > 255:
                self._refuse(x)
            self.out.append(b"\x8a" + bytes([len(data)]) + data)

    def _bytes(self, x: bytes) -> None:
        self._call("_codecs encode", x.decode("latin1"), "latin1")
        self._keep(x)

    def _call(self, name: str, *arguments: Any) -> None:
        self.name(name)
        self._tuple_of(arguments)
        self.out.append(b"R")

    def _tuple_of(self, items: tuple[Any, ...]) -> None:
        if len(items) > 3:
            self.out.append(b"(")
        for k, item in enumerate(items):
            self._at(f"[{k}]", item)
        self.out.append((b")", b"\x85", b"\x86", b"\x87")[len(items)] if len(items) <= 3 else b"t")

    def _tuple(self, x: tuple[Any, ...]) -> None:
        self._tuple_of(x)
        if x:
            self._keep(x)

    def _at(self, step: str, x: Any) -> None:
        self._path.append(step)
        self._save(x)
        self._path.pop()

    def _list(self, x: list[Any]) -> None:
        self.out.append(b"]")
        self._keep(x)
        self.out.append(b"(")
        for k, item in enumerate([*x]):
            self._at(f"[{k}]", item)
        self.out.append(b"e")

    def _dict(self, x: dict[Any, Any]) -> None:
        self.out.append(b"}")
        self._keep(x)
        self._items(x)

    def _items(self, x: Mapping[Any, Any]) -> None:
        self.out.append(b"(")
        for key, value in [*x.items()]:
            if isinstance(key, Tensor):
                self._refuse_key(key)
            self._at(" (a key)", key)
            self._at(f"[{key!r}]", value)
        self.out.append(b"u")

    def _refuse_key(self, key: Any) -> None:
        raise DTypeError(f"save: {shown(key)} is a key of a dict", help="give a str or a number as the key")

    def _ordered(self, x: OrderedDict[Any, Any]) -> None:
        self._call("collections OrderedDict")
        self._keep(x)
        self._items(x)
        metadata = getattr(x, "_metadata", None)
        if isinstance(metadata, dict):
            self._save({"_metadata": metadata})
            self.out.append(b"b")

    def _tensor(self, x: Tensor) -> None:
        """A value by all of a storage, which values that have one array have in common."""
        array = np.ascontiguousarray(array_of(x)).reshape(x.shape)
        name = (array.__array_interface__["data"][0], array.nbytes, x.dtype.name)
        strides = tuple([s // array.itemsize for s in array.strides])
        part = Part(name, array, x.dtype, 0, x.shape, strides, x.requires_grad, isinstance(x, Parameter))
        self._part(part)
        self._keep(x)

    def _part(self, x: Part) -> None:
        """A tensor as PyTorch rebuilds it; a parameter is rebuilt of such a one."""
        if not x.is_parameter:
            self._value(x, x.requires_grad)
            return
        self.name("torch._utils _rebuild_parameter")
        self._value(x, False)
        self._save(x.requires_grad)
        self._call("collections OrderedDict")
        self.out.append(b"\x87R")

    def _value(self, x: Part, requires_grad: bool) -> None:
        kind = CLASSES.get(x.dtype)
        self.name("torch._utils _rebuild_tensor_v2" if kind else "torch._utils _rebuild_tensor_v3")
        self.out.append(b"((")
        self._text("storage")
        self.name(f"torch {kind}" if kind else "torch.storage UntypedStorage")
        self._text(str(self._key(x)))
        self._text("cpu")
        self._int(x.storage.size if kind else x.storage.nbytes)
        self.out.append(b"tQ")
        self._int(x.offset)
        self._tuple_of(x.shape)
        self._tuple_of(x.strides)
        self._save(requires_grad)
        self._call("collections OrderedDict")
        if not kind:
            self._save(x.dtype)
        self.out.append(b"tR")

    def _key(self, x: Part) -> int:
        """Number of the storage of a tensor."""
        if x.name not in self._keys or not x.storage.nbytes:
            self._keys[x.name] = len(self.storages)
            self.storages.append(x.storage)
        return self._keys[x.name]


def _of_store(p: Pickler, x: Part) -> None:
    p._part(x)
    p._keep(x)


def _float(p: Pickler, x: float) -> None:
    p.out.append(b"G" + struct.pack(">d", x))


def _set(p: Pickler, x: set[Any]) -> None:
    p._call("__builtin__ set", [*x])
    p._keep(x)


def _counter(p: Pickler, x: Counter[Any]) -> None:
    p._call("collections Counter", {**x})
    p._keep(x)


def _sparse(p: Pickler, x: SparseRows) -> None:
    index, rows, _, united = x.detach()._packed()
    p._call("torch._utils _rebuild_sparse_tensor", sparse_coo, (index.reshape(1, -1), rows, x.shape, united))
    p._keep(x)


WRITERS: dict[type, Callable[[Pickler, Any], None]] = {
    type(None): lambda p, x: p.out.append(b"N"),
    bool: lambda p, x: p.out.append(b"\x88" if x else b"\x89"),
    int: Pickler._int,
    float: _float,
    complex: lambda p, x: p._call("__builtin__ complex", x.real, x.imag),
    str: Pickler._text,
    bytes: Pickler._bytes,
    bytearray: lambda p, x: p._call("__builtin__ bytearray", bytes(x)),
    list: Pickler._list,
    tuple: Pickler._tuple,
    Extents: lambda p, x: p._call("torch Size", tuple(x)),
    dict: Pickler._dict,
    OrderedDict: Pickler._ordered,
    Counter: _counter,
    set: _set,
    DType: lambda p, x: p.name(f"torch {x.name}"),
    device: lambda p, x: p._call("torch device", "cpu"),
    Layout: lambda p, x: p._call("torch.serialization _get_layout", repr(x).replace("tenure", "torch")),
    Part: _of_store,
    SparseRows: _sparse,
    RowsBorrow: _sparse,
}
"""Writers of each type, whose objects are exactly of it."""
