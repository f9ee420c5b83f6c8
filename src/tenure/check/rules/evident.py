"""Kinds of expressions that the text shows: by displays, constructors, annotations, and methods of such."""

import ast
from collections.abc import Mapping
from types import MappingProxyType

from tenure.check.effects import tables
from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.scope import Scope, parameters

__all__ = ["target_of", "text_kind"]

_FRAMES = frozenset(("DataFrame", "read_csv", "read_excel", "read_json", "read_parquet", "read_table", "read_pickle"))
_STRINGS = frozenset(("builtins.str", "builtins.input", "builtins.repr"))
_OF_STRINGS = frozenset(("replace", "strip", "lstrip", "rstrip", "upper", "lower", "title", "join", "format", "decode"))
_OF_FRAMES = frozenset(("copy", "query", "merge", "assign", "head", "tail", "reset_index", "sort_values", "dropna"))
_LISTS = frozenset(("list", "List", "Sequence", "Iterable", "set", "tuple"))
_DEPTH = 4
_NOTHING: Mapping[str, str] = MappingProxyType({})


Known = Mapping[str, str]
"""The kinds of names that are being looked up, as their other bindings show them."""


def text_kind(facts: Facts, scope: Scope, node: ast.expr, known: Known = _NOTHING) -> str:
    """The kind of an expression, such as "tensor", "str" or "frame" (of pandas); "" where the text does not show it."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return "str"
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.Name(id=name) if len(known) < _DEPTH:
            return _of_name(facts, scope, name, known)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return _of_attribute(facts, scope, name, attribute)
        case ast.Call(func=func):
            target = target_of(facts, scope, func)
            if target:
                return _made(target)
            if isinstance(func, ast.Attribute):
                return _method(text_kind(facts, scope, func.value, known), func.attr)
    return ""


def _of_attribute(facts: Facts, scope: Scope, name: str, attribute: str) -> str:
    """The kind of an attribute by the annotation of the parameter that the constructor keeps in it."""
    owner = facts.owner_of(scope.node) if name == "self" else None
    for given in parameters(scope.node) if isinstance(scope.node, ast.FunctionDef) else ():
        said = given.annotation
        if given.arg != name and isinstance(said, ast.Subscript) and ast.unparse(said.value) in _LISTS:
            over = [one.target for one in scope.of(ast.For) if ast.unparse(one.iter) == given.arg]
            said = said.slice if any(isinstance(one, ast.Name) and one.id == name for one in over) else None
        elif given.arg != name:
            said = None
        found = None if said is None else facts.program.resolve(facts.module, said)
        owner = found if isinstance(found, ClassInfo) else owner
    note = None if owner is None else owner.given.get(attribute)
    return "" if note is None else _noted(facts, note.annotation)


def target_of(facts: Facts, scope: Scope, node: ast.expr) -> str:
    """The qualified name of a function or class outside of the tree, "" for others and for local variables."""
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name) or (root.id in scope.locals and not isinstance(scope.node, ast.Module)):
        return ""
    found = facts.program.resolve(facts.module, node)
    return found if isinstance(found, str) else ""


def _made(target: str) -> str:
    """The kind of the result of a call."""
    package, _, name = target.rpartition(".")
    if package in ("pandas", "pandas.core.frame"):
        return "frame" if name in _FRAMES else ""
    if target in _STRINGS:
        return "str"
    effect = tables.function(target)
    if effect is None or effect.result != "owned" or effect.items is not None or effect.variants:
        return ""
    return "" if effect.kind in ("unknown", "same", "scalar") else effect.kind


def _method(kind: str, name: str) -> str:
    if kind in ("str", "frame"):
        return kind if name in (_OF_STRINGS if kind == "str" else _OF_FRAMES) else ""
    effect = tables.method(kind, name) if kind else None
    if effect is None or effect.items is not None or effect.variants:
        return ""
    made = kind if effect.kind == "same" else effect.kind
    return "" if made in ("unknown", "scalar") else made


def _of_name(facts: Facts, scope: Scope, name: str, known: Known) -> str:
    """The kind that all bindings of a name agree on; a binding by itself, `x = x.copy()`, has to keep it."""
    outer = facts.scopes[0]
    if name not in scope.locals:
        return text_kind(facts, outer, ast.Name(name, ast.Load()), known) if name in outer.locals - scope.locals else ""
    noted, values, others = _bindings(scope, name)
    kinds = {_noted(facts, one) for one in noted} | ({""} if others else set())
    own = [one for one in values if any(isinstance(at, ast.Name) and at.id == name for at in ast.walk(one))]
    kinds |= {text_kind(facts, scope, one, {**known, name: ""}) for one in values if one not in own}
    if len(kinds) != 1:
        return ""
    (kind,) = kinds
    return kind if all(text_kind(facts, scope, one, {**known, name: kind}) == kind for one in own) else ""


def _bindings(scope: Scope, name: str) -> tuple[list[ast.expr | None], list[ast.expr], int]:
    """The annotations of a name, the values that it is assigned, and the number of its other bindings."""
    left = sum(isinstance(one.ctx, ast.Store) and one.id == name for one in scope.of(ast.Name))
    noted: list[ast.expr | None] = []
    values: list[ast.expr] = []
    if not isinstance(scope.node, ast.Module):
        noted += [given.annotation for given in parameters(scope.node) if given.arg == name]
    for one in scope.of(ast.Assign, ast.AnnAssign):
        single = one.targets[0] if isinstance(one, ast.Assign) and len(one.targets) == 1 else None
        target = one.target if isinstance(one, ast.AnnAssign) else single
        if isinstance(target, ast.Name) and target.id == name:
            left -= 1
            if isinstance(one, ast.AnnAssign):
                noted.append(one.annotation)
            else:
                values.append(one.value)
    return noted, values, left


def _noted(facts: Facts, annotation: ast.expr | None) -> str:
    """The kind that an annotation names."""
    if annotation is None:
        return ""
    target = facts.program.resolve(facts.module, annotation)
    if not isinstance(target, str):
        return ""
    if target in ("pandas.DataFrame", "builtins.str"):
        return "frame" if target == "pandas.DataFrame" else "str"
    return tables.class_kind(target) or ""
