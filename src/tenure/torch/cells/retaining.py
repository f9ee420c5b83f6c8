"""Gradients that results retain: they follow a tensor through its writes, where hooks stay with the elements before.

    y.retain_grad(); y *= 2; (3 * y).sum().backward()        y.grad is 3, the gradient of what was written
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from tenure.errors import GradientError
from tenure.values.grad.handlers import handler_of
from tenure.values.rules.graph import Leaf


class Retained:
    """Gradient that a tensor retains: its holder, what a backward calls with a gradient, and the value at which it
    does. ``is_used`` says whether any tensor of the process retains one, so that others are not asked."""

    __slots__ = ("at", "keep", "leaf")
    is_used: ClassVar[bool] = False

    def __init__(self, leaf: Leaf, keep: Callable[[Any], None]) -> None:
        self.leaf = leaf
        self.keep = keep
        self.at: Any = None


def retained(x: Any, leaf: Leaf, keep: Callable[[Any], None]) -> None:
    """Let a tensor retain the gradient of its value from now on."""
    Retained.is_used = True
    x.__dict__["_retained"] = Retained(leaf, keep)


def carried(x: Any, value: Any) -> None:
    """Let what a tensor retains be the gradient of a value that it has got."""
    kept = x.__dict__.get("_retained")
    old = kept and kept.at and kept.at()
    if kept is None or old is value or (old is not None and old._src is value._src and old._src is not None):
        return
    put(old, None)
    kept.at = weakref.ref(value)
    put(value, kept.keep)


def put(value: Any, keep: Callable[[Any], None] | None) -> None:
    """Let a backward call a function with the gradient of a value, if one can still reach it."""
    if value is not None and value._kind.tracked:
        try:
            handler_of(value).keep = keep
        except GradientError:
            return
