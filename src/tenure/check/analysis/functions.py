"""Functions of the checked tree: the targets of their names, their summaries, and the use of those at calls."""

import ast
import builtins

from tenure.check import ops
from tenure.check.analysis.effects_on import Arguments
from tenure.check.analysis.memory import copylike
from tenure.check.analysis.replay import INFO, Replay, adopt
from tenure.check.analysis.screen import written_inside
from tenure.check.analysis.session import Session
from tenure.check.analysis.summaries import Act, Encoder, Summary, path_of
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.scope import decorator_names, parameters
from tenure.check.state import State
from tenure.check.values import Holder, Obj, Ref, Value, Write

__all__ = ["Functions", "is_small"]

_DEPTH = 4
_CONTEXTS = 4
_LOOKED_INTO = 150
"""The number of lines of a function that are run in all for further sorts of arguments."""

_SMALL = 25
_STORES = 40
_CACHES = frozenset(("lru_cache", "cache", "cached_property"))


class Functions(Replay):
    """Summaries: made by running a body with its parameters as given objects, used at each call."""

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
            adopt(obj, example)
        value = (Ref(obj),)
        self.state.cells[name] = value
        return value

    def parameter(self, function: ops.Function, given: ast.arg, at: int) -> Obj:
        obj = super().parameter(function, given, at)
        example = self.context.get(given.arg)
        if example is not None and example.kind != "unknown":
            adopt(obj, example)
        return obj

    def _def(self, op: ops.Def) -> None:
        new = self.fresh("function", "function", target=op.function)
        for name, register in op.defaults:
            self.state.cells[(new, name)] = self.get(register)
        self.put(op.dst, self.defined(new, op))

    def defined(self, obj: Obj, op: ops.Def) -> Value:
        """The value of a new function behind its decorators."""
        return (Ref(obj),)

    def call_property(self, ref: Ref, method: ops.Function) -> Value:
        if not self._worthwhile(method):
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
        if not self._worthwhile(function):
            self.unknown_call(op)
            return (Ref(self.fresh("unknown", "unknown")),)
        self.defaults(function, given, function_object)
        examples = {name: value[0].obj for name, (value, _) in given.items() if len(value) == 1}
        if self.encloses(function):
            examples |= self.outer_examples(function)
        summary = self.summarize(function, examples)
        for name in sorted(summary.reads):
            if name in given:
                self.reading(given[name][0], "call", op.node, deep=True)
            elif name.startswith("·") and self.encloses(function):
                self.reading(self.state.cells.get(name[1:], ()), "call", op.node)
        if not summary.known:
            self.unknown_call(op)
        result = self.apply(summary, given, function, op)
        if decorator_names(function.node) & _CACHES:
            return self.from_cache(function, result, op)
        if function.node.__class__ is ast.AsyncFunctionDef or not summary.known:
            return result or (Ref(self.fresh("unknown", "unknown")),)
        return result

    def _worthwhile(self, function: ops.Function) -> bool:
        """Whether to summarize: functions that write, and near the surface small ones that may return a part."""
        if not isinstance(function.home, Module) or self.depth >= _DEPTH:
            return False
        return written_inside(self.program, function) or (self.depth == 0 and is_small(function))

    def outer_examples(self, function: ops.Function) -> dict[str, Obj]:
        """The present values of the outer variables of a function."""
        found = {name: self.state.cells.get(name, ()) for name in self.session.outer_names(function)}
        return {
            "·" + name: value[0].obj
            for name, value in found.items()
            if len(value) == 1 and value[0].obj.kind not in ("module-name", "function")
        }

    def from_cache(self, function: ops.Function, result: Value, op: ops.Call) -> Value:
        """The one result that a cached function returns to every caller."""
        for ref in result:
            kind = ref.obj.kind
            same = self.interned(("cached", function.node), kind, node=op.node, text="cached")
            same.ndim, same.dtype = ref.obj.ndim, ref.obj.dtype
            return (Ref(same, self.loan("cached", None, Ref(same), function.name)),)
        return result

    def defaults(self, function: ops.Function, given: dict[str, tuple[Value, Holder | None]], made: Obj | None) -> None:
        """Add the default values of parameters without argument."""
        if made is None:
            return
        for name, value in self.state.fields(made):
            if isinstance(name, str) and name not in given and name != "self":
                given[name] = (value, (made, name))

    def arguments_of(
        self, function: ops.Function, op: ops.Call, self_value: Value | None
    ) -> dict[str, tuple[Value, Holder | None]]:
        arguments = Arguments.of(op)
        node = function.node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return {}
        names = [given.arg for given in (*node.args.posonlyargs, *node.args.args)]
        out: dict[str, tuple[Value, Holder | None]] = {}
        static = not isinstance(node, ast.Lambda) and "staticmethod" in decorator_names(function.node)
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
        assert self.summary is not None
        summary = self.of(self.program, self.session, function, examples, self.depth + 1)
        self.summary.calls[summary] = None
        return summary

    @classmethod
    def of(
        cls, program: Program, session: Session, function: ops.Function, examples: dict[str, Obj], depth: int = 0
    ) -> Summary:
        """The summary of a function for arguments like these, or for any; each is made once in a run over a tree."""
        informative = sorted((name, *_info(obj)) for name, obj in examples.items() if _informative(function, name, obj))
        key: tuple[object, ...] = (function.node, *informative)
        summary = session.summaries.get(key)
        if summary is None and informative and session.contexts.get(function.node, 0) >= _contexts(function):
            key, examples, informative = (function.node,), {}, []
            summary = session.summaries.get(key)
        if summary is None:
            if informative:
                session.contexts[function.node] = session.contexts.get(function.node, 0) + 1
            session.summaries[key] = Summary(known=False)
            outside, program.read = program.read, set()
            summary = cls._made(program, session, function, examples, depth if informative else 0)
            summary.files, program.read = program.read, outside
            session.summaries[key] = summary
        program.read |= summary.files
        return summary

    @classmethod
    def _made(
        cls, program: Program, session: Session, function: ops.Function, examples: dict[str, Obj], depth: int
    ) -> Summary:
        module = function.home
        assert isinstance(module, Module)
        summary = Summary()
        machine = cls(program, module, summary.found)
        machine.session, machine.depth, machine.context, machine.summary = session, depth, examples, summary
        session.lowered.append(function)
        machine.close(machine.run(function))
        return summary

    def close(self, end: State) -> None:
        """Finish the summary of the body that was run: the contents of given objects at its end."""
        assert self.summary is not None
        encoder = Encoder(end.cells)
        for holder, value in end.cells.items():
            if not isinstance(holder, tuple) or (isinstance(holder[1], str) and holder[1].startswith("·")):
                continue
            path = path_of(holder[0])
            if path is None or (len(value) == 1 and value[0].obj.owner is holder[0]):
                continue
            name = holder[1] if isinstance(holder[1], str | int) else "*"
            self.summary.stores.append((path, name, encoder.encode(value)))
            if len(self.summary.stores) >= _STORES:
                break

    def returned(self, value: Value, op: ops.Op) -> None:
        if self.summary is not None:
            found = Encoder(self.state.cells).encode(value)
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
        """Record an effect on a part of a given object in the summary."""
        path = path_of(ref.obj) if self.summary is not None else None
        if path is None or self.summary is None:
            return
        key = (sort, path, write.node)
        old = self.summary.acts.get(key)
        if old is None:
            self.summary.acts[key] = Act(sort, path, write, copylike(ref), by_name, certain and not ref.obj.maybe)
        elif by_name:
            old.by_name = True


