"""Kinds of objects by their class, by their field, or by the form of an expression."""

import ast

from tenure.check.analysis.evidence import annotation, guess_class
from tenure.check.effects import tables
from tenure.check.effects.effect import MUTABLE
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.scope import decorator_names
from tenure.check.values import Obj

__all__ = ["TO_A_NUMBER", "example_of", "instance_kind", "library_kind", "record_fields", "trained"]

_DISPLAYS = {
    ast.List: "list", ast.ListComp: "list", ast.Dict: "dict", ast.DictComp: "dict", ast.Set: "set", ast.SetComp: "set",
    ast.Tuple: "tuple", ast.Constant: "scalar", ast.JoinedStr: "scalar",
}  # fmt: skip

TO_A_NUMBER = frozenset(
    ("sum", "prod", "mean", "std", "var", "all", "any", "max", "min", "argmax", "argmin", "ptp", "median", "nansum",
     "nanmean", "nanmax", "nanmin", "nanstd", "average", "count_nonzero", "amax", "amin", "vdot")
)  # fmt: skip
"""Reductions of a NumPy array to one number, unless an axis is given: numbers never change in place."""

_BY_SHAPE = frozenset(("zeros", "ones", "empty", "full"))


def part_kind(program: Program, obj: Obj, name: object) -> Obj:
    """The kind of a field, by its assignments in the class, or by such fields of the library."""
    example = Obj("unknown")
    if name == "grad":
        example.kind = obj.kind
        return example
    if isinstance(obj.target, ClassInfo) and isinstance(name, str):
        found = _attribute_kind(program, obj.target, name)
        if found is not None:
            return found
    if obj.kind == "module":
        if name in ("weight", "bias", "in_proj_weight", "running_mean", "running_var"):
            example.kind, example.grad, example.leaf = "tensor", str(name)[:7] != "running", True
        elif isinstance(name, int | Obj) or name == "*":
            example.kind = "module"
            if obj.ends is not None and not str(obj.target).endswith("nn.Sequential"):
                example.target, example.text, example.ends = obj.ends.target, obj.ends.text, obj.ends.ends
    if obj.kind == "optimizer" and name in ("param_groups", "state"):
        example.kind = "list" if name == "param_groups" else "dict"
    if obj.field == "state" and obj.owner is not None and obj.owner.kind == "optimizer":
        example.kind = "dict"
    elif obj.owner is not None and obj.owner.field == "state" and obj.kind == "dict":
        example.kind = "tensor"
    if obj.kind == "tenure-module" and name in ("weight", "bias"):
        example.kind, example.grad, example.leaf = "var", True, True
    return example


def _attribute_kind(program: Program, info: ClassInfo, name: str) -> Obj | None:
    for base in program.bases(info):
        if isinstance(base, ClassInfo) and name in base.given:
            example = _of_given(program, base, name)
            if example.kind != "unknown":
                return example
        if not isinstance(base, ClassInfo) or name not in base.attributes:
            continue
        found = [example_of(program, base.module, given) for given in base.attributes[name]]
        if len(found) == 1 and str(found[0].target).endswith("nn.Sequential") and name in base.in_place:
            found[0].text = "in-place"
        known = [one for one in found if one.kind != "scalar" or one.const is not None]
        if known and all(one.kind == known[0].kind for one in known):
            if any((one.target, one.text) != (known[0].target, known[0].text) for one in known):
                known[0].target, known[0].text = None, ""
            return known[0]
        if not known and (kind := _by_use(info, name)) != "unknown":
            # None until a subclass, or another object, puts something there.
            return Obj(kind)
        return None
    return None


def _of_given(program: Program, info: ClassInfo, name: str) -> Obj:
    """An example of an attribute by its annotation, by the default value that is kept in it, and by its use."""
    given = info.given[name]
    said = annotation(program, info.module, given.annotation)
    example = Obj(said.kind, target=said.target)
    default = Obj("unknown") if given.default is None else example_of(program, info.module, given.default)
    if default.kind in MUTABLE and example.kind in ("unknown", default.kind):
        example.kind, example.default, example.node = default.kind, True, given.default
    if example.kind == "unknown":
        example.kind = _by_use(info, name)
    return example


def _by_use(info: ClassInfo, name: str) -> str:
    """The kind of an attribute by the methods that its class calls on it."""
    used = info.uses.get(name, set()) if "torch" in info.module.libraries else set()
    if {"step", "zero_grad"} <= used:
        return "optimizer"
    return "module" if used & {"parameters", "named_parameters", "state_dict"} else "unknown"


def trained(info: ClassInfo, name: object) -> str | None:
    """The attribute with the module that an optimizer was made for: `self.opt = Adam(self.model.parameters())`."""
    given = info.attributes.get(str(name), ())
    match given:
        case [ast.Call(args=[ast.Call(func=ast.Attribute(value=value, attr="parameters")), *_])]:
            match value:
                case ast.Attribute(value=ast.Name(id="self"), attr=module):
                    return module
        case () | [ast.Constant()] | [ast.Name()]:
            # Made elsewhere: for the one module that the class has.
            modules = [module for module in info.uses if _by_use(info, module) == "module"]
            return modules[0] if len(modules) == 1 else None
    return None


