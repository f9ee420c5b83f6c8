"""What becomes of what a run could not compute: an operation failed, an exception ended it, its process was forked."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from tenure.errors import TenureError
from tenure.interp.interp import Poison
from tenure.runtime.bracket import bracket
from tenure.values.sites import place_of, site
from tenure.values.unfinished import UNFINISHED

AXIS = re.compile(r"axis \d+(?= of size)")


class Running:
    """What threads run, or wait to run: a forked process finds here whose traces are not run any more."""

    all: ClassVar[dict[tuple[int, int], Any]] = {}

    @classmethod
    def locked(cls, function: Callable[..., Any], t: Any, *args: Any) -> Any:
        """Call a function with a trace whose lock is held."""
        key = (id(t), threading.get_ident())
        begin, end = (cls.all.__setitem__, key, t), (cls.all.pop, key, None)
        return bracket((begin, (t.lock.acquire,)), ((t.lock.release,), end), function, t, *args)

    @classmethod
    def forked(cls) -> None:
        """In the child of a fork: what other threads were computing is lost, and their locks are free."""
        here = threading.get_ident()
        gone = [t for key, t in cls.all.items() if key[1] != here]
        cls.all = {key: t for key, t in cls.all.items() if key[1] == here}
        for cell in list(UNFINISHED):
            if cell.running is not None and cell.thread != here:
                gone.append(cell.running)
                cell.running = None
        for t in gone:
            t.lock = threading.RLock()
            if t.running and len(t.inputs) != t.node.inputs:
                lose(t.handles, "the thread that computes this is not in this process, which was forked")
            t.running = False


def break_off(t: Any, plan: Any, handles: list[Any], error: BaseException) -> None:
    """An exception out of a signal handler has ended a run. What it had not begun can still be computed; what it
    was computing, places among it, says so from now on."""
    t.running = False
    if len(t.inputs) == t.node.inputs:
        return
    lose([handles[slot] for slot in plan.slots], f"the run that computes this was broken off by {type(error).__name__}")


def lose(handles: list[Any], why: str) -> None:
    """What is not computed any more says so."""
    lost = Poison(TenureError(why))
    for h in handles:
        if h._data is None:
            h._data = lost
        h._trace = h._node = None


def locate(t: Any, handles: list[Any], poison: Poison) -> None:
    """Name the line that recorded what failed."""
    error = poison.error
    if isinstance(error, TenureError) and error.at is None and 0 <= poison.origin < len(handles):
        h = handles[poison.origin]
        error.at = site(place_of(t, h))
        if h._node is not None and h._node.level is not None:  # the program's axes are not those of one example
            error.message = AXIS.sub("an axis", error.message)
            error.args = (error.message,)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Running.forked)
