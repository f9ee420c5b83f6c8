"""Normalization of each channel of each example, and dropout of whole channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.errors import ShapeError
from tenure.nn.functional.batch import batch_norm, moved
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.groups import group_norm
from tenure.values.operations.arithmetic import where
from tenure.values.operations.reading import value_of
from tenure.values.tensor.random import rand
from tenure.values.trace.given import flag, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


@named_by_caller
def instance_norm(
    input: ArrayLike,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Instance normalization: (x - mean) / √(variance + eps) · weight + bias over the axes behind each channel.

    Shapes: input (batch, channels, …), all else (channels,). The places ``running_mean`` and ``running_var`` are
    written, unless None, with the means over the batch; without ``use_input_stats`` they serve as in ``batch_norm``.
    ShapeError (TN802) where a shape does not fit, or a channel has one value. Source: Ulyanov et al., arXiv:1607.08022.

    >>> F.instance_norm(tn.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    x: Any = value_of(input)
    if not flag("use_input_stats", use_input_stats):
        weight, bias = (None if p is None else value_of(p) for p in (weight, bias))
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    if x.ndim < 3 or math.prod(x.shape[2:]) < 2:
        raise ShapeError(f"instance_norm takes more than one value a channel, not {list(x.shape)}")
    momentum = float(number("instance_norm", "momentum", momentum))
    behind = tuple(range(2, x.ndim))
    if running_mean is not None:
        moved(running_mean, momentum, x.mean(axis=behind).mean(axis=0))
    if running_var is not None:
        moved(running_var, momentum, x.var(axis=behind, correction=1).mean(axis=0))
    return group_norm(x, x.shape[1], weight, bias, eps)


def _of_channels(name: str, x: Any, lead: int, p: float, training: bool) -> Tensor:
    """Dropout of whole channels, whose numbers are the first ``lead`` axes."""
    p = number(name, "p", p)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: p, a probability, is between 0 and 1, not {p}")
    if x.ndim < lead:
        raise ShapeError(f"{name}: an input of shape {list(x.shape)}: it has at least {lead} axes")
    if not flag("training", training) or p == 0.0:
        return x  # type: ignore[no-any-return]
    kept = rand((*x.shape[:lead], *[1] * (x.ndim - lead))) >= p
    return where(kept, x * (1.0 / (1.0 - p) if p < 1.0 else 0.0), 0.0)


def dropout1d(input: ArrayLike, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of an input (N, C, L) or (C, L): each is 0 with probability p, else divided by 1 - p.

    ValueError for a probability outside [0, 1], ShapeError (TN802) for other axes; ``inplace`` has no effect.
    Source: Tompson et al., arXiv:1411.4280.

    >>> F.dropout1d(tn.ones(1, 2, 3), training=False).sum()
    tensor(6.)
    """
    x = value_of(input)
    if x.ndim not in (2, 3):
        raise ShapeError(f"dropout1d: an input of shape {list(x.shape)}: it has 2 or 3 axes")
    return _of_channels("dropout1d", x, x.ndim - 1, p, training)


def dropout2d(input: ArrayLike, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of an input (N, C, …), as ``dropout1d``: as in PyTorch, the first axis is the batch.

    ValueError for a probability outside [0, 1], ShapeError (TN802) for less than two axes; ``inplace`` has no effect.

    >>> F.dropout2d(tn.ones(1, 2, 3, 1), training=False).sum()
    tensor(6.)
    """
    return _of_channels("dropout2d", value_of(input), 2, p, training)


def dropout3d(input: ArrayLike, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of an input (N, C, D, H, W) or, of any other number of axes, (C, …), as ``dropout1d``.

    ValueError for a probability outside [0, 1], ShapeError (TN802) without axes; ``inplace`` has no effect.

    >>> F.dropout3d(tn.ones(1, 2, 3, 1, 1), training=False).sum()
    tensor(6.)
    """
    x = value_of(input)
    return _of_channels("dropout3d", x, 2 if x.ndim == 5 else 1, p, training)
