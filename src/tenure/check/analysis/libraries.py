"""Library calls that no table can describe, and functions that a library has compiled."""

import ast
from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import give_up, note, read, reading
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import repeat
from tenure.check.analysis.views import lend, reachable
from tenure.check.effects import tables
from tenure.check.effects.effect import CONTAINERS, HOLDING, MUTABLE, OBJECTS, TENSORS
from tenure.check.program import Module
from tenure.check.scope import last_name, parameters
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["call_compiled", "compiled_outside", "decorated_outside", "defined", "imported", "named", "special_call"]

_DONATING = ("donate_argnums", "donate_argnames")


def special_call(m: Machine, qualname: str, name: str, op: ops.Call) -> Value | None:
    if qualname == "builtins.range":
        return _range(m, op)
    if qualname in ("builtins.super", "builtins.isinstance"):
        return (Ref(m.fresh(name, "unknown" if name == "super" else "scalar")),)
    if qualname == "builtins.dict.fromkeys" and len(op.args) > 1:
        new = m.fresh("fromkeys", "dict", text="display")
        repeat(m, new, m.get(op.args[1][0]))
        if all(ref.obj.kind not in MUTABLE for ref in m.items(new)):
            new.text = "display"
        return (Ref(new),)
    if qualname == "functools.partial":
        return _partial(m, op)
    if qualname in ("copy.copy", "copy.replace"):
        return _shallow(m, op)
    if qualname in ("pickle.dumps", "pickle.loads", "copy.deepcopy"):
        return _deep(m, name, op)
    return None


def _range(m: Machine, op: ops.Call) -> Value:
    for register, _ in op.args:
        read(m, register, "operator")
    return (Ref(m.fresh("range", "scalar", text="range")),)


def _shallow(m: Machine, op: ops.Call) -> Value | None:
    value = m.get(op.args[0][0]) if op.args else ()
    source = m.sources.get(op.args[0][0]) if op.args else None
    if not value or any(ref.obj.kind not in ("module", "instance") for ref in value):
        return None
    ref = value[0]
    new = m.fresh("shallow", ref.obj.kind, text="shallow", target=ref.obj.target)
    whole = m.everything(ref.obj) if ref.obj.kind == "module" else m.part(ref.obj, "**")
    held = [lend(m, Ref(whole), "shallow", source, copylike=True)]
    for field, inner in list(m.state.fields(ref.obj)):
        m.state.cells[(new, field)] = tuple(lend(m, part, "shallow", (ref.obj, field), copylike=True) for part in inner)
    m.state.cells[(new, "*")] = tuple(held)
    return (Ref(new),)


def _deep(m: Machine, name: str, op: ops.Call) -> Value | None:
    """Deep copies: fields that shared memory share none in the copy, where arrays are copied one by one."""
    if not op.args:
        return None
    value = m.get(op.args[0][0])
    if name == "dumps":
        pickled = m.fresh("pickled", "scalar")
        m.state.cells[(pickled, "·pickled")] = value
        return (Ref(pickled),)
    if name == "loads":
        value = tuple(ref for one in value for ref in m.state.cells.get((one.obj, "·pickled"), ()))
        if not value:
            return None
    out = []
    for ref in value:
        if ref.obj.kind in (*TENSORS, "module", "optimizer", "instance", "unknown"):
            new = m.fresh(("deep", ref.obj), ref.obj.kind, target=ref.obj.target)
            new.ndim, new.grad, new.leaf, new.dtype = ref.obj.ndim, ref.obj.grad, ref.obj.leaf, ref.obj.dtype
            out.append(Ref(new))
        elif ref.obj.kind in HOLDING:
            out.append(Ref(_deep_container(m, ref.obj)))
        else:
            out.append(ref)
    return tuple(out)


