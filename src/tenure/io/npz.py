"""NumPy's files: ``.npy`` of one array, ``.npz`` of several by name. No object in them is unpickled."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from tenure import dtypes
from tenure.dtypes import BFLOAT16
from tenure.errors import DTypeError, TenureError, shown
from tenure.io import zips
from tenure.io.files import Source, damages, octets, reading, writing
from tenure.runtime import buffers
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.io.files import Readable, Writable

HEADER = 1 << 16
"""Bytes of the header of an array at most: shape and dtype take a hundred."""


def save_npy(file: Writable, x: Tensor) -> None:
    """Write a tensor as a ``.npy`` file of NumPy's. DTypeError (TN802) for what is no tensor.

    A file given by its path is replaced as a whole or not at all. bfloat16, which NumPy has not, is
    its bits under a name.

    >>> import io
    >>> f = io.BytesIO()
    >>> tn.io.save_npy(f, tn.arange(3))
    >>> np.load(io.BytesIO(f.getvalue()))
    array([0, 1, 2])
    """
    array = _array("save_npy", "x", x)
    with writing(file, "save_npy") as f:
        f.write(_head(array))
        f.write(octets(array))


def load_npy(file: Readable) -> Tensor:
    """The array in a ``.npy`` file, as a value. FileError (TN805) for a file that is damaged, or of Python's objects.

    >>> import io
    >>> f = io.BytesIO()
    >>> np.save(f, np.array([1.5, 2.5]))
    >>> tn.io.load_npy(io.BytesIO(f.getvalue()))
    tensor([1.5000, 2.5000], dtype=tenure.float64)
    """
    with reading(file, "load_npy") as source, damages(source):
        return _read(source, source)


def save_npz(file: Writable, tensors: Mapping[str, Tensor], *, compress: bool = False) -> None:
    """Write tensors by name as a ``.npz`` file, which ``np.load`` reads. DTypeError (TN802) for what is no tensor.

    A file given by its path is replaced as a whole or not at all; no suffix is added to it.

    >>> import io
    >>> f = io.BytesIO()
    >>> tn.io.save_npz(f, {"x": tn.arange(3)})
    >>> np.load(io.BytesIO(f.getvalue()))["x"]
    array([0, 1, 2])
    """
    compress = flag("save_npz: compress", compress)
    if not isinstance(tensors, Mapping) or not all(isinstance(name, str) and name for name in tensors):
        raise DTypeError(f"save_npz: tensors is a dict by str, not {shown(tensors)}")
    arrays = {name: _array("save_npz", f"tensors[{name!r}]", x) for name, x in tensors.items()}
    with writing(file, "save_npz") as f:
        archive = zips.Writer(f)
        for name, array in arrays.items():
            parts = [_head(array), octets(array)]
            archive.add(f"{name}.npy", parts, align=64, compress=compress)
        archive.close()


def load_npz(file: Readable) -> dict[str, Tensor]:
    """The arrays in a ``.npz`` file by name, as values. FileError (TN805) for a file that is damaged, or of objects.

    >>> import io
    >>> f = io.BytesIO()
    >>> np.savez_compressed(f, x=np.arange(3))
    >>> tn.io.load_npz(io.BytesIO(f.getvalue()))
    {'x': tensor([0, 1, 2])}
    """
    with reading(file, "load_npz") as source, damages(source):
        if not zips.is_zip(source):
            raise source.wrong("it is no archive of arrays", "tn.io.load_npy reads a single one")
        found = {}
        for name, entry in zips.entries(source).items():
            data = Source(io.BytesIO(zips.content(source, entry)), source.name)
            found[name.removesuffix(".npy")] = _read(source, data, f" {name!r}")
        return found


def _array(what: str, argument: str, x: Any) -> np.ndarray[Any, Any]:
    if not isinstance(x, Tensor):
        raise DTypeError(f"{what}: {argument} is a tensor, not {shown(x)}")
    return np.ascontiguousarray(array_of(x)).reshape(x.shape)


def _head(array: np.ndarray[Any, Any]) -> bytes:
    head = io.BytesIO()
    npy.write_array_header_1_0(head, npy.header_data_from_array_1_0(array))
    return head.getvalue()


def _read(file: Source, data: Source, which: str = "") -> Tensor:
    """The array in some bytes, of a file."""
    stream = data.rest()
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise file.wrong(f"its array{which} is of version {version}, which is not known")
    reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        shape, fortran, dtype = reader(stream, HEADER)
    except TokenError as error:  # NumPy looks for the numbers of Python 2
        raise file.wrong(f"the header of its array{which} is damaged: {error}") from error
    if dtype.hasobject:
        raise file.wrong(f"its array{which} is of Python's objects, which are code", "save arrays of numbers")
    ours = _dtype(file, dtype, which)
    start = data.tell()
    nbytes = math.prod(shape) * dtype.itemsize
    if any(n < 0 for n in shape) or nbytes != data.size - start:
        raise file.wrong(f"its array{which} of shape {list(shape)} and {dtype} does not have {data.size - start} bytes")
    array = buffers.empty(shape[::-1] if fortran else shape, np.uint8 if ours is dtypes.bool_ else dtype)
    if nbytes:
        for _ in data.chunks(start, octets(array)):
            pass
    array = array.T if fortran else array
    array = array != 0 if ours is dtypes.bool_ else array
    made = buffers.empty(shape, ours.numpy)
    made[...] = array
    return wrap(made)


def _dtype(file: Source, dtype: Any, which: str) -> dtypes.DType:
    try:
        return dtypes.bfloat16 if dtype == BFLOAT16 else dtypes.as_dtype(dtype.newbyteorder("="))
    except TenureError:
        raise file.wrong(f"its array{which} is of {dtype}, which is no dtype of tensors") from None
