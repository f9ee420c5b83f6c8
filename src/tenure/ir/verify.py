"""The grammar of programs, executable: what every pass may rely on and must keep."""

from __future__ import annotations

import os

from tenure.errors import InternalError, TenureError
from tenure.ir.program import TABLE, Program


def verifies() -> bool:
    """Whether forms of programs are to be verified: under test."""
    return os.environ.get("TENURE_VERIFY", "") not in ("", "0")


def verified(program: Program) -> Program:
    """A program, verified under test. Elsewhere its parts are known: an application has its aval from the rule."""
    if verifies():
        verify(program)
    return program


def verify(program: Program) -> None:
    """Raise InternalError unless operands are defined before use and every aval follows from its rule."""
    n = len(program.inputs)
    for k, (at, operands) in enumerate(zip(program.applications, program.reads(), strict=True)):
        name = f"instruction {k} ({at.primitive.name})"
        if TABLE.get(at.primitive.name) is not at.primitive:
            raise InternalError(f"{name}: not a declared primitive")
        for o in operands:
            if not 0 <= o < n + k:
                raise InternalError(f"{name} reads %{o}, which is not defined before it")
        try:
            aval = at.primitive.aval(*[program.aval(o) for o in operands], **at.params)
        except TenureError as error:
            raise InternalError(f"{name} is refused by its rule: {error.message}") from error
        if aval != at.aval:
            raise InternalError(f"{name} is said to give {at.aval}, but its rule gives {aval}")
    for o in program.outputs:
        if not 0 <= o < n + len(program.applications):
            raise InternalError(f"output %{o} is not defined")
