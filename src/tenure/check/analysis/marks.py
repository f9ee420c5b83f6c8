"""Syntactic marks of a body: the roots of its writes (`x` of `x[0] = 1`, `self.buf` of `self.buf.fill_(0)`) and the
roots of second names, iterations, captures and views.
"""

import ast
from collections.abc import Callable
from functools import cache
from typing import Any

from tenure.check.effects.tables import argument_writers, lenders, writers
from tenure.check.ops import Function
from tenure.check.program import Module
from tenure.check.scope import Groups, last_name, parameters, walk

__all__ = ["FILLING", "ONCE", "ONCE_EACH", "Marks"]

_ALWAYS = frozenset(
    ("backward", "step", "borrow", "borrow_mut", "move", "put", "put_nowait", "Thread", "checkpoint",
     "register_forward_hook", "register_hook")
)  # fmt: skip
ONCE = frozenset(("map", "filter", "zip", "iter", "reversed", "parameters", "named_parameters", "chain"))
"""Calls whose result can be gone through a single time."""

_READERS = frozenset(
    ("open", "reader", "DictReader", "walk", "scandir", "finditer", "iglob", "glob", "rglob", "iterdir")
)
ONCE_EACH = ONCE | _READERS
FILLING = frozenset(("readinto", "readinto1", "recv_into", "recvfrom_into"))
"""Methods by which files, sockets and devices fill the buffer that they are given."""

_MEMBERSHIP = frozenset((ast.In, ast.NotIn))
_MADE = (ast.Call, ast.List, ast.Dict, ast.Set)
_ARRAYS = frozenset(("numpy", "torch"))
_EXCHANGED = frozenset(("data", "grad", "_data"))


@cache
def _writing() -> frozenset[str]:
    return writers()


@cache
def _writing_arguments() -> frozenset[str]:
    return argument_writers()


@cache
def _lending() -> frozenset[str]:
    return lenders()


def _handing(module: Module) -> frozenset[str]:
    """The methods of a module with arrays that give out what their object keeps, or a part of it."""
    if module.handing is None:
        arrays = not module.libraries.isdisjoint(_ARRAYS)
        methods = [one for info in module.classes.values() for one in info.methods.values()] if arrays else ()
        module.handing = frozenset(one.name for one in methods if any(map(_kept, one.scope.of(ast.Return))))
    return module.handing


def _kept(node: ast.Return) -> bool:
    """Whether a method returns a part of what its object keeps, or an object that is made of such parts."""
    value = node.value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        parts = [*value.args, *(one.value for one in value.keywords)]
    return any(isinstance(one, ast.Attribute | ast.Subscript) and _root(one).startswith("self.") for one in parts)


