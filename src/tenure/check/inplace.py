"""The attributes of a class that hold a module which works in place: `nn.ReLU(True)`, or a sequence that begins so."""

import ast

from tenure.check.scope import Scope

__all__ = ["works_in_place"]


def works_in_place(given: ast.expr, scope: Scope) -> bool:
    """Whether an expression makes something with `inplace=True`, or with a lone True, or a sequence that begins so."""
    match given:
        case ast.Call(func=ast.Attribute(attr="Sequential") | ast.Name(id="Sequential"), args=[first, *_]):
            begun = _first_of(first, scope)
            return begun is not None and works_in_place(begun, scope)
        case ast.Call(args=[ast.Constant(value=True)]):
            return True
        case ast.Call(keywords=keywords):
            return any(one.arg == "inplace" and not _is_false(one.value) for one in keywords) or _leaky(given)
    return False


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _leaky(given: ast.Call) -> bool:
    """Whether this is `LeakyReLU(0.2, True)`."""
    last = given.args[1] if len(given.args) == 2 else None
    named = isinstance(given.func, ast.Attribute | ast.Name) and ast.unparse(given.func).endswith("ReLU")
    return named and isinstance(last, ast.Constant) and last.value is True


def _first_of(given: ast.expr, scope: Scope) -> ast.expr | None:
    """The first module of a sequence; for `*layers` the first one of the list that a method makes."""
    if not isinstance(given, ast.Starred):
        return given
    if isinstance(given.value, ast.List):
        return given.value.elts[0] if given.value.elts else None
    if not isinstance(given.value, ast.Name):
        return None
    name = given.value.id
    made = [one.value for one in scope.everywhere(ast.Assign) if _binds(one, name)]
    if len(made) != 1 or not isinstance(made[0], ast.List):
        return None
    if made[0].elts:
        return made[0].elts[0]
    calls = (one for one in scope.everywhere(ast.Call) if isinstance(one.func, ast.Attribute) and one.args)
    taken = [(one.func.attr, one) for one in calls if isinstance(one.func, ast.Attribute) and _on(one.func, name)]
    method, call = min(taken, key=lambda pair: pair[1].lineno, default=("", None))
    return call.args[0] if call is not None and method == "append" else None


def _on(node: ast.Attribute, name: str) -> bool:
    return _is_name(node.value, name)


def _binds(node: ast.Assign, name: str) -> bool:
    return any(_is_name(target, name) for target in node.targets)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
