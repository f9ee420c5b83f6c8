"""Functions of the checked tree: the targets of their names, their summaries, and the use of those at calls."""

import ast
import builtins

from tenure.check import ops
from tenure.check.analysis.arguments import Arguments
from tenure.check.analysis.conflicts import reading
from tenure.check.analysis.entries import entry, kind_by_use
from tenure.check.analysis.frames import execute
from tenure.check.analysis.handed import handed_by
from tenure.check.analysis.kinds import example_of
from tenure.check.analysis.libraries import compiled_outside, decorated_outside, named
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.replay import apply, encloses
from tenure.check.analysis.screen import is_generator, is_small, may_hand, written_inside
from tenure.check.analysis.session import Session
from tenure.check.analysis.summaries import Encoder, Summary, path_of
from tenure.check.analysis.unasked import left, written_by
from tenure.check.analysis.unknown import unknown_call
from tenure.check.effects.effect import CONTAINERS
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.scope import decorator_names, parameters
from tenure.check.state import State
from tenure.check.values import INFO, Holder, Obj, Ref, Value, adopt, plain

__all__ = ["call_function", "call_property", "outer", "run_coroutines", "wait"]

_CACHES = frozenset(("lru_cache", "cache", "cached_property"))

_DEPTH = 4

_STORES = 40

_CONTEXTS = 4

_LOOKED_INTO = 150
"""The number of lines of a function that are run in all for further sorts of arguments."""


def outer(m: Machine, name: str) -> Value:
    """The value of a variable of an enclosing scope, of the module, or a builtin."""
    full, name = name, plain(name)
    example = m.context.get("·" + name) if m.frame is None else None
    if example is None or example.kind == "module-name":
        parent = m.function.parent
        enclosed = False
        while parent is not None and parent.parent is not None:
            if name in parent.locals and not isinstance(parent.node, ast.ClassDef):
                if not enclosed and (made := _class_within(m, parent, name)) is not None:
                    return named(m, made)
                enclosed = True
            parent = parent.parent
        if not enclosed:
            target = m.program.lookup(m.module, name)
            if isinstance(target, ops.Function) and (compiled := decorated_outside(m, target)) is not None:
                m.state.cells[full] = compiled
                return compiled
            if target is not None:
                return named(m, target)
            if name not in m.module.body.locals and hasattr(builtins, name):
                return named(m, f"builtins.{name}")
    here = m.module is m.root.home
    obj = m.interned(("outer", full), "unknown", parameter=("outer", name) if here else None)
    if example is None and obj.kind == "unknown" and len(given := m.module.values.get(name, [])) == 1:
        example = example_of(m.program, m.module, given[0])
    if example is not None and obj.kind == "unknown":
        adopt(obj, example)
    if obj.kind == "unknown" and obj.text == "" and len(given := m.module.values.get(name, [])) == 1:
        compiled_outside(m, obj, given[0])
    _at_module(m, obj, name)
    value = (Ref(obj),)
    m.state.cells[full] = value
    return value


def _at_module(m: Machine, obj: Obj, name: str) -> None:
    """Take a variable of the module for the model as which the module uses it, and an optimizer for that of a model."""
    if obj.kind == "unknown" and name in m.module.values and m.module.libraries & {"torch", "tenure"}:
        used = kind_by_use(m, name, function=m.module.body)
        obj.kind = used if used in ("module", "tenure-module") else obj.kind
    if obj.kind not in ("optimizer", "tenure-optimizer") or (obj, "*") in m.state.cells:
        return
    match m.module.values.get(name):
        case [ast.Call(args=[ast.Call(func=ast.Attribute(value=ast.Name(id=model), attr="parameters")), *_])]:
            cells = m.state.cells
            held = cells.get(model) or outer(m, model)
            cells[(obj, "*")] = tuple(Ref(m.everything(one.obj)) for one in held if one.obj.kind.endswith("module"))


def _class_within(m: Machine, parent: ops.Function, name: str) -> ClassInfo | None:
    """The class of this name that an enclosing function defines, if the name is bound to nothing else."""
    found = [one for one in parent.scope.of(ast.ClassDef) if one.name == name]
    return m.module.class_at(found[0], parent) if len(found) == 1 and m.module is parent.home else None


def call_property(m: Machine, ref: Ref, method: ops.Function) -> Value:
    if not _worthwhile(m, method):
        return ()
    summary = summarize(m, method, {"self": ref.obj})
    names = [given.arg for given in parameters(method.node)]
    given: dict[str, tuple[Value, Holder | None]] = {names[0]: ((ref,), None)} if names else {}
    return apply(m, summary, given, method, None)


