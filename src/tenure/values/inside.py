"""InternalError: errors of the recorder itself, with the program that reproduces each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from tenure.errors import DTypeError, InternalError, TenureError, shown
from tenure.ir.show import show
from tenure.ops.promote import Operation
from tenure.values.expand import Expansion
from tenure.values.trie import Node

T = TypeVar("T")
INSIDE = (StopIteration, LookupError, AssertionError)
"""Exceptions that count as an error of the recorder itself, unless they are a TenureError. Unchanged they would mislead
the caller: a StopIteration ends a ``map`` of the user's in silence."""


def defect(error: Exception, node: Node) -> Exception:
    """InternalError in place of an error at a step of a path."""
    if isinstance(error, TenureError):
        return error
    said = f"{type(error).__name__}{f': {error}' if str(error) else ''}"
    return InternalError(
        f"the recorder has failed ({said})",
        notes=[(f"in the program\n{program_of(node)}", None)],
        help="please report this, with the program",
    )


def internally(node: Node, function: Callable[..., T], *args: Any) -> T:
    """Call a function of the recorder; errors name the path that ends at a node."""
    try:
        return function(*args)
    except INSIDE as error:
        raise defect(error, node) from error


def refuse(error: Exception, fn: Operation, params: Any) -> NoReturn:
    """Raise an error in a new step in terms of its operation: TN802 with its parameters, unless it has a law's code."""
    try:
        if isinstance(error, TenureError):
            raise error
        given = ", ".join([f"{name} = {shown(value)}" for name, value in params if name not in HIDDEN])
        raise DTypeError(f"{fn.name} does not take these arguments: {given or 'operands of this kind'}") from error
    finally:
        del error  # it knows this frame


HIDDEN = frozenset(("spec", "at", "unique", "lead"))
"""Parameters that the user has not given in this form."""


def program_of(node: Node) -> str:
    """Program up to a step of a path; the steps alone, where there is none."""
    try:
        ex = Expansion().advance(node)
        results: Any = [ex[s].id for s in range(node.results)]
        inputs = [v.id for v in (*ex.inputs, *ex.scalars)]
        return show(ex.builder.extract(inputs, results))
    except Exception:
        return "\n".join([f"{at.expand.__name__} {at.args} {at.params}" for at in node.path()])
