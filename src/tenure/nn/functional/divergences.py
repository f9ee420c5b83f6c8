"""Losses between probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.dtypes import float32
from tenure.errors import ShapeError
from tenure.nn.functional.reducing import flags, reduced, tensors, way
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.bounds import from_zero_to
from tenure.values.operations.special import xlogy
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

LEAST = 1e-12
"""The least x · (1 - x) that the slope of binary cross-entropy divides by, as in PyTorch."""


def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy of probabilities x, -(y · log x + (1 - y) · log(1 - x)), with logarithms of at least -100.

    ``weight`` scales each element and broadcasts; ``reduction`` is "mean", "sum" or "none"; older flags as in
    ``mse_loss``. ``binary_cross_entropy_with_logits`` is more accurate near 0 and 1. ShapeError (TN802) if shapes
    differ; DomainError (TN802), when the result is read, for an input or a target that is not between 0 and 1.

    >>> F.binary_cross_entropy(tn.tensor([0.5]), tn.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = way("binary_cross_entropy", reduction, size_average, reduce)
    operands = tensors((input, target), weight)
    x, y = operands[:2]
    if x.shape != y.shape:
        raise ShapeError(f"binary_cross_entropy: input of shape {list(x.shape)}, target of {list(y.shape)}")
    return apply(BINARY, operands, parameters(("reduction",), reduction))


def _binary(x: Any, y: Any, weight: Any = None, *, reduction: str) -> Any:
    if x.dtype.kind == "h":  # whose least number is above LEAST
        wide = [v if v is None else v.to(float32) for v in (x, y, weight)]
        return _binary(*wide, reduction=reduction).to(x.dtype)
    x, y = (from_zero_to(1.0, v, f"binary_cross_entropy: {of}") for v, of in ((x, "input"), (y, "target")))
    kept = x * (1.0 - x)
    steep = (kept < LEAST) & (kept >= 0.0)
    inner = where(steep, 0.5, x)
    losses = -(y * inner.log() + (1.0 - y) * (1.0 - inner).log())
    at = x.detach()
    edge = -(y * at.log().clip(-100.0, None) + (1.0 - y) * (1.0 - at).log().clip(-100.0, None))
    losses = where(steep, edge + (x - at) * ((at - y) / LEAST), losses)
    return reduced(losses if weight is None else losses * weight, None, reduction)


BINARY = composite("binary_cross_entropy", _binary)


def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities from target probabilities y: y · (log y - input).

    With ``log_target`` the target has logarithms too. ``reduction`` is "mean" over all elements, "batchmean" over the
    first axis, "sum" or "none"; older flags as in ``mse_loss``. Shapes broadcast; ShapeError (TN802) where they do not.

    >>> F.kl_div(tn.tensor([[-1.0, -1.0]]), tn.tensor([[0.5, 0.5]]), reduction="batchmean")
    tensor(0.3069)
    """
    reduction = flags("kl_div", size_average, reduce, reduction)
    if not isinstance(reduction, str) or reduction != "batchmean":
        reduction = way("kl_div", reduction, None, None)
    form = parameters(("reduction", "logs"), reduction, flag("kl_div: log_target", log_target))
    return apply(DIVERGENCE, tensors((input, target)), form)


def _divergence(x: Any, y: Any, *, reduction: str, logs: bool) -> Any:
    terms = y.exp() * (y - x) if logs else xlogy(y, y) - y * x
    if reduction != "batchmean":
        return reduced(terms, None, reduction)
    return terms.sum() / (x.shape[0] if x.ndim else 1)


DIVERGENCE = composite("kl_div", _divergence)
