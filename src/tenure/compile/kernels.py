"""Which loop nest a kernel is: the map of elementwise values, a reduction, or one that moves elements."""

from __future__ import annotations

from llvmlite import ir

from tenure.compile.body import Body, launch
from tenure.compile.columns import ColumnKernel
from tenure.compile.elements import Emitter
from tenure.compile.folds import fold_rows, search
from tenure.compile.plan import Kernel, Plan, identity, instruction
from tenure.compile.rows import RowKernel, goes_by_rows
from tenure.compile.sweep import sweep
from tenure.compile.symbolic import Tracer
from tenure.compile.writes import emit_pieces, emit_write
from tenure.ops.lowering import Element, Fold, Pieces, Search, Write
from tenure.ops.reduce import extent

__all__ = ["Body", "emit_kernel", "launch"]


def emit_kernel(module: ir.Module, name: str, plan: Plan, kernel: Kernel, slots: dict[int, int], bits: int) -> Body:
    """The function of a kernel."""
    body = Body(module, name, plan, slots, bits)
    v = kernel.values[0]
    lower = instruction(plan.program, v).primitive.lower
    if goes_by_rows(plan.program, kernel):
        RowKernel(body, kernel).emit()
    elif isinstance(lower, Element):
        emit_map(body, kernel)
    elif isinstance(lower, Fold):
        emit_folds(body, kernel.values, lower)
    elif isinstance(lower, Search):
        search(body, v, lower.operation)
    elif isinstance(lower, Pieces):
        emit_pieces(body, v)
    elif isinstance(lower, Write):
        emit_write(body, v, lower)
    else:
        raise TypeError(lower)
    body.b.ret_void()
    body.work = body.work or sum(plan.program.aval(r).size for r in kernel.reads) + plan.program.aval(v).size
    return body


def emit_map(body: Body, kernel: Kernel) -> None:
    """Each element of values of one shape. All are computed before one is stored: it may lie where another reads."""
    shape = body.program.aval(kernel.values[0]).shape
    index = identity(shape)

    def follow(t: Tracer) -> None:
        for v in kernel.members:
            t.at(v, index)
        t.see(t.address(index, shape))

    def element(e: Emitter) -> None:
        where = e.address(index, shape)
        found = {v: e.at(v, index) for v in kernel.members}
        for v in kernel.values:
            e.store(found[v], body.pointer(v), where, body.program.aval(v).dtype)

    sweep(body, shape, follow, element, kernel.values, set(kernel.values))


def emit_folds(body: Body, values: list[int], lower: Fold) -> None:
    """Reductions: one along the last axes by lanes, others of one kind row after row."""
    v = values[0]
    at = instruction(body.program, v)
    _, _, inner = extent(body.program.aval(at.operands[0]).shape, at.params["axes"])
    if inner == 1:
        fold_rows(body, v, lower.operation)
    elif body.program.aval(v).size:
        ColumnKernel(body, values).emit()
