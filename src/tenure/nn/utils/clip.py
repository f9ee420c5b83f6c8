"""Utilities of training loops for the parameters of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tenure.errors import DomainError, ShapeError
from tenure.values.grad.sparse_rows import SparseRows
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
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of some tensors taken together: that of all their elements, of order ``norm_type`` (inf: the largest).

    It is 0 of none. Sparse rows count as the tensor that they stand for; their index is read. ValueError unless the
    order is above zero; DomainError (TN802), with ``error_if_nonfinite``, for a norm that is infinite or NaN, which
    reads it. ``foreach`` has no effect.

    >>> nn.utils.get_total_norm([tn.tensor([3.0]), tn.tensor([4.0])])
    tensor(5.)
    """
    found = [tensors] if isinstance(tensors, Tensor) else [_elements(x) for x in tensors]
    norm = _norm(found, float(norm_type))
    if error_if_nonfinite and not bool(norm.isfinite()):
        raise DomainError(
            f"get_total_norm: the norm of order {float(norm_type):g} is {norm.item()}",
            help="look for the parameter with such a gradient, or leave out error_if_nonfinite",
        )
    return norm


@checked_first
@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: ArrayLike,
    foreach: bool | None = None,
) -> None:
    """Scale the gradients of some parameters by ``max_norm / total_norm`` where that is below 1; writes them.

    ``total_norm`` is the norm that they have together, as of ``get_total_norm``; 1e-6 is added to it. ``foreach`` has
    no effect.

    >>> w = nn.Parameter([3.0, 4.0])
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grads_with_norm_([w], 1.0, tn.tensor(5.0))
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    scale = minimum(max_norm / (value_of(total_norm) + 1e-6), 1.0)
    for g in _gradients(parameters):
        g.mul_(scale.to(g.dtype))


def _elements(x: Any) -> Tensor:
    """The elements of a tensor; of sparse rows those that are listed, each once."""
    return x.coalesce().values() if isinstance(x, SparseRows) else value_of(x)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    """The gradients that there are."""
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in found if p.grad is not None]


@checked_first
@no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients of some parameters so that their norm, taken together, is at most ``max_norm``.

    Writes the gradients and returns the norm before, ``get_total_norm`` of them, with its errors. Parameters without a
    gradient do not count. ``foreach`` has no effect.

    >>> w = nn.Parameter([3.0, 4.0])
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grad_norm_([w], 1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    norm = get_total_norm([g.value for g in _gradients(found)], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(found, max_norm, norm)
    return norm


clip_grad_norm = clip_grad_norm_


def _norm(tensors: list[Tensor], order: float) -> Tensor:
    if not order > 0:
        raise ValueError(f"norm_type is above zero, and {order} is not")
    if not tensors:
        return tensor(0.0)
    if order == float("inf"):
        return stack([x.abs().amax() for x in tensors]).amax()
    if order == 2.0:
        return stack([(x * x).sum() for x in tensors]).sum().sqrt()
    return stack([(x.abs() ** order).sum() for x in tensors]).sum() ** (1.0 / order)


@checked_first
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Keep every element of the gradients of some parameters within ± ``clip_value``; writes them.

    ``foreach`` has no effect.

    >>> w = nn.Parameter([3.0, -4.0])
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grad_value_([w], 3.5)
    >>> w.grad
    tensor([ 3.0000, -3.5000])
    """
    for g in _gradients(parameters):
        g.clamp_(-clip_value, clip_value)


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
