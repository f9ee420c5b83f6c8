"""Selection of the bodies that are run: those that write to something that they (or their callers) also lend.

A quick look at the syntax (`marks`). Most bodies have no root in common.
"""

import ast
from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.classes import class_given, class_kept
from tenure.check.analysis.marks import ONCE, ONCE_EACH, Marks
from tenure.check.lower.expressions import function_of
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.scope import bound_names, last_name, parameters

__all__ = ["callees", "is_generator", "is_small", "may_hand", "worth_running", "written_inside"]

_SMALL = 25
_BY_CALL = frozenset(("__call__", "forward"))
_LAZY = ("jax", "tinygrad", "mlx", "tenure")


def worth_running(program: Program, module: Module, function: Function) -> bool:
    """Whether a body writes to objects that it lends, itself or through a function of the tree."""
    if any(name.startswith(_LAZY) for name in module.imports.values()):
        return True
    marks = Marks.of(module, function)
    if marks.always or not marks.written.isdisjoint(marks.lent):
        return True
    if marks.written and function.name == "forward" and function.in_class is not None:
        # What it writes may be kept for the backward pass.
        return True
    made = [_callee(program, module, function, func) for func in marks.drained]
    if any(isinstance(one, Function) and (is_generator(one) or _gives_once(one)) for one in made):
        return True
    if _hands_on(program, module, function, marks):
        return True
    return any(written_inside(program, callee) for callee in callees(program, module, function, marks))


def _hands_on(program: Program, module: Module, function: Function, marks: Marks) -> bool:
    """Whether a body makes what can be gone through once, and hands it to what may go through it twice.

    That is a function which goes twice through a parameter, or an object that keeps it.
    """
    found = [_callee(program, module, function, func) for func in marks.called]
    named = {one.attr for one in marks.called if isinstance(one, ast.Attribute)}
    classes = [one for one in found if isinstance(one, ClassInfo) and one.given]
    keeping = any(named or "__call__" in one.methods for one in classes)
    found += [one.methods[name] for one in found if isinstance(one, ClassInfo) for name in named & one.methods.keys()]
    callees = [one for one in found if isinstance(one, Function) and isinstance(one.home, Module)]
    if any(is_generator(one) and may_hand(one) for one in callees):
        return True
    twice = any(Marks.of(one.home, one).twice for one in callees if isinstance(one.home, Module))
    if not keeping and not twice:
        return False
    known = any(isinstance(func, ast.Name) and func.id in ONCE for func in marks.called)
    return known or any(is_generator(one) or _gives_once(one) for one in callees)


def callees(program: Program, module: Module, function: Function, marks: Marks) -> Iterator[Function]:
    """The functions of the tree that a body calls."""
    for func in marks.called:
        callee = _callee(program, module, function, func)
        if isinstance(callee, ClassInfo):
            # An object matters by the methods that are called on it here.
            named = {one.attr for one in marks.called if isinstance(one, ast.Attribute)} | _BY_CALL
            yield from (method for name, method in callee.methods.items() if name in named)
            if "__init__" in callee.methods and _writes_arguments(callee):
                yield callee.methods["__init__"]
        elif callee is not None and callee is not function:
            yield callee


def _writes_arguments(info: ClassInfo) -> bool:
    """Whether a constructor writes to what it is given, and not to the new object alone."""
    init = info.methods["__init__"]
    given = {one.arg for one in parameters(init.node)[1:]} | {f"self.{name}" for name in info.given}
    return not given.isdisjoint(Marks.of(info.module, init).written)


def _callee(program: Program, module: Module, function: Function, func: ast.expr) -> Function | ClassInfo | None:
    """The function or class of the tree that a call leads to."""
    callee: object = None
    match func:
        case ast.Name(id=name) if name not in function.locals or function is module.body:
            callee = program.lookup(module, name)
        case ast.Name(id=name):
            callee = _inner(function, name)
        case ast.Attribute(value=ast.Call(func=ast.Name() as made), attr=name):
            info = _callee(program, module, function, made)
            callee = program.find_method(info, name) if isinstance(info, ClassInfo) else None
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if function.in_class is not None:
            info = module.class_at(function.in_class)
            callee = None if info is None else program.find_method(info, name)
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=kept), attr=name) if function.in_class:
            owner = module.class_at(function.in_class)
            info = None if owner is None else class_kept(program, owner, kept)
            callee = None if info is None else program.find_method(info, name)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in module.classes:
            callee = program.find_method(module.classes[name], attribute)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in module.imports:
            callee = program.attribute(program.lookup(module, name), attribute)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in function.locals:
            given = next((one for one in parameters(function.node) if one.arg == name), None)
            info = None if given is None else class_given(program, module, function, given)
            callee = None if info is None else program.find_method(info, attribute)
    return callee if isinstance(callee, Function | ClassInfo) else None


def _inner(function: Function, name: str) -> Function | None:
    """The function of this name that a function defines, where there is one."""
    if name not in function.nested:
        found = [one for one in function.scope.of(ast.FunctionDef, ast.AsyncFunctionDef) if one.name == name]
        only = len(found) == 1 and isinstance(function.node, ast.FunctionDef | ast.AsyncFunctionDef)
        function.nested[name] = function_of(found[0], function) if only else None
    return function.nested[name]


def written_inside(program: Program, function: Function) -> bool:
    """Whether a body writes to a foreign object: a parameter, an alias of one, an outer variable."""
    found = function.writes
    if found is None:
        function.writes = False
        module = function.home
        assert isinstance(module, Module)
        marks = Marks.of(module, function)
        given = {one.arg for one in parameters(function.node)} | marks.lent
        written = {root.partition(".")[0] for root in marks.written if root}
        own = not marks.always and written <= (function.locals - given)
        found = not own or any(written_inside(program, callee) for callee in callees(program, module, function, marks))
        function.writes = found
    return found


def is_generator(function: ops.Function) -> bool:
    """Whether a call of a function makes a generator, which runs later and once."""
    plain = isinstance(function.node, ast.FunctionDef) and not function.node.decorator_list
    return plain and bool(function.scope.of(ast.Yield, ast.YieldFrom))


def may_hand(function: Function) -> bool:
    """Whether a loop of a generator yields a variable that it does not bind."""
    given = [one.value.id for one in function.scope.of(ast.Yield) if isinstance(one.value, ast.Name)]
    given += [ast.unparse(one.value.func) for one in function.scope.of(ast.Yield) if isinstance(one.value, ast.Call)]
    loops = function.scope.of(ast.For, ast.While)
    return bool(given) and bool(loops) and not set(given) <= bound_names(loops)


def _gives_once(function: ops.Function) -> bool:
    """Whether a function returns something that can be gone through a single time."""
    returned = [node.value for node in function.scope.of(ast.Return)]
    values = [part for one in returned for part in (one.elts if isinstance(one, ast.Tuple) else [one])]
    if any(isinstance(one, ast.GeneratorExp) for one in values):
        return True
    return any(isinstance(one, ast.Call) and last_name(one.func) in ONCE_EACH for one in values)


def is_small(function: ops.Function) -> bool:
    """Whether a function is short enough to be summarized although it writes nothing."""
    node = function.node
    return (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) <= _SMALL
