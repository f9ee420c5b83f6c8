"""Callbacks that leave while they are told: a loop calls all that an object keeps, and one of them takes itself out.

    def dispatch(self, event):                  def once(event):
        for callback in self.listeners:             hub.remove(once)
            callback(event)                     hub.add(once)
"""

import ast
from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.scope import bound_names, last_name, walk

__all__ = ["leaving_while_told"]

_REMOVING = frozenset(("remove", "discard", "pop"))


def leaving_while_told(facts: Facts) -> Iterator[tuple[ast.AST, ast.For, ast.AST]]:
    """The statements that take a callback out, each with the loop that tells all, and the call by a callback."""
    for info in facts.module.classes.values() if facts.whole else ():
        loops = list(_telling(facts, info))
        for name, removal, kept in _leaving(info) if loops else ():
            for call in _by_themselves(facts, name):
                yield from ((removal, loop, call) for loop, told in loops if told == kept)


def _telling(facts: Facts, info: ClassInfo) -> Iterator[tuple[ast.For, str]]:
    """The loops of a class that call each item of what an attribute has, each with the attribute."""
    for method in info.methods.values():
        for loop in method.scope.of(ast.For):
            names, kept = bound_names([loop.target]), _attribute(loop.iter)
            called = {one.func.id for part in loop.body for one in walk(part) if _is_plain(one)}  # type: ignore[attr-defined]
            if kept and names & called:
                yield loop, kept


def _is_plain(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _attribute(node: ast.expr) -> str:
    """The attribute whose own items an expression gives: `self.x`, `self.x[k]`, `self.x.values()`; "" for a copy."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
        case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value, attr="values" | "items"), args=[]):
            return "" if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) else _attribute(value)
        case ast.Call(func=ast.Attribute(value=value, attr="setdefault" | "get"), args=[_, *_]):
            return _attribute(value)
    return ""


def _leaving(info: ClassInfo) -> Iterator[tuple[str, ast.AST, str]]:
    """The methods that take a parameter out of what an attribute has, each with the statement and the attribute."""
    for name, method in info.methods.items():
        for node in (*method.scope.of(ast.Call), *method.scope.of(ast.Delete)):
            match node:
                case ast.Call(func=ast.Attribute(value=value, attr=removing)) if removing in _REMOVING:
                    kept = _attribute(value)
                case ast.Delete(targets=[ast.Subscript(value=value)]):
                    kept = _attribute(value)
                case _:
                    continue
            if kept:
                yield name, node, kept


def _by_themselves(facts: Facts, leave: str) -> Iterator[ast.AST]:
    """The calls by which a function of the module, or a method, takes itself out: its own name is the argument."""
    for scope in facts.mentioning(leave):
        own = getattr(scope.node, "name", "")
        for call in scope.of(ast.Call) if isinstance(scope.node, ast.FunctionDef) else ():
            if last_name(call.func) == leave and any(_is_named(one, own) for one in call.args):
                yield call


def _is_named(node: ast.expr, own: str) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name == own
    return False
