"""The abstract machine: runs the operations of a body over states to a fixed point."""

import ast
from collections.abc import Callable
from typing import Any, ClassVar

from tenure.check import ops
from tenure.check.analysis.evidence import Annotation, container_by_use, only_torch
from tenure.check.analysis.rounds import Rounds
from tenure.check.effects import tables
from tenure.check.effects.effect import HOLDING, MUTABLE, TENSORS
from tenure.check.lower import lower
from tenure.check.ops import Function
from tenure.check.program import ClassInfo
from tenure.check.scope import decorator_names, parameters
from tenure.check.state import State
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["Machine"]

_VISITS, _ROUNDS = 6, 3
"""Number of runs of a block, and of the head of a loop: its carried values return twice."""


class Machine(Rounds):
    """Dispatch on operations; the work is done by the classes below."""

    function: Function
    said: dict[str, Annotation]
    _steps: ClassVar[dict[type[ops.Op], Callable[[Any, Any], None]]]

    def run(self, function: Function) -> State:
        """Run a body to its fixed point, and return the state at its exit."""
        self.function = function
        graph = lower(function)
        rank = {block: at for at, block in enumerate(graph.order)}
        before: dict[int, State] = {0: self.entry(function)}
        visits = dict.fromkeys(graph.order, 0)
        pending = {0}
        steps = self.steps()
        while pending:
            at = min(pending, key=rank.__getitem__)
            pending.discard(at)
            visits[at] += 1
            self.repeating, self.block = at in graph.repeated, at
            # A block that is run once needs its state no more.
            self.state = before[at].copy() if self.repeating or at == 1 else before.pop(at)
            block = graph.blocks[at]
            for op in block.ops:
                self.op = op
                steps[op.__class__](self, op)
            cells, crossing = self.state.cells, graph.crossing
            for register in self.placed:
                if register not in crossing:
                    cells.pop(register, None)
            self.placed.clear()
            new = [following for following in block.succs if following not in before]
            for following in block.succs:
                given = self.next_round(graph.loops[following]) if following in graph.loops else self.state
                if following in before:
                    if not self.meet(before[following], given):
                        continue
                else:
                    before[following] = given if following == new[-1] else given.copy()
                if visits[following] < (_ROUNDS if graph.blocks[following].loop_head else _VISITS):
                    pending.add(following)
        return before.get(1, State())

    @classmethod
    def steps(cls) -> dict[type[ops.Op], Callable[[Any, Any], None]]:
        """The methods that execute operations."""
        if "_steps" not in cls.__dict__:
            cls._steps = {op: getattr(cls, name) for op, name in _STEPS.items()}
        return cls._steps

    def entry(self, function: Function) -> State:
        """The state at the start of a body: its parameters refer to given objects."""
        self.state = State()
        for at, given in enumerate(parameters(function.node)):
            obj = self.parameter(function, given, at)
            self.state.cells[given.arg] = (Ref(obj),)
        return self.state

    def parameter(self, function: Function, given: ast.arg, at: int) -> Obj:
        """The object of a parameter, by its annotation and by the methods called on it."""
        obj = Obj("unknown", given, parameter=given.arg)
        if (said := self.said.get(given.arg)) is not None:
            obj.kind, obj.target = said.kind, said.target
        if isinstance(function.node, ast.Lambda):
            return obj
        if at == 0 and function.in_class is not None and "staticmethod" not in decorator_names(function.node):
            info = self.class_of(function.in_class)
            if info is not None:
                obj.target, obj.kind = info, self.instance_kind(info)
        arguments = function.node.args if isinstance(function.node, ast.FunctionDef | ast.AsyncFunctionDef) else None
        if arguments is not None and given is arguments.vararg:
            obj.kind = "tuple"
        elif arguments is not None and given is arguments.kwarg:
            obj.kind = "dict"
        if obj.kind == "unknown":
            obj.kind = self.kind_by_use(given.arg, given=True)
        return obj

    def class_of(self, node: ast.ClassDef) -> ClassInfo | None:
        """The class of a method."""
        info = self.module.classes.get(node.name)
        return info if info is not None and info.node is node else None

    def kind_by_use(self, name: str, *, given: bool = False) -> str:
        """The kind of a variable (`given`: of a parameter), by the methods called on it."""
        used = self.function.scope.uses.methods.get(name, ())
        if used and any(only_torch(method) for method in used) and self.imports("torch"):
            return "tensor"
        if kind := container_by_use(used, given=given):
            return kind
        if "named_parameters" in used or "parameters" in used:
            return "tenure-module" if self.imports("tenure") else "module"
        return "unknown"

    def _load(self, op: ops.Load) -> None:
        name, cells = op.name, self.state.cells
        value = cells.get(name)
        if value is None:
            value = self.fixed.get(name)
        if value is None:
            value = self.outer(name)
            if name not in cells:
                self.fixed[name] = value
        self.put(op.dst, value, name)

    def outer(self, name: str) -> Value:
        """The value of a variable of an enclosing scope, of the module, or a builtin."""
        raise NotImplementedError

    def _bind(self, op: ops.Bind) -> None:
        value, source = self.get(op.src), self.sources.get(op.src)
        out = []
        for ref in value:
            if op.chained is not None and ref.obj.kind in MUTABLE and isinstance(op.chained, str):
                ref = ref._replace(loan=self.loan("chain", op.chained, ref, op.name, copylike=True))
            elif source is not None and source != op.name:
                ref = self.lent(ref, "name" if isinstance(source, str) else _relation(source), source)
            if ref.loan is not None and not ref.loan.name:
                ref.loan.name, ref.loan.of = op.name, ref.loan.of or self.nodes.get(op.src)
            out.append(ref)
        kind = self.kind_by_use(op.name) if len(out) == 1 and out[0].obj.kind == "unknown" else "unknown"
        if kind != "unknown":
            out[0].obj.kind = kind
        self.bound(op.name, tuple(out))
        self.state.cells[op.name] = self.numbered(op.name, tuple(out))

    def bound(self, name: str, value: Value) -> None:
        """Note that a variable gets a value."""

    def _unbind(self, op: ops.Unbind) -> None:
        self.state.cells.pop(op.name, None)

    def _const(self, op: ops.Const) -> None:
        self.put(op.dst, self.constant(op.value))

    def _operate(self, op: ops.Operate) -> None:
        if op.name.startswith("import "):
            self.put(op.dst, self.imported(op.name.removeprefix("import ")))
            return
        values = [self.get(register) for register in op.operands]
        self.put(op.dst, *self.operator(op, values))

    def imported(self, qualname: str) -> Value:
        """The values that an import statement binds."""
        self.brought.add(qualname)
        module, _, name = qualname.partition(":")
        if module.startswith("."):
            level = len(module) - len(module.lstrip("."))
            package = self.module.package.split(".")
            package = package[: len(package) - level + 1]
            module = ".".join([*package, *([module.lstrip(".")] if module.lstrip(".") else [])])
        return self.named(self.program.follow(f"{module}:{name}" if name else module))

    def operator(self, op: ops.Operate, values: list[Value]) -> tuple[Value, Holder | None]:
        """The value of an operator, and the cell it returns, if it works in place."""
        raise NotImplementedError

    def _build(self, op: ops.Build) -> None:
        kind = op.kind
        new = self.fresh("display", kind, text="display")
        if kind == "iterator":
            new.target = "once"
        entries: dict[object, dict[Ref, None]] = {}
        exact = kind in ("list", "tuple") and not any(starred for _, _, starred in op.entries)
        for at, (key, register, starred) in enumerate(op.entries):
            name: object = at if exact else "*"
            if kind == "dict" and key is not None:
                found = self.get(key)
                const = found[0].obj.const if len(found) == 1 else ...
                name = "*" if const is ... else const
            source = self.sources.get(register)
            value = self.get(register)
            if starred:
                value, source = tuple(ref for one in value for ref in self.items(one.obj)), None
            if source is not None:
                value = tuple(self.lent(ref, "captured", source) for ref in value)
            entries.setdefault(name, {}).update(dict.fromkeys(value))
        self.state.cells.fill(new, {name: tuple(held) for name, held in entries.items()})
        self.put(op.dst, (Ref(new),))

    def _capture(self, op: ops.Capture) -> None:
        source = self.sources.get(op.src)
        for target in self.get(op.container):
            value = self.get(op.src)
            if source is not None:
                value = tuple(self.lent(ref, "captured", source) for ref in value)
            if target.obj.kind != "iterator" or value:
                self.captured(target.obj, "*", value, op.src)
            self._store(target.obj, "*", value, weak=True)

    def _merge(self, op: ops.Merge) -> None:
        source = self.sources.get(op.src)
        value = self.get(op.src)
        if source is not None:
            relation = "name" if isinstance(source, str) else _relation(source)
            value = tuple(self.lent(ref, relation, source) for ref in value)
        self.put(op.dst, value)

    def _iter(self, op: ops.Iter) -> None:
        value = self.get(op.src)
        if value and all(ref.obj.kind == "iterator" and ref.obj.text != "again" for ref in value):
            for ref in value if len(value) == 1 else ():
                self.started(ref, op.src)
            self.put(op.dst, value)
            self.reads_present_keys(value)
            return
        self.put(op.dst, self.iterate([op.src], ""))

    def reads_present_keys(self, value: Value) -> None:
        """A loop over `d.keys()` and its like starts with the present contents: earlier writes do not matter."""
        for ref in value:
            if ref.obj.field in ("keys", "values", "items"):
                cell = (ref.obj, "·iterated")
                self.state.cells[cell] = tuple(held._replace(write=None) for held in self.state.cells.get(cell, ()))

    def started(self, ref: Ref, register: int) -> None:
        """Note that an iterator is iterated."""

    def _next(self, op: ops.Next) -> None:
        raise NotImplementedError

    def _unpack(self, op: ops.Unpack) -> None:
        value = self.get(op.src)
        for at, dst in enumerate(op.dsts):
            out: list[Ref] = []
            source: Holder | None = None
            for ref in value:
                obj = ref.obj
                if obj.kind in TENSORS:
                    unsure = obj.kind == "ndarray" and obj.ndim is None
                    out += self.view(ref, "[]", op.src, region=(("i", at),), maybe=unsure)
                elif obj.kind == "iterator":
                    out.append(Ref(self.fresh(("part", at), "unknown")))
                elif obj.kind in ("tuple", "list", "unknown", "instance"):
                    exact = op.star is None or at < op.star
                    name: object = at if exact else "*"
                    if at == op.star:
                        out += self.slice_of(obj)
                        continue
                    out += self.field(obj, name)
                    source = (obj, name) if len(value) == 1 and not self.complete(obj) else None
                else:
                    out += self.items(obj)
            self.put(dst, tuple(out), source)

    def _def(self, op: ops.Def) -> None:
        raise NotImplementedError

    def _class(self, op: ops.Class) -> None:
        info = self.class_of(op.node) if isinstance(op.node, ast.ClassDef) else None
        self.put(op.dst, self.named(info))

    def delete_attribute(self, op: ops.DelAttr) -> None:
        """`del obj.name`."""
        for ref in self.get(op.obj):
            self.state.cells.pop((ref.obj, op.name), None)

    def _read(self, op: ops.Read) -> None:
        if op.how == "exhaust":
            for ref in self.get(op.src):
                self.exhausted(ref)
            return
        self.read(op.src, op.how, deep=op.how == "format")

    def exhausted(self, ref: Ref) -> None:
        """Note that an iterator has come to its end."""

    def _assume(self, op: ops.Assume) -> None:
        value = self.state.cells.get(op.name, ())
        if op.is_none:
            self.state.cells[op.name] = self.constant(None)
            return
        classes = self.get(op.cls)
        targets = [ref.obj.target for ref in classes]
        kind = tables.class_kind(targets[0]) if len(targets) == 1 and isinstance(targets[0], str) else None
        if kind is not None and len(value) == 1 and value[0].obj.kind == "unknown":
            value[0].obj.kind = kind

    def _enter(self, op: ops.Enter) -> None:
        value = self.get(op.src)
        for ref in value:
            if ref.obj.text == "no-grad":
                self.state.quiet += 1
        self.put(op.dst, self.entered(value, op))

    def entered(self, value: Value, op: ops.Enter) -> Value:
        """The value that `with ... as` binds."""
        return value

    def _exit(self, op: ops.Exit) -> None:
        for ref in self.get(op.src):
            if ref.obj.text == "no-grad":
                self.state.quiet = max(self.state.quiet - 1, 0)
        self.left(self.get(op.src))

    def left(self, value: Value) -> None:
        """Note the end of a `with` block."""

    def _return(self, op: ops.Return) -> None:
        self.read(op.src, "return")
        self.returned(self.get(op.src), op)

    def returned(self, value: Value, op: ops.Op) -> None:
        """Note the value that a function returns."""

    def _yield(self, op: ops.Yield) -> None:
        self.read(op.src, "yield")
        self.returned(self.get(op.src), op)
        self.put(op.dst, ())

    def _await(self, op: ops.Await) -> None:
        self.put(op.dst, self.get(op.src))


