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


class NLLLoss(Module):
    """The loss of log-probabilities at class indices; see ``functional.nll_loss``. ``weight`` becomes a buffer."""

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """``input`` is (N, C, …), ``target`` (N, …)."""
        return functional.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class BCEWithLogitsLoss(Module):
    """The binary cross-entropy of sigmoid(input); see ``functional.binary_cross_entropy_with_logits``.

    ``weight`` and ``pos_weight`` become buffers.
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Both of one shape."""
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class L1Loss(MSELoss):
    """|input - target|; ``reduction`` is "mean", "sum" or "none"."""

    def forward(self, input: Any, target: Any) -> Any:
        """Both of one shape."""
        return functional.l1_loss(input, target, self.reduction)


class SmoothL1Loss(Module):
    """d² / (2 beta) where d = |input - target| is below beta, else d - beta / 2."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__()
        self.reduction = reduction
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Any:
        """Both of one shape."""
        return functional.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(Module):
    """d² / 2 where d = |input - target| is at most delta, else delta · (d - delta / 2)."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__()
        self.reduction = reduction
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        """Both of one shape."""
        return functional.huber_loss(input, target, self.reduction, self.delta)
