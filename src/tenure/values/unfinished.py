"""The traces of each thread that have not run yet: whoever moves what they read looks here."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import Any


class Unfinished:
    """The trace that a thread records, the one that it has sealed, and the one that generated code runs."""

    __slots__ = ("__weakref__", "running", "sealed", "thread", "trace")

    def __init__(self, trace: Any) -> None:
        self.trace = trace
        self.sealed: Any = None
        self.running: Any = None
        self.thread = threading.get_ident()
        UNFINISHED.add(self)

    def follow(self, trace: Any) -> Any:
        """Another trace is recorded now. One that was left in the middle of a step keeps what it reads."""
        if self.trace.busy:
            for x in self.trace.inputs:
                x._held = True
        self.trace = trace
        return trace


UNFINISHED: weakref.WeakSet[Unfinished] = weakref.WeakSet()

MOVED: dict[int, weakref.ref[Any]] = {}
"""The values that ``tn.move`` has given and that somebody still has, by their identity."""


def note_moved(x: Any) -> None:
    """Remember that a value was moved, to say so where its buffer is reused."""
    key = id(x)
    MOVED[key] = weakref.ref(x, partial(MOVED.pop, key))
