"""``tn.Shared`` between the ranks of one machine: the same memory in each process, a window of MPI.

Relaxed, a rank adds to it without asking anybody (Hogwild; a parameter server without a server). Ordered, an addition
is a round: a collective in which each rank gives its part, and the first adds all in the order of the ranks.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.distributed.algorithms import meet, objects
from tenure.distributed.world import JOB, RankGroup, chosen
from tenure.errors import TenureError
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import check_differentiable
from tenure.values.operations.reading import value_of
from tenure.values.places.shared import Addition, Array, Shared, apply
from tenure.values.rules.graph import Leaf
from tenure.values.rules.sites import here, site
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike


def shared(
    value: ArrayLike, *, ordered: bool = False, requires_grad: bool = False, group: RankGroup | None = None
) -> Shared:
    """A ``tn.Shared`` that all ranks of a group have together, with the first rank's value; all call it.

    Relaxed unless ``ordered``: then the writer of a rank has its number, ``with s.writer(distributed.rank()) as w:``,
    and each rank adds once a round. With ``requires_grad`` it is a leaf for sparse rows, with a gradient in each
    process; what an optimizer keeps for it is the process's own, too. TenureError if the ranks are on several machines.

    >>> total = tn.distributed.shared(tn.zeros(2))
    >>> total.add_(tn.tensor([1.0, 2.0]))
    >>> total.value
    tensor([1., 2.])
    """
    into, kept = chosen(group), value_of(value).detach()
    ordered, leaf = flag("shared: ordered", ordered), flag("shared: requires_grad", requires_grad)
    if ordered and leaf:
        raise ValueError("shared: an ordered one is no leaf: its writers add to it in rounds, by .add_(delta)")
    if leaf:
        check_differentiable(kept)
    if into.size == 1:
        return Shared(kept, ordered=True, writers=1) if ordered else Shared(kept, requires_grad=leaf)
    return Window(into, kept, ordered, leaf)


class Window(Shared):
    """A Shared whose memory is that of a window."""

    def __init__(self, group: RankGroup, value: Any, ordered: bool, leaf: bool) -> None:
        wait = meet(group, f"shared({value._aval}, ordered={ordered}, requires_grad={leaf})")
        hosts = objects(group, JOB.mpi.Get_processor_name(), wait)
        if len(set(hosts)) > 1:
            raise TenureError(
                f"shared: the ranks of the group are on {len(set(hosts))} machines", at=site(here()),
                help="make a group of the ranks of one machine: distributed.new_group(…)",
            )  # fmt: skip
        array = array_of(value)
        self._leaf = Leaf() if leaf else None
        self._aval = value._aval
        self._window = JOB.mpi.Win.Allocate_shared(max(array.nbytes, 1) if group.rank == 0 else 0, 1, comm=group.comm)
        raw, _ = self._window.Shared_query(0)
        self._memory = np.frombuffer(raw, array.dtype, math.prod(array.shape)).reshape(array.shape)
        if group.rank == 0:
            self._memory[...] = array
        self._rounds: Any = Turns(group, self._memory) if ordered else None
        meet(group, "the end of shared(…)")


class Turns:
    """Rounds of an ordered one, in the terms of ``tn.Shared``: one writer a rank."""

    def __init__(self, group: RankGroup, memory: Array) -> None:
        self.group, self.memory, self.count = group, memory, group.size
        self.inside = False

    @property
    def changed(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to hold: memory changes in rounds alone."""
        return contextlib.nullcontext()

    def enter(self, number: int) -> None:
        """Begin as the writer of this rank."""
        if number != self.group.rank or self.inside:
            mine = self.group.rank
            raise TenureError(f"rank {mine} is writer {mine}, once, not {number}", at=site(here()))
        self.inside = True

    def leave(self, number: int) -> None:
        """Take part in the rounds of the others without adding, until all have left."""
        self.inside = False
        while any(part is not None for part in self.round(None)):
            pass

    def wait(self, number: int) -> None:
        """Nothing: a round is complete when its addition returns."""
        self.refuse_outside(number)

    def add(self, number: int, addition: Addition) -> None:
        """Add this rank's part, with those of all others."""
        self.refuse_outside(number)
        self.round(addition)

    def round(self, addition: Addition | None) -> list[Addition | None]:
        """One round: the additions of all ranks, made in their order."""
        found = objects(self.group, addition, meet(self.group, "a round of an ordered Shared"))
        if self.group.rank == 0:
            for part in found:
                if part is not None:
                    apply(self.memory, part)
        meet(self.group, "the end of a round of an ordered Shared")
        return found

    def refuse_outside(self, number: int) -> None:
        """Raise an error outside of the writer's block."""
        if not self.inside:
            raise TenureError(
                f"writer {number} of an ordered Shared is used outside its block", at=site(here()),
                help=f"with shared.writer({number}) as w: …",
            )  # fmt: skip
