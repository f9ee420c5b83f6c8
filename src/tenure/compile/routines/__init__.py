"""Routines: functions of the run time that sort, search and transform, generated once and called by every program.

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

EMITTERS: dict[str, tuple[str, Any]] = {
    "order32": ("ordering", 32),
    "order64": ("ordering", 64),
    "search32": ("searching", 32),
    "search64": ("searching", 64),
}
TRANSFORMS = ("c2c64", "c2c128", "r2c32", "r2c64", "c2r64", "c2r128")
EMITTERS |= {name: ("fourier", (name[:3], int(name[3:]))) for name in TRANSFORMS}
"""The module that writes a routine, and what it writes: a transform, and the bits of the first operand's elements."""


def emitter(name: str) -> Callable[[Any, str], None]:
    """The function that adds a routine to a module under a name."""
    return partial(_emit, *EMITTERS[name])


def _emit(module: str, which: Any, into: Any, name: str) -> None:
    late(f"routines.{module}").emit(into, name, which)
