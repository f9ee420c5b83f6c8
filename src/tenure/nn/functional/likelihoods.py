"""Negative log-likelihoods of distributions: Poisson's and the normal one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.dtypes import float32
from tenure.errors import ShapeError
from tenure.nn.functional.reducing import at_least, reduced, scalar, tensors, way
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.bounds import not_negative
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.operations.special import xlogy
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of counts under Poisson distributions: exp(input) - target · input.

    The input has the logarithms of the rates; without ``log_input`` the rates, for input - target · log(input + eps).
    ``full`` adds Stirling's approximation of log(target!) for targets above 1. ``reduction`` is "mean", "sum" or
    "none"; older flags as in ``mse_loss``. Shapes broadcast; ShapeError (TN802) where they do not.

    >>> F.poisson_nll_loss(tn.tensor([0.0, 1.0]), tn.tensor([1.0, 2.0]), reduction="none")
    tensor([1.0000, 0.7183])
    """
    options = flag("poisson_nll_loss: log_input", log_input), flag("poisson_nll_loss: full", full)
    form = ("reduction", "logs", "full"), way("poisson_nll_loss", reduction, size_average, reduce), *options
    return apply(POISSON, tensors((input, target)), parameters(*form), (scalar("poisson_nll_loss", "eps", eps),))


def _poisson(x: Any, y: Any, eps: Any, *, reduction: str, logs: bool, full: bool) -> Any:
    losses = x.exp() - y * x if logs else x - y * (x + eps).log()
    if full:
        above = where(y > 1, y, 2)
        stirling = xlogy(above, above) - above + 0.5 * (2 * math.pi * above).log()
        losses = losses + where(y > 1, stirling, 0.0)
    return reduced(losses, None, reduction)


POISSON = composite("poisson_nll_loss", _poisson, "MeanBackward0")


def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of targets under normal distributions: (log var + (input - target)² / var) / 2.

    ``var`` has the variances, each at least ``eps``: a number, in the shape of the input, in that without its last
    axis, or with size 1 in place of one of its axes. With ``full`` the constant log(2π) / 2 is added. ``reduction`` is
    "mean", "sum" or "none". ShapeError (TN802) for other shapes; ValueError for a negative number, DomainError (TN802),
    when the loss is read, for a negative element.

    >>> F.gaussian_nll_loss(tn.tensor([1.0]), tn.tensor([3.0]), tn.tensor([4.0]))
    tensor(1.1931)
    """
    x, y = value_of(input), value_of(target)
    if isinstance(var, int | float) and not isinstance(var, bool):
        if var < 0:
            raise ValueError(f"gaussian_nll_loss: var is not negative, and {var} is")
        v = tensor(float(var), dtype=x.dtype if x.dtype.is_floating else float32)
    else:
        v = value_of(var)
        _check_variances(x.shape, v.shape)
    form = parameters(("reduction", "full"), way("gaussian_nll_loss", reduction, None, None), flag("full", full))
    return apply(GAUSSIAN, (x, y, v), form, (scalar("gaussian_nll_loss", "eps", eps),))


def _check_variances(shape: tuple[int, ...], own: tuple[int, ...]) -> None:
    """TN802 for variances of a shape that does not go with that of the input."""
    differing = [n for m, n in zip(shape, own, strict=False) if m != n]
    if own not in (shape, shape[:-1]) and (len(own) != len(shape) or sum(differing) != 1):
        raise ShapeError(
            f"gaussian_nll_loss: var of shape {list(own)} for an input of shape {list(shape)}",
            help="give it the shape of the input, that without the last axis, or 1 in place of one axis",
        )


def _gaussian(x: Any, y: Any, var: Any, eps: Any, *, reduction: str, full: bool) -> Any:
    if var.ndim and var.shape == x.shape[:-1] != x.shape:
        var = var.unsqueeze(-1)
    below = where(var < 0, var, 0.0).detach()
    zeros = not_negative(below.to(float32) if below.dtype.kind == "h" else below, "gaussian_nll_loss: var")
    var = at_least(var + zeros.to(var.dtype), eps)
    losses = 0.5 * (var.log() + (x - y).square() / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, None, reduction)


GAUSSIAN = composite("gaussian_nll_loss", _gaussian, "MeanBackward0")
