"""Elements that NumPy sees too: what shares memory in PyTorch is a loan here.

In PyTorch each shows the other's writes. Here what an array writes is in the tensor at its next read (``guards``), and
an array is not to be read once the tensor has been written (TN506): such a write fills the array's memory, and makes
the array one that stops. Of more than ``LARGE`` bytes the array is read-only, and a write of the tensor stops. Under
``torch.aliasing("pytorch")`` all are as there.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from tenure.errors import BorrowError, TenureError
from tenure.torch.cells import guards
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.memory import image, window_of
from tenure.torch.cells.outdated import outdate
from tenure.torch.cells.seeing import refuse_signs, shown_in
from tenure.torch.cells.sharing import join, others_of
from tenure.torch.cells.windows import forget, geometry, lineage, look, present
from tenure.torch.errors import refuse, translated
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.modes import current_mode
from tenure.values.rules.sites import here, site


class Loan(NamedTuple):
    """An array, the geometry of its elements, the line that took it, the tensors that it was taken from, and the
    guard of its memory: None of one that is read-only."""

    array: Any
    at: Geometry
    where: CodeSite
    sources: tuple[Any, ...]
    guard: Any


class Lent:
    """Arrays that show elements of an owner: under ``guards``, with the owner's value ``held`` apart. ``memory`` is the
    array that owner and arrays share, under PyTorch's aliasing, other processes too if it ``is_mapped``; ``shown`` has
    the last value of each tensor on it. ``former`` is the owner's value before another name wrote its elements, with
    the line if that was a tensor's."""

    __slots__ = ("arrays", "former", "guards", "held", "is_mapped", "memory", "node", "shown")

    current = staticmethod(guards.current)
    hold = staticmethod(guards.hold)

    def __init__(self) -> None:
        self.is_mapped = False
        self.arrays: list[Loan] = []
        self.guards: list[guards.Guard] = []
        self.held: Any = None
        self.memory: Any = None
        self.former: Any = None
        self.node: Any = None
        self.shown: dict[int, Any] = {}

    def living(self) -> list[Loan]:
        """Loans of arrays that somebody has, or whose memory somebody may write."""
        if self.arrays:
            self.arrays = [loan for loan in self.arrays if loan.array() is not None or loan.guard in self.guards]
        return self.arrays

    def add(self, array: Any, at: Geometry, x: Any, where: CodeSite, guard: Any = None) -> None:
        """Note that an array shows elements, of a tensor that lent them."""
        sources = () if x is None else tuple([weakref.ref(t) for t in lineage(x)])
        self.arrays = [*self.living(), Loan(weakref.ref(array), at, where, sources, guard)]

    def refuse_write(self, part: Geometry) -> None:
        """TN506 while a read-only array shows what is to be written."""
        if self.memory is not None or not is_safe():
            return
        for loan in self.arrays:
            if loan.guard is None and loan.array() is not None and loan.at.overlaps(part):
                raise BorrowError(
                    "a tensor is written while NumPy holds its elements",
                    code="TN506",
                    at=site(here()),
                    notes=[("the array was taken here", site(loan.where))],
                    help="`.detach().clone().numpy()` has elements of its own; or drop the array first",
                )

    def show(self, owner: Any, part: Geometry) -> None:
        """Fill the arrays with what was written: they are not to be read from now on."""
        if self.held is None:
            return
        guards.fill(owner, part)
        for loan in self.living() if is_safe() else ():
            if loan.guard is None or not loan.at.overlaps(part):
                continue
            for x in others_of(owner, loan.guard.plain):
                rewritten(x)
            if (array := loan.array()) is not None:
                outdate(array, loan.where, here())

    def freeze(self, guard: guards.Guard) -> None:
        """Make the arrays of much memory read-only, after many reads without a change, where nothing else shows it."""
        mine = [loan for loan in self.living() if loan.guard is guard]
        arrays = [array for loan in mine if (array := loan.array()) is not None]
        known = (dict, list, tuple, types.FrameType, types.CellType)
        if sys.getrefcount(guard.memory) > len(arrays) + 3 or guard.is_given:
            return
        if any(not isinstance(r, known) for array in arrays for r in gc.get_referrers(array)):
            return
        for array in [*arrays, guard.memory]:
            array.flags.writeable = False
        self.guards = [g for g in self.guards if g is not guard]
        self.arrays = [loan if loan.guard is not guard else loan._replace(guard=None) for loan in self.arrays]


def rewritten(x: Any) -> None:
    """Note that another tensor has written elements that a tensor of an array shows."""
    value = getattr(x, "_val", None)
    if value is None:
        value = x._lent.held
    else:
        del x._val
    if value is not None:
        x._lent.former = value, here()
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
        refuse_signs(self)
        value = exported(self, force)
        owner = self if self._window is None else self._window.owner
        if owner._lent is None:
            owner._lent = Lent()
        lent, at = owner._lent, geometry(self)
        where = here()
        if lent.memory is not None or (lent.held is None and not is_safe()):
            array, guard = shown_in(window_of(shared(owner), at), self), None
        else:
            array, guard = lent_array(owner, value, at, where)
            array = array if guard is None else shown_in(array, self)
        lent.add(array, at, self, where, guard)
        return array


def exported(x: Any, force: bool = False) -> Any:
    """Value of a tensor that may leave its graph; RuntimeError if it requires grad, unless ``force``, in grad mode."""
    value = look(x)
    if not value._kind.tracked:
        return value
    if not force and current_mode().grad:
        raise refuse("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    return detach(value)


def elements(x: Any) -> Any:
    """The elements of a tensor as a read-only array, which shows none of its later writes."""
    return computed(exported(x).numpy)


def lent_array(owner: Any, value: Any, at: Geometry, where: CodeSite) -> tuple[Any, Any]:
    """An array of elements of an owner, and the guard of its memory; a read-only one if they are too many."""
    if not value._aval.size or value._aval.dtype.numpy.kind not in "biufc":
        return computed(value.numpy).copy(), None
    computed(array_of, value)
    guard = guards.guarded(owner, at, where)
    if guard is not None:
        join(owner, guard.memory, is_whole=True)
        return guard.array(at), guard
    for loan in owner._lent.living():
        if loan.guard is not None and loan.at.overlaps(at):
            raise BorrowError(
                "an array is taken of elements of which another array, that may be written, shows a part",
                code="TN506",
                at=site(here()),
                notes=[("that array was taken here", site(loan.where))],
                help="take the array of all of them first and index that, or take `.detach().clone().numpy()`",
            )
    return computed(value.numpy), None


def computed(give: Callable[..., Any], *values: Any) -> Any:
    """Elements, whose computation may find an error only now: in PyTorch's class."""
    try:
        return give(*values)
    except TenureError as error:
        raise translated(error) from None


def shared(owner: Any) -> Any:
    """Memory of an owner, which arrays may show and write from now on."""
    lent = owner._lent
    if lent.memory is None:
        lend(owner, computed(image, present(owner), geometry(owner)))
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
