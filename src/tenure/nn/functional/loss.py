"""Losses of each element: distances of an output from its target, reduced to one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import ShapeError
from tenure.nn.functional.reducing import MEAN, pair, reduced, scalar, scaled, tensors, way
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.elementary import softplus
from tenure.values.operations.reading import value_of
from tenure.values.tensor.composite import composite

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> Tensor:
    """Mean squared error, (input - target)²; ``reduction`` is "mean", "sum" or "none".

    ``weight`` scales each element, and the mean then divides by its sum. ``size_average`` and ``reduce`` are PyTorch's
    older flags for the reduction. ShapeError (TN802) unless the shapes agree or the target is a single number.

    >>> F.mse_loss(tn.tensor([1.0, 2.0]), tn.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    if reduction is not MEAN or size_average is not None or reduce is not None:
        reduction = way("mse_loss", reduction, size_average, reduce)
    operands = (value_of(input), value_of(target)) if weight is None else tensors((input, target, weight))
    return apply(MSE, operands, parameters(("reduction",), reduction))


def _mse(input: Any, target: Any, weight: Any = None, *, reduction: str) -> Any:
    x, y = pair("mse_loss", input, target)
    return _averaged("mse_loss", (x - y).square(), weight, reduction)


def _averaged(name: str, losses: Any, weight: Any, reduction: str) -> Any:
    """Losses reduced, the mean by the sum of their weights."""
    if weight is None:
        return reduced(losses, None, reduction)
    return reduced(scaled(name, losses, weight), weight.sum(), reduction)


MSE = composite("mse_loss", _mse)


def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> Tensor:
    """Mean absolute error, |input - target|; ``reduction`` is "mean", "sum" or "none".

    Weights, older flags and shapes as in ``mse_loss``.

    >>> F.l1_loss(tn.tensor([1.0, -2.0]), tn.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    form = parameters(("reduction",), way("l1_loss", reduction, size_average, reduce))
    return apply(ABSOLUTE, tensors((input, target), weight), form)


def _absolute(input: Any, target: Any, weight: Any = None, *, reduction: str) -> Any:
    x, y = pair("l1_loss", input, target)
    return _averaged("l1_loss", (x - y).abs(), weight, reduction)


ABSOLUTE = composite("l1_loss", _absolute, "MeanBackward0")


def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Smooth absolute error: d² / (2 beta) where d = |input - target| is below beta, else d - beta / 2.

    ``reduction`` is "mean", "sum" or "none"; older flags and shapes as in ``mse_loss``. ValueError for a negative beta.

    >>> F.smooth_l1_loss(tn.tensor([1.0, -2.0]), tn.tensor([0.0, 0.0]), reduction="none")
    tensor([0.5000, 1.5000])
    """
    beta = scalar("smooth_l1_loss", "beta", beta)
    if not beta >= 0:
        raise ValueError(f"smooth_l1_loss: beta is not negative, and {beta} is")
    form = parameters(("reduction", "bent"), way("smooth_l1_loss", reduction, size_average, reduce), beta > 0)
    return apply(SMOOTH, tensors((input, target)), form, (beta, 0.5 * beta, 0.5 / beta if beta else 0.0))


def _smooth(input: Any, target: Any, beta: Any, half: Any, rate: Any, *, reduction: str, bent: bool) -> Any:
    x, y = pair("smooth_l1_loss", input, target)
    d = x - y
    size = d.abs()
    return reduced(where(size < beta, d * d * rate, size - half) if bent else size, None, reduction)


SMOOTH = composite("smooth_l1_loss", _smooth, "SmoothL1LossBackward0")


def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: ArrayLike | None = None,
) -> Tensor:
    """Huber loss: d² / 2 where d = |input - target| is at most delta, else delta · (d - delta / 2).

    ``reduction`` is "mean", "sum" or "none". ``weight`` scales each element; the mean divides by their number, as
    PyTorch's does. Shapes as in ``mse_loss``; ValueError unless delta is above zero.

    >>> F.huber_loss(tn.tensor([1.0, -2.0]), tn.tensor([0.0, 0.0]), reduction="none")
    tensor([0.5000, 1.5000])
    """
    delta = scalar("huber_loss", "delta", delta)
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is above zero, and {delta} is not")
    form = parameters(("reduction", "weighted"), way("huber_loss", reduction, None, None), weight is not None)
    return apply(HUBER, tensors((input, target), weight), form, (delta, 0.5 * delta))


def _huber(input: Any, target: Any, *given: Any, reduction: str, weighted: bool) -> Any:
    x, y = pair("huber_loss", input, target)
    d, (delta, half) = x - y, given[-2:]
    size = d.abs()
    losses = where(size <= delta, d * d * 0.5, delta * (size - half))
    return reduced(scaled("huber_loss", losses, given[0]) if weighted else losses, None, reduction)


HUBER = composite("huber_loss", _huber)


def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Tensor:
    """Binary cross-entropy of sigmoid(input) relative to the target; ``reduction`` is "mean", "sum" or "none".

    It is -(target · log σ(x) + (1 - target) · log(1 - σ(x))), σ the logistic function. ``weight`` scales each element
    and ``pos_weight`` the positive part; both broadcast. Older flags as in ``mse_loss``. ShapeError (TN802) if the
    shapes of input and target differ.

    >>> F.binary_cross_entropy_with_logits(tn.tensor([0.0]), tn.tensor([1.0]))
    tensor(0.6931)
    """
    operands = tuple([value_of(p) for p in (input, target, weight, pos_weight) if p is not None])
    if reduction is not MEAN or size_average is not None or reduce is not None:
        reduction = way("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    names = ("reduction", "weighted", "rated")
    return apply(LOGISTIC, operands, parameters(names, reduction, weight is not None, pos_weight is not None))


def _logistic(x: Any, y: Any, *given: Any, reduction: str, weighted: bool, rated: bool) -> Any:
    weight = given[0] if weighted else None
    pos_weight = given[-1] if rated else None
    if x.shape != y.shape:
        raise ShapeError(
            f"binary_cross_entropy_with_logits: input of shape {list(x.shape)}, target of {list(y.shape)}",
            help="make the shapes agree, as with .reshape(target.shape) or .squeeze(-1)",
        )
    positive = y * softplus(-x)
    losses = (positive if pos_weight is None else pos_weight * positive) + (1.0 - y) * softplus(x)
    return reduced(losses if weight is None else losses * weight, None, reduction)


LOGISTIC = composite(
    "binary_cross_entropy_with_logits", _logistic, "BinaryCrossEntropyWithLogitsBackward0"
)


def soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Logistic loss of two classes, log(1 + exp(-target · input)), at targets of 1 and -1.

    ``reduction`` is "mean", "sum" or "none"; older flags as in ``mse_loss``. Shapes broadcast; ShapeError (TN802) where
    they do not.

    >>> F.soft_margin_loss(tn.tensor([0.0, 2.0]), tn.tensor([1.0, -1.0]), reduction="none")
    tensor([0.6931, 2.1269])
    """
    form = parameters(("reduction",), way("soft_margin_loss", reduction, size_average, reduce))
    return apply(SOFT_MARGIN, tensors((input, target)), form)


SOFT_MARGIN = composite(
    "soft_margin_loss", lambda x, y, *, reduction: reduced(softplus(-(y * x)), None, reduction)
)
