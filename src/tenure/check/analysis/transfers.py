"""Copies that are not waited for (`non_blocking=True`): their sources and targets, until something waits."""

import ast

from tenure.check.analysis.machine import Machine
from tenure.check.values import MUST, Obj, Ref

__all__ = ["WAITING", "arriving", "awaited", "leaving", "transferred"]

WAITING = frozenset(("synchronize", "wait", "wait_event", "wait_stream", "item", "tolist", "barrier"))
"""Methods and functions that wait for a device."""

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


def awaited(m: Machine) -> None:
    """Note that the device has caught up."""
    whole = not any("cuda" in ast.unparse(test) for test, _ in m.op.conditions)
    for name in ("leaving", "arriving"):
        held = m.state.cells.remove((_transfers(m), name))
        if not whole:
            # Where there is no device there is nothing to wait for.
            m.notes("waited", set[Obj]).update(ref.obj for ref in held)


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
