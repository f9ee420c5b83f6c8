"""Attributes: reads, writes and deletions."""

import ast

from tenure.check import ops
from tenure.check.analysis.conflicts import captured, lost, read, reading, replaced, write_to, wrote
from tenure.check.analysis.functions import call_property
from tenure.check.analysis.libraries import named
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import escaped, store
from tenure.check.analysis.views import first_of, handle_kind, inherit, is_parameter, lend, shared_data, view_of
from tenure.check.effects import tables
from tenure.check.effects.effect import MUTABLE, TENSORS
from tenure.check.program import ClassInfo, Module
from tenure.check.scope import last_name
from tenure.check.values import Holder, Ref, Value

__all__ = ["FREED", "delete_attribute", "get_attribute", "set_attribute"]

FREED = ".data = empty"
"""The text of a write that gives memory back: nothing of it is meant to be seen."""

_MAKING = frozenset(("empty", "zeros", "new_empty", "new_zeros"))
"""Functions whose first argument is a shape."""


def get_attribute(m: Machine, op: ops.GetAttr) -> None:
    value = m.get(op.obj)
    out: list[Ref] = []
    source: Holder | None = None
    for ref in value:
        found, holder = _attribute_of(m, ref, op)
        out += found
        source = holder if len(value) == 1 else None
    if any(ref.obj.kind in TENSORS for ref in value) and not out:
        read(m, op.obj, "attribute")
    m.put(op.dst, tuple(out), source)


def _attribute_of(m: Machine, ref: Ref, op: ops.GetAttr) -> tuple[Value, Holder | None]:
    obj, name = ref.obj, op.name
    if isinstance(obj.target, str | Module) and obj.kind == "module-name":
        return named(m, m.program.attribute(obj.target, name)), None
    effect = tables.attribute(obj.kind, name)
    if effect is not None and name != "grad":
        if effect.result in ("view", "maybe-view", "alias"):
            return view_of(m, ref, name, op.obj, effect.kind, maybe=effect.result == "maybe-view"), None
        if effect.result == "owned":
            kind = effect.kind if effect.kind != "same" else obj.kind
            if effect.reads and obj.kind in TENSORS:
                reading(m, (ref,), "operator")
            return (Ref(m.fresh(("attribute", obj), kind)),), None
    if obj.kind == "scalar":
        return (), None
    method = isinstance(obj.target, ClassInfo) and m.program.find_method(obj.target, name)
    if method:
        return method_value(m, ref, method), None
    parts = m.field(obj, name) if ref.must else tuple(part._replace(must=False) for part in m.field(obj, name))
    return tuple(inherit(part, ref) for part in parts), (obj, name)


def method_value(m: Machine, ref: Ref, method: ops.Function) -> Value:
    """A bound method, or the value of a property."""
    decorators = getattr(method.node, "decorator_list", ())
    if any(last_name(decorator) in ("property", "cached_property") for decorator in decorators):
        return call_property(m, ref, method)
    bound = m.fresh(("bound", method), "function", target=method)
    m.state.cells[(bound, "self")] = (ref,)
    return (Ref(bound),)


def set_attribute(m: Machine, op: ops.SetAttr) -> None:
    value, given = m.get(op.obj), m.get(op.src)
    m.divided = len(value) > 1
    for ref in value:
        obj = ref.obj
        if op.name == "data" and obj.kind == "unknown" and isinstance(op.node, ast.Attribute):
            obj.kind = handle_kind(m) or obj.kind
            m.guessed.add(obj)
        if op.name in ("data", "_data") and obj.kind in TENSORS:
            if not op.augmented:
                assign_data(m, ref, op)
            continue
        if op.augmented and obj.kind in TENSORS:
            continue
        holder = m.sources.get(op.src)
        shared = op.name == "grad" and not op.augmented
        first = first_of(m, op.chained)
        relation = "given" if is_parameter(m, holder) else "attribute"
        held = tuple(
            r._replace(loan=m.loan("chain", first, r, op.name, copylike=True))
            if first is not None and r.obj.kind in MUTABLE
            else r
            if holder in (None, (obj, op.name)) else lend(m, r, relation, holder, copylike=shared)
            for r in given
        )
        for r in held:
            if r.loan is not None and not r.loan.name:
                r.loan.name, r.loan.of = op.name, r.loan.of or m.nodes.get(op.src)
            if r.loan is not None and r.loan.relation == "view":
                m.windows[r.loan] = 0 if m.frame is None else m.frame.number
        captured(m, obj, op.name, held, op.src)
        escaped(m, held)
        replaced(m, ref, op.name, op)
        store(m, obj, op.name, held, weak=obj.summary or len(value) > 1)
    m.divided = False


def assign_data(m: Machine, ref: Ref, op: ops.SetAttr) -> None:
    """`x.data = t` replaces the storage of the object x: other names of x see it, views do not."""
    read(m, op.src, "operator")
    if ref.obj.kind in ("var", "borrow"):
        write_to(m, (ref,), m.sources.get(op.obj), wrote(m, "write", ".data = …", hidden=True))
    else:
        holder = m.sources.get(op.obj)
        text = FREED if _is_empty(m, op) else ".data = …"
        base = ref.obj.base
        if m.frame is not None and holder in m.frame.temporaries and base is not None and base.kind in TENSORS:
            lost(m, ref, wrote(m, "rebind", text, hidden=True))
        elif holder is None and base is not None and base.kind in TENSORS and base not in m.guessed:
            lost(m, ref, None)
        write_to(m, (ref,), holder, wrote(m, "rebind", text, hidden=True))
        shared_data(m, ref, holder, op.src)


def _is_empty(m: Machine, op: ops.SetAttr) -> bool:
    """Whether a tensor without elements is assigned."""
    match m.nodes.get(op.src):
        case ast.Call(args=[ast.Constant(value=0), *_], func=func):
            return last_name(func) in _MAKING
        case ast.Call(args=[ast.List(elts=[]), *_]):
            return True
    return False


def delete_attribute(m: Machine, op: ops.DelAttr) -> None:
    """`del obj.name`."""
    for ref in m.get(op.obj):
        m.state.cells.remove((ref.obj, op.name))
