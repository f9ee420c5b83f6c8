"""Utilities of training loops for the parameters of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.errors import ShapeError
from tenure.values.arithmetic import minimum
from tenure.values.blame import checked_first
from tenure.values.creation import tensor
from tenure.values.indexing import split
from tenure.values.modes import no_grad
from tenure.values.reading import value_of
from tenure.values.shaping import cat, stack
from tenure.values.tensor import Tensor


@checked_first
@no_grad()
def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0) -> Any:
    """Scale the gradients of some parameters so that their norm, taken together, is at most ``max_norm``.

    Writes the gradients and gives the norm before: that of all elements, of order ``norm_type`` (inf: the
    largest). Parameters without a gradient do not count.
    """
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    grads = [p.grad for p in found if p.grad is not None]
    norm = _norm([g.value for g in grads], float(norm_type))
    scale = minimum(max_norm / (norm + 1e-6), 1.0)
    for g in grads:
        g.mul_(scale.to(g.dtype))
    return norm


def _norm(grads: list[Any], order: float) -> Any:
    if order <= 0:
        raise ValueError(f"norm_type is above zero, and {order} is not")
    if not grads:
        return tensor(0.0)
    if order == float("inf"):
        return stack([g.abs().amax() for g in grads]).amax()
    if order == 2.0:
        return stack([(g * g).sum() for g in grads]).sum().sqrt()
    return stack([(g.abs() ** order).sum() for g in grads]).sum() ** (1.0 / order)


@checked_first
def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Keep every element of the gradients of some parameters within ± ``clip_value``."""
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for p in found:
        if p.grad is not None:
            p.grad.clamp_(-clip_value, clip_value)


@checked_first
def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """The numbers of some parameters in one vector: a value, in the graph, that shares nothing with them."""
    return cat([p.reshape(-1) for p in parameters])


@checked_first
@no_grad()
def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Write some parameters from one vector, one after the other. TN802, and nothing written, if it does not fit.

    The parameters share nothing with the vector.
    """
    vector, places = value_of(vec).detach(), list(parameters)
    sizes = [p.numel() for p in places]
    if vector.shape != (sum(sizes),):
        raise ShapeError(f"a vector of shape {list(vector.shape)} for parameters of {sum(sizes)} numbers")
    for p, part in zip(places, split(vector, sizes), strict=True):
        p.copy_(part.reshape(p.shape))
