"""A compiled program, ready to run: one native call."""

from __future__ import annotations

import ctypes
import json
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from tenure.compile.jit import Engine, Library
from tenure.compile.late import late
from tenure.compile.linked import linked
from tenure.compile.objects import LAYOUT
from tenure.compile.stepwise import Launched
from tenure.compile.target import checks_bounds
from tenure.errors import InternalError
from tenure.ir.applications import Application
from tenure.ir.program import Program
from tenure.runtime.launch import Call


class Compiled(Launched):
    """A program as machine code. ``call`` says how it is called at once; None if it may pause."""

    __slots__ = ("accesses", "call", "library")

    def __init__(self, program: Program, library: Library) -> None:
        self.library = library
        about = json.loads(ctypes.string_at(self.library.address("about")))
        self.accesses: list[str] = about["accesses"]
        kinds = ["d" if aval.dtype.kind == "f" else "q" for aval in program.inputs if aval.weak]
        arrays = len(program.inputs) - len(kinds)
        outputs = [s if s < arrays else s - len(kinds) for s in about["outputs"]]
        made = [*about["made"], ((about["arena"],), "uint8")]
        word = "q" if about["long"] else ""
        packed = "".join(kinds) + word
        super().__init__(program, Call(self.library.address("main"), arrays, made, about["donors"], packed, outputs))
        self.call = None if about["long"] else self.native

    @property
    def held(self) -> dict[int, int]:
        """In how many calls an input that might have given its buffer away was not alone."""
        return self.native.held

    def packed(self, numbers: Sequence[Any]) -> Sequence[Any]:
        """The numbers, and where a program that may pause goes on."""
        return numbers if self.call is not None else [*numbers, 0]

    def left(self, arrays: list[Any], status: int, numbers: Sequence[Any]) -> list[Any]:
        """The results of running anew op by op where a check has failed, of which nothing was written; InternalError if
        it was one of the code's own."""
        if status < 0:
            raise InternalError(f"{self.accesses[-status - 1]}, is out of bounds")
        return self.op_by_op(arrays, arrays[: self.native.given], numbers)


def compiled(program: Program) -> Compiled:
    """Compile a program, or take its code from a cache."""
    return Compiled(program, load(program))


def name_of(program: Program) -> bytes:
    """The name of a program's code in caches."""
    return linked().name(key_of(program))


def cached(program: Program, name: bytes) -> Compiled | None:
    """A program with its code of this name from a cache; None if none has it."""
    library = linked().found(name)
    return None if library is None else Compiled(program, library)


def load(program: Program) -> Library:
    """The code of a program, from a cache if one has it."""
    found = linked()
    return found.load(compiling(program, found), key=key_of(program))


def unlike(program: Program) -> list[Application]:
    """The applications of a program, each once."""
    applications = program.applications
    return list(dict(zip(map(id, applications), applications, strict=True)).values())


def compiling(program: Program, found: Engine) -> Callable[[], object]:
    """The function that writes the module of a program."""
    return lambda: late("pipeline").compile_module(program, found.target.vector_bits)


def key_of(program: Program) -> str:
    """The key of a program's code."""
    return f"{LAYOUT} {checks_bounds()} {structure(program)}"


def structure(program: Program) -> str:
    """All that the code of a program depends on."""
    once = unlike(program)
    said = [described(at) for at in once]
    number = {text: k for k, text in enumerate(dict.fromkeys(said))}
    at = {id(of): number[text] for of, text in zip(once, said, strict=True)}
    order = array("q", [at[id(of)] for of in program.applications]).tobytes()
    given = " ".join(f"{aval}{'~' if aval.weak else ''}" for aval in program.inputs)
    return "\n".join([given, *number, order.hex(), program.operands.hex(), str(program.outputs)])


def described(at: Application) -> str:
    """An application as text; the avals of its operands are those of what it reads."""
    params = ",".join(f"{name}={value!r}" for name, value in at.params.items())
    return f"{at.primitive.name} {len(at.operands)} {params} {at.aval}"
