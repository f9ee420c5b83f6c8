"""Calls of modules: what they keep for the backward pass, and writes of those that work in place."""

import ast
from dataclasses import replace

from tenure.check import ops
from tenure.check.analysis.arguments import Arguments
from tenure.check.analysis.conflicts import reading, write_to, wrote
from tenure.check.analysis.effects_on import perform
from tenure.check.analysis.graphs import kept_for_backward, recorded, saved_by, tensors_of
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.unasked import overwritten
from tenure.check.effects import tables
from tenure.check.effects.effect import Effect
from tenure.check.program import ClassInfo
from tenure.check.scope import last_name, walk
from tenure.check.values import Obj, Ref, Value

__all__ = ["module_called"]

_DETACHING = frozenset(("detach", "detach_", "no_grad", "stop_gradient", "data"))


def module_called(m: Machine, ref: Ref, op: ops.Call, result: Value) -> Value:
    """A call of a module saves its parameters, and returns a tensor that depends on them."""
    if ref.obj.text == "shallow":
        reading(m, m.items(ref.obj), "call")
    effect = _of_library(ref.obj)
    if effect is not None and op.args:
        return _as_function(m, ref, op, effect)
    if op.args and _begins_in_place(m, ref.obj):
        first = op.args[0][0]
        write_to(m, m.get(first), m.sources.get(first), wrote(m, "write", "(…)"))
        overwritten(m, op, first)
    if m.state.quiet > 0 or ref.obj.kind == "tenure-module":
        kind = "value" if ref.obj.kind == "tenure-module" else "tensor"
        return result or (Ref(m.fresh("output", kind)),)
    known = [r for r in result if r.obj.kind != "unknown"]
    if known and all(r.obj.kind not in ("tensor",) for r in known):
        return result
    out = m.fresh("output", "tensor")
    arguments = [r for register, _ in op.args for r in tensors_of(m, m.get(register))]
    if m.divided or _may_detach(m, ref.obj):
        arguments = [r._replace(must=False) for r in arguments]
    parents = (Ref(m.everything(ref.obj)), *arguments)
    given_back = len(result) == 1 and any(one.obj is result[0].obj for one in saved_by(m, result[0].obj))
    own: Value = (kept_for_backward(m, Ref(out), None),) if given_back or _keeps_its_result(ref.obj) else ()
    if op.args and _keeps_its_input(ref.obj):
        given = m.get(op.args[0][0])
        if len(given) == 1 and given[0].obj.kind == "unknown":
            given[0].obj.kind = "tensor"
        own += tuple(kept_for_backward(m, r, None) for r in given if r.obj.kind == "tensor")
    recorded(m, out, parents, (*_weights(m, ref.obj), *own))
    _carried(m, out, result)
    return (Ref(out),)


def _carried(m: Machine, out: Obj, result: Value) -> None:
    """The graph of what `forward` returned is a part of the output's: a state that the module keeps may lead to it."""
    cells = m.state.cells
    inner = [node for one in result for node in cells.get((one.obj.root(), "·graph"), ())]
    if inner and len(result) == 1:
        cells[(out, "·graph")] = tuple(dict.fromkeys((*cells.get((out, "·graph"), ()), *inner)))[:24]


def _keeps_its_result(obj: Obj) -> bool:
    """Whether a sequence of modules ends with one that keeps its result for the backward pass."""
    last: Obj | None = obj
    while last is not None and isinstance(last.target, str) and last.target.endswith("nn.Sequential"):
        last = last.ends
    effect = _of_library(last) if last is not None and last is not obj else None
    return effect is not None and "result" in effect.saves


def _keeps_its_input(obj: Obj) -> bool:
    """Whether a sequence of modules begins with one that keeps its input for the backward pass."""
    first: Obj | None = obj
    while first is not None and isinstance(first.target, str) and first.target.endswith("nn.Sequential"):
        first = first.begins
    effect = _of_library(first) if first is not None and first is not obj else None
    return effect is not None and "0" in effect.saves and "0" not in effect.writes


def _begins_in_place(m: Machine, obj: Obj) -> bool:
    """Whether a sequence of modules has a first one that works in place."""
    if not isinstance(obj.target, str) or not obj.target.endswith("nn.Sequential"):
        return False
    first = m.state.cells.get((obj, 0), ())
    return obj.text == "in-place" or (len(first) == 1 and first[0].obj.text == "in-place")


def _may_detach(m: Machine, obj: Obj) -> bool:
    """Whether a module of the tree has its `forward` elsewhere, or one that detaches something."""
    if not isinstance(obj.target, ClassInfo):
        return False
    method = m.program.find_method(obj.target, "forward")
    if method is None:
        return True
    named = (node for node in walk(method.node) if isinstance(node, ast.Attribute | ast.Name))
    return any(last_name(node) in _DETACHING for node in named)


def _of_library(obj: Obj) -> Effect | None:
    """The effect of calling a module of PyTorch: that of the function it calls on its input."""
    name = tables.functional(obj.target) if isinstance(obj.target, str) else None
    effect = tables.function(name) if name is not None else None
    if effect is None or not effect.parameters or "inplace" not in effect.parameters:
        return effect if effect is None or effect.kind == "tensor" else None
    return effect.given({str(effect.parameters.index("inplace")): obj.text == "in-place"})


def _as_function(m: Machine, ref: Ref, op: ops.Call, effect: Effect) -> Value:
    given = op.args[0][0]
    value = m.get(given)
    if len(value) == 1 and value[0].obj.kind == "unknown":
        value[0].obj.kind = "tensor"
    saves = tuple(one for one in effect.saves if one in ("0", "result"))
    arguments = Arguments([register for register, _ in op.args], {})
    result = perform(m, replace(effect, saves=saves, variants=()), arguments, op, effect.role)
    if "0" in effect.writes:
        overwritten(m, op, given)
    if "weight" in effect.parameters:
        kept = tuple(kept_for_backward(m, r, None) for r in m.get(given) if "0" in saves and r.obj.kind == "tensor")
        whole = Ref(m.everything(ref.obj))
        for made in result:
            recorded(m, made.obj, (whole, *m.get(given)), (*_weights(m, ref.obj), *kept))
    return result


def _weights(m: Machine, obj: Obj) -> Value:
    return () if obj.summary else (kept_for_backward(m, Ref(m.everything(obj)), None),)
