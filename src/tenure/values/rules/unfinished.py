"""Registry of pending traces and of their inputs, for ``tn.move`` and for runs in the right order."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import Any


class Unfinished:
    """Pending traces of a thread: the one that it records, the one that it has sealed, and the one that generated code
    runs. ``spare`` is one that has run and that nobody else holds: the next takes over its empty containers."""

    __slots__ = ("__weakref__", "running", "sealed", "spare", "thread", "trace")

    def __init__(self, trace: Any) -> None:
        self.trace = trace
        self.sealed: Any = None
        self.running: Any = None
        self.spare: Any = None
        self.thread = threading.get_ident()
        UNFINISHED.add(self)

    def follow(self, trace: Any) -> Any:
        """Switch to another trace."""
        self.trace = trace
        return trace


UNFINISHED: weakref.WeakSet[Unfinished] = weakref.WeakSet()


def bound_elsewhere(x: Any) -> Any:
    """Pending trace that last read a value; None if there is none. A value that another trace reads too is held
    (``_held``)."""
    bound = getattr(x, "_bound", None)
    t = None if bound is None else bound[0]()
    return None if t is None or t.done else t


def refuse_moved(x: Any) -> None:
    """TN382 for a value that another thread has moved away since this one took it: after it was bound, so that the
    mover knows of that, or it is known here."""
    if not getattr(x, "_held", False):
        x._read()


MOVED: dict[int, weakref.ref[Any]] = {}
"""Results of ``tn.move`` that are still alive, by their identity."""


def note_moved(x: Any) -> None:
    """Note the result of a move, for the report on buffers."""
    key = id(x)
    MOVED[key] = weakref.ref(x, partial(MOVED.pop, key))
