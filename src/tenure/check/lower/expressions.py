"""Lowering of expressions, each into the register of its value."""

import ast
from collections.abc import Callable, Sequence

from tenure.check import ops
from tenure.check.lower.builder import Builder
from tenure.check.scope import bound_names, last_name, walk

__all__ = ["Expressions", "function_of"]

BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv",
    ast.Mod: "mod", ast.Pow: "pow", ast.MatMult: "matmul", ast.LShift: "lshift", ast.RShift: "rshift",
    ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
}  # fmt: skip
_DRAINING = frozenset(
    ("sum", "list", "tuple", "set", "dict", "sorted", "max", "min", "frozenset", "join", "any", "all")
)
"""Calls that go through a generator expression to its end, at once."""

_UNARY = {ast.UAdd: "__pos__", ast.USub: "__neg__", ast.Invert: "__invert__", ast.Not: "not"}
_COMPARE = {
    ast.Eq: "__eq__", ast.NotEq: "__ne__", ast.Lt: "__lt__", ast.LtE: "__le__", ast.Gt: "__gt__", ast.GtE: "__ge__",
    ast.Is: "is", ast.IsNot: "is", ast.In: "in", ast.NotIn: "in",
}  # fmt: skip


def function_of(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Module,
    parent: ops.Function | None,
    in_class: ast.ClassDef | None = None,
) -> ops.Function:
    """The function that a definition makes, its body not lowered yet."""
    name = getattr(node, "name", "<lambda>" if isinstance(node, ast.Lambda) else "<module>")
    if parent is None:
        return ops.Function(node, name, None, in_class)
    return ops.Function(node, name, parent, in_class, home=parent.home, scopes=parent.scopes)


class _Methods(dict[type[ast.AST], str]):
    """The name of the method that lowers each type of node."""

    def __missing__(self, node: type[ast.AST]) -> str:
        name = self[node] = f"_{node.__name__.lower()}"
        return name


METHODS = _Methods()


