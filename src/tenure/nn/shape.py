"""Layers that change the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.nn.module import Module
from tenure.values.operations.shaping import flatten

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
