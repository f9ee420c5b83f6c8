"""Routines: functions of the run time that sort and search, generated once and called by every program.

    i64 routine(ptr buffers, ptr numbers)

They are called as generic functions are: ``buffers`` has the addresses of operands, result and room between, and
``numbers`` the sizes. A compiled program reaches them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tenure.compile.late import late

__all__ = ["EMITTERS", "emitter"]

EMITTERS = {
    "order32": ("ordering", 32),
    "order64": ("ordering", 64),
    "search32": ("searching", 32),
    "search64": ("searching", 64),
}
"""The module that writes a routine, and the bits of its keys."""


def emitter(name: str) -> Callable[[Any, str], None]:
    """The function that adds a routine to a module under a name."""
    module, bits = EMITTERS[name]
    return partial(_emit, module, bits)


def _emit(module: str, bits: int, into: Any, name: str) -> None:
    late(f"routines.{module}").emit(into, name, bits)
