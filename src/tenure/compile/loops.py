"""Loops: each distinct kernel becomes one function, shared out over the threads or not.

    kernel 0: %3 from %0 %2          becomes        @kernel0 of table entries 0 2 3
    kernel 1: %5 from %0 %3                         @kernel0 of table entries 0 3 4
    kernel 2: %7 from %0 %5                         @kernel0 of table entries 0 4 5

``deduplicate`` finds kernels that are one function, ``parallelize`` those shared out.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from tenure.compile.body import POINTER, Body
from tenure.compile.checks import Checks
from tenure.compile.deduplicate import Local, localize
from tenure.compile.kernels import emit_kernel
from tenure.compile.memory import Layout
from tenure.compile.parallelize import parallelize, threaded
from tenure.compile.plan import Kernel

MAIN = ir.FunctionType(ir.IntType(64), [POINTER])


@dataclass(frozen=True)
class KernelCall:
    """A function that computes a kernel, the entries of the table of addresses that it is called with, and whether it
    is shared out over the threads."""

    body: Body
    entries: list[int]
    shared: bool


@dataclass(frozen=True)
class Loops:
    """Functions of all kernels, in a module whose ``main`` is to be written, and the calls of them in order.

    ``shared`` says of each kernel whether it uses several threads, by its call or by calls of its own; ``times`` are
    the nanoseconds that each takes one thread.
    """

    layout: Layout
    module: ir.Module
    main: ir.Function
    calls: list[KernelCall]
    shared: list[bool]
    times: list[float]
    checks: Checks

    @property
    def bodies(self) -> list[Body]:
        """The distinct functions."""
        return list(dict.fromkeys(call.body for call in self.calls))

    def __str__(self) -> str:
        lines = []
        for call in self.calls:
            threads = " on all threads" if call.shared else ""
            lines.append(f"@{call.body.function.name} of {' '.join(map(str, call.entries))}{threads}")
        return "\n".join(lines)


def loops(layout: Layout, bits: int) -> Loops:
    """Write the functions of the kernels, for vectors of so many bits."""
    plan = layout.plan
    module = ir.Module(name="program")
    main = ir.Function(module, MAIN, "main")
    checks = Checks(plan, layout)
    functions: dict[tuple[str, bool], Body] = {}
    parts = [localize(plan, kernel, layout.slots) for kernel in plan.kernels]

    def function(kernel: Kernel, local: Local, shared: bool) -> Body:
        key = (local.key, shared)
        if key not in functions:
            name = f"kernel{len(functions)}"
            functions[key] = emit_kernel(module, name, plan, kernel, local.slots, bits, shared)
        return functions[key]

    bodies = [None if threaded(plan, k) else function(k, p, True) for k, p in zip(plan.kernels, parts, strict=True)]
    shared, times = parallelize(layout, bodies)
    calls = []
    for kernel, local, body, spread in zip(plan.kernels, parts, bodies, shared, strict=True):
        if body is None:
            calls.append(KernelCall(function(kernel, local, spread), local.entries, False))
        else:
            calls.append(KernelCall(body, local.entries, spread and not body.parts))
    return Loops(layout, module, main, calls, shared, times, checks)