def example_of(program: Program, module: Module, node: ast.expr) -> Obj:
    """An example of an expression's value, by its form alone."""
    out = Obj(_DISPLAYS.get(type(node), "unknown"))
    if isinstance(node, ast.Constant):
        out.const = node.value
    if isinstance(node, ast.Call):
        target = program.resolve(module, node.func)
        if isinstance(target, ClassInfo):
            out.kind, out.target = instance_kind(program, target), target
        elif isinstance(target, Function):
            return _result_of(program, target) or out
        elif isinstance(target, str):
            effect = tables.function(target)
            name = target.rpartition(".")[2]
            kind = effect.kind if effect is not None else guess_class(target, name)
            out.kind = kind if kind not in (None, "same") else "unknown"
            if out.kind == "ndarray" and (name == "dot" or name in TO_A_NUMBER):
                out.kind = "unknown"
            out.target = target
            if kind == "module":
                out.text = "in-place" if _in_place(target, node) else "library"
                out.ends = _ending(program, module, target, node)
                first = node.args[0] if node.args and target.endswith("nn.Sequential") else None
                out.begins = example_of(program, module, first) if isinstance(first, ast.Call) else None
            if name == "Parameter":
                out.grad = out.leaf = not _frozen(node)
            if any(one.arg == "pin_memory" for one in node.keywords) and out.kind == "tensor":
                out.text = "pinned"
            if name in _BY_SHAPE and node.args and isinstance(node.args[0], ast.Tuple):
                out.ndim = len(node.args[0].elts)
    return out


def _result_of(program: Program, function: Function) -> Obj | None:
    """An example of a module that a function of the tree makes and returns: `def block(n): return Sequential(...)`."""
    returned = [one.value for one in function.scope.of(ast.Return)]
    if len(returned) != 1 or not isinstance(returned[0], ast.Call) or not isinstance(function.home, Module):
        return None
    made = program.resolve(function.home, returned[0].func)
    found = example_of(program, function.home, returned[0]) if isinstance(made, str | ClassInfo) else None
    return found if found is not None and found.kind == "module" else None


def _ending(program: Program, module: Module, target: str, node: ast.Call) -> Obj | None:
    """The last module of `nn.Sequential(a, b)`, or one of `nn.ModuleList(f(x) for x in xs)`."""
    match node.args:
        case [*_, ast.Call() as last] if target.endswith("nn.Sequential"):
            return example_of(program, module, last)
        case [ast.ListComp(elt=ast.Call() as each) | ast.GeneratorExp(elt=ast.Call() as each)] if target.endswith(
            "nn.ModuleList"
        ):
            return example_of(program, module, each)
    return None


def _frozen(node: ast.Call) -> bool:
    """Whether a parameter is made with `requires_grad=False`."""
    given = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "requires_grad")]
    return any(isinstance(one, ast.Constant) and one.value is False for one in given)


def _in_place(target: str, node: ast.Call) -> bool:
    """Whether a module is made to work in place: `nn.ReLU(True)`, `nn.Dropout(0.5, inplace=True)`."""
    match node.args:
        case [ast.Call(func=ast.Attribute(attr=name)) as first, *_] if target.endswith("nn.Sequential"):
            return _in_place(f"torch.nn.{name}", first)
    at = tables.works_in_place(target)
    given = [one.value for one in node.keywords if one.arg == "inplace"]
    given += node.args[at : at + 1] if at is not None else []
    return any(isinstance(one, ast.Constant) and one.value is True for one in given)


def instance_kind(program: Program, info: ClassInfo) -> str:
    """The kind of a class's instances: that of the library class it derives from, if any."""
    for base in program.bases(info):
        if isinstance(base, str):
            kind = guess_class(base, base.rpartition(".")[2])
            if kind in ("module", "tenure-module", "optimizer", "tenure-optimizer"):
                return str(kind)
    return "instance"


def record_fields(program: Program, info: ClassInfo) -> list[str]:
    """The fields of a dataclass or a named tuple, in the order of its constructor; none of another class."""
    bases = program.bases(info)
    named = any(isinstance(base, str) and base.rpartition(".")[2] == "NamedTuple" for base in bases)
    out: list[str] = []
    for base in reversed(bases):
        if isinstance(base, ClassInfo) and (named or "dataclass" in decorator_names(base.node)):
            notes = [one for one in base.node.body if isinstance(one, ast.AnnAssign)]
            out += [one.target.id for one in notes if isinstance(one.target, ast.Name) and one.target.id not in out]
    return out


def library_kind(program: Program, obj: Obj) -> str | None:
    """The kind of an instance by the library class that its own class derives from."""
    if not isinstance(obj.target, ClassInfo):
        return None
    for base in program.bases(obj.target):
        kind = tables.class_kind(base) if isinstance(base, str) else None
        if kind not in (None, "scalar"):
            return kind
    return None
