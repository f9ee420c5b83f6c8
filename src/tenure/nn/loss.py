"""Losses as modules."""

from __future__ import annotations

from typing import Any

from tenure.nn import functional
from tenure.nn.module import Module


class MSELoss(Module):
    """(input - target)²; ``reduction`` is "mean", "sum" or "none"."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Both of one shape."""
        return functional.mse_loss(input, target, self.reduction)


class CrossEntropyLoss(Module):
    """The cross-entropy of softmax(input) relative to the target; see ``functional.cross_entropy``.

    ``weight`` (C,) becomes a buffer.
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """``input`` is (N, C, …); ``target`` class indices (N, …), or probabilities in the input's shape."""
        return functional.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
