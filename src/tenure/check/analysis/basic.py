"""Variables, literals, displays, unpacking, definitions, contexts and results."""

import ast
from dataclasses import replace

from tenure.check import ops
from tenure.check.analysis.conflicts import captured, read, reading
from tenure.check.analysis.entries import kind_by_use
from tenure.check.analysis.functions import outer
from tenure.check.analysis.handed import yielded
from tenure.check.analysis.indices import numbered
from tenure.check.analysis.iteration import exhausted
from tenure.check.analysis.libraries import defined, named
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import slice_of, store
from tenure.check.analysis.views import first_of, lend, view_of
from tenure.check.effects import tables
from tenure.check.effects.effect import HOLDING, MUTABLE, OBJECTS, TENSORS
from tenure.check.syntax import is_empty
from tenure.check.values import Holder, Obj, Ref, Value, plain

__all__ = [
    "assume",
    "bind",
    "build",
    "capture",
    "const",
    "define",
    "define_class",
    "enter",
    "give_back",
    "leave",
    "load",
    "merge",
    "read_value",
    "unbind",
    "unpack",
    "yield_value",
]


_EXACT = frozenset(
    ("builtins.list", "builtins.dict", "builtins.set", "builtins.tuple", "torch.Tensor", "numpy.ndarray")
)
"""Classes that every value of their kind is an instance of."""


def load(m: Machine, op: ops.Load) -> None:
    name, cells = op.name, m.state.cells
    value = cells.get(name)
    if value is None:
        value = m.fixed.get(name)
    if value is None:
        value = outer(m, name)
        if name not in cells:
            m.fixed[name] = value
    m.put(op.dst, value, name)


def bind(m: Machine, op: ops.Bind) -> None:
    value, source = m.get(op.src), m.sources.get(op.src)
    out = []
    for ref in value:
        if (first := first_of(m, op.chained)) is not None and ref.obj.kind in MUTABLE:
            ref = ref._replace(loan=m.loan("chain", first, ref, op.name, copylike=True))
        elif source is not None and source != op.name:
            ref = lend(m, ref, "name" if isinstance(source, str) else _relation(source), source)
        if ref.loan is not None and not ref.loan.name:
            ref.loan.name, ref.loan.of = plain(op.name), ref.loan.of or m.nodes.get(op.src)
        out.append(ref)
    kind = kind_by_use(m, op.name) if len(out) == 1 and out[0].obj.kind == "unknown" else "unknown"
    if kind != "unknown":
        out[0].obj.kind = kind
    m.state.cells[op.name] = numbered(m, op.name, tuple(out))


def unbind(m: Machine, op: ops.Unbind) -> None:
    m.state.cells.remove(op.name)


def const(m: Machine, op: ops.Const) -> None:
    m.put(op.dst, m.constant(op.value))


def build(m: Machine, op: ops.Build) -> None:
    kind = op.kind
    new = m.fresh("display", kind, text="display")
    if kind == "iterator":
        new.target = "once"
    entries: dict[object, dict[Ref, None]] = {}
    exact = kind in ("list", "tuple") and not any(starred for _, _, starred in op.entries)
    for at, (key, register, starred) in enumerate(op.entries):
        name: object = at if exact else "*"
        if kind == "dict" and key is not None:
            found = m.get(key)
            const = found[0].obj.const if len(found) == 1 else ...
            name = "*" if const is ... else const
        source = m.sources.get(register)
        value = m.get(register)
        if starred:
            value, source = tuple(ref for one in value for ref in m.items(one.obj)), None
        if source is not None:
            value = tuple(lend(m, ref, "captured", source) for ref in value)
        entries.setdefault(name, {}).update(dict.fromkeys(value))
    m.state.cells.fill(new, {name: tuple(held) for name, held in entries.items()})
    m.put(op.dst, (Ref(new),))


def capture(m: Machine, op: ops.Capture) -> None:
    source = m.sources.get(op.src)
    for target in m.get(op.container):
        value = m.get(op.src)
        if source is not None:
            value = tuple(lend(m, ref, "captured", source) for ref in value)
        if target.obj.kind != "iterator" or value:
            captured(m, target.obj, "*", value, op.src)
        store(m, target.obj, "*", value, weak=True)


def merge(m: Machine, op: ops.Merge) -> None:
    source = m.sources.get(op.src)
    value = m.get(op.src)
    if source is not None:
        relation = "name" if isinstance(source, str) else _relation(source)
        value = tuple(lend(m, ref, relation, source) for ref in value)
    m.put(op.dst, _when_true(m, value) if op.true else value)


def _when_true(m: Machine, value: Value) -> Value:
    """The possible contents of a value that is true: not None, and not an empty default."""
    return tuple(
        ref._replace(obj=_as_given(m, ref.obj)) if ref.obj.default and is_empty(ref.obj.node) else ref
        for ref in value
        if ref.obj.const is not None and not (ref.obj.field is not None and ref.obj.default and is_empty(ref.obj.node))
    )


def _as_given(m: Machine, obj: Obj) -> Obj:
    """A parameter where a caller has given something: not its default value."""
    given = m.objects.get(("given", obj))
    if given is None:
        given = m.objects[("given", obj)] = replace(obj, default=False)
    return given


