"""The ranks of this machine as the processes that they are: who is left while MPI itself waits for all.

MPI_Init and MPI_Finalize wait for each other rank, also for one that has died. Open MPI's daemon starts the ranks of a
machine, with the name of the job in their environment; so each can count those that are left of them. Elsewhere
than on Linux, and under another MPI, nobody counts.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

JOB_NAME, HOW_MANY = "PMIX_NAMESPACE", "OMPI_COMM_WORLD_LOCAL_SIZE"
"""Variables of a rank's environment: its job, and the number of ranks on its machine."""
LOOK = 0.2
"""Seconds between two looks."""
BEGINS, ENDS = 2.0, 5.0
"""Seconds for which a rank must be missing, while the job begins (it may not be started yet) and while it ends (the
others may be gone)."""
PROC = Path("/proc")


def waited_for(call: Any, patience: float) -> bool:
    """Call a function of MPI in which it waits for all ranks: False where one of this machine is missing so long.

    It then still waits, in a thread of its own.
    """
    thread = threading.Thread(target=call, daemon=True, name="tenure MPI")
    thread.start()
    since = None
    while True:
        thread.join(LOOK)
        if not thread.is_alive():
            return True
        now = time.monotonic()
        since = None if not is_missing() else since or now
        if since is not None and now - since >= patience:
            return False


def function(mpi: Any, name: str) -> Any:
    """A function of the library of MPI, which releases the lock; None where it cannot be found."""
    with contextlib.suppress(OSError, AttributeError):
        return getattr(ctypes.CDLL(mpi.__file__), name)
    return None


def is_missing() -> bool:
    """Whether fewer ranks run on this machine than were to be started."""
    wanted = os.environ.get(HOW_MANY, "")
    return wanted.isdigit() and 0 < len(left()) < int(wanted)


def is_first() -> bool:
    """Whether this rank is the one to speak for those that are left."""
    own = os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK", "0")
    ranks = [variable(pid, "OMPI_COMM_WORLD_LOCAL_RANK") for pid in left()]
    return own == min([r for r in ranks if r is not None], key=int, default=own)


def left() -> list[int]:
    """The processes that this machine's daemon has started for the job, and that live; none where nobody knows."""
    parent = daemon()
    if parent is None:
        return []
    name = os.environ[JOB_NAME]
    return [pid for pid in children(parent) if variable(pid, JOB_NAME) == name]


@cache
def daemon() -> int | None:
    """The process that has started the ranks: the first above this one that is not of the job."""
    name = os.environ.get(JOB_NAME)
    if name is None or not sys.platform.startswith("linux"):
        return None
    pid = os.getpid()
    while pid > 1 and variable(pid, JOB_NAME) == name:
        pid = parent_of(pid)
    return pid if pid > 1 else None


def variable(pid: int, name: str) -> str | None:
    """A variable of the environment that a process was started with; None if it has none, or has ended."""
    with contextlib.suppress(OSError):
        for entry in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            key, _, value = entry.partition(b"=")
            if key == name.encode():
                return value.decode(errors="replace")
    return None


def parent_of(pid: int) -> int:
    """The parent of a process; 0 if there is none."""
    with contextlib.suppress(OSError):
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def children(pid: int) -> list[int]:
    """The children of a process."""
    return [p for p in map(int, filter(str.isdigit, os.listdir(PROC))) if parent_of(p) == pid]
