"""Training that goes on when a rank dies.

A step is a transaction: its states at the begin are values, which nothing changes, and are kept until the next step has
begun. When a rank has died the others make a group without it, agree on the last step that one of them has begun, take
that one's states at its begin, and take the step again. As bits do not depend on the number of ranks, the run is the
one that nothing had happened to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from tenure.distributed.algorithms import meet, objects, spread
from tenure.distributed.checkpoint import apart, has_checkpoint, load_checkpoint, together, write
from tenure.distributed.pending import PENDING, Pending
from tenure.distributed.waiting import is_loss, lost
from tenure.distributed.world import JOB, settle, world
from tenure.distributed.zero import Sharded
from tenure.errors import DTypeError, RankLost, shown
from tenure.io.checkpoint import RANDOM, put_back, random_state, state_of
from tenure.runtime.buffers import empty
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import int_of

STEP = "step"


def elastic(
    step: Callable[[int], Any],
    steps: int,
    /,
    *,
    folder: str | os.PathLike[str] | None = None,
    every: int = 1000,
    **parts: Any,
) -> int:
    """Call ``step(k)`` for k = 0, 1, … below ``steps`` on all ranks, and go on when one of them dies; gives how many
    have died.

    ``parts`` are what a step changes: the parallel model, optimizer, schedule, loader. Where MPI can go on without a
    rank (``tenure launch``, ``mpirun --with-ft ulfm``), the others take the step in progress again, from their memory.
    With ``folder`` a checkpoint is written after each ``every`` steps and at the end, and a run that is started anew
    begins at the last one: the way back where MPI ends the job, and where an optimizer is sharded, as a dead rank's
    states are lost. A step that accumulates gradients for a later one is taken again with those. All parts work with
    the group of all ranks. DTypeError for arguments that do not fit; RankLost if there is no way back.

    >>> net = tn.distributed.parallel(nn.Linear(2, 1), shards=2)
    >>> seen = []
    >>> tn.distributed.elastic(seen.append, 3, model=net), seen
    (0, [0, 1, 2])
    """
    if not callable(step):
        raise DTypeError(f"elastic: step is a function of the number of the step, not {shown(step)}")
    steps, every = int_of(steps, "elastic: steps"), int_of(every, "elastic: every")
    if every < 1:
        raise ValueError(f"elastic: every is a number of steps, 1 or more, not {every}")
    for reserved in (STEP, RANDOM):
        if reserved in parts:
            raise DTypeError(f"elastic: {reserved!r} is a name of its own", help="take another one")
    whole = Run(step, parts, folder, every)
    before = world().size
    try:
        while True:
            try:
                whole.go(steps)
                meet(world(), "the end of elastic(…)")
                return before - world().size
            except RankLost:
                whole.recover()
    finally:
        whole.pending.close()


class Run:
    """A loop of steps, with the states at the begin of the present one."""

    def __init__(self, step: Callable[[int], Any], parts: dict[str, Any], folder: Any, every: int) -> None:
        self.step, self.parts, self.folder, self.every = step, parts, folder, every
        self.number = 0
        self.pending = Pending(parts.values())
        self.kept: dict[str, Any] = {}
        self.kept_at = 0
        """The step at whose begin the states were kept."""
        self.saved = -1
        """The step before which the last checkpoint was written."""

    def begin(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        if self.folder is not None and has_checkpoint(self.folder):
            rest = load_checkpoint(self.folder, **self.parts)
            self.number = self.saved = int(rest[STEP])
            self.pending.put_back(rest.get(PENDING, {}))

    def go(self, steps: int) -> None:
        """Take the steps that are left."""
        if not self.kept:
            self.begin()
        while self.number < steps:
            self.keep()
            self.step(self.number)
            self.number += 1
            due = self.number // self.every > max(self.saved, 0) // self.every and not self.pending.of_each_rank()
            if self.folder is not None and (due or self.number == steps):
                self.keep()
                self.save()

    def save(self) -> None:
        """Write a checkpoint."""
        write(self.folder, None, {**self.parts, STEP: self.number}, {PENDING: self.pending.state()})
        self.saved = self.number

    def keep(self) -> None:
        """Keep the states as they are now, unless each rank has gradients of its own."""
        if world().size > 1 and not self.pending.of_each_rank():
            states = {name: self.state(x) for name, x in self.parts.items()}
            self.kept = {**states, PENDING: self.pending.state(), RANDOM: random_state()}
            self.kept_at = self.number

    @staticmethod
    def state(x: Any) -> Any:
        """The state of a part; of a sharded optimizer its own."""
        return x.own_state_dict() if isinstance(x, Sharded) else state_of(x)

    def recover(self) -> None:
        """Make the others the world, and all of them equal; again where another rank dies meanwhile."""
        while True:
            try:
                self.regroup()
            except RankLost:
                continue
            if world().rank == 0:
                message = f"a rank has died; at step {self.number} the job goes on with {world().size}"
                print(message, file=sys.stderr, flush=True)
            return

    def regroup(self) -> None:
        """One attempt to recover."""
        shrink()
        ranks = world()
        if any(isinstance(x, Sharded) for x in self.parts.values()):
            self.reload()
            return
        wait = meet(ranks, "the recovery of a lost rank")
        own = self.kept_at, bool(self.kept)
        numbers = objects(ranks, own, wait) if ranks.size > 1 else [own]
        if any(kept for _, kept in numbers):
            last, leader = max((number, -r) for r, (number, kept) in enumerate(numbers) if kept)
            states = self.kept if ranks.size == 1 else shared(self.kept, -leader)
            self.number = self.kept_at = last
            self.kept = states
            self.pending.put_back(put_back(dict(states), self.parts)[PENDING])
        else:
            self.pending.put_back({})
            self.begin()

    def reload(self) -> None:
        """Go on from the last checkpoint."""
        if self.folder is None or not has_checkpoint(self.folder):
            raise RuntimeError("a rank has died, and the states of its sharded optimizer: give elastic a folder")
        self.begin()


def shrink() -> None:
    """Make the ranks that are alive the world; RankLost where MPI cannot."""
    before, mpi = world(), JOB.mpi
    if before.comm is None or not hasattr(before.comm, "Shrink"):
        raise RuntimeError("a rank has died, and this MPI cannot go on without it")
    try:
        comm = before.comm.Shrink()
        group = mpi.Group.Translate_ranks(comm.Get_group(), list(range(comm.size)), before.comm.Get_group())
        comm.Set_errhandler(mpi.ERRORS_RETURN)
        settle(comm, tuple(before.ranks[r] for r in group))
    except mpi.Exception as error:
        if not is_loss(error):
            raise
        raise lost() from None


def shared(states: dict[str, Any], leader: int) -> dict[str, Any]:
    """The states of one rank, on all: what is no tensor as an object, tensors from memory to memory."""
    ranks = world()
    wait = meet(ranks, "the states at the begin of the step")
    tensors: list[Tensor] = []
    form = apart(states, tensors, {}) if ranks.rank == leader else None
    form, avals = objects(ranks, (form, [x._aval for x in tensors]), wait)[leader]
    found = []
    for k, aval in enumerate(avals):
        array = array_of(tensors[k]) if ranks.rank == leader else empty(aval.shape, aval.dtype.numpy)
        spread(ranks, array, leader, wait)
        found.append(wrap(array, aval))
    return together(form, found)  # type: ignore[no-any-return]
