"""Normalization over batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.dtypes import float32
from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn.functional.caller import named_by_caller
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.reading import value_of
from tenure.values.operations.reductions import MOMENTS
from tenure.values.places.writable import Writable
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.composite import HALVES
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag, number

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike


@named_by_caller
def batch_norm(
    input: ArrayLike,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalization: (x - mean) / √(variance + eps) · weight + bias for each channel of an input.

    Shapes: input (batch, channels, …), all else (channels,). In ``training`` mean and variance are the batch's, over
    all axes but the second, and the places ``running_mean`` and ``running_var`` are written (unless None):
    running ← (1 - momentum) · running + momentum · batch's, with the variance that divides by n - 1. Else the running
    ones serve. ShapeError (TN802) where a shape does not fit, or a batch has one value a channel. Source: Ioffe,
    Szegedy, ICML 2015, in PyTorch's form.

    >>> x = tn.tensor([[1.0], [3.0]])
    >>> F.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    x, training, momentum = value_of(input), flag("training", training), number("batch_norm", "momentum", momentum)
    if x.ndim < 2:
        raise ShapeError(f"batch_norm of an input of shape {list(x.shape)}, which has no axis of channels")
    channels = x.shape[1]
    shape = (1, channels, *[1] * (x.ndim - 2))
    named = (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias))
    for name, p in named:
        if p is not None and not isinstance(p, Tensor):
            raise DTypeError(f"batch_norm: {name} is a tensor, not {shown(p)}")
        if p is not None and tuple(p.shape) != (channels,):
            raise ShapeError(f"batch_norm of {channels} channels: {name} has shape {list(p.shape)}")
    own = {p.dtype for p in (x, weight, bias, *(() if training else (running_mean,))) if p is not None}
    if x.dtype in HALVES:
        x = x.to(float32)
    if training:
        away, spread = _of_the_batch(x, shape, running_mean, running_var, momentum)
    elif running_mean is None or running_var is None:
        raise ShapeError("batch_norm outside training takes running_mean and running_var")
    else:
        away, spread = x - value_of(running_mean).reshape(shape), value_of(running_var).reshape(shape)
    out: Tensor = away * (1.0 / (spread + eps).sqrt())
    if weight is not None:
        out = out * value_of(weight).reshape(shape)
    if bias is not None:
        out = out + value_of(bias).reshape(shape)
    return out.to(*own) if len(own) == 1 and own.issubset(HALVES) else out


def _of_the_batch(
    x: Any, shape: tuple[int, ...], running_mean: Any, running_var: Any, momentum: float
) -> tuple[Any, Any]:
    """Deviations from the batch's mean, and the batch's variances; the running statistics are written."""
    count = x.numel() // shape[1] if shape[1] else 0
    if count < 2:
        raise ShapeError(f"batch_norm in training takes more than one value a channel, not {list(x.shape)}")
    away, mean, spread = apply(MOMENTS, (x,), parameters(("axes",), (0, *range(2, x.ndim))))
    moved(running_mean, momentum, mean)
    moved(running_var, momentum, spread, count / (count - 1))
    return away, spread


@no_grad()
def moved(running: Any, momentum: float, new: Any, scale: float = 1.0) -> None:
    """Move a running mean towards that of a batch; none that another thread moves it by is lost."""
    if running is None:
        return
    new = new.detach().flatten()
    step = momentum * (new if scale == 1.0 else new * scale)
    if not isinstance(running, Writable):
        running.copy_((1 - momentum) * running + step)  # refused
        return
    while True:
        seen, old = running._seen()
        if running._update(((1 - momentum) * old + step).to(running._aval.dtype), seen) is not None:
            return
