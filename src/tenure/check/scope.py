"""Walks over trees, and what the syntax of a body shows: which names it binds, and what it calls on them."""

import ast
from collections.abc import Iterable, Mapping

from tenure.check.uses import Uses

__all__ = [
    "Scope",
    "Scopes",
    "blocks",
    "bound_names",
    "children",
    "decorator_names",
    "default_of",
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
        names.add(at.attr if isinstance(at, ast.Attribute) else ast.unparse(at).rpartition(".")[2])
    return names


_TEXT = frozenset(
    ("ctx", "id", "attr", "asname", "level", "module", "conversion", "simple", "is_async", "kind", "type_comment",
     "type_ignores", "kwd_attrs", "rest", "op", "ops", "tag", "str")
)  # fmt: skip
"""Fields that hold no nodes, or only operators and contexts, which nobody looks for."""


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


def _spread(out: list[ast.AST], parts: Mapping[type[ast.AST], tuple[str, ...]]) -> list[ast.AST]:
    """Add to a list what lies below its nodes. By far the fastest way to see a tree in Python."""
    add = out.append
    for at in out:
        for name in parts.get(at.__class__, ()):
            part = getattr(at, name)
            if part.__class__ is list:
                out += part if None not in part else [one for one in part if one is not None]
            elif part is not None:
                add(part)
    return out


def walk(node: ast.AST) -> list[ast.AST]:
    """A node and all below it, except operators and contexts, in no particular order."""
    return _spread([node], _PARTS)


def own(body: Iterable[ast.AST]) -> list[ast.AST]:
    """Every node of a body, lambdas included: nested functions and classes appear, what they hold does not."""
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
"""Where statements hold others."""


def blocks(node: ast.AST) -> list[ast.AST]:
    """The statements (and handlers and cases) right below a statement."""
    names = _BLOCKS.get(node.__class__, ())
    return [child for name in names for child in getattr(node, name)]


def statements(body: Iterable[ast.AST]) -> list[ast.AST]:
    """All statements of a body, those of nested functions and classes included."""
    out = list(body)
    for at in out:
        for name in _BLOCKS.get(at.__class__, ()):
            out += getattr(at, name)
    return out


def bound_names(body: Iterable[ast.AST], nodes: Iterable[ast.AST] | None = None) -> set[str]:
    """The names that statements of a body bind. `nodes` are those of the body, if they are known (`own`)."""
    found: set[str] = set()
    inner: set[ast.AST] = set()
    for node in own(body) if nodes is None else nodes:
        kind = node.__class__
        if kind is ast.Name:
            if node.ctx.__class__ is not ast.Load and node not in inner:  # type: ignore[attr-defined]
                found.add(node.id)  # type: ignore[attr-defined]
        elif kind is ast.comprehension:
            # The variables of a comprehension are its own; what it binds by a walrus is bound outside.
            inner.update(walk(node.target))  # type: ignore[attr-defined]
        elif kind is ast.Lambda:
            inner.update(walk(node.body))  # type: ignore[attr-defined]
        elif kind in _BINDING:
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
    """What is known of one body by its syntax, each found when first asked for."""

    __slots__ = ("_locals", "_nodes", "_scopes", "_uses", "node")

    def __init__(self, node: ast.AST, scopes: "Scopes") -> None:
        self.node = node
        self._scopes = scopes
        self._nodes: list[ast.AST] | None = None
        self._locals: frozenset[str] | None = None
        self._uses: Uses | None = None

    def shed(self) -> None:
        """Forget what can be made again."""
        self._nodes = None

    @property
    def nodes(self) -> list[ast.AST]:
        """The nodes of the body, without those of nested functions and classes."""
        if self._nodes is None:
            body = getattr(self.node, "body", [])
            self._nodes = own(body if isinstance(body, list) else [body])
        return self._nodes

    @property
    def locals(self) -> frozenset[str]:
        """The names that the body binds as its own, parameters included."""
        if self._locals is None:
            declared = {
                name for node in self.nodes if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
            }
            bound = bound_names((), self.nodes) | {given.arg for given in parameters(self.node)}
            self._locals = frozenset(bound - declared)
        return self._locals

    @property
    def uses(self) -> Uses:
        """How the body, and the functions in it, use variables."""
        if self._uses is None:
            parts = [*self.nodes, *_head(self.node)]
            self._uses = Uses.of(parts)
            for node in parts:
                if node.__class__ in _DEFINITIONS:
                    self._uses.add(self._scopes[node].uses)
        return self._uses


def _head(node: ast.AST) -> list[ast.AST]:
    """What a definition evaluates before there is a body: decorators, defaults, bases."""
    out = [part for part in children(node) if not isinstance(part, ast.stmt)]
    return own(out)


class Scopes(dict[ast.AST, Scope]):
    """The scopes of one module by their nodes, each made when first asked for."""

    def __missing__(self, node: ast.AST) -> Scope:
        scope = self[node] = Scope(node, self)
        return scope
