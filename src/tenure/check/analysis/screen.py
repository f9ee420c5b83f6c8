"""Which bodies are worth running: those that write to more than their own names, and so may surprise a loan."""

import ast
from functools import cache

from tenure.check.effects.tables import writers
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module, Program

__all__ = ["worth_running", "written_inside"]

_ALWAYS = frozenset(("backward", "step", "borrow", "borrow_mut", "move", "put", "put_nowait", "Thread", "checkpoint"))
_ONCE = frozenset(("map", "filter", "zip", "iter", "reversed", "parameters", "named_parameters", "chain"))
_EXCHANGED = frozenset(("data", "grad", "_data"))
_LAZY = ("jax", "tinygrad", "mlx")


@cache
def _writing() -> frozenset[str]:
    return writers() | _ALWAYS


def worth_running(program: Program, module: Module, function: Function) -> bool:
    """Whether a body writes to something, itself or through a function of the tree that it calls."""
    if any(name.startswith(_LAZY) for name in module.imports.values()):
        return True
    body = function.node.body
    stack: list[ast.AST] = list(body) if isinstance(body, list) else [body]
    called: list[ast.expr] = []
    while stack:
        at = stack.pop()
        if isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if _writes(at):
            return True
        if isinstance(at, ast.Call) and (at.args or at.keywords):
            called.append(at.func)
        stack += ast.iter_child_nodes(at)
    return any(_callee_writes(program, module, function, func) for func in called)


def _writes(at: ast.AST) -> bool:
    """Whether a node by itself writes to something that others may hold."""
    match at:
        case ast.AugAssign():
            return True
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            return True
        case ast.Attribute(ctx=ast.Store(), attr=name, value=value):
            return name in _EXCHANGED or not isinstance(value, ast.Name)
        case ast.Call(func=ast.Attribute(attr=name), keywords=keywords):
            return name in _writing() or any(keyword.arg == "out" for keyword in keywords)
        case ast.Call(func=ast.Name(id=name)):
            return name in _ALWAYS
        case ast.Assign(value=ast.GeneratorExp()):
            return True
        case ast.Assign(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name in _ONCE
    return False


def _callee_writes(program: Program, module: Module, function: Function, func: ast.expr) -> bool:
    """Whether a called function of the tree writes, by its own syntax, to one of its parameters."""
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
        return False
    return isinstance(callee, Function) and callee is not function and written_inside(callee.node)


@cache
def written_inside(node: ast.AST) -> bool:
    """Whether a body, or what is defined in it, writes by its own syntax."""
    return any(_writes(at) for at in ast.walk(node))
