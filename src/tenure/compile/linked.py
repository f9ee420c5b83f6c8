"""The engine with the entry points of the run time, which generated code calls by name."""

from __future__ import annotations

from functools import partial
from weakref import WeakSet

from tenure.compile.jit import Engine, engine, exclusive
from tenure.compile.late import late
from tenure.compile.routines import EMITTERS, emitter, of_library, symbols
from tenure.runtime import fourier, pauses, threads
from tenure.runtime.blas import blas

__all__ = ["linked"]


def linked() -> Engine:
    """The engine, with the runtime's entry points; libraries only where they are needed, as they may be missing."""
    found = engine()
    with exclusive():
        if found not in _linked:
            found.define("parallel", threads.address)
            found.define("interrupted", pauses.address)
            for name in EMITTERS:
                found.supply(name, partial(routine, name))
            for name in fourier.LOOPS:
                found.supply(name, partial(fourier.loop, name))
            found.supply("sgemm", lambda: (blas().sgemm, blas()))
            found.supply("dgemm", lambda: (blas().dgemm, blas()))
            for name in symbols():
                found.supply(name, partial(lapack, name))
            _linked.add(found)
    return found


def routine(name: str) -> tuple[int, object]:
    """The address of a routine, and the library that has it."""
    functions = late("generic_library")
    found = functions.function(name, emitter(name), of_library(name))
    functions.provide([found])
    return found.address, found.library


def lapack(name: str) -> tuple[int, object]:
    """The address of a function of the library, and the library."""
    library = blas()
    return library.address(name), library


_linked: WeakSet[Engine] = WeakSet()
