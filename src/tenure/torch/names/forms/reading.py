"""Reading by index where PyTorch's differs."""

from __future__ import annotations

import math
from typing import Any

import tenure as tn
import tenure.nn.functional as F
from tenure.nn.functional.rows import no_negative
from tenure.torch.cautions import AXES, caution
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.cells.inference import is_inference
from tenure.torch.cells.parts import as_index
from tenure.torch.errors import TorchIndexError, TorchValueError, refuse
from tenure.torch.names.precision import AUTOCAST, raised

__all__ = [
    "chance",
    "from_zero",
    "in_row",
    "inside",
    "is_face",
    "is_inference",
    "masked",
    "only_floats",
    "padded",
    "padded_rows",
    "placed_back",
    "places_of",
    "put_by_index",
    "reduced_by_index",
    "selected",
    "some_axes",
    "taken",
    "whole_of",
]


def taken(x: Any, index: Any) -> Any:
    """Elements of the flattened x."""
    return tn.take(tn.reshape(x, (-1,)), tn.reshape(index, (-1,)), axis=0).reshape(index.shape)


def places_of(x: Any, as_tuple: bool) -> Any:
    """Places of the elements that are not zero: rows, or an index array for each axis."""
    if x.shape:
        return tn.nonzero(x) if as_tuple else tn.argwhere(x)
    found = tn.nonzero(tn.reshape(x, (1,)), as_tuple=True)
    return found if as_tuple else tn.zeros(found[0].shape[0], 0, dtype=tn.int64)


def in_row(x: Any) -> Any:
    """x, of which a number without axes is a row of one."""
    return x if x.shape else tn.reshape(x, (1,))


def only_floats(x: Any) -> Any:
    """x, which is of floats."""
    if not x.dtype.has_gradient:
        raise refuse(f"not supported for {x.dtype.name}", help="cast to a float first")
    return x


def placed_back(fn: Any, x: Any, indices: Any, *args: Any) -> Any:
    """Unpooling, whose gradient goes to every element of an index, though one alone is seen."""
    indices = from_zero(indices)
    found = fn(tn.detach(x), indices, *args)
    if not x.requires_grad:
        return found
    axes = int(fn.__name__[-2])
    batch = x.shape[: len(x.shape) - axes]
    flat = tn.zeros(*found.shape[: len(batch)], math.prod(found.shape[len(batch) :]), dtype=x.dtype)
    sums = tn.scatter_add(flat, -1, indices.flatten(len(batch)), x.flatten(len(batch))).reshape(found.shape)
    return found + (sums - tn.detach(sums))


def padded(x: Any, widths: Any, mode: str, value: Any) -> Any:
    """x with elements around it; what a negative width cuts off is no part of a circle."""
    widths = [int(n) for n in widths]
    if AUTOCAST.dtype is not None and (mode == "replicate" or (mode == "reflect" and len(widths) < 6)):
        (x,) = raised(x)
    if mode == "circular" and min(widths, default=0) < 0:
        for k in range(len(widths) // 2):
            left, right = widths[2 * k : 2 * k + 2]
            at, size = len(x.shape) - 1 - k, x.shape[len(x.shape) - 1 - k]
            x = tn.narrow(x, at, max(-left, 0), size - max(-left, 0) - max(-right, 0))
        widths = [max(n, 0) for n in widths]
    return F.pad(x, tuple(widths), mode, value)


def chance(p: Any) -> Any:
    """A probability."""
    if not 0 <= p <= 1:
        raise refuse(f"dropout probability has to be between 0 and 1, but got {p}", TorchValueError)
    return p


def some_axes(name: str, x: Any) -> bool:
    """True: an input of a dropout of channels, of which PyTorch warns, or refuses it, where it has other axes."""
    k, n = int(name[-2]), len(x.shape)
    if n not in (k + 1, k + 2) and k == 1:
        raise refuse(
            f"dropout1d: Expected 2D or 3D input, but received a {n}D input. Note that dropout1d exists to provide"
            " channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch"
            " dimension (i.e. 2D or 3D inputs)."
        )
    if n not in (k + 1, k + 2):
        caution(AXES.format(name=name, n=n, k=k, low=k + 1, high=k + 2))
    return True


def from_zero(index: Any) -> Any:
    """An index in which a number below 0 is out of range, as in PyTorch's functions: they do not count from the end."""
    return no_negative(index) if index.dtype.kind == "i" else index


def selected(x: Any, dim: int, index: Any) -> Any:
    """Parts of x along an axis, by number."""
    if len(index.shape) > 1:
        raise refuse("index_select(): Index is supposed to be a vector", TorchIndexError)
    if index.dtype.name not in ("int32", "int64"):
        raise refuse("index_select(): Expected dtype int32 or int64 for index")
    return tn.index_select(x, dim, from_zero(index))


def masked(x: Any, mask: Any) -> Any:
    """Elements of x where a mask is true."""
    if mask.dtype.name not in ("bool", "uint8"):
        raise refuse("masked_select: expected BoolTensor for mask")
    return tn.masked_select(x, mask)


def padded_rows(rows: Any, size: int, fill_value: int) -> Any:
    """So many rows: the first ones, or filled up with a number."""
    have = rows.shape[0]
    if size < 0:
        raise refuse("nonzero_static: 'size' must be an non-negative integer")
    if have >= size:
        return rows[:size]
    more = tn.full((size - have, rows.shape[1]), fill_value, dtype=rows.dtype)
    return tn.cat([rows, more], axis=0)


def is_face(obj: Any) -> bool:
    """Whether an object is a tensor of the face, sparse ones included."""
    return isinstance(obj, Tensor) or hasattr(type(obj), "_as_rows")


def inside(fn: Any) -> Any:
    """Function of the user's on the face's tensors as one of values."""
    return None if fn is None else lambda *args: unwrap(fn(*[wrap(x) for x in args]))


def reduced_by_index(x: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool) -> Any:
    """x with parts of a source reduced into it; of a number as of one element."""
    index = from_zero(index)
    if x.shape:
        return tn.index_reduce(x, dim, index, source, reduce, include_self=include_self)
    one, index = tn.reshape(x, (1,)), tn.reshape(index, (-1,))
    return tn.index_reduce(one, 0, index, tn.reshape(source, (1,)), reduce, include_self=include_self).reshape(())


def put_by_index(x: Any, indices: Any, values: Any, accumulate: bool) -> Any:
    """x with values at an index; of bools an accumulation is "or"."""
    indices = tuple([as_index(e) if isinstance(e, tn.Tensor) else e for e in indices])
    if x.dtype.name == "bool" and accumulate:
        whole = tn.index_put(tn.astype(x, tn.int64), indices, tn.astype(values, tn.int64), accumulate)
        return tn.not_equal(whole, 0)
    return tn.index_put(x, indices, values, accumulate)


def whole_of(x: Any, number: Any) -> Any:
    """A number to be written to elements of x: a whole one where these are."""
    return int(number) if type(number) is float and x._aval.dtype.kind in "iu" else number
