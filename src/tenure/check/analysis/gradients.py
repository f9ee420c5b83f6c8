"""Backward passes: reads of saved values, writes to the gradients of leaves, and the end of a graph."""

import ast

from tenure.check import ops
from tenure.check.analysis.conflicts import note, reading, write_to, wrote
from tenure.check.analysis.graphs import saved_by
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.views import gradients_of, reachable
from tenure.check.values import Obj, Ref, Value

__all__ = ["backward", "saved_in_place", "zero_grad"]


def backward(m: Machine, ref: Ref, op: ops.Op, *, retained: bool, accumulates: bool) -> None:
    """Read the saved values of the graph, add to the gradients of its leaves, and consume it."""
    cells, obj = m.state.cells, ref.obj
    graph = cells.get((obj, "·graph"), ()) or cells.get((obj.root(), "·graph"), ())
    reading(m, saved_by(m, obj), "backward", op.node)
    nodes = [node for node in graph if node.obj.saves]
    for node in nodes:
        if node.must and node.obj in m.state.gone and not retained:
            _consumed_twice(m, node.obj, op)
            break
    if not retained:
        for node in nodes:
            m.state.gone.setdefault(node.obj, op.node)
    if accumulates:
        for leaf in graph:
            if leaf.obj.leaf:
                _accumulate(m, leaf.obj)


def _consumed_twice(m: Machine, node: Obj, op: ops.Op) -> None:
    first = m.state.gone[node]
    assert isinstance(first, ast.AST)
    sites = (op.node, first)
    note(m, "use-after-move", *sites, detail="graph")


def _accumulate(m: Machine, leaf: Obj) -> None:
    cells = m.state.cells
    held = gradients_of(m, leaf) if leaf.deep else cells.get((leaf, "grad"), ())
    if not leaf.deep and (not held or held[0].obj.const is None):
        if leaf.node is None and not held:
            return
        cells[(leaf, "grad")] = (Ref(m.fresh(("grad", leaf), leaf.kind)),)
        return
    write_to(m, held, (leaf, "grad"), wrote(m, "write", ".backward() adds to it"), all_of=True)


def zero_grad(m: Machine, value: Value) -> None:
    """Gradients are dropped: the next backward pass makes new ones."""
    none = m.constant(None)
    reached = [*value, *reachable(m, value)]
    for holder in list(m.state.cells):
        if isinstance(holder, tuple) and holder[1] == "grad":
            owners = [ref.obj for ref in reached]
            if any(owner is holder[0] or m.state.overlap(owner, holder[0]) for owner in owners):
                m.state.cells[holder] = none


def saved_in_place(m: Machine, obj: Obj, saved: list[Ref]) -> None:
    """An in-place operation saves values too, for the graph of its target."""
    if saved and (obj, "·graph") in m.state.cells:
        old = m.state.cells.get((obj, "·saved"), ())
        m.state.cells[(obj, "·saved")] = tuple(dict.fromkeys((*old, *saved)))[:24]
