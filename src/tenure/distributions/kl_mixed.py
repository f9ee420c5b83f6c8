"""Kullback–Leibler divergences of distributions of two families; infinite where p has events that q has not.

Of p with a closed entropy it is −H(p) less the mean of log q(x) for x of p.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

from tenure.distributions.bernoulli import Bernoulli, Binomial, ContinuousBernoulli
from tenure.distributions.beta import Beta
from tenure.distributions.distribution import Distribution
from tenure.distributions.gamma import Exponential, Gamma
from tenure.distributions.kl_registry import register_kl
from tenure.distributions.locations import Gumbel, Laplace
from tenure.distributions.normal import Normal
from tenure.distributions.poisson import Poisson
from tenure.distributions.uniform import Pareto, Uniform
from tenure.distributions.utils import EULER, either
from tenure.ops.declare import broadcast_shapes
from tenure.values.operations.factories import full
from tenure.values.operations.special import xlogy
from tenure.values.tensor.tensor import Tensor

INF = float("inf")
REALS = (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)
INFINITE: dict[type[Distribution], tuple[type[Distribution], ...]] = {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: REALS,
    Laplace: REALS,
    Normal: REALS,
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}
"""Pairs in which p has events that q does not have."""


def _infinite(p: Distribution, q: Distribution) -> Tensor:
    shape = broadcast_shapes([p.batch_shape, q.batch_shape], "kl_divergence")
    return full(shape, INF, dtype=p._dtype)


for _p, _others in INFINITE.items():
    for _q in _others:
        register_kl(_p, _q)(_infinite)




def _of_normal(q: Normal, mean: Tensor, square: Tensor) -> Tensor:
    """The mean of −log q(x) of a normal q, by the mean of x and of its square."""
    spread = square - 2 * q.loc * mean + q.loc**2
    return 0.5 * log(2 * pi) + q.scale.log() + spread / (2 * q.scale**2)


def _of_gamma(q: Gamma, mean: Any, of_log: Any) -> Tensor:
    """The mean of −log q(x) of a gamma q, by the mean of x and of its logarithm."""
    c: Tensor = q.concentration
    return c.lgamma() - c * q.rate.log() - (c - 1) * of_log + q.rate * mean  # type: ignore[no-any-return]


def _of_continuous_bernoulli(q: ContinuousBernoulli, mean: Tensor) -> Tensor:
    """The mean of −log q(x) of a continuous Bernoulli q, by the mean of x."""
    return -mean * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous_bernoulli(p: Beta, q: ContinuousBernoulli) -> Tensor:
    return -p.entropy() + _of_continuous_bernoulli(q, p.mean)


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
def _share_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate * p.mean - q.rate.log() - p.entropy()  # type: ignore[no-any-return]


@register_kl(Beta, Gamma)
def _beta_gamma(p: Beta, q: Gamma) -> Tensor:
    of_log = p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    return -p.entropy() + _of_gamma(q, p.mean, of_log)


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
def _by_moments_normal(p: Any, q: Normal) -> Tensor:
    return _of_normal(q, p.mean, p.variance + p.mean**2) - p.entropy()  # type: ignore[no-any-return]


@register_kl(Beta, Uniform)
def _beta_uniform(p: Beta, q: Uniform) -> Tensor:
    return either((q.low > 0) | (q.high < 1), INF, -p.entropy() + (q.high - q.low).log())


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_bernoulli_uniform(p: ContinuousBernoulli, q: Uniform) -> Tensor:
    return either((q.low > 0) | (q.high < 1), INF, -p.entropy() + (q.high - q.low).log())


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Exponential, q: Gamma) -> Tensor:
    return -p.entropy() + _of_gamma(q, p.mean, -EULER - p.rate.log())


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Gamma, q: Exponential) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Exponential, q: Gumbel) -> Tensor:
    product, apart = p.rate * q.scale, q.loc / q.scale
    return product.log() - 1 - apart + product.reciprocal() + apart.exp() * product / (product + 1)


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Gamma, q: Gumbel) -> Tensor:
    product, apart = p.rate * q.scale, q.loc / q.scale
    rises = apart.exp() * (1 + product.reciprocal()) ** -p.concentration
    return -p.entropy() + q.scale.log() + p.concentration / product - apart + rises


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Normal, q: Gumbel) -> Tensor:
    apart, ratio = (p.loc - q.loc) / q.scale, (p.scale / q.scale) ** 2
    return apart - 0.5 * ratio.log() + (0.5 * ratio - apart).exp() - 0.5 * (1 + log(2 * pi))


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    apart = p.loc - q.loc
    z = apart / p.scale
    distance = sqrt(2 / pi) * p.scale * (-0.5 * z**2).exp() + apart * (sqrt(0.5) * z).erf()
    return (q.scale / p.scale).log() + distance / q.scale - 0.5 * (1 + log(pi / 2))


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Pareto, q: Exponential) -> Tensor:
    return either(p.alpha <= 1, INF, -p.entropy() - q.rate.log() + q.rate * p.mean)


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Pareto, q: Gamma) -> Tensor:
    of_log = p.scale.log() + p.alpha.reciprocal()
    return either(p.alpha <= 1, INF, -p.entropy() + _of_gamma(q, p.mean, of_log))


@register_kl(Pareto, Normal)
def _pareto_normal(p: Pareto, q: Normal) -> Tensor:
    return either(p.alpha <= 2, INF, -p.entropy() + _of_normal(q, p.mean, p.variance + p.mean**2))


def _mean_log(low: Tensor, high: Tensor) -> Tensor:
    """The mean of log x for x between two numbers."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    logs = (a - 1) * _mean_log(p.low, p.high) + (b - 1) * _mean_log(1 - p.high, 1 - p.low)
    normalizer = a.lgamma() + b.lgamma() - (a + b).lgamma()
    return either((p.high > 1) | (p.low < 0), INF, normalizer - p.entropy() - logs)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    return either((p.high > 1) | (p.low < 0), INF, -p.entropy() + _of_continuous_bernoulli(q, p.mean))


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Uniform, q: Exponential) -> Tensor:
    return either(p.low < 0, INF, q.rate * p.mean - ((p.high - p.low) * q.rate).log())


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Uniform, q: Gamma) -> Tensor:
    return either(p.low < 0, INF, -p.entropy() + _of_gamma(q, p.mean, _mean_log(p.low, p.high)))


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Uniform, q: Gumbel) -> Tensor:
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    ratio = q.scale / (p.high - p.low)
    return ratio.log() + 0.5 * (high + low) - ratio * ((-high).exp() - (-low).exp())


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    inner = (q.alpha + 1) * _mean_log(p.low, p.high)
    found = inner - q.alpha.log() - q.alpha * q.scale.log() - p.entropy()
    return either(p.low < q.scale, INF, found)
