"""Places made again from a copy or a pickle, with their gradients."""

from __future__ import annotations

from typing import Any

from tenure.values.grad.sparse_place import place_of
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of, owned
from tenure.values.rules.graph import Frozen, Leaf, keeper


def rebuilt(cls: Any, array: Any, requires_grad: bool, grad: Any) -> Any:
    """Place of a class from what was pickled."""
    out = cls(owned(array), requires_grad)
    if grad is None:
        return out
    return with_gradient(out, place_of(grad if isinstance(grad, SparseRows) else owned(grad)))


def portable(g: Any) -> Any:
    """Gradient as it is pickled."""
    return g if isinstance(g, SparseRows) else array_of(detach(g)).copy()


def with_gradient(place: Any, grad: Any) -> Any:
    """New place with a gradient."""
    if place._leaf is None:
        place._frozen = Frozen(Leaf())
    keeper(place).grad = grad
    return place
