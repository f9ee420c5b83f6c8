"""Kullback–Leibler divergences of two distributions of one family."""

from __future__ import annotations

from typing import Any

from tenure.distributions.bernoulli import Bernoulli, Binomial, ContinuousBernoulli, Geometric
from tenure.distributions.beta import Beta, Dirichlet
from tenure.distributions.categorical import Categorical, OneHotCategorical
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.gamma import Exponential, Gamma
from tenure.distributions.independent import Independent
from tenure.distributions.kl_registry import kl_divergence, register_kl
from tenure.distributions.locations import Cauchy, Gumbel, Laplace
from tenure.distributions.multivariate_normal import (
    LowRankMultivariateNormal,
    MultivariateNormal,
    half_log_det,
    mahalanobis,
)
from tenure.distributions.normal import HalfNormal, Normal
from tenure.distributions.poisson import Poisson
from tenure.distributions.transformed_distribution import TransformedDistribution
from tenure.distributions.uniform import Pareto, Uniform
from tenure.distributions.utils import EULER, either, softplus, sum_rightmost
from tenure.errors import ShapeError
from tenure.values.operations.diagonals import diag_embed
from tenure.values.operations.matrices.systems import solve_triangular
from tenure.values.operations.special import xlogy
from tenure.values.tensor.tensor import Tensor

INF = float("inf")


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    a, b, x, y = p.probs, q.probs, p.logits, q.logits
    one = either(a == 0, 0.0, either(b == 0, INF, a * (softplus(-y) - softplus(-x))))
    zero = either(a == 1, 0.0, either(b == 1, INF, (1 - a) * (softplus(y) - softplus(x))))
    return one + zero


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    pairs = ((p.concentration1, q.concentration1), (p.concentration0, q.concentration0))
    whole_p, whole_q = (d.concentration1 + d.concentration0 for d in (p, q))
    found = whole_p.lgamma() - whole_q.lgamma() + (whole_q - whole_p) * whole_p.digamma()
    for a, b in pairs:
        found = found + b.lgamma() - a.lgamma() + (a - b) * a.digamma()
    return found


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    n, m = p.total_count, q.total_count
    if bool((n < m).any().item()):
        raise NotImplementedError("kl_divergence: a Binomial of fewer trials than the other has no closed form")
    found = n * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return either(n > m, INF, found)


@register_kl(Categorical, Categorical)
@register_kl(OneHotCategorical, OneHotCategorical)
def _categorical(p: Any, q: Any) -> Tensor:
    a, b = p.probs, q.probs
    terms: Tensor = a * (p.logits - q.logits)
    return either(a == 0, 0.0, either(b == 0, INF, terms)).sum(-1)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    of_p, of_q = (d._cont_bern_log_norm() + (-d.probs).log1p() for d in (p, q))
    return p.mean * (p.logits - q.logits) + of_p - of_q


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    whole = a.sum(-1)
    slopes = a.digamma() - whole.digamma().unsqueeze(-1)
    normalizers = whole.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return normalizers + ((a - b) * slopes).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    if type(p) is not type(q):
        raise NotImplementedError("kl_divergence: two exponential families have no common Bregman divergence")
    at, normalizer, slopes = p._normalizer_slopes()
    others = q._natural_params
    found = q._log_normalizer(*others) - normalizer
    for x, y, slope in zip(at, others, slopes, strict=True):
        axes = slope.ndim - len(p.batch_shape)
        found = found - sum_rightmost((y - x) * slope, axes)
    return found


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    rates = b * (p.rate / q.rate).log() + (q.rate - p.rate) * (a / p.rate)
    return rates + b.lgamma() - a.lgamma() + (a - b) * a.digamma()


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return -ratio.log() + apart + ratio * EULER + ((1 + ratio).lgamma() - apart).exp() - (1 + EULER)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    found = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return either(p.scale < q.scale, INF, found)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return xlogy(p.rate, p.rate / q.rate) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence: two distributions by different transforms")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return either((q.low > p.low) | (q.high < p.high), INF, found)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    return ((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2).log() - (4 * p.scale * q.scale).log()


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: events of different numbers of axes")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


def _squares(x: Tensor) -> Tensor:
    """The sum of the squares of matrices."""
    return (x**2).sum((-2, -1))


def _same_events(p: Any, q: Any) -> int:
    """The number of elements of an event."""
    if p.event_shape != q.event_shape:
        raise ShapeError(
            f"kl_divergence: events of shape {list(p.event_shape)} and {list(q.event_shape)} have no divergence"
        )
    return int(p.event_shape[0])


def _log_det(d: Any) -> Tensor:
    """The logarithm of the determinant of the covariance."""
    if isinstance(d, LowRankMultivariateNormal):
        return d.log_det()
    return 2 * half_log_det(d._unbroadcasted_scale_tril)


def _roots(d: Any) -> list[Tensor]:
    """Matrices W whose products W Wᵀ add up to the covariance."""
    if isinstance(d, LowRankMultivariateNormal):
        return [d._raw("cov_factor"), diag_embed(d._raw("cov_diag").sqrt())]
    return [d._unbroadcasted_scale_tril]


def _trace(q: Any, root: Tensor) -> Tensor:
    """The trace of the inverse covariance of q times W Wᵀ."""
    if not isinstance(q, LowRankMultivariateNormal):
        return _squares(solve_triangular(q._unbroadcasted_scale_tril, root, upper=False))
    w, d, tril = q._parts()
    a = solve_triangular(tril, w.mT / d.unsqueeze(-2), upper=False)
    return _squares(root * d.rsqrt().unsqueeze(-1)) - _squares(a @ root)


def _normals(p: Any, q: Any) -> Tensor:
    """Of multivariate normal distributions, each by its Cholesky factor or of low rank."""
    n, apart = _same_events(p, q), q.loc - p.loc
    low = isinstance(q, LowRankMultivariateNormal)
    distance = q.distance(apart) if low else mahalanobis(q._unbroadcasted_scale_tril, apart)
    traces = [_trace(q, root) for root in _roots(p)]
    return 0.5 * (_log_det(q) - _log_det(p) + sum(traces[1:], traces[0]) + distance - n)


for _p in (MultivariateNormal, LowRankMultivariateNormal):
    for _q in (MultivariateNormal, LowRankMultivariateNormal):
        register_kl(_p, _q)(_normals)