class Marks:
    """Writes, loans and calls of one body; `always`: it has to be run whatever the sets say.

    `twice`: the parameters that it goes through more than once.
    """

    __slots__ = ("always", "called", "drained", "lent", "module", "owner", "twice", "written")

    def __init__(self, module: Module, function: Function) -> None:
        self.module = module
        self.owner = module.class_at(function.in_class) if function.in_class is not None else None
        self.written: set[str] = set()
        self.lent: set[str] = set()
        self.called: list[ast.expr] = []
        self.always = False
        self.drained: list[ast.expr] = []
        self._defaults(function.node)
        nodes = function.scope.nodes
        for kind, look in _LOOKS.items():
            for node in nodes.get(kind, ()):
                look(self, node)
        for node in nodes.get(ast.Attribute, ()):
            if node.ctx.__class__ is ast.Store:
                self.exchange(node)
        self._gone_through_twice(function.node, nodes)
        self._kept_defaults()
        del self.module, self.owner

    @classmethod
    def of(cls, module: Module, function: Function) -> "Marks":
        """The marks of a body, made once."""
        found = function.marks
        if not isinstance(found, Marks):
            found = function.marks = cls(module, function)
        return found

    def _defaults(self, node: ast.AST) -> None:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        if any(isinstance(given, _MADE) for given in (*node.args.defaults, *node.args.kw_defaults)):
            self.lent |= {given.arg for given in parameters(node)}

    def _kept_defaults(self) -> None:
        """Note a write to an attribute that is the default value of a parameter."""
        written = [root[5:] for root in self.written if root.startswith("self.")]
        if written and self.owner is not None:
            written += [name for one in written for name in self._behind(one)]
            given = [self.owner.given[name].default for name in written if name in self.owner.given]
            self.always = self.always or any(isinstance(one, _MADE) for one in given)

    def _behind(self, name: str) -> list[str]:
        """The attribute that a property of the class gives out, where it does no more than that."""
        method = self.owner.methods.get(name) if self.owner is not None else None
        body = method.node.body if method is not None and isinstance(method.node, ast.FunctionDef) else []
        root = _root(body[-1].value) if body and isinstance(body[-1], ast.Return) else ""
        return [root[5:]] if root.startswith("self.") else []

    def _gone_through_twice(self, node: ast.AST, nodes: Groups) -> None:
        """Note the calls whose results are iterated several times, where each may give its items once."""
        count: dict[str, int] = {}
        loops = [node.iter for kind in (ast.For, ast.AsyncFor, ast.comprehension) for node in nodes.get(kind, ())]
        given = [one for call in nodes.get(ast.Call, ()) for one in call.args[:1]]
        for one in (*loops, *given):
            if one.__class__ is ast.Name:
                count[one.id] = count.get(one.id, 0) + 1
        for test in nodes.get(ast.Compare, ()):
            if test.ops[0].__class__ in _MEMBERSHIP and test.comparators[0].__class__ is ast.Name:
                # In a loop it is asked again and again.
                count[test.comparators[0].id] = 2
        names = {one.arg for one in parameters(node)} if any(times > 1 for times in count.values()) else ()
        self.twice = frozenset(name for name in names if count.get(name, 0) > 1)
        bound = [(node.targets[0], node.value) for node in nodes.get(ast.Assign, ())]
        bound += [(item.optional_vars, item.context_expr) for node in nodes.get(ast.With, ()) for item in node.items]
        for target, value in bound:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            again = any(isinstance(one, ast.Name) and count.get(one.id, 0) > 1 for one in parts)
            if isinstance(value, ast.Call) and again:
                self.drained.append(value.func)
                self.always = self.always or last_name(value.func) in _READERS

    def lend(self, node: ast.expr | None, *, target: ast.expr | None = None) -> None:
        """Note an expression that gets a second name, is iterated or captured."""
        root = _root(node)
        if root:
            self.lent.add(root)
        if isinstance(target, ast.Name):
            self.lent.add(target.id)
        elif target is not None:
            self.lent |= {part.id for part in walk(target) if isinstance(part, ast.Name)}
            self.lent |= {root for root in (_root(target),) if root}

    def assign(self, node: ast.Assign) -> None:
        value, targets = node.value, node.targets
        if len(targets) > 1:
            for target in targets:
                self.lend(target)
        for target in targets:
            if isinstance(target, ast.Tuple) and any(isinstance(part, ast.Subscript) for part in target.elts):
                self.always = True
            match value:
                case ast.Call():
                    self._assigned_call(value, target)
                case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Starred() | ast.IfExp() | ast.BoolOp():
                    for part in _choices(value):
                        self.lend(part, target=target)
                case ast.Tuple(elts=elements) | ast.List(elts=elements):
                    for element in elements:
                        self.lend(element, target=target if _root(element) else None)
                        if isinstance(element, ast.Call):
                            self._assigned_call(element, target)
                case ast.Dict(values=elements):
                    for element in elements:
                        self.lend(element)
                case ast.BinOp(op=ast.Mult(), left=ast.List()) | ast.BinOp(op=ast.Mult(), right=ast.List()):
                    self.lend(None, target=target)
                case ast.ListComp() | ast.DictComp():
                    self.lend(None, target=target)
                case ast.GeneratorExp():
                    self.always = True
            if isinstance(target, ast.Subscript | ast.Attribute):
                self.lend(value)

    def _assigned_call(self, call: ast.Call, target: ast.expr) -> None:
        match call.func:
            case ast.Attribute(attr=name, value=receiver):
                if name in ONCE:
                    self.always = True
                if name in _lending():
                    self.lend(receiver, target=target)
                    for given in call.args:
                        self.lend(given)
                elif name.endswith("_") or name in _handing(self.module):
                    self.lend(receiver, target=target)
            case ast.Name(id=name):
                self.always = self.always or name in ONCE
                if name in self.module.functions or name in self.module.imports:
                    self.lend(None, target=target)
                    for given in call.args:
                        self.lend(given)

    def loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        for part in walk(node.iter):
            if isinstance(part, ast.Name | ast.Attribute):
                self.lend(part)
        self.lend(None, target=node.target)

    def repeat(self, node: ast.BinOp) -> None:
        display = node.left if isinstance(node.left, ast.List) else node.right
        if isinstance(node.op, ast.Mult) and isinstance(display, ast.List):
            self.always = self.always or any(isinstance(part, ast.Call) for part in display.elts)

    def augment(self, node: ast.AugAssign) -> None:
        root = _root(node.target)
        self.written.add(root)
        if isinstance(node.target, ast.Subscript):
            self.always = self.always or any(
                isinstance(part, ast.Subscript) and _root(part) == root for part in walk(node.value)
            )

    def subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.written.add(_root(node))
            self.always = self.always or isinstance(node.value, ast.Subscript)

    def exchange(self, node: ast.Attribute) -> None:
        if node.attr in _EXCHANGED or not isinstance(node.value, ast.Name):
            self.written.add(_root(node.value))
            self.always = self.always or node.attr in _EXCHANGED

    def call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Attribute(attr=name, value=receiver):
                self.always = self.always or name in _ALWAYS
                if name in _writing():
                    self.written.add(_root(receiver))
                    self.always = self.always or (name.endswith("_") and isinstance(receiver, ast.Subscript))
                    for given in node.args:
                        for part in _parts(given):
                            self.lend(part)
                self._argument(node, name)
                if _root(receiver).startswith("self."):
                    # An object of its own may keep what it is given.
                    for given in node.args:
                        if given.__class__ is ast.Attribute:
                            self.lend(given)
            case ast.Name(id=name):
                self.always = self.always or name in _ALWAYS
                self._argument(node, name)
        if len(node.args) > 1 and node.args[-1].__class__ is node.args[0].__class__ is ast.Subscript:
            # An operand by the same index as what is written.
            self.always = self.always or ast.unparse(node.args[-1]) == ast.unparse(node.args[0])
        if node.args and isinstance(node.args[0], ast.Name) and last_name(node.func) == "Parameter":
            self.always = True
        for keyword in node.keywords:
            if keyword.arg == "out":
                self.written.add(_root(keyword.value))
                self.always = self.always or isinstance(keyword.value, ast.Subscript)
            elif keyword.arg == "inplace" and node.args:
                self.written.add(_root(node.args[0]))
            elif keyword.arg == "non_blocking":
                self.always = True
        if node.func.__class__ is ast.Name or node.func.__class__ is ast.Attribute:
            self.called.append(node.func)

    def _argument(self, node: ast.Call, name: str) -> None:
        """Note the argument that a function of a library, or a module in place, writes: the first one."""
        if node.args and (name in _writing_arguments() or name in FILLING or self._in_place(node, name)):
            self.written.add(_root(node.args[0]))
            self.lend(node.args[0])

    def _in_place(self, node: ast.Call, name: str) -> bool:
        on_self = isinstance(node.func, ast.Attribute) and _root(node.func) == f"self.{name}"
        return on_self and self.owner is not None and name in self.owner.in_place


