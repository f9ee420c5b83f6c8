"""Elements that leave for NumPy: an array that shares memory in PyTorch is a loan here.

While the array lives, the tensor is not written: the array would show it in PyTorch, and does not here.
"""

from __future__ import annotations

import weakref
from typing import Any

from tenure.errors import BorrowError
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.windows import geometry, look
from tenure.torch.errors import refuse
from tenure.values.operations.arithmetic import detach
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.sites import here, site


class Lent:
    """Arrays that show elements of an owner, each with its geometry and the line that took it."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: list[tuple[Any, Geometry, CodeSite]] = []

    def refuse_write(self, part: Geometry) -> None:
        """TN506 while an array shows what is to be written."""
        self.arrays = [entry for entry in self.arrays if entry[0]() is not None]
        for _, at, where in self.arrays:
            if at.overlaps(part) and is_safe():
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
        array = value.numpy()
        owner = self if self._window is None else self._window.owner
        if owner._lent is None:
            owner._lent = Lent()
        owner._lent.arrays.append((weakref.ref(array), geometry(self), here()))
        return array
