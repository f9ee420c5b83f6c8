"""The rule network-not-copied (TN506)."""

import ast
import re
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope, bound_names, walk
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_APART = re.compile(
    r"(^|_)(target|ema|old|prev|best|backup|teacher|momentum|frozen|shadow|averaged|copy|ref|reference)(_|$)"
)
"""Names of networks that go their own way."""

_OF_MODULES = frozenset(("parameters", "state_dict", "load_state_dict", "named_parameters"))


_RETURNING = frozenset(("to", "cuda", "cpu", "float", "double", "half", "train", "eval", "requires_grad_"))


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("a second name, no copy", "made to differ here")
    return reports_of(facts, RULE, _events(facts), "`{text}`: both are one network", words)


def _events(facts: Facts) -> Iterator[Event]:
    if "torch" not in facts.module.libraries and "tenure" not in facts.module.libraries:
        return
    for scope in facts.scopes:
        yield from _own_states(facts, scope)
        if isinstance(scope.node, ast.ClassDef):
            inner = [facts.module.body.scopes[one] for one in scope.node.body if isinstance(one, ast.FunctionDef)]
            yield from _of_body(facts, inner, "self.")
        elif isinstance(scope.node, ast.Module | ast.FunctionDef):
            yield from _of_body(facts, [scope], "")


def _own_states(facts: Facts, scope: Scope) -> Iterator[Event]:
    """Networks that go their own way and are to catch up, but load the state that they have."""
    for call in scope.of(ast.Call):
        match call:
            case ast.Call(func=ast.Attribute(value=target, attr="load_state_dict"), args=[ast.Call() as given, *_]):
                text = ast.unparse(target)
                if _apart(text.rpartition(".")[2]) and ast.unparse(given) == f"{text}.state_dict()":
                    yield Event(facts.source.path, RULE.name, (call,), text=ast.unparse(call))


def _of_body(facts: Facts, scopes: list[Scope], prefix: str) -> Iterator[Event]:
    """Second names among the variables of a body, or among the attributes of a class."""
    assigned = [one for scope in scopes for one in scope.of(ast.Assign) if len(one.targets) == 1]
    names = [(ast.unparse(one.targets[0]), one) for one in assigned if _plain(one.targets[0], prefix)]
    pairs = [(name, ast.unparse(_same(one.value)), one) for name, one in names if _plain(_same(one.value), prefix)]
    if prefix:
        # Two attributes that are given the same variable.
        given = [(name, one) for name, one in names if isinstance(_same(one.value), ast.Name)]
        pairs += [
            (name, other, one)
            for name, one in given
            for other, first in given
            if other != name and ast.unparse(_same(first.value)) == ast.unparse(_same(one.value))
        ]
    if not pairs:
        return
    used = _used(scopes)
    for name, other, one in pairs:
        times = sum(name == known for known, _ in names)
        modules = (used.get(name, {}).keys() | used.get(other, {}).keys()) & _OF_MODULES
        if not modules or name == other or name.endswith("state_dict"):
            continue
        if times > 1 and not (_apart(name) and (_stays if prefix else _trained_on)(scopes, one, other)):
            continue
        loads = used.get(name, {}).get("load_state_dict")
        source = f"{other}.state_dict()"
        onto_itself = loads is not None and any(ast.unparse(given) == source for given in loads.args)
        if onto_itself or (_apart(name) and not _apart(other)):
            yield Event(facts.source.path, RULE.name, (one, loads or one), text=f"{name} = {other}")


def _stays(scopes: list[Scope], assigned: ast.Assign, other: str) -> bool:
    """Whether a method that gives a network a second name leaves the first one to it: a rotation makes a new one."""
    for scope in scopes:
        own = scope.of(ast.Assign)
        if assigned in own:
            texts = [ast.unparse(target) for one in own for target in one.targets]
            return getattr(scope.node, "name", "") != "__init__" and not any(other in text for text in texts)
    return False


def _trained_on(scopes: list[Scope], assigned: ast.Assign, other: str) -> bool:
    """Whether the loop that gives a network a second name goes on to train it, and makes no new one."""
    loops = [one for scope in scopes for one in scope.of(ast.For, ast.While) if assigned in walk(one)]
    if not loops or any(other in bound_names(loop.body) for loop in loops):
        return False
    return any(isinstance(one, ast.Attribute) and one.attr == "step" for one in walk(loops[0]))


def _same(value: ast.expr) -> ast.expr:
    """The module that methods such as `to` return after they changed it."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _RETURNING:
        value = value.func.value
    return value


def _apart(name: str) -> bool:
    return _APART.search(name.removeprefix("self.")) is not None


def _plain(node: ast.expr, prefix: str) -> bool:
    """Whether this is a variable, or (with a prefix) an attribute of self."""
    if not prefix:
        return isinstance(node, ast.Name)
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _used(scopes: list[Scope]) -> dict[str, dict[str, ast.Call]]:
    """The methods called on each name, with a call of each."""
    found: dict[str, dict[str, ast.Call]] = {}
    for scope in scopes:
        for call in scope.of(ast.Call):
            if isinstance(call.func, ast.Attribute) and call.func.attr in _OF_MODULES:
                found.setdefault(ast.unparse(call.func.value), {})[call.func.attr] = call
    return found


RULE = Rule(
    name="network-not-copied",
    code="TN506",
    sentence="a network that is to stay as it was, or to follow later, is a copy",
    reason=(
        "`target = online` names the same network twice. Each step changes both, and copying one onto the other "
        "does nothing."
    ),
    wrong="""\
from torch import nn
online = nn.Linear(2, 2)
target = online
target.load_state_dict(online.state_dict())
""",
    right="""\
import copy
from torch import nn
online = nn.Linear(2, 2)
target = copy.deepcopy(online)
target.load_state_dict(online.state_dict())
""",
    help="copy it: `copy.deepcopy(network)`",
    check=_check,
)