def _relation(source: object) -> str:
    """The relation between a field's value and a name that reads it."""
    name = source[1] if isinstance(source, tuple) else ""
    if isinstance(source, tuple) and source[0].kind in HOLDING:
        return "element"
    if name == "grad":
        return "grad"
    return "attribute" if isinstance(name, str) and name.isidentifier() else "element"


_STEPS: dict[type[ops.Op], str] = {
    ops.Load: "_load",
    ops.Bind: "_bind",
    ops.Unbind: "_unbind",
    ops.Const: "_const",
    ops.GetAttr: "get_attribute",
    ops.SetAttr: "set_attribute",
    ops.DelAttr: "delete_attribute",
    ops.GetItem: "get_item",
    ops.SetItem: "set_item",
    ops.DelItem: "delete_item",
    ops.Call: "call",
    ops.Operate: "_operate",
    ops.Build: "_build",
    ops.Capture: "_capture",
    ops.Merge: "_merge",
    ops.Iter: "_iter",
    ops.Next: "_next",
    ops.Unpack: "_unpack",
    ops.Def: "_def",
    ops.Class: "_class",
    ops.Read: "_read",
    ops.Assume: "_assume",
    ops.Enter: "_enter",
    ops.Exit: "_exit",
    ops.Return: "_return",
    ops.Yield: "_yield",
    ops.Await: "_await",
}
