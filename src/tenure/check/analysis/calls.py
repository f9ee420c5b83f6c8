"""Calls: of library functions and methods, of functions and classes of the checked tree, and of unknown callees."""

import ast
from collections.abc import Collection

from tenure.check import ops
from tenure.check.analysis.arguments import Arguments
from tenure.check.analysis.attributes import set_attribute
from tenure.check.analysis.conflicts import captured, read
from tenure.check.analysis.contexts import applied
from tenure.check.analysis.effects_on import perform
from tenure.check.analysis.evidence import RESIZING, array_needed, guess_class, only_dictionary, only_torch
from tenure.check.analysis.functions import call_function, run_coroutines
from tenure.check.analysis.indices import imports
from tenure.check.analysis.iteration import consume_register, is_iterated
from tenure.check.analysis.kinds import instance_kind, library_kind, record_fields
from tenure.check.analysis.libraries import call_compiled, decorated_outside, special_call
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.modules import module_called
from tenure.check.analysis.sequences import store
from tenure.check.analysis.transfers import awaited, waits
from tenure.check.analysis.unasked import overwritten
from tenure.check.analysis.unknown import unknown_call
from tenure.check.analysis.views import lend, reachable
from tenure.check.effects import tables
from tenure.check.effects.effect import OBJECTS, Effect
from tenure.check.program import ClassInfo, Module
from tenure.check.scope import decorator_names, last_name
from tenure.check.values import Holder, Obj, Ref, Value, plain

__all__ = ["call"]

_ONCE = frozenset(
    ("map", "filter", "zip", "reversed", "enumerate", "iter", "chain", "islice", "takewhile", "dropwhile", "starmap",
     "accumulate", "compress", "filterfalse", "parameters", "named_parameters", "buffers", "named_buffers", "modules",
     "named_modules", "children", "named_children", "product", "zip_longest", "pairwise", "groupby", "open", "reader",
     "DictReader", "walk", "scandir", "finditer", "iglob")
)  # fmt: skip
"""Kinds that can be iterated a single time."""

_WRITING_OUT = frozenset(("join", "writelines", "writerows"))
"""Methods of texts and files that go through their argument."""


_SCHEDULING = frozenset(("create_task", "ensure_future"))
"""Functions that have a coroutine run as soon as somebody waits."""
_CASTING = ("pandas", "xarray", "jax", "cupy", "dask", "mlx", "polars")
"""Libraries other than NumPy whose values have `astype`."""

_OF_PATHS = frozenset(("glob", "rglob", "iterdir"))
"""Methods of paths that give their items once."""


def call(m: Machine, op: ops.Call) -> None:
    if m.coroutines:
        later = isinstance(op.node, ast.Call) and last_name(op.node.func) in _SCHEDULING
        for register in (*(one for one, _ in op.args), *(one for _, one in op.keywords)):
            if later:
                m.scheduled += m.get(register)
            else:
                run_coroutines(m, m.get(register), deep=True)
    if waits(m, op):
        awaited(m, op)
    if op.receiver is not None:
        result = _call_method(m, op)
    else:
        result = _call_value(m, op)
    m.put(op.dst, result, _result_source(m, op, result))


def _result_source(m: Machine, op: ops.Call, result: Value) -> Holder | None:
    """The cell of the receiver, for a method that returns its receiver."""
    if op.receiver is not None and result and result == m.get(op.receiver):
        return m.sources.get(op.receiver)
    return None


def _call_value(m: Machine, op: ops.Call) -> Value:
    out: list[Ref] = []
    value = m.get(op.func)
    m.divided = len(value) > 1
    for ref in value:
        out += call_object(m, ref, op) or (Ref(m.fresh(("unknown", len(out)), "unknown")),)
    m.divided = False
    if not value:
        unknown_call(m, op)
        return (Ref(m.fresh("unknown", "unknown")),)
    return tuple(dict.fromkeys(out))


