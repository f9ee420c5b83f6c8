"""Traces that have not run yet: those of each thread, and who reads a value."""

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
        """Another trace is recorded now."""
        self.trace = trace
        return trace


UNFINISHED: weakref.WeakSet[Unfinished] = weakref.WeakSet()


def bound_elsewhere(x: Any) -> Any:
    """The trace that has not run and reads a value, as its last reader; None if there is none. A value that a second
    one reads meanwhile is held (``_held``)."""
    bound = getattr(x, "_bound", None)
    t = None if bound is None else bound[0]()
    return None if t is None or t.done else t


def refuse_moved(x: Any) -> None:
    """TN382 for a value that another thread has moved away since this one took it: after it was bound, so that who
    moves it knows of that, or it is known here."""
    if not getattr(x, "_held", False):
        x._read()


MOVED: dict[int, weakref.ref[Any]] = {}
"""The values that ``tn.move`` has given and that somebody still has, by their identity."""


def note_moved(x: Any) -> None:
    """Remember that a value was moved, to say so where its buffer is reused."""
    key = id(x)
    MOVED[key] = weakref.ref(x, partial(MOVED.pop, key))
