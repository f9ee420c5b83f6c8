"""What can be said of real code by its syntax: paths, copies, in-place writes, the functions of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

__all__ = ["Function", "copied", "functions", "inserts", "is_path", "peel", "resizes", "root", "text_of", "writes"]

RESIZING = {
    *("append", "extend", "insert", "remove", "pop", "clear", "add", "discard", "popitem", "update", "appendleft"),
    *("popleft", "difference_update", "intersection_update", "symmetric_difference_update"),
}
WRITING = {"sort", "fill", "partition", "put", "itemset", "reverse", "setdefault", "byteswap"} | RESIZING
HANDLES = {"requires_grad_", "retain_grad", "share_memory_", "__init__"}
VIEWS = {
    *(
        "view",
        "view_as",
        "t",
        "transpose",
        "permute",
        "expand",
        "expand_as",
        "squeeze",
        "unsqueeze",
        "narrow",
        "select",
    ),
    *("detach", "numpy", "diagonal", "swapaxes", "unfold", "unbind", "movedim", "swapdims", "real", "imag", "T", "mT"),
    *("data", "H", "flat", "values", "items", "keys"),
}


def text_of(node: ast.AST) -> str:
    """A path as text: `self.a[0]`; "" of what is none."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{inner}.{attr}" if (inner := text_of(value)) else ""
        case ast.Subscript(value=value, slice=ast.Constant() | ast.Name()):
            return f"{inner}[{ast.unparse(node.slice)}]" if (inner := text_of(value)) else ""
    return ""


def is_path(node: ast.AST) -> bool:
    """Whether a node is a name, an attribute or a constant or named element of such."""
    return bool(text_of(node))


def peel(node: ast.expr) -> ast.expr | None:
    """The container of `d`, `d.items()`, `d.keys()`, `d.values()`, if it is a path."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="items" | "keys" | "values"), args=[], keywords=[]):
            node = value
    return node if is_path(node) else None


def copied(node: ast.expr) -> ast.expr | None:
    """What a shallow copy of a container copies: `list(x)`, `tuple(x)`, `set(x)`, `dict(x)`, `x.copy()`, `x[:]`."""
    match node:
        case ast.Call(func=ast.Name(id="list" | "tuple" | "set" | "frozenset" | "dict"), args=[inner], keywords=[]):
            return inner if not isinstance(inner, ast.Starred) else None
        case ast.Call(func=ast.Attribute(value=ast.Name(id="copy"), attr="copy"), args=[inner], keywords=[]):
            return inner
        case ast.Call(func=ast.Attribute(value=inner, attr="copy"), args=[], keywords=[]):
            return inner
        case ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=None, step=None)):
            return inner
    return None


def root(node: ast.expr) -> ast.expr:
    """What a view is of, as far as its spelling says: `a` of `a[i].T`, `self.w` of `self.w.detach()[0]`."""
    while True:
        match node:
            case ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in VIEWS:
                node = inner
            case ast.Attribute(value=inner, attr=attr) if attr in VIEWS:
                node = inner
            case _:
                return node


def resizes(node: ast.AST, names: Set[str]) -> bool:
    """Whether a node changes the length of one of the named containers."""
    match node:
        case ast.Call(func=ast.Attribute(value=receiver, attr=attr)):
            return attr in RESIZING and text_of(receiver) in names
        case ast.Delete(targets=deleted):
            return any(isinstance(t, ast.Subscript) and text_of(t.value) in names for t in deleted)
    return False


def inserts(node: ast.AST, names: Set[str], targets: Set[str]) -> bool:
    """Whether a node stores in a named dictionary under a key that is not the loop's own."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=value, slice=key)]):
            return text_of(value) in names and ast.unparse(key) not in targets
    return False


def writes(node: ast.AST) -> Iterator[ast.expr]:
    """What a node writes in place: the roots of the places."""
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            for target in targets:
                yield from _stored(target)
        case ast.AugAssign(target=target):
            yield root(target)
        case ast.Call(func=ast.Attribute(value=receiver, attr=attr), keywords=keywords):
            if attr in WRITING or (attr.endswith("_") and not attr.startswith("_") and attr not in HANDLES):
                yield root(receiver)
            yield from (root(k.value) for k in keywords if k.arg == "out")
        case ast.Call(keywords=keywords):
            yield from (root(k.value) for k in keywords if k.arg == "out")


def _stored(target: ast.expr) -> Iterator[ast.expr]:
    match target:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _stored(part)
        case ast.Subscript(value=value):
            yield root(value)
        case ast.Attribute(value=value, attr="data"):
            yield root(value)


@dataclass
class Function:
    """A function or a module's body: its own nodes in order, its loops, and the methods beside it."""

    node: ast.AST
    nodes: list[ast.AST]
    loops: list[ast.For | ast.AsyncFor | ast.While]
    methods: dict[str, ast.AST] = field(default_factory=dict)

    def names_of(self, path: str) -> set[str]:
        """The spellings of a container in this function: the path, and names assigned to or from it."""
        names = {path}
        for node in self.nodes:
            match node:
                case ast.Assign(targets=[target], value=value) if is_path(target) and is_path(value):
                    pair = {text_of(target), text_of(value)}
                    if pair & names:
                        names |= pair
        return names

    def resized_by_method(self, node: ast.AST, names: Set[str]) -> bool:
        """Whether a node calls a method of the same object that resizes one of the named attributes."""
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=attr)) if attr in self.methods:
                return any(resizes(inner, names) for inner in ast.walk(self.methods[attr]))
        return False


def functions(tree: ast.Module) -> Iterator[Function]:
    """The module's body and every function in it."""
    yield _function(tree, {})
    stack: list[tuple[ast.AST, dict[str, ast.AST]]] = [(tree, {})]
    while stack:
        node, methods = stack.pop()
        for child in ast.iter_child_nodes(node):
            inner = methods
            if isinstance(child, ast.ClassDef):
                inner = {item.name: item for item in child.body if isinstance(item, ast.FunctionDef)}
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield _function(child, methods)
            stack.append((child, inner))


def _function(node: ast.AST, methods: dict[str, ast.AST]) -> Function:
    nodes = list(_walk(ast.iter_child_nodes(node)))
    loops = [inner for inner in nodes if isinstance(inner, ast.For | ast.AsyncFor | ast.While)]
    return Function(node, nodes, loops, methods)


def _walk(children: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for node in children:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _walk(ast.iter_child_nodes(node))