def call_object(m: Machine, ref: Ref, op: ops.Call) -> Value:
    """Call the object of one reference."""
    obj = ref.obj
    if isinstance(obj.target, ops.Function):
        bound = m.state.cells.get((obj, "self"))
        return call_function(m, obj.target, op, self_value=bound, function_object=obj)
    if obj.kind == "module-name":
        return call_target(m, obj.target, op)
    if obj.kind in ("module", "tenure-module", "instance"):
        return _call_instance(m, ref, op)
    if obj.text == "compiled":
        return call_compiled(m, ref, op)
    unknown_call(m, op)
    return (Ref(m.fresh("unknown", "unknown")),)


def _call_instance(m: Machine, ref: Ref, op: ops.Call) -> Value:
    obj = ref.obj
    result: Value = ()
    if isinstance(obj.target, ClassInfo):
        name = "__call__" if obj.kind == "instance" else "forward"
        method = m.program.find_method(obj.target, name)
        if method is not None:
            result = call_function(m, method, op, self_value=(ref,))
    if obj.kind == "instance":
        return result or (Ref(m.fresh("unknown", "unknown")),)
    if not result:
        unknown_call(m, op, "call")
    return module_called(m, ref, op, result)


def _call_method(m: Machine, op: ops.Call) -> Value:
    assert op.receiver is not None
    value = m.get(op.receiver)
    if not value:
        unknown_call(m, op)
        return (Ref(m.fresh("unknown", "unknown")),)
    if len(value) == 1:
        m.divided = False
        result = _call_on(m, [value[0]], op) or (Ref(m.fresh(("unknown", 0), "unknown")),)
        m.state.cells[op.receiver] = value
        return tuple(dict.fromkeys(result)) if len(result) > 1 else result
    out: list[Ref] = []
    groups: dict[object, list[Ref]] = {}
    for ref in value:
        groups.setdefault((ref.obj.kind, ref.obj.target), []).append(ref)
    m.divided = True
    before, ways = m.state.gone, []
    for refs in groups.values():
        if len(groups) > 1:
            # They are alternatives: none gives up what another one uses.
            m.state.cells[op.receiver] = tuple(refs)
            m.state.gone = dict(before)
        out += _call_on(m, refs, op) or (Ref(m.fresh(("unknown", len(out)), "unknown")),)
        ways.append(m.state.gone)
    # What one of them made anew is not what was given up before.
    still = {obj for obj in before if all(obj in way for way in ways)}
    m.state.gone = {obj: at for way in ways for obj, at in way.items() if obj not in before or obj in still}
    m.divided = False
    m.state.cells[op.receiver] = value
    return tuple(dict.fromkeys(out))


def _call_on(m: Machine, refs: list[Ref], op: ops.Call) -> Value:
    assert op.receiver is not None
    obj, name = refs[0].obj, op.method
    if obj.kind == "module-name":
        if name == "apply" and isinstance(obj.target, ClassInfo) and (made := applied(m, obj.target, op)) is not None:
            return made
        if isinstance(obj.target, ClassInfo) and (method := m.program.find_method(obj.target, name)) is not None:
            bound = tuple(refs) if "classmethod" in decorator_names(method.node) else None
            return call_function(m, method, op, self_value=bound)
        return call_target(m, m.program.attribute(obj.target, name), op)
    if isinstance(obj.target, ClassInfo):
        method = m.program.find_method(obj.target, name)
        if method is not None:
            return _call_own(m, refs, method, op)
    if isinstance(obj.target, ops.Function) and name in ("__call__", "apply"):
        return call_object(m, refs[0], op)
    kind = obj.kind
    if kind == "unknown" and only_torch(name) and imports(m, "torch"):
        kind = obj.kind = "tensor"
    if kind == "unknown" and name == "astype" and imports(m, "numpy") and not any(imports(m, one) for one in _CASTING):
        kind = obj.kind = "ndarray"
    if kind == "unknown" and name in ("items", "keys") and not op.args and _may_be_dictionary(m, op):
        kind = obj.kind = "dict"
    if kind == "unknown" and name in RESIZING and is_iterated(m, obj):
        kind = obj.kind = RESIZING[name]
    if kind == "instance":
        kind = library_kind(m.program, obj) or kind
    effect = tables.method(kind, name)
    if effect is None:
        return _unknown_method(m, refs, op)
    if kind == "unknown":
        return _unknown_method(m, refs, op)
    m.is_method = True
    arguments = Arguments.of(op, op.receiver)
    result = perform(m, effect, arguments, op, name)
    m.is_method = False
    if effect.role == "hook" or name.startswith("register"):
        for told in m.on.hooked:
            told(m, refs, op)
    return _once(m, result, name, op)


