"""Lazy public names (PEP 562), read from the package's type stub: one list for readers, types and run time.

A line `from tenure.dtypes import float32 as float32` in `__init__.pyi` makes `tenure.float32` public; a line
`from tenure import nn as nn` makes the subpackage so.
"""

import ast
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from time import time
from typing import Any

BEGUN = time()
"""Time at which the process imported the package."""


def attach(namespace: dict[str, Any]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` (which also gives `__all__`) and `__dir__` for the package whose globals are `namespace`."""
    package = namespace["__name__"]

    def get(name: str) -> Any:
        if name == "__all__":
            return sorted(_exports(namespace["__file__"]))
        module = _exports(namespace["__file__"]).get(name)
        if module is None:
            here = sys.modules.get(package)  # with the object, Python suggests the name that was meant
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=here)
        if module == package:
            return imported(f"{package}.{name}")
        value = namespace[name] = getattr(imported(module), name)
        return value

    def names() -> list[str]:
        return sorted(namespace.keys() | _exports(namespace["__file__"]).keys())

    return get, names


def imported(module: str) -> Any:
    """A module. One thread at a time imports: two that enter a package at different modules would wait for each other,
    and Python would give one of them a module half made. No module of this package asks for a public name meanwhile."""
    with IMPORTING:
        return import_module(module)


IMPORTING = threading.RLock()

if hasattr(os, "register_at_fork"):  # a child must not inherit it from a thread that it does not have
    os.register_at_fork(before=IMPORTING.acquire, after_in_parent=IMPORTING.release, after_in_child=IMPORTING.release)


@cache
def _exports(init: str) -> dict[str, str]:
    """The module that each public name comes from, by the stub beside the package's `__init__.py`."""
    with open(os.path.splitext(init)[0] + ".pyi", encoding="utf-8") as file:
        stub = ast.parse(file.read())
    return {
        alias.name: statement.module
        for statement in stub.body
        if isinstance(statement, ast.ImportFrom) and statement.module is not None
        for alias in statement.names
    }
