"""Losses: distances of an output from its target, reduced to one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, InternalError, ShapeError, shown
from tenure.nn.functional.activation import log_softmax
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.layer import no_negative
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.elementary import softplus
from tenure.values.operations.indexing import take_along_axis
from tenure.values.operations.reading import value_of
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def _reduced(losses: Tensor, count: Tensor | None, reduction: str) -> Tensor:
    """Losses unreduced, their sum, or their sum divided by a count."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean() if count is None else losses.sum() / count
    raise InternalError(f"losses are not reduced by {reduction!r}")


def check_reduction(name: str, reduction: Any) -> None:
    """ValueError for what is no way to reduce losses."""
    if not isinstance(reduction, str) or reduction not in WAYS:
        raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none', not {shown(reduction)}")


MEAN = "mean"
WAYS = (MEAN, "sum", "none")


def _pair(name: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Input and target; TN802 unless the shapes agree or the target is a single number."""
    x, y = value_of(input), value_of(target)
    if y.shape not in (x.shape, ()):
        raise ShapeError(
            f"{name}: input of shape {list(x.shape)}, target of shape {list(y.shape)}",
            help="make the shapes agree, as with .reshape(target.shape) or .squeeze(-1)",
        )
    return x, y


def mse_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Mean squared error, (input - target)²; ``reduction`` is "mean", "sum" or "none".

    ShapeError (TN802) unless the shapes agree or the target is a single number.

    >>> F.mse_loss(tn.tensor([1.0, 2.0]), tn.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    if reduction is not MEAN:
        check_reduction("mse_loss", reduction)
    return apply(MSE, (value_of(input), value_of(target)), parameters(("reduction",), reduction))


def _mse(input: Any, target: Any, *, reduction: str) -> Any:
    x, y = _pair("mse_loss", input, target)
    return _reduced((x - y).square(), None, reduction)


MSE = composite("mse_loss", _mse)


def l1_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Mean absolute error, |input - target|; ``reduction`` is "mean", "sum" or "none".

    ShapeError (TN802) unless the shapes agree or the target is a single number.

    >>> F.l1_loss(tn.tensor([1.0, -2.0]), tn.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    if reduction is not MEAN:
        check_reduction("l1_loss", reduction)
    x, y = _pair("l1_loss", input, target)
    return _reduced((x - y).abs(), None, reduction)


def smooth_l1_loss(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """Smooth absolute error: d² / (2 beta) where d = |input - target| is below beta, else d - beta / 2.

    ``reduction`` is "mean", "sum" or "none". Shapes as in ``mse_loss``; ValueError for a negative beta.

    >>> F.smooth_l1_loss(tn.tensor([1.0, -2.0]), tn.tensor([0.0, 0.0]), "none")
    tensor([0.5000, 1.5000])
    """
    beta = number("smooth_l1_loss", "beta", beta)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta is not negative, and {beta} is")
    if reduction is not MEAN:
        check_reduction("smooth_l1_loss", reduction)
    x, y = _pair("smooth_l1_loss", input, target)
    d = (x - y).abs()
    return _reduced(where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta) if beta else d, None, reduction)


def huber_loss(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean", delta: float = 1.0
) -> Tensor:
    """Huber loss: d² / 2 where d = |input - target| is at most delta, else delta · (d - delta / 2).

    ``reduction`` is "mean", "sum" or "none". Shapes as in ``mse_loss``; ValueError unless delta is above zero.

    >>> F.huber_loss(tn.tensor([1.0, -2.0]), tn.tensor([0.0, 0.0]), "none")
    tensor([0.5000, 1.5000])
    """
    delta = number("huber_loss", "delta", delta)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta is above zero, and {delta} is not")
    if reduction is not MEAN:
        check_reduction("huber_loss", reduction)
    x, y = _pair("huber_loss", input, target)
    d = (x - y).abs()
    return _reduced(where(d <= delta, d * d * 0.5, delta * (d - 0.5 * delta)), None, reduction)


def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Tensor:
    """Binary cross-entropy of sigmoid(input) relative to the target; ``reduction`` is "mean", "sum" or "none".

    It is -(target · log σ(x) + (1 - target) · log(1 - σ(x))), σ the logistic function. ``weight`` scales each element
    and ``pos_weight`` the positive part; both broadcast. ShapeError (TN802) if the shapes of input and target differ.

    >>> F.binary_cross_entropy_with_logits(tn.tensor([0.0]), tn.tensor([1.0]))
    tensor(0.6931)
    """
    operands = tuple([value_of(p) for p in (input, target, weight, pos_weight) if p is not None])
    if reduction is not MEAN:
        check_reduction("binary_cross_entropy_with_logits", reduction)
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
    return _reduced(losses if weight is None else losses * weight, None, reduction)


LOGISTIC = composite(
    "binary_cross_entropy_with_logits", _logistic, "BinaryCrossEntropyWithLogitsBackward0"
)


@named_by_caller
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood, -input[target], of log-probabilities (N, C, …) at class indices (N, …).

    ``reduction`` is "mean", "sum" or "none"; the mean is weighted. ``weight`` (C,) scales each class; targets of
    ``ignore_index`` do not count. OutOfRange (TN801), when the loss is read, for any other target outside [0, C);
    TN802 for shapes or dtypes that do not fit.

    >>> F.nll_loss(tn.tensor([[-0.5, -1.0]]), tn.tensor([1]))
    tensor(1.)
    """
    if reduction is not MEAN:
        check_reduction("nll_loss", reduction)
    operands = tuple([value_of(p) for p in (input, target, weight) if p is not None])
    return apply(NLL, operands, parameters(("reduction", "ignore_index"), reduction, _ignored(ignore_index)))


def _nll(x: Any, y: Any, weight: Any = None, *, ignore_index: int, reduction: str) -> Any:
    losses, count = _at_targets(x, y, weight, ignore_index, _class_axis(x, y))
    return _reduced(losses, count, reduction)


NLL = composite("nll_loss", _nll)


def _ignored(ignore_index: Any) -> int:
    """The class index that is excluded."""
    index = int_of(ignore_index, "ignore_index")
    if not -(2**63) <= index < 2**63:
        raise DTypeError(f"ignore_index {index} does not fit in int64")
    return index


def _class_axis(x: Any, y: Any) -> int:
    """The axis of the classes in the input; TN802 if the targets do not fit it."""
    if x.ndim == 0:
        raise ShapeError("a loss over classes needs an axis of classes, and the input is 0-dimensional")
    axis = 0 if x.ndim == 1 else 1
    if y.dtype.kind not in "iu":
        raise DTypeError(
            f"class indices of dtype {y.dtype.name}",
            help="class indices are integers; probabilities are floats of the input's shape",
        )
    expected = x.shape[:axis] + x.shape[axis + 1 :]
    if y.shape != expected:
        raise ShapeError(
            f"input of shape {list(x.shape)} goes with class indices of shape {list(expected)},"
            f" not {list(y.shape)}"
        )
    return axis


def _at_targets(logs: Any, y: Any, weight: Any, ignore_index: int, axis: int) -> tuple[Any, Any]:
    """The weighted losses at class indices, 0 where ignored, and the sum of their weights."""
    classes = logs.shape[axis]
    counts = y != ignore_index
    index = where(counts, no_negative(y, classes), 0)
    losses = -take_along_axis(logs, index.unsqueeze(axis), axis=axis).squeeze(axis)
    if weight is None:
        return where(counts, losses, 0.0), counts.sum()
    scale = where(counts, _checked_weight(weight, classes)[index.flatten()].reshape(y.shape), 0.0)
    return where(counts, losses * scale, 0.0), scale.sum()


def _checked_weight(weight: Any, classes: int) -> Any:
    w = value_of(weight)
    if w.shape != (classes,):
        raise ShapeError(
            f"weight of shape {list(w.shape)} for {classes} classes", help="give one weight per class"
        )
    return w


@named_by_caller
def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of softmax(input) relative to the target; ``reduction`` is "mean", "sum" or "none".

    ``input`` is (N, C, …) or (C,). ``target`` holds class indices (N, …), or probabilities in the shape of the input.
    ``weight`` (C,) scales each class; targets of ``ignore_index`` do not count. The mean is weighted for indices and
    over N for probabilities, as in PyTorch. OutOfRange (TN801), when the loss is read, for any other target outside
    [0, C); TN802 for shapes or dtypes that do not fit.

    >>> F.cross_entropy(tn.tensor([[0.0, 0.0]]), tn.tensor([1]))
    tensor(0.6931)
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing lies between 0 and 1, and {label_smoothing} does not")
    operands = tuple([value_of(p) for p in (input, target, weight) if p is not None])
    if reduction is not MEAN:
        check_reduction("cross_entropy", reduction)
    names = ("reduction", "ignore_index", "label_smoothing")
    params = parameters(names, reduction, _ignored(ignore_index), float(label_smoothing))
    return apply(CROSS_ENTROPY, operands, params)


def _cross_entropy(
    x: Any, y: Any, weight: Any = None, *, ignore_index: int, reduction: str, label_smoothing: float
) -> Any:
    if y.shape == x.shape and x.ndim and y.dtype.is_floating:
        return _against_probabilities(x, y, weight, reduction, label_smoothing)
    axis = _class_axis(x, y)
    logs = log_softmax(x, axis)
    losses, count = _at_targets(logs, y, weight, ignore_index, axis)
    if label_smoothing:
        every = where(y != ignore_index, -_weighted(logs, weight, axis).sum(axis=axis), 0.0)
        losses = (1.0 - label_smoothing) * losses + (label_smoothing / x.shape[axis]) * every
    return _reduced(losses, count, reduction)


CROSS_ENTROPY = composite("cross_entropy_loss", _cross_entropy, "NllLossBackward0")


def _against_probabilities(x: Any, y: Any, weight: Any, reduction: str, label_smoothing: float) -> Any:
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    if label_smoothing:
        y = y * (1.0 - label_smoothing) + label_smoothing / classes
    losses = -_weighted(log_softmax(x, axis) * y, weight, axis).sum(axis=axis)
    return _reduced(losses, None, reduction)


def _weighted(terms: Any, weight: Any, axis: int) -> Any:
    """Terms for every class, each scaled by its weight."""
    if weight is None:
        return terms
    shape = [-1 if k == axis else 1 for k in range(terms.ndim)]
    return terms * _checked_weight(weight, terms.shape[axis]).reshape(shape)
