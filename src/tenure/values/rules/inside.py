"""InternalError: errors of the recorder itself, with the program that reproduces each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from tenure.errors import DTypeError, InternalError, TenureError, shown
from tenure.ir.show import show
from tenure.ops.promote import Operation
from tenure.values.rules.expand import Expansion
from tenure.values.rules.rows import Path

T = TypeVar("T")
INSIDE = (StopIteration, LookupError, AssertionError)
"""Exceptions that count as an error of the recorder itself, unless they are a TenureError. Unchanged they would mislead
the caller: a StopIteration ends a ``map`` of the user's in silence."""


def defect(error: Exception, at: Any) -> Exception:
    """InternalError in place of an error at the end of a path or trace."""
    if isinstance(error, TenureError):
        return error
    said = f"{type(error).__name__}{f': {error}' if str(error) else ''}"
    return InternalError(
        f"the recorder has failed ({said})",
        notes=[(f"in the program\n{program_of(at if type(at) is Path else at.point())}", None)],
        help="please report this, with the program",
    )


def internally(at: Any, function: Callable[..., T], *args: Any) -> T:
    """Call a function of the recorder; errors name the path, or the trace."""
    try:
        return function(*args)
    except INSIDE as error:
        raise defect(error, at) from error


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


def program_of(path: Path) -> str:
    """Program of a path; the steps alone, where there is none."""
    try:
        ex = Expansion().advance(path)
        results: Any = [ex[s].id for s in range(path.results)]
        inputs = [*ex.inputs, *ex.scalars]
        return show(ex.builder.extract(inputs, results))
    except Exception:
        return "\n".join([f"{at.expand.__name__} {at.args} {at.params}" for at in path.steps()])
