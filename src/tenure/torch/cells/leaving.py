"""Elements that NumPy sees too: what shares memory in PyTorch is a loan here.

While an array of a tensor's elements lives, the tensor is not written, and the array is read-only (TN506): in PyTorch
each would show the other's writes. Under ``torch.aliasing("pytorch")`` it does so here.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from tenure.errors import BorrowError
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.windows import forget, geometry, look, present
from tenure.torch.errors import refuse
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.sites import here, site


class Lent:
    """Arrays that show elements of an owner, each with its geometry and the line that took it. ``memory`` is the array
    that owner and arrays share, if they do; ``shown`` has the last value of each tensor on it."""

    __slots__ = ("arrays", "memory", "node", "shown")

    def __init__(self) -> None:
        self.arrays: list[tuple[Any, Geometry, CodeSite]] = []
        self.memory: Any = None
        self.node: Any = None
        self.shown: dict[int, Any] = {}

    def refuse_write(self, part: Geometry) -> None:
        """TN506 while an array shows what is to be written."""
        self.arrays = [entry for entry in self.arrays if entry[0]() is not None]
        if self.memory is not None or not is_safe():
            return
        for _, at, where in self.arrays:
            if at.overlaps(part):
                raise BorrowError(
                    "a tensor is written while NumPy holds its elements",
                    code="TN506",
                    at=site(here()),
                    notes=[("the array was taken here", site(where))],
                    help="`.detach().clone().numpy()` has elements of its own; or drop the array first",
                )


class Leaving:
    """Methods that give arrays."""

    __slots__ = ()

    def numpy(self: Any, *, force: bool = False) -> Any:
        """The elements as an array, lent: the tensor is not written while the array lives."""
        value = look(self)
        if value._kind.tracked:
            if not force:
                raise refuse("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
            value = detach(value)
        owner = self if self._window is None else self._window.owner
        if owner._lent is None:
            owner._lent = Lent()
        array = value.numpy() if is_safe() else window_of(shared(owner), geometry(self))
        owner._lent.arrays.append((weakref.ref(array), geometry(self), here()))
        return array


def shared(owner: Any) -> Any:
    """Memory of an owner, which arrays may show and write from now on."""
    lent = owner._lent
    if lent.memory is None:
        value = present(owner)
        array = array_of(value)
        flat = np.empty(array.size, array.dtype)
        memory = window_of(flat, geometry(owner))
        memory[...] = array
        lend(owner, memory)
    return lent.memory


def lend(owner: Any, memory: Any) -> None:
    """Keep an owner's elements in memory that it shares; the graphs of its value and of its views' are kept."""
    owner._lent.memory = memory
    for r in owner._borrows:
        if (v := r()) is not None:
            value = getattr(v, "_val", None)
            forget(v)
            if value is not None and value._kind.tracked:
                v._window.node = value
    held = owner._val
    owner._lent.node = held if held._kind.tracked else None
    del owner._val


def window_of(memory: Any, g: Geometry) -> Any:
    """Array of the elements of a geometry, in memory whose first element is the owner's."""
    return np.asarray(_Part(memory, g))


class _Part:
    """Part of an array's memory, which it keeps."""

    def __init__(self, memory: Any, g: Geometry) -> None:
        size, like = memory.itemsize, memory.__array_interface__
        self.memory = memory
        self.__array_interface__ = {
            "version": 3,
            "typestr": like["typestr"],
            "data": (like["data"][0] + g.offset * size, False),
            "shape": g.shape,
            "strides": tuple([n * size for n in g.strides]),
        }
