"""Which names a function body binds, and which it declares global or nonlocal."""

import ast
from collections.abc import Iterable, Iterator

__all__ = ["bound_names", "children", "declared_names", "default_of", "parameters", "walk"]

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


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


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below a node."""
    out: list[ast.AST] = []
    for part in node.__dict__.values():
        if part.__class__ is list:
            out += [one for one in part if isinstance(one, ast.AST)]
        elif isinstance(part, ast.AST):
            out.append(part)
    return out


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, in no particular order. Several times as fast as `ast.walk`."""
    stack = [node]
    while stack:
        at = stack.pop()
        yield at
        for part in at.__dict__.values():
            if part.__class__ is list:
                stack += [one for one in part if isinstance(one, ast.AST)]
            elif isinstance(part, ast.AST):
                stack.append(part)


def _own(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node of a body that is evaluated in its own scope; nested scopes appear, what they hold does not."""
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _SCOPES):
            continue
        if isinstance(node, _COMPREHENSIONS):
            # A walrus inside binds outside; the loop variables do not.
            stack += [inner for inner in walk(node) if isinstance(inner, ast.NamedExpr)]
            continue
        stack += children(node)


def bound_names(body: Iterable[ast.AST]) -> set[str]:
    """The names that statements of a body bind."""
    found: set[str] = set()
    for node in _own(body):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.add(name)
            case ast.Import() | ast.ImportFrom():
                found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            case _ if type(node).__name__ == "TypeAlias":
                found.add(node.name.id)  # type: ignore[attr-defined]
    return found


def declared_names(body: Iterable[ast.AST]) -> set[str]:
    """The names that a body declares global or nonlocal."""
    return {name for node in _own(body) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