def unpack(m: Machine, op: ops.Unpack) -> None:
    value = m.get(op.src)
    for at, dst in enumerate(op.dsts):
        out: list[Ref] = []
        source: Holder | None = None
        for ref in value:
            obj = ref.obj
            if obj.kind in TENSORS:
                unsure = obj.kind == "ndarray" and obj.ndim is None
                out += view_of(m, ref, "[]", op.src, region=(("i", at),), maybe=unsure)
            elif obj.kind == "iterator":
                out.append(Ref(m.fresh(("part", at), "unknown")))
            elif obj.kind in ("tuple", "list", "unknown", "instance"):
                exact = op.star is None or at < op.star
                name: object = at if exact else "*"
                if at == op.star:
                    out += slice_of(m, obj)
                    continue
                out += m.field(obj, name)
                # The parts of a temporary have no one beside them.
                held = ref.loan is not None or op.src in m.sources
                source = (obj, name) if len(value) == 1 and held and not m.complete(obj) else None
            else:
                out += m.items(obj)
        m.put(dst, tuple(out), source)


def define(m: Machine, op: ops.Def) -> None:
    new = m.fresh("function", "function", target=op.function)
    if m.frame is not None:
        m.made_in[new] = m.frame
    for name, register in op.defaults:
        m.state.cells[(new, name)] = m.get(register)
    m.put(op.dst, defined(m, new, op))


def define_class(m: Machine, op: ops.Class) -> None:
    info = m.module.class_at(op.node, m.function) if isinstance(op.node, ast.ClassDef) else None
    m.put(op.dst, named(m, info))


def read_value(m: Machine, op: ops.Read) -> None:
    if op.how == "exhaust":
        for ref in m.get(op.src):
            exhausted(m, ref)
        return
    if op.how == "test" and m.frame is not None:
        value = m.get(op.src)
        const = value[0].obj.const if len(value) == 1 else ...
        m.frame.tested.pop(op.node, None)
        if isinstance(const, bool | None):
            m.frame.tested[op.node] = bool(const)
    read(m, op.src, op.how, deep=op.how == "format")


def assume(m: Machine, op: ops.Assume) -> None:
    value = m.state.cells.get(op.name, ())
    if op.true:
        if op.holds and any(ref.obj.default for ref in value):
            m.state.cells[op.name] = _when_true(m, value)
        return
    if op.cls is None:
        left = () if op.holds else tuple(ref for ref in value if ref.obj.const is not None)
        m.state.cells[op.name] = m.constant(None) if op.holds else left or value
        return
    targets = [part.obj.target for ref in m.get(op.cls) for part in (m.items(ref.obj) or (ref,))]
    kinds = [tables.class_kind(target) if isinstance(target, str) else None for target in targets]
    if not op.holds:
        plain_kinds = {kind for kind, target in zip(kinds, targets, strict=True) if target in _EXACT}
        if any(ref.obj.kind in plain_kinds for ref in value):
            m.state.cells[op.name] = tuple(ref for ref in value if ref.obj.kind not in plain_kinds)
        return
    if len(value) > 1 and None not in kinds:
        # Of alternatives whose kinds are known, those of another kind are on other ways.
        possible = tuple(ref for ref in value if ref.obj.kind in kinds or ref.obj.kind not in MUTABLE)
        value = m.state.cells[op.name] = possible or value
    if len(kinds) == 1 and kinds[0] is not None and len(value) == 1 and value[0].obj.kind == "unknown":
        value[0].obj.kind = kinds[0]


def enter(m: Machine, op: ops.Enter) -> None:
    value = m.get(op.src)
    for ref in value:
        if ref.obj.text == "no-grad":
            m.state.quiet += 1
    for told in m.on.entered:
        told(m, value)
    m.put(op.dst, value)


def leave(m: Machine, op: ops.Exit) -> None:
    for ref in m.get(op.src):
        if ref.obj.text == "no-grad":
            m.state.quiet = max(m.state.quiet - 1, 0)
    for told in m.on.left:
        told(m, m.get(op.src))


def give_back(m: Machine, op: ops.Return) -> None:
    if m.frame is not None:
        # The caller reads it, if anybody does.
        source, value = m.sources.get(op.src), m.get(op.src)
        if isinstance(source, tuple) and source[0].kind in OBJECTS:
            # An object gives out what it keeps.
            value = tuple(lend(m, ref, "returned", source) if ref.loan is None else ref for ref in value)
        m.state.cells[f"·return·{m.frame.number}"] = value
        return
    read(m, op.src, "return")
    for ref in m.get(op.src):
        if ref.obj.kind == "tuple" and ref.obj.text == "display":
            reading(m, m.items(ref.obj), "return")
    for told in m.on.returned:
        told(m, m.get(op.src))


def yield_value(m: Machine, op: ops.Yield) -> None:
    read(m, op.src, "yield")
    for told in m.on.returned:
        told(m, m.get(op.src))
    yielded(m, m.get(op.src))
    m.put(op.dst, ())


def _relation(source: object) -> str:
    """The relation between a field's value and a name that reads it."""
    name = source[1] if isinstance(source, tuple) else ""
    if isinstance(source, tuple) and source[0].kind in HOLDING:
        return "element"
    if name == "grad":
        return "grad"
    return "attribute" if isinstance(name, str) and name.isidentifier() else "element"
