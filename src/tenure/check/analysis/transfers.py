"""Copies that are not waited for (`non_blocking=True`): their sources and targets, until something waits."""

import ast

from tenure.check import ops
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.marks import Marks
from tenure.check.analysis.screen import callees
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.scope import last_name
from tenure.check.values import MUST, Obj, Ref

__all__ = ["arriving", "awaited", "leaving", "transferred", "waits"]

_WAITING = frozenset(("synchronize", "wait", "wait_event", "wait_stream", "item", "tolist", "barrier"))
"""Methods and functions that wait for a device."""

_READING = frozenset(("item", "tolist"))
"""Methods that wait for what they are called on alone."""

_DEEPEST = 3
"""The number of calls within each other that are looked into for one that waits."""

_TRANSFERS = ("transfers",)
"""The key of the object whose fields are the copies under way: it is there from the first one on."""


def transferred(m: Machine, bound: dict[str, int], result: tuple[Ref, ...], name: str) -> None:
    """Note what a copy without waiting leaves to the device: a pinned source, or a target on the processor."""
    given = m.get(bound.get("non_blocking"))
    if len(given) != 1 or given[0].obj.const is not True:
        return
    source = m.get(bound.get("1" if name == "copy_" else "0"))
    if name == "copy_":
        targets = [ref for ref in m.get(bound.get("0")) if _pinned(ref.obj)]
    else:
        targets = list(result) if _to_processor(m, bound) else []
    _add(m, "leaving", [ref for ref in source if _pinned(ref.obj) and not targets])
    _add(m, "arriving", targets)


def waits(m: Machine, op: ops.Call) -> bool:
    """Whether a call, or one within the function of the tree that it leads to, is one that waits, by its name."""
    if m.objects.get(_TRANSFERS) is None or not isinstance(op.node, ast.Call):
        return False
    found = [ref.obj.target for ref in m.get(op.func)] if op.receiver is None else _methods(m, op)
    inside = [one for one in found if isinstance(one, ops.Function)]
    return last_name(op.node.func) in _WAITING or any(_waits_inside(m.program, one, _DEEPEST) for one in inside)


def _methods(m: Machine, op: ops.Call) -> list[ops.Function | None]:
    classes = [ref.obj.target for ref in m.get(op.receiver)]
    return [m.program.find_method(one, op.method) for one in classes if isinstance(one, ClassInfo)]


def _waits_inside(program: Program, function: ops.Function, depth: int) -> bool:
    module = function.home
    if not depth or not isinstance(module, Module):
        return False
    called = {last_name(call.func) for call in function.scope.of(ast.Call)}
    if called & (_WAITING - _READING):
        return True
    further = callees(program, module, function, Marks.of(module, function))
    return any(_waits_inside(program, one, depth - 1) for one in further)


def awaited(m: Machine, op: ops.Call) -> None:
    """Note that the device has caught up; what is on the processor already waits for nothing by `tolist`."""
    if op.method in _READING and any(arriving(m, ref.obj) is not None for ref in m.get(op.receiver)):
        return
    whole = not any(_of_a_copy(test) for test, _ in op.conditions)
    for name in ("leaving", "arriving"):
        held = m.state.cells.remove((_transfers(m), name))
        if not whole:
            # Where there is no device, or no copy, there is nothing to wait for.
            m.notes("waited", set[Obj]).update(ref.obj for ref in held)


def _of_a_copy(test: ast.expr) -> bool:
    """Whether a test may ask for a device, or for the event, stream or target of a copy: `if event is not None`."""
    match test:
        case ast.BoolOp(values=parts):
            return any(map(_of_a_copy, parts))
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return _of_a_copy(part)
        case ast.Name() | ast.Attribute():
            return True
        case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return True
    return "cuda" in ast.unparse(test)


def leaving(m: Machine, obj: Obj) -> Obj | None:
    """The source of a copy under way whose memory an object shows, if there is one."""
    return _found(m, "leaving", obj)


def arriving(m: Machine, obj: Obj) -> Obj | None:
    """The target of a copy under way whose memory an object shows, if there is one."""
    return _found(m, "arriving", obj)


def _found(m: Machine, name: str, obj: Obj) -> Obj | None:
    transfers = m.objects.get(_TRANSFERS)
    held = m.state.cells.get((transfers, name)) if transfers is not None else None
    if not held:
        return None
    waited = m.notes("waited", set[Obj])
    return next((ref.obj for ref in held if ref.obj not in waited and m.state.overlap(ref.obj, obj) is MUST), None)


def _add(m: Machine, name: str, refs: list[Ref]) -> None:
    if refs:
        cell = (_transfers(m), name)
        m.state.cells[cell] = tuple(dict.fromkeys((*m.state.cells.get(cell, ()), *(Ref(ref.obj) for ref in refs))))


def _transfers(m: Machine) -> Obj:
    return m.interned(_TRANSFERS, "instance")


def _pinned(obj: Obj) -> bool:
    at: Obj | None = obj
    while at is not None and at.text != "pinned":
        at = at.base
    return at is not None


def _to_processor(m: Machine, bound: dict[str, int]) -> bool:
    place = m.get(bound.get("device") or bound.get("1"))
    return len(place) == 1 and place[0].obj.const == "cpu"
