"""Waiting for messages: without spinning, and never for ever.

A rank that has waited for ``PATIENCE`` seconds sends all others a note on where it waits, how many collectives of each
group it has begun, and how many messages it has sent and received; it sends another one when it goes on. From the notes
each sees which ranks wait for each other. A rank whose note stands goes on only once a rank that it waits for has gone
on; so where all that it waits for wait for it in turn, none ever goes on, whatever messages are still under way: no
time limit decides that.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenure.distributed import siblings
from tenure.distributed.world import JOB, RankGroup
from tenure.errors import CollectiveError, RankLost, Site, TenureError
from tenure.values.rules.sites import here, site

PATIENCE, PER_RANK = 0.5, 0.01
"""Seconds after which a rank tells where it waits, and seconds more for each rank of the job."""
SPINS, CROWDED = 100, 5
"""Looks at the messages before the first sleep; where there are more ranks than processors."""
LEFT = 20.0
"""Seconds for which the process of a rank is missing before it counts as gone."""
NOTE = 1


@dataclass(frozen=True)
class Wait:
    """Something that this rank waits for. ``number``: of a collective that all of ``needs`` must have begun, in the
    group of that name; or of ``letters`` of a tag, from the one rank in ``needs``. Without ``needs`` all are there."""

    what: str
    needs: tuple[int, ...] = ()
    group: str = ""
    number: int = 0
    tag: int | None = None
    at: Site | None = None
    """The user's line, where another thread waits for it."""


@dataclass(frozen=True)
class Note:
    """Position of a rank that waits."""

    wait: Wait
    at: Site | None
    begun: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[tuple[int, int], int] = field(default_factory=dict)

    def blocks(self, wait: Wait, who: int) -> bool:
        """Whether this rank has not done yet what another one waits for."""
        if wait.tag is not None:
            return self.sent.get((who, wait.tag), 0) < wait.number
        return self.begun.get(wait.group, 0) < wait.number


def stuck(notes: Mapping[int, Note]) -> set[int]:
    """The ranks, of those that wait, that can never go on."""
    found = set(notes)
    while True:
        going = {r for r in found if not any(
            x in found and notes[x].blocks(notes[r].wait, r) for x in notes[r].wait.needs
        )}  # fmt: skip
        if not going:
            return found
        found -= going


END = "the end of the program"
"""Meeting of all ranks that has no line."""


def line_of(wait: Wait) -> Site | None:
    """The user's line that waits."""
    return None if wait.what == END else wait.at or site(here())


def own_number() -> int:
    """The number of this rank in the job as it began."""
    assert JOB.world is not None
    return JOB.world.ranks[JOB.world.rank]


class Notes:
    """Notes of the other ranks, as they have come in during one wait, and this rank's own once it is sent."""

    def __init__(self, wait: Wait) -> None:
        self.wait, self.others = wait, _STANDING
        self.mine: Note | None = None
        self.counted = self.gone = 0.0
        self.seen = 0.0
        """Time since which this rank is known to be stuck; the others then have a moment to tell where they are."""

    def announce(self) -> None:
        """Tell the others where this rank waits."""
        begun = {g.name: g.number for g in JOB.groups}
        self.mine = Note(self.wait, line_of(self.wait), begun, dict(JOB.sent))
        _tell(self.mine)

    def retract(self) -> None:
        """Tell the others that this rank goes on."""
        if self.mine is not None:
            _tell(None)

    def look(self) -> None:
        """Take in the notes that have come; CollectiveError if this rank can never go on."""
        assert self.mine is not None
        world, mpi = JOB.world, JOB.mpi
        assert world is not None
        status = mpi.Status()
        while JOB.notes.Iprobe(mpi.ANY_SOURCE, NOTE, status):
            data = bytearray(status.Get_count(mpi.BYTE))
            JOB.notes.Recv([data, mpi.BYTE], status.Get_source(), NOTE)
            note, who = pickle.loads(data), world.ranks[status.Get_source()]
            if note is None:
                self.others.pop(who, None)
            else:
                self.others[who] = note
        notes = {**self.others, own_number(): self.mine}
        found = stuck(notes)
        self.seen = self.seen or time.monotonic()
        if own_number() not in found:
            self.seen = 0.0
        elif len(found) == world.size or time.monotonic() > self.seen + 2 * PATIENCE:
            raise unmet("ranks wait for each other", {r: notes[r] for r in found})

    def miss(self) -> None:
        """Count the ranks of this machine, each second: MPI tells of those that were killed, and not of those that have
        left by themselves. CollectiveError where one is missing for longer than MPI needs to tell."""
        now = time.monotonic()
        if JOB.has_lost or now < self.counted + 1.0:
            return
        self.counted = now
        self.gone = (self.gone or now) if siblings.is_missing() else 0.0
        if self.gone and now > self.gone + LEFT and self.mine is not None:
            raise unmet("a rank has left without the end of its program", {own_number(): self.mine})

    def overdue(self, seconds: float) -> CollectiveError:
        """The error of a wait that has taken too long."""
        assert self.mine is not None and JOB.world is not None
        notes = {**self.others, own_number(): self.mine}
        silent = [str(r) for r in self.wait.needs if r not in notes]
        more = f"; rank{'s' * (len(silent) > 1)} {', '.join(silent)} did not come" if silent else ""
        return unmet(f"a rank has waited for {seconds:.0f} s{more}", notes)


