"""Turns: between what a write reads of a tensor and what it stores there comes no write of another thread.

    x.add_(1)        in two threads reads x and stores x + 1 twice: neither is lost

One lock serves all tensors, as a write of one tells its views, and may be one of their owner. It is held while a write
is recorded. Reading takes none, but for a view whose elements were written since it was read last.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import wraps
from threading import get_ident
from typing import Any, TypeVar

from tenure.errors import TenureError
from tenure.runtime.bracket import at_once
from tenure.values.run.lost import PATIENCE, Running, giving_back, taking

__all__ = ["RUNS", "TURN", "go_on", "in_turn", "is_mine", "patiently"]

TURN = threading.RLock()
"""The lock of writes."""
RUNS = Running.all
"""Runs under way; a write that interrupts one must not wait for long."""
is_mine: Callable[[], bool] = TURN._is_owned  # type: ignore[attr-defined]
"""Whether this thread is in its turn."""
F = TypeVar("F", bound=Callable[..., Any])


def in_turn(method: F) -> F:
    """Decorator of a method that writes its tensor: it runs in a turn, and goes on with what a view shows by then."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if RUNS:
            patiently()
        with TURN:
            w = self._window
            if w is not None and w.foreign:
                go_on(w)
            return method(self, *args, **kwargs)

    return call  # type: ignore[return-value]


def go_on(w: Any) -> None:
    """Let a view that is written go on with the elements that only other threads have written behind it: it was taken
    before them or after, as they came."""
    me = get_ident()
    if all(entry[2] != me for entry in w.foreign):
        w.foreign = ()


def patiently() -> None:
    """Error where the turn does not become free while this thread is in a run that a signal handler or ``__del__`` has
    interrupted: who has the turn may wait for that run (deadlock)."""
    if is_mine() or not Running.here():
        return
    free: list[bool] = []
    at_once((taking(TURN, free, PATIENCE), giving_back(TURN, free)))
    if not free[0]:
        raise TenureError(
            "a signal handler or __del__ writes a tensor while another thread writes, which waits for the interrupted"
            " run",
            help="write it after the run: set a flag in the handler and look at it in the loop",
        )


if hasattr(os, "register_at_fork"):  # a child must not inherit it from a thread that it does not have
    os.register_at_fork(before=TURN.acquire, after_in_parent=TURN.release, after_in_child=TURN.release)
