"""The safetensors format: a header in JSON, and the bytes of tensors one after the other.

A file is checked against its header before any memory is taken: tensors neither overlap nor leave gaps, each has the
bytes of its shape and dtype, and nothing is left over. The bits of float8 dtypes are uint8 here: nothing computes with
them. ``dtypes=`` of `save_file` says which uint8 tensors are such bits.
"""

from __future__ import annotations

import io
import json
import math
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, OutOfRange, shown
from tenure.io.files import Source, damages, name_of, octets, path_of, reading, writing
from tenure.runtime import buffers
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import check_device, wrap
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.io.files import Readable, Writable

__all__ = ["load", "load_file", "safe_open", "save", "save_file"]

HEADER = 100_000_000
"""Bytes of a header at most, as the format has it."""
DTYPES = {
    "BOOL": "bool", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64", "I8": "int8", "I16": "int16",
    "I32": "int32", "I64": "int64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
    "C64": "complex64", "C128": "complex128",
}  # fmt: skip
"""Dtypes by the names of the format."""
BITS = ("F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
"""Dtypes of one byte that a tensor of uint8 keeps the bits of."""
READ = {name: dtypes.as_dtype(dtype) for name, dtype in DTYPES.items()} | dict.fromkeys(BITS, dtypes.uint8)
WRITTEN = {dtypes.as_dtype(dtype): name for name, dtype in DTYPES.items()}


class Entry(NamedTuple):
    """A tensor of a file: dtype by the format's name, shape, and the place of its bytes in the file."""

    stored: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def dtype(self) -> DType:
        """The dtype that the tensor has here."""
        return READ[self.stored]


def save_file(
    tensors: Mapping[str, Tensor],
    filename: Writable,
    metadata: Mapping[str, str] | None = None,
    *,
    dtypes: Mapping[str, str] | None = None,
) -> None:
    """Write tensors by name in the safetensors format, with ``metadata`` of str by str.

    ``dtypes`` names tensors of uint8 that are the bits of another dtype of one byte, as ``{"w": "F8_E4M3"}``. The
    format has no sharing: a tensor of two names is written twice. A file given by its path is replaced as a whole or
    not at all. DTypeError (TN802) for what is no tensor.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> tn.io.save_file({"w": tn.ones(2)}, path, metadata={"format": "pt"})
    >>> tn.io.load_file(path)
    {'w': tensor([1., 1.])}
    """
    header, arrays = _header("save_file", tensors, metadata, dtypes)
    with writing(filename, "save_file") as file:
        file.write(header)
        for array in arrays:
            file.write(octets(array))


def save(
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
    *,
    dtypes: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of a file in the safetensors format, as `save_file` writes it.

    >>> tn.io.safetensors.load(tn.io.safetensors.save({"w": tn.ones(2)}))
    {'w': tensor([1., 1.])}
    """
    file = io.BytesIO()
    save_file(tensors, file, metadata, dtypes=dtypes)
    return file.getvalue()


def load_file(filename: Readable, device: str | None = None) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, as values; those of float8 dtypes are their bits, as uint8.

    FileError (TN805) for a file that is damaged, cut off, or says of itself what is not so.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> tn.io.save_file({"n": tn.arange(3)}, path)
    >>> tn.io.load_file(path)["n"]
    tensor([0, 1, 2])
    """
    check_device(device)
    with reading(filename, "load_file") as source:
        return {name: _tensor(source, entry) for name, entry in read_header(source)[0].items()}


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file. FileError (TN805) as for `load_file`.

    >>> tn.io.safetensors.load(tn.io.safetensors.save({}))
    {}
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise DTypeError(f"load: data is bytes, not {shown(data)}", help="tn.io.load_file takes a file")
    return load_file(io.BytesIO(data))


def _header(
    what: str, tensors: Any, metadata: Any, stored: Any
) -> tuple[bytes, list[np.ndarray[Any, Any]]]:
    """Header of a file and the arrays behind it: those of wide elements first, so that each lies aligned."""
    for argument, given in (("tensors", tensors), ("metadata", {} if metadata is None else metadata)):
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            raise DTypeError(f"{what}: {argument} is a dict by str, not {shown(given)}")
    header: dict[str, Any] = {}
    if metadata is not None:
        for key, text in metadata.items():
            if not isinstance(text, str):
                raise DTypeError(f"{what}: metadata[{key!r}] is a str, not {shown(text)}")
        header["__metadata__"] = dict(metadata)
    names = {name: _stored(what, name, x, {} if stored is None else stored) for name, x in tensors.items()}
    arrays, at = [], 0
    for name in sorted(names, key=lambda name: (-tensors[name].dtype.itemsize, name)):
        array = np.ascontiguousarray(array_of(tensors[name]))
        header[name] = {
            "dtype": names[name],
            "shape": list(tensors[name].shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
        arrays.append(array)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    if len(text) > HEADER:
        raise DTypeError(f"{what}: the header has {len(text)} bytes, and at most {HEADER} are allowed")
    return len(text).to_bytes(8, "little") + text, arrays


def _stored(what: str, name: str, x: Any, given: Any) -> str:
    """The format's name of a tensor's dtype."""
    if name == "__metadata__":
        raise DTypeError(f"{what}: no tensor has the name '__metadata__'", help="rename it")
    if not isinstance(x, Tensor):
        raise DTypeError(f"{what}: tensors[{name!r}] is a tensor, not {shown(x)}")
    if not isinstance(given, Mapping) or any(d not in BITS for d in given.values()):
        raise DTypeError(f"{what}: dtypes gives names of tensors one of {', '.join(BITS)}, not {shown(given)}")
    if name in given and x.dtype is not dtypes.uint8:
        raise DTypeError(f"{what}: the bits of {given[name]} are uint8, and {name!r} is {x.dtype.name}")
    return str(given[name]) if name in given else WRITTEN[x.dtype]


def read_header(source: Source) -> tuple[dict[str, Entry], dict[str, str] | None]:
    """Tensors by name in the order of their bytes, and the metadata; FileError where the file is not as it says."""
    with damages(source):
        size = int.from_bytes(source.read(0, 8), "little") if source.size >= 8 else -1
        if size < 0:
            raise source.wrong("it is shorter than the size of its header")
        if not 2 <= size <= min(HEADER, source.size - 8):
            raise source.wrong(f"its header of {size} bytes does not fit in its {source.size} bytes")
        text = source.read(8, size)
        if text[:1] != b"{":
            raise source.wrong("its header is no JSON object")
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
        metadata = header.pop("__metadata__", None)
        if metadata is not None and not (
            isinstance(metadata, dict) and all(isinstance(text, str) for text in metadata.values())
        ):
            raise source.wrong("its metadata is not of texts")
        found = {name: _entry(source, name, said, 8 + size) for name, said in header.items()}
        return _consecutive(source, found, 8 + size), metadata


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return made


def _is_size(n: Any) -> bool:
    return type(n) is int and 0 <= n < 2**63


def _entry(source: Source, name: str, said: Any, base: int) -> Entry:
    match said:
        case {"dtype": str() as stored, "shape": list() as shape, "data_offsets": [start, end], **rest} if not rest:
            if stored not in READ:
                raise source.wrong(f"the dtype of {name!r} is {stored}, which is not known")
            if all(map(_is_size, (*shape, start, end))) and len(shape) <= 64:
                if math.prod(shape) * READ[stored].itemsize != end - start:
                    raise source.wrong(f"{name!r} of shape {shape} and {stored} does not have {end - start} bytes")
                return Entry(stored, tuple(shape), base + start, base + end)
    raise source.wrong(f"what its header says of {name!r} is damaged")


def _consecutive(source: Source, entries: dict[str, Entry], base: int) -> dict[str, Entry]:
    at, before = base, "the header"
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].end)))
    for name, entry in ordered.items():
        if entry.start != at:
            said = "overlaps with" if entry.start < at else "does not begin behind"
            raise source.wrong(f"{name!r} {said} {before}")
        at, before = entry.end, repr(name)
    if at != source.size:
        raise source.wrong(f"its tensors end at byte {at}, and the file at {source.size}")
    return ordered


