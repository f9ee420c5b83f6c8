"""Losses of margins, distances and distributions as modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.nn import functional
from tenure.nn.distance import PairwiseDistance
from tenure.nn.loss import Loss, WeightedLoss

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class PoissonNLLLoss(Loss):
    """Negative log-likelihood of counts under Poisson distributions; see ``functional.poisson_nll_loss``.

    >>> nn.PoissonNLLLoss()(tn.tensor([0.0, 1.0]), tn.tensor([1.0, 2.0]))
    tensor(0.8591)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of logarithms of rates, or rates, relative to counts."""
        form = {"eps": self.eps, "reduction": self.reduction}
        return functional.poisson_nll_loss(log_input, target, self.log_input, self.full, **form)  # type: ignore[arg-type]


class GaussianNLLLoss(Loss):
    """Negative log-likelihood under normal distributions; see ``functional.gaussian_nll_loss``.

    >>> nn.GaussianNLLLoss()(tn.tensor([1.0]), tn.tensor([3.0]), tn.tensor([4.0]))
    tensor(1.1931)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: ArrayLike, target: ArrayLike, var: ArrayLike) -> Tensor:
        """The loss of means and variances relative to a target."""
        return functional.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class MarginRankingLoss(Loss):
    """Loss of a ranking of two scores; see ``functional.margin_ranking_loss``.

    >>> nn.MarginRankingLoss()(tn.tensor([1.0]), tn.tensor([3.0]), tn.tensor([1.0]))
    tensor(2.)
    """

    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: ArrayLike, input2: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of two scores, of which a target of 1 wants the first larger, -1 the second."""
        return functional.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(MarginRankingLoss):
    """Loss of the angle between vectors; see ``functional.cosine_embedding_loss``.

    >>> nn.CosineEmbeddingLoss()(tn.tensor([[1.0, 0.0]]), tn.tensor([[0.0, 1.0]]), tn.tensor([1]))
    tensor(1.)
    """

    def forward(self, input1: ArrayLike, input2: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of vectors (N, D), which a target of 1 wants alike, -1 not."""
        return functional.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """Loss of a distance; see ``functional.hinge_embedding_loss``.

    >>> nn.HingeEmbeddingLoss()(tn.tensor([0.5, 0.25]), tn.tensor([1, -1]))
    tensor(0.6250)
    """

    def __init__(
        self, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of distances, which a target of 1 wants small, -1 beyond the margin."""
        return functional.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """Logistic loss of two classes, 1 and -1; see ``functional.soft_margin_loss``.

    >>> nn.SoftMarginLoss()(tn.tensor([0.0]), tn.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of scores relative to targets of 1 and -1."""
        return functional.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """Hinge loss of many labels; see ``functional.multilabel_margin_loss``.

    >>> nn.MultiLabelMarginLoss()(tn.tensor([[0.1, 0.2, 0.4, 0.8]]), tn.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of scores (N, C) relative to labels (N, C), which end at -1."""
        return functional.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Binary cross-entropy for many labels; see ``functional.multilabel_soft_margin_loss``.

    ``weight`` (C,) becomes a buffer.

    >>> nn.MultiLabelSoftMarginLoss()(tn.tensor([[0.0, 0.0]]), tn.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of scores (N, C) relative to a target of 0 and 1 in their shape."""
        return functional.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """Hinge loss of many classes; see ``functional.multi_margin_loss``. ``weight`` (C,) becomes a buffer.

    >>> nn.MultiMarginLoss()(tn.tensor([[0.0, 1.0, 1.5]]), tn.tensor([2]))
    tensor(0.1667)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p is 1 or 2, not {p}")
        self.p, self.margin = p, margin

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of scores (N, C) at class indices (N,)."""
        return functional.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, reduction=self.reduction
        )


class TripletMarginLoss(Loss):
    """Loss of triplets; see ``functional.triplet_margin_loss``.

    >>> nn.TripletMarginLoss()(tn.tensor([[0.0]]), tn.tensor([[2.0]]), tn.tensor([[1.5]]))
    tensor(1.5000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if not margin > 0:
            raise ValueError(f"TripletMarginLoss: margin is above zero, and {margin} is not")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: ArrayLike, positive: ArrayLike, negative: ArrayLike) -> Tensor:
        """The loss of anchors, what is to be near them, and what is not, all (N, D)."""
        form = (self.margin, self.p, self.eps, self.swap)
        return functional.triplet_margin_loss(anchor, positive, negative, *form, reduction=self.reduction)


class TripletMarginWithDistanceLoss(Loss):
    """Loss of triplets with a distance of one's own; see ``functional.triplet_margin_with_distance_loss``.

    >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance())
    >>> loss(tn.tensor([[0.0]]), tn.tensor([[2.0]]), tn.tensor([[1.5]]))
    tensor(1.5000)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[..., Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if not margin > 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: margin is above zero, and {margin} is not")
        self.distance_function: Callable[..., Any] = (
            PairwiseDistance() if distance_function is None else distance_function
        )
        self.margin, self.swap = margin, swap

    def forward(self, anchor: ArrayLike, positive: ArrayLike, negative: ArrayLike) -> Tensor:
        """The loss of anchors, what is to be near them, and what is not."""
        return functional.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
