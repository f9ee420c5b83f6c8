"""The type of a call of a module: that of its ``forward``."""

from __future__ import annotations

from typing import ParamSpec, Protocol, TypeVar

__all__ = ["HasForward", "P", "R"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class HasForward(Protocol[P, R]):
    """A module by its ``forward``."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of a call."""
        raise NotImplementedError