class Expressions(Builder):
    """The half of the lowering that deals with expressions."""

    function: ops.Function
    nested: list[ops.Function]

    def value(self, node: ast.expr | None) -> int:
        """Evaluate, and return the register of the value. A missing expression is None."""
        if node is None:
            return self._constant(ast.Constant(None), None)
        lower: Callable[[ast.expr], int] | None = getattr(self, METHODS[node.__class__], None)
        if lower is None:
            # A form newer than this code: its parts are read, its result is unknown.
            parts = [self.value(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
            return self._operate(node, "unknown", parts)
        return lower(node)

    def _constant(self, node: ast.expr, value: object = ...) -> int:
        dst = self.register()
        self.emit(ops.Const(node, dst, node.value if value is ... and isinstance(node, ast.Constant) else value))
        return dst

    def _name(self, node: ast.Name) -> int:
        dst = self.register()
        self.emit(ops.Load(node, dst, self.local(node.id) if self.renamed or self.rename else node.id))
        return dst

    def _attribute(self, node: ast.Attribute) -> int:
        obj, dst = self.value(node.value), self.register()
        self.emit(ops.GetAttr(node, dst, obj, node.attr))
        return dst

    def _subscript(self, node: ast.Subscript) -> int:
        obj, index = self.value(node.value), self.index(node.slice)
        dst = self.register()
        self.emit(ops.GetItem(node, dst, obj, index))
        return dst

    def index(self, node: ast.expr) -> tuple[ops.Step, ...]:
        """The components of an index, evaluated."""
        if isinstance(node, ast.Name):
            return (ops.Step("value", (self._name(node),)),)
        return tuple(map(self._step, node.elts if isinstance(node, ast.Tuple) else [node]))

    def _step(self, node: ast.expr) -> ops.Step:
        match node:
            case ast.Slice(lower=None, upper=None, step=None):
                return ops.Step("all")
            case ast.Constant(value=constant) if constant is ...:
                return ops.Step("all")
            case ast.Constant(value=None):
                return ops.Step("new")
            case ast.Slice():
                ends = (node.lower, node.upper, node.step)
                return ops.Step("slice", tuple(None if end is None else self.value(end) for end in ends))
            case ast.Starred():
                return ops.Step("value", (self.value(node.value),))
        return ops.Step("value", (self.value(node),))

    def _call(self, node: ast.Call) -> int:
        func, receiver, method = None, None, ""
        if isinstance(node.func, ast.Attribute):
            receiver, method = self.value(node.func.value), node.func.attr
        else:
            func = self.value(node.func)
        if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and last_name(node.func) in _DRAINING:
            self.drained.add(node.args[0])
        args = [self._given(arg) for arg in node.args]
        keywords = [(keyword.arg, self.value(keyword.value)) for keyword in node.keywords]
        dst = self.register()
        self.emit(ops.Call(node, dst, func, receiver, method, tuple(args), tuple(keywords)))
        return dst

    def _given(self, node: ast.expr) -> tuple[int, bool]:
        """An element or argument, and whether it is unpacked."""
        return (self.value(node.value), True) if isinstance(node, ast.Starred) else (self.value(node), False)

    def _operate(self, node: ast.AST, name: str, operands: Sequence[int], augmented: str = "") -> int:
        dst = self.register()
        self.emit(ops.Operate(node, dst, name, tuple(operands), augmented))
        return dst

    def _binop(self, node: ast.BinOp) -> int:
        operands = [self.value(node.left), self.value(node.right)]
        return self._operate(node, f"__{BINARY[type(node.op)]}__", operands)

    def _unaryop(self, node: ast.UnaryOp) -> int:
        return self._operate(node, _UNARY[type(node.op)], [self.value(node.operand)])

    def _compare(self, node: ast.Compare) -> int:
        left, result = self.value(node.left), 0
        for operator, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator)
            result = self._operate(node, _COMPARE[type(operator)], [left, right])
            left = right
        return result

    def _boolop(self, node: ast.BoolOp) -> int:
        dst, end = self.register(), self.block()
        for value in node.values[:-1]:
            src = self.value(value)
            self.emit(ops.Read(value, src, "test"))
            self.emit(ops.Merge(value, dst, src, isinstance(node.op, ast.Or)))
            self.edge(self.here, end)
            self.start(self.block())
        self.emit(ops.Merge(node.values[-1], dst, self.value(node.values[-1])))
        self.start(end)
        return dst

    def _ifexp(self, node: ast.IfExp) -> int:
        dst, yes, no, end = self.register(), self.block(), self.block(), self.block()
        outside = self.conditions
        self.branch(node.test, yes, no)
        for at, value, holds in ((yes, node.body, True), (no, node.orelse, False)):
            self.start(at, falls=False)
            self.conditions = self.under(node.test, holds)
            self.assume(node.test, holds)
            itself = holds and ast.dump(value) == ast.dump(node.test)
            self.emit(ops.Merge(value, dst, self.value(value), itself))
            self.edge(self.here, end)
            self.conditions = outside
        self.start(end, falls=False)
        return dst

    def branch(self, test: ast.expr, yes: int, no: int) -> None:
        """Evaluate a test and go either way; `and`, `or` and `not` branch on their parts."""
        match test:
            case ast.UnaryOp(op=ast.Not()):
                self.branch(test.operand, no, yes)
            case ast.BoolOp(op=operator):
                for part in test.values[:-1]:
                    following = self.block()
                    self.branch(part, *((following, no) if isinstance(operator, ast.And) else (yes, following)))
                    self.start(following, falls=False)
                    if isinstance(operator, ast.And):
                        self.assume(part, True)
                self.branch(test.values[-1], yes, no)
            case _:
                self.emit(ops.Read(test, self.value(test), "test"))
                if not (isinstance(test, ast.Constant) and not test.value):
                    self.edge(self.here, yes)
                if not (isinstance(test, ast.Constant) and test.value):
                    self.edge(self.here, no)

    def assume(self, test: ast.expr, holds: bool) -> None:
        """Note the evidence about a variable from a test that came out as `holds`."""
        match test:
            case ast.UnaryOp(op=ast.Not()):
                self.assume(test.operand, not holds)
            case ast.BoolOp(op=ast.And()) if holds:
                for part in test.values:
                    self.assume(part, True)
            case ast.Name(id=name):
                self.emit(ops.Assume(test, self.local(name), None, holds, true=True))
            case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), cls]):
                self.emit(ops.Assume(test, self.local(name), self.value(cls), holds))
            case ast.Compare(
                left=ast.Name(id=name), ops=[ast.Is() | ast.IsNot() as operator], comparators=[ast.Constant(value=None)]
            ):
                self.emit(ops.Assume(test, self.local(name), None, isinstance(operator, ast.Is) == holds))

    def _namedexpr(self, node: ast.NamedExpr) -> int:
        src = self.value(node.value)
        # A walrus in a comprehension binds outside of it.
        self.emit(ops.Bind(node.target, self.rename(node.target.id) if self.rename else node.target.id, src))
        return src

    def _build(self, node: ast.expr, kind: str, elements: Sequence[ast.expr]) -> int:
        entries = [(None, *self._given(element)) for element in elements]
        dst = self.register()
        self.emit(ops.Build(node, dst, kind, tuple(entries)))
        return dst

    def _list(self, node: ast.List) -> int:
        return self._build(node, "list", node.elts)

    def _tuple(self, node: ast.Tuple) -> int:
        return self._build(node, "tuple", node.elts)

    def _set(self, node: ast.Set) -> int:
        return self._build(node, "set", node.elts)

    def _dict(self, node: ast.Dict) -> int:
        entries = tuple(
            (None if key is None else self.value(key), self.value(value), key is None)
            for key, value in zip(node.keys, node.values, strict=True)
        )
        dst = self.register()
        self.emit(ops.Build(node, dst, "dict", entries))
        return dst

    def _listcomp(self, node: ast.ListComp) -> int:
        return self._comprehension(node, "list", None, node.elt)

    def _setcomp(self, node: ast.SetComp) -> int:
        return self._comprehension(node, "set", None, node.elt)

    def _generatorexp(self, node: ast.GeneratorExp) -> int:
        return self._comprehension(node, "iterator", None, node.elt)

    def _dictcomp(self, node: ast.DictComp) -> int:
        # Python 3.15 allows `{**d for d in ds}`, whose key is missing.
        return self._comprehension(node, "dict", node.key, node.value or node.key)

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        kind: str,
        key: ast.expr | None,
        element: ast.expr,
    ) -> int:
        dst = self.register()
        self.emit(ops.Build(node, dst, kind, ()))
        drained = kind != "iterator" or node in self.drained
        self._generators(node.generators, 0, lambda: self._capture(node, dst, key, element), drained=drained)
        return dst

    def _capture(self, node: ast.expr, container: int, key: ast.expr | None, element: ast.expr) -> None:
        at = None if key is None else self.value(key)
        value = self.value(element.value if isinstance(element, ast.Starred) else element)
        self.emit(ops.Capture(node, container, at, value))

    def _generators(
        self, generators: Sequence[ast.comprehension], at: int, body: Callable[[], None], *, drained: bool
    ) -> None:
        if at == len(generators):
            body()
            return
        generator = generators[at]
        source = self.value(generator.iter)
        iterator, item = self.register(), self.register()
        self.emit(ops.Iter(generator.iter, iterator, source))
        head, inside, after = self.block(), self.block(), self.block()
        self.start(head)
        self.graph.blocks[self.here].loop_head = True
        head = self.here
        self.emit(ops.Next(generator.iter, item, iterator, in_comprehension=True))
        self.edge(self.here, inside)
        self.edge(self.here, after)
        self.start(inside, falls=False)
        self.comprehensions += 1
        mark = self.comprehensions
        self.renamed.append({name: f"{name}·{mark}" for name in bound_names([generator.target])})
        self.assign(generator.target, item)
        for test in generator.ifs:
            holds = self.block()
            self.branch(test, holds, head)
            self.start(holds, falls=False)
            self.assume(test, True)
        self._generators(generators, at + 1, body, drained=drained)
        self.edge(self.here, head)
        self.renamed.pop()
        self.start(after, falls=False)
        if drained:
            self.emit(ops.Read(generator.iter, iterator, "exhaust"))

    def assign(self, target: ast.expr, src: int, chained: str | tuple[int, str] | None = None) -> None:
        """Bind a target; implemented by the other half of the lowering."""
        raise NotImplementedError

    def _lambda(self, node: ast.Lambda) -> int:
        return self.define(node, function_of(node, self.function))

    def define(self, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef, function: ops.Function) -> int:
        """Make a function value; its defaults and decorators are evaluated here."""
        decorators = () if isinstance(node, ast.Lambda) else tuple(map(self.value, node.decorator_list))
        given = node.args
        positional = [*given.posonlyargs, *given.args]
        first = len(positional) - len(given.defaults)
        pairs = [
            *zip(positional[first:], given.defaults, strict=True),
            *((arg, default) for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default),
        ]
        defaults = tuple((arg.arg, self.value(default)) for arg, default in pairs)
        self.nested.append(function)
        dst = self.register()
        self.emit(ops.Def(node, dst, function, defaults, decorators))
        return dst

    def _joinedstr(self, node: ast.expr) -> int:
        """f-strings, and the template strings of Python 3.14."""
        held = [part for part in walk(node) if type(part).__name__ in ("FormattedValue", "Interpolation")]
        parts = [self.value(getattr(part, "value", None)) for part in held]
        for part in parts:
            self.emit(ops.Read(node, part, "format"))
        return self._operate(node, "format", parts)

    _templatestr = _joinedstr

    def _formattedvalue(self, node: ast.FormattedValue) -> int:
        return self._joinedstr(node)

    _interpolation = _formattedvalue

    def _starred(self, node: ast.Starred) -> int:
        return self.value(node.value)

    def _slice(self, node: ast.Slice) -> int:
        parts = [self.value(part) for part in (node.lower, node.upper, node.step) if part is not None]
        return self._operate(node, "slice", parts)

    def _await(self, node: ast.Await) -> int:
        src, dst = self.value(node.value), self.register()
        self.emit(ops.Await(node, dst, src))
        return dst

    def _yield(self, node: ast.Yield) -> int:
        src, dst = self.value(node.value), self.register()
        self.emit(ops.Yield(node, dst, src))
        return dst

    def _yieldfrom(self, node: ast.YieldFrom) -> int:
        src, dst = self.value(node.value), self.register()
        self.emit(ops.Read(node, src, "iterate"))
        self.emit(ops.Yield(node, dst, src))
        return dst
