"""Deferral of Ctrl-C to the next pause or the end of a run, so that no run is left in the middle of a kernel."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal
import threading
from collections.abc import Callable
from typing import Any

from tenure.runtime.bracket import bracket
from tenure.runtime.pauses import NOTED

SIGINT = int(signal.SIGINT)
MAIN = threading.main_thread().ident


def shielded(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function and defer SIGINT to its end; running programs stop at the next pause (``runtime.pauses``)."""
    old: Any = _signal.getsignal(SIGINT) if threading.get_ident() == MAIN else None
    if not callable(old):
        return function(*args)
    back = [old]
    restore = list, map(_signal.signal, (SIGINT,), back)
    return bracket(((_signal.signal, SIGINT, _note),), ((_keep_newer, back), restore, (_raise_noted,)), function, *args)


def _keep_newer(back: list[Any]) -> None:
    """Replace the handler to restore by one that was installed meanwhile."""
    found = _signal.getsignal(SIGINT)
    if found is not _note:
        back[0] = found


def _note(number: int, frame: Any) -> None:
    NOTED.append(number)


def _raise_noted() -> None:
    if NOTED:
        NOTED.clear()
        signal.raise_signal(signal.SIGINT)