_STANDING: dict[int, Note] = {}


ORDER = "every rank of a group calls its collectives in the same order"


def unmet(message: str, notes: Mapping[int, Note], help: str = ORDER) -> CollectiveError:
    """The error of ranks whose lines do not go together: one line for all ranks that wait at the same."""
    lines: dict[tuple[str, Site | None], list[int]] = {}
    for r, note in sorted(notes.items()):
        lines.setdefault((note.wait.what, note.at), []).append(r)
    said = [(f"{listed(ranks)}{' here' * (at is not None)}: {what}", at) for (what, at), ranks in lines.items()]
    return CollectiveError(message, notes=said, help=help)


def listed(ranks: list[int]) -> str:
    """Ranks in words."""
    if len(ranks) == 1:
        return f"rank {ranks[0]} waits"
    whole = ranks == list(range(ranks[0], ranks[-1] + 1)) and len(ranks) > 2
    return f"ranks {f'{ranks[0]} to {ranks[-1]}' if whole else ', '.join(map(str, ranks))} wait"


def finish(requests: list[Any], wait: Wait, held: Any = None) -> None:
    """Wait for requests of MPI, and leave the processor to others meanwhile. ``held`` is the memory that they use.

    RankLost if a rank has died, CollectiveError if this one waits for ever or longer than the job's limit.
    """
    notes = Notes(wait)
    try:
        _finish(requests, notes)
    except BaseException as error:
        JOB.abandoned.append((requests, held))
        if isinstance(error, TenureError):
            JOB.broken = error
        elif is_loss(error):
            raise lost() from None
        else:
            JOB.broken = CollectiveError("a wait for other ranks was interrupted", at=site(here()))
        raise
    notes.retract()


def begun(call: Callable[..., Any], *arguments: Any) -> Any:
    """A message of MPI that is begun; RankLost where its group has lost a rank."""
    try:
        return call(*arguments)
    except Exception as error:
        if is_loss(error):
            raise lost() from None
        raise


def _finish(requests: list[Any], notes: Notes) -> None:
    most = CROWDED if JOB.local_size > (os.cpu_count() or 1) else SPINS
    spins, start, patience = 0, 0.0, PATIENCE + PER_RANK * len(notes.wait.needs)
    while True:
        requests = [r for r in requests if not r.Test()]
        if not requests:
            return
        spins += 1
        if spins <= most:
            continue
        now = time.monotonic()
        start = start or now
        waited = now - start
        time.sleep(2e-5 if waited < 2e-3 else 2e-4 if waited < 0.1 else 2e-3)
        if JOB.broken is not None:  # another thread has found out
            refuse_broken(JOB.world)
        if waited < patience:
            continue
        if notes.mine is None:
            notes.announce()
        notes.look()
        notes.miss()
        if JOB.timeout is not None and waited > JOB.timeout:
            raise notes.overdue(waited)


def _tell(note: Note | None) -> None:
    assert JOB.world is not None
    data = pickle.dumps(note)
    for r in range(JOB.world.size):
        if r != JOB.world.rank:
            JOB.under_way.append((begun(JOB.notes.Isend, [data, JOB.mpi.BYTE], r, NOTE), data))
    sweep()


def sweep() -> None:
    """Forget messages that have been received, and those of a group that has lost a rank, which nobody receives: who
    waits in such a group is told there."""
    left = []
    for request, data in JOB.under_way:
        try:
            done = request.Test()
        except Exception as error:
            if not is_loss(error):
                raise
            JOB.abandoned.append((request, data))
            continue
        if not done:
            left.append((request, data))
    JOB.under_way[:] = left


def is_loss(error: Any) -> bool:
    """Whether an error is one of MPI that says that a rank has died, or that another one has noticed."""
    mpi = JOB.mpi
    if mpi is None or not isinstance(error, mpi.Exception):
        return False
    classes = (getattr(mpi, name, None) for name in ("ERR_PROC_FAILED", "ERR_PROC_FAILED_PENDING", "ERR_REVOKED"))
    return error.Get_error_class() in {c for c in classes if c is not None}


def lost() -> RankLost:
    """The error of a rank that has died; the others get it too, wherever they wait."""
    for comm in [JOB.letters, JOB.notes, *(g.comm for g in JOB.groups)]:
        if comm is not None:
            comm.Revoke()
    _STANDING.clear()
    JOB.has_lost = True
    JOB.broken = RankLost(
        "a rank of this job has died", at=site(here()), help="distributed.elastic(step, …) goes on with the others"
    )
    return JOB.broken


def refuse_broken(group: RankGroup | None) -> None:
    """Raise the error after which collectives have no meaning any more."""
    if JOB.broken is not None and group is not None and group.size > 1:
        kind, before = type(JOB.broken), JOB.broken
        raise kind(before.message, at=before.at, notes=before.notes, help=before.help)
