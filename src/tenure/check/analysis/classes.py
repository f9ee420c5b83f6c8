"""The class of the tree that a parameter is an instance of, where no caller shows it."""

import ast

from tenure.check.analysis.evidence import annotation
from tenure.check.effects import tables
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module, Program

__all__ = ["class_given", "class_kept"]

_BUILTIN = (list, dict, set, str, bytes, tuple)


def class_given(program: Program, module: Module, function: Function, given: ast.arg) -> ClassInfo | None:
    """The class of a parameter: by its annotation, else by its name and the methods that are called on it.

    Where the name is another, one class of the module has all of them, and one that no container, text or array has.
    """
    if given.annotation is not None:
        return annotation(program, module, given.annotation).target
    used = [one for one in sorted(function.scope.uses.methods.get(given.arg, ())) if not one.startswith("__")]
    called = "__call__" in function.scope.uses.methods.get(given.arg, ())
    if not used and not called:
        return None
    named = [info for name, info in module.classes.items() if name.lower() == given.arg.replace("_", "").lower()]
    if named and all(program.find_method(named[0], one) for one in used or ("forward",)):
        return named[0]
    if not used or not any(map(_own, used)):
        return None
    found = [info for info in module.classes.values() if all(program.find_method(info, one) for one in used)]
    ways = {tuple(id(program.find_method(info, one)) for one in used) for info in found}
    return found[0] if len(ways) == 1 else None


def class_kept(program: Program, owner: ClassInfo, name: str) -> ClassInfo | None:
    """The class of what an object keeps in an attribute: by its annotation, or by the one call that makes it."""
    given, made = owner.given.get(name), owner.attributes.get(name, ())
    if given is not None and given.annotation is not None:
        return annotation(program, owner.module, given.annotation).target
    found = program.resolve(owner.module, made[0].func) if len(made) == 1 and isinstance(made[0], ast.Call) else None
    return found if isinstance(found, ClassInfo) else None


def _own(method: str) -> bool:
    """Whether no value of a library or of the language has a method of this name."""
    if any(hasattr(kind, method) for kind in _BUILTIN):
        return False
    return all(tables.method(kind, method) is None for kind in ("tensor", "ndarray", "module", "optimizer", "iterator"))
