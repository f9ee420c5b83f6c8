"""Keep Ctrl-C out of the few moments in which a run hands its results over."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal
import threading
from collections.abc import Callable
from typing import Any

from tenure.runtime.bracket import bracket

SIGINT = int(signal.SIGINT)
MAIN = threading.main_thread().ident


def shielded(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function and defer SIGINT to its end: a program that has begun to write in place is finished."""
    old: Any = _signal.getsignal(SIGINT) if threading.get_ident() == MAIN else None
    if not callable(old):
        return function(*args)
    noted: list[int] = []

    def note(number: int, frame: Any) -> None:
        noted.append(number)

    again = (_raised, noted)
    return bracket(((_signal.signal, SIGINT, note),), ((_signal.signal, SIGINT, old), again), function, *args)


def _raised(noted: list[int]) -> None:
    if noted:
        signal.raise_signal(signal.SIGINT)
