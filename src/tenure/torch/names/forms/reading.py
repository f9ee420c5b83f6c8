"""Reading by index where PyTorch's differs."""

from __future__ import annotations

from typing import Any

import tenure as tn
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.errors import refuse

__all__ = ["inside", "is_face", "padded_rows", "put_by_index", "reduced_by_index", "selected", "taken"]


def taken(x: Any, index: Any) -> Any:
    """Elements of the flattened x."""
    return tn.take(tn.reshape(x, (-1,)), tn.reshape(index, (-1,)), axis=0).reshape(index.shape)


def selected(x: Any, dim: int, index: Any) -> Any:
    """Parts of x along an axis, by number."""
    if len(index.shape) > 1:
        raise refuse("index_select(): Index is supposed to be a vector", IndexError)
    return tn.index_select(x, dim, index)


def padded_rows(rows: Any, size: int, fill_value: int) -> Any:
    """So many rows: the first ones, or filled up with a number."""
    have = rows.shape[0]
    if have >= size:
        return rows[:size]
    more = tn.full((size - have, rows.shape[1]), fill_value, dtype=rows.dtype)
    return tn.cat([rows, more], axis=0)


def is_face(obj: Any) -> bool:
    """Whether an object is a tensor of the face."""
    return isinstance(obj, Tensor)


def inside(fn: Any) -> Any:
    """Function of the user's on the face's tensors as one of values."""
    return None if fn is None else lambda *args: unwrap(fn(*[wrap(x) for x in args]))


def reduced_by_index(x: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool) -> Any:
    """x with parts of a source reduced into it; of a number as of one element."""
    if x.shape:
        return tn.index_reduce(x, dim, index, source, reduce, include_self=include_self)
    one, index = tn.reshape(x, (1,)), tn.reshape(index, (-1,))
    return tn.index_reduce(one, 0, index, tn.reshape(source, (1,)), reduce, include_self=include_self).reshape(())


def put_by_index(x: Any, indices: Any, values: Any, accumulate: bool) -> Any:
    """x with values at an index; of bools an accumulation is "or"."""
    if x.dtype.name == "bool" and accumulate:
        whole = tn.index_put(tn.astype(x, tn.int64), indices, tn.astype(values, tn.int64), accumulate)
        return tn.not_equal(whole, 0)
    return tn.index_put(x, indices, values, accumulate)
