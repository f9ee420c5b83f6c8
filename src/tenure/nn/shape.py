"""Layers that change the shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenure.errors import DTypeError, shown
from tenure.nn.module import Module
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import flatten
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class Flatten(Module):
    """Layer that makes one axis of those from start_dim to end_dim (inclusive), by default of all but the first.

    >>> nn.Flatten()(tn.ones(2, 3, 4)).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with those axes joined: (N, A, B, …) becomes (N, A·B·…)."""
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The range of axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Layer that makes several axes of one, the axis ``dim``: those of the sizes ``unflattened_size``.

    One of the sizes may be -1. DTypeError (TN802) for what is no list of ints; ShapeError (TN802) for a size that they
    do not make.

    >>> nn.Unflatten(1, (2, 3))(tn.ones(4, 6)).shape
    (4, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim = int_of(dim, "Unflatten: dim")
        if not isinstance(unflattened_size, tuple | list):
            raise DTypeError(f"Unflatten: unflattened_size is a tuple of ints, not {shown(unflattened_size)}")
        self.unflattened_size = tuple([int_of(n, "Unflatten: each size") for n in unflattened_size])

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with several axes in place of one: (…, A·B, …) becomes (…, A, B, …)."""
        return value_of(input).unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The axis and the sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
