"""Pauses of a long program: the kernels that it pauses before, and the code of a pause.

    k0; k1; k2 of 6 ms each        becomes        k0; k1; pause; k2

``word``, in the packed numbers, says with which step of ``main`` to go on, and 0 in a program that has not begun. A
program of few milliseconds has no pauses.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from tenure.compile.nests import constant
from tenure.runtime.pauses import PAUSED

I32 = ir.IntType(32)
LONG = 10e6
"""Nanoseconds of work, as ``parallelize`` estimates it, between two pauses."""


def pauses(times: Sequence[float]) -> set[int]:
    """The kernels to pause before, by the nanoseconds that each takes."""
    found, since = set[int](), 0.0
    for k, time in enumerate(times):
        if k and since >= LONG:
            found.add(k)
            since = 0.0
        since += time
    return found


def pause(b: ir.IRBuilder, here: ir.Value, start: ir.Value, word: ir.Value) -> None:
    """Leave before a step if something waits for that, unless the program goes on from it."""
    interrupted = b.module.globals.get("interrupted")
    if interrupted is None:
        interrupted = ir.Function(b.module, ir.FunctionType(I32, []), "interrupted")
    with b.if_then(b.icmp_unsigned("!=", here, start)):
        asked = b.icmp_unsigned("!=", b.call(interrupted, []), ir.Constant(I32, 0))
        with b.if_then(asked, likely=False):
            b.store(here, word)
            b.ret(constant(PAUSED))
