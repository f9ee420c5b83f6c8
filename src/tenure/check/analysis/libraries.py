"""Calls with meanings of their own in a library: compiled functions, lazy and asynchronous results, threads."""

import ast

from tenure.check import ops
from tenure.check.analysis.laws import Laws
from tenure.check.effects import tables
from tenure.check.effects.effect import CONTAINERS, HOLDING, MUTABLE, TENSORS, Effect
from tenure.check.values import Obj, Ref, Value

__all__ = ["Libraries"]

_CONSUMING = frozenset(("list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "max", "min"))
_EXPANDING = frozenset(("expand", "expand_as", "broadcast_to", "broadcast_tensors"))


class Libraries(Laws):
    """Roles of the tables, and calls that no table can describe."""

    seen: set[Obj]

    def special_call(self, qualname: str, name: str, op: ops.Call) -> Value | None:
        if qualname == "builtins.range":
            return self._range(op)
        if qualname in ("builtins.super", "builtins.isinstance"):
            return (Ref(self.fresh(name, "unknown" if name == "super" else "scalar")),)
        if qualname == "builtins.dict.fromkeys" and len(op.args) > 1:
            new = self.fresh("fromkeys", "dict", text="display")
            self.repeat(new, self.get(op.args[1][0]))
            if all(ref.obj.kind not in MUTABLE for ref in self.items(new)):
                new.text = "display"
            return (Ref(new),)
        if qualname == "functools.partial":
            return self._partial(op)
        if qualname in ("copy.copy", "copy.replace"):
            return self._shallow(op)
        if qualname in ("pickle.dumps", "pickle.loads", "copy.deepcopy"):
            return self._deep(name, op)
        return None

    def _range(self, op: ops.Call) -> Value:
        for register, _ in op.args:
            self.read(register, "operator")
        return (Ref(self.fresh("range", "scalar", text="range")),)

    def _shallow(self, op: ops.Call) -> Value | None:
        value = self.get(op.args[0][0]) if op.args else ()
        source = self.sources.get(op.args[0][0]) if op.args else None
        if not value or any(ref.obj.kind not in ("module", "instance") for ref in value):
            return None
        ref = value[0]
        new = self.fresh("shallow", ref.obj.kind, text="shallow", target=ref.obj.target)
        whole = self.everything(ref.obj) if ref.obj.kind == "module" else self.part(ref.obj, "**")
        held = [self.lent(Ref(whole), "shallow", source, copylike=True)]
        for field, inner in list(self.state.fields(ref.obj)):
            self.state.cells[(new, field)] = tuple(
                self.lent(part, "shallow", (ref.obj, field), copylike=True) for part in inner
            )
        self.state.cells[(new, "*")] = tuple(held)
        return (Ref(new),)

    def field(self, obj: Obj, name: object) -> Value:
        if obj.text == "shallow" and (obj, name) not in self.state.cells and name != "grad":
            return self.state.cells.get((obj, "*"), ())
        return super().field(obj, name)

    def _deep(self, name: str, op: ops.Call) -> Value | None:
        """Deep copies: fields that shared memory share none in the copy, where arrays are copied one by one."""
        if not op.args:
            return None
        value = self.get(op.args[0][0])
        if name == "dumps":
            pickled = self.fresh("pickled", "scalar")
            self.state.cells[(pickled, "·pickled")] = value
            return (Ref(pickled),)
        if name == "loads":
            value = tuple(ref for one in value for ref in self.state.cells.get((one.obj, "·pickled"), ()))
            if not value:
                return None
        out = []
        for ref in value:
            if ref.obj.kind in (*TENSORS, "module", "optimizer", "instance", "unknown"):
                new = self.fresh(("deep", ref.obj), ref.obj.kind, target=ref.obj.target)
                new.ndim, new.grad, new.leaf, new.dtype = ref.obj.ndim, ref.obj.grad, ref.obj.leaf, ref.obj.dtype
                out.append(Ref(new))
            elif ref.obj.kind in HOLDING:
                out.append(Ref(self._deep_container(ref.obj)))
            else:
                out.append(ref)
        return tuple(out)

    def _deep_container(self, obj: Obj) -> Obj:
        new = self.fresh(("deep", obj), obj.kind, text="display")
        made: list[tuple[Obj, Obj]] = []
        for field, held in list(self.state.fields(obj)):
            copies = []
            for ref in held:
                part = ref.obj
                if part.kind in ("ndarray", *CONTAINERS) and part.kind == "ndarray":
                    copied = self.fresh(("deep", part, field), part.kind)
                    copied.ndim = part.ndim
                    parted = next((other for old, other in made if self.state.overlap(old, part)), None)
                    if parted is not None:
                        copied.owner, copied.text = parted, "parted"
                    made.append((part, copied))
                    copies.append(Ref(copied))
                else:
                    copies.append(Ref(self.fresh(("deep", part, field), part.kind, target=part.target)))
            self.state.cells[(new, field)] = tuple(copies)
        return new

    def view(self, ref: Ref, name: str, register: int, kind: str = "same", **more: object) -> Value:
        made = super().view(ref, name, register, kind, **more)
        if name != "[]":
            self.seen.add(ref.obj)
        for one in made:
            if name in _EXPANDING:
                one.obj.text, one.obj.node = "expanded", self.op.node
            elif one.obj.node is None:
                one.obj.node = self.op.node
        return made

    def roles(self, effect: Effect, bound: dict[str, int], result: Value, op: ops.Op, name: str) -> Value:
        role = effect.role
        if role in ("async", "lazy"):
            self._later(bound, result, role)
        elif role == "await":
            for ref in self.get(bound.get("0")):
                self.state.cells.pop((ref.obj, "·later"), None)
        elif role == "recompute":
            return self._recomputed(bound, result, op)
        elif role == "jit" and isinstance(op, ops.Call):
            return self._compiled(op, result)
        if name in _CONSUMING and not self.is_method and "0" in bound:
            self.consume_register(bound["0"])
        if name == "set_" and "1" in bound:
            self._shares(bound)
        if role == "escape" and isinstance(op, ops.Call):
            self.thread(op)
        if name == "load_state_dict" and effect.captures:
            self._state_shared(bound)
        if name in ("Subset", "random_split") and "0" in bound:
            return self._subsets(name, bound)
        if name == "state_dict" and bound and self.get(bound["0"]) and self.get(bound["0"])[0].obj.kind == "optimizer":
            self._optimizer_state(bound, result)
        if role == "step":
            self._step(bound)
        return self.tenure_roles(role, bound, result, op)

    def thread(self, op: ops.Call) -> None:
        """Note that a function is handed to a thread."""

    def handle_kind(self) -> str:
        if self.imports("torch"):
            return "tensor"
        return "var" if self.imports("tenure") else ""

    def tenure_roles(self, role: str, bound: dict[str, int], result: Value, op: ops.Op) -> Value:
        """Roles of Tenure's own."""
        return result

    def _later(self, bound: dict[str, int], result: Value, role: str) -> None:
        """A result that is computed later, from the contents of the arguments at that time."""
        watched: list[Ref] = []
        kinds = ("ndarray",) if role == "async" else ("tinygrad",)
        for register in bound.values():
            for ref in self.get(register):
                watched += self.state.cells.get((ref.obj, "·later"), ())
                if ref.obj.kind in kinds:
                    source = self.sources.get(register)
                    watched.append(ref._replace(loan=self.loan("later", source, ref._replace(loan=None))))
        for ref in result:
            self.state.cells[(ref.obj, "·later")] = tuple(dict.fromkeys(watched))

    def reading(self, value: Value, how: str, node: ast.AST | None = None, deep: bool = False) -> None:
        super().reading(value, how, node, deep)
        cells = self.state.cells
        for ref in value:
            names = cells.index.get(ref.obj)
            if names is None:
                continue
            for name in names:
                if name == "dataset" or (name == "·later" and ref.obj.kind in ("jax", "tinygrad")):
                    for held in cells.get((ref.obj, name), ()):
                        if held.write is not None:
                            self._conflict(held, how, node or self.op.node)

    def _recomputed(self, bound: dict[str, int], result: Value, op: ops.Op) -> Value:
        """A function that runs again during backward: its outer variables are kept until then."""
        kept: list[Ref] = []
        for ref in self.get(bound.get("0")):
            if isinstance(ref.obj.target, ops.Function):
                for name in self.session.outer_names(ref.obj.target):
                    for held in self.state.cells.get(name, ()):
                        if held.obj.kind == "tensor":
                            kept.append(held._replace(loan=self.loan("saved", None, held._replace(loan=None), name)))
        out = self.fresh("recomputed", "tensor")
        parents = tuple(r for register in bound.values() for r in self.get(register))
        out.grad = True
        self.recorded(out, (Ref(out), *parents), tuple(kept))
        return (Ref(out),)

    def _shares(self, bound: dict[str, int]) -> None:
        """`a.set_(b)`: a shows b's memory from now on."""
        for ref in self.get(bound["0"]):
            self.shared_data(ref, self.sources.get(bound["0"]), bound["1"])

    def shared_data(self, ref: Ref, holder: object, register: int) -> None:
        given = self.get(register)
        source = self.sources.get(register)
        if len(given) != 1 or given[0].obj.kind != "tensor":
            return
        other = given[0]
        if source is None and other.loan is None:
            return
        self.state.cells[(ref.obj, "·storage")] = (Ref(other.obj),)
        if isinstance(holder, str):
            if source is None and other.loan is not None:
                source = other.loan.source
            loan = self.loan("shared", source, other._replace(loan=None), "set_")
            held = self.state.cells.get(holder, ())
            self.state.cells[holder] = tuple(one._replace(loan=loan, write=None) for one in held)

    def _subsets(self, name: str, bound: dict[str, int]) -> Value:
        """Parts of a data set, which hold the data set itself."""
        made = []
        source = self.sources.get(bound["0"])
        held = tuple(self.lent(ref, "subset", source) for ref in self.get(bound["0"]))
        for at in range(1 if name == "Subset" else 3):
            part = self.fresh(("subset", at), "instance", text="subset")
            self.state.cells[(part, "dataset")] = held
            made.append(Ref(part))
        if name == "Subset":
            return tuple(made)
        parts = self.fresh("subsets", "list", text="display")
        for at, ref in enumerate(made):
            self.state.cells[(parts, at)] = (ref,)
        return (Ref(parts),)

    def _optimizer_state(self, bound: dict[str, int], result: Value) -> None:
        for ref in self.get(bound["0"]):
            state = self.field(ref.obj, "state")
            for made in result:
                lent = tuple(self.lent(one, "shared", (ref.obj, "state"), copylike=True) for one in state)
                self.state.cells[(made.obj, "*")] = lent

    def _step(self, bound: dict[str, int]) -> None:
        """An optimizer's step, which writes its own state too."""
        for ref in self.get(bound.get("0")):
            holder = (ref.obj, "state")
            if holder in self.state.cells:
                self.write(self.state.cells[holder], holder, self.wrote("step", ".step(…)"))

    def _state_shared(self, bound: dict[str, int]) -> None:
        """An optimizer that loads another's state and keeps its tensors."""
        for ref in self.get(bound.get("0")):
            if ref.obj.kind != "optimizer":
                continue
            for given in self.get(bound.get("1")):
                for item in self.items(given.obj):
                    if item.obj.field == "state" and item.obj.owner is not None:
                        self.state.cells[(ref.obj, "state")] = (item,)

    def _compiled(self, op: ops.Call, result: Value) -> Value:
        """A function compiled by the library: its outer variables are read once."""
        new = self.fresh("compiled", "function", text="compiled")
        if op.args:
            self.state.cells[(new, "function")] = self.get(op.args[0][0])
        for name, register in op.keywords:
            if name in ("donate_argnums", "donate_argnames"):
                self.state.cells[(new, "donated")] = self.get(register)
        return (Ref(new),)

    def _partial(self, op: ops.Call) -> Value:
        """A library function with some arguments given: as a decorator it may compile."""
        new = self.fresh("partial", "function", text="partial")
        if op.args:
            self.state.cells[(new, "function")] = self.get(op.args[0][0])
        for name, register in op.keywords:
            if name is not None:
                self.state.cells[(new, name)] = self.get(register)
        return (Ref(new),)

    def defined(self, obj: Obj, op: ops.Def) -> Value:
        for register in op.decorators:
            for ref in self.get(register):
                decorator = ref
                if ref.obj.text == "partial":
                    inner = self.state.cells.get((ref.obj, "function"), ())
                    decorator = inner[0] if len(inner) == 1 else ref
                effect = tables.function(decorator.obj.target) if isinstance(decorator.obj.target, str) else None
                if effect is not None and effect.role == "jit":
                    new = self.fresh("compiled", "function", text="compiled")
                    self.state.cells[(new, "function")] = (Ref(obj),)
                    donated = self.state.cells.get((ref.obj, "donate_argnums"), ())
                    self.state.cells[(new, "donated")] = donated
                    return (Ref(new),)
        return (Ref(obj),)

    def call_compiled(self, ref: Ref, op: ops.Call) -> Value:
        cells, obj = self.state.cells, ref.obj
        for register, _ in op.args:
            self.read(register, "call")
        traced = cells.get((obj, "·traced"))
        if traced is None:
            watched: list[Ref] = []
            for function in cells.get((obj, "function"), ()):
                if isinstance(function.obj.target, ops.Function):
                    for name in self.session.outer_names(function.obj.target):
                        for held in cells.get(name, ()):
                            if held.obj.kind in (*CONTAINERS, "ndarray"):
                                loan = self.loan("traced", name, held._replace(loan=None), name)
                                loan.node = obj.node or loan.node
                                watched.append(held._replace(loan=loan))
            cells[(obj, "·traced")] = tuple(watched)
        else:
            self.reading(traced, "call", op.node)
        self._donate(obj, op)
        return (Ref(self.fresh("computed", "jax")),)

    def _donate(self, obj: Obj, op: ops.Call) -> None:
        numbers: set[int] = set()
        for ref in self.state.cells.get((obj, "donated"), ()):
            parts = [ref.obj] if isinstance(ref.obj.const, int) else [item.obj for item in self.items(ref.obj)]
            numbers |= {part.const for part in parts if isinstance(part.const, int)}
        for number in numbers:
            if number < len(op.args):
                for ref in self.get(op.args[number][0]):
                    self.give_up(ref.obj, "donated")

    def replaced(self, ref: Ref, name: object, op: ops.Op) -> None:
        """Note that an object which a compiled function or a second data set reads got another part."""
        super().replaced(ref, name, op)
        if not self.watching:
            return
        write = self.wrote("replace", f".{name} = …" if isinstance(op, ops.SetAttr) else "[…] = …")
        cells = self.state.cells
        own = self.sources.get(op.obj) if isinstance(op, ops.SetAttr | ops.SetItem) else None
        for holder, value in list(cells.items()):
            if holder == own or not any(one.obj is ref.obj and one.write is None for one in value):
                continue
            cells[holder] = tuple(
                one._replace(write=write)
                if one.obj is ref.obj and one.loan is not None and one.loan.relation in ("traced", "subset")
                and one.write is None
                else one
                for one in value
            )  # fmt: skip

    def gone(self, ref: Ref, node: ast.AST) -> None:
        write = ref.write
        if write is None or ref.obj.summary or write.node is self.op.node:
            return
        if write.sort == "consumed":
            reads_data = isinstance(self.op, ops.Read) or _is_next(self.op)
            if reads_data or ops.contradictory(write.conditions, self.op.conditions):
                # `next` says itself that nothing more comes; the truth of an iterator takes nothing from it.
                return
            self.event("iterator-consumed", node, write.node, ref.obj.node)
        else:
            rule = "donated-value-used" if write.sort == "donated" else "use-after-move"
            self.event(rule, node, write.node, detail=write.sort)


def _is_next(op: ops.Op) -> bool:
    return isinstance(op.node, ast.Call) and isinstance(op.node.func, ast.Name) and op.node.func.id == "next"
