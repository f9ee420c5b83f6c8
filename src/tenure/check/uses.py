"""How a body uses its variables: the methods it calls on them, and which of them can only be numbers or lists."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tenure.check.scope import walk

__all__ = ["Uses"]

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(slots=True, eq=False)
class Uses:
    """What the syntax shows of the variables of a body.

    `methods`: the methods called on a variable, and "__getitem__", "__setitem__", "__delitem__", "__iter__",
    "__len__", "__contains__" for what is done to it by syntax. `numbers`: the variables that stand where only a
    number can stand.
    """

    methods: dict[str, set[str]] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, body: ast.AST) -> "Uses":
        """Look through a body, and the functions inside it."""
        found = cls()
        for node in walk(body):
            match node:
                case ast.Call():
                    found._call(node)
                case ast.Subscript(value=value, ctx=ctx):
                    found._note(value, _BY_CONTEXT[type(ctx)])
                case ast.For(iter=value) | ast.AsyncFor(iter=value) | ast.comprehension(iter=value):
                    found._note(value, "__iter__")
                case ast.Slice(lower=low, upper=high):
                    found._numbers(low, high)
                case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
                    found._tested(test)
                case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[value]):
                    found._note(value, "__contains__")
        return found

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

    def _numbers(self, *nodes: ast.expr | None) -> None:
        for node in nodes:
            self.numbers.update(_terms(node))

    def _tested(self, test: ast.expr) -> None:
        """What is compared by size where the truth of it counts: of arrays it would be an error."""
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