def _call_own(m: Machine, refs: list[Ref], method: ops.Function, op: ops.Call) -> Value:
    """Call a method of the tree, which a library may have compiled."""
    compiled = decorated_outside(m, method)
    return call_function(m, method, op, self_value=tuple(refs)) if compiled is None else call_compiled(
        m, compiled[0], op, bound=1
    )


def _may_be_dictionary(m: Machine, op: ops.Call) -> bool:
    """Whether an unknown object with keys may be a dictionary: nothing is called on its name that none has."""
    source = None if op.receiver is None else m.sources.get(op.receiver)
    used: Collection[str] = ()
    if isinstance(source, str):
        used = m.function.scope.uses.methods.get(plain(source), ())
    elif isinstance(source, tuple) and isinstance(source[0].target, ClassInfo):
        used = source[0].target.uses.get(str(source[1]), ())
    return only_dictionary(used) and not imports(m, "pandas")


def _once(m: Machine, result: Value, name: str, op: ops.Call) -> Value:
    if name in _ONCE and not (name == "open" and _for_writing(m, op)):
        for ref in result:
            if ref.obj.kind == "iterator":
                ref.obj.target = "once"
    return result


def _for_writing(m: Machine, op: ops.Call) -> bool:
    """Whether a file is opened at its end, or empty: there is nothing to read, however often one looks."""
    value = m.get(op.args[1][0] if len(op.args) > 1 else dict(op.keywords).get("mode"))
    mode = value[0].obj.const if len(value) == 1 else None
    return isinstance(mode, str) and mode[:1] in ("w", "a", "x")


def _unknown_method(m: Machine, refs: list[Ref], op: ops.Call) -> Value:
    read(m, op.receiver, "method" if refs[0].obj.kind == "unknown" else "unknown")
    unknown_call(m, op)
    if op.method in _WRITING_OUT and len(op.args) == 1:
        consume_register(m, op.args[0][0])
    if op.method in _OF_PATHS and (op.method != "glob" or refs[0].obj.target == "pathlib.Path"):
        return (Ref(m.fresh("paths", "iterator", target="once")),)
    for told in m.on.queued:
        told(m, refs, op)
    for ref in refs:
        bound = m.field(ref.obj, op.method) if ref.obj.kind in ("module", "instance") else ()
        for callee in bound:
            if callee.obj.target is not None or callee.obj.kind == "module":
                return call_object(m, callee, op)
    return (Ref(m.fresh("unknown", "unknown")),)


def call_target(m: Machine, target: object, op: ops.Call) -> Value:
    """Call the target of a name."""
    if isinstance(target, ops.Function):
        return call_function(m, target, op)
    if isinstance(target, ClassInfo):
        return instantiate(m, target, op)
    if isinstance(target, str):
        return call_library(m, target, op)
    if isinstance(target, Module):
        return ()
    unknown_call(m, op)
    return (Ref(m.fresh("unknown", "unknown")),)


def call_library(m: Machine, qualname: str, op: ops.Call) -> Value:
    """Call a function or class outside the tree."""
    name = qualname.rpartition(".")[2]
    if qualname == "builtins.setattr" and len(op.args) == 3:
        _set_by_name(m, op)
    special = special_call(m, qualname, name, op)
    if special is not None:
        return special
    effect = tables.function(qualname)
    if effect is not None:
        _shown(m, qualname, effect, op)
        result = perform(m, effect, Arguments.of(op), op, name)
        if op.args and op.keywords and "inplace" in dict(op.keywords) and result == m.get(op.args[0][0]):
            overwritten(m, op, op.args[0][0])
        return _once(m, constructed(m, qualname, name, result, op), name, op)
    kind = guess_class(qualname, name)
    if kind is not None:
        unknown_call(m, op, "captured")
        return constructed(m, qualname, name, (Ref(m.fresh("made", kind)),), op)
    unknown_call(m, op)
    return (Ref(m.fresh("unknown", "unknown", target=qualname)),)


