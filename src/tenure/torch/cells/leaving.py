"""Elements that NumPy sees too: what shares memory in PyTorch is a loan here.

In PyTorch each shows the other's writes. Here the array is read-only while the tensor lives, and is not to be read once
the tensor has been written (TN506): a small array has memory of its own, which a write of the tensor fills; a large
one is no copy, and the write stops. Under ``torch.aliasing("pytorch")`` both are as there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tenure.errors import BorrowError, TenureError
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.outdated import outdate
from tenure.torch.cells.sharing import join, others_of
from tenure.torch.cells.windows import forget, geometry, look, present
from tenure.torch.errors import refuse, translated
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.sites import here, site

SMALL = 1 << 16  # bytes: a copy takes a few µs at most


class Loan(NamedTuple):
    """An array, the geometry of its elements, the line that took it, and the array that has memory of its own for it
    and for views of it, if one has."""

    array: Any
    at: Geometry
    where: CodeSite
    memory: Any


class Lent:
    """Arrays that show elements of an owner. ``memory`` is the array that owner and arrays share, if they do, other
    processes too if it ``is_mapped``; ``shown`` has the last value of each tensor on it. ``former`` is the owner's
    value before another tensor wrote its elements, with the line."""

    __slots__ = ("arrays", "former", "is_mapped", "memory", "node", "shown")

    def __init__(self) -> None:
        self.is_mapped = False
        self.arrays: list[Loan] = []
        self.memory: Any = None
        self.former: Any = None
        self.node: Any = None
        self.shown: dict[int, Any] = {}

    def add(self, array: Any, at: Geometry, memory: Any, keeps: bool = False) -> None:
        """Note that an array shows elements of the owner, which ``keeps`` its memory or not."""
        if self.arrays:
            self.arrays = [loan for loan in self.arrays if (loan.memory or loan.array)() is not None]
        held = None if memory is None else (lambda: memory) if keeps else weakref.ref(memory)
        self.arrays.append(Loan(weakref.ref(array), at, here(), held))

    def refuse_write(self, part: Geometry) -> None:
        """TN506 while an array without memory of its own shows what is to be written."""
        if self.memory is not None or not is_safe():
            return
        for loan in self.arrays:
            if loan.memory is None and loan.array() is not None and loan.at.overlaps(part):
                raise BorrowError(
                    "a tensor is written while NumPy holds its elements",
                    code="TN506",
                    at=site(here()),
                    notes=[("the array was taken here", site(loan.where))],
                    help="`.detach().clone().numpy()` has elements of its own; or drop the array first",
                )

    def show(self, owner: Any, part: Geometry) -> None:
        """Fill the arrays with what was written: they are not to be read from now on."""
        if self.memory is not None:
            return
        whole: Any = None
        for loan in self.arrays:
            memory = loan.memory and loan.memory()
            if memory is None or not loan.at.overlaps(part):
                continue
            if whole is None:
                whole = image(owner)
            target = memory if memory.flags.writeable else window_of(memory, Geometry(0, loan.at.layout))
            target[...] = window_of(whole, loan.at)
            for x in others_of(owner, memory):
                rewritten(x)
            if (array := loan.array()) is not None:
                outdate(array, loan.where, here())


def rewritten(x: Any) -> None:
    """Note that another tensor has written elements that a tensor of an array shows."""
    value = getattr(x, "_val", None)
    if value is not None:
        x._lent.former = value, here()
        del x._val
        for loan in x._lent.arrays:
            if (array := loan.array()) is not None:
                outdate(array, loan.where, here())
    for r in x._borrows:
        if (v := r()) is not None:
            forget(v)


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
        memory = None
        if not is_safe() or owner._lent.is_mapped:
            array = window_of(shared(owner), geometry(self))
        else:
            array = computed(value.numpy)
            if array.nbytes <= SMALL:
                memory = array.copy(order="K")
                join(owner, memory)
                array = memory.view()
                array.flags.writeable = False
        owner._lent.add(array, geometry(self), memory)
        return array


def computed(give: Callable[..., Any], *values: Any) -> Any:
    """Elements, whose computation may find an error only now: in PyTorch's class."""
    try:
        return give(*values)
    except TenureError as error:
        raise translated(error) from None


def image(owner: Any) -> Any:
    """New memory with an owner's elements, as its layout has them."""
    array, at = computed(array_of, present(owner)), geometry(owner)
    reach = at.bounds()[1] + 1 if array.size else 0  # of an owner with strides more than it has elements
    memory = window_of(np.empty(reach, array.dtype), at)
    memory[...] = array
    return memory


def shared(owner: Any) -> Any:
    """Memory of an owner, which arrays may show and write from now on."""
    lent = owner._lent
    if lent.memory is None:
        lend(owner, image(owner))
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
