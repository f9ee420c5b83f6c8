"""Layers that change the shape."""

from __future__ import annotations

from typing import Any

from tenure.nn.module import Module
from tenure.values.shaping import flatten


class Flatten(Module):
    """Makes one axis of those from start_dim to end_dim (inclusive), by default of all but the first."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Any:
        """(N, A, B, …) to (N, A·B·…)."""
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The range of axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
