"""Orders of calls: a class whose methods are called in turn, again and again, where nothing in the tree does so.

A loan that one method keeps on self, a write in a second and a read in a third are a bug only if somebody calls them
in that order. The order that any user of the object may choose is written as a function, and checked as one:

    def user(model, loader):
        it = Trainer(model)
        while loader:
            it.train_epoch(loader)
            it.validate(loader)
"""

import ast

from tenure.check.analysis.findings import Findings
from tenure.check.analysis.marks import Marks
from tenure.check.lower import function_of
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module
from tenure.check.scope import decorator_names, default_of, parameters

__all__ = ["call_of", "is_simple", "shown", "users", "written"]

_LONGEST = 200
_MOST = 12
_STEPS = 1000
_SHOWN = frozenset(("iterator-consumed", "repeated-object", "replaced-after-optimizer", "mutable-default-mutated"))
_CALLED = frozenset(("__call__", "__next__", "__getitem__"))


def users(module: Module) -> list[Function]:
    """A user for each class that keeps something in one method and writes it in another."""
    return [_user(module, info) for info in (*module.classes.values(), *module.inner.values()) if _keeps(module, info)]


def shown(found: Findings) -> None:
    """Drop what only a second call of the same method would show: graphs and iterators may be meant for one call."""
    found.drop(lambda conflict: conflict.loan.relation == "saved")
    found.drop_events(lambda event: event.rule not in _SHOWN)
    found.drop_events(lambda event: event.rule == "iterator-consumed" and event.nodes[0] is event.nodes[1])


def _keeps(module: Module, info: ClassInfo) -> bool:
    node = info.node
    if (node.end_lineno or 0) - node.lineno > _LONGEST or node.name.startswith("Test") or node.decorator_list:
        return False
    methods = _public(info)
    if not 1 <= len(methods) <= _MOST or "__init__" not in info.methods:
        return False
    marks = [Marks.of(module, function) for function in info.methods.values()]
    lent = {root for one in marks for root in one.lent if root.startswith("self.")}
    written = {root for one in marks for root in one.written if root.startswith("self.")}
    return bool(lent & written) or (bool(lent) and any(one.always for one in marks))


def _public(info: ClassInfo) -> list[Function]:
    plain = [
        one
        for name, one in info.methods.items()
        if (not name.startswith("_") or name in _CALLED) and not decorator_names(one.node) and is_simple(one.node)
    ]
    return [one for one in plain if not one.name.startswith("test")]


def is_simple(node: ast.AST) -> bool:
    """Whether a method can be called with one value for each parameter that has no default."""
    return isinstance(node, ast.FunctionDef) and bool(node.args.args) and not node.args.vararg


def _user(module: Module, info: ClassInfo) -> Function:
    notes: dict[str, str] = {}
    made = call_of(info.node.name, info.methods["__init__"], notes)
    calls = [call_of(f"it.{one.name}", one, notes) for one in _public(info)]
    return written(module, info, [f"it = {made}", "while it:", *(f"    {one}" for one in calls)], notes)


def written(module: Module, info: ClassInfo, lines: list[str], notes: dict[str, str]) -> Function:
    """A function of these lines that stands at the head of a class; `notes` are its parameters, annotated."""
    given = ", ".join(name if not note else f"{name}: {note}" for name, note in notes.items())
    node = ast.parse("\n    ".join([f"def user({given}):", *lines])).body[0]
    for part in ast.walk(node):
        if hasattr(part, "lineno"):
            line, column = info.node.lineno, info.node.col_offset
            part.lineno, part.col_offset = line, column  # type: ignore[attr-defined]
            part.end_lineno, part.end_col_offset = line, column + len("class")  # type: ignore[attr-defined]
    assert isinstance(node, ast.FunctionDef)
    function = function_of(node, info.methods["__init__"].parent or module.body)
    function.steps = _STEPS
    return function


def call_of(called: str, function: Function, notes: dict[str, str]) -> str:
    """A call with arguments that are named as the parameters: what two methods call alike is one object."""
    node = function.node
    given = [one for one in parameters(node)[1:] if default_of(node, one) is None and not _starred(node, one)]
    for one in given:
        note = "" if one.annotation is None else ast.unparse(one.annotation)
        notes[one.arg] = notes.get(one.arg) or note
    return f"{called}({', '.join(f'{one.arg}={one.arg}' for one in given)})"


def _starred(node: ast.AST, one: ast.arg) -> bool:
    return isinstance(node, ast.FunctionDef) and one in (node.args.vararg, node.args.kwarg)
