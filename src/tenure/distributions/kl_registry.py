"""Registry of Kullback–Leibler divergences by the classes of two distributions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tenure.distributions.distribution import Distribution
from tenure.distributions.independent import distribution_of
from tenure.errors import DTypeError, shown
from tenure.values.tensor.tensor import Tensor

Divergence = Callable[[Any, Any], Tensor]
Pair = tuple[type[Distribution], type[Distribution]]
REGISTRY: dict[Pair, Divergence] = {}
FOUND: dict[Pair, Divergence | None] = {}
"""Divergences by the classes that were asked for."""


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[Divergence], Divergence]:
    """Decorator for the function that gives the divergence of two distributions of these classes, and of subclasses.

    The closest pair of classes counts. DTypeError (TN802) for what is no class of distributions.

    >>> from tenure.distributions import Distribution, register_kl
    >>> class Mine(Distribution):
    ...     arg_constraints = {}
    >>> @register_kl(Mine, Mine)
    ... def divergence(p, q):
    ...     return tn.zeros(p.batch_shape)
    >>> tn.distributions.kl_divergence(Mine(), Mine())
    tensor(0.)
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type) or not issubclass(kind, Distribution):
            raise DTypeError(f"register_kl: {name} is a class of distributions, not {shown(kind)}")

    def decorator(function: Divergence) -> Divergence:
        REGISTRY[type_p, type_q] = function
        FOUND.clear()
        return function

    return decorator


def _closest(kind_p: type[Distribution], kind_q: type[Distribution]) -> Divergence | None:
    """The divergence of the closest classes, by p first and by q first, which should agree."""
    matches = [(p, q) for p, q in REGISTRY if issubclass(kind_p, p) and issubclass(kind_q, q)]
    if not matches:
        return None
    far_p, far_q = kind_p.__mro__.index, kind_q.__mro__.index
    left = min(matches, key=lambda pair: (far_p(pair[0]), far_q(pair[1])))
    right = min(matches, key=lambda pair: (far_q(pair[1]), far_p(pair[0])))
    if REGISTRY[left] is not REGISTRY[right]:
        warnings.warn(
            f"kl_divergence({kind_p.__name__}, {kind_q.__name__}) is ambiguous:"
            f" register_kl({left[0].__name__}, {right[1].__name__}) decides",
            RuntimeWarning,
            stacklevel=3,
        )
    return REGISTRY[left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback–Leibler divergence KL(p ‖ q), the mean of log p(x) - log q(x) for x of p: of the batch shape.

    NotImplementedError for a pair of classes that is not registered, DTypeError (TN802) for what is no distribution.

    >>> D = tn.distributions
    >>> D.kl_divergence(D.Normal(1.0, 1.0), D.Normal(0.0, 1.0))
    tensor(0.5000)
    """
    pair = type(distribution_of("kl_divergence: p", p)), type(distribution_of("kl_divergence: q", q))
    if pair not in FOUND:
        FOUND[pair] = _closest(*pair)
    function = FOUND[pair]
    if function is None:
        raise NotImplementedError(f"no KL divergence is registered of {pair[0].__name__} from {pair[1].__name__}")
    return function(p, q)
