"""Pauses of long native programs: between two kernels the program checks for signals.

A program keeps in its arrays how far it has come. At a pause it asks ``address``; if there is a reason to stop it
returns ``PAUSED``, and called again with the same arrays it goes on from there.
"""

from __future__ import annotations

import threading

from tenure.runtime.assembler import Function, Module
from tenure.runtime.extension import AVAILABLE, Extension
from tenure.runtime.native import load

__all__ = ["NOTED", "PAUSED", "Paused", "address"]

NOTED: list[int] = []
"""Signals deferred to the next pause, or to the end of the run (``values.shield``)."""
PAUSED = -(2**63)
"""Status of a program that has stopped at a pause."""


class Paused(BaseException):
    """A run has stopped at a pause."""


_API = ("PyErr_CheckSignals", "PyGILState_Ensure", "PyGILState_Release", "PyList_Size", "PyThread_get_thread_ident")


def _builtin() -> int:
    """``i32 interrupted()``: whether a signal is noted, or its handler has raised an exception. Only the main thread
    handles signals, so only it takes the GIL."""
    module = Module(Function)
    with module.function("interrupted", returns="i32", exported=True) as f:
        with f.unless(f.equal(f.call("PyThread_get_thread_ident", returns="i64"), f.load("ptr @main", "i64"))):
            f.ret("i32 0")
        held = f.call("PyGILState_Ensure", returns="i32")
        raised = f.call("PyErr_CheckSignals", returns="i32")
        noted = f.equal(f.call("PyList_Size", f.load("ptr @noted"), returns="i64"), "i64 0")
        f.call("PyGILState_Release", held, returns="void")
        with f.unless(f.equal(raised, "i32 0")):
            f.ret("i32 1")
        f.ret(f.choice(noted, "i32 0", "i32 1"))
    source = f"@noted = global ptr null\n@main = global i64 0\n{module}"
    code = Extension(source, _API, ("noted", "main"), ("interrupted",))
    code.point("noted", NOTED)
    code.number("main", threading.main_thread().ident or 0)
    return code.address("interrupted")


def _never() -> int:
    return load("define i32 @interrupted() {\n ret i32 0\n}", exports=["interrupted"])["interrupted"]


address: int = _builtin() if AVAILABLE else _never()
"""Address of the function. Without generated builtins a program is not paused."""