def _tensor(source: Source, entry: Entry, rows: slice | None = None) -> Tensor:
    """A tensor, or some rows of it."""
    shape, start = entry.shape, entry.start
    if rows is not None:
        row = (entry.end - entry.start) // shape[0]
        start += rows.start * row
        shape = (rows.stop - rows.start, *shape[1:])
    boolean = entry.dtype is dtypes.bool_
    array = buffers.empty(shape, np.uint8 if boolean else entry.dtype.numpy)
    if array.size:
        for _ in source.chunks(start, octets(array)):
            pass
    return wrap(array != 0 if boolean else array)


class safe_open:
    """A safetensors file of which single tensors, or parts of them, are read when they are asked for.

    A context manager. ``framework`` is "tn" or, as in files written for PyTorch, "pt": values of Tenure in any case.
    The file stays open, and only its header is kept in memory. FileError (TN805) as for ``load_file``.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> tn.io.save_file({"w": tn.arange(6).reshape(3, 2)}, path)
    >>> with tn.io.safe_open(path, framework="pt", device="cpu") as f:
    ...     print(f.keys(), f.get_slice("w")[1:, 0])
    ['w'] tensor([2, 4])
    """

    def __init__(self, filename: Readable, framework: str = "tn", device: str | None = "cpu") -> None:
        if not isinstance(framework, str) or framework not in ("tn", "tenure", "pt", "torch", "pytorch"):
            raise DTypeError(f'safe_open: framework is "tn" or "pt", not {shown(framework)}')
        check_device(device)
        path = path_of(filename, "safe_open", "read")
        self._file: Any = filename if path is None else open(path, "rb", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()
        try:
            self._source = Source(self._file, f"safe_open: {name_of(filename) if path is None else path}")
            self._entries, self._metadata = read_header(self._source)
        except BaseException:
            self._close(path is not None)
            raise
        self._owned = path is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close(self._owned)

    def _close(self, owned: bool) -> None:
        if owned:
            self._file.close()

    def keys(self) -> list[str]:
        """The names of the tensors."""
        return sorted(self._entries)

    def offset_keys(self) -> list[str]:
        """The names of the tensors in the order of their bytes."""
        return list(self._entries)

    def metadata(self) -> dict[str, str] | None:
        """The metadata that the file was written with."""
        return None if self._metadata is None else dict(self._metadata)

    def get_tensor(self, name: str) -> Tensor:
        """The tensor of a name, read now."""
        return self.read(self._entry("get_tensor", name), None)

    def get_slice(self, name: str) -> SafeSlice:
        """A tensor of which indexing reads the part that it names."""
        return SafeSlice(self, self._entry("get_slice", name))

    def read(self, entry: Entry, rows: slice | None) -> Tensor:
        """Some rows of a tensor, or all of it."""
        with self._lock:
            return _tensor(self._source, entry, rows)

    def _entry(self, what: str, name: str) -> Entry:
        if not isinstance(name, str) or name not in self._entries:
            raise KeyError(f"{what}: there is no tensor {shown(name)} in {self._source.name.partition(': ')[2]}")
        return self._entries[name]


class SafeSlice:
    """Tensor in a safetensors file: its shape and dtype, and by indexing its parts. Of the first axis only the rows
    between the first and the last that are asked for are read."""

    def __init__(self, file: safe_open, entry: Entry) -> None:
        self._file, self._entry = file, entry

    def get_shape(self) -> list[int]:
        """The shape."""
        return list(self._entry.shape)

    def get_dtype(self) -> str:
        """The dtype by the name of the format, as "F32"."""
        return self._entry.stored

    def __getitem__(self, index: Any) -> Tensor:
        first, rest = (index[0], index[1:]) if isinstance(index, tuple) and index else (index, ())
        if not self._entry.shape or not isinstance(first, slice | int) or isinstance(first, bool):
            return self._file.read(self._entry, None)[index]
        size = self._entry.shape[0]
        if isinstance(first, int):
            if not -size <= first < size:
                raise OutOfRange(f"index {first} is out of range for {size} rows")
            return self._file.read(self._entry, slice(first % size, first % size + 1))[(0, *rest)]
        start, stop, step = first.indices(size)
        if step < 0 or stop <= start:
            return self._file.read(self._entry, None)[index]
        return self._file.read(self._entry, slice(start, stop))[(slice(None, None, step), *rest)]
