"""Errors that a ``try`` of the program waits for: what elements decide is computed at once within one.

    try: L = torch.linalg.cholesky(K)
    except RuntimeError: L = torch.linalg.cholesky(K + jitter)

A call is within a ``try`` if the exception table of a frame of the user's, the one that calls or one that called it,
has a handler for the instruction where the frame is, other than that of a ``with``.
"""

from __future__ import annotations

import dis
import functools
import sys
from types import CodeType
from typing import Any

from tenure.values.operations.boundary import array_of
from tenure.values.rules.sites import PACKAGE
from tenure.values.tensor.tensor import Tensor as Value
from tenure.values.trace.record import RECORDER

NAMES = "cholesky inv inverse solve solve_triangular lu_solve eigh svd tensorinv tensorsolve"
WAITED = frozenset(NAMES.split())
"""Functions whose errors programs wait for."""


@functools.lru_cache(4096)
def handles(code: CodeType, at: int) -> bool:
    """Whether an error at an instruction of a code object comes to a handler of the program's."""
    steps = list(dis.get_instructions(code))
    for entry in dis.Bytecode(code).exception_entries:  # type: ignore[attr-defined]
        if entry.start <= at < entry.end:
            k = [step.offset for step in steps].index(entry.target)
            if steps[k].opname == "PUSH_EXC_INFO" and steps[k + 1].opname != "WITH_EXCEPT_START":
                return True
    return False


def settled(result: Any) -> Any:
    """A result, computed now if the program waits for its error."""
    if RECORDER.vmap is not None or not isinstance(result, Value | tuple | list):
        return result
    frame: Any = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(PACKAGE) and handles(frame.f_code, frame.f_lasti):
            for x in result if isinstance(result, tuple | list) else (result,):
                array_of(x)
            break
        frame = frame.f_back
    return result
