"""Operators, in place and not."""

import ast

from tenure.check import ops
from tenure.check.analysis.arguments import Arguments
from tenure.check.analysis.conflicts import paired, read
from tenure.check.analysis.effects_on import perform
from tenure.check.analysis.iteration import consume_register
from tenure.check.analysis.libraries import imported
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import repeat
from tenure.check.effects import tables
from tenure.check.effects.effect import HOLDING, MUTABLE, TENSORS, Kind
from tenure.check.scope import last_name
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["operate"]

_ARITHMETIC = frozenset(("__add__", "__sub__", "__mul__", "__floordiv__", "__mod__", "__neg__"))


def operate(m: Machine, op: ops.Operate) -> None:
    """Execute an operator, or an import."""
    if op.name.startswith("import "):
        m.put(op.dst, imported(m, op.name.removeprefix("import ")))
        return
    values = [m.get(register) for register in op.operands]
    made, home = operator(m, op, values)
    if op.name == "__invert__" and len(made) == len(values[0]) == 1:
        made[0].obj.terms = (values[0][0].obj,)
    m.put(op.dst, made, home)


def operator(m: Machine, op: ops.Operate, values: list[Value]) -> tuple[Value, Holder | None]:
    """The value of an operator, and the cell it returns, if it works in place."""
    if op.name in ("is", "not", "in", "format", "slice", "unknown") or not values or len(values) > 2:
        return _tested(m, op, values), None
    left = values[0]
    kinds = list(dict.fromkeys(ref.obj.kind for ref in left))
    if op.augmented:
        return _augmented(m, op, values, kinds)
    return _binary(m, op, op.name, values), None


def _tested(m: Machine, op: ops.Operate, values: list[Value]) -> Value:
    if op.name != "is":
        for register in op.operands:
            read(m, register, "format" if op.name == "format" else "operator", deep=op.name == "format")
    if op.name == "in" and len(values) == 2 and not any(_by_iter(ref.obj) for ref in values[1]):
        consume_register(m, op.operands[1])
    made = m.fresh(op.name, "unknown" if op.name == "unknown" else "scalar")
    if op.name == "format" and len(values) >= 1 and values[0]:
        made.base = values[0][0].obj if values[0][0].obj.owner is not None else None
    return (Ref(made),)


def _by_iter(obj: Obj) -> bool:
    """Whether an iterator was made by `iter`: asking it for one item after the other is a search for a subsequence."""
    return isinstance(obj.node, ast.Call) and last_name(obj.node.func) == "iter"


def _augmented(m: Machine, op: ops.Operate, values: list[Value], kinds: list[str]) -> tuple[Value, Holder | None]:
    plain = "__" + op.name[3:]
    source = m.sources.get(op.operands[0])
    out: list[Ref] = []
    in_place = False
    whole = values[0]
    m.divided = len(whole) > 1
    for kind in kinds:
        refs = tuple(ref for ref in whole if ref.obj.kind == kind)
        m.state.cells[op.operands[0]] = refs
        effect = tables.method(kind, op.name)
        if effect is None:
            out += _binary(m, op, plain, [refs, values[1]])
            continue
        in_place = True
        paired(m, refs, values[1])
        m.is_method = True
        out += perform(m, effect, Arguments(list(op.operands), {}), op, op.name)
        m.is_method = False
    m.state.cells[op.operands[0]] = whole
    m.divided = False
    if not kinds:
        read(m, op.operands[1], "operator")
    return tuple(dict.fromkeys(out)), source if in_place else None


def _binary(m: Machine, op: ops.Operate, name: str, values: list[Value]) -> Value:
    for at, value in enumerate(values):
        kind = _array_kind(value)
        effect = (tables.method(kind, name) or tables.method(kind, "__add__")) if kind is not None else None
        if effect is not None:
            if at == 1:
                read(m, op.operands[0], "operator")
            m.is_method = True
            result = perform(m, effect, Arguments(list(op.operands), {}), op, name)
            m.is_method = False
            return result
    for register in op.operands:
        read(m, register, "operator")
    return _containers(m, op, name, values)


def _containers(m: Machine, op: ops.Operate, name: str, values: list[Value]) -> Value:
    for at, value in enumerate(values):
        for ref in value:
            if ref.obj.kind not in HOLDING:
                continue
            if name in ("__mul__", "__rmul__"):
                for told in m.on.repeated:
                    told(m, ref, values[1 - at], op)
            effect = tables.method(ref.obj.kind, name)
            if effect is not None:
                registers = [op.operands[at], *(r for r in op.operands if r != op.operands[at])]
                m.is_method = True
                result = perform(m, effect, Arguments(registers, {}), op, name)
                m.is_method = False
                if name in ("__mul__", "__rmul__"):
                    _repeated(m, result)
                return result
    return (Ref(_scalar(m, op, name, values)),)


def _repeated(m: Machine, result: Value) -> None:
    """Note a list that holds the same mutable objects at all positions."""
    for ref in result:
        items = m.items(ref.obj) if ref.obj.kind == "list" else ()
        if any(r.obj.kind in MUTABLE for r in items):
            repeat(m, ref.obj, items)


def _scalar(m: Machine, op: ops.Operate, name: str, values: list[Value]) -> Obj:
    consts = [value[0].obj.const if len(value) == 1 else ... for value in values]
    folded = _fold(name, consts)
    if folded is not None:
        return m.constant(folded)[0].obj
    known = all(value and all(ref.obj.kind == "scalar" for ref in value) for value in values)
    if known and name in _ARITHMETIC and all(len(value) == 1 and not value[0].obj.owner for value in values):
        # The same sum of the same numbers is the same number.
        terms = tuple(value[0].obj for value in values)
        old = any(term.summary for term in terms)
        return m.interned(("number", name, terms), "scalar", summary=old, terms=terms)
    made = m.fresh(name, "scalar" if known else "unknown")
    keys = [ref.obj for value in values for ref in value if ref.obj.owner is not None and ref.obj.kind == "scalar"]
    if keys and name == "__add__":
        made.kind, made.base = "scalar", keys[0]
    return made


def _array_kind(value: Value) -> Kind | None:
    """The kind of the first array among the objects of a value."""
    for ref in value:
        if ref.obj.kind in TENSORS:
            return ref.obj.kind
    return None


def _fold(name: str, consts: list[object]) -> int | None:
    """Arithmetic on small whole numbers: enough for indices."""
    if ... in consts or not all(isinstance(const, int) and not isinstance(const, bool) for const in consts):
        return None
    numbers = [const for const in consts if isinstance(const, int)]
    match name, numbers:
        case "__neg__", [a]:
            return -a
        case "__add__", [a, b]:
            return a + b
        case "__sub__", [a, b]:
            return a - b
        case "__mul__", [a, b] if abs(a) < 1 << 31 and abs(b) < 1 << 31:
            return a * b
    return None
