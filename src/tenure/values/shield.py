"""Keep Ctrl-C out of the few moments in which a run hands its results over."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal
import threading
from types import TracebackType
from typing import Any

SIGINT = int(signal.SIGINT)
MAIN = threading.main_thread().ident


class Shield:
    """A context that defers SIGINT to its end: a program that has begun to write in place is finished."""

    __slots__ = ("active", "noted", "old")

    def __enter__(self) -> Shield:
        self.active = threading.get_ident() == MAIN
        self.noted = False
        if self.active:
            self.old: Any = _signal.getsignal(SIGINT)
            self.active = callable(self.old)
        if self.active:
            _signal.signal(SIGINT, self._note)
        return self

    def _note(self, number: int, frame: Any) -> None:
        at = frame
        while at is not None:
            if at.f_locals.get("shield") is self:
                self.noted = True
                return
            at = at.f_back
        _signal.signal(SIGINT, self.old)  # an exception has left the run without taking the shield down
        signal.raise_signal(SIGINT)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.active:
            _signal.signal(SIGINT, self.old)
            if self.noted:
                signal.raise_signal(signal.SIGINT)
