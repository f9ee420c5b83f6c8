"""Loans of a module's parameters, shared while its ``forward`` runs: writing or replacing one is TN506.

A call only says that it runs. Which parameters that concerns is found out when one is written meanwhile, from the
modules whose calls are on the stack of a thread; so lending costs a call a tenth of a microsecond, however many
parameters it has. Buffers are places that a module declares to be written, and parameters made during the call were
not lent for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

from tenure.values.operations.regions import Region
from tenure.values.places.loans import LENT, Loan, refuse_updating, written_while
from tenure.values.places.parameter import Parameter
from tenure.values.rules.graph import CodeSite

CALLS: set[CodeType] = set()
"""The code of ``Module.__call__``."""


def refuse_write(place: Any, thread: int, born: int) -> None:
    """TN506 for a parameter of a module whose forward runs in a thread, if it was there when that began."""
    if not isinstance(place, Parameter) or place._born >= born:
        return
    for module, where in calls(thread):
        if any(p is place for p in module.parameters()):
            loan = Loan(module, Region.whole(()), False, where, f"the forward of {type(module).__name__}")
            raise written_while(
                loan,
                "a parameter is written while the forward of its module runs",
                "write it before or after the call; what forward writes is a buffer: self.register_buffer(name, value)",
            )


def calls(thread: int) -> Iterator[tuple[Any, CodeSite]]:
    """The modules that are called in a thread, from within, and the lines that call them."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code in CALLS and frame.f_back is not None:
            yield frame.f_locals["self"], (frame.f_back.f_code, frame.f_back.f_lasti)
        frame = frame.f_back


def refuse_call(module: Any) -> None:
    """TN503 where an optimizer is updating parameters of a module that another thread calls."""
    for p in module.parameters():
        refuse_updating(p)


LENT.append(refuse_write)
