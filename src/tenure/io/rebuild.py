"""Names that PyTorch's pickles use, and what each means here: tensors, parameters, dtypes, devices, plain data."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from tenure.devices import CPU, sparse_coo, strided
from tenure.dtypes import DType, uint8
from tenure.errors import FileError, TenureError
from tenure.io.files import Source
from tenure.io.storages import STORAGES, TYPES, Extents, Storage, Storages
from tenure.io.unpickling import Rebuilder, text_as_bytes
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.complexes import conj
from tenure.values.operations.creation import leaf
from tenure.values.places.parameter import Parameter
from tenure.values.tensor.tensor import Tensor

BITS = uint8
"""The dtype that the bits of float8 dtypes have here, which has no gradient."""
Viewed = Callable[[Storage, DType, int, tuple[int, ...], tuple[int, ...]], Any]

AS_STATE = "save its state: torch.save(model.state_dict(), file), and load that into a model made by your code"
CODE = "tn.load makes tensors and plain data only: save those, as a state_dict"


class StorageType:
    """Class of storages as a pickle names it: the dtype of their elements."""

    def __init__(self, dtype: DType) -> None:
        self.dtype = dtype


METHODS = {
    "torch._utils._rebuild_tensor": "tensor",
    "torch._utils._rebuild_tensor_v2": "tensor",
    "torch._utils._rebuild_tensor_v3": "tensor_of",
    "torch._utils._rebuild_parameter": "parameter",
    "torch._utils._rebuild_parameter_with_state": "parameter",
    "torch._utils._rebuild_sparse_tensor": "sparse",
    "torch._tensor._rebuild_from_type_v2": "with_attributes",
}
"""Rebuilders of tensors, as methods of `Words`."""


class Words:
    """Vocabulary of the pickles of one file. ``viewed`` makes the tensor that views a storage; others of the class's
    attributes make leaves, parameters and conjugates."""

    leaf, made, conjugate = staticmethod(leaf), Parameter, staticmethod(conj)

    def __init__(self, source: Source, viewed: Viewed) -> None:
        self.source, self.viewed = source, viewed
        self.storages: list[Storage] = []

    @classmethod
    def of(cls, source: Source, storages: Storages) -> Words:
        """The vocabulary of a file with storages."""
        return cls(source, storages.tensor)

    def find(self, name: str) -> Rebuilder:
        """The rebuilder of a name; FileError for one that is no data."""
        module, _, last = name.rpartition(".")
        name = f"builtins.{last}" if module == "__builtin__" else name
        name = f"numpy._core.multiarray.{last}" if module == "numpy.core.multiarray" else name
        call = getattr(self, METHODS[name]) if name in METHODS else CALLS.get(name)
        if call is not None:
            return Rebuilder(name, call)
        if name in THEMSELVES:
            return Rebuilder(name, None, THEMSELVES[name])
        whole = name.startswith(("torch.nn.", "torch.optim.", "__main__.", "torchvision."))
        raise self.source.wrong(f"it holds an object of {name}, which is code, not data", AS_STATE if whole else CODE)

    def persistent(self, reference: Any) -> Storage:
        """The storage that a reference means: ("storage", type, key, device, size), in old files with a part of it."""
        if isinstance(reference, tuple) and reference[:1] == ("module",):
            raise self.source.wrong("it holds a whole module, which is code, not data", AS_STATE)
        match reference:
            case ("storage", StorageType() as kind, str() as key, str(), int() as size, *part) if size >= 0:
                found = Storage(key, kind.dtype, size)
                match part:
                    case [] | [None]:
                        pass
                    case [(str(), int() as offset, int() as count)] if offset >= 0 and 0 <= count <= size - offset:
                        found.offset, found.size = offset, count
                    case _:
                        raise self.source.wrong(f"its reference to a storage is damaged: {reference!r}")
                self.storages.append(found)
                return found
        raise self.source.wrong(f"its reference to a storage is damaged: {reference!r}"[:200])

    def build(self, target: Any, state: Any) -> bool:
        """Give an array or a dtype of NumPy its state."""
        if isinstance(target, np.dtype):
            return isinstance(state, tuple) and len(state) > 2 and state[1] in ("<", "|", "=") and state[2] is None
        if type(target) is np.ndarray:
            match state:
                case (int(), tuple() as shape, np.dtype() as dtype, bool() as fortran, bytes() as data):
                    count = len(data) // dtype.itemsize
                    if all(type(n) is int and n >= 0 for n in shape) and np.prod(shape, dtype=object) == count:
                        target.__setstate__((1, shape, dtype, fortran, data))  # type: ignore[arg-type]
                        return True
        return False

    def tensor(
        self,
        storage: Any,
        offset: Any,
        shape: Any,
        strides: Any,
        requires_grad: Any = False,
        hooks: Any = None,
        metadata: Any = None,
    ) -> Any:
        """``_rebuild_tensor_v2``: a view of a storage, in the storage's dtype."""
        return self.tensor_of(storage, offset, shape, strides, requires_grad, hooks, None, metadata)

    def tensor_of(
        self,
        storage: Any,
        offset: Any,
        shape: Any,
        strides: Any,
        requires_grad: Any,
        hooks: Any,
        dtype: Any,
        metadata: Any = None,
    ) -> Any:
        """``_rebuild_tensor_v3``: a view of a storage of bytes, in a dtype of its own."""
        dtype = storage.dtype if isinstance(storage, Storage) and dtype is None else dtype
        if not (isinstance(storage, Storage) and isinstance(dtype, DType)):
            raise self.source.wrong("a tensor is made of what is no storage")
        if not (isinstance(shape, tuple) and isinstance(strides, tuple)):
            raise self.source.wrong("the shape of a tensor is no tuple")
        storage.used = True
        value = self.viewed(storage, dtype, offset, shape, strides)
        if isinstance(metadata, dict) and value is not None:
            value = self.conjugate(value) if metadata.get("conj") else value
            value = -value if metadata.get("neg") else value
        if requires_grad is not True or value is None or dtype is BITS:
            return value
        return self.leaf(value, True)

    def parameter(self, data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Any:
        """``_rebuild_parameter``: a place that modules hold."""
        if data is None:
            return None
        if not isinstance(data, Tensor) or type(requires_grad) is not bool:
            raise self.source.wrong("a parameter is made of what is no tensor")
        return self.made(data, requires_grad and data._aval.dtype is not BITS)

    def sparse(self, layout: Any, data: Any) -> Any:
        """``_rebuild_sparse_tensor``: rows of a tensor whose others are zero."""
        match data:
            case (index, rows, tuple() as shape, *rest) if layout is sparse_coo and len(rest) < 2:
                if index is None or rows is None:
                    return None
                if isinstance(index, Tensor) and isinstance(rows, Tensor) and index.ndim == 2 and index.shape[0] == 1:
                    try:
                        found = SparseRows(index, rows, shape)
                    except TenureError as error:
                        raise self.source.wrong(f"a sparse tensor does not fit together: {error}") from None
                    return found.coalesce() if rest == [True] else found
        raise self.source.wrong("it holds a sparse tensor of other than rows", "save it by .to_dense()")

    def with_attributes(self, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
        """``_rebuild_from_type_v2``: a tensor with attributes in Python, which are left out."""
        if not isinstance(function, Rebuilder) or function.name not in METHODS or kind is not Tensor:
            raise self.source.wrong("it holds a tensor of a class of its own, which is code, not data", AS_STATE)
        return function.call(*arguments)  # type: ignore[misc]

    def refuse_bare(self) -> FileError | None:
        """The error for storages that no tensor views, if there are any."""
        bare = [s.key for s in self.storages if not s.used]
        return self.source.wrong(f"storage {bare[0]!r} is saved by itself", "save a tensor of it") if bare else None


def _size(items: Any = ()) -> Extents:
    if not all(type(n) is int for n in items):
        raise ValueError("a torch.Size is made of ints")
    return Extents(items)


def _numpy_dtype(name: Any, *_: Any) -> Any:
    found = np.dtype(name) if isinstance(name, str) and len(name) <= 4 else None
    if found is None or found.kind not in "biufc":
        raise ValueError(f"NumPy's dtype {name!r} is none of numbers")
    return found.newbyteorder("=")


def _numpy_scalar(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, np.dtype) or not isinstance(data, bytes) or len(data) != dtype.itemsize:
        raise ValueError("a scalar of NumPy has other bytes than its dtype")
    return np.frombuffer(data, dtype)[0]


def _numpy_array(kind: Any, *_: Any) -> Any:
    if kind is not np.ndarray:
        raise ValueError("an array of NumPy has a class of its own")
    return np.empty(0, np.uint8)


def _keyed(made: type) -> Callable[..., Any]:
    """Constructor of a dict: empty, of another, or of pairs."""

    def make(given: Any = ()) -> Any:
        if not isinstance(given, dict) and not (isinstance(given, list) and all(len(pair) == 2 for pair in given)):
            given = {} if given == () else _unfit()
        if not all(isinstance(k, str | int | float | bool | None | tuple) for k in dict(given)):
            _unfit()
        return made(given)

    return make


def _unfit() -> Any:
    raise ValueError("a container is made of what does not fit in it")


def _plain(made: Callable[..., Any], *kinds: type) -> Callable[..., Any]:
    """Constructor of plain data, from arguments of some kinds."""
    return lambda *given: made(*given) if all(isinstance(x, kinds) for x in given) else _unfit()


def _set(items: Any = ()) -> set[Any]:
    return set(items) if all(isinstance(x, str | int | float | bytes | None) for x in items) else _unfit()


def _bytes(data: Any = b"", *encoding: Any) -> bytes:
    return data if isinstance(data, bytes) else text_as_bytes(data, *encoding)


CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _keyed(OrderedDict),
    "collections.Counter": _keyed(Counter),
    "builtins.dict": _keyed(dict),
    "builtins.list": _plain(list, list, tuple),
    "builtins.tuple": _plain(tuple, list, tuple),
    "builtins.set": _set,
    "builtins.frozenset": lambda items=(): frozenset(_set(items)),
    "builtins.complex": _plain(complex, int, float),
    "builtins.bytearray": lambda *given: bytearray(_bytes(*given)),
    "builtins.bytes": lambda *given: _bytes(*given),
    "builtins.slice": _plain(slice, int, type(None)),
    "builtins.range": _plain(range, int),
    "_codecs.encode": text_as_bytes,
    "torch.Size": _size,
    "torch.device": lambda *_: CPU,
    "torch.serialization._get_layout": lambda name, *_: sparse_coo if name == "torch.sparse_coo" else strided,
    "numpy.dtype": _numpy_dtype,
    "numpy._core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray._reconstruct": _numpy_array,
}
"""Rebuilders that do the same for every file."""

THEMSELVES: dict[str, Any] = {
    **{f"torch.{name}": dtype for name, dtype in TYPES.items()},
    **{f"torch.{name}": StorageType(dtype) for name, dtype in STORAGES.items()},
    **{f"torch.storage.{name}": StorageType(dtype) for name, dtype in STORAGES.items()},
    "torch.storage.UntypedStorage": StorageType(uint8),
    "torch.storage._UntypedStorage": StorageType(uint8),
    "torch.Tensor": Tensor,
    "torch.nn.parameter.Parameter": Tensor,
    "torch.nn.parameter.Buffer": Tensor,
    "numpy.ndarray": np.ndarray,
}
"""Names that stand for themselves."""
