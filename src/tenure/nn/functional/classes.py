"""Losses of classes: negative log-likelihood and cross-entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError
from tenure.nn.functional.activation import log_softmax
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.layer import linear
from tenure.nn.functional.reducing import MEAN, reduced, scalar, tensors, way
from tenure.nn.functional.rows import no_negative
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.indexing import take_along_axis
from tenure.values.operations.reading import value_of
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


@named_by_caller
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood, -input[target], of log-probabilities (N, C, …) at class indices (N, …).

    ``reduction`` is "mean", "sum" or "none"; the mean is weighted. ``weight`` (C,) scales each class; targets of
    ``ignore_index`` do not count. ``size_average`` and ``reduce`` are PyTorch's older flags for the reduction.
    OutOfRange (TN801), when the loss is read, for any other target outside [0, C); TN802 for shapes or dtypes that do
    not fit.

    >>> F.nll_loss(tn.tensor([[-0.5, -1.0]]), tn.tensor([1]))
    tensor(1.)
    """
    if reduction is not MEAN or size_average is not None or reduce is not None:
        reduction = way("nll_loss", reduction, size_average, reduce)
    form = parameters(("reduction", "ignore_index"), reduction, _ignored(ignore_index))
    return apply(NLL, tensors((input, target), weight), form)


def _nll(x: Any, y: Any, weight: Any = None, *, ignore_index: int, reduction: str) -> Any:
    losses, count = _at_targets(x, y, weight, ignore_index, _class_axis(x, y))
    return reduced(losses, count, reduction)


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
    index = where(counts, no_negative(y), 0)
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
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of softmax(input) relative to the target; ``reduction`` is "mean", "sum" or "none".

    ``input`` is (N, C, …) or (C,). ``target`` holds class indices (N, …), or probabilities in the shape of the input.
    ``weight`` (C,) scales each class; targets of ``ignore_index`` do not count. The mean is weighted for indices and
    over N for probabilities, as in PyTorch. Older flags as in ``nll_loss``. OutOfRange (TN801), when the loss is read,
    for any other target outside [0, C); TN802 for shapes or dtypes that do not fit.

    >>> F.cross_entropy(tn.tensor([[0.0, 0.0]]), tn.tensor([1]))
    tensor(0.6931)
    """
    if type(label_smoothing) is not float:
        label_smoothing = scalar("cross_entropy", "label_smoothing", label_smoothing)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing lies between 0 and 1, and {label_smoothing} does not")
    if reduction is not MEAN or size_average is not None or reduce is not None:
        reduction = way("cross_entropy", reduction, size_average, reduce)
    names = ("reduction", "ignore_index", "label_smoothing")
    params = parameters(names, reduction, _ignored(ignore_index), label_smoothing)
    operands = (value_of(input), value_of(target)) if weight is None else tensors((input, target, weight))
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
    return reduced(losses, count, reduction)


CROSS_ENTROPY = composite("cross_entropy_loss", _cross_entropy, "NllLossBackward0")


def _against_probabilities(x: Any, y: Any, weight: Any, reduction: str, label_smoothing: float) -> Any:
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    if label_smoothing:
        y = y * (1.0 - label_smoothing) + label_smoothing / classes
    losses = -_weighted(log_softmax(x, axis) * y, weight, axis).sum(axis=axis)
    return reduced(losses, None, reduction)


def _weighted(terms: Any, weight: Any, axis: int) -> Any:
    """Terms for every class, each scaled by its weight."""
    if weight is None:
        return terms
    shape = [-1 if k == axis else 1 for k in range(terms.ndim)]
    return terms * _checked_weight(weight, terms.shape[axis]).reshape(shape)


@named_by_caller
def linear_cross_entropy(
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    *,
    linear_bias: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of the scores input @ linear_weight.T + linear_bias, as ``cross_entropy`` of ``linear``.

    Shapes: input (N, in) or (in,), linear_weight (C, …, in) and linear_bias (C, …), which give scores (N, C, …); the
    target as in ``cross_entropy``, and so the rest. ValueError for an ``ignore_index`` where the target has
    probabilities; TN802 for shapes that do not fit.

    >>> F.linear_cross_entropy(tn.tensor([[1.0, 2.0]]), tn.zeros(4, 2), tn.tensor([3]))
    tensor(1.3863)
    """
    x, w, y = tensors((input, linear_weight, target))
    if x.ndim not in (1, 2) or w.ndim < 2 or x.shape[-1] != w.shape[-1] or (w.ndim > 2 and x.ndim == 1):
        raise ShapeError(f"linear_cross_entropy: input of shape {list(x.shape)}, linear_weight of {list(w.shape)}")
    bias = None if linear_bias is None else value_of(linear_bias)
    if bias is not None and bias.shape != w.shape[:-1]:
        raise ShapeError(f"linear_cross_entropy: linear_bias of shape {list(bias.shape)}, not {list(w.shape[:-1])}")
    scores = linear(x, w.reshape(-1, w.shape[-1]), None if bias is None else bias.flatten())
    scores = scores.reshape(*x.shape[:-1], *w.shape[:-1])
    if ignore_index is not None and y.shape == scores.shape:
        raise ValueError("linear_cross_entropy: no ignore_index goes with a target of probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    form = {"reduction": reduction, "label_smoothing": label_smoothing}
    return cross_entropy(scores, y, weight, ignore_index=ignored, **form)  # type: ignore[arg-type]