_LOOKS: dict[type[ast.AST], Callable[[Marks, Any], None]] = {
    ast.Assign: Marks.assign, ast.For: Marks.loop, ast.AsyncFor: Marks.loop, ast.comprehension: Marks.loop,
    ast.AugAssign: Marks.augment, ast.Subscript: Marks.subscript, ast.Call: Marks.call, ast.BinOp: Marks.repeat,
}  # fmt: skip


def _parts(node: ast.expr) -> list[ast.expr]:
    """An expression, or the items of the display that it is."""
    if isinstance(node, ast.Tuple | ast.List):
        return node.elts
    return [one for one in node.values if one is not None] if isinstance(node, ast.Dict) else [node]


def _choices(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return [*_choices(body), *_choices(orelse)]
        case ast.BoolOp(values=values):
            return values
    return [node]


def _root(node: ast.AST | None) -> str:
    """The variable (or attribute of self) that an expression starts from; "" if it is none."""
    at: Any = node
    while True:
        kind = at.__class__
        if kind is ast.Name:
            return at.id  # type: ignore[no-any-return]
        if kind is ast.Call:
            at = at.func
            if at.__class__ is not ast.Attribute:
                return ""
        elif kind is ast.Attribute and at.value.__class__ is ast.Name and at.value.id == "self":
            return f"self.{at.attr}"
        elif kind not in _LEADING:
            return ""
        at = at.value


_LEADING = frozenset((ast.Attribute, ast.Subscript, ast.Starred))
