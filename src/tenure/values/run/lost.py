"""Recovery from incomplete runs: a failed operation, an exception out of a run, a fork."""

from __future__ import annotations

import operator
import os
import re
import threading
from collections.abc import Callable
from itertools import compress
from typing import Any, ClassVar

from tenure.errors import OutOfMemory, TenureError
from tenure.interp.interp import Poison
from tenure.runtime.bracket import at_once, bracket
from tenure.values.rules.sites import here, site, site_of
from tenure.values.rules.unfinished import UNFINISHED

AXIS = re.compile(r"axis \d+(?= of size)")


class Running:
    """Registry of running or waiting threads' traces: a forked process finds those that will not run any more."""

    all: ClassVar[dict[tuple[object, int], Any]] = {}

    @classmethod
    def locked(cls, function: Callable[..., Any], t: Any, *args: Any) -> Any:
        """Call a function with a trace whose lock is held."""
        key = (object(), threading.get_ident())
        if cls.here():
            refuse_to_wait(t)
        begin, end = (cls.all.__setitem__, key, t), (cls.all.pop, key, None)
        return bracket((begin, (t.lock.acquire,)), ((t.lock.release,), end), function, t, *args)

    @classmethod
    def here(cls) -> bool:
        """Whether this thread is in a run, which a signal handler or ``__del__`` has interrupted."""
        if not cls.all:
            return False
        me = threading.get_ident()
        return any(thread == me for _, thread in cls.all.copy())

    @classmethod
    def forked(cls) -> None:
        """Poison, in the child of a fork, the results that other threads were computing, and free their locks."""
        here = threading.get_ident()
        gone = [cls.all.pop(key) for key in list(cls.all) if key[1] != here]
        for cell in list(UNFINISHED):
            if cell.running is not None and cell.thread != here:
                gone.append(cell.running)
                cell.running = None
        for t in gone:
            t.lock = threading.RLock()
            if t.running and len(t.inputs) != t.path.inputs:
                lose(t.handles, "the thread that computes this is not in this process, which was forked")
            t.running = False


PATIENCE = 5.0
"""Seconds for which a thread that has interrupted a run waits for another thread's."""


def refuse_to_wait(t: Any) -> None:
    """Error where the lock of a trace does not become free while this thread is in the run of another one, which a
    signal handler or ``__del__`` has interrupted: the other thread may wait for that (deadlock)."""
    free: list[bool] = []
    at_once((taking(t.lock, free, PATIENCE), giving_back(t.lock, free)))
    if not free[0]:
        raise TenureError(
            "a signal handler or __del__ reads what another thread computes, which waits for the interrupted run",
            help="read it after the run: set a flag in the handler and look at it in the loop",
        )


def taking(lock: Any, free: list[bool], patience: float) -> tuple[Any, ...]:
    """Step that takes a lock if it becomes free within some seconds, and notes whether it has."""
    return free.extend, map(lock.acquire, (True,), (patience,))


def giving_back(lock: Any, free: list[bool]) -> tuple[Any, ...]:
    """Step that releases a lock if ``taking`` has taken it."""
    return list, map(operator.call, compress((lock.release,), free))


def break_off(t: Any, plan: Any, handles: list[Any], error: BaseException) -> BaseException:
    """Error to raise after an exception has ended a run, out of a signal handler or for lack of memory. Steps not begun
    can still be computed; the results in computation, places among them, are poisoned."""
    t.running, t.suspended = False, None
    results = [handles[slot] for slot in plan.slots]
    if isinstance(error, MemoryError):
        error = no_memory(t, results)
    if len(t.inputs) != t.path.inputs:
        lose(results, f"the run that computes this was broken off by {type(error).__name__}")
    return error


def no_memory(t: Any, results: list[Any]) -> OutOfMemory:
    """Error for lack of memory: the largest result of a run, and the line that recorded it."""
    largest = max(results, key=lambda h: h._aval.nbytes)
    aval = largest._aval
    found = OutOfMemory.of(aval.shape, aval.dtype.name, aval.nbytes, site(site_of(t, largest) or here()))
    found.__suppress_context__ = True
    return found


def lose(handles: list[Any], why: str) -> None:
    """Poison handles that will not be computed any more."""
    lost = Poison(TenureError(why))
    for h in handles:
        if h._data is None:
            h._data = lost
        h._trace = h._rule = None


def locate(t: Any, handles: list[Any], poison: Poison) -> None:
    """Add the line that recorded a failed operation to its error."""
    error = poison.error
    if isinstance(error, TenureError) and error.at is None and 0 <= poison.origin < len(handles):
        h = handles[poison.origin]
        error.at = site(site_of(t, h))
        if h._kind.level is not None:  # the program's axes are not those of one example
            error.message = AXIS.sub("an axis", error.message)
            error.args = (error.message,)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Running.forked)
