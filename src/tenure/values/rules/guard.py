"""The lock of places: held while loans begin and end, and from a write's last look at a place to its store."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from tenure.runtime.bracket import bracket

GUARD = threading.RLock()
"""Global lock, held while loans begin and end, and from a write's last check of them to its store: so no write slips
into a loan."""
TAKE, RELEASE = ((GUARD.acquire,),), ((GUARD.release,),)
F = TypeVar("F", bound=Callable[..., Any])


def guarded(function: F) -> F:
    """Decorator: the function runs with ``GUARD`` held."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return bracket(TAKE, RELEASE, function, *args, **kwargs)

    return call  # type: ignore[return-value]


def own_lock() -> Any:
    """A lock for one purpose, which is free in the child of a fork."""
    lock: Any = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lock._at_fork_reinit)
    return lock


if hasattr(os, "register_at_fork"):  # a child must not inherit it from a thread that it does not have
    os.register_at_fork(before=GUARD.acquire, after_in_parent=GUARD.release, after_in_child=GUARD.release)

GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether the GIL switches threads only at calls and backward jumps: then a write without loans needs no lock."""
