"""Lowering of statements: control flow becomes edges between blocks."""

import ast
from collections.abc import Callable, Iterable, Sequence

from tenure.check import ops
from tenure.check.lower.builder import Loop
from tenure.check.lower.expressions import BINARY, METHODS, Expressions, function_of
from tenure.check.lower.patterns import Patterns
from tenure.check.lower.unpacked import unpacked
from tenure.check.scope import statements as all_statements

__all__ = ["Statements"]

_Loop = ast.For | ast.AsyncFor | ast.While


class Statements(Expressions, Patterns):
    """The half of the lowering that deals with statements."""

    def body(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            lower: Callable[[ast.stmt], None] | None = getattr(self, METHODS[statement.__class__], None)
            if lower is not None:
                lower(statement)
            self.may_raise()

    def _expr(self, node: ast.Expr) -> None:
        self.graph.discarded.add(node.value)
        self.value(node.value)

    def _assign(self, node: ast.Assign) -> None:
        src, first = self.value(unpacked(node)), node.targets[0]
        several = len(node.targets) > 1 and all(isinstance(one, ast.Name | ast.Attribute) for one in node.targets)
        for target in node.targets:
            self.assign(target, src, self._chain(first) if several and target is not first else None)

    def _chain(self, first: ast.expr) -> str | tuple[int, str] | None:
        match first:
            case ast.Name(id=name):
                return self.local(name)
            case ast.Attribute(value=value, attr=name):
                return self.value(value), name
        return None

    def _annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value))

    def assign(self, target: ast.expr, src: int, chained: str | tuple[int, str] | None = None) -> None:
        """Bind a target to the value in a register."""
        match target:
            case ast.Name():
                self.emit(ops.Bind(target, self.local(target.id), src, chained))
            case ast.Attribute():
                self.emit(ops.SetAttr(target, self.value(target.value), target.attr, src, chained=chained))
            case ast.Subscript():
                obj = self.value(target.value)
                self.emit(ops.SetItem(target, obj, self.index(target.slice), src))
            case ast.Tuple() | ast.List():
                self._unpack(target, src)
            case ast.Starred():
                self.assign(target.value, src)

    def _unpack(self, target: ast.Tuple | ast.List, src: int) -> None:
        stars = [at for at, element in enumerate(target.elts) if isinstance(element, ast.Starred)]
        parts = tuple(self.register() for _ in target.elts)
        self.emit(ops.Unpack(target, parts, src, stars[0] if stars else None))
        for element, part in zip(target.elts, parts, strict=True):
            self.assign(element, part)

    def _augassign(self, node: ast.AugAssign) -> None:
        name = f"__i{BINARY[type(node.op)]}__"
        match node.target:
            case ast.Name() as target:
                old = self.value(ast.copy_location(ast.Name(target.id, ast.Load()), target))
                new = self._operate(node, name, [old, self.value(node.value)], "name")
                self.emit(ops.Bind(node, self.local(target.id), new))
            case ast.Attribute() as target:
                obj, old = self.value(target.value), self.register()
                self.emit(ops.GetAttr(target, old, obj, target.attr))
                new = self._operate(node, name, [old, self.value(node.value)], "place")
                self.emit(ops.SetAttr(node, obj, target.attr, new, augmented=True))
            case ast.Subscript() as target:
                obj, index, old = self.value(target.value), self.index(target.slice), self.register()
                self.emit(ops.GetItem(target, old, obj, index))
                new = self._operate(node, name, [old, self.value(node.value)], "place")
                self.emit(ops.SetItem(node, obj, index, new, augmented=True))

    def _delete(self, node: ast.Delete) -> None:
        stack = list(node.targets)
        while stack:
            match stack.pop(0):
                case ast.Name() as target:
                    self.emit(ops.Unbind(node, self.local(target.id)))
                case ast.Attribute() as target:
                    self.emit(ops.DelAttr(node, self.value(target.value), target.attr))
                case ast.Subscript() as target:
                    obj = self.value(target.value)
                    self.emit(ops.DelItem(node, obj, self.index(target.slice)))
                case ast.Tuple(elts=elements) | ast.List(elts=elements):
                    stack += elements

    def _if(self, node: ast.If) -> None:
        yes, no, end = self.block(), self.block(), self.block()
        outside = self.conditions
        self.branch(node.test, yes, no)
        for at, statements, holds in ((yes, node.body, True), (no, node.orelse, False)):
            self.start(at, falls=False)
            self.conditions = self.under(node.test, holds)
            self.assume(node.test, holds)
            self.body(statements)
            self.edge(self.here, end)
            self.conditions = outside
        self.start(end, falls=False)

    def _while(self, node: ast.While) -> None:
        head, inside, other, after = self.block(), self.block(), self.block(), self.block()
        self.start(head)
        self.graph.blocks[head].loop_head = True
        self.branch(node.test, inside, other)
        self.start(inside, falls=False)
        self.assume(node.test, True)
        self._loop(node, head, other, after)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        source = self.value(node.iter)
        iterator, item = self.register(), self.register()
        self.emit(ops.Iter(node.iter, iterator, source))
        head, inside, other, after = self.block(), self.block(), self.block(), self.block()
        self.start(head)
        self.graph.blocks[head].loop_head = True
        self.emit(ops.Next(node, item, iterator))
        self.edge(self.here, inside)
        self.edge(self.here, other)
        self.start(inside, falls=False)
        self.assign(node.target, item)
        self._loop(node, head, other, after, iterator)

    _asyncfor = _for

    def _loop(self, node: _Loop, head: int, other: int, after: int, iterator: int | None = None) -> None:
        self.loops.append(Loop(head, after, len(self.cleanups)))
        outside, self.conditions = self.conditions, ()
        self.body(node.body)
        self.edge(self.here, head)
        self.conditions = outside
        self.loops.pop()
        self.start(other, falls=False)
        leaves = any(isinstance(part, ast.Break | ast.Return) for part in all_statements([node]))
        if iterator is not None and not leaves:
            self.emit(ops.Read(node, iterator, "exhaust"))
        self.body(node.orelse)
        self.start(after)

    def _break(self, node: ast.Break) -> None:
        if self.loops:
            self.unwind(self.loops[-1].cleanups)
            self.go(self.loops[-1].after)

    def _continue(self, node: ast.Continue) -> None:
        if self.loops:
            self.unwind(self.loops[-1].cleanups)
            self.go(self.loops[-1].head)

    def _return(self, node: ast.Return) -> None:
        src = self.value(node.value)
        self.unwind(0)
        self.emit(ops.Return(node, src))
        self.go(1)

    def _raise(self, node: ast.Raise) -> None:
        for part in (node.exc, node.cause):
            if part is not None:
                self.emit(ops.Read(part, self.value(part), "raise"))
        if self.handlers:
            self.edge(self.here, self.handlers[-1])
        self.here = self.block()

    def _assert(self, node: ast.Assert) -> None:
        holds, fails = self.block(), self.block()
        self.branch(node.test, holds, fails)
        self.start(fails, falls=False)
        if node.msg is not None:
            self.value(node.msg)
        self.start(holds, falls=False)
        self.assume(node.test, True)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        managers = []
        for item in node.items:
            src, dst = self.value(item.context_expr), self.register()
            self.emit(ops.Enter(item.context_expr, dst, src))
            managers.append(src)
            self.cleanups.append(lambda src=src: self.emit(ops.Exit(node, src)))  # type: ignore[misc]
            if item.optional_vars is not None:
                self.assign(item.optional_vars, dst)
        self.body(node.body)
        for src in reversed(managers):
            self.cleanups.pop()
            self.emit(ops.Exit(node, src))

    _asyncwith = _with

    def _try(self, node: ast.Try) -> None:
        """`try`; the handlers continue with the state at the point where a statement raised."""
        handler, end = self.block(), self.block()
        if node.finalbody:
            self.cleanups.append(lambda: self.body(node.finalbody))
        self.handlers.append(handler)
        self.may_raise()
        self.body(node.body)
        self.handlers.pop()
        self.body(node.orelse)
        self.edge(self.here, end)
        for at, clause in enumerate(node.handlers):
            last = at == len(node.handlers) - 1
            self._handler(clause, handler, end, otherwise=None if last else (otherwise := self.block()))
            handler = handler if last else otherwise
        self.start(end, falls=False)
        if not node.handlers:
            # An exception runs `finally` and continues to its handler.
            self.edge(handler, end)
        if node.finalbody:
            self.cleanups.pop()
            self.body(node.finalbody)

    _trystar = _try

    def _handler(self, clause: ast.ExceptHandler, at: int, end: int, otherwise: int | None) -> None:
        if otherwise is not None:
            self.edge(at, otherwise)
        self.here = at
        self.may_raise()
        if clause.type is not None:
            self.value(clause.type)
        if clause.name is not None:
            error = self._operate(clause, "unknown", [])
            self.emit(ops.Bind(clause, self.local(clause.name), error))
        self.body(clause.body)
        self.edge(self.here, end)

    def _functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        in_class = self.function.node if isinstance(self.function.node, ast.ClassDef) else None
        function = self.define(node, function_of(node, self.function, in_class))
        self.emit(ops.Bind(node, self.local(node.name), function))

    _asyncfunctiondef = _functiondef

    def _classdef(self, node: ast.ClassDef) -> None:
        decorators = tuple(map(self.value, node.decorator_list))
        bases = tuple(map(self.value, [*node.bases, *(keyword.value for keyword in node.keywords)]))
        self.nested.append(function_of(node, self.function))
        dst = self.register()
        self.emit(ops.Class(node, dst, bases, decorators))
        self.emit(ops.Bind(node, self.local(node.name), dst))

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self._imported(node, name, alias.name if alias.asname else name)

    def _importfrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            self._imported(node, alias.asname or alias.name, f"{module}:{alias.name}")

    def _imported(self, node: ast.stmt, name: str, qualname: str) -> None:
        src = self._operate(node, f"import {qualname}", [])
        self.emit(ops.Bind(node, self.local(name), src))

    def _match(self, node: ast.Match) -> None:
        subject, end = self.value(node.subject), self.block()
        for case in node.cases:
            inside, otherwise = self.block(), self.block()
            self.pattern(case.pattern, subject, otherwise)
            if case.guard is not None:
                self.branch(case.guard, inside, otherwise)
                self.start(inside, falls=False)
            self.body(case.body)
            self.edge(self.here, end)
            self.start(otherwise, falls=False)
        self.start(end)


def statements_of(node: ast.AST) -> Sequence[ast.stmt]:
    """The statements of a body; a lambda's body returns its value."""
    if isinstance(node, ast.Lambda):
        return [ast.copy_location(ast.Return(node.body), node.body)]
    return getattr(node, "body", [])
