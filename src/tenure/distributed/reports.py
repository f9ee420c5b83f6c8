"""The end of a rank: all ranks leave together, and an error of one is shown once, with its rank, and ends the job.

A rank that fails tells the others, and waits a moment for those that fail too. The lowest of them writes: each
different error once, with the ranks that have it, and ends the job.
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
import time
import traceback
from typing import Any

from tenure.distributed import siblings
from tenure.distributed.algorithms import meet
from tenure.distributed.waiting import END, sweep
from tenure.distributed.world import JOB, TRY_AGAIN
from tenure.errors import CollectiveError, RankLost, TenureError
from tenure.values.rules.sites import PACKAGE

FAILED = 2
"""Tag of the reports among the notes."""
GRACE = 0.4
"""Seconds for other ranks to fail too."""


def watch() -> None:
    """Set the hooks of a process that is a rank among several."""
    before = sys.excepthook

    def failed(kind: type[BaseException], error: BaseException, where: Any) -> None:
        if not is_rank() or not issubclass(kind, Exception):
            before(kind, error, where)
            return
        fail(error)

    sys.excepthook = failed
    atexit.register(leave)


def is_rank() -> bool:
    """Whether this process itself is one of several ranks, not forked from one."""
    return JOB.world is not None and JOB.world.size > 1 and JOB.pid == os.getpid()


def leave() -> None:
    """Wait at the end of the program for the other ranks, which may still communicate."""
    if JOB.pid != os.getpid() or JOB.mpi is None:
        return
    try:
        if is_rank() and JOB.broken is None:
            assert JOB.world is not None
            meet(JOB.world, END)
            _deliver()
    except RankLost:
        pass  # it had come to its end, or the others have gone on without it
    except (TenureError, KeyboardInterrupt) as error:
        fail(error)
    end()


def end() -> None:
    """End MPI, where all ranks are there: it would wait for one that has died."""
    mpi = JOB.mpi
    finalize = siblings.function(mpi, "MPI_Finalize")
    if JOB.has_lost or mpi.Is_finalized():
        return
    if finalize is None:
        mpi.Finalize()
    else:
        siblings.waited_for(finalize, siblings.ENDS)


def _deliver() -> None:
    """Wait for messages that have left; an error for one that is not received by the end of all programs."""
    end = time.monotonic() + GRACE
    while JOB.under_way and time.monotonic() < end:
        sweep()
        time.sleep(1e-3)
    if JOB.under_way:
        raise CollectiveError(
            f"rank {JOB.world.rank if JOB.world else 0} has sent a message that no rank has received by the end"
        )


def fail(error: BaseException) -> None:
    """Report an error of this rank, and end the job. Does not return."""
    found = _others((key_of(error), text_of(error)))
    assert JOB.world is not None
    mine = JOB.world.ranks[JOB.world.rank]
    if mine == min(found):
        by_key: dict[Any, list[int]] = {}
        for r in sorted(found):
            by_key.setdefault(found[r][0], []).append(r)
        for ranks in by_key.values():
            print(f"{named(ranks)}: {found[ranks[0]][1]}", end="", file=sys.stderr)
    else:
        time.sleep(5 * GRACE)
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(error, RankLost):
        os._exit(TRY_AGAIN)  # the code of an Abort is lost where a rank has died before: mpirun then gives 0
    JOB.mpi.COMM_WORLD.Abort(1)


def text_of(error: BaseException) -> str:
    """The traceback of an error, without the library's own lines where it says itself what was wrong."""
    found = traceback.TracebackException.from_exception(error)
    if isinstance(error, TenureError):
        lines = [line for line in found.stack if not line.filename.startswith(PACKAGE)]
        found.stack = traceback.StackSummary.from_list(lines)
    return "".join(found.format())


def key_of(error: BaseException) -> Any:
    """Part of an error that is the same on all ranks that have it."""
    if isinstance(error, TenureError):
        return type(error).__name__, error.message, error.notes, error.help
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return type(error).__name__, str(error), tuple((f.filename, f.lineno) for f in last)


def named(ranks: list[int]) -> str:
    """Ranks in words, in front of their error."""
    if len(ranks) == 1:
        return f"rank {ranks[0]}"
    if ranks == list(range(ranks[0], ranks[-1] + 1)) and len(ranks) > 2:
        return f"ranks {ranks[0]} to {ranks[-1]}"
    return f"ranks {', '.join(map(str, ranks))}"


def _others(mine: tuple[Any, str]) -> dict[int, tuple[Any, str]]:
    """The reports of all ranks that fail within a moment, this one's among them, by their numbers."""
    world, mpi, notes = JOB.world, JOB.mpi, JOB.notes
    assert world is not None
    found = {world.ranks[world.rank]: mine}
    data, status = pickle.dumps(mine), mpi.Status()
    try:
        held = [notes.Isend([data, mpi.BYTE], r, FAILED) for r in range(world.size) if r != world.rank]
        end = time.monotonic() + GRACE
        while time.monotonic() < end and len(found) < world.size:
            if not notes.Iprobe(mpi.ANY_SOURCE, FAILED, status):
                time.sleep(1e-3)
                continue
            theirs = bytearray(status.Get_count(mpi.BYTE))
            notes.Recv([theirs, mpi.BYTE], status.Get_source(), FAILED)
            found[world.ranks[status.Get_source()]] = pickle.loads(theirs)
        JOB.abandoned.append(held)
    except mpi.Exception:  # a rank has died: then each writes for itself
        pass
    return found
