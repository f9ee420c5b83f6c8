"""The functions that modules are made of, in plain tensor code.

``dim`` and ``axis`` name the same argument. An ``inplace`` flag is accepted and has no effect: tensors are
values, and memory is reused wherever nobody else looks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError, ShapeError
from tenure.values import arithmetic, reductions
from tenure.values.arithmetic import where
from tenure.values.creation import arange
from tenure.values.indexing import take_along_axis
from tenure.values.random import rand
from tenure.values.reading import value_of
from tenure.values.record import RECORDER

F = TypeVar("F", bound=Callable[..., Any])


def named_by_caller(function: F) -> F:
    """What the function records is named by the line that called it, unless a module's call is already."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if RECORDER.site is not None:
            return function(*args, **kwargs)
        frame = sys._getframe(1)
        RECORDER.enter_site((frame.f_code, frame.f_lasti))
        try:
            return function(*args, **kwargs)
        finally:
            RECORDER.enter_site(None)

    return call  # type: ignore[return-value]


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0), elementwise; the gradient at 0 is 0."""
    return arithmetic.relu(input)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent, elementwise."""
    return arithmetic.tanh(input)


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight.T + bias. Shapes: input (…, in), weight (out, in) or (in,), bias (out,); gives (…, out)."""
    weight = value_of(weight)
    out = reductions.matmul(input, weight.T if weight.ndim == 2 else weight)
    return out if bias is None else out + bias


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Each element 0 with probability p, else divided by 1 - p; the input itself if not ``training``."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    if p == 1.0:
        return input * 0.0
    return where(rand(input.shape) >= p, input * (1.0 / (1.0 - p)), 0.0)


def softmax(
    input: Any, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Any:
    """exp(x) / Σ exp(x) along an axis, of the shape of x; cast first if ``dtype`` is given."""
    shifted, at = _shifted(input, dim, axis, dtype)
    powers = shifted.exp()
    return powers / powers.sum(axis=at, keepdims=True)


def log_softmax(
    input: Any, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Any:
    """log(softmax(x)) along an axis, without leaving the range of the dtype on the way."""
    shifted, at = _shifted(input, dim, axis, dtype)
    return shifted - shifted.exp().sum(axis=at, keepdims=True).log()


def _shifted(input: Any, dim: int | None, axis: int | None, dtype: DTypeLike | None) -> tuple[Any, int]:
    """x less its largest element along an axis, which is constant to differentiation; and the axis."""
    x = value_of(input)
    if dtype is not None:
        x = x.to(dtype)
    at = reductions.one_of(axis, dim)
    if at is None:
        raise TypeError("softmax goes along an axis: give dim, as in dim=-1")
    if not x.dtype.is_floating:
        raise DTypeError(f"softmax of {x.dtype.name}", help="cast first, or give dtype=tn.float32")
    at = reductions.check_axis(at, x.ndim)
    return x - x.detach().max(axis=at, keepdims=True), at


@named_by_caller
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """1 where the class is, else 0: int64, of the shape of ``tensor`` (int) with a last axis of num_classes.

    By default the classes end at the largest one, which reads the tensor. TN801 for a class outside them.
    """
    classes = value_of(tensor)
    if classes.dtype.kind != "i":
        raise DTypeError(f"one_hot of {classes.dtype.name}", help="classes are int32 or int64")
    if num_classes == -1:
        if not classes.numel():
            raise ShapeError("one_hot of no elements needs num_classes")
        num_classes = int(classes.max().item()) + 1
    numbers = arange(num_classes)
    inside = numbers[_no_negative(classes, num_classes).flatten()].reshape(classes.shape)
    return (inside.unsqueeze(-1) == numbers).long()


def _no_negative(index: Any, size: int) -> Any:
    """An index in which counting from the end is out of range, too."""
    return where(index < 0, index - size, index)


def _reduced(losses: Any, count: Any, reduction: str) -> Any:
    """Losses as they are, their sum, or their sum by a count."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean() if count is None else losses.sum() / count
    raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """(input - target)², reduced. The shapes agree, or the target is a single number; else ShapeError."""
    x, y = value_of(input), value_of(target)
    if y.shape not in (x.shape, ()):
        raise ShapeError(
            f"mse_loss: input of shape {list(x.shape)}, target of shape {list(y.shape)}",
            help="make the shapes agree, as with .reshape(target.shape) or .squeeze(-1)",
        )
    return _reduced((x - y).square(), None, reduction)


@named_by_caller
def nll_loss(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Any:
    """-input[target], reduced: the loss of log-probabilities (N, C, …) at class indices (N, …).

    ``weight`` (C,) scales each class; targets of ``ignore_index`` do not count. The mean is weighted. Any
    other target outside [0, C) is TN801, when the loss is read.
    """
    x, y = value_of(input), value_of(target)
    axis = _class_axis(x, y)
    losses, count = _at_targets(x, y, weight, ignore_index, axis)
    return _reduced(losses, count, reduction)


def _class_axis(x: Any, y: Any) -> int:
    """Where the classes lie in the input; TN802 if the targets do not fit it."""
    if x.ndim == 0:
        raise ShapeError("a loss over classes needs an axis of classes, and the input is 0-dimensional")
    axis = 0 if x.ndim == 1 else 1
    if y.dtype.kind != "i":
        raise DTypeError(
            f"class indices of dtype {y.dtype.name}",
            help="class indices are int32 or int64; probabilities are floats of the input's shape",
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
    index = where(counts, _no_negative(y, classes), 0)
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
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """The cross-entropy of softmax(input) relative to the target, reduced.

    ``input`` is (N, C, …) or (C,). ``target`` holds class indices (N, …), or probabilities in the shape of
    the input. ``weight`` (C,) scales each class; targets of ``ignore_index`` do not count. The mean is
    weighted for indices and over N for probabilities, as in PyTorch. TN801, when the loss is read, for any
    other target outside [0, C); TN802 for shapes or dtypes that do not fit.
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing lies between 0 and 1, and {label_smoothing} does not")
    x, y = value_of(input), value_of(target)
    if y.shape == x.shape and y.dtype.is_floating:
        return _against_probabilities(x, y, weight, reduction, label_smoothing)
    axis = _class_axis(x, y)
    logs = log_softmax(x, axis)
    losses, count = _at_targets(logs, y, weight, ignore_index, axis)
    if label_smoothing:
        every = where(y != ignore_index, -_weighted(logs, weight, axis).sum(axis=axis), 0.0)
        losses = (1.0 - label_smoothing) * losses + (label_smoothing / x.shape[axis]) * every
    return _reduced(losses, count, reduction)


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
