"""Growth: what a statement adds to what lives on, and which parameters a method adds so, graph and all.

total += loss     losses.append(loss)     self.mean = 0.9 * self.mean + 0.1 * loss     self.meter.update(loss)
"""

import ast
from collections.abc import Iterator
from functools import partial

from tenure.check.facts import Facts, own_nodes
from tenure.check.ops import Function
from tenure.check.program import ClassInfo
from tenure.check.rules.kept_averages import quiet
from tenure.check.scope import Scope, bound_names, last_name, parameters

__all__ = ["assignments", "called_on", "grows", "holds_graph", "kept", "made_plain", "reset", "sum_of_itself"]

_KEEPING = frozenset(("mean", "sum", "cpu", "clone", "view", "squeeze", "reshape", "to", "float"))
"""Methods whose result still has the graph."""

_PLAIN = frozenset(("item", "detach", "tolist", "numpy", "detach_"))

_COMBINING = frozenset(("allreduce", "allgather", "mean", "sum", "stack", "cat", "sqrt", "exp", "log", "abs", "clamp"))
"""Functions of libraries whose result has the graph of what they are given."""

_DEEPEST = 3
"""The number of calls through which a parameter is followed."""


def grows(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The target that a statement adds to, and the value it adds."""
    match node:
        case ast.AugAssign(target=total, op=ast.Add(), value=value):
            yield ast.unparse(total), value
        case ast.Assign(targets=[total], value=value) if (added := sum_of_itself(total, value)) is not None:
            yield ast.unparse(total), added
        case ast.Call(func=ast.Attribute(value=total, attr="append"), args=[value]):
            yield ast.unparse(total), value


def sum_of_itself(total: ast.expr, value: ast.expr) -> ast.expr | None:
    """The other term of `total = total + term`, or of `total = a * total + term`."""
    match value:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            own = ast.unparse(total)
            if own in _factors(left):
                return right
            if own in _factors(right):
                return left
    return None


def _factors(term: ast.expr) -> list[str]:
    match term:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return [ast.unparse(left), ast.unparse(right)]
    return [ast.unparse(term)]


def holds_graph(value: ast.expr, loss: str, node: ast.AST) -> bool:
    """Whether an expression made of a loss still has its graph."""
    match value:
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return ast.unparse(value) == loss
        case ast.Call() if loss.endswith(")") and ast.unparse(value) == loss:
            return True
        case ast.BinOp(left=left, right=right):
            return holds_graph(left, loss, node) or holds_graph(right, loss, node)
        case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in _KEEPING:
            return holds_graph(inner, loss, node)
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name), args=[given, *_]) if name in _COMBINING:
            parts = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
            return any(holds_graph(part, loss, node) for part in parts)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Dict(values=parts):
            return isinstance(node, ast.Call) and any(holds_graph(part, loss, node) for part in parts)
    return False


def made_plain(inside: list[ast.AST]) -> set[str]:
    """The variables that become numbers: `loss = loss.item()`."""
    found = set()
    for target, value in assignments(inside):
        if isinstance(target, ast.Name) and any(
            (isinstance(node, ast.Attribute) and node.attr in (*_PLAIN, "data"))
            or (isinstance(node, ast.Call) and last_name(node.func) == "float")
            for node in ast.walk(value)
        ):  # fmt: skip
            found.add(target.id)
    return found


def assignments(inside: list[ast.AST]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target and the value that it is assigned."""
    for node in inside:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                    yield part, node.value


def reset(total: str, node: ast.AST, inside: list[ast.AST]) -> bool:
    """Whether a suite also empties what grows."""
    for other in inside:
        match other:
            case ast.Call(func=ast.Attribute(value=value, attr="clear" | "pop" | "popleft")):
                if ast.unparse(value) == total:
                    return True
            case ast.Assign(targets=targets, value=value) if other is not node:
                for target in targets:
                    if ast.unparse(target) == total and sum_of_itself(target, value) is None:
                        return True
    return False


def kept(facts: Facts, scope: Scope, node: ast.AST, depth: int = 0) -> Iterator[tuple[str, ast.expr]]:
    """The arguments that a method adds to what its object keeps, each with the name of that: `meter.update(loss)`."""
    for receiver, name, given in _told(node) if depth < _DEEPEST else ():
        info = called_on(facts, scope, receiver)
        method = facts.program.find_method(info, name) if info is not None else None
        if info is None or method is None:
            continue
        own = isinstance(receiver, ast.Name) and receiver.id == "self"
        added = facts.noted_of(("kept", method.node), partial(_added, facts, info, method, depth))
        for argument, one in zip(given, parameters(method.node)[1:], strict=False):
            if one.arg in added:
                yield (added[one.arg] if own else ast.unparse(receiver)), argument


def _told(node: ast.AST) -> Iterator[tuple[ast.expr, str, list[ast.expr]]]:
    """The objects whose methods a node calls, by their names or by operators, with the method and its arguments."""
    match node:
        case ast.Call(func=func, args=[_, *_] as given):
            if isinstance(func, ast.Attribute):
                yield func.value, func.attr, given
            yield func, "__call__", given
        case ast.Assign(targets=[ast.Subscript(value=receiver, slice=key)], value=value):
            yield receiver, "__setitem__", [key, value]
        case ast.AugAssign(target=ast.Name() | ast.Attribute() as receiver, op=ast.Add(), value=value):
            yield receiver, "__iadd__", [value]


def _added(facts: Facts, info: ClassInfo, method: Function, depth: int) -> dict[str, str]:
    """The parameters of a method that it adds to an attribute, each with the attribute."""
    inside = list(own_nodes(getattr(method.node, "body", [])))
    silent, plain = quiet(inside), made_plain(inside)
    carried = {one.arg: one.arg for one in parameters(method.node)[1:]}
    for loop in method.scope.of(ast.For):
        over = _walked(loop.iter)
        if over in carried:
            carried |= dict.fromkeys(bound_names([loop.target]), carried[over])
    found: dict[str, str] = {}
    for node in inside:
        values = [(total, value) for total, value in grows(node) if total.startswith("self.")]
        values = [(total, value) for total, value in values if not _emptied(info, total, node)]
        values += kept(facts, method.scope, node, depth + 1)
        for total, value in values if node not in silent else ():
            held = (carried[name] for name in carried if name not in plain and holds_graph(value, name, node))
            found |= dict.fromkeys(held, total)
    return found


def _walked(value: ast.expr) -> str:
    """The variable that a loop goes through: `xs`, `enumerate(xs)`, `xs.items()`."""
    match value:
        case ast.Call(func=ast.Attribute(value=inner, attr="items" | "values"), args=[]):
            return _walked(inner)
        case ast.Call(func=ast.Name(id="enumerate" | "list" | "tuple"), args=[inner]):
            return _walked(inner)
        case ast.Name(id=name):
            return name
    return ""


def _emptied(info: ClassInfo, total: str, node: ast.AST) -> bool:
    """Whether the method of a statement that adds to an attribute also empties it."""
    for method in info.methods.values():
        inside = list(own_nodes(getattr(method.node, "body", [])))
        if node in inside:
            calls = [one for one in inside if isinstance(one, ast.Call)]
            return reset(total, node, calls)  # type: ignore[arg-type]
    return False


def _assigned(scope: Scope) -> dict[str, list[ast.expr]]:
    """The values that a body assigns to each variable and attribute."""
    found: dict[str, list[ast.expr]] = {}
    for one in scope.of(ast.Assign):
        for target in {ast.unparse(target): None for target in one.targets}:
            found.setdefault(target, []).append(one.value)
    return found


def called_on(facts: Facts, scope: Scope, receiver: ast.expr) -> ClassInfo | None:
    """The class of the tree that a variable or attribute is made from, where one assignment shows it."""
    text = ast.unparse(receiver)
    if text == "self":
        return facts.owner_of(scope.node)
    scopes = [scope] if isinstance(receiver, ast.Name) else facts.scopes
    tables = [facts.noted_of(("assigned", at), partial(_assigned, at)) for at in scopes]
    values = [value for table in tables for value in table.get(text, ())]
    if len(values) != 1 or not isinstance(values[0], ast.Call):
        return None
    found = facts.program.resolve(facts.module, values[0].func)
    return found if isinstance(found, ClassInfo) else None
