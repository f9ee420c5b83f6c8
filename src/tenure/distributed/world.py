"""The ranks of a job, the groups that they form, and MPI underneath.

A program that was not started by MPI is a world of one rank, for which nothing needs to be installed. Collectives of a
group are numbered: all ranks count alike, so that a number says how far a rank has come.
"""

from __future__ import annotations

import ctypes
import faulthandler
import itertools
import os
import sys
import threading
from collections import Counter
from importlib import import_module
from typing import Any

from tenure._lazy import imported
from tenure.distributed import siblings
from tenure.errors import CollectiveError, DTypeError, TenureError, shown
from tenure.runtime.threads import set_num_threads
from tenure.values.rules.sites import here, site
from tenure.values.trace.given import int_of

STARTED = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK", "MPI_LOCALNRANKS", "PALS_RANKID")
"""Variables of the environment that starters of MPI programs set."""
OPTIONS = {"OMPI_MCA_osc": "^ucx"}
"""Options of Open MPI unless others are set: no component that complains of a network it lacks. The wait loop sleeps by
itself; yielding at each look, as ``mpi_yield_when_idle`` does, would cost a turn of the scheduler on a busy machine."""
INSTALL = "pip install 'tenure[distributed]', or mpi4py beside the MPI of your cluster"
JOINING = 180
"""Seconds that the start of all ranks may take: MPI itself waits for ever for one of another machine that has died."""
TRY_AGAIN = 75
"""Exit code of a job that has lost a rank (EX_TEMPFAIL of sysexits.h)."""
TIMEOUT = 1800.0
"""Seconds for which a collective waits unless ``init`` says otherwise, as PyTorch does."""


class RankGroup:
    """Ranks that communicate with each other: all, or some of them.

    ``rank`` is the number of this process among the ``size`` ranks (−1 if it is none of them); ``ranks`` are their
    numbers in the job as it began.
    """

    def __init__(self, comm: Any, name: str, ranks: tuple[int, ...], rank: int) -> None:
        self.comm, self.name, self.ranks, self.rank = comm, name, ranks, rank
        self.number = 0
        """Number of collectives that this rank has begun here."""
        self.lock = threading.RLock()

    @property
    def size(self) -> int:
        """Number of ranks."""
        return len(self.ranks)

    def __repr__(self) -> str:
        return f"<tenure.distributed.RankGroup of {self.size} ranks>"


class Job:
    """State of this process as a rank: its groups, what it has sent and received, and what ended it."""

    def __init__(self) -> None:
        self.mpi: Any = None
        self.world: RankGroup | None = None
        self.groups: list[RankGroup] = []
        self.letters: Any = None
        """Communicator of messages between two ranks."""
        self.notes: Any = None
        """Communicator of notes on where ranks wait."""
        self.sent: Counter[tuple[int, int]] = Counter()
        self.received: Counter[tuple[int, int]] = Counter()
        """Messages by the rank at the other end, as the job began, and by tag."""
        self.under_way: list[Any] = []
        """Messages that have left, and are perhaps not received yet: requests and what they read."""
        self.abandoned: list[Any] = []
        self.broken: TenureError | None = None
        self.has_lost = False
        """Whether a rank has died: MPI's own end may wait for it."""
        self.timeout: float | None = TIMEOUT
        self.epochs = itertools.count()
        self.pid = os.getpid()
        self.local_rank, self.local_size = 0, 1


JOB = Job()


def init(*, timeout: float | None = TIMEOUT) -> None:
    """Join the job: find the other ranks through MPI.

    The first use of a rank or a collective does it, too. ``timeout`` is in seconds: a collective that waits longer
    raises CollectiveError with the lines at which ranks wait; None waits for ever. Unless ``TENURE_NUM_THREADS`` is
    set, the processors of a machine are divided among the ranks on it. TenureError if the program was started by MPI
    and mpi4py is not installed.

    >>> tn.distributed.init()
    >>> tn.distributed.size()
    1
    """
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0):
        raise DTypeError(f"init: timeout is a number of seconds above 0, or None, not {shown(timeout)}")
    JOB.timeout = timeout
    if JOB.world is None:
        _join()


def is_initialized() -> bool:
    """Whether this process has joined its job.

    >>> tn.distributed.init()
    >>> tn.distributed.is_initialized()
    True
    """
    return JOB.world is not None


def world() -> RankGroup:
    """The group of all ranks that are alive.

    >>> tn.distributed.world().size
    1
    """
    if JOB.world is None:
        _join()
    assert JOB.world is not None
    if JOB.pid != os.getpid() and JOB.world.size > 1:
        raise CollectiveError(
            "a process that was forked from a rank is no rank",
            at=site(here()),
            help="communicate in the process that MPI has started; workers of a loader only load",
        )
    return JOB.world


def rank(group: RankGroup | None = None) -> int:
    """The number of this process among the ranks of a group, of all unless given.

    >>> tn.distributed.rank()
    0
    """
    return chosen(group).rank


def size(group: RankGroup | None = None) -> int:
    """The number of ranks of a group, of all unless given.

    >>> tn.distributed.size()
    1
    """
    return chosen(group).size


def local_rank() -> int:
    """The number of this process among the ranks on its machine.

    >>> tn.distributed.local_rank()
    0
    """
    world()
    return JOB.local_rank


