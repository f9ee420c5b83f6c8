"""Elementwise nonlinearities."""

from __future__ import annotations

from typing import Any

from tenure.nn import functional
from tenure.nn.module import Module


class ReLU(Module):
    """max(x, 0), elementwise. ``inplace`` has no effect but on what is printed: tensors are values."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.relu(input)

    def extra_repr(self) -> str:
        """The flag, if set."""
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """The hyperbolic tangent, elementwise."""

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.tanh(input)
