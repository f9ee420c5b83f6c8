"""The rule stored-item-changed (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import last_name, parameters
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_ASKED_AGAIN = frozenset(("__getitem__", "get_item", "getitem", "get_example", "_get_item"))
"""Methods that are called again with the same index."""

_OF_ARRAYS = frozenset(
    ("mean", "std", "min", "max", "sum", "shape", "ndim", "dtype", "astype", "reshape", "transpose", "size", "var", "T",
     "permute", "view", "float", "unsqueeze", "numpy", "norm", "flatten")
)  # fmt: skip
"""Attributes that numbers and texts have not, or that nobody asks them for."""

_TAKING = frozenset(("from_numpy", "as_tensor", "resize", "pad", "flip", "fliplr", "flipud", "rot90", "expand_dims"))
_IN_PLACE = frozenset(("append", "extend", "insert", "reverse", "shuffle"))
_Held = dict[str, ast.AST]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("written here", "taken out here, without a copy")
    message = "`{text}` is stored, and changes each time it is asked for"
    return reports_of(facts, RULE, _events(facts), message, words)


def _events(facts: Facts) -> Iterator[Event]:
    for scope in facts.scopes if "__getitem__" in facts.source.text else ():
        method = scope.node
        if not isinstance(method, ast.FunctionDef) or method.name not in _ASKED_AGAIN or len(parameters(method)) < 2:
            continue
        index = parameters(method)[1].arg
        shown = _arrays(method)
        for node, name, taken in (*_changed(method.body, index, {}), *_by_helpers(facts, method, index)):
            by_name = isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
            if not by_name or name in shown:
                yield Event(facts.source.path, RULE.name, (node, taken), text=name)
                break


def _by_helpers(facts: Facts, method: ast.FunctionDef, index: str) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """The statements of other methods that change the item which they are given."""
    owner = facts.owner_of(method)
    held: _Held = {}
    for statement in method.body if owner is not None else ():
        for call in ast.walk(statement):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=[ast.Name(id=item)]):
                    helper = owner.methods.get(name) if owner is not None and item in held else None
                    if helper is not None and isinstance(helper.node, ast.FunctionDef):
                        given = [one.arg for one in parameters(helper.node)][1:2]
                        found = _changed(helper.node.body, "", dict.fromkeys(given, held[item]))
                        yield from (one for one in found if not isinstance(one[0], ast.AugAssign) or _indexed(one[0]))
                case ast.Call(func=ast.Name(id=name), args=given) if name in facts.module.functions:
                    node = facts.module.functions[name].node
                    pairs = zip(given, parameters(node), strict=False)
                    taken = {one.arg: held[at.id] for at, one in pairs if isinstance(at, ast.Name) and at.id in held}
                    if taken and isinstance(node, ast.FunctionDef):
                        found = _changed(node.body, "", taken)
                        yield from (one for one in found if isinstance(one[0], ast.AugAssign) and _indexed(one[0]))
        match statement:
            case ast.Assign(targets=[target], value=value):
                _take(target, value, index, held)


def _indexed(statement: ast.AugAssign) -> bool:
    return isinstance(statement.target, ast.Subscript)


def _arrays(method: ast.FunctionDef) -> set[str]:
    """The variables of a method that are used as arrays."""
    found: set[str] = set()
    for node in ast.walk(method):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in _OF_ARRAYS:
                found.add(name)
            case ast.Subscript(value=ast.Name(id=name)):
                found.add(name)
            case ast.Call(func=func, args=[ast.Name(id=name), *_]) if last_name(func) in _TAKING:
                found.add(name)
    return found


def _changed(body: list[ast.stmt], index: str, held: _Held) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """The statements that change an item of the object again, each with its variable and where that was taken out."""
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name() | ast.Tuple() as target], value=value):
                _take(target, value, index, held)
            case ast.AugAssign(target=target) if _name_of(target) in held:
                yield statement, _name_of(target), held[_name_of(target)]
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name)) as target], value=value) if name in held:
                if any(ast.unparse(part) == ast.unparse(target) for part in ast.walk(value)):
                    yield statement, name, held[name]
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method))) if name in held:
                if method in _IN_PLACE or (method.endswith("_") and not method.startswith("_")):
                    yield statement, name, held[name]
            case ast.If(body=inner, orelse=other) if not _guarded(statement.test):
                yield from _changed(inner, index, dict(held))
                yield from _changed(other, index, dict(held))
            case ast.With(body=inner) | ast.For(body=inner):
                yield from _changed(inner, index, held)


def _take(target: ast.expr, value: ast.expr, index: str, held: _Held) -> None:
    """Note the variables that are bound to a stored item, or to parts of one."""
    kept = _stored(value, index) or (_name_of(value) in held and isinstance(value, ast.Subscript))
    for part in target.elts if isinstance(target, ast.Tuple) else [target]:
        if isinstance(part, ast.Name):
            held.pop(part.id, None)
            if kept and (not isinstance(target, ast.Tuple) or _stored(value, index)):
                held[part.id] = value


def _guarded(test: ast.expr) -> bool:
    """Whether a test asks if the change was made before."""
    words = ("cache", "load", "done", "ready", "in ", "is None", "hasattr", "isinstance", "processed")
    return any(word in ast.unparse(test) for word in words)


def _name_of(target: ast.expr) -> str:
    at: ast.expr = target
    while isinstance(at, ast.Subscript):
        at = at.value
    return at.id if isinstance(at, ast.Name) else ""


def _stored(value: ast.expr, index: str) -> bool:
    """Whether an expression is `self.items[index]`, or an item of that."""
    at = value
    indexed = False
    while isinstance(at, ast.Subscript):
        indexed = indexed or any(isinstance(part, ast.Name) and part.id == index for part in ast.walk(at.slice))
        at = at.value
    on_self = isinstance(at, ast.Attribute) and isinstance(at.value, ast.Name) and at.value.id == "self"
    # Another data set makes an item when it is asked for one, as this one does.
    return indexed and on_self and not at.attr.endswith(("dataset", "data_set"))  # type: ignore[attr-defined]


RULE = Rule(
    name="stored-item-changed",
    code="TN506",
    sentence="what a collection gives out by index it does not change on the way",
    reason=(
        "`self.items[i]` is the stored object. What is subtracted from it now is subtracted again when the same "
        "index is asked for: in the second epoch the data is another."
    ),
    wrong="""\
class Patches:
    def __init__(self, images):
        self.images = images
    def __getitem__(self, index):
        image = self.images[index]
        image -= image.mean()
        return image
""",
    right="""\
class Patches:
    def __init__(self, images):
        self.images = images
    def __getitem__(self, index):
        image = self.images[index]
        return image - image.mean()
""",
    help="compute out of place, or copy first: `item = self.items[index].copy()`",
    check=_check,
)
