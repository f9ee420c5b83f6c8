"""Functions of the checked tree: what their names refer to, their summaries, and the use of those at calls."""

import ast
import builtins

from tenure.check import ops
from tenure.check.analysis.calls import decorator_names
from tenure.check.analysis.effects_on import Arguments
from tenure.check.analysis.findings import Findings
from tenure.check.analysis.loops import Loops
from tenure.check.analysis.memory import copylike
from tenure.check.analysis.session import Session
from tenure.check.analysis.summaries import Act, Fresh, Given, Path, Summary, encode, path_of
from tenure.check.effects.effect import CONTAINERS, TENSORS
from tenure.check.lower.scope import parameters
from tenure.check.program import Module
from tenure.check.state import State
from tenure.check.values import Holder, Loan, Obj, Ref, Value, Write

__all__ = ["Functions"]

_DEPTH = 5
_CONTEXTS = 6
_INFO = ("kind", "grad", "leaf", "ndim", "dtype", "strided", "maybe", "target", "const", "text")


class Functions(Loops):
    """Summaries: made by running a body with its parameters as given things, used at each call."""

    session: Session
    depth = 0
    context: dict[str, Obj]
    summary: Summary | None = None

    def outer(self, name: str) -> Value:
        example = self.context.get("·" + name)
        if example is None or example.kind == "module-name":
            parent = self.function.parent
            enclosed = False
            while parent is not None and parent.parent is not None:
                enclosed = enclosed or (name in parent.locals and not isinstance(parent.node, ast.ClassDef))
                parent = parent.parent
            if not enclosed:
                target = self.program.lookup(self.module, name)
                if target is not None:
                    return self.named(target)
                if name not in self.module.body.locals and hasattr(builtins, name):
                    return self.named(f"builtins.{name}")
        obj = self.interned(("outer", name), "unknown", parameter=("outer", name))
        if example is None and obj.kind == "unknown" and len(given := self.module.values.get(name, [])) == 1:
            example = self.static(self.module, given[0])
        if example is not None and obj.kind == "unknown":
            _adopt(obj, example)
        value = (Ref(obj),)
        self.state.cells[name] = value
        return value

    def parameter(self, function: ops.Function, given: ast.arg, at: int) -> Obj:
        obj = super().parameter(function, given, at)
        example = self.context.get(given.arg)
        if example is not None and example.kind != "unknown":
            _adopt(obj, example)
        return obj

    def _def(self, op: ops.Def) -> None:
        new = self.fresh("function", "function", target=op.function)
        for name, register in op.defaults:
            self.state.cells[(new, name)] = self.get(register)
        self.defined(new, op)
        self.put(op.dst, (Ref(new),))

    def defined(self, obj: Obj, op: ops.Def) -> None:
        """Note that a function comes into being."""

    def call_property(self, ref: Ref, method: ops.Function) -> Value:
        if self.depth >= _DEPTH:
            return ()
        summary = self.summarize(method, {"self": ref.obj})
        names = [given.arg for given in parameters(method.node)]
        given: dict[str, tuple[Value, Holder | None]] = {names[0]: ((ref,), None)} if names else {}
        return self.apply(summary, given, method, None)

    def call_function(
        self,
        function: ops.Function,
        op: ops.Call,
        *,
        self_value: Value | None = None,
        function_object: Obj | None = None,
    ) -> Value:
        given = self.arguments_of(function, op, self_value)
        if self.depth >= _DEPTH or isinstance(function.home, Module) is False:
            self.unknown_call(op)
            return (Ref(self.fresh("unknown", "unknown")),)
        self.defaults(function, given, function_object)
        examples = {name: value[0].obj for name, (value, _) in given.items() if len(value) == 1}
        if self._encloses(function):
            examples |= self.outer_examples(function)
        summary = self.summarize(function, examples)
        for name in summary.reads:
            if name in given:
                self.reading(given[name][0], "call", op.node, deep=True)
            elif name.startswith("·") and self._encloses(function):
                self.reading(self.state.cells.get(name[1:], ()), "call", op.node)
        if not summary.known:
            self.unknown_call(op)
        result = self.apply(summary, given, function, op)
        if decorator_names(function) & {"lru_cache", "cache", "cached_property"}:
            return self.from_cache(function, result, op)
        if function.node.__class__ is ast.AsyncFunctionDef or not summary.known:
            return result or (Ref(self.fresh("unknown", "unknown")),)
        return result

    def outer_examples(self, function: ops.Function) -> dict[str, Obj]:
        """What the variables that a function reads from outside hold here."""
        found = {name: self.state.cells.get(name, ()) for name in self.session.outer_names(function)}
        return {
            "·" + name: value[0].obj
            for name, value in found.items()
            if len(value) == 1 and value[0].obj.kind not in ("module-name", "function")
        }

    def from_cache(self, function: ops.Function, result: Value, op: ops.Call) -> Value:
        """A cached function gives everybody the same object."""
        for ref in result:
            kind = ref.obj.kind
            same = self.interned(("cached", function.node), kind, node=op.node, text="cached")
            same.ndim, same.dtype = ref.obj.ndim, ref.obj.dtype
            return (Ref(same, self.loan("cached", None, Ref(same), function.name)),)
        return result

    def defaults(self, function: ops.Function, given: dict[str, tuple[Value, Holder | None]], made: Obj | None) -> None:
        """Add the default values of parameters that the call does not give."""
        if made is None:
            return
        for name, value in self.state.fields(made):
            if isinstance(name, str) and name not in given and name != "self":
                given[name] = (value, (made, name))

    def _encloses(self, function: ops.Function) -> bool:
        """Whether the variables that a function reads from outside are the present ones."""
        return function.parent is not None and function.parent.node is self.function.node

    def arguments_of(
        self, function: ops.Function, op: ops.Call, self_value: Value | None
    ) -> dict[str, tuple[Value, Holder | None]]:
        arguments = Arguments.of(op)
        node = function.node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return {}
        names = [given.arg for given in (*node.args.posonlyargs, *node.args.args)]
        out: dict[str, tuple[Value, Holder | None]] = {}
        static = not isinstance(node, ast.Lambda) and "staticmethod" in decorator_names(function)
        if self_value is not None and not static and names:
            source = self.sources.get(op.receiver) if op.receiver is not None else None
            out[names.pop(0)] = (self_value, source)
        for (register, starred), name in zip(op.args, names, strict=False):
            if starred:
                break
            out[name] = (self.get(register), self.sources.get(register))
        for name, register in arguments.keywords.items():
            out[name] = (self.get(register), self.sources.get(register))
        return out

    def summarize(self, function: ops.Function, examples: dict[str, Obj]) -> Summary:
        """The summary of a function for arguments like these."""
        session = self.session
        module = function.home
        assert isinstance(module, Module)
        summaries = session.own if module is session.root else session.summaries
        told = sorted((name, *_info(obj)) for name, obj in examples.items() if _telling(obj))
        key: tuple[object, ...] = (function.node, *told)
        if key in summaries:
            return summaries[key]
        counted = (function.node, module is session.root)
        if session.contexts.get(counted, 0) >= _CONTEXTS:
            key, examples = (function.node,), {}
            if key in summaries:
                return summaries[key]
        session.contexts[counted] = session.contexts.get(counted, 0) + 1
        summaries[key] = Summary(known=False)
        findings = self.findings if module is session.root else Findings()
        machine = type(self)(self.program, module, findings)
        machine.session, machine.depth, machine.context = session, self.depth + 1, examples
        machine.summary = Summary()
        machine.close(machine.run(function))
        summaries[key] = machine.summary
        return machine.summary

    def close(self, end: State) -> None:
        """Finish the summary of the body that was run: what given things hold at its end."""
        assert self.summary is not None
        for holder, value in end.cells.items():
            if not isinstance(holder, tuple) or str(holder[1]).startswith("·"):
                continue
            path = path_of(holder[0])
            if path is None or (len(value) == 1 and value[0].obj.owner is holder[0]):
                continue
            name = holder[1] if isinstance(holder[1], str | int) else "*"
            self.summary.stores.append((path, name, encode(value, end.cells)))  # type: ignore[arg-type]

    def returned(self, value: Value, op: ops.Op) -> None:
        if self.summary is not None:
            found = encode(value, self.state.cells)  # type: ignore[arg-type]
            self.summary.returns = (*self.summary.returns, *found)[:6]

    def looked(self, ref: Ref) -> None:
        if self.summary is None:
            return
        at: Obj | None = ref.obj
        while at is not None:
            if isinstance(at.parameter, str):
                self.summary.reads.add(at.parameter)
            elif isinstance(at.parameter, tuple):
                self.summary.reads.add("·" + str(at.parameter[1]))
            at = at.base or at.owner

    def written(self, ref: Ref, holder: Holder | None, write: Write) -> None:
        self.act(write.sort, ref, write, certain=write.certain)

    def act(self, sort: str, ref: Ref, write: Write, *, certain: bool = True, by_name: bool = False) -> None:
        """Note for the summary what is done to a part of something given."""
        path = path_of(ref.obj) if self.summary is not None else None
        if path is None or self.summary is None:
            return
        key = (sort, path, write.node)
        old = self.summary.acts.get(key)
        if old is None:
            self.summary.acts[key] = Act(sort, path, write, copylike(ref), by_name, certain and not ref.obj.maybe)
        elif by_name:
            old.by_name = True

    def resolve(
        self, path: Path, given: dict[str, tuple[Value, Holder | None]], function: ops.Function
    ) -> list[tuple[Ref, Holder | None]]:
        """The objects that a path of a summary leads to here."""
        start = self._start(path, given, function)
        for step in path.steps:
            following: list[tuple[Ref, Holder | None]] = []
            for ref, holder in start:
                if step[0] == "field":
                    name = self._named_part(step[1], given)
                    if step[3]:
                        following.append((Ref(self.everything(ref.obj), ref.loan, ref.write, ref.must), holder))
                        continue
                    following += [(part, (ref.obj, name)) for part in self.field(ref.obj, name)]
                else:
                    following += self._viewed(ref, holder, step, given)
            start = following
        return start

    def _start(
        self, path: Path, given: dict[str, tuple[Value, Holder | None]], function: ops.Function
    ) -> list[tuple[Ref, Holder | None]]:
        if not path.outer:
            value, holder = given.get(path.name, ((), None))
        elif self._encloses(function):
            value, holder = self.state.cells.get(path.name, ()), path.name
        elif function.home is self.module:
            value = self.state.cells.get("·global " + path.name) or (
                Ref(self.interned(("outer", path.name), "unknown", parameter=("outer", path.name))),
            )
            holder = None
        else:
            value, holder = (), None
        return [(ref, holder) for ref in value]

    def _named_part(self, name: object, given: dict[str, tuple[Value, Holder | None]]) -> object:
        if isinstance(name, tuple) and name and name[0] == "argument":
            value = given.get(str(name[1]), ((), None))[0]
            if len(value) == 1:
                return value[0].obj if value[0].obj.const is ... else value[0].obj.const
            return "*"
        return name

    def _viewed(
        self, ref: Ref, holder: Holder | None, step: tuple[object, ...], given: dict[str, tuple[Value, Holder | None]]
    ) -> list[tuple[Ref, Holder | None]]:
        region = []
        for component in step[1]:  # type: ignore[attr-defined]
            parts = [self._named_part(part, given) for part in component]
            region.append(_component(parts))
        if ref.obj.kind not in (*TENSORS, "unknown"):
            return []
        kind, maybe = str(step[2]), str(step[3])
        if kind == "unknown":
            kind = ref.obj.kind
        view = self.interned(("view", ref.obj, tuple(region), kind, maybe), kind, base=ref.obj, region=tuple(region))
        view.maybe, view.summary = maybe or ref.obj.maybe, ref.obj.summary
        loan = ref.loan or (self.loan("view", holder, ref) if holder is not None else None)
        return [(Ref(view, loan, ref.write, ref.must), None)]

    def apply(
        self,
        summary: Summary,
        given: dict[str, tuple[Value, Holder | None]],
        function: ops.Function,
        op: ops.Call | None,
    ) -> Value:
        """Do at a call what the summary says; the value of the call."""
        for act in list(summary.acts.values()):
            self._apply_act(act, given, function)
        for path, name, value in summary.stores:
            for ref, _ in self.resolve(path, given, function):
                held = self.decode(value, given, function, ("store", name))
                if ref.obj.kind not in ("scalar", "function"):
                    self.captured(ref.obj, name, held, None)
                    self._store(ref.obj, name, held, weak=name == "*" or ref.obj.summary)
        out: list[Ref] = []
        for at, one in enumerate(summary.returns):
            out += self.decode((one,), given, function, ("return", at))
        if not out and not summary.known:
            return ()
        return tuple(dict.fromkeys(out))[:8]

    def _apply_act(self, act: Act, given: dict[str, tuple[Value, Holder | None]], function: ops.Function) -> None:
        inner = act.write.inner or (_path(function), act.write.node)
        via = (function.name, *act.write.via)
        reached = self.resolve(act.path, given, function)
        start, root = given.get(act.path.name, ((), None))
        for ref, holder in reached:
            write = self.wrote(
                act.sort, act.write.text, via=via, inner=inner, hidden=act.write.hidden, grows=act.write.grows,
                certain=act.certain and len(reached) == 1 and len(start) < 2,
            )  # fmt: skip
            if act.sort == "backward":
                self.backward(ref, self.op, retained=False, accumulates=True)
                continue
            if act.loan is not None and (owner := holder if holder is not None else root) is not None:
                said = act.loan
                loan = Loan(said.node, said.relation, owner, said.text, ref.loan, True, (), _path(function))
                loan.name = said.name
                ref, holder = ref._replace(loan=self.loans.setdefault((act.loan, owner), loan)), None
            if act.sort == "rebind" and holder is None and ref.obj.base is not None and not act.path.steps:
                self.lost_in_call(ref, write)
            self.write((ref,), holder, write)
            if act.by_name:
                self.wrote_by_name((ref,), holder, write)

    def lost_in_call(self, ref: Ref, write: Write) -> None:
        """Note that a called function writes to a temporary."""

    def decode(
        self,
        value: tuple[Given | Fresh, ...],
        given: dict[str, tuple[Value, Holder | None]],
        function: ops.Function,
        tag: object,
        depth: int = 4,
    ) -> Value:
        """A result in terms of what is here."""
        out: list[Ref] = []
        for one in value:
            if isinstance(one, Given):
                for ref, holder in self.resolve(one.path, given, function):
                    out.append(self.lent(ref, "returned", holder, copylike=one.loan is not None) if holder else ref)
                continue
            obj = one.obj
            if obj.const is not ...:
                out.append(Ref(obj))
                continue
            new = self.fresh((tag, obj), obj.kind)
            _adopt(new, obj)
            if obj.kind in CONTAINERS or obj.kind == "tuple":
                new.text = "display"
            if depth:
                for name, held in one.fields.items():
                    parts = self.decode(held, given, function, (tag, name), depth - 1)
                    if name == "·base":
                        new.base = parts[0].obj if parts else None
                    else:
                        self.state.cells[(new, name)] = parts
            out.append(Ref(new))
        return tuple(out)


def _path(function: ops.Function) -> str:
    return function.home.source.path if isinstance(function.home, Module) else ""


def _component(parts: list[object]) -> tuple[object, ...]:
    """A component of a region whose parameters were replaced by arguments."""
    if parts and parts[0] in ("v", "u") and len(parts) == 2 and isinstance(parts[1], int):
        return ("i", parts[1])
    return ("?",) if "?" in parts else tuple(parts)


def _telling(obj: Obj) -> bool:
    return obj.kind != "unknown" or obj.target is not None


def _info(obj: Obj) -> tuple[str, ...]:
    """What is known of an object, as far as it matters to a function that is given it."""
    const = obj.const if isinstance(obj.const, bool | None) else ...
    shown = [getattr(obj, name) for name in _INFO if name != "const"]
    return (*map(_word, shown), str(const))


def _word(part: object) -> str:
    return str(part) if isinstance(part, str | int | None) else str(id(getattr(part, "node", part)))


def _adopt(obj: Obj, example: Obj) -> None:
    """Take over what is known of an example."""
    for name in _INFO:
        if name == "const" and not isinstance(example.const, bool | None):
            continue
        setattr(obj, name, getattr(example, name))
    if obj.text == "display":
        obj.text = ""