def call_function(
    m: Machine,
    function: ops.Function,
    op: ops.Call,
    *,
    self_value: Value | None = None,
    function_object: Obj | None = None,
) -> Value:
    given = arguments_of(m, function, op, self_value)
    if is_generator(function):
        unknown_call(m, op)
        made = m.fresh("generator", "iterator", target="once")
        if m.depth == 0 and may_hand(function) and (hands := summarize(m, function, {}).hands) is not None:
            handed_by(m, function, made, hands)
        return (Ref(made),)
    if function.node.__class__ is ast.AsyncFunctionDef:
        made = m.fresh("coroutine", "unknown")
        m.coroutines[made] = function, op, given, function_object
        return (Ref(made),)
    return _run(m, function, op, given, function_object)


def wait(m: Machine, op: ops.Await) -> None:
    """`await`: the body of a coroutine runs now, and its result is the value."""
    scheduled, m.scheduled = m.scheduled, ()
    run_coroutines(m, scheduled, deep=True)
    value = m.get(op.src)
    if any(ref.obj in m.coroutines for ref in value):
        value = run_coroutines(m, value)
    m.put(op.dst, value)


def run_coroutines(m: Machine, value: Value, *, deep: bool = False) -> Value:
    """Run the coroutines that a value may be (`deep`: or hold): they are awaited, or given to what runs them."""
    out: list[Ref] = []
    for ref in value:
        if (kept := m.coroutines.get(ref.obj)) is not None:
            out += _run(m, *kept) or (ref,)
        elif deep and ref.obj.kind in CONTAINERS:
            out += run_coroutines(m, m.items(ref.obj))
        else:
            out.append(ref)
    return tuple(dict.fromkeys(out))


def _run(
    m: Machine,
    function: ops.Function,
    op: ops.Call,
    given: dict[str, tuple[Value, Holder | None]],
    function_object: Obj | None,
) -> Value:
    """Run the body of a function: execute it here, or apply its summary."""
    if not _worthwhile(m, function):
        unknown_call(m, op)
        return (Ref(m.fresh("unknown", "unknown")),)
    defaults(m, function, given, function_object)
    if (value := execute(m, function, given, function_object)) is not None:
        returns = isinstance(function.node, ast.Lambda) or any(one.value for one in function.scope.of(ast.Return))
        return value or (Ref(m.fresh("nothing", "unknown" if returns else "scalar")),)
    examples = {name: value[0].obj for name, (value, _) in given.items() if len(value) == 1}
    if encloses(m, function):
        examples |= outer_examples(m, function)
    summary = summarize(m, function, examples)
    for name in sorted(summary.reads):
        if name in given:
            reading(m, given[name][0], "call", op.node, deep=True)
        elif name.startswith("·") and encloses(m, function):
            reading(m, m.state.cells.get(name[1:], ()), "call", op.node)
    if not summary.known:
        unknown_call(m, op)
    result = apply(m, summary, given, function, op)
    left(m, function, given, written_by(m, summary, given, function), result, op.node)
    if decorator_names(function.node) & _CACHES and _in_memory(m, function):
        return from_cache(m, function, result, op)
    if function.node.__class__ is ast.AsyncFunctionDef or not summary.known:
        return result or (Ref(m.fresh("unknown", "unknown")),)
    return result


def _worthwhile(m: Machine, function: ops.Function) -> bool:
    """Whether to summarize: functions that write, and near the surface small ones that may return a part."""
    if not isinstance(function.home, Module) or m.depth >= _DEPTH:
        return False
    return written_inside(m.program, function) or (m.depth == 0 and is_small(function))


