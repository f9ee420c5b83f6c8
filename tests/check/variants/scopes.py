"""Names and scopes of a piece of a program, and the replacement of names by expressions, scope by scope."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Mapping

Expression = Callable[[], ast.expr]
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def walk(nodes: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """All nodes of several trees."""
    for node in nodes:
        yield from ast.walk(node)


def own(nodes: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """The nodes that belong to this scope; of functions and classes their heads, of comprehensions nothing."""
    left = list(nodes)
    while left:
        node = left.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                left += [*node.decorator_list, *node.args.defaults, *[d for d in node.args.kw_defaults if d]]
            case ast.ClassDef():
                left += [*node.decorator_list, *node.bases, *[word.value for word in node.keywords]]
            case ast.Lambda():
                left += [*node.args.defaults, *[d for d in node.args.kw_defaults if d]]
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                left += [n for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
            case _:
                left += ast.iter_child_nodes(node)


def bound(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that statements bind in their scope, in any way."""
    names, free = set(), set()
    for node in own(nodes):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.alias():
                names.add((node.asname or node.name).split(".")[0])
            case ast.Global() | ast.Nonlocal():
                free.update(node.names)
    return names - free


def assigned(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that are bound by assignment only."""
    plain, other = set(), set()
    for node in own(nodes):
        match node:
            case ast.Assign():
                plain.update(_names(node.targets))
            case ast.AugAssign() | ast.AnnAssign():
                plain.update(_names([node.target]))
            case ast.For() | ast.AsyncFor():
                other.update(_names([node.target]))
            case ast.withitem(optional_vars=ast.expr() as target):
                other.update(_names([target]))
            case ast.NamedExpr():
                other.update(_names([node.target]))
    return {name for name in plain - other if name in bound(nodes)} - _defined(nodes)


def _names(targets: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in own(targets) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _defined(nodes: Iterable[ast.AST]) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    out = {node.name for node in own(nodes) if isinstance(node, kinds)}
    for node in own(nodes):
        if isinstance(node, ast.alias):
            out.add((node.asname or node.name).split(".")[0])
    return out


def read(nodes: Iterable[ast.AST]) -> set[str]:
    """All names that occur, in inner scopes too: more than those that are read."""
    out = set()
    for node in walk(nodes):
        if isinstance(node, ast.Name):
            out.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            out.update(node.names)
    return out


def parameters(arguments: ast.arguments) -> list[str]:
    """The names of all parameters."""
    plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [arg.arg for arg in (*plain, arguments.vararg, arguments.kwarg) if arg is not None]


class Replace(ast.NodeTransformer):
    """Names become expressions wherever they mean the outer scope's variable; marks of nodes stay."""

    def __init__(self, mapping: Mapping[str, Expression]):
        self.mapping = dict(mapping)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        make = self.mapping.get(node.id)
        if make is None:
            return node
        new = make()
        for part in ast.walk(new):
            if getattr(node, "marked", False):
                part.marked = True  # type: ignore[attr-defined]
        new.ctx = node.ctx  # type: ignore[attr-defined]
        return new

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            node.simple = 0
        return node

    def _global(self, node: ast.Global | ast.Nonlocal) -> ast.AST:
        node.names = [name for name in node.names if name not in self.mapping]
        return node if node.names else ast.Pass()

    visit_Global = visit_Nonlocal = _global

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        self._defaults(node.args)
        self._inside(node.body, {*parameters(node.args), *bound(node.body)})
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._defaults(node.args)
        body = [node.body]
        self._inside(body, set(parameters(node.args)))
        node.body = body[0]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        node.bases = [self.visit(one) for one in node.bases]
        self._inside(node.body, bound(node.body))
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        names = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}  # type: ignore[attr-defined]
        kept = self.mapping
        self.mapping = {name: make for name, make in kept.items() if name not in names}
        self.generic_visit(node)
        self.mapping = kept
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.visit(one) for one in arguments.defaults]
        arguments.kw_defaults = [one and self.visit(one) for one in arguments.kw_defaults]

    def _inside(self, body: list, names: set[str]) -> None:
        kept = self.mapping
        self.mapping = {name: make for name, make in kept.items() if name not in names}
        body[:] = [self.visit(one) for one in body]
        self.mapping = kept


def replaced(statements: list[ast.stmt], mapping: Mapping[str, Expression]) -> list[ast.stmt]:
    """Copies of statements with names replaced."""
    change = Replace(mapping)
    return [change.visit(copy.deepcopy(one)) for one in statements]


def attribute(owner: str, name: str) -> Expression:
    """The expression `owner.name`."""
    return lambda: ast.Attribute(ast.Name(owner, ast.Load()), name, ast.Load())


def name(text: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(text, ast.Load())