def _set_by_name(m: Machine, op: ops.Call) -> None:
    """`setattr(object, name, value)`, where the object has its attributes by names: "*" is one that is not known."""
    (obj, _), (name, _), (src, _) = op.args
    known = m.get(name)[0].obj.const if len(m.get(name)) == 1 else ...
    if all(ref.obj.kind in OBJECTS for ref in m.get(obj)):
        stored = ops.SetAttr(op.node, obj, known if isinstance(known, str) else "*", src)
        stored.conditions = op.conditions
        set_attribute(m, stored)


def _shown(m: Machine, qualname: str, effect: Effect, op: ops.Call) -> None:
    """Take an argument for the array that the function of a library needs there."""
    value = m.get(op.args[0][0]) if op.args and not op.args[0][1] else ()
    if len(value) == 1 and value[0].obj.kind == "unknown" and (kind := array_needed(qualname, effect)):
        value[0].obj.kind = kind


def constructed(m: Machine, qualname: str, name: str, result: Value, op: ops.Call) -> Value:
    """Note the arguments of a constructor."""
    for ref in result:
        obj = ref.obj
        if obj.kind in ("optimizer", "tenure-optimizer") and op.args:
            held = reachable(m, m.get(op.args[0][0])) or m.get(op.args[0][0])
            m.state.cells[(obj, "*")] = tuple(Ref(one.obj) for one in held)
            consume_register(m, op.args[0][0])
        if obj.kind in ("tensor", "var") and name == "Parameter":
            wanted = m.get(op.args[1][0] if len(op.args) > 1 else dict(op.keywords).get("requires_grad"))
            obj.grad = obj.leaf = not (len(wanted) == 1 and wanted[0].obj.const is False)
        if obj.kind == "module" and obj.text == "":
            obj.text = "in-place" if _in_place_given(m, qualname, op) else "library"
        if name == "Sequential":
            for at, (register, _) in enumerate(op.args):
                m.state.cells[(obj, at)] = last = m.get(register)
                obj.ends = last[0].obj if len(last) == 1 and last[0].obj.kind == "module" else None
                obj.begins = obj.ends if at == 0 else obj.begins
        if (
            name == "ModuleList"
            and op.args
            and (items := [one for ref in m.get(op.args[0][0]) for one in m.items(ref.obj)])
        ):
            alike = len({(one.obj.kind, one.obj.target) for one in items}) == 1 and items[0].obj.kind == "module"
            obj.ends = items[0].obj if alike else None
        obj.target = obj.target or qualname
    return result


def _in_place_given(m: Machine, qualname: str, op: ops.Call) -> bool:
    at = tables.works_in_place(qualname)
    value = m.get(dict(op.keywords).get("inplace"))
    if not value and at is not None and at < len(op.args):
        value = m.get(op.args[at][0])
    return len(value) == 1 and value[0].obj.const is True


def instantiate(m: Machine, info: ClassInfo, op: ops.Call) -> Value:
    """An instance of a class of the tree."""
    kind = instance_kind(m.program, info)
    obj = m.fresh("instance", kind, target=info)
    ref = Ref(obj)
    method = m.program.find_method(info, "__init__")
    if method is not None:
        call_function(m, method, op, self_value=(ref,))
    elif fields := record_fields(m.program, info):
        _fill_fields(m, obj, fields, op)
    else:
        unknown_call(m, op, "captured")
    return (ref,)


def _fill_fields(m: Machine, obj: Obj, fields: list[str], op: ops.Call) -> None:
    """The fields of a record (a dataclass, a named tuple) are its arguments."""
    given = dict(zip(fields, (register for register, _ in op.args), strict=False))
    given |= {name: register for name, register in op.keywords if name in fields}
    for name, register in given.items():
        source = m.sources.get(register)
        held = tuple(lend(m, ref, "given", source) if source is not None else ref for ref in m.get(register))
        captured(m, obj, name, held, register)
        store(m, obj, name, held, weak=False)
