"""The rule shallow-copy-written (TN506)."""

import ast
from collections.abc import Iterator, Sequence

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope, bound_names, last_name, parameters, walk
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_WRITING = frozenset(
    ("append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "clear", "remove", "discard",
     "sort")
)  # fmt: skip
_MUTABLE = (ast.Dict, ast.List, ast.Set, ast.ListComp, ast.DictComp)
_TABULAR = frozenset(("pandas", "xarray", "polars", "h5py", "zarr", "netCDF4", "astropy"))
"""Libraries whose objects have keys, and a `copy` that copies their contents."""

_Copies = dict[str, tuple[ast.Dict | ast.List | None, ast.AST]]
"""Shallow copies by the text of their name: the display of the constant (None: of what was given), and their place."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("written here", "a shallow copy: the parts are shared")
    message = "`{text}` belongs to what was copied, and is written"
    return reports_of(facts, RULE, _events(facts), message, words)


def _events(facts: Facts) -> Iterator[Event]:
    for scope in facts.scopes if facts.whole else ():
        if isinstance(scope.node, ast.FunctionDef):
            yield from _of_body(facts, [scope], facts.owner_of(scope.node), "")
        elif isinstance(scope.node, ast.ClassDef):
            inner = [facts.module.body.scopes[one] for one in scope.node.body if isinstance(one, ast.FunctionDef)]
            yield from _of_body(facts, inner, facts.module.classes.get(scope.node.name), "self.")


def _of_body(facts: Facts, scopes: Sequence[Scope], owner: ClassInfo | None, prefix: str) -> Iterator[Event]:
    """The writes to parts of a shallow copy, in a body or (of an attribute) in all methods of a class."""
    copies: _Copies = {}
    bound: list[str] = []
    for scope in scopes:
        for one in scope.of(ast.Assign):
            texts = [ast.unparse(target) for target in one.targets]
            bound += texts
            if len(texts) == 1 and _named(one.targets[0], prefix):
                for made in [one.value.body, one.value.orelse] if isinstance(one.value, ast.IfExp) else [one.value]:
                    of = _copied(made)
                    display = None if of is None else _constant(facts, scope, owner, of)
                    if display is not None or (of is not None and _is_given(facts, scope, made, of)):
                        copies[texts[0]] = display, one.value
    branches = [one for scope in scopes for one in scope.of(ast.If)] if copies else []
    copies = {
        name: known for name, known in copies.items() if bound.count(name) - _elsewhere(branches, name, known[1]) == 1
    }
    told: set[str] = set()
    for scope in scopes if copies else ():
        for node, part in _writes(scope):
            text = ast.unparse(part)
            known = copies.get(ast.unparse(part.value))
            if known is None or text in bound or text in told:
                continue
            if _is_keyed(node, part) if known[0] is None else _holds(known[0], part.slice):
                told.add(text)
                yield Event(facts.source.path, RULE.name, (node, known[1]), text=text)


def _elsewhere(branches: Sequence[ast.If], name: str, copied: ast.AST) -> int:
    """The number of other values that a name gets where a condition does not let it get the copy."""
    found = set()
    for one in branches:
        for suite, other in ((one.body, one.orelse), (one.orelse, one.body)):
            if any(copied in walk(at) for at in suite):
                assigned = [part for at in other for part in walk(at) if isinstance(part, ast.Assign)]
                found |= {part for part in assigned if name in map(ast.unparse, part.targets)}
    return len(found)


def _named(node: ast.expr, prefix: str) -> bool:
    if not prefix:
        return isinstance(node, ast.Name)
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _copied(value: ast.expr) -> ast.expr | None:
    """The name whose value an expression copies, with all of its parts."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="copy"), attr="copy"), args=[of]):
            return of
        case ast.Call(func=ast.Attribute(value=of, attr="copy"), args=[]):
            return of
        case ast.Call(func=ast.Name(id="dict" | "list"), args=[of], keywords=[]):
            return of
        case ast.Dict(keys=[None], values=[of]) | ast.List(elts=[ast.Starred(value=of)]):
            return of
    return None