def chosen(group: RankGroup | None) -> RankGroup:
    """A group that was given, or the world; an error for what is none, or one that this rank is not in."""
    if group is None:
        return world()
    if not isinstance(group, RankGroup):
        raise DTypeError(f"group is one of distributed.new_group, or None for all ranks, not {shown(group)}")
    world()
    if group.rank < 0:
        raise CollectiveError(f"rank {world().rank} is not in this group of ranks {list(group.ranks)}", at=site(here()))
    return group


def peer(group: RankGroup, number: Any, name: str) -> int:
    """The number of a rank of a group that was given as an argument."""
    found = int_of(number, name)
    if not 0 <= found < group.size:
        raise ValueError(f"{name}: ranks lie in [0, {group.size}), and {found} does not")
    return found


def new_group(ranks: Any = None) -> RankGroup:
    """A group of some ranks, of all unless given. A collective of all ranks: each calls it, also those outside.

    >>> tn.distributed.new_group([0]).size
    1
    """
    all_of = world()
    if ranks is not None and (isinstance(ranks, str | bytes) or not hasattr(type(ranks), "__iter__")):
        raise DTypeError(f"new_group: ranks is a list of numbers, or None for all, not {shown(ranks)}")
    given = range(all_of.size) if ranks is None else [peer(all_of, r, "new_group: each of ranks") for r in ranks]
    numbers = sorted(set(given))
    if len(numbers) < len(list(given)) or not numbers:
        raise ValueError(f"new_group: ranks are one or more different numbers, not {shown(ranks)}")
    name = f"{all_of.name}.{next(JOB.epochs)}"
    inside = all_of.rank in numbers
    comm = None
    if all_of.size > 1:
        comm = all_of.comm.Split(0 if inside else JOB.mpi.UNDEFINED, all_of.rank)
        comm = _quiet(comm) if inside else None
    group = RankGroup(comm, name, tuple(all_of.ranks[r] for r in numbers), numbers.index(all_of.rank) if inside else -1)
    JOB.groups.append(group)
    return group


def _join() -> None:
    """Join the job; a rank that dies meanwhile ends it, as others may wait in MPI for it."""
    faulthandler.dump_traceback_later(JOINING, exit=True)
    try:
        _meet_others(_mpi())
    except Exception as error:
        if JOB.mpi is None or not isinstance(error, JOB.mpi.Exception):
            raise
        print(f"a rank of this job has died while it began: {error}", file=sys.stderr, flush=True)
        JOB.mpi.COMM_WORLD.Abort(TRY_AGAIN)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _begin(mpi: Any) -> None:
    """Start MPI, unless the program has; a rank of this machine that dies meanwhile ends the job."""
    if mpi.Is_initialized():
        return
    start = siblings.function(mpi, "MPI_Init_thread")
    if start is None:
        mpi.Init_thread()
        return
    provided = ctypes.c_int()
    if not siblings.waited_for(lambda: start(None, None, mpi.THREAD_MULTIPLE, ctypes.byref(provided)), siblings.BEGINS):
        if siblings.is_first():
            print("a rank of this job has died while it began", file=sys.stderr, flush=True)
        os._exit(TRY_AGAIN)


def _meet_others(mpi: Any) -> None:
    JOB.mpi, JOB.pid = mpi, os.getpid()
    if mpi is None or mpi.COMM_WORLD.size == 1:
        JOB.world = RankGroup(None, "world", (0,), 0)
        return
    whole = _quiet(mpi.COMM_WORLD)
    settle(_quiet(whole.Dup()), tuple(range(whole.size)))
    near = whole.Split_type(mpi.COMM_TYPE_SHARED)
    JOB.local_rank, JOB.local_size = near.rank, near.size
    near.Free()
    imported("tenure.distributed.reports").watch()
    if not os.environ.get("TENURE_NUM_THREADS"):
        set_num_threads(max(1, (os.cpu_count() or 1) // JOB.local_size))


def settle(comm: Any, ranks: tuple[int, ...]) -> RankGroup:
    """Make the ranks of a communicator the world."""
    JOB.world = RankGroup(comm, f"world {next(JOB.epochs)}", ranks, comm.rank)
    JOB.groups = [JOB.world]
    JOB.letters, JOB.notes = (_quiet(comm.Dup()), _quiet(comm.Dup())) if comm.size > 1 else (None, None)
    JOB.sent.clear()
    JOB.received.clear()
    JOB.broken = None
    return JOB.world


def _quiet(comm: Any) -> Any:
    """A communicator whose errors are raised: those of a rank that has died are not the end of the others."""
    comm.Set_errhandler(JOB.mpi.ERRORS_RETURN)
    return comm


def _mpi() -> Any:
    """The module of MPI, started; None where the program was not started by one."""
    if "mpi4py.MPI" not in sys.modules and not any(name in os.environ for name in STARTED):
        return None
    for name, value in OPTIONS.items():
        os.environ.setdefault(name, value)
    try:
        rc = import_module("mpi4py").rc
        rc.initialize = rc.finalize = False  # here, and in ``reports.leave``
        found = import_module("mpi4py.MPI")
        _begin(found)
        return found
    except ImportError as error:
        message = f"this program was started by MPI, and mpi4py cannot be imported: {error}"
        raise TenureError(message, help=INSTALL) from None
    except RuntimeError as error:
        raise TenureError(f"mpi4py does not find an MPI: {error}", help=INSTALL) from None
