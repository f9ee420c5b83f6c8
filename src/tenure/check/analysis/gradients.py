"""Graphs for the backward pass: the values they save, their reads at the backward, and its writes."""

import ast

from tenure.check import ops
from tenure.check.analysis.calls import Calls
from tenure.check.analysis.findings import Event
from tenure.check.effects.effect import Effect
from tenure.check.values import Obj, Ref, Value

__all__ = ["Gradients"]

_PARTNERS = frozenset(
    ("__mul__", "__rmul__", "mul", "multiply", "__matmul__", "__rmatmul__", "matmul", "mm", "bmm", "mv", "dot", "outer")
)
"""Products: an operand is kept for the gradient of the other one."""

_GRADLESS = frozenset(("detach", "numpy", "data", "item", "tolist"))


class Gradients(Calls):
    """Recording, backward passes, optimizers."""

    def derived(self, obj: Obj, parents: Value) -> Obj:
        """Note that a new tensor was computed from others."""
        self.recorded(obj, parents, ())
        return obj

    def recorded(self, obj: Obj, parents: Value, saved: Value) -> None:
        """The graph of a result is its parents' and itself; the values saved by its operation join theirs."""
        if self.state.quiet > 0 or obj.kind in ("scalar", "ndarray"):
            return
        differentiable = [ref for ref in parents if ref.obj.grad or (ref.obj, "·graph") in self.state.cells]
        if not differentiable:
            return
        obj.grad = True
        cells = self.state.cells
        graph, kept = [Ref(obj)], list(saved)
        for ref in differentiable:
            root = ref.obj
            inherited = cells.get((root, "·graph"), ())
            if not inherited and root.base is not None:
                inherited = cells.get((root.root(), "·graph"), ())
            graph += inherited or ([Ref(root if not root.base else root.root())] if root.grad else [])
            kept += cells.get((root, "·saved"), ()) or cells.get((root.root(), "·saved"), ())
        obj.saves = obj.saves or bool(saved)
        cells[(obj, "·graph")] = tuple(dict.fromkeys(graph))[:24]
        cells[(obj, "·saved")] = tuple(dict.fromkeys(kept))[:24]

    def after(self, effect: Effect, bound: dict[str, int], result: Value, op: ops.Op, name: str) -> Value:
        if effect.role == "no-grad" and not self._switches_on(bound):
            return (Ref(self.fresh("no-grad", "scalar", text="no-grad")),)
        self._leaf(result, bound, effect)
        if effect.result not in ("alias",) or effect.saves:
            self._record(effect, bound, result, name)
        if effect.role == "zero-grad":
            self._zero_grad(self.get(bound.get("0")))
        return self.roles(effect, bound, result, op, name)

    def roles(self, effect: Effect, bound: dict[str, int], result: Value, op: ops.Op, name: str) -> Value:
        """Hook for further roles."""
        return result

    def _switches_on(self, bound: dict[str, int]) -> bool:
        value = self.get(bound.get("0"))
        return len(value) == 1 and value[0].obj.const is True and len(bound) == 1

    def _leaf(self, result: Value, bound: dict[str, int], effect: Effect) -> None:
        """`requires_grad=True`, and `requires_grad_()`."""
        given = self.get(bound.get("requires_grad"))
        wanted = len(given) == 1 and given[0].obj.const is True
        if isinstance(self.op, ops.Call) and self.op.method == "requires_grad_":
            first = self.get(self.op.args[0][0]) if self.op.args else ()
            wanted = not (len(first) == 1 and first[0].obj.const is False)
        if wanted:
            for ref in result:
                if ref.obj.kind in ("tensor", "var", "value"):
                    ref.obj.grad = ref.obj.leaf = True

    def _record(self, effect: Effect, bound: dict[str, int], result: Value, name: str) -> None:
        if self.state.quiet > 0 or name in _GRADLESS:
            return
        arguments = [(key, ref) for key, register in bound.items() for ref in self._tensors(self.get(register))]
        if not any(self.differentiable(ref.obj) for _, ref in arguments):
            return
        saved = []
        for spec in effect.saves:
            if spec == "result":
                saved += [self._kept(ref, None) for ref in result]
                continue
            for value, holder in self.pick(spec, bound):
                for ref in value:
                    partner = name not in _PARTNERS or any(
                        self.differentiable(other.obj) for key, other in arguments if key != spec
                    )
                    if partner and ref.obj.kind in ("tensor", "value", "var", "tinygrad"):
                        saved.append(self._kept(ref, holder))
        parents = tuple(ref for _, ref in arguments)
        for ref in result:
            if ref.obj.kind in ("tensor", "value", "unknown", "tinygrad") and ref.obj.node is self.op.node:
                self.recorded(ref.obj, parents, tuple(saved))
            elif ref.obj.base is not None or effect.result == "alias":
                self._in_place(ref.obj, saved)

    def _in_place(self, obj: Obj, saved: list[Ref]) -> None:
        """An in-place operation saves values too, for the graph of its target."""
        if saved and (obj, "·graph") in self.state.cells:
            old = self.state.cells.get((obj, "·saved"), ())
            self.state.cells[(obj, "·saved")] = tuple(dict.fromkeys((*old, *saved)))[:24]

    def differentiable(self, obj: Obj) -> bool:
        """Whether gradients flow to an object."""
        return obj.grad or (obj, "·graph") in self.state.cells

    def _tensors(self, value: Value) -> list[Ref]:
        out = []
        for ref in value:
            if ref.obj.kind in ("list", "tuple", "dict", "iterator"):
                out += [item for item in self.items(ref.obj) if item.obj.kind in ("tensor", "value", "var", "unknown")]
            else:
                out.append(ref)
        return out

    def _kept(self, ref: Ref, holder: object) -> Ref:
        if ref.write is not None:
            ref = ref._replace(write=None)
        return Ref(ref.obj, self.loan("saved", None, ref._replace(loan=None)))

    def module_called(self, ref: Ref, op: ops.Call, result: Value) -> Value:
        """A call of a module saves its parameters, and returns a tensor that depends on them."""
        if ref.obj.text == "shallow":
            self.reading(self.items(ref.obj), "call")
        if self.state.quiet > 0 or ref.obj.kind == "tenure-module":
            kind = "value" if ref.obj.kind == "tenure-module" else "tensor"
            return result or (Ref(self.fresh("output", kind)),)
        known = [r for r in result if r.obj.kind != "unknown"]
        if known and all(r.obj.kind not in ("tensor",) for r in known):
            return result
        out = self.fresh("output", "tensor")
        whole = self.everything(ref.obj)
        parents = (Ref(whole), *(r for register, _ in op.args for r in self._tensors(self.get(register))))
        saved = () if ref.obj.summary else (self._kept(Ref(whole), None),)
        self.recorded(out, parents, saved)
        return (Ref(out),)

    def before(self, effect: Effect, bound: dict[str, int], op: ops.Op, name: str) -> None:
        if effect.role == "backward":
            retained = any(
                len(value := self.get(bound.get(key))) == 1 and value[0].obj.const is True
                for key in ("retain_graph", "create_graph")
            )
            given = "retain_graph" in bound or "create_graph" in bound
            before = dict(self.state.gone)
            after: dict[Obj, object] = {}
            for ref in self._tensors(self.get(bound.get("0"))):
                # The objects of a value are alternatives: none consumes the graph of another.
                self.state.gone = dict(before)
                self.backward(ref, op, retained=retained or given, accumulates=name == "backward")
                after |= self.state.gone
            self.state.gone = before | after

    def backward(self, ref: Ref, op: ops.Op, *, retained: bool, accumulates: bool) -> None:
        """Read the saved values of the graph, add to the gradients of its leaves, and consume it."""
        cells, obj = self.state.cells, ref.obj
        self.passed_backward(ref, op)
        graph = cells.get((obj, "·graph"), ()) or cells.get((obj.root(), "·graph"), ())
        self.reading(cells.get((obj, "·saved"), ()) or cells.get((obj.root(), "·saved"), ()), "backward", op.node)
        nodes = [node.obj for node in graph if node.obj.saves]
        for node in nodes:
            if node in self.state.gone and not retained:
                self._consumed_twice(node, op)
                break
        if not retained:
            for node in nodes:
                self.state.gone.setdefault(node, op.node)
        if accumulates:
            for leaf in graph:
                if leaf.obj.leaf:
                    self._accumulate(leaf.obj)

    def passed_backward(self, ref: Ref, op: ops.Op) -> None:
        """Note a backward pass from something given from outside."""

    def _consumed_twice(self, node: Obj, op: ops.Op) -> None:
        first = self.state.gone[node]
        assert isinstance(first, ast.AST)
        sites = (op.node, first)
        self.findings.event(Event(self.module.source.path, "use-after-move", sites, detail="graph"))

    def _accumulate(self, leaf: Obj) -> None:
        cells = self.state.cells
        held = self.gradients(leaf) if leaf.deep else cells.get((leaf, "grad"), ())
        if not leaf.deep and (not held or held[0].obj.const is None):
            if leaf.node is None and not held:
                return
            cells[(leaf, "grad")] = (Ref(self.fresh(("grad", leaf), leaf.kind)),)
            return
        self.write(held, (leaf, "grad"), self.wrote("write", ".backward() adds to it"), all_of=True)

    def _zero_grad(self, value: Value) -> None:
        """Gradients are dropped: the next backward pass makes new ones."""
        none = self.constant(None)
        reached = [*value, *self.reachable(value)]
        for holder in list(self.state.cells):
            if isinstance(holder, tuple) and holder[1] == "grad":
                owners = [ref.obj for ref in reached]
                if any(owner is holder[0] or self.state.overlap(owner, holder[0]) for owner in owners):
                    self.state.cells[holder] = none
