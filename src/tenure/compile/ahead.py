"""The first passes of the compiler: they pay for a program that runs op by op too, and run when it is made."""

from __future__ import annotations

from tenure.ir.program import Program
from tenure.transform.flatten import flattened
from tenure.transform.narrow import narrow

AHEAD = (flattened, narrow)


def made_ready(program: Program) -> Program:
    """A program after these passes."""
    for each in AHEAD:
        program = each(program)
    return program
