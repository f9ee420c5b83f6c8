"""Application of a summary at a call: its paths become the caller's objects, its acts are performed on them."""

import ast

from tenure.check import ops
from tenure.check.analysis.loops import Loops
from tenure.check.analysis.session import Session
from tenure.check.analysis.summaries import Act, Fresh, Given, Path, Summary
from tenure.check.effects.effect import CONTAINERS, TENSORS
from tenure.check.program import Module
from tenure.check.scope import bound_names, default_of, parameters, walk
from tenure.check.values import WIDEST, Holder, Loan, Obj, Ref, Value, Write

__all__ = ["INFO", "Replay", "adopt"]

INFO = ("kind", "grad", "leaf", "ndim", "dtype", "strided", "maybe", "target", "const", "text")
"""Facts about an argument for the function, and about a result for the caller."""


class Replay(Loops):
    """Application of a called function's summary."""

    session: Session

    def encloses(self, function: ops.Function) -> bool:
        """Whether the outer variables of a function are the present ones."""
        return function.parent is not None and function.parent.node is self.function.node

    def resolve(
        self, path: Path, given: dict[str, tuple[Value, Holder | None]], function: ops.Function
    ) -> list[tuple[Ref, Holder | None]]:
        """The objects of a summary's path at this call."""
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
            if len(following) > WIDEST:
                return []
            start = following
        return start

    def _start(
        self, path: Path, given: dict[str, tuple[Value, Holder | None]], function: ops.Function
    ) -> list[tuple[Ref, Holder | None]]:
        if not path.outer:
            value, holder = given.get(path.name, ((), None))
        elif self.encloses(function):
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
        # Which part it is may be unknown: then that of another step of another call is another one.
        which = (id(self.op.node), id(step)) if any("?" in part for part in region) else ()
        view = self.interned(("view", ref.obj, tuple(region), kind, maybe, *which), kind, base=ref.obj)
        view.region = tuple(region)
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
        """Perform the acts of a summary, and return the value of the call."""
        for act in list(summary.acts.values()):
            if not _ruled_out(act, given, function):
                self._apply_act(act, given, function)
        made: dict[Obj, Obj] = {}
        for path, name, value in summary.stores:
            for ref, _ in self.resolve(path, given, function):
                held = self.decode(value, given, function, function.node, made)
                if ref.obj.kind not in ("scalar", "function"):
                    self.captured(ref.obj, name, held, None)
                    self._store(ref.obj, name, held, weak=name == "*" or ref.obj.summary)
        out: list[Ref] = []
        for one in summary.returns:
            out += self.decode((one,), given, function, function.node, made)
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
            elif act.by_name and holder is not None and self.returns_parameter(act, function):
                loan = self.loan("argument", holder, ref, function.name, copylike=True)
                ref, holder = ref._replace(loan=loan), None
            if act.sort == "rebind" and holder is None and ref.obj.base is not None and not act.path.steps:
                self.lost_in_call(ref, write)
            self.write((ref,), holder, write)
            if act.by_name:
                self.wrote_by_name((ref,), holder, write)

    def returns_parameter(self, act: Act, function: ops.Function) -> bool:
        """Whether a function that did `x += y` to its parameter returns it to a caller, as if it were new."""
        name = function.name.lower()
        if act.path.steps or name.endswith("_") or "inplace" in name or self.op.node in self.graph_discarded():
            return False
        returned = [part.value for part in walk(function.node) if isinstance(part, ast.Return)]
        return any(isinstance(value, ast.Name) and value.id == act.path.name for value in returned)

    def graph_discarded(self) -> set[ast.AST]:
        """Expressions of the present body whose values are discarded."""
        graph = self.function.graph
        return graph.discarded if graph is not None else set()

    def lost_in_call(self, ref: Ref, write: Write) -> None:
        """Note that a called function writes to a temporary."""

    def decode(
        self,
        value: tuple[Given | Fresh, ...],
        given: dict[str, tuple[Value, Holder | None]],
        function: ops.Function,
        tag: object,
        made: dict[Obj, Obj],
    ) -> Value:
        """A result in terms of the caller's objects."""
        out: list[Ref] = []
        for one in value:
            if isinstance(one, Given):
                for ref, holder in self.resolve(one.path, given, function)[: WIDEST - len(out)]:
                    out.append(self.lent(ref, "returned", holder, copylike=one.loan is not None) if holder else ref)
                continue
            obj = one.obj
            if obj.const is not ...:
                out.append(Ref(obj))
                continue
            out.append(Ref(self._made_there(one, given, function, tag, made)))
        return tuple(out)

    def _made_there(
        self,
        one: Fresh,
        given: dict[str, tuple[Value, Holder | None]],
        function: ops.Function,
        tag: object,
        made: dict[Obj, Obj],
    ) -> Obj:
        """The objects that a called function made, with the targets of their fields."""
        obj = one.obj
        if obj in made:
            return made[obj]
        new = made[obj] = self.fresh(("made", tag, obj), obj.kind)
        adopt(new, obj)
        if obj.kind in CONTAINERS or obj.kind == "tuple":
            new.text = "display"
        for name, held in one.fields.items():
            parts = self.decode(held, given, function, tag, made)
            if name == "·base":
                new.base = parts[0].obj if parts and parts[0].obj is not new else None
            else:
                self.state.cells[(new, name)] = parts
        return new


def _path(function: ops.Function) -> str:
    return function.home.source.path if isinstance(function.home, Module) else ""


def _component(parts: list[object]) -> tuple[object, ...]:
    """A component of a region whose parameters were replaced by arguments."""
    if parts and parts[0] in ("v", "u") and len(parts) == 2 and isinstance(parts[1], int):
        return ("i", parts[1])
    return ("?",) if "?" in parts else tuple(parts)


def adopt(obj: Obj, example: Obj) -> None:
    """Copy the facts about an example."""
    for name in INFO:
        if name == "const" and not isinstance(example.const, bool | None):
            continue
        setattr(obj, name, getattr(example, name))
    if obj.text == "display":
        obj.text = ""


def _ruled_out(act: Act, given: dict[str, tuple[Value, Holder | None]], function: ops.Function) -> bool:
    """Whether an act stands under a condition on a parameter that the argument, or the default, does not meet."""
    for test, holds in act.write.conditions:
        if not isinstance(test, ast.Name):
            continue
        value, _ = given.get(test.id, ((), None))
        const: object = value[0].obj.const if len(value) == 1 else ...
        if test.id not in given:
            named = [one for one in parameters(function.node) if one.arg == test.id]
            default = default_of(function.node, named[0]) if named else None
            const = default.value if isinstance(default, ast.Constant) else ...
        if isinstance(const, bool | None) and bool(const) is not holds and test.id not in _rebound(function):
            return True
    return False


def _rebound(function: ops.Function) -> set[str]:
    body = getattr(function.node, "body", ())
    return bound_names(body) if isinstance(body, list) else set()