def _in_memory(m: Machine, function: ops.Function) -> bool:
    """Whether a function's cache hands out the same object again: one on disk makes a new one each time."""
    assert isinstance(function.home, Module)
    for decorator in getattr(function.node, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = m.program.resolve(function.home, called)
        if isinstance(target, str) and target.startswith("functools."):
            return True
    return False


def outer_examples(m: Machine, function: ops.Function) -> dict[str, Obj]:
    """The present values of the outer variables of a function."""
    found = {name: m.state.cells.get(name, ()) for name in m.session.outer_names(function)}
    return {
        "·" + name: value[0].obj
        for name, value in found.items()
        if len(value) == 1 and value[0].obj.kind not in ("module-name", "function")
    }


def from_cache(m: Machine, function: ops.Function, result: Value, op: ops.Call) -> Value:
    """The one result that a cached function returns to every caller."""
    for ref in result:
        kind = ref.obj.kind
        same = m.interned(("cached", function.node), kind, node=op.node, text="cached")
        same.ndim, same.dtype = ref.obj.ndim, ref.obj.dtype
        return (Ref(same, m.loan("cached", None, Ref(same), function.name)),)
    return result


def defaults(
    m: Machine, function: ops.Function, given: dict[str, tuple[Value, Holder | None]], made: Obj | None
) -> None:
    """Add the default values of parameters without argument."""
    if made is None:
        return
    for name, value in m.state.fields(made):
        if isinstance(name, str) and name not in given and name != "self":
            given[name] = (value, (made, name))


def arguments_of(
    m: Machine, function: ops.Function, op: ops.Call, self_value: Value | None
) -> dict[str, tuple[Value, Holder | None]]:
    arguments = Arguments.of(op)
    node = function.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return {}
    names = [given.arg for given in (*node.args.posonlyargs, *node.args.args)]
    out: dict[str, tuple[Value, Holder | None]] = {}
    static = not isinstance(node, ast.Lambda) and "staticmethod" in decorator_names(function.node)
    if self_value is not None and not static and names:
        source = m.sources.get(op.receiver) if op.receiver is not None else None
        out[names.pop(0)] = (self_value, source)
    for (register, starred), name in zip(op.args, names, strict=False):
        if starred:
            break
        out[name] = (m.get(register), m.sources.get(register))
    for name, register in arguments.keywords.items():
        out[name] = (m.get(register), m.sources.get(register))
    return out


def summarize(m: Machine, function: ops.Function, examples: dict[str, Obj]) -> Summary:
    """The summary of a function for arguments like these."""
    summary = summary_of(m.program, m.session, function, examples, m.depth + 1)
    m.summary.calls[summary] = None
    return summary


def summary_of(
    program: Program, session: Session, function: ops.Function, examples: dict[str, Obj], depth: int = 0
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
        summary = _made(program, session, function, examples, depth if informative else 0)
        summary.files, program.read = program.read, outside
        session.summaries[key] = summary
    program.read |= summary.files
    return summary


def _made(program: Program, session: Session, function: ops.Function, examples: dict[str, Obj], depth: int) -> Summary:
    module = function.home
    assert isinstance(module, Module)
    summary = Summary()
    machine = Machine(program, module, session, function, summary, examples, depth)
    session.lowered.append(function)
    _close(machine, machine.run(entry(machine, function)))
    return summary


def _close(m: Machine, end: State) -> None:
    """Finish the summary of the body that was run: the contents of given objects at its end."""
    encoder = Encoder(end.cells)
    for holder, value in end.cells.items():
        if not isinstance(holder, tuple) or (isinstance(holder[1], str) and holder[1].startswith("·")):
            continue
        path = path_of(holder[0])
        if path is None or (len(value) == 1 and value[0].obj.owner is holder[0]):
            continue
        name = holder[1] if isinstance(holder[1], str | int) else "*"
        m.summary.stores.append((path, name, encoder.encode(value)))
        if len(m.summary.stores) >= _STORES:
            break


def _info(obj: Obj) -> tuple[str, ...]:
    """The facts about an object that matter to a function that receives it."""
    const = obj.const if isinstance(obj.const, bool | None) else ...
    shown = [getattr(obj, name) for name in INFO if name != "const"]
    return (*map(_word, shown), str(const))


def _informative(function: ops.Function, name: str, obj: Obj) -> bool:
    """Whether more is known of an argument than its parameter states by itself."""
    info = obj.target
    if isinstance(info, ClassInfo) and info.node is function.in_class and _is_self(function, name):
        return _info(obj) != _info(Obj(obj.kind, target=info))
    return obj.kind != "unknown" or info is not None


def _contexts(function: ops.Function) -> int:
    """The number of argument sorts that a function is summarized for: fewer for longer functions."""
    node = function.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return _CONTEXTS
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    lines = (node.end_lineno or 0) - body[0].lineno if body else 0
    return min(_CONTEXTS, _LOOKED_INTO // max(lines, 1))


def _word(part: object) -> str:
    return str(part) if isinstance(part, str | int | None) else str(id(getattr(part, "node", part)))


def _is_self(function: ops.Function, name: str) -> bool:
    given = parameters(function.node)
    return bool(given) and given[0].arg == name and "staticmethod" not in decorator_names(function.node)
