"""``tn.check_package``: every function of a package checked, as its modules are imported.

A module's source is compiled with ``tn.checked`` as the first decorator of each function whose annotations name
``Ref``, ``Mut`` or ``Own``; nothing of that is kept in ``__pycache__``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from tenure.errors import TenureError
from tenure.func.checked import checked

NAME = "__tenure_checked__"
KINDS = frozenset(("Ref", "Mut", "Own"))
_packages: set[str] = set()


def check_package(name: str) -> None:
    """Keep ``tn.Ref``, ``tn.Mut`` and ``tn.Own`` in a package: in each of its modules that is imported from now on.

    Call it before the package is imported, or first thing in its ``__init__.py`` (``tn.check_package(__name__)``).
    TenureError if the package has been imported already, and so escapes the check.

    >>> tn.check_package("my_models")
    """
    found = sys.modules.get(name)
    if found is not None and not getattr(found.__spec__, "_initializing", False) and name not in _packages:
        raise TenureError(
            f"the package {name} has been imported already, and is not checked",
            help="call check_package before the first import, or in the package's own __init__.py",
        )
    _packages.add(name)
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


class Finder(MetaPathFinder):
    """Finds the modules of checked packages, as the path finder does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of a checked package, with another loader."""
        if not any(fullname == name or fullname.startswith(f"{name}.") for name in _packages):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


class Loader(SourceFileLoader):
    """Loads a module with its functions checked."""

    def get_code(self, fullname: str) -> CodeType:
        """The code, compiled anew: cached code is that of the module as it is written."""
        path = self.get_filename(fullname)
        tree = Decorator().visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Run it."""
        vars(module)[NAME] = checked
        super().exec_module(module)


class Decorator(ast.NodeTransformer):
    """Puts the decorator before all others of a function that names a kind of passing."""

    def visit_FunctionDef(self, node: Any) -> Any:
        """A function, and those within."""
        self.generic_visit(node)
        a = node.args
        given = [*a.posonlyargs, *a.args, *a.kwonlyargs, *[x for x in (a.vararg, a.kwarg) if x is not None]]
        if any(_names_kind(x.annotation) for x in given):
            at = ast.Name(NAME, ast.Load())
            node.decorator_list.append(ast.copy_location(at, node))
        return node

    visit_AsyncFunctionDef = visit_FunctionDef


def _names_kind(annotation: ast.expr | None) -> bool:
    """Whether an annotation names a kind of passing, be it in a string."""
    if annotation is None:
        return False
    for node in ast.walk(annotation):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
        if name in KINDS:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and any(k in node.value for k in KINDS):
            return True
    return False
