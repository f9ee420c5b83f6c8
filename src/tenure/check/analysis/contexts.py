"""Operations with a backward pass of their own: what `forward` keeps on its context, and what `apply` keeps alive."""

import ast

from tenure.check import ops
from tenure.check.analysis.events import Events
from tenure.check.analysis.graphs import kept_for_backward, recorded, tensors_of
from tenure.check.analysis.machine import Machine
from tenure.check.program import ClassInfo
from tenure.check.scope import bound_names, parameters
from tenure.check.values import Obj, Ref, Value

__all__ = ["CONTEXTS", "applied", "kept_on_context"]

_CLASSES = frozenset(("torch.autograd.Function", "torch.autograd.function.Function"))


def kept_on_context(m: Machine) -> Value:
    """The values that the `forward` of an operation, which is being run, has kept for its backward pass."""
    context = _context(m)
    return () if context is None else m.state.cells.get((context, "·kept"), ())


def applied(m: Machine, info: ClassInfo, op: ops.Call) -> Value | None:
    """The result of `Operation.apply(x)`, which keeps what `forward` keeps of its arguments; None for other classes."""
    forward = m.program.find_method(info, "forward")
    if forward is None or not _is_operation(m, info):
        return None
    given = [one.arg for one in parameters(forward.node)][1:]
    names = _names_kept(forward)
    saved: list[Ref] = []
    parents: list[Ref] = []
    for name, (register, starred) in zip(given, op.args, strict=False):
        if starred:
            break
        tensors = tensors_of(m, m.get(register))
        parents += tensors
        saved += [kept_for_backward(m, ref, None) for ref in tensors if name in names and ref.obj.kind == "tensor"]
    out = m.fresh("applied", "tensor")
    recorded(m, out, tuple(parents), tuple(saved))
    return (Ref(out),)


def _is_operation(m: Machine, info: ClassInfo) -> bool:
    """Whether a class is one of operations."""
    return any(base in _CLASSES for base in m.program.bases(info) if isinstance(base, str))


def _names_kept(forward: ops.Function) -> set[str]:
    """The parameters of a `forward` that it keeps as they are: by `save_for_backward`, or as attributes."""
    context = next((one.arg for one in parameters(forward.node)), "")
    found: set[str] = set()
    for call in forward.scope.of(ast.Call):
        match call.func:
            case ast.Attribute(value=ast.Name(id=name), attr="save_for_backward") if name == context:
                found |= {one.id for one in call.args if isinstance(one, ast.Name)}
    for assign in forward.scope.of(ast.Assign):
        match assign:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name))], value=ast.Name(id=kept)):
                found |= {kept} if name == context else set()
    return found - bound_names(getattr(forward.node, "body", []))


def _context(m: Machine) -> Obj | None:
    """The context of the `forward` that is being run, if it is that of an operation."""
    function = m.function
    if function.name != "forward" or function.in_class is None or m.frame is not None:
        return None
    info = m.module.class_at(function.in_class)
    if info is None or not _is_operation(m, info):
        return None
    name = next((one.arg for one in parameters(function.node)), "")
    value = m.state.cells.get(name, ())
    return value[0].obj if len(value) == 1 else None


def _saved(m: Machine, refs: list[Ref], op: ops.Call) -> None:
    context = _context(m) if op.method == "save_for_backward" else None
    dirty = any(getattr(one.func, "attr", "") == "mark_dirty" for one in m.function.scope.of(ast.Call))
    if context is not None and not dirty:
        _keep(m, context, tuple(ref for register, _ in op.args for ref in m.get(register)))


def _captured(m: Machine, obj: Obj, name: object, value: Value, register: int | None) -> None:
    if m.function.name == "forward" and obj.parameter is not None and isinstance(name, str) and obj is _context(m):
        _keep(m, obj, value)


def _keep(m: Machine, context: Obj, value: Value) -> None:
    cell = (context, "·kept")
    new = tuple(kept_for_backward(m, ref, None) for ref in value if ref.obj.kind == "tensor")
    m.state.cells[cell] = tuple(dict.fromkeys((*m.state.cells.get(cell, ()), *new)))


CONTEXTS = Events(queued=(_saved,), captured=(_captured,))
