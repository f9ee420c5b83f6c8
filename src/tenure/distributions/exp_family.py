"""Exponential families: what natural parameters and the logarithm of the normalizer give by themselves."""

from __future__ import annotations

from typing import Any

from tenure.distributions.distribution import Distribution
from tenure.distributions.utils import sum_rightmost
from tenure.values.grad.autograd import grad
from tenure.values.places.var import Var
from tenure.values.rules.modes import enable_grad
from tenure.values.tensor.tensor import Tensor


class ExponentialFamily(Distribution):
    """Base of distributions of density exp(t(x) · θ - F(θ) + k(x)), with the entropy by Bregman divergences.

    A subclass gives ``_natural_params`` θ, ``_log_normalizer`` F and ``_mean_carrier_measure``, the mean of k(x).
    Source: Nielsen and Nock, ICIP 2010.

    >>> isinstance(tn.distributions.Gamma(1.0, 1.0), tn.distributions.ExponentialFamily)
    True
    """

    _mean_carrier_measure: Any

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError(f"{type(self).__name__} gives no natural parameters")

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} gives no normalizer")

    def _normalizer_slopes(self) -> tuple[tuple[Tensor, ...], Tensor, tuple[Tensor, ...]]:
        """Natural parameters, the logarithm of the normalizer there, and its gradient."""
        with enable_grad():
            at = self._natural_params
            leaves = [Var(x.detach(), requires_grad=True) for x in at]
            slopes = grad(self._log_normalizer(*leaves).sum(), leaves)
        return at, self._log_normalizer(*at), tuple([x for x in slopes if x is not None])

    def _entropy(self) -> Tensor:
        at, normalizer, slopes = self._normalizer_slopes()
        result = normalizer - self._mean_carrier_measure
        for x, slope in zip(at, slopes, strict=True):
            result = result - sum_rightmost(x * slope, len(self._event_shape))
        return result  # type: ignore[no-any-return]
