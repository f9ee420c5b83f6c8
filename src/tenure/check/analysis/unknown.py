"""Calls of functions of which nothing is known."""

from tenure.check import ops
from tenure.check.analysis.conflicts import read
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import escaped

__all__ = ["unknown_call"]


def unknown_call(m: Machine, op: ops.Call, how: str = "unknown") -> None:
    """Note a call of an unknown function: its arguments are read, perhaps."""
    for register in (*(register for register, _ in op.args), *(register for _, register in op.keywords)):
        read(m, register, how, deep=True)
        escaped(m, m.get(register))
