"""The rule stored-item-changed (TN506)."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.rules.evident import text_kind
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
_DEEPEST = 3
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
        place = _Place(facts, method, facts.owner_of(method))
        for node, name, taken in _written(place, index, {}):
            yield Event(facts.source.path, RULE.name, (node, taken), text=name)
            break


@dataclass(frozen=True, slots=True)
class _Place:
    """A function that takes a stored item or is given one: its syntax, its class, and how many calls lead to it."""

    facts: Facts
    node: ast.FunctionDef
    owner: ClassInfo | None
    depth: int = 0

    def callee(self, call: ast.Call) -> "_Place | None":
        """The function of the module that a call leads to: a method of the same object, or of one that it keeps."""
        owner: ClassInfo | None = None
        match call.func:
            case ast.Name(id=name):
                found = self.facts.module.functions.get(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if self.owner is not None:
                owner = _kept_class(self.owner, name)
                name, owner = ("__call__", owner) if owner is not None else (name, self.owner)
                found = owner.methods.get(name)
            case _:
                return None
        if found is None or not isinstance(found.node, ast.FunctionDef) or self.depth >= _DEEPEST:
            return None
        return _Place(self.facts, found.node, owner, self.depth + 1)

    def given(self, call: ast.Call) -> list[tuple[str, ast.expr]]:
        """The parameters that a call of this function gives something, each with the argument."""
        names = [one.arg for one in parameters(self.node)][self.owner is not None :]
        return [*zip(names, call.args, strict=False), *((one.arg or "", one.value) for one in call.keywords)]


def _kept_class(owner: ClassInfo, attribute: str) -> ClassInfo | None:
    """The class of the module whose instance an object makes for an attribute."""
    match owner.attributes.get(attribute):
        case [ast.Call(func=ast.Name(id=name))]:
            return owner.module.classes.get(name)
    return None


def _written(place: _Place, index: str, held: _Held) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """The statements of a function, and of those it hands a stored item to, that change the item."""
    shown = _arrays(place)
    for found in _changed(place, place.node.body, index, dict(held)):
        by_name = isinstance(found[0], ast.AugAssign) and isinstance(found[0].target, ast.Name)
        if not by_name or found[1] in shown:
            yield found
    for statement in place.node.body:
        for call in ast.walk(statement):
            callee = place.callee(call) if isinstance(call, ast.Call) else None
            given = callee.given(call) if callee is not None else []  # type: ignore[arg-type]
            taken = {name: held[at.id] for name, at in given if isinstance(at, ast.Name) and at.id in held}
            own = [name for name, at in given if isinstance(at, ast.Name) and at.id == index]
            if callee is not None and (taken or own):
                yield from _written(callee, own[0] if own else "", taken)
        match statement:
            case ast.Assign(targets=[target], value=value):
                _take(place, target, value, index, held)


def _arrays(place: _Place) -> set[str]:
    """The variables of a method that are used as arrays."""
    found: set[str] = set()
    scope = place.facts.module.body.scopes[place.node]
    for node in ast.walk(place.node):
        match node:
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                found |= {name} if text_kind(place.facts, scope, value) in ("ndarray", "tensor") else set()
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in _OF_ARRAYS:
                found.add(name)
            case ast.Subscript(value=ast.Name(id=name)):
                found.add(name)
            case ast.Call(func=func, args=[ast.Name(id=name), *_]) if last_name(func) in _TAKING:
                found.add(name)
    return found


def _changed(place: _Place, body: list[ast.stmt], index: str, held: _Held) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """The statements that change an item of the object again, each with its variable and where that was taken out."""
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name() | ast.Tuple() as target], value=value):
                _take(place, target, value, index, held)
            case ast.AugAssign(target=target) if _name_of(target) in held:
                yield statement, _name_of(target), held[_name_of(target)]
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name)) as target], value=value) if name in held:
                if any(ast.unparse(part) == ast.unparse(target) for part in ast.walk(value)):
                    yield statement, name, held[name]
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method))) if name in held:
                if method in _IN_PLACE or (method.endswith("_") and not method.startswith("_")):
                    yield statement, name, held[name]
            case ast.If(body=inner, orelse=other) if not _guarded(statement.test):
                yield from _changed(place, inner, index, dict(held))
                yield from _changed(place, other, index, dict(held))
            case ast.With(body=inner) | ast.For(body=inner):
                yield from _changed(place, inner, index, held)


def _take(place: _Place, target: ast.expr, value: ast.expr, index: str, held: _Held) -> None:
    """Note the variables that are bound to a stored item, or to parts of one."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, part in zip(target.elts, value.elts, strict=True):
            _take(place, one, part, index, held)
        return
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    handed = _handed(place, value, index)
    stored = [_stored(value, index)] * len(parts) if len(handed) != len(parts) else handed
    inside = not isinstance(target, ast.Tuple) and isinstance(value, ast.Subscript) and _name_of(value) in held
    for part, kept in zip(parts, stored, strict=True):
        if isinstance(part, ast.Name):
            held.pop(part.id, None)
            if kept or inside:
                held[part.id] = value


def _handed(place: _Place, value: ast.expr, index: str) -> list[bool]:
    """Whether a call of a method with the index returns the stored item, for each item of the tuple that it returns."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self")), args=[ast.Name(id=given)]) if given == index:
            callee = place.callee(value)
        case _:
            return []
    if callee is None or len(callee.given(value)) != 1:
        return []
    held: _Held = {}
    own = callee.given(value)[0][0]
    for statement in callee.node.body:
        match statement:
            case ast.Assign(targets=[target], value=made):
                _take(callee, target, made, own, held)
            case ast.Return(value=ast.expr() as result):
                parts = result.elts if isinstance(result, ast.Tuple) else [result]
                return [_stored(one, own) or (isinstance(one, ast.Name) and one.id in held) for one in parts]
    return []


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
        parts = list(ast.walk(at.slice))
        indexed = indexed or any(isinstance(part, ast.Name) and part.id == index for part in parts)
        indexed = indexed or any(isinstance(part, ast.Slice) for part in parts)
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
