"""The rule mutable-default-mutated (TN506)."""

import ast
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.findings import Event
from tenure.check.analysis.indices import component
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.values import Holder, Obj, Ref, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    first: dict[tuple[ast.AST, ...], Event] = {}
    for event in (*facts.events(RULE.name), *_instances(facts)):
        # One default value is one bug, however many lines write to it.
        known = first.setdefault(event.nodes[1:], event)
        if _line(event) < _line(known):
            first[event.nodes[1:]] = event
    message = "the default value of `{text}` is written: every later call starts from it"
    return reports_of(facts, RULE, first.values(), message, ("written here", "made once, here"))


def _instances(facts: Facts) -> Iterator[Event]:
    """The writes to attributes of an instance that is the default value of a constructor: `config=Config()`."""
    for info in facts.module.classes.values():
        for name, given in info.given.items():
            made = given.default
            target = facts.program.resolve(facts.module, made.func) if isinstance(made, ast.Call) else None
            if not isinstance(target, ClassInfo) or len(info.attributes.get(name, ())) > 1:
                continue
            if _is_memo(name.lstrip("_")):
                continue
            for method in info.methods.values():
                for one in method.scope.of(ast.Attribute):
                    match one:
                        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=held), ctx=ast.Store()):
                            if held == name and made is not None:
                                yield Event(facts.source.path, RULE.name, (one, made), text=name)


def _line(event: Event) -> int:
    return getattr(event.nodes[0], "lineno", 0)


Conditions: TypeAlias = tuple[tuple[ast.expr, bool], ...]

_MEMO = ("cache", "memo", "registry")


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    root = ref.obj.root()
    called = root.parameter if isinstance(root.parameter, str) else root.field
    # What a called function does to its own default value is reported in that function.
    inside = write.inner is not None and len(write.via) <= (root.parameter is None)
    if not root.default or not ref.must or not isinstance(called, str) or inside:
        return
    if _is_memo(called if isinstance(root.parameter, str) else called.lstrip("_")):
        return
    if write.via and not write.certain:
        return
    grown = root.kind == "dict" and write.grows
    if grown or (write.sort != "resize" and _has_nothing(root.node)):
        return
    if _takes_nothing(root.node, write) or _excluded(root, called, write.conditions):
        return
    note(m, RULE.name, write.node, root.node, text=called)


def _is_memo(name: str) -> bool:
    """Whether a parameter is there to keep something between calls, by its name."""
    return name.startswith("_") or any(part in name.lower() for part in _MEMO)


def _takes_nothing(default: ast.AST | None, write: Write) -> bool:
    """Whether a removal finds nothing in the default value: it is empty, or has no such constant."""
    if write.sort != "resize" or write.grows:
        return False
    match default:
        case ast.Dict(keys=held) | ast.List(elts=held) | ast.Set(elts=held) | ast.Tuple(elts=held):
            pass
        case ast.Call(func=ast.Name("list" | "dict" | "set"), args=[], keywords=[]):
            held = []
        case _:
            return False
    taken = write.inner[1] if write.inner is not None else write.node
    match taken:
        case ast.Call(func=ast.Attribute(attr="remove" | "discard" | "pop"), args=[ast.Constant(key), *_]):
            return _lacks(held, key) and not (isinstance(default, ast.List) and isinstance(key, int))
    return not held


def _has_nothing(default: ast.AST | None) -> bool:
    """Whether the default value is an array without elements, to which every write is of nothing."""
    match default:
        case ast.Call(func=ast.Attribute(attr="zeros" | "ones" | "empty"), args=[first, *more]):
            sizes = first.elts if isinstance(first, ast.Tuple | ast.List) else [first, *more]
        case _:
            return False
    return any(isinstance(size, ast.Constant) and size.value == 0 for size in sizes)


def _excluded(root: Obj, called: str, conditions: Conditions) -> bool:
    """Whether the conditions of a write exclude the default value: it has the key that is asked for, or lacks it."""
    return any(_contradicted(root.node, called, test, holds) for test, holds in conditions)


def _contradicted(default: ast.AST | None, called: str, test: ast.expr, holds: bool) -> bool:
    match test:
        case ast.Compare(left=ast.Constant(key), ops=[ast.In() | ast.NotIn() as asked], comparators=[container]):
            held = _constants(default) if _names(container, called) else None
            return held is not None and (key in held) is not (holds is isinstance(asked, ast.In))
        case ast.Name() | ast.Attribute() if _names(test, called):
            held = _constants(default)
            return held is not None and bool(held) is not holds
    return False


def _names(node: ast.expr, called: str) -> bool:
    """Whether an expression is the parameter, or the attribute of its name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name.strip("_") == called
    return False


def _constants(default: ast.AST | None) -> list[object] | None:
    """The keys or items of a display of constants; None for others."""
    held: Sequence[ast.expr | None]
    match default:
        case ast.Dict(keys=held) | ast.List(elts=held) | ast.Set(elts=held):
            pass
        case ast.Call(func=ast.Name("list" | "set" | "dict"), args=[], keywords=named):
            return [one.arg for one in named] if all(one.arg for one in named) else None
        case _:
            return None
    return [one.value for one in held if isinstance(one, ast.Constant)] if _all_constant(held) else None


def _all_constant(held: Sequence[ast.expr | None]) -> bool:
    return all(isinstance(one, ast.Constant) for one in held)


def _lacks(held: Sequence[ast.expr | None], key: object) -> bool:
    return all(isinstance(one, ast.Constant) and one.value != key for one in held)


def _placed(m: Machine, ref: Ref, op: ops.SetItem) -> None:
    obj = ref.obj
    name = str(obj.parameter or obj.field).lstrip("" if obj.parameter else "_")
    if not obj.default or not ref.must or obj.kind != "dict" or _is_memo(name):
        return
    if _excluded(obj, name, op.conditions):
        return
    constant = all(component(m, step)[0] == "k" for step in op.index)
    if constant or obj.parameter is None or _returned(m, name):
        note(m, RULE.name, op.node, obj.node, text=name)


def _returned(m: Machine, name: str) -> bool:
    """Whether a function returns a parameter: it collects in it, and is no table of what was asked before."""
    found = m.function.scope.of(ast.Return)
    return any(isinstance(one.value, ast.Name) and one.value.id == name for one in found)


RULE = Rule(
    name="mutable-default-mutated",
    code="TN506",
    sentence="a default value is not written",
    reason=(
        "A default value is made once, when the function is defined. All calls share it, so what one call "
        "writes the next one finds."
    ),
    wrong="""\
import torch
def accumulate(x, state=torch.zeros(2)):
    state += x
    return state
""",
    right="""\
import torch
def accumulate(x, state=None):
    if state is None:
        state = torch.zeros(2)
    state += x
    return state
""",
    help="default to None, and make the value in the body",
    check=_check,
    on=Events(written=(_written,), placed=(_placed,)),
)
