"""Pruning: parameters of which elements count as 0, by a mask before each call.

The parameter ``weight`` becomes ``weight_orig``, beside a buffer ``weight_mask``; ``module.weight`` is their product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from tenure.errors import DTypeError, shown
from tenure.nn.module import Module
from tenure.nn.utils.clip import parameters_to_vector
from tenure.nn.utils.pruning import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    hooks_of,
)
from tenure.values.operations.factories import ones
from tenure.values.operations.shaping import cat
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]
M = TypeVar("M", bound=Module)


@checked_first
def identity(module: M, name: str) -> M:
    """Prune nothing of a parameter, which gets a mask of ones; returns the module.

    >>> nn.utils.prune.identity(nn.Linear(2, 1), "weight").weight_mask
    tensor([[1., 1.]])
    """
    Identity.apply(module, name)
    return module


@checked_first
def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune elements of a parameter by chance: so many (int), or a fraction (float); returns the module.

    ValueError for a name that the module does not have, and an amount that there is not.

    >>> (nn.utils.prune.random_unstructured(nn.Linear(4, 4), "weight", 0.5).weight.detach() == 0).sum()
    tensor(8)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


@checked_first
def l1_unstructured(module: M, name: str, amount: float, importance_scores: Tensor | None = None) -> M:
    """Prune the elements of a parameter of least size: so many (int), or a fraction (float); returns the module.

    ``importance_scores`` of its shape take the place of the elements. Errors as in ``random_unstructured``.

    >>> layer = nn.Linear(3, 1)
    >>> layer.weight.data = tn.tensor([[3.0, -1.0, 2.0]])
    >>> nn.utils.prune.l1_unstructured(layer, "weight", 2).weight.detach()
    tensor([[3., -0., 0.]])
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


@checked_first
def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune parts of a parameter along an axis by chance; returns the module. As ``random_unstructured``.

    >>> pruned = nn.utils.prune.random_structured(nn.Linear(3, 4), "weight", 2, dim=0)
    >>> (pruned.weight_mask.sum(axis=1) == 0).sum()
    tensor(2)
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


@checked_first
def ln_structured(
    module: M, name: str, amount: float, n: float, dim: int, importance_scores: Tensor | None = None
) -> M:
    """Prune the parts of a parameter along an axis that have the least n-norm; returns the module.

    Arguments and errors as in ``l1_unstructured``; OutOfRange (TN801) for an axis that is not there.

    >>> layer = nn.Linear(2, 2)
    >>> layer.weight.data = tn.tensor([[3.0, 4.0], [1.0, 1.0]])
    >>> nn.utils.prune.ln_structured(layer, "weight", 0.5, 2, 0).weight.detach()
    tensor([[3., 4.],
            [0., 0.]])
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


@checked_first
def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune a parameter by a mask of ones and zeros in its shape; returns the module. ShapeError (TN802) for another.

    >>> layer = nn.utils.prune.custom_from_mask(nn.Linear(2, 1), "weight", tn.tensor([[0, 1]]))
    >>> layer.weight_mask
    tensor([[0., 1.]])
    """
    CustomFromMask.apply(module, name, mask)
    return module


@checked_first
def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: Any,
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters, pairs of a module and a name, as if they were one vector.

    ``pruning_method`` is a class such as ``L1Unstructured``, made of the other arguments. DTypeError (TN802) for one
    that is not unstructured.

    >>> layers = [nn.Linear(2, 2), nn.Linear(2, 2)]
    >>> pairs = [(layer, "weight") for layer in layers]
    >>> nn.utils.prune.global_unstructured(pairs, nn.utils.prune.L1Unstructured, amount=3)
    >>> int(sum((layer.weight_mask == 0).sum() for layer in layers))
    3
    """
    pairs: list[tuple[Any, str]] = [(module, name) for module, name in parameters]
    given = {} if importance_scores is None else importance_scores
    method = pruning_method(**kwargs)
    if not isinstance(method, BasePruningMethod) or method.PRUNING_TYPE != "unstructured":
        raise DTypeError(f"global_unstructured: pruning_method is one of elements, not {shown(pruning_method)}")
    tensors = [getattr(module, name).detach() for module, name in pairs]
    scores = [given.get(pair, x) for pair, x in zip(pairs, tensors, strict=True)]
    masks = [
        getattr(module, f"{name}_mask", ones(x.shape, dtype=x.dtype)).flatten()
        for (module, name), x in zip(pairs, tensors, strict=True)
    ]
    container = PruningContainer(method)
    whole = no_grad().apply(container.compute_mask, parameters_to_vector(scores).detach(), default_mask=cat(masks))
    start = 0
    for (module, name), x in zip(pairs, tensors, strict=True):
        custom_from_mask(module, name, whole[start : start + x.numel()].reshape(x.shape))
        start += x.numel()


@checked_first
def remove(module: M, name: str) -> M:
    """Make a pruned tensor the parameter itself, zeros and all; returns the module. ValueError if it is not pruned.

    >>> layer = nn.utils.prune.l1_unstructured(nn.Linear(3, 1), "weight", 2)
    >>> [name for name, _ in nn.utils.prune.remove(layer, "weight").named_parameters()]
    ['bias', 'weight']
    """
    found = hooks_of(module, name)
    if not found:
        raise ValueError(f"remove: {name!r} of {type(module).__name__} is not pruned")
    for number, method in found:
        method.remove(module)
        del module._own_hooks().before[number]
    return module


@checked_first
def is_pruned(module: Module) -> bool:
    """Whether a parameter of a module, or of one below it, is pruned.

    >>> nn.utils.prune.is_pruned(nn.Linear(2, 2))
    False
    """
    found = [fn for m in module.modules() if m._hooks is not None for fn, _ in m._hooks.before.values()]
    return any(isinstance(fn, BasePruningMethod) for fn in found)
