"""Events for the rules: writes that are lost, shared, sent away, or not allowed."""

import ast

from tenure.check import ops
from tenure.check.analysis.findings import Event
from tenure.check.analysis.functions import Functions
from tenure.check.effects.effect import CONTAINERS, MUTABLE, TENSORS, Effect
from tenure.check.scope import default_of
from tenure.check.values import MUST, Holder, Loan, Obj, Ref, Value, Write, spread

__all__ = ["Laws"]

_MEMO = ("cache", "memo", "registry")


class Laws(Functions):
    """Events that concern writes."""

    def event(self, rule: str, *nodes: ast.AST | None, **more: object) -> None:
        """Note an event of one rule; nodes without a position are left out."""
        placed = tuple(node for node in nodes if node is not None and hasattr(node, "lineno"))
        if placed:
            self.findings.event(Event(self.module.source.path, rule, placed, **more))  # type: ignore[arg-type]

    def lost(self, ref: Ref, op: ops.Op) -> None:
        """Note a write to a copy that no name refers to: it was made in the statement itself."""
        if any(part is ref.obj.node for part in ast.walk(op.node)):
            self.event("write-to-a-temporary", op.node, ref.obj.node, text=ref.obj.kind)

    def lost_in_call(self, ref: Ref, write: Write) -> None:
        self.event("write-to-a-temporary", self.op.node, write.node, text="view", detail="rebind")

    def written(self, ref: Ref, holder: Holder | None, write: Write) -> None:
        super().written(ref, holder, write)
        obj = ref.obj
        if isinstance(holder, str):
            self.written_names.add(holder)
            self.through.setdefault((obj, holder), write)
        self._defaulted(ref, write)
        self._not_to_be_written(ref, holder, write)
        if obj.text == "cached":
            self.event("cached-value-mutated", write.node, ref.loan.node if ref.loan else obj.node, detail=write.text)
        made = spread(obj)
        if made and obj.kind == "tensor" and write.sort == "write" and self.alone and ref.must and not obj.maybe:
            self.event("self-overlapping-write", write.node, made.node, detail="expanded")
        if isinstance(holder, tuple) and holder[0].text == "repeated" and write.sort in ("write", "resize"):
            self.event("repeated-object", write.node, holder[0].node, detail="written")
        temporary = holder is None and obj.text in ("copy", "reshaped") and write.sort == "write"
        if temporary and self.op.node in self.graph_discarded():
            self.lost(ref, self.op)

    def _defaulted(self, ref: Ref, write: Write) -> None:
        root = ref.obj
        while root.base is not None:
            root = root.base
        if not root.default or not isinstance(root.parameter, str) or (write.inner is not None and write.via == ()):
            return
        name = root.parameter.lower()
        if any(part in name for part in _MEMO) or name.startswith("_"):
            return
        if root.kind == "dict" and write.grows:
            return
        self.event("mutable-default-mutated", write.node, root.node, text=root.parameter)

    def _not_to_be_written(self, ref: Ref, holder: Holder | None, write: Write) -> None:
        """Whether an object is a value, or was lent as shared."""
        obj = ref.obj
        lent = self.lent_as(obj)
        if lent == "Ref" and write.sort in ("write", "rebind", "resize"):
            root = obj.root()
            inner = write.inner[1] if write.inner and write.inner[0] == self.module.source.path else None
            sites = (write.node, root.node, inner)
            self.event("borrowed-parameter-written", *sites, text=str(root.parameter), tier="annotated")
        elif obj.kind == "value" and write.sort == "write" and write.inner is None:
            self.event("write-to-a-value", write.node, obj.node, tier="annotated")

    def lent_as(self, obj: Obj) -> str:
        """The mode in which the annotation of an object's parameter lends it."""
        at: Obj | None = obj
        while at is not None:
            if isinstance(at.parameter, str):
                return self.said[at.parameter].mode if at.parameter in self.said else ""
            at = at.base or at.owner
        return ""

    written_names: set[str]
    through: dict[tuple[Obj, str], Write]

    def bound(self, name: str, value: Value) -> None:
        super().bound(name, value)
        self.retraced(name)

    def retraced(self, name: str) -> None:
        """Note that a variable which a compiled function has read is rebound."""

    def wrote_by_name(self, value: Value, holder: Holder | None, write: object) -> None:
        """Note `b += x` on a second name of a: it reads as if b became something new, and a changes."""
        assert isinstance(write, Write)
        for ref in value:
            self.act(write.sort, ref, write, by_name=True)
            loan = ref.loan
            if loan is None or loan.source is None or _is_meant(loan.source):
                continue
            source = loan.source
            held = self.state.cells.get(source, ())
            if loan.relation not in ("name", "parameter", "element") or source == holder:
                continue
            marked = tuple(
                one._replace(loan=loan, write=write, must=len(value) == 1 and write.certain)
                if one.obj is ref.obj and one.write is None
                else one
                for one in held
            )
            self.state.cells[source] = marked

    def captured(self, obj: Obj, name: object, value: Value, register: int | None) -> None:
        """Note a container that stores the same object again, written in between."""
        for ref in value:
            if ref.obj.kind not in MUTABLE or ref.obj.summary or ref.loan is None:
                continue
            self._beside_itself(obj, name, ref)
            if register is None or any(isinstance(at, tuple) and at[0] is obj for at in ref.loan.sources()):
                # A called function puts back the object that it has taken out.
                continue
            for field, held in list(self.state.fields(obj)):
                if field in ("·iterated", "·later", "·graph", "·saved"):
                    continue
                for old in held:
                    same = old.obj is ref.obj or (old.obj.base is not None and old.obj.root() is ref.obj.root())
                    if same and old.write is not None and old.loan is not None and (field != name or name == "*"):
                        self._conflict(old, "again", self.op.node)

    def _beside_itself(self, obj: Obj, name: object, ref: Ref) -> None:
        """Note an object of one key of a dictionary that was written and is stored under another key."""
        if ref.obj.kind not in TENSORS or not isinstance(name, str) or ref.loan is None:
            return
        sources = list(ref.loan.sources())
        write = next((self.through[ref.obj, at] for at in sources if (ref.obj, at) in self.through), None)  # type: ignore[index]
        at: Loan | None = ref.loan
        while write is not None and at is not None:
            match at.source:
                case (owner, str(key)) if owner is obj and key not in (name, "*"):
                    if any(held.obj is ref.obj for held in self.state.cells.get((obj, key), ())):
                        self._conflict(ref._replace(loan=at, write=write), "again", self.op.node)
                    return
            at = at.parent

    def overlapping(self, op: ops.Op) -> None:
        """Note an in-place operation whose operand is a shifted view of its target."""
        if not isinstance(op, ops.Operate) or len(op.operands) < 2:
            return
        self.overlap_of(self.get(op.operands[0]), self.get(op.operands[1]), op)

    def overlap_of(self, target: Value, operand: Value, op: ops.Op) -> None:
        """Note a view of a tensor that is written with another, shifted one."""
        for one in target:
            for other in operand:
                a, b = one.obj, other.obj
                if a.kind != "tensor" or a is b or a.base is None or a.base is not b.base or a.region == b.region:
                    continue
                if _indexed(a) and _indexed(b) and self.state.overlap(a, b) == MUST:
                    self.event("self-overlapping-write", op.node, b.node, detail="shifted")

    def set_item(self, op: ops.SetItem) -> None:
        for ref in self.get(op.obj):
            holder = self.sources.get(op.obj)
            if isinstance(holder, tuple) and holder[0].text == "repeated" and ref.obj.kind in CONTAINERS:
                self.event("repeated-object", op.node, holder[0].node, detail="written")
            components = [self.component(step) for step in op.index]
            if ref.obj.text == "repeated" and components[:1] and components[0][0] != "i":
                # Stores at one position after another give each an object of its own.
                ref.obj.text = "refilled"
            constant = all(part[0] == "k" for part in components)
            if ref.obj.default and ref.obj.kind == "dict" and constant:
                self.event("mutable-default-mutated", op.node, ref.obj.node, text=str(ref.obj.parameter))
        super().set_item(op)

    def _set_tensor_item(self, ref: Ref, region: tuple[tuple[object, ...], ...], op: ops.SetItem) -> None:
        if not op.augmented and any(part[0] == "s" for part in region):
            target = self.view(ref, "[]", op.obj, region=region)
            self.overlap_of(target, self.get(op.src), op)
        super()._set_tensor_item(ref, region, op)

    def in_range(self, obj: Obj, region: tuple[tuple[object, ...], ...], op: ops.Op) -> None:
        index = region[0][1] if len(region) == 1 and region[0][0] == "i" else None
        if obj.length is None or obj.summary or not isinstance(index, int):
            return
        if not -obj.length <= index < obj.length:
            self.event("index-out-of-range", op.node, obj.node, text=str(index))

    def repeated(self, ref: Ref, count: Value, op: ops.Operate) -> None:
        items = self.items(ref.obj)
        one = len(count) == 1 and count[0].obj.const == 1
        if ref.obj.kind == "list" and not one and any(r.obj.kind in ("module", "tenure-module") for r in items):
            self.event("repeated-object", op.node, detail="module")

    def _containers(self, op: ops.Operate, name: str, values: list[Value]) -> Value:
        result = super()._containers(op, name, values)
        if name in ("__mul__", "__rmul__"):
            for ref in result:
                items = self.items(ref.obj) if ref.obj.kind == "list" else ()
                if any(r.obj.kind in MUTABLE for r in items):
                    self.repeat(ref.obj, items)
        return result

    def repeat(self, obj: Obj, items: Value) -> None:
        """Note a container with the same objects at all positions."""
        for name, _ in list(self.state.fields(obj)):
            del self.state.cells[(obj, name)]
        self.state.cells[(obj, "*")] = items
        obj.text = "repeated"

    def parameter(self, function: ops.Function, given: ast.arg, at: int) -> Obj:
        obj = super().parameter(function, given, at)
        default = default_of(function.node, given)
        if default is not None and given.arg not in self.context:
            example = self.static(self.module, default)
            if example.kind in MUTABLE:
                obj.default = True
                obj.node = default
                if obj.kind == "unknown":
                    obj.kind, obj.ndim = example.kind, example.ndim
        return obj

    def before(self, effect: Effect, bound: dict[str, int], op: ops.Op, name: str) -> None:
        super().before(effect, bound, op, name)
        if isinstance(op, ops.Call) and name.endswith("_") and "1" in bound and "0" in bound and effect.writes:
            self.overlap_of(self.get(bound["0"]), self.get(bound["1"]), op)
        if effect.out is not None and effect.out in bound:
            for key, register in bound.items():
                if key != effect.out:
                    self.overlap_of(self.get(bound[effect.out]), self.get(register), op)


def _indexed(obj: Obj) -> bool:
    """Whether a view is made by constant indices alone."""
    constant = all(isinstance(part, int | str | None) for component in obj.region for part in component)
    return constant and all(component[0] in ("i", "s", "all") for component in obj.region)


def _is_meant(source: Holder) -> bool:
    """Whether a write through a second name is likely to be intended for the cell that the name was read from."""
    if isinstance(source, tuple):
        return source[0].kind == "iterator" or source[0].text != "display" or not isinstance(source[1], str)
    return not isinstance(source, str)
