"""Utilities of training loops for the parameters of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tenure.errors import ShapeError
from tenure.values.operations.arithmetic import minimum
from tenure.values.operations.creation import tensor
from tenure.values.operations.indexing import split
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import cat, stack
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

if TYPE_CHECKING:
    from tenure.values.places.writable import Writable
    from tenure.values.tensor.typing import ArrayLike


@checked_first
@no_grad()
def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scale the gradients of some parameters so that their norm, taken together, is at most ``max_norm``.

    Writes the gradients and returns the norm before: that of all elements, of order ``norm_type`` (inf: the largest).
    Parameters without a gradient do not count. ValueError unless the order is above zero.

    >>> w = nn.Parameter([3.0, 4.0])
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grad_norm_([w], 1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    grads = [p.grad for p in found if p.grad is not None]
    norm = _norm([g.value for g in grads], float(norm_type))
    scale = minimum(max_norm / (norm + 1e-6), 1.0)
    for g in grads:
        g.mul_(scale.to(g.dtype))
    return norm


def _norm(grads: list[Tensor], order: float) -> Tensor:
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
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Keep every element of the gradients of some parameters within ± ``clip_value``; writes them.

    >>> w = nn.Parameter([3.0, -4.0])
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grad_value_([w], 3.5)
    >>> w.grad
    tensor([ 3.0000, -3.5000])
    """
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for p in found:
        if p.grad is not None:
            p.grad.clamp_(-clip_value, clip_value)


@checked_first
def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The numbers of some parameters in one vector: a value, in the graph, that shares nothing with them.

    >>> nn.utils.parameters_to_vector([nn.Parameter([1.0, 2.0]), nn.Parameter([3.0])]).detach()
    tensor([1., 2., 3.])
    """
    return cat([p.reshape(-1) for p in parameters])


@checked_first
@no_grad()
def vector_to_parameters(vec: ArrayLike, parameters: Iterable[Writable]) -> None:
    """Write some parameters from one vector, one after the other; they share nothing with it.

    ShapeError (TN802), and nothing written, if the vector does not fit.

    >>> w = nn.Parameter([1.0, 2.0])
    >>> nn.utils.vector_to_parameters(tn.tensor([5.0, 6.0]), [w])
    >>> w.detach()
    tensor([5., 6.])
    """
    vector, places = value_of(vec).detach(), list(parameters)
    sizes = [p.numel() for p in places]
    if vector.shape != (sum(sizes),):
        raise ShapeError(f"a vector of shape {list(vector.shape)} for parameters of {sum(sizes)} numbers")
    for p, part in zip(places, split(vector, sizes), strict=True):
        p.copy_(part.reshape(p.shape))
