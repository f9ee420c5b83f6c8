"""Tensors made of arrays of one memory: what is written through one of them, or through the tensor that lent that
memory, is not read of the others (TN506), as each has a copy of the elements.

    n = t.numpy();  s = torch.from_numpy(n);  t.zero_();  s.sum()       PyTorch's s is zero: stopped here
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from tenure.torch.cells.memory import Part

_MADE: dict[int, tuple[Any, list[tuple[Any, int, int]]]] = {}
"""By the array whose memory it is: a reference to it, and the tensors made of it, each with its bounds in memory."""


def root_of(array: Any) -> Any:
    """The array whose memory another shows."""
    while isinstance(array.base, np.ndarray | Part):
        array = array.base.memory if type(array.base) is Part else array.base
    return array


def bounds(array: Any) -> tuple[int, int]:
    """First byte of an array's memory, and the one behind its last."""
    first = array.__array_interface__["data"][0]
    reach = sum([(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]) if array.size else 0
    return first, first + reach + array.itemsize


def join(x: Any, array: Any, *, is_whole: bool = False) -> None:
    """Note that a tensor is made of an array, or of memory that is the whole of one."""
    root = root_of(array)
    name = id(root)
    if name not in _MADE:
        _MADE[name] = weakref.ref(root, lambda _: _MADE.pop(name, None)), []
    made = _MADE[name][1]
    if made:
        made[:] = [at for at in made if at[0]() is not None]
    made.append((weakref.ref(x), *((0, 1 << 64) if is_whole else bounds(array))))


def others_of(writer: Any, array: Any) -> list[Any]:
    """Tensors other than the writer that show elements of an array."""
    _, made = _MADE.get(id(root_of(array)), (None, ()))
    if not made:
        return []
    low, high = bounds(array)
    found = [x() for x, first, end in made if first < high and low < end]
    return [x for x in found if x is not None and x is not writer]
