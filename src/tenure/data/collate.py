"""Batches of samples: collated by their kind, part by part."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from tenure.errors import shown
from tenure.values.operations.creation import tensor
from tenure.values.operations.shaping import stack
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first


@checked_first
def default_collate(batch: list[Any] | tuple[Any, ...]) -> Any:
    """Samples as one batch: tensors and arrays stacked, numbers as a tensor, strings as they are.

    Tuples, lists and mappings are taken part by part, and keep their class; strings that are parts of a tuple or a list
    become a tuple. Floats become float32, as in ``tn.tensor``.
    ValueError where samples have different numbers of parts, TypeError for what is none of these.

    >>> data.default_collate([(tn.tensor([1, 2]), 0), (tn.tensor([3, 4]), 1)])
    (tensor([[1, 2],
            [3, 4]]), tensor([0, 1]))
    """
    if not batch:
        raise ValueError("default_collate: a batch has one sample or more")
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, np.ndarray | np.generic):
        return tensor(np.stack(batch))
    if isinstance(first, bool | int | float | complex):
        return tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        other = [key for s in batch for key in first if key not in s]
        if other:
            raise KeyError(f"default_collate: a sample of the batch has no {other[0]!r}, which the first has")
        return of_mapping(first, {key: default_collate([s[key] for s in batch]) for key in first})
    if isinstance(first, tuple | list):
        if len({len(s) for s in batch}) > 1:
            raise ValueError(f"the samples of a batch have different numbers of parts: {[len(s) for s in batch]}")
        return of_sequence(first, [default_collate(part) for part in zip(*batch, strict=True)])
    raise TypeError(f"a batch is made of tensors, arrays, numbers and containers of them, not {shown(first)}")


@checked_first
def default_convert(data: Any) -> Any:
    """A sample with its arrays and numbers of NumPy as tensors, part by part; all else is as it is.

    >>> data.default_convert({"x": np.array([1, 2]), "name": "a"})
    {'x': tensor([1, 2]), 'name': 'a'}
    """
    if isinstance(data, np.ndarray | np.generic):
        return data if data.dtype.kind in "OSUV" else tensor(data)
    if isinstance(data, Mapping):
        return of_mapping(data, {key: default_convert(x) for key, x in data.items()})
    if isinstance(data, tuple | list):
        return of_sequence(data, [default_convert(x) for x in data])
    return data


def of_mapping(like: Any, items: dict[Any, Any]) -> Any:
    """Items in a mapping of the class of another, or in a dict where that cannot be made."""
    if type(like) is dict:
        return items
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)  # which keeps what else it has, as the default of a defaultdict
            made.update(items)
            return made
        return type(like)(items)
    except TypeError:
        return items


def of_sequence(like: Any, parts: list[Any]) -> Any:
    """Parts in a tuple, named tuple or list of the class of another, or in a list where that cannot be made."""
    try:
        return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)
    except TypeError:
        return parts
