"""Generators that yield one buffer again and again: whoever keeps what they gave finds the last contents everywhere.

    def frames(stream):                 seen = list(frames(stream))     each of them is `out`
        out = np.empty(3)
        for chunk in stream:
            out[:] = chunk
            yield out

The summary of the function says so (`Summary.hands`); each further item of its generator is then a write to
the ones before.
"""

import ast

from tenure.check.analysis.conflicts import write_to, wrote
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.effects.effect import MUTABLE
from tenure.check.ops import Function
from tenure.check.program import Module
from tenure.check.values import Holder, Obj, Ref, Value, Write

__all__ = ["HANDED", "handed_by", "is_reused", "renewed", "yielded"]

_Reused = tuple[str, tuple[str, ast.AST], str]
"""The name of a generator function, and the write that fills its buffer: its place and text."""


def yielded(m: Machine, value: Value) -> None:
    """Note what a loop yields that was made before the loop."""
    if m.frame is None and m.repeating and len(value) == 1:
        obj = value[0].obj
        own = obj.kind in MUTABLE and obj.parameter is None and obj.owner is None and obj.base is None
        if own and not obj.summary and obj not in m.state.fresh:
            m.notes("yielded", dict[Obj, ast.AST])[obj] = m.op.node


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    root = ref.obj.root()
    if m.repeating and write.certain and not write.grows and root.owner is None and root not in m.state.fresh:
        m.notes("refilled", dict[Obj, Write]).setdefault(root, write)


def _finished(m: Machine) -> None:
    refilled = m.notes("refilled", dict[Obj, Write])
    for obj in m.notes("yielded", dict[Obj, ast.AST]):
        if obj in refilled:
            m.summary.hands = (obj.kind, refilled[obj])


def handed_by(m: Machine, function: Function, made: Obj, hands: tuple[str, Write]) -> None:
    """Let a generator have one item."""
    kind, write = hands
    item = m.fresh("handed", kind)
    m.state.cells[(made, "*")] = (Ref(item),)
    home = function.home.source.path if isinstance(function.home, Module) else ""
    m.notes("reused", dict[Obj, _Reused])[made] = (function.name, write.inner or (home, write.node), write.text)


def is_reused(m: Machine, it: Obj) -> bool:
    """Whether an iterator gives one buffer again and again."""
    return m.newest(it) in m.notes("reused", dict[Obj, _Reused])


def renewed(m: Machine, it: Obj) -> None:
    """Note that an iterator gives its next item: what it gave before changes, but for the variable of the loop."""
    known = m.notes("reused", dict[Obj, _Reused]).get(m.newest(it))
    if known is None:
        return
    name, inner, text = known
    value = m.state.cells.get((it, "*"), ())
    write_to(m, value, None, wrote(m, "write", text, via=(name,), inner=inner))
    cells = m.state.cells
    for holder, held in list(cells.items()):
        if holder == (it, "*") or (isinstance(holder, str) and any(_just_taken(one, it) for one in held)):
            cells[holder] = tuple(one._replace(write=None) for one in held)


def _just_taken(ref: Ref, it: Obj) -> bool:
    return ref.loan is not None and ref.loan.source == (it, "*") and ref.loan.relation == "element"


HANDED = Events(written=(_written,), finished=(_finished,))