def _deep_container(m: Machine, obj: Obj) -> Obj:
    new = m.fresh(("deep", obj), obj.kind, text="display")
    made: list[tuple[Obj, Obj]] = []
    for field, held in list(m.state.fields(obj)):
        copies = []
        for ref in held:
            part = ref.obj
            if part.kind in ("ndarray", *CONTAINERS) and part.kind == "ndarray":
                copied = m.fresh(("deep", part, field), part.kind)
                copied.ndim = part.ndim
                parted = next((other for old, other in made if m.state.overlap(old, part)), None)
                if parted is not None:
                    copied.owner, copied.text = parted, "parted"
                made.append((part, copied))
                copies.append(Ref(copied))
            else:
                copies.append(Ref(m.fresh(("deep", part, field), part.kind, target=part.target)))
        m.state.cells[(new, field)] = tuple(copies)
    return new


def _partial(m: Machine, op: ops.Call) -> Value:
    """A library function with some arguments given: as a decorator it may compile."""
    new = m.fresh("partial", "function", text="partial")
    if op.args:
        m.state.cells[(new, "function")] = m.get(op.args[0][0])
    for name, register in op.keywords:
        if name is not None:
            m.state.cells[(new, name)] = m.get(register)
    return (Ref(new),)


def defined(m: Machine, obj: Obj, op: ops.Def) -> Value:
    for register in op.decorators:
        for ref in m.get(register):
            decorator = ref
            if ref.obj.text == "partial":
                inner = m.state.cells.get((ref.obj, "function"), ())
                decorator = inner[0] if len(inner) == 1 else ref
            effect = tables.function(decorator.obj.target) if isinstance(decorator.obj.target, str) else None
            if effect is not None and effect.role == "jit":
                new = m.fresh("compiled", "function", text="compiled")
                m.state.cells[(new, "function")] = (Ref(obj),)
                given = (m.state.cells.get((ref.obj, name), ()) for name in _DONATING)
                m.state.cells[(new, "donated")] = tuple(one for held in given for one in held)
                return (Ref(new),)
    return (Ref(obj),)


def outer_values(m: Machine, made: Obj) -> Iterator[tuple[Holder, Ref]]:
    """The present values of the outer variables that a function reads, and of their attributes."""
    assert isinstance(made.target, ops.Function)
    frame, cells = m.made_in.get(made), m.state.cells

    def cell(name: str) -> str:
        while_in = frame is not None and name in frame.function.locals
        return f"{name}·{frame.number}" if while_in and frame is not None else name

    for name in m.session.outer_names(made.target):
        for held in cells.get(cell(name), ()):
            yield cell(name), held
    for name, attribute in m.session.outer_attributes(made.target):
        for owner in cells.get(cell(name), ()):
            if owner.obj.kind in OBJECTS:
                for held in m.field(owner.obj, attribute):
                    yield (owner.obj, attribute), held


def call_compiled(m: Machine, ref: Ref, op: ops.Call, bound: int = 0) -> Value:
    """Call a compiled function; `bound` is the number of arguments before those of the call: 1 for a method."""
    cells, obj = m.state.cells, ref.obj
    for register, _ in op.args:
        read(m, register, "call")
    traced = cells.get((obj, "·traced"))
    if traced is None:
        watched: list[Ref] = []
        for function in cells.get((obj, "function"), ()):
            if isinstance(function.obj.target, ops.Function):
                for holder, held in outer_values(m, function.obj):
                    if held.obj.kind in (*CONTAINERS, "ndarray"):
                        loan = m.loan("traced", holder, held._replace(loan=None), str(holder))
                        loan.node = obj.node or loan.node
                        watched.append(held._replace(loan=loan))
        cells[(obj, "·traced")] = tuple(watched)
    else:
        reading(m, traced, "call", op.node)
    _donate(m, obj, op, bound)
    return (Ref(m.fresh("computed", "jax")),)


def compiled_outside(m: Machine, obj: Obj, made: ast.expr) -> None:
    """Let a variable of the module be the compiled function that it is bound to, if that takes over its arguments."""
    if not isinstance(made, ast.Call) or not made.args or not isinstance(made.args[0], ast.Name):
        return
    if _takes_over(m, m.module, made, made.func):
        _compiled(m, obj, made, named(m, m.program.lookup(m.module, made.args[0].id)))


