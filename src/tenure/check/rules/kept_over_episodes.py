"""Log-probabilities that one episode after another adds to, and that a backward pass goes through from the first.

policy.log_probs.append(dist.log_prob(action))     loss = f(policy.log_probs); loss.backward()     (never emptied)
"""

import ast
from collections.abc import Iterator

from tenure.check.facts import Facts, own_nodes
from tenure.check.scope import Scope, bound_names, last_name

__all__ = ["kept_over_episodes"]

_EMPTYING = frozenset(("clear", "pop", "popleft", "popitem"))
_LOG = ("log_prob", "logprob")


def kept_over_episodes(facts: Facts) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """The backward passes that are repeated, each with where the list grows and the list's name."""
    if "log_prob" not in facts.source.text or "backward" not in facts.source.text:
        return
    grown = dict(_grown(facts))
    lists = grown.keys() - _emptied(facts) if grown and "__dict__" not in facts.source.text else ()
    loops: list[ast.For | ast.While] = [*facts.nodes(ast.For), *facts.nodes(ast.While)]
    inside = {node for loop in loops for node in own_nodes(loop.body)}
    repeated = {last_name(node.func) for node in inside if isinstance(node, ast.Call)}
    anew = {name for loop in loops for name in bound_names(loop.body)}
    for scope in facts.mentioning("backward") if lists else ():
        again = getattr(scope.node, "name", "") in repeated
        passes = [one for one in scope.of(ast.Call) if last_name(one.func) == "backward" and (again or one in inside)]
        for one in scope.of(ast.Attribute) if passes else ():
            owners = {info.node.name for info in facts.module.classes.values() if one.attr in info.attributes}
            made = {*ast.unparse(one.value).split("."), *owners} - {"self"}
            if one.attr in lists and owners and _is_read(scope, one) and not made & (repeated | anew):
                # What is made in a loop starts empty.
                yield passes[0], grown[one.attr], ast.unparse(one)
                break


def _grown(facts: Facts) -> Iterator[tuple[str, ast.AST]]:
    """The attributes that log-probabilities are appended to, each with a statement that does so."""
    for scope in facts.mentioning("append"):
        logs = {name for one in scope.of(ast.Assign) if _is_log(one.value) for name in bound_names([one])}
        for call in scope.of(ast.Call):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=name), attr="append"), args=[given]):
                    if _is_log(given) or (isinstance(given, ast.Name) and given.id in logs):
                        yield name, call


def _is_log(value: ast.expr) -> bool:
    """Whether an expression is a log-probability with its graph."""
    found = [one.attr for one in ast.walk(value) if isinstance(one, ast.Attribute)]
    return any(name.startswith(_LOG) for name in found) and not {"detach", "item", "data"} & set(found)


def _emptied(facts: Facts) -> set[str]:
    """The attributes that something in the module empties or binds anew, outside of constructors."""
    found: set[str] = set()
    for call in facts.nodes(ast.Call):
        match call.func:
            case ast.Attribute(value=ast.Attribute(attr=name), attr=method) if method in _EMPTYING:
                found.add(name)
    for scope in facts.scopes:
        made_here = getattr(scope.node, "name", "") == "__init__"
        stored = [one for one in scope.of(ast.Attribute) if not isinstance(one.ctx, ast.Load)]
        found |= {one.attr for one in stored if not made_here}
        at = [one.value for one in scope.of(ast.Subscript) if not isinstance(one.ctx, ast.Load)]
        found |= {one.attr for one in at if isinstance(one, ast.Attribute)}
    return found


def _is_read(scope: Scope, node: ast.Attribute) -> bool:
    """Whether an attribute is read otherwise than to append to it."""
    appended = [one.func.value for one in scope.of(ast.Call) if isinstance(one.func, ast.Attribute)]
    return isinstance(node.ctx, ast.Load) and node not in appended
