"""Tenure's own laws: loans for the length of a `with` block, stale borrows, moved values."""

import ast

from tenure.check import ops
from tenure.check.analysis.escapes import Escapes
from tenure.check.analysis.evidence import annotation
from tenure.check.analysis.findings import Conflict
from tenure.check.analysis.memory import GONE
from tenure.check.scope import parameters
from tenure.check.state import State
from tenure.check.values import NO, Holder, Obj, Ref, Value, Write

__all__ = ["Interpreter"]

_SHARED, _EXCLUSIVE = "borrow", "borrow-mut"


class Interpreter(Escapes):
    """The whole abstract machine."""

    def entry(self, function: ops.Function) -> State:
        self.threads, self.reshaped, self.opened = {}, {}, set()
        self.seen, self.guessed = set(), set()
        self.written_names, self.through = set(), {}
        said = [(given.arg, given.annotation) for given in parameters(function.node) if given.annotation is not None]
        self.said = {name: annotation(self.program, self.module, node) for name, node in said}
        return super().entry(function)

    def run(self, function: ops.Function) -> State:
        end = super().run(function)
        self.findings.drop(self._deliberate)
        for obj, write in self.reshaped.items():
            if obj not in self.seen:
                self.event("maybe-view-written", write.node, obj.node)
        return end

    def _deliberate(self, conflict: Conflict) -> bool:
        """Whether `d = r = ...` is written through one name only: the other is then meant to follow."""
        loan = conflict.loan
        if loan.relation != "chain" or all(loan is not own for own in self.loans.values()):
            return False
        by_name = isinstance(conflict.write.node, ast.AugAssign)
        return not by_name and not {loan.name, loan.source} <= self.written_names

    def tenure_roles(self, role: str, bound: dict[str, int], result: Value, op: ops.Op) -> Value:
        if role in (_SHARED, _EXCLUSIVE):
            for ref in self.get(bound.get("0")):
                self._may_borrow(ref, role)
                for made in result:
                    made.obj.owner = made.obj.owner or ref.obj
                    made.obj.text = role
                    made.obj.target = ref.obj
        if role == "move":
            for ref in self.get(bound.get("0")):
                if ref.obj.kind != "scalar":
                    self.give_up(ref.obj, "moved")
        return result

    def _may_borrow(self, ref: Ref, role: str) -> None:
        for place, mode, node in self.state.loans:
            if self.state.overlap(place, ref.obj) is NO or not isinstance(node, ast.AST):
                continue
            if role == _EXCLUSIVE:
                rule = "second-exclusive-borrow" if mode == _EXCLUSIVE else "exclusive-borrow-while-shared"
            elif mode == _EXCLUSIVE:
                rule = "use-while-exclusively-borrowed"
            else:
                continue
            self.event(rule, self.op.node, node, tier="annotated")

    def entered(self, value: Value, op: ops.Enter) -> Value:
        for ref in value:
            if ref.obj.text in (_SHARED, _EXCLUSIVE) and isinstance(ref.obj.target, Obj):
                self.state.loans = (*self.state.loans, (ref.obj.target, ref.obj.text, op.node))
        return value

    def left(self, value: Value) -> None:
        for ref in value:
            if ref.obj.text in (_SHARED, _EXCLUSIVE):
                kept = [loan for loan in self.state.loans if loan[0] is not ref.obj.target]
                self.state.loans = tuple(kept)

    def looked(self, ref: Ref) -> None:
        if self.summary is not None:
            super().looked(ref)
        self.seen.add(ref.obj)
        if self.state.loans:
            self._while_borrowed(ref, None)

    def written(self, ref: Ref, holder: Holder | None, write: Write) -> None:
        super().written(ref, holder, write)
        if ref.write is not None and ref.write.sort in GONE and ref.write.sort != "consumed":
            self.gone(ref, self.op.node)
        self._while_borrowed(ref, write)
        if ref.obj.kind == "borrow" and ref.write is not None and ref.write.sort == "write" and ref.loan is not None:
            self.event("write-through-a-stale-borrow", write.node, ref.write.node, ref.loan.node, tier="annotated")
        recorded = ref.obj.kind == "var" and ref.obj.leaf and self.state.quiet == 0 and write.sort == "write"
        if recorded and not write.hidden and write.inner is None and write.text != ".step(…)":
            self.event("write-to-a-value", write.node, ref.obj.node, detail="leaf", tier="annotated")

    def _while_borrowed(self, ref: Ref, write: Write | None) -> None:
        if isinstance(self.op, ops.Call) and self.op.method in ("borrow", "borrow_mut"):
            return
        for place, mode, node in self.state.loans:
            if ref.obj.kind == "borrow" or not isinstance(node, ast.AST) or self.state.overlap(place, ref.obj) is NO:
                continue
            if mode == _EXCLUSIVE:
                self.event("use-while-exclusively-borrowed", self.op.node, node, tier="annotated")
            elif write is not None:
                self.event("write-while-lent", write.node, node, tier="annotated")
