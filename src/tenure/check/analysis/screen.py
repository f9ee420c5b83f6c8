"""Which bodies are worth running: those that write to something that they (or their callers) also lend.

A quick look at the syntax (`marks`). Most bodies have no root in common.
"""

import ast
from collections.abc import Iterator

from tenure.check.analysis.marks import Marks, inside, roots
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.scope import decorator_names, parameters, walk

__all__ = ["CACHES", "worth_running", "written_inside"]

CACHES = frozenset(("lru_cache", "cache", "cached_property"))
"""Decorators that give every caller the same."""

_LAZY = ("jax", "tinygrad", "mlx", "tenure")


def worth_running(program: Program, module: Module, function: Function) -> bool:
    """Whether a body writes to what it lends, itself or through a function of the tree that it calls.

    Or calls a function of its own module of which that holds: the arguments tell there what things are.
    """
    if any(name.startswith(_LAZY) for name in module.imports.values()):
        return True
    marks = Marks.of(module, function)
    if _alone(marks):
        return True
    callees = [(call, _callee(program, module, function, call.func)) for call in marks.called]
    writing = [(call, callee) for call, callee in callees if callee is not None and _writes(program, function, callee)]
    if not writing:
        return False
    lent = inside(marks.lent | _results(program, module, function, marks), module, function)
    return any(_may_hit(call, lent) or acts(program, callee) for call, callee in writing) or any(
        callee.home is module and suspect(program, callee) for _, callee in callees if callee is not None
    )


def _alone(marks: Marks) -> bool:
    return marks.always or not marks.written.isdisjoint(marks.lent)


def _results(program: Program, module: Module, function: Function, marks: Marks) -> set[str]:
    """The names of what calls were given, and of what their results, which may be or hold that, were given to.

    A function that is given nothing makes something new, unless it has a cache: then everybody gets the same.
    """
    out: set[str] = set()
    for value, target in marks.bindings:
        given = inside(roots(value), module, function)
        if not given and isinstance(value, ast.Call):
            callee = _callee(program, module, function, value.func)
            if callee is None or not decorator_names(callee.node) & CACHES:
                continue
        elif not given:
            continue
        out |= given | roots(target)
    return out


def _may_hit(call: ast.Call, lent: set[str]) -> bool:
    """Whether a call that writes to what it is given may be given something that has a second name."""
    for part in (call.func, *call.args, *call.keywords):
        found = roots(part)
        if not found.isdisjoint(lent) or ("self" in found and any(name.startswith("self.") for name in lent)):
            return True
    return any(isinstance(part, ast.Call) for given in (*call.args, *call.keywords) for part in walk(given))


def suspect(program: Program, function: Function) -> bool:
    """Whether something may be found in a body, or in one of its module that it calls."""
    if function.suspect is None:
        function.suspect = False
        module = function.home
        assert isinstance(module, Module)
        marks = Marks.of(module, function)
        function.suspect = _alone(marks) or any(
            callee.home is module and suspect(program, callee) for callee in _callees(program, module, function, marks)
        )
    return function.suspect


def acts(program: Program, function: Function) -> bool:
    """Whether a body, or one that it calls, does what matters to callers though they lend nothing."""
    if function.acts is None:
        function.acts = False
        module = function.home
        assert isinstance(module, Module)
        marks = Marks.of(module, function)
        function.acts = marks.acts or any(
            acts(program, callee) for callee in _callees(program, module, function, marks)
        )
    return function.acts


def _callees(program: Program, module: Module, function: Function, marks: Marks) -> Iterator[Function]:
    for call in marks.called:
        callee = _callee(program, module, function, call.func)
        if callee is not None and callee is not function:
            yield callee


def _callee(program: Program, module: Module, function: Function, func: ast.expr) -> Function | None:
    """The function of the tree that a call leads to."""
    callee: object = None
    match func:
        case ast.Name(id=name) if name not in function.locals or function is module.body:
            callee = program.lookup(module, name)
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if function.in_class is not None:
            info = module.classes.get(function.in_class.name)
            callee = None if info is None else program.find_method(info, name)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in module.imports:
            callee = program.attribute(program.lookup(module, name), attribute)
    if isinstance(callee, ClassInfo):
        return program.find_method(callee, "__init__")
    return callee if isinstance(callee, Function) else None


def _writes(program: Program, function: Function, callee: Function) -> bool:
    return callee is not function and callee.name != "__init__" and written_inside(program, callee)


def written_inside(program: Program, function: Function) -> bool:
    """Whether a body writes to something that is not its own: a parameter, an alias of one, an outer variable."""
    found = function.writes
    if found is None:
        function.writes = False
        module = function.home
        assert isinstance(module, Module)
        marks = Marks.of(module, function)
        given = {one.arg for one in parameters(function.node)} | marks.lent
        written = {root.partition(".")[0] for root in marks.written if root}
        own = not marks.always and written <= (function.locals - given)
        found = not own or any(
            _writes(program, function, callee) for callee in _callees(program, module, function, marks)
        )
        function.writes = found
    return found
