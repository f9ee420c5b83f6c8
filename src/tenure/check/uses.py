"""Uses of variables in a body: the methods called on them, and the ones that can only be numbers or lists."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Uses"]

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(slots=True, eq=False)
class Uses:
    """Syntactic facts about the variables of a body.

    `methods`: the methods called on a variable, and "__getitem__", "__setitem__", "__delitem__", "__iter__",
    "__len__", "__contains__", "__sub__", "__call__" for what is done to it by syntax, "__named__" where it is
    indexed by a string.
    `numbers`: the variables that stand where only a number can stand.
    """

    methods: dict[str, set[str]] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)

    def look(self, nodes: Mapping[type[ast.AST], Iterable[Any]]) -> None:
        """Include the nodes of a body."""
        for kind, look in _LOOKS.items():
            for node in nodes.get(kind, ()):
                look(self, node)

    def add(self, other: "Uses") -> None:
        """Include the facts of another body."""
        for name, methods in other.methods.items():
            self.methods.setdefault(name, set()).update(methods)
        self.numbers |= other.numbers

    def _subscript(self, node: ast.Subscript) -> None:
        self._note(node.value, _BY_CONTEXT[type(node.ctx)])
        first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            self._note(node.value, "__named__")

    def _loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        self._note(node.iter, "__iter__")

    def _slice(self, node: ast.Slice) -> None:
        self._numbers(node.lower, node.upper)

    def _test(self, node: ast.If | ast.While | ast.IfExp | ast.Assert) -> None:
        self._tested(node.test)

    def _compare(self, node: ast.Compare) -> None:
        match node:
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[value]):
                self._note(value, "__contains__")

    def _operate(self, node: ast.BinOp) -> None:
        if node.op.__class__ is ast.Sub:
            self._note(node.left, "__sub__")
            self._note(node.right, "__sub__")

    def _note(self, node: ast.expr, method: str) -> None:
        if isinstance(node, ast.Name):
            self.methods.setdefault(node.id, set()).add(method)

    def _call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Attribute(value=value, attr=name):
                self._note(value, name)
            case ast.Name(id="range"):
                self._numbers(*node.args)
            case ast.Name(id="len") if len(node.args) == 1:
                self._note(node.args[0], "__len__")
            case ast.Name(id="enumerate" | "reversed" | "sorted" | "zip"):
                for given in node.args:
                    self._note(given, "__iter__")
            case ast.Name(id=name):
                self.methods.setdefault(name, set()).add("__call__")

    def _numbers(self, *nodes: ast.expr | None) -> None:
        for node in nodes:
            self.numbers.update(_terms(node))

    def _tested(self, test: ast.expr) -> None:
        """Comparisons by size in a condition: of arrays they would be an error."""
        match test:
            case ast.BoolOp(values=parts):
                for part in parts:
                    self._tested(part)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                self._tested(part)
            case ast.Compare(left=left, ops=operators, comparators=right):
                if all(isinstance(one, _ORDER) for one in operators):
                    self._numbers(left, *right)


_BY_CONTEXT: dict[type[ast.expr_context], str] = {
    ast.Load: "__getitem__",
    ast.Store: "__setitem__",
    ast.Del: "__delitem__",
}


_LOOKS: dict[type[ast.AST], Callable[[Uses, Any], None]] = {
    ast.Call: Uses._call, ast.Subscript: Uses._subscript, ast.Slice: Uses._slice, ast.Compare: Uses._compare,
    ast.BinOp: Uses._operate,
    **dict.fromkeys((ast.For, ast.AsyncFor, ast.comprehension), Uses._loop),
    **dict.fromkeys((ast.If, ast.While, ast.IfExp, ast.Assert), Uses._test),
}  # fmt: skip


def _terms(node: ast.expr | None) -> Iterator[str]:
    """The variables of a sum."""
    match node:
        case ast.Name(id=name):
            yield name
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=right):
            yield from _terms(left)
            yield from _terms(right)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield from _terms(operand)
