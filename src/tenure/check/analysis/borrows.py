"""Tenure's own laws for the length of a `with` block."""

import ast

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.values import NO, Holder, Obj, Ref, Value, Write

__all__ = ["BORROWS", "EXCLUSIVE", "SHARED", "lent_as", "may_borrow"]

SHARED, EXCLUSIVE = "borrow", "borrow-mut"


def may_borrow(m: Machine, ref: Ref, role: str) -> None:
    """Note a borrow of a place that is borrowed already."""
    for place, mode, node in m.state.loans:
        if m.state.overlap(place, ref.obj) is NO or not isinstance(node, ast.AST):
            continue
        if role == EXCLUSIVE:
            rule = "second-exclusive-borrow" if mode == EXCLUSIVE else "exclusive-borrow-while-shared"
        elif mode == EXCLUSIVE:
            rule = "use-while-exclusively-borrowed"
        else:
            continue
        note(m, rule, m.op.node, node, tier="annotated")


def _entered(m: Machine, value: Value) -> None:
    for ref in value:
        if ref.obj.text in (SHARED, EXCLUSIVE) and isinstance(ref.obj.target, Obj):
            m.state.loans = (*m.state.loans, (ref.obj.target, ref.obj.text, m.op.node))


def _left(m: Machine, value: Value) -> None:
    for ref in value:
        if ref.obj.text in (SHARED, EXCLUSIVE):
            kept = [loan for loan in m.state.loans if loan[0] is not ref.obj.target]
            m.state.loans = tuple(kept)


def _read(m: Machine, ref: Ref, how: str) -> None:
    if m.state.loans:
        _while_borrowed(m, ref, None)


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if m.state.loans:
        _while_borrowed(m, ref, write)


def _while_borrowed(m: Machine, ref: Ref, write: Write | None) -> None:
    if isinstance(m.op, ops.Call) and m.op.method in ("borrow", "borrow_mut"):
        return
    for place, mode, node in m.state.loans:
        if ref.obj.kind == "borrow" or not isinstance(node, ast.AST) or m.state.overlap(place, ref.obj) is NO:
            continue
        if mode == EXCLUSIVE:
            note(m, "use-while-exclusively-borrowed", m.op.node, node, tier="annotated")
        elif write is not None:
            note(m, "write-while-lent", write.node, node, tier="annotated")


def lent_as(m: Machine, obj: Obj) -> str:
    """The mode in which the annotation of an object's parameter lends it."""
    at: Obj | None = obj
    while at is not None:
        if isinstance(at.parameter, str):
            return m.said[at.parameter].mode if at.parameter in m.said else ""
        at = at.base or at.owner
    return ""


BORROWS = Events(read=(_read,), written=(_written,), entered=(_entered,), left=(_left,))
