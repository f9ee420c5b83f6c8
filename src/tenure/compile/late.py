"""Modules that are imported when first needed: the compiler when a program runs, what writes code when no cache has it.

A process whose programs all come from disk never imports the passes and emitters, which take some 50 ms.
"""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def late(name: str) -> Any:
    """The module ``tenure.compile.<name>``. An interrupt while it is imported stays one: Python makes a RuntimeError of
    it where a class notes the names of its fields."""
    try:
        return import_module(f"tenure.compile.{name}")
    except RuntimeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise
