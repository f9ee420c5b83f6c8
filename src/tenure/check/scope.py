"""Walks over syntax trees, and syntactic facts about a body: its own names, and the methods called on them."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tenure.check.uses import Uses

__all__ = [
    "Groups",
    "Scope",
    "Scopes",
    "bound_names",
    "children",
    "decorator_names",
    "default_of",
    "grouped",
    "last_name",
    "own",
    "parameters",
    "statements",
    "walk",
]

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parameters(node: ast.AST) -> list[ast.arg]:
    """The parameters of a function in the order of its signature; none of anything else."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return []
    given = node.args
    star = [given.vararg] if given.vararg else []
    double = [given.kwarg] if given.kwarg else []
    return [*given.posonlyargs, *given.args, *star, *given.kwonlyargs, *double]


def default_of(node: ast.AST, given: ast.arg) -> ast.expr | None:
    """The default of a parameter."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return None
    positional = [*node.args.posonlyargs, *node.args.args]
    if given in positional:
        at = positional.index(given) - len(positional) + len(node.args.defaults)
        return node.args.defaults[at] if at >= 0 else None
    if given in node.args.kwonlyargs:
        return node.args.kw_defaults[node.args.kwonlyargs.index(given)]
    return None


def decorator_names(node: ast.AST) -> set[str]:
    """The last parts of the names of a definition's decorators."""
    names = set()
    for decorator in getattr(node, "decorator_list", []):
        at = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.add(last_name(at))
    return names


_TEXT = frozenset(
    ("ctx", "id", "attr", "asname", "level", "module", "conversion", "simple", "is_async", "kind", "type_comment",
     "type_ignores", "kwd_attrs", "rest", "op", "ops", "tag", "str")
)  # fmt: skip
"""Fields that hold no nodes, or only operators and contexts, which no caller needs."""


def _parts() -> dict[type[ast.AST], tuple[str, ...]]:
    """The fields of each type of node that hold nodes, in the order of the source."""
    known = {one for one in vars(ast).values() if isinstance(one, type) and issubclass(one, ast.AST)}
    out = {one: tuple(name for name in one._fields if name not in _TEXT and name != "name") for one in known}
    leaves = (ast.Name, ast.Constant, ast.MatchSingleton, ast.Global, ast.Nonlocal, ast.alias)
    out |= dict.fromkeys(leaves, ()) | {ast.arg: ("annotation",), ast.keyword: ("value",)}
    if alias := getattr(ast, "TypeAlias", None):
        out[alias] = ("name", "type_params", "value")
    return out


_PARTS = _parts()
_OWN = _PARTS | dict.fromkeys(_DEFINITIONS, ())


def last_name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node).rpartition(".")[2]


_GAPS = (ast.Dict, ast.arguments)
"""Node types with lists in which None stands for a part that is left out."""


def _spread(out: list[ast.AST], parts: Mapping[type[ast.AST], tuple[str, ...]]) -> list[ast.AST]:
    """Append the nodes below the nodes of a list. By far the fastest way to see a tree in Python."""
    add = out.append
    for at in out:
        for name in parts.get(at.__class__, ()):
            part = getattr(at, name)
            if part.__class__ is list:
                out += [one for one in part if one is not None] if at.__class__ in _GAPS else part
            elif part is not None:
                add(part)
    return out


def walk(node: ast.AST) -> list[ast.AST]:
    """A node and all below it, except operators and contexts, in no particular order."""
    return _spread([node], _PARTS)