def decorated_outside(m: Machine, function: ops.Function) -> Value | None:
    """The compiled function that a decorator makes of one of the tree, if that takes over its arguments."""
    for made in getattr(function.node, "decorator_list", ()):
        if isinstance(made, ast.Call) and isinstance(function.home, Module):
            # `@partial(jit, donate_argnums=0)`, or `@jit(donate_argnums=0)`.
            func = made.args[0] if last_name(made.func) == "partial" and made.args else made.func
            if _takes_over(m, function.home, made, func):
                obj = m.interned(("compiled", function.node), "unknown")
                _compiled(m, obj, made, named(m, function))
                return (Ref(obj),)
    return None


def _takes_over(m: Machine, module: Module, made: ast.Call, func: ast.expr) -> bool:
    said = any(one.arg in _DONATING for one in made.keywords)
    target = m.program.resolve(module, func) if said else None
    effect = tables.function(target) if isinstance(target, str) else None
    return effect is not None and effect.role == "jit"


def _compiled(m: Machine, obj: Obj, made: ast.Call, function: Value) -> None:
    obj.kind, obj.text, obj.node = "function", "compiled", made
    said = [one.value for one in made.keywords if one.arg in _DONATING]
    parts = [part for one in said for part in (one.elts if isinstance(one, ast.Tuple | ast.List) else [one])]
    donated = (m.constant(part.value) for part in parts if isinstance(part, ast.Constant))
    m.state.cells[(obj, "donated")] = tuple(ref for value in donated for ref in value)
    m.state.cells[(obj, "function")] = function


def _donate(m: Machine, obj: Obj, op: ops.Call, bound: int) -> None:
    """Give up the arguments that a compiled function takes over, by their positions or names."""
    said = [ref.obj for ref in m.state.cells.get((obj, "donated"), ())]
    wanted = {part.const for one in said for part in ([one] if one.const is not ... else [r.obj for r in m.items(one)])}
    names = _parameters(m, obj)
    places = enumerate(op.args, bound)
    given = [one for at, (one, _) in places if at in wanted or (at < len(names) and names[at] in wanted)]
    given += [one for name, one in op.keywords if name in wanted or (name in names and names.index(name) in wanted)]
    taken: dict[Obj, int] = {}
    for register in given:
        value = m.get(register)
        holds = len(value) == 1 and value[0].obj.kind in HOLDING
        for ref in (*value, *(reachable(m, value) if holds else ())):
            first = taken.setdefault(ref.obj, register)
            if first != register and len(value) == 1 and ref.obj.kind != "scalar" and not ref.obj.summary:
                note(m, "donated-value-used", m.nodes.get(register), m.nodes.get(first), detail="donated")
        for ref in value:
            give_up(m, ref.obj, "donated")


def _parameters(m: Machine, compiled: Obj) -> list[str]:
    """The names of the parameters of the function that was compiled, where it is one of the tree."""
    for ref in m.state.cells.get((compiled, "function"), ()):
        if isinstance(ref.obj.target, ops.Function):
            return [one.arg for one in parameters(ref.obj.target.node)]
    return []


def imported(m: Machine, qualname: str) -> Value:
    """The values that an import statement binds."""
    m.brought.add(qualname)
    module, _, name = qualname.partition(":")
    if module.startswith("."):
        level = len(module) - len(module.lstrip("."))
        package = m.module.package.split(".")
        package = package[: len(package) - level + 1]
        module = ".".join([*package, *([module.lstrip(".")] if module.lstrip(".") else [])])
    return named(m, m.program.follow(f"{module}:{name}" if name else module))


def named(m: Machine, target: object) -> Value:
    """The value of a name that leads to a module, function or class."""
    if target is None:
        return ()
    kind = "function" if isinstance(target, ops.Function) else "module-name"
    return m.only(("named", target), kind, target=target)
