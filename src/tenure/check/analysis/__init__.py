"""The analysis: an abstract machine runs each body and finds reads after unexpected writes."""

import ast
from collections.abc import Iterable, Iterator

from tenure.check.analysis.events import Events
from tenure.check.analysis.findings import Conflict, Event, Findings
from tenure.check.analysis.functions import summary_of
from tenure.check.analysis.given_out import keepers, told
from tenure.check.analysis.handlers import HANDLERS, LISTENERS
from tenure.check.analysis.orders import shown, users
from tenure.check.analysis.screen import is_small, worth_running, written_inside
from tenure.check.analysis.session import Session
from tenure.check.lower import function_of
from tenure.check.ops import Function
from tenure.check.program import Module, Program
from tenure.check.scope import Scope

__all__ = ["Conflict", "Event", "Findings", "Session", "analyze", "open_session", "release"]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def open_session(subscriptions: Iterable[Events] = ()) -> Session:
    """A run over a tree, with the listeners of the rules."""
    return Session(HANDLERS, Events.joined([*LISTENERS, *subscriptions]))


def analyze(program: Program, module: Module, session: Session) -> Findings:
    """The findings of one module."""
    session.close()
    made = dict.fromkeys(
        summary_of(program, session, function, {})
        for function in bodies(module)
        if worth_running(program, module, function)
    )
    for user in users(module):
        used = summary_of(program, session, user, {})
        shown(used.found)
        made[used] = None
    findings = Findings()
    stack = list(reversed(made))
    while stack:
        summary = stack.pop()
        findings.add(summary.found)
        new = [one for one in summary.calls if one not in made]
        made.update(dict.fromkeys(new))
        stack += reversed(new)
    for keeper in keepers(module):
        findings.add(told(summary_of(program, session, keeper, {}).found, keeper, findings))
    return findings


def release(program: Program, module: Module) -> None:
    """Drop the parts of a checked module that no importer needs.

    That is most of its trees: the longer functions that write to nothing but their own.
    """
    read, program.read = program.read, set()
    for info in module.classes.values():
        info.attributes  # noqa: B018 (found out now, while the methods have bodies)
    for function in bodies(module):
        node = function.node
        outermost = function.parent is module.body and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if outermost and not is_small(function) and not written_inside(program, function):
            node.body = []
    for scope in module.body.scopes.values():
        scope.release()
    module.source.release()
    program.read = read


def bodies(module: Module) -> Iterator[Function]:
    """The body of a module, and all functions and methods in it: each after its scope, the last ones first."""
    yield module.body
    scopes = module.body.scopes
    stack: list[tuple[_Definition, Function, ast.ClassDef | None]] = [
        (node, module.body, None) for node in _definitions(module.body.scope)
    ]
    while stack:
        node, parent, in_class = stack.pop()
        if isinstance(node, ast.ClassDef):
            stack += [(child, parent, node) for child in _definitions(scopes[node])]
        else:
            function = _known(module, node, parent, in_class) or function_of(node, parent, in_class)
            yield function
            stack += [(child, function, None) for child in _definitions(function.scope)]


def _definitions(scope: Scope) -> list[_Definition]:
    """The functions and classes of a body, in the order of the source."""
    found = scope.of(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _known(
    module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef, parent: Function, in_class: ast.ClassDef | None
) -> Function | None:
    if in_class is None:
        known = module.functions.get(node.name)
    else:
        info = module.class_at(in_class, parent)
        known = info.methods.get(node.name) if info is not None else None
    return known if known is not None and known.node is node else None
