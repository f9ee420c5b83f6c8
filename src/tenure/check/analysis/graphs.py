"""Graphs for the backward pass: parents of results, and the values that operations save."""

from tenure.check.analysis.machine import Machine
from tenure.check.values import Obj, Ref, Value

__all__ = ["derived", "differentiable", "joined", "kept_for_backward", "recorded", "saved_by", "tensors_of"]


def derived(m: Machine, obj: Obj, parents: Value) -> Obj:
    """Note that a new tensor was computed from others."""
    recorded(m, obj, parents, ())
    return obj


def recorded(m: Machine, obj: Obj, parents: Value, saved: Value) -> None:
    """The graph of a result is its parents' and itself; the values saved by its operation join theirs."""
    if m.state.quiet > 0 or obj.kind in ("scalar", "ndarray"):
        return
    differentiable = [ref for ref in parents if ref.obj.grad or (ref.obj, "·graph") in m.state.cells]
    if not differentiable:
        return
    obj.grad = True
    # A view is the same object in each round, and its graph another one.
    m.state.gone.pop(obj, None)
    graph, kept = _behind(m, differentiable)
    obj.saves = obj.saves or bool(saved)
    _set(m, obj, (Ref(obj), *graph), (*saved, *kept))


def joined(m: Machine, obj: Obj, operands: Value) -> None:
    """Note that an operation in place makes its target depend on its other operands: `x += f(x)`."""
    cells = m.state.cells
    differentiable = [ref for ref in operands if ref.obj.grad or (ref.obj, "·graph") in cells]
    if obj.kind != "tensor" or obj.leaf or obj.summary or not differentiable:
        return
    obj.grad = True
    graph, kept = _behind(m, differentiable)
    _set(m, obj, (*cells.get((obj, "·graph"), (Ref(obj),)), *graph), (*cells.get((obj, "·saved"), ()), *kept))


def _behind(m: Machine, parents: list[Ref]) -> tuple[list[Ref], list[Ref]]:
    """The graphs of the operands of an operation, and what those keep for the backward pass."""
    cells = m.state.cells
    graph: list[Ref] = []
    kept: list[Ref] = []
    for ref in parents:
        root = ref.obj
        inherited = cells.get((root, "·graph"), ())
        if not inherited and root.base is not None:
            inherited = cells.get((root.root(), "·graph"), ())
        graph += _as_certain(ref, inherited or ((Ref(root if not root.base else root.root()),) if root.grad else ()))
        kept += _as_certain(ref, cells.get((root, "·saved"), ()) or cells.get((root.root(), "·saved"), ()))
    return graph, kept


def _set(m: Machine, obj: Obj, graph: Value, saved: Value) -> None:
    m.state.cells[(obj, "·graph")] = tuple(dict.fromkeys(graph))[:24]
    m.state.cells[(obj, "·saved")] = tuple(dict.fromkeys(saved))[:24]


def _as_certain(parent: Ref, graph: Value) -> Value:
    """The graph of a parent, as certain as that it is one."""
    return graph if parent.must else tuple(ref._replace(must=False) for ref in graph)


def differentiable(m: Machine, obj: Obj) -> bool:
    """Whether gradients flow to an object."""
    return obj.grad or (obj, "·graph") in m.state.cells


def saved_by(m: Machine, obj: Obj) -> Value:
    """The values that a backward pass from a tensor reads."""
    return m.state.cells.get((obj, "·saved"), ()) or m.state.cells.get((obj.root(), "·saved"), ())


def tensors_of(m: Machine, value: Value) -> list[Ref]:
    """The tensors of a value, or of the containers that it is; of one that nothing is known of there are none."""
    out = []
    for ref in value:
        if ref.obj.kind in ("list", "tuple", "dict", "iterator"):
            if ref.obj.kind in ("list", "dict") and ref.obj not in m.state.cells.index:
                continue
            out += [item for item in m.items(ref.obj) if item.obj.kind in ("tensor", "value", "var", "unknown")]
        else:
            out.append(ref)
    return out


def kept_for_backward(m: Machine, ref: Ref, holder: object) -> Ref:
    if ref.write is not None:
        ref = ref._replace(write=None)
    return Ref(ref.obj, m.loan("saved", None, ref._replace(loan=None)))
