"""The state at the start of a body: the objects of its parameters."""

import ast

from tenure.check.analysis.evidence import annotation, container_by_use, only_torch
from tenure.check.analysis.indices import imports
from tenure.check.analysis.kinds import example_of, instance_kind
from tenure.check.analysis.machine import Machine
from tenure.check.effects.effect import MUTABLE
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module
from tenure.check.scope import decorator_names, default_of, parameters
from tenure.check.state import State
from tenure.check.values import Obj, Ref, adopt, plain

__all__ = ["class_of", "entry", "given_object", "kind_by_use", "missing_argument"]


def entry(m: Machine, function: Function) -> State:
    """The state at the start of a body: its parameters refer to given objects."""
    said = [(given.arg, given.annotation) for given in parameters(function.node) if given.annotation is not None]
    m.said = {name: annotation(m.program, m.module, node) for name, node in said}
    state = State()
    for at, given in enumerate(parameters(function.node)):
        state.cells[given.arg] = (Ref(parameter(m, function, given, at)),)
    _held(m, state)
    return state


def _held(m: Machine, state: State) -> None:
    """Take a given optimizer for that of the given module, where there is one of each."""
    given = [value[0].obj for value in state.cells.values()]
    optimizers = [obj for obj in given if obj.kind == "optimizer" and isinstance(obj.parameter, str)]
    modules = [obj for obj in given if obj.kind == "module" and obj.parameter != "self"]
    if len(optimizers) == len(modules) == 1:
        state.cells[(optimizers[0], "*")] = (Ref(m.everything(modules[0])),)


def parameter(m: Machine, function: Function, given: ast.arg, at: int) -> Obj:
    """The object of a parameter: by the argument, where one is known, and by its default value."""
    obj = given_object(m, function, given, at)
    example = m.context.get(given.arg)
    if example is not None and example.kind != "unknown":
        adopt(obj, example)
    default = default_of(function.node, given)
    if default is not None and given.arg not in m.context:
        example = example_of(m.program, m.module, default)
        if example.kind in MUTABLE:
            obj.default = True
            obj.node = default
            if obj.kind == "unknown":
                obj.kind, obj.ndim = example.kind, example.ndim
    return obj


def missing_argument(m: Machine, function: Function, given: ast.arg, at: int) -> Obj:
    """The object of a parameter that a call leaves to its default value: the same one at each call."""
    key = ("default", function.node, given.arg)
    known = m.objects.get(key)
    if known is None:
        default = default_of(function.node, given)
        assert isinstance(function.home, Module)
        known = m.objects[key] = Obj("unknown") if default is None else example_of(m.program, function.home, default)
        known.node, known.text, known.default, known.field = default, "", known.kind in MUTABLE, given.arg
    return known


def given_object(m: Machine, function: Function, given: ast.arg, at: int) -> Obj:
    """The object of a parameter, by its annotation and by the methods called on it."""
    obj = Obj("unknown", given, parameter=given.arg)
    if (said := m.said.get(given.arg)) is not None:
        obj.kind, obj.target = said.kind, said.target
    if isinstance(function.node, ast.Lambda):
        return obj
    if at == 0 and function.in_class is not None and "staticmethod" not in decorator_names(function.node):
        info = class_of(m, function.in_class)
        if info is not None:
            obj.target, obj.kind = info, instance_kind(m.program, info)
    arguments = function.node.args if isinstance(function.node, ast.FunctionDef | ast.AsyncFunctionDef) else None
    if arguments is not None and given is arguments.vararg:
        obj.kind = "tuple"
    elif arguments is not None and given is arguments.kwarg:
        obj.kind = "dict"
    if obj.kind == "unknown":
        obj.kind = kind_by_use(m, given.arg, given=True, function=function)
    return obj


def class_of(m: Machine, node: ast.ClassDef) -> ClassInfo | None:
    """The class of a method."""
    info = m.module.classes.get(node.name)
    return info if info is not None and info.node is node else None


def kind_by_use(m: Machine, name: str, *, given: bool = False, function: Function | None = None) -> str:
    """The kind of a variable (`given`: of a parameter), by the methods called on it."""
    used = (function or m.function).scope.uses.methods.get(plain(name), ())
    if used and any(only_torch(method) for method in used) and imports(m, "torch"):
        return "tensor"
    if kind := container_by_use(used, given=given):
        return kind
    if {"step", "zero_grad"} <= set(used) and imports(m, "torch"):
        return "optimizer"
    trained = imports(m, "torch") or imports(m, "tenure")
    if "named_parameters" in used or ("parameters" in used and trained):
        return "tenure-module" if imports(m, "tenure") else "module"
    return "unknown"
