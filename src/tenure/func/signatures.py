"""Types of functions that transforms take and make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

__all__ = ["Aux", "Function", "P", "R", "Transformed", "X"]

P = ParamSpec("P")
X = TypeVar("X")
"""The argument that is differentiated: a tensor, or a nested list, tuple or dict of tensors."""
Aux = TypeVar("Aux")
R = TypeVar("R", covariant=True)
Function: TypeAlias = Callable[..., Any]


class Transformed(Protocol[P, R]):
    """A function made of another. (As a protocol, so that mypy takes one made of a lambda for typed.)"""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result for some arguments."""
        raise NotImplementedError
