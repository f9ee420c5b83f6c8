"""A compiled program, ready to run: one native call."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from tenure.compile.jit import Engine, Library, engine, exclusive
from tenure.compile.late import late
from tenure.compile.objects import LAYOUT
from tenure.compile.stepwise import stepwise
from tenure.compile.target import checks_bounds
from tenure.errors import InternalError
from tenure.interp.interp import Arrays
from tenure.ir.program import Program
from tenure.runtime import pauses, threads
from tenure.runtime.blas import blas
from tenure.runtime.launch import Call
from tenure.runtime.pauses import PAUSED, Paused


class Compiled:
    """A program as machine code. ``call`` says how it is called at once; None if it may pause."""

    __slots__ = ("accesses", "call", "library", "native", "program")

    def __init__(self, program: Program, library: Library) -> None:
        self.program, self.library = program, library
        about = json.loads(ctypes.string_at(self.library.address("about")))
        self.accesses: list[str] = about["accesses"]
        kinds = ["d" if aval.dtype.kind == "f" else "q" for aval in program.inputs if aval.weak]
        arrays = len(program.inputs) - len(kinds)
        outputs = [s if s < arrays else s - len(kinds) for s in about["outputs"]]
        made = [*about["made"], ((about["arena"],), "uint8")]
        word = "q" if about["long"] else ""
        packed = "".join(kinds) + word
        self.native = Call(self.library.address("main"), arrays, made, about["donors"], packed, outputs)
        self.call = None if about["long"] else self.native

    @property
    def held(self) -> dict[int, int]:
        """In how many calls an input that might have given its buffer away was not alone."""
        return self.native.held

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        out = self.called(arrays, numbers)
        while out == PAUSED:
            if type(arrays) is Arrays:
                arrays.out.clear()
                raise Paused
            out = self.called(arrays, numbers)
        if type(out) is list:
            return out
        if type(out) is int:
            return self.failed(arrays, out, numbers)
        return stepwise(self.program)(arrays, numbers)

    def called(self, arrays: list[Any], numbers: Sequence[Any]) -> Any:
        """The result of the native call. It stands in the arrays' ``out`` with no moment in between."""
        if self.call is None:
            numbers = [*numbers, 0]  # where a program goes on
        if type(arrays) is not Arrays:
            return self.native(arrays, numbers)
        if not arrays.out:
            self.native.into(arrays.out, arrays, numbers)
        return arrays.out[0]

    def failed(self, arrays: list[Any], status: int, numbers: Sequence[Any]) -> list[Any]:
        """The op-by-op results of a call in which a check has failed; InternalError if it was one of its own."""
        if status < 0:
            raise InternalError(f"{self.accesses[-status - 1]}, is out of bounds")
        del arrays[self.native.given :]
        return stepwise(self.program)(arrays, numbers)


def compiled(program: Program) -> Compiled:
    """Compile a program, or take its code from a cache."""
    return Compiled(program, load(program))


def cached(program: Program) -> Compiled | None:
    """A program with its code from a cache; None if none has it."""
    library = engine_for(program).found(key_of(program))
    return None if library is None else Compiled(program, library)


def load(program: Program) -> Library:
    """The code of a program, from a cache if one has it."""
    found = engine_for(program)
    return found.load(compiling(program, found), key=key_of(program))


def engine_for(program: Program) -> Engine:
    """The engine, with what a program calls."""
    return linked(any(at.primitive.lower.library(at.aval) is not None for at in program.instructions))


def compiling(program: Program, found: Engine) -> Callable[[], object]:
    """The function that writes the module of a program."""
    return lambda: late("pipeline").compile_module(program, found.target.vector_bits)


def key_of(program: Program) -> str:
    """The key of a program's code."""
    return f"{LAYOUT} {checks_bounds()} {structure(program)}"


def structure(program: Program) -> str:
    """All that the code of a program depends on."""
    n = len(program.inputs)
    lines = [" ".join(f"{aval}{'~' if aval.weak else ''}" for aval in program.inputs)]
    for k, at in enumerate(program.instructions, n):
        params = ",".join(f"{name}={value!r}" for name, value in at.params.items())
        lines.append(f"{k} {at.primitive.name} {at.operands} {params} {at.aval}")
    return "\n".join([*lines, str(program.outputs)])


def linked(products: bool = False) -> Engine:
    """The engine, with the runtime's entry points defined; BLAS only where it is needed, as it may be missing."""
    found = engine()
    with exclusive():
        if found not in _linked:
            found.define("parallel", threads.address)
            found.define("interrupted", pauses.address)
            _linked.add(found)
        if products and found not in _multiplying:
            library = blas()
            found.define("sgemm", library.sgemm, library)
            found.define("dgemm", library.dgemm, library)
            _multiplying.add(found)
    return found


_linked: WeakSet[Engine] = WeakSet()
_multiplying: WeakSet[Engine] = WeakSet()
