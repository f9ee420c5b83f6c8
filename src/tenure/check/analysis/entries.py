"""The state at the start of a body: the objects of its parameters."""

import ast
import re

from tenure.check.analysis.classes import class_given
from tenure.check.analysis.evidence import annotation, container_by_use, only_torch
from tenure.check.analysis.indices import imports
from tenure.check.analysis.kinds import example_of, instance_kind
from tenure.check.analysis.machine import Machine
from tenure.check.effects import tables
from tenure.check.effects.effect import MUTABLE
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module
from tenure.check.scope import decorator_names, default_of, parameters
from tenure.check.state import State
from tenure.check.values import Obj, Ref, adopt, plain

__all__ = ["class_of", "entry", "given_object", "kind_by_use", "missing_argument"]


_OPTIMIZERS = re.compile(r"(opt|optim|optimizer)($|_|·)|\w+_(opt|optim|optimizer)($|·)")
"""Names of optimizers."""

_WEIGHTS = re.compile(r"(w\d*|weights?|theta|params?|bias|coef)($|_)")
"""Names of tensors that are trained."""

_FRAMES = re.compile(r"(\w+_)?df\d?|data_?frame|frame")
"""Names of frames of pandas."""

_OF_LEAVES = frozenset(("grad", "data", "requires_grad"))


def entry(m: Machine, function: Function) -> State:
    """The state at the start of a body: its parameters refer to given objects."""
    said = [(given.arg, given.annotation) for given in parameters(function.node) if given.annotation is not None]
    m.said = {name: annotation(m.program, m.module, node) for name, node in said}
    state = State()
    for at, given in enumerate(parameters(function.node)):
        state.cells[given.arg] = (Ref(parameter(m, function, given, at)),)
    if imports(m, "torch") and not isinstance(function.node, ast.Lambda) and _differentiates(m, function):
        _tracked(m, function, state)
    _held(m, state)
    return state


def _differentiates(m: Machine, function: Function) -> bool:
    """Whether a body has a backward pass and calls nothing but functions of libraries: given tensors have gradients."""
    calls = function.scope.of(ast.Call)
    if not any(isinstance(call.func, ast.Attribute) and call.func.attr == "backward" for call in calls):
        return False
    return not any(
        (isinstance(func, ast.Name) and not isinstance(m.program.resolve(m.module, func), str))
        or (isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "self")
        for func in (call.func for call in calls)
    )


def _tracked(m: Machine, function: Function, state: State) -> None:
    """Take the one given tensor, or those that are named or used as weights, for leaves of the graph."""
    pairs = [(one.left, one.right) for one in function.scope.of(ast.BinOp)]
    operands = {part.id for pair in pairs for part in pair if isinstance(part, ast.Name)}
    found: dict[str, Obj] = {}
    for name, value in state.cells.items():
        obj = value[0].obj
        if name in m.context or not isinstance(name, str):
            continue
        used = function.scope.uses.methods.get(name, set())
        whole = {one for one in used if not one.startswith("__")}
        if obj.kind == "unknown" and obj.target is None and (name in operands or whole):
            known = all(tables.method("tensor", one) is not None for one in whole)
            obj.kind = "tensor" if known and "__iter__" not in used else "unknown"
        if obj.kind == "tensor":
            found[name] = obj
    asked = {ast.unparse(one.value) for one in function.scope.of(ast.Attribute) if one.attr in _OF_LEAVES}
    shown = [name for name in found if name in asked or _WEIGHTS.match(name)]
    for name in shown or (found if len(found) == 1 else ()):
        found[name].grad = True


def _held(m: Machine, state: State) -> None:
    """Take a given optimizer for that of the given module, where there is one of each."""
    given = [value[0].obj for value in state.cells.values()]
    optimizers = [obj for obj in given if obj.kind == "optimizer" and isinstance(obj.parameter, str)]
    modules = [obj for obj in given if obj.kind == "module" and obj.parameter != "self"]
    if len(optimizers) == len(modules) == 1:
        state.cells[(optimizers[0], "*")] = (Ref(m.everything(modules[0])),)
    elif len(optimizers) == 1 and not modules and (tensors := [obj for obj in given if obj.grad]):
        state.cells[(optimizers[0], "*")] = tuple(map(Ref, tensors))


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
    if given.annotation is not None and m.program.resolve(m.module, given.annotation) == "pathlib.Path":
        obj.target = "pathlib.Path"
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
    if obj.kind == "unknown" and obj.target is None and imports(m, "pandas") and _is_frame(m, given):
        obj.target = "pandas.DataFrame"
    if obj.kind == "unknown" and given.annotation is None and obj.target is None:
        _by_its_methods(m, function, given, obj)
    return obj


def _is_frame(m: Machine, given: ast.arg) -> bool:
    """Whether a parameter is a frame of pandas, by its annotation or name."""
    if given.annotation is not None:
        return m.program.resolve(m.module, given.annotation) == "pandas.DataFrame"
    return _FRAMES.fullmatch(given.arg) is not None


def _by_its_methods(m: Machine, function: Function, given: ast.arg, obj: Obj) -> None:
    home = function.home
    info = class_given(m.program, home, function, given) if isinstance(home, Module) else None
    if info is not None:
        obj.kind, obj.target = instance_kind(m.program, info), info


def class_of(m: Machine, node: ast.ClassDef) -> ClassInfo | None:
    """The class of a method."""
    return m.module.class_at(node)


def _only_arrays(m: Machine) -> str:
    """The kind of what is subtracted and has items that are bound anew, where one library alone has such values."""
    found = [kind for library, kind in (("numpy", "ndarray"), ("torch", "tensor")) if imports(m, library)]
    others = any(imports(m, library) for library in ("pandas", "scipy", "xarray", "jax", "sympy"))
    return found[0] if len(found) == 1 and not others else ""


def kind_by_use(m: Machine, name: str, *, given: bool = False, function: Function | None = None) -> str:
    """The kind of a variable (`given`: of a parameter), by the methods called on it."""
    used = (function or m.function).scope.uses.methods.get(plain(name), ())
    if used and any(only_torch(method) for method in used) and imports(m, "torch"):
        return "tensor"
    if kind := container_by_use(used, given=given):
        return kind
    if {"__sub__", "__setitem__"} <= set(used) and "__named__" not in used and (kind := _only_arrays(m)):
        return kind
    if "step" in used and ("zero_grad" in used or (_OPTIMIZERS.match(name) and imports(m, "torch"))):
        return "tenure-optimizer" if imports(m, "tenure") else "optimizer"
    trained = imports(m, "torch") or imports(m, "tenure")
    stored = {"state_dict", "load_state_dict"} <= set(used) and not {"step", "zero_grad"} & set(used)
    if "named_parameters" in used or stored or ("parameters" in used and trained):
        return "tenure-module" if imports(m, "tenure") else "module"
    return "unknown"
