"""Stores: the elements of one owner in memory, as copies and files have them. Tensors made of one store share them, as
those that they are made after did, by the place of each in it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from tenure.torch.cells.geometry import Geometry, is_dense
from tenure.torch.cells.geometry import layout as layout_of
from tenure.torch.cells.layout import stored
from tenure.torch.cells.memory import window_of
from tenure.torch.cells.recasts import Recast
from tenure.torch.cells.seeing import shown_in, steps_to
from tenure.torch.cells.steps import Component, Conjugate, Strided
from tenure.torch.cells.windows import detached, layout, look, present, take
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.rules.modes import no_grad

OTHERS = (Recast, Component)
"""Steps to views that show other numbers than their base."""


def place_of(x: Any) -> tuple[Any, Geometry]:
    """The tensor whose elements x shows, and the place of x in their memory; a stale view is refused."""
    look(x)
    if x._window is None or any(type(step) is Conjugate for step in steps_to(x)):
        return x, Geometry(0, layout(x))
    return x._window.owner, x._window.geometry


def memory_of(owner: Any) -> Any:
    """All elements of a tensor in the order of its memory."""
    of, array = layout(owner), array_of(present(owner))
    if of.is_contiguous:
        return np.ascontiguousarray(array).reshape(-1)
    at = Geometry(0, of)
    memory = np.empty(at.bounds()[1] + 1, array.dtype)
    window_of(memory, at)[...] = array
    return memory


class Store:
    """Elements in the order of memory, which nobody writes, and the tensor that owns them once there is one."""

    def __init__(self, memory: Any) -> None:
        self.memory = memory
        self.owner: Any = None

    def __reduce__(self) -> Any:
        return Store, (self.memory,)

    def tensor(self, face: Any, at: Geometry) -> Any:
        """A tensor of the elements at a place: the first that shows all of them owns them."""
        if self.owner is None and at.offset == 0 and at.layout.size == self.memory.size and is_dense(at.layout):
            array = self.memory if at.layout.is_contiguous else window_of(self.memory, at)
            self.owner = stored(face._of(wrap(np.ascontiguousarray(array).reshape(at.shape))), at.strides)
            return self.owner
        if self.owner is None:
            self.owner = face._of(wrap(self.memory))
        return no_grad().apply(self._shown, at)

    def _shown(self, at: Geometry) -> Any:
        step = Strided(layout(self.owner), at.layout, at.offset)
        return detached(take(self.owner, None, step), False)


class Stores:
    """The stores of the tensors that are written together."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[Any, Store]] = {}

    def of(self, x: Any, *, copies: bool = False) -> tuple[Store, Geometry]:
        """The store that has a tensor's elements, or a copy of them, and where they are. Parts of complex numbers, and
        bytes as another dtype, have a store of their own."""
        owner, at = place_of(x)
        if owner is not x and any(isinstance(step, OTHERS) for step in steps_to(x)):
            memory = memory_of(owner)
            array = shown_in(window_of(memory, at), x)
            first = array.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
            strides = tuple([n // array.itemsize for n in array.strides])
            return Store(memory.view(array.dtype)), Geometry(first // array.itemsize, layout_of(array.shape, strides))
        if id(owner) not in self.known:
            memory = memory_of(owner)
            self.known[id(owner)] = owner, Store(memory.copy() if copies else memory)
        return self.known[id(owner)][1], at


WRITING: ContextVar[Stores | None] = ContextVar("writing", default=None)
"""The stores of the file that is being written."""
