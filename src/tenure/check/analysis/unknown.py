"""Calls of functions of which nothing is known."""

from tenure.check import ops
from tenure.check.analysis.conflicts import read, write_to, wrote
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.marks import FILLING
from tenure.check.analysis.sequences import escaped

__all__ = ["unknown_call"]


def unknown_call(m: Machine, op: ops.Call, how: str = "unknown") -> None:
    """Note a call of an unknown function: its arguments are read, perhaps."""
    if op.receiver is not None and op.method in FILLING and op.args:
        given = op.args[0][0]
        write_to(m, m.get(given), m.sources.get(given), wrote(m, "write", f".{op.method}(…)"))
        return
    for register in (*(register for register, _ in op.args), *(register for _, register in op.keywords)):
        read(m, register, how, deep=True)
        escaped(m, m.get(register))