def _constant(facts: Facts, scope: Scope, owner: ClassInfo | None, of: ast.expr) -> ast.Dict | ast.List | None:
    """The display that the name of a constant, of the module or of a class, is bound to once."""
    found: Sequence[ast.expr] = ()
    match of:
        case ast.Name(id=name) if name not in scope.locals:
            found = facts.module.values.get(name, ())
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            info = owner if name in ("self", "cls") else facts.module.classes.get(name)
            found = () if info is None else info.attributes.get(attribute, ())
            in_class = [one.value for one in info.node.body if isinstance(one, ast.Assign)] if info is not None else []
            found = [one for one in found if one in in_class] if len(found) == 1 else ()
    match found:
        case [ast.Dict() | ast.List() as display]:
            return display
    return None


def _is_given(facts: Facts, scope: Scope, made: ast.expr, of: ast.expr) -> bool:
    """Whether a dictionary is copied that a function was given, and that its caller has afterwards."""
    if not isinstance(of, ast.Name) or all(one.arg != of.id for one in parameters(scope.node)):
        return False
    again = [one for one in scope.of(ast.Assign) if one.value is not made and of.id in bound_names([one])]
    spelled = isinstance(made, ast.Dict) or (isinstance(made, ast.Call) and last_name(made.func) == "dict")
    return not again and (spelled or _TABULAR.isdisjoint(facts.module.libraries))


def _is_keyed(node: ast.AST, part: ast.Subscript) -> bool:
    """Whether a write to a part under a name is one that only a dictionary, or a list in it, takes."""
    named = isinstance(part.slice, ast.Constant) and isinstance(part.slice.value, str)
    if isinstance(node, ast.Subscript):
        named = named and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    return named


def _holds(display: ast.Dict | ast.List, key: ast.expr) -> bool:
    """Whether the part of a display under a constant key is a container."""
    if not isinstance(key, ast.Constant):
        return False
    if isinstance(display, ast.Dict):
        pairs = zip(display.keys, display.values, strict=True)
        return any(isinstance(one, ast.Constant) and one.value == key.value and _mutable(part) for one, part in pairs)
    return isinstance(key.value, int) and key.value < len(display.elts) and _mutable(display.elts[key.value])


def _mutable(part: ast.expr) -> bool:
    made = isinstance(part, ast.Call) and last_name(part.func) in ("dict", "list", "set")
    return made or isinstance(part, _MUTABLE)


def _writes(scope: Scope) -> Iterator[tuple[ast.AST, ast.Subscript]]:
    """The writes to `name[key]`, in place: by an index of it, or by a method."""
    for node in scope.of(ast.Subscript):
        if not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Subscript):
            yield node, node.value
    for call in scope.of(ast.Call):
        match call.func:
            case ast.Attribute(value=ast.Subscript() as part, attr=method) if method in _WRITING:
                yield call, part


RULE = Rule(
    name="shallow-copy-written",
    code="TN506",
    sentence="what a shallow copy shares with a constant is not written",
    reason=(
        "`copy()`, `dict(x)` and `list(x)` make a new outer container with the old parts. A write to a part is seen "
        "by everybody who copies the constant later."
    ),
    wrong="""\
DEFAULTS = {"paths": {"cache": "/tmp"}}
def load(folder):
    config = DEFAULTS.copy()
    config["paths"]["cache"] = folder
    return config
""",
    right="""\
import copy
DEFAULTS = {"paths": {"cache": "/tmp"}}
def load(folder):
    config = copy.deepcopy(DEFAULTS)
    config["paths"]["cache"] = folder
    return config
""",
    help="copy the parts too: `copy.deepcopy(constant)`",
    check=_check,
)
