"""Losses of elements and of classes as modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.nn import functional
from tenure.nn.functional.reducing import flags
from tenure.nn.module import Module

if TYPE_CHECKING:
    from tenure.nn.functional.alignment import Lengths
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class Loss(Module):
    """The base of losses: how they are reduced, by ``reduction`` or by PyTorch's older flags in its place."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction: str = flags(type(self).__name__, size_average, reduce, reduction)


class WeightedLoss(Loss):
    """The base of losses with weights, which become a buffer."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(Loss):
    """Mean squared error, (input - target)²; ``reduction`` is "mean", "sum" or "none".

    >>> nn.MSELoss()(tn.tensor([1.0, 2.0]), tn.tensor([0.0, 0.0]))
    tensor(2.5000)
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input relative to a target of its shape."""
        return functional.mse_loss(input, target, reduction=self.reduction)


class CrossEntropyLoss(WeightedLoss):
    """Cross-entropy of softmax(input) relative to the target; see ``functional.cross_entropy``.

    ``weight`` (C,) becomes a buffer.

    >>> nn.CrossEntropyLoss()(tn.tensor([[0.0, 0.0]]), tn.tensor([1]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input (N, C, …) at class indices (N, …), or relative to probabilities in its shape."""
        return functional.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """Negative log-likelihood at class indices; see ``functional.nll_loss``. ``weight`` becomes a buffer.

    >>> nn.NLLLoss()(tn.tensor([[-0.5, -1.0]]), tn.tensor([1]))
    tensor(1.)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input (N, C, …) at class indices (N, …)."""
        return functional.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class NLLLoss2d(NLLLoss):
    """``NLLLoss`` by its older name for images.

    >>> nn.NLLLoss2d()(tn.tensor([[[[-0.5]], [[-1.0]]]]), tn.tensor([[[1]]]))
    tensor(1.)
    """


class BCEWithLogitsLoss(WeightedLoss):
    """Binary cross-entropy of sigmoid(input); see ``functional.binary_cross_entropy_with_logits``.

    ``weight`` and ``pos_weight`` become buffers.

    >>> nn.BCEWithLogitsLoss()(tn.tensor([0.0]), tn.tensor([1.0]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input relative to a target of its shape."""
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class L1Loss(Loss):
    """Mean absolute error, |input - target|; ``reduction`` is "mean", "sum" or "none".

    >>> nn.L1Loss()(tn.tensor([1.0, -2.0]), tn.tensor([0.0, 0.0]))
    tensor(1.5000)
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input relative to a target of its shape."""
        return functional.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """Smooth absolute error: d² / (2 beta) where d = |input - target| is below beta, else d - beta / 2.

    >>> nn.SmoothL1Loss()(tn.tensor([2.0]), tn.tensor([0.0]))
    tensor(1.5000)
    """

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input relative to a target of its shape."""
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """Huber loss: d² / 2 where d = |input - target| is at most delta, else delta · (d - delta / 2).

    >>> nn.HuberLoss()(tn.tensor([2.0]), tn.tensor([0.0]))
    tensor(1.5000)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input relative to a target of its shape."""
        return functional.huber_loss(input, target, self.reduction, self.delta)


class CTCLoss(Loss):
    """Connectionist temporal classification of sequences; see ``functional.ctc_loss``.

    >>> nn.CTCLoss()(F.log_softmax(tn.zeros(2, 1, 2), -1), tn.tensor([[1]]), [2], [1])
    tensor(0.2877)
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: ArrayLike, targets: ArrayLike, input_lengths: Lengths, target_lengths: Lengths
    ) -> Tensor:
        """The loss of log_probs (T, N, C) relative to targets (N, S)."""
        form = (self.blank, self.reduction, self.zero_infinity)
        return functional.ctc_loss(log_probs, targets, input_lengths, target_lengths, *form)


class BCELoss(WeightedLoss):
    """Binary cross-entropy of probabilities; see ``functional.binary_cross_entropy``. ``weight`` becomes a buffer.

    >>> nn.BCELoss()(tn.tensor([0.5]), tn.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input relative to a target of its shape."""
        return functional.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class KLDivLoss(Loss):
    """Kullback-Leibler divergence of log-probabilities from a target; see ``functional.kl_div``.

    >>> nn.KLDivLoss(reduction="batchmean")(tn.tensor([[-1.0, -1.0]]), tn.tensor([[0.5, 0.5]]))
    tensor(0.3069)
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The divergence of log-probabilities from a target."""
        return functional.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
