"""The function of a kernel: a loop nest that goes row by row, or the one of its kind of lowering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tenure.compile.body import Body, launch
from tenure.compile.columns import ColumnKernel
from tenure.compile.elements import Emitter
from tenure.compile.folds import fold_rows, rows, search
from tenure.compile.memory import seen_as
from tenure.compile.nests import Axis, constant, counted
from tenure.compile.plan import Kernel, Plan, identity, instruction
from tenure.compile.products import emit_product
from tenure.compile.routines.calls import emit_routine
from tenure.compile.rows import RowKernel, goes_by_rows
from tenure.compile.scans import emit_scan
from tenure.compile.sweep import sweep
from tenure.compile.symbolic import Tracer
from tenure.compile.writes import emit_pieces, emit_write
from tenure.errors import InternalError
from tenure.ops.lowering import Scan, Write
from tenure.ops.order import extent

__all__ = ["Body", "emit_kernel", "launch"]


class Writer:
    """The writer that kinds of lowering emit a kernel with: its body, and the loop nests that there are.

    A product is ``shared`` out over the threads, or runs on one.
    """

    def __init__(self, body: Body, kernel: Kernel, shared: bool) -> None:
        self.body, self.kernel, self.shared = body, kernel, shared
        self.value = kernel.values[0]
        at = instruction(body.program, self.value)
        self.operands, self.params, self.aval = at.operands, at.params, at.aval
        self.index = identity(at.aval.shape)

    def map(self) -> None:
        """Elements of values of one shape."""
        emit_map(self.body, self.kernel)

    def folds(self, operation: str) -> None:
        """Reductions over the same axes."""
        emit_folds(self.body, self.kernel.values, operation)

    def search(self, operation: str) -> None:
        """The index of something along an axis."""
        search(self.body, self.value, operation)

    def pieces(self) -> None:
        """Operands one after the other."""
        emit_pieces(self.body, self.value)

    def write(self, lower: Write) -> None:
        """Elements of a value over a base."""
        emit_write(self.body, self.value, lower)

    def along(self, axis: int, start: Callable[[Emitter], Any], step: Callable[[Emitter, Any], Any]) -> None:
        """``held = step(emitter, held)`` from element to element along an axis of the result, all rows; the emitter is
        at the element's ``index``."""
        shape, body = self.aval.shape, self.body

        def row(variables: dict[int, Any]) -> None:
            def each(i: ir.Value, held: list[Any]) -> list[Any]:
                return [step(body.emitter(set(), {**variables, axis: i}, None, 1), held[0])]

            first = start(body.emitter(set(), variables, None, 1))
            counted(body.b, constant(0), constant(shape[axis]), 1, each, [first])

        kept = {a: n for a, n in enumerate(shape) if a != axis}
        rows(body, [Axis(a, n) for a, n in kept.items() if n != 1], row, tuple(kept.values()))

    def scan(self, lower: Scan) -> None:
        """A scan along an axis."""
        emit_scan(self.body, self.value, lower)

    def store(self, e: Emitter, x: Any) -> None:
        """Store an element of the result where the emitter is."""
        e.store(x, self.body.pointer(self.value), e.address(self.index, self.aval.shape), self.aval.dtype)

    def routine(self, lower: Any) -> None:
        """A routine of the run time."""
        emit_routine(self.body, self.value, lower)

    def product(self) -> None:
        """Matrices multiplied."""
        emit_product(self.body, self.value, self.shared)


def emit_kernel(
    module: ir.Module, name: str, plan: Plan, kernel: Kernel, slots: dict[int, int], bits: int, shared: bool = True
) -> Body:
    """The function of a kernel."""
    body = Body(module, name, plan, slots, bits)
    body.kernel = kernel
    if goes_by_rows(plan.program, kernel):
        RowKernel(body, kernel).emit()
    else:
        instruction(plan.program, kernel.values[0]).primitive.lower.emit(Writer(body, kernel, shared))
    body.b.ret_void()
    for v in sorted(body.touched - kernel.reads - kernel.members.keys() - set(kernel.values)):
        kind = type(instruction(plan.program, kernel.values[0]).primitive.lower).__name__
        raise InternalError(f"the kernel of %{kernel.values[0]} touches %{v}, which the kind {kind} does not read")
    whole = sum(plan.program.aval(r).size for r in kernel.reads) + plan.program.aval(kernel.values[0]).size
    body.work = body.work or whole
    body.function.linkage = "internal"
    return body


def emit_map(body: Body, kernel: Kernel) -> None:
    """Each element of values of one shape. All are computed before one is stored: it may lie where another reads."""
    made = seen_as(body.plan, kernel)
    shape = body.program.aval(made[kernel.values[0]]).shape
    index = identity(shape)

    def follow(t: Tracer) -> None:
        for x in made.values():
            t.at(x, index)
        t.see(t.address(index, shape))

    def element(e: Emitter) -> None:
        where = e.address(index, shape)
        found = {v: e.at(x, index) for v, x in made.items()}
        for v in kernel.values:
            e.store(found[v], body.pointer(v), where, body.program.aval(v).dtype)

    sweep(body, shape, follow, element, kernel.values, set(kernel.values))


def emit_folds(body: Body, values: list[int], operation: str) -> None:
    """Reductions: one along the last axes by lanes, others of one kind row after row."""
    v = values[0]
    at = instruction(body.program, v)
    _, _, inner = extent(body.program.aval(at.operands[0]).shape, at.params["axes"])
    if inner == 1:
        fold_rows(body, v, operation)
    elif body.program.aval(v).size:
        ColumnKernel(body, values).emit()