def is_small(function: ops.Function) -> bool:
    """Whether a function is short enough to be summarized although it writes nothing."""
    node = function.node
    return (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) <= _SMALL


def _contexts(function: ops.Function) -> int:
    """The number of argument sorts that a function is summarized for: fewer for longer functions."""
    node = function.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return _CONTEXTS
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    lines = (node.end_lineno or 0) - body[0].lineno if body else 0
    return min(_CONTEXTS, _LOOKED_INTO // max(lines, 1))


def _informative(function: ops.Function, name: str, obj: Obj) -> bool:
    """Whether more is known of an argument than its parameter states by itself."""
    info = obj.target
    if isinstance(info, ClassInfo) and info.node is function.in_class and _is_self(function, name):
        return _info(obj) != _info(Obj(obj.kind, target=info))
    return obj.kind != "unknown" or info is not None


def _is_self(function: ops.Function, name: str) -> bool:
    given = parameters(function.node)
    return bool(given) and given[0].arg == name and "staticmethod" not in decorator_names(function.node)


def _info(obj: Obj) -> tuple[str, ...]:
    """The facts about an object that matter to a function that receives it."""
    const = obj.const if isinstance(obj.const, bool | None) else ...
    shown = [getattr(obj, name) for name in INFO if name != "const"]
    return (*map(_word, shown), str(const))


def _word(part: object) -> str:
    return str(part) if isinstance(part, str | int | None) else str(id(getattr(part, "node", part)))
