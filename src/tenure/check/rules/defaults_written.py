"""The rule defaults-written (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_WRITING = frozenset(("update", "append", "extend", "insert", "setdefault", "pop", "popitem", "clear", "remove", "add"))
_MEANT = ("default", "set_", "register", "config_", "load_", "reset", "override", "patch")
"""Parts of names of functions that are there to change the defaults."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("written here", "`{text}` itself, under another name")
    return reports_of(facts, RULE, _events(facts), "the defaults `{text}` are written, for everybody", words)


def _events(facts: Facts) -> Iterator[Event]:
    shared = {name for name, given in facts.module.values.items() if "default" in name.lower() and _display(given)}
    if not shared or not facts.whole:
        return
    for scope in facts.scopes:
        if isinstance(scope.node, ast.FunctionDef) and not any(word in scope.node.name for word in _MEANT):
            yield from _of_body(facts, scope, shared)


def _display(given: list[ast.expr]) -> bool:
    return len(given) == 1 and isinstance(given[0], ast.Dict | ast.List) and not _is_empty(given[0])


def _is_empty(node: ast.Dict | ast.List) -> bool:
    return not (node.values if isinstance(node, ast.Dict) else node.elts)


def _of_body(facts: Facts, scope: Scope, shared: set[str]) -> Iterator[Event]:
    """The writes of a body through another name (or an attribute) that stands for the defaults of the module."""
    names: dict[str, tuple[str, ast.AST]] = {}
    bound: list[str] = []
    for one in scope.of(ast.Assign):
        texts = [ast.unparse(target) for target in one.targets]
        bound += texts
        if isinstance(one.value, ast.Name) and one.value.id in shared - scope.locals:
            names |= dict.fromkeys(texts, (one.value.id, one.value))
    for node, text in _writes(scope) if names else ():
        if text in names and bound.count(text) == 1:
            name, taken = names[text]
            yield Event(facts.source.path, RULE.name, (node, taken), text=name)


def _writes(scope: Scope) -> Iterator[tuple[ast.AST, str]]:
    for node in scope.of(ast.Subscript):
        if not isinstance(node.ctx, ast.Load):
            yield node, ast.unparse(node.value)
    for call in scope.of(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in _WRITING:
            yield call, ast.unparse(call.func.value)


RULE = Rule(
    name="defaults-written",
    code="TN506",
    sentence="the defaults of a module are copied before they are changed",
    reason="Another name for a dictionary is the same dictionary: what one caller sets is the next one's default.",
    wrong="""\
DEFAULTS = {"size": 3, "names": []}
def options(given):
    found = DEFAULTS
    found.update(given)
    return found
""",
    right="""\
DEFAULTS = {"size": 3, "names": []}
def options(given):
    found = {**DEFAULTS, **given}
    return found
""",
    help="copy first: `copy.deepcopy(...)`",
    check=_check,
)
