"""Modules that are imported when first needed: the compiler when a program runs, what writes code when no cache has it.

A process whose programs all come from disk never imports the passes and emitters, which take some 50 ms.
"""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def late(name: str) -> Any:
    """The module ``tenure.compile.<name>``."""
    return import_module(f"tenure.compile.{name}")
