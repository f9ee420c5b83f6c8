"""Modules of PyTorch that are only other places for names: they are made when their package is imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any


def room(name: str, get: Callable[[str], Any], names: Iterable[str], doc: str = "") -> ModuleType:
    """Module ``tenure.torch.<name>`` whose names are found by a function when they are asked for."""
    known = tuple(names)
    module = ModuleType(f"tenure.torch.{name}", doc or f"``torch.{name}``.")

    def find(wanted: str) -> Any:
        if wanted not in known:
            raise AttributeError(f"module 'torch.{name}' has no attribute {wanted!r}", name=wanted)
        found = get(wanted)
        setattr(module, wanted, found)
        return found

    vars(module).update(__getattr__=find, __dir__=lambda: sorted(known), __all__=[n for n in known if n[0] != "_"])
    sys.modules[module.__name__] = module
    package, _, leaf = module.__name__.rpartition(".")
    if package in sys.modules and leaf not in vars(sys.modules[package]):
        setattr(sys.modules[package], leaf, module)
    return module


def rooms(package: str, table: dict[str, str], get: Callable[[str], Any]) -> dict[str, ModuleType]:
    """Modules of a package, each with some of the names that a function finds."""
    return {name: room(f"{package}.{name}", get, names.split()) for name, names in table.items()}
