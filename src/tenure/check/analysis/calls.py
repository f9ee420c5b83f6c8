"""Calls: of library functions and methods, of functions and classes of the checked tree, and of unknown callees."""

from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.effects_on import Arguments, Effects
from tenure.check.analysis.evidence import only_torch
from tenure.check.effects import tables
from tenure.check.effects.effect import CONTAINERS, TENSORS
from tenure.check.program import ClassInfo, Module
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["Calls"]

_ONCE = frozenset(
    ("map", "filter", "zip", "reversed", "enumerate", "iter", "chain", "islice", "takewhile", "dropwhile", "starmap",
     "accumulate", "compress", "filterfalse", "parameters", "named_parameters", "buffers", "named_buffers", "modules",
     "named_modules", "children", "named_children", "product", "zip_longest", "pairwise", "groupby")
)  # fmt: skip
"""Kinds that can be iterated a single time."""

_TAKEN_AT_ONCE = frozenset(("product", "arrangements"))
"""Roles of iterators that take all items of their arguments before they yield the first."""


class Calls(Effects):
    """Resolution and execution of calls."""

    def call(self, op: ops.Call) -> None:
        if op.receiver is not None:
            result = self._call_method(op)
        else:
            result = self._call_value(op)
        self.put(op.dst, result, self._result_source(op, result))

    def _result_source(self, op: ops.Call, result: Value) -> Holder | None:
        """The cell of the receiver, for a method that returns its receiver."""
        if op.receiver is not None and result and result == self.get(op.receiver):
            return self.sources.get(op.receiver)
        return None

    def _call_value(self, op: ops.Call) -> Value:
        out: list[Ref] = []
        value = self.get(op.func)
        for ref in value:
            out += self.call_object(ref, op) or (Ref(self.fresh(("unknown", len(out)), "unknown")),)
        if not value:
            self.unknown_call(op)
            return (Ref(self.fresh("unknown", "unknown")),)
        return tuple(dict.fromkeys(out))

    def call_object(self, ref: Ref, op: ops.Call) -> Value:
        """Call the object of one reference."""
        obj = ref.obj
        if isinstance(obj.target, ops.Function):
            bound = self.state.cells.get((obj, "self"))
            return self.call_function(obj.target, op, self_value=bound, function_object=obj)
        if obj.kind == "module-name":
            return self.call_target(obj.target, op)
        if obj.kind in ("module", "tenure-module", "instance"):
            return self._call_instance(ref, op)
        if obj.text == "compiled":
            return self.call_compiled(ref, op)
        self.unknown_call(op)
        return (Ref(self.fresh("unknown", "unknown")),)

    def call_compiled(self, ref: Ref, op: ops.Call) -> Value:
        """Call a function that a library has compiled."""
        raise NotImplementedError

    def _call_instance(self, ref: Ref, op: ops.Call) -> Value:
        obj = ref.obj
        result: Value = ()
        if isinstance(obj.target, ClassInfo):
            name = "__call__" if obj.kind == "instance" else "forward"
            method = self.program.find_method(obj.target, name)
            if method is not None:
                result = self.call_function(method, op, self_value=(ref,))
        if obj.kind == "instance":
            return result or (Ref(self.fresh("unknown", "unknown")),)
        if not result:
            self.unknown_call(op, "call")
        return self.module_called(ref, op, result)

    def module_called(self, ref: Ref, op: ops.Call, result: Value) -> Value:
        """Note the call of a module: its parameters are saved for the backward pass."""
        raise NotImplementedError

    def _call_method(self, op: ops.Call) -> Value:
        assert op.receiver is not None
        value = self.get(op.receiver)
        if not value:
            self.unknown_call(op)
            return (Ref(self.fresh("unknown", "unknown")),)
        if len(value) == 1:
            self.divided = False
            result = self._call_on([value[0]], op) or (Ref(self.fresh(("unknown", 0), "unknown")),)
            self.state.cells[op.receiver] = value
            return tuple(dict.fromkeys(result)) if len(result) > 1 else result
        out: list[Ref] = []
        groups: dict[object, list[Ref]] = {}
        for ref in value:
            groups.setdefault((ref.obj.kind, ref.obj.target), []).append(ref)
        self.divided = True
        for refs in groups.values():
            if len(groups) > 1:
                self.state.cells[op.receiver] = tuple(refs)
            out += self._call_on(refs, op) or (Ref(self.fresh(("unknown", len(out)), "unknown")),)
        self.divided = False
        self.state.cells[op.receiver] = value
        return tuple(dict.fromkeys(out))

    def _call_on(self, refs: list[Ref], op: ops.Call) -> Value:
        assert op.receiver is not None
        obj, name = refs[0].obj, op.method
        if obj.kind == "module-name":
            return self.call_target(self.program.attribute(obj.target, name), op)
        if isinstance(obj.target, ClassInfo):
            method = self.program.find_method(obj.target, name)
            if method is not None:
                return self.call_function(method, op, self_value=tuple(refs))
        if isinstance(obj.target, ops.Function) and name in ("__call__", "apply"):
            return self.call_object(refs[0], op)
        kind = obj.kind
        if kind == "unknown" and only_torch(name) and self.imports("torch"):
            kind = obj.kind = "tensor"
        if kind == "unknown" and name in ("items", "keys") and not op.args and not self.imports("pandas"):
            kind = obj.kind = "dict"
        if kind == "instance":
            kind = self.library_kind(obj) or kind
        effect = tables.method(kind, name)
        if effect is None:
            return self._unknown_method(refs, op)
        if kind == "unknown":
            return self._unknown_method(refs, op)
        self.is_method = True
        arguments = Arguments.of(op, op.receiver)
        result = self.perform(effect, arguments, op, name)
        self.is_method = False
        if effect.role == "hook" or name.startswith("register"):
            self.registered(refs, op)
        return self._once(result, name)

    def registered(self, refs: list[Ref], op: ops.Call) -> None:
        """Note that a function is called later."""
        self.hooked(refs, op)

    def hooked(self, refs: list[Ref], op: ops.Call) -> None:
        """Note that a hook is registered."""

    def library_kind(self, obj: Obj) -> str | None:
        """The kind of an instance by the library class that its own class derives from."""
        if not isinstance(obj.target, ClassInfo):
            return None
        for base in self.program.bases(obj.target):
            kind = tables.class_kind(base) if isinstance(base, str) else None
            if kind not in (None, "scalar"):
                return kind
        return None

    def _once(self, result: Value, name: str) -> Value:
        if name in _ONCE:
            for ref in result:
                if ref.obj.kind == "iterator":
                    ref.obj.target = "once"
        return result

    def _unknown_method(self, refs: list[Ref], op: ops.Call) -> Value:
        self.read(op.receiver, "method" if refs[0].obj.kind == "unknown" else "unknown")
        self.unknown_call(op)
        self.queued(refs, op)
        for ref in refs:
            bound = self.field(ref.obj, op.method) if ref.obj.kind in ("module", "instance") else ()
            for callee in bound:
                if callee.obj.target is not None or callee.obj.kind == "module":
                    return self.call_object(callee, op)
        return (Ref(self.fresh("unknown", "unknown")),)

    def queued(self, refs: list[Ref], op: ops.Call) -> None:
        """Note `queue.put(x)` and its like."""

    def unknown_call(self, op: ops.Call, how: str = "unknown") -> None:
        """Note a call of an unknown function: its arguments are read, perhaps."""
        for register in (*(register for register, _ in op.args), *(register for _, register in op.keywords)):
            self.read(register, how, deep=True)
            self.escaped(self.get(register))

    def call_target(self, target: object, op: ops.Call) -> Value:
        """Call the target of a name."""
        if isinstance(target, ops.Function):
            return self.call_function(target, op)
        if isinstance(target, ClassInfo):
            return self.instantiate(target, op)
        if isinstance(target, str):
            return self.call_library(target, op)
        if isinstance(target, Module):
            return ()
        self.unknown_call(op)
        return (Ref(self.fresh("unknown", "unknown")),)

    def call_library(self, qualname: str, op: ops.Call) -> Value:
        """Call a function or class outside the tree."""
        name = qualname.rpartition(".")[2]
        special = self.special_call(qualname, name, op)
        if special is not None:
            return special
        effect = tables.function(qualname)
        if effect is not None:
            result = self.perform(effect, Arguments.of(op), op, name)
            return self._once(self.constructed(qualname, name, result, op), name)
        kind = self.guess_class(qualname, name)
        if kind is not None:
            self.unknown_call(op, "captured")
            return self.constructed(qualname, name, (Ref(self.fresh("made", kind)),), op)
        self.unknown_call(op)
        return (Ref(self.fresh("unknown", "unknown", target=qualname)),)

    def guess_class(self, qualname: str, name: str) -> str | None:
        """The kind of a library class that the tables do not list, by its module."""
        kind: str | None = tables.class_kind(qualname)
        if kind is not None:
            return kind
        if name[:1].isupper():
            if qualname.startswith("torch.nn."):
                return "module"
            if qualname.startswith("torch.optim.") and "lr_scheduler" not in qualname:
                return "optimizer"
        return None

    def constructed(self, qualname: str, name: str, result: Value, op: ops.Call) -> Value:
        """Note the arguments of a constructor."""
        for ref in result:
            obj = ref.obj
            if obj.kind in ("optimizer", "tenure-optimizer") and op.args:
                held = self.reachable(self.get(op.args[0][0])) or self.get(op.args[0][0])
                self.state.cells[(obj, "*")] = tuple(Ref(one.obj) for one in held)
                self.consume_register(op.args[0][0])
            if obj.kind in ("tensor", "var") and name == "Parameter":
                obj.grad = obj.leaf = True
            if obj.kind == "module" and obj.text == "":
                obj.text = "in-place" if self._in_place_given(op) else "library"
            if name == "Sequential":
                for at, (register, _) in enumerate(op.args):
                    self.state.cells[(obj, at)] = self.get(register)
            obj.target = obj.target or qualname
        return result

    def _in_place_given(self, op: ops.Call) -> bool:
        value = self.get(dict(op.keywords).get("inplace"))
        return len(value) == 1 and value[0].obj.const is True

    def consume_register(self, register: int) -> None:
        """Iterate the value of a register to its end."""

    def special_call(self, qualname: str, name: str, op: ops.Call) -> Value | None:
        """The value of a call that no table can describe; None for other calls."""
        raise NotImplementedError

    def instantiate(self, info: ClassInfo, op: ops.Call) -> Value:
        """An instance of a class of the tree."""
        kind = self.instance_kind(info)
        obj = self.fresh("instance", kind, target=info)
        ref = Ref(obj)
        method = self.program.find_method(info, "__init__")
        if method is not None:
            self.call_function(method, op, self_value=(ref,))
        else:
            self.unknown_call(op, "captured")
        return (ref,)

    def instance_kind(self, info: ClassInfo) -> str:
        """The kind of a class's instances: that of the library class it derives from, if any."""
        for base in self.program.bases(info):
            if isinstance(base, str):
                kind = self.guess_class(base, base.rpartition(".")[2])
                if kind in ("module", "tenure-module", "optimizer", "tenure-optimizer"):
                    return str(kind)
        return "instance"

    def call_function(
        self,
        function: ops.Function,
        op: ops.Call,
        *,
        self_value: Value | None = None,
        function_object: Obj | None = None,
    ) -> Value:
        """Call a function of the tree by its summary."""
        raise NotImplementedError

    def iterate(self, registers: list[int], role: str) -> Value:
        """An iterator over the values of registers."""
        new = self.fresh(("iterator", role), "iterator")
        new.text, new.field = "display", role
        looked_at: list[Ref] = []
        for at, register in enumerate(registers):
            source = self.sources.get(register)
            for ref in self.get(register):
                if ref.obj.kind == "iterator":
                    self.state.cells[(new, ("inner", at))] = (ref,)
                    continue
                if ref.obj.kind in TENSORS:
                    self.read(register, "iterate")
                looked_at.append(self._watched(ref, source, role, at))
        self.state.cells[(new, "·iterated")] = tuple(looked_at)
        return (Ref(new),)

    def _watched(self, ref: Ref, source: object, role: str, at: int) -> Ref:
        relation = "iteration"
        if role in _TAKEN_AT_ONCE:
            relation = "element"
        elif ref.obj.kind not in (*CONTAINERS, "unknown"):
            relation = "view"
        text = f"{role}:{at}"
        write = None if ref.write is not None and ref.write.sort == "resize" else ref.write
        loan = self.loan(relation, source, ref._replace(loan=None), text)  # type: ignore[arg-type]
        return Ref(ref.obj, loan, write, ref.must)

    def iterator_of(self, ref: Ref) -> Iterator[tuple[Obj, Ref]]:
        """The container under an iterator, through the iterators between."""
        stack, seen = [ref.obj], set()
        while stack:
            at = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            for held in self.state.cells.get((at, "·iterated"), ()):
                yield at, held
            stack += [inner.obj for name, value in self.state.fields(at) if isinstance(name, tuple) for inner in value]
