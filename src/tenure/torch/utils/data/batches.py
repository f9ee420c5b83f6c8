"""Batches of samples as PyTorch makes them: tensors stacked, floats as float64, tuples as lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tenure.dtypes import float64
from tenure.errors import following
from tenure.torch.cells import Tensor
from tenure.values.operations.creation import tensor
from tenure.values.operations.shaping import stack


def default_collate(batch: Any) -> Any:
    """Samples as one batch, part by part."""
    first = batch[0]
    if isinstance(first, Tensor):
        if any(x.shape != first.shape for x in batch):
            other = following(k for k, x in enumerate(batch) if x.shape != first.shape)
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first.shape)} at entry 0 and "
                f"{list(batch[other].shape)} at entry {other}"
            )
        return Tensor._of(stack([x._read() for x in batch]))
    if isinstance(first, np.ndarray | np.generic) and not isinstance(first, str | bytes):
        return Tensor._of(tensor(np.stack([np.asarray(x) for x in batch])))
    if isinstance(first, float):
        return Tensor._of(tensor(list(batch), dtype=float64))
    if isinstance(first, bool | int):
        return Tensor._of(tensor(list(batch)))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        made = {key: default_collate([s[key] for s in batch]) for key in first}
        return made if type(first) is dict else _like(first, made)
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*[default_collate(part) for part in zip(*batch, strict=False)])
    if isinstance(first, Sequence):
        if not all(len(s) == len(first) for s in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return [default_collate(part) for part in zip(*batch, strict=True)]
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found " f"{type(first)}"
    )


def _like(first: Any, made: dict[Any, Any]) -> Any:
    try:
        return type(first)(made)
    except TypeError:
        return made


def default_convert(data: Any) -> Any:
    """A sample with its arrays as tensors, part by part."""
    if isinstance(data, np.ndarray | np.generic):
        return data if np.asarray(data).dtype.kind in "OSUV" else Tensor._of(tensor(np.asarray(data)))
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(x) for key, x in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[default_convert(x) for x in data])
    if isinstance(data, tuple):
        return [default_convert(x) for x in data]
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return [default_convert(x) for x in data]
    return data
