"""Memory with a tensor's elements where PyTorch has them, and arrays of parts of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure.torch.cells.geometry import Geometry
from tenure.values.operations.boundary import array_of


def image(value: Any, at: Geometry) -> Any:
    """New memory with the elements of a value, as a geometry that begins at 0 has them."""
    array = array_of(value)
    reach = at.bounds()[1] + 1 if array.size else 0  # of an owner with strides more than it has elements
    memory = window_of(np.empty(reach, array.dtype), at)
    memory[...] = array
    return memory


def window_of(memory: Any, g: Geometry, dtype: Any = None) -> Any:
    """Array of the elements of a geometry, in memory whose first element is the owner's; its layout counts those of a
    dtype, if the bytes are seen as such."""
    return np.asarray(Part(memory, g, dtype))


class Part:
    """Part of an array's memory, which it keeps."""

    def __init__(self, memory: Any, g: Geometry, dtype: Any = None) -> None:
        like, size = memory.__array_interface__, memory.itemsize if dtype is None else dtype.itemsize
        self.memory = memory
        self.__array_interface__ = {
            "version": 3,
            "typestr": like["typestr"] if dtype is None else dtype.str,
            "data": (like["data"][0] + g.offset * memory.itemsize, False),
            "shape": g.shape,
            "strides": tuple([n * size for n in g.strides]),
        }