def own(body: Iterable[ast.AST]) -> list[ast.AST]:
    """Every node of a body, lambdas included: nested functions and classes appear, their bodies do not."""
    return _spread(list(body), _OWN)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below a node."""
    out: list[ast.AST] = []
    for name in _PARTS[node.__class__]:
        part = getattr(node, name)
        if part.__class__ is list:
            out += [one for one in part if one is not None]
        elif part is not None:
            out.append(part)
    return out


_BLOCKS: dict[type[ast.AST], tuple[str, ...]] = {
    **dict.fromkeys((*_DEFINITIONS, ast.With, ast.AsyncWith, ast.ExceptHandler, ast.match_case), ("body",)),
    **dict.fromkeys((ast.If, ast.For, ast.AsyncFor, ast.While), ("body", "orelse")),
    **dict.fromkeys((ast.Try, ast.TryStar), ("body", "handlers", "orelse", "finalbody")),
    ast.Match: ("cases",),
}
"""Fields of statements that hold statements."""


def statements(body: Iterable[ast.AST]) -> list[ast.AST]:
    """All statements of a body, those of nested functions and classes included."""
    out = list(body)
    for at in out:
        for name in _BLOCKS.get(at.__class__, ()):
            out += getattr(at, name)
    return out


Groups = Mapping[type[ast.AST], list[Any]]
"""Nodes by their types."""


def grouped(nodes: Iterable[ast.AST]) -> Groups:
    """Nodes by their types, those of one type in the given order."""
    out: defaultdict[type[ast.AST], list[Any]] = defaultdict(list)
    for node in nodes:
        out[node.__class__].append(node)
    return out


def bound_names(body: Iterable[ast.AST]) -> set[str]:
    """The names that statements of a body bind."""
    return _bound(grouped(own(body)))


def _bound(nodes: Groups) -> set[str]:
    # The variables of a comprehension are its own; a walrus binds outside.
    apart = [one.target for one in nodes.get(ast.comprehension, ())] + [one.body for one in nodes.get(ast.Lambda, ())]
    inner = {node for one in apart for node in walk(one)}
    stored = [node for node in nodes.get(ast.Name, ()) if node.ctx.__class__ is not ast.Load]
    found = {node.id for node in stored if node not in inner}
    for kind in _BINDING:
        for node in nodes.get(kind, ()):
            found |= _bound_by(node)
    return found


def _bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return {name}
        case ast.MatchMapping(rest=str(name)):
            return {name}
        case ast.Import() | ast.ImportFrom():
            return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return set()


_BINDING = (*_DEFINITIONS, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping, ast.Import, ast.ImportFrom)


class Scope:
    """Syntactic facts about one body, each computed when first asked for."""

    __slots__ = ("_locals", "_nodes", "_scopes", "_uses", "node")

    def __init__(self, node: ast.AST, scopes: "Scopes") -> None:
        self.node = node
        self._scopes = scopes
        self._nodes: Groups | None = None
        self._locals: frozenset[str] | None = None
        self._uses: Uses | None = None

    def release(self) -> None:
        """Drop caches that can be computed again."""
        self._nodes = None

    @property
    def nodes(self) -> Groups:
        """The nodes of the body by their types, without those of nested functions and classes."""
        if self._nodes is None:
            self._nodes = grouped(own(self.body))
        return self._nodes

    @property
    def body(self) -> list[Any]:
        """The statements of the body; of a lambda its expression."""
        body = getattr(self.node, "body", [])
        return body if isinstance(body, list) else [body]

    def of(self, *kinds: type[ast.AST]) -> list[Any]:
        """The nodes of the body that are of one of these types."""
        return [node for kind in kinds for node in self.nodes.get(kind, ())]

    def head(self) -> list[ast.AST]:
        """The parts of a definition that are evaluated before its body: decorators, defaults, bases."""
        return own(part for part in children(self.node) if not isinstance(part, ast.stmt))

    @property
    def inner(self) -> "list[Scope]":
        """The scopes of the functions and classes of the body."""
        return [self._scopes[node] for node in self.of(*_DEFINITIONS)]

    def everywhere(self, *kinds: type[ast.AST]) -> list[Any]:
        """The same, in the functions and classes of the body as well."""
        return self.of(*kinds) + [node for scope in self.inner for node in scope.everywhere(*kinds)]

    @property
    def locals(self) -> frozenset[str]:
        """The names that the body binds as its own, parameters included."""
        if self._locals is None:
            declared = {name for node in self.of(ast.Global, ast.Nonlocal) for name in node.names}
            bound = _bound(self.nodes) | {given.arg for given in parameters(self.node)}
            self._locals = frozenset(bound - declared)
        return self._locals

    @property
    def uses(self) -> Uses:
        """Uses of variables by the body, and by the functions in it."""
        if self._uses is None:
            self._uses = Uses()
            self._uses.look(self.nodes)
            self._uses.look(grouped(self.head()))
            for scope in self.inner:
                self._uses.add(scope.uses)
        return self._uses


class Scopes(dict[ast.AST, Scope]):
    """The scopes of one module by their nodes, each made when first asked for."""

    def __missing__(self, node: ast.AST) -> Scope:
        scope = self[node] = Scope(node, self)
        return scope
