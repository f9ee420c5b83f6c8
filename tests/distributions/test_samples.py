"""Samples: their distribution, their moments, the gradients of their means."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn
from tenure import distributions as D
from tests.distributions.families import Case, distinct

COUNT = 4000
HEAVY = ("Cauchy", "HalfCauchy", "StudentT", "Pareto", "InverseGamma", "FisherSnedecor", "GeneralizedPareto")
"""Families whose variance may be infinite."""


@pytest.mark.parametrize("case", distinct(), ids=str)
def test_samples_have_their_shape_and_lie_in_the_support(case: Case) -> None:
    d = case.made(D, tn.tensor)
    tn.manual_seed(4)
    x = d.sample((3, 2))
    assert x.shape == (3, 2, *d.batch_shape, *d.event_shape) and not x.requires_grad
    assert bool(d.support.check(x).all())
    assert np.isfinite(np.asarray(d.log_prob(x))).all() and d.log_prob(x).shape == (3, 2, *d.batch_shape)
    assert d.sample().shape == (*d.batch_shape, *d.event_shape)
    assert_array_equal(np.asarray(d.sample((2,), generator=tn.Generator(1))), d.sample((2,), generator=tn.Generator(1)))
    if d.has_rsample:
        assert d.rsample((5,)).shape == (5, *d.batch_shape, *d.event_shape)
    else:
        with pytest.raises(NotImplementedError, match="rsample"):
            d.rsample()


@pytest.mark.parametrize("case", [case for case in distinct() if case.name not in HEAVY], ids=str)
def test_moments_of_samples(case: Case) -> None:
    d = case.made(D, tn.tensor)
    tn.manual_seed(12)
    x = np.asarray(d.sample((COUNT,)), np.float64)
    try:
        mean, variance = np.asarray(d.mean, np.float64), np.asarray(d.variance, np.float64)
    except NotImplementedError:
        return
    if case.name == "VonMises":
        away = np.mod(x - mean + math.pi, 2 * math.pi) - math.pi
        assert_allclose(1 - np.cos(away).mean(0), variance, atol=0.05)
        return
    known = np.isfinite(mean)
    error = 5 * np.sqrt(variance / COUNT) + 1e-6
    assert (abs(x.mean(0) - mean)[known] <= error[known]).all()
    spread = ((x - mean) ** 2 - variance) ** 2
    error = 6 * np.sqrt(spread.mean(0) / COUNT) + 1e-3 * variance + 1e-9
    assert (abs(((x - mean) ** 2).mean(0) - variance)[known] <= error[known]).all()


def continuous() -> list[Case]:
    """Families of numbers with a distribution function."""
    found = []
    for case in distinct():
        d = case.made(D, tn.tensor)
        try:
            d.cdf(d.sample())
        except NotImplementedError:
            continue
        found.append(case)
    return found


@pytest.mark.parametrize("case", continuous(), ids=str)
def test_samples_follow_the_distribution_function(case: Case) -> None:
    """By Kolmogorov and Smirnov: the largest distance is below 2.2 / √n, but once in 10⁴ tests."""
    d = case.made(D, tn.tensor)
    tn.manual_seed(6)
    u = np.sort(np.asarray(d.cdf(d.sample((COUNT,)))), axis=0).reshape(COUNT, -1)
    steps = np.arange(1, COUNT + 1)[:, None] / COUNT
    assert abs(u - steps).max() < 2.2 / math.sqrt(COUNT)


@pytest.mark.parametrize("case", continuous(), ids=str)
def test_density_quantile_and_distribution_function_agree(case: Case) -> None:
    d = case.made(D, tn.tensor)
    tn.manual_seed(7)
    x = d.sample()
    with np.errstate(all="ignore"):
        slope = tn.grad(lambda v: d.cdf(v).sum())(x)
        assert_allclose(np.asarray(slope), np.asarray(d.log_prob(x).exp()), rtol=2e-6, atol=1e-9)
        try:
            again = d.icdf(d.cdf(x))
        except NotImplementedError:
            return
    assert_allclose(np.asarray(again), np.asarray(x), rtol=1e-5, atol=1e-7)


DISCRETE: list[Callable[[], Any]] = [
    lambda: D.Bernoulli(probs=tn.tensor([0.2, 0.7])),
    lambda: D.Binomial(5, probs=tn.tensor([0.2, 0.7])),
    lambda: D.Categorical(probs=tn.tensor([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])),
    lambda: D.OneHotCategorical(logits=tn.tensor([[0.0, 1.0, -1.0]])),
]


@pytest.mark.parametrize("make", DISCRETE)
def test_probabilities_of_a_listed_support(make: Callable[[], Any]) -> None:
    d = make()
    values = d.enumerate_support()
    p = d.log_prob(values).exp()
    assert_allclose(np.asarray(p.sum(0)), 1, rtol=1e-5)
    tn.manual_seed(3)
    x = d.sample((COUNT,))
    for value, chance in zip(values, p, strict=True):
        same = x == value
        same = same.all(-1) if d.event_shape else same
        share = np.asarray(same.to(tn.float64).mean(0))
        assert_allclose(share, np.asarray(chance), atol=0.04)
        assert ((np.asarray(chance) > 1e-9) | (share == 0)).all()


MEANS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], list[float]]] = {
    "Normal": (lambda a: D.Normal(a[0], a[1]), lambda x: x**2, [0.5, 1.5]),
    "LogNormal": (lambda a: D.LogNormal(a[0], a[1]), lambda x: x, [0.2, 0.5]),
    "Gumbel": (lambda a: D.Gumbel(a[0], a[1]), lambda x: x, [0.5, 1.5]),
    "Laplace": (lambda a: D.Laplace(a[0], a[1]), lambda x: x**2, [0.5, 1.5]),
    "Gamma": (lambda a: D.Gamma(a[0], a[1]), lambda x: x, [1.5, 2.0]),
    "Beta": (lambda a: D.Beta(a[0], a[1]), lambda x: x, [1.5, 2.0]),
    "Kumaraswamy": (lambda a: D.Kumaraswamy(a[0], a[1]), lambda x: x, [1.5, 2.0]),
    "Weibull": (lambda a: D.Weibull(a[0], a[1]), lambda x: x, [1.5, 2.0]),
    "Uniform": (lambda a: D.Uniform(a[0], a[1]), lambda x: x**2, [-0.5, 2.0]),
    "ContinuousBernoulli": (lambda a: D.ContinuousBernoulli(a[0]), lambda x: x, [0.3]),
    "StudentT": (lambda a: D.StudentT(9.0, a[0], a[1]), lambda x: x**2, [0.5, 1.0]),
}


@pytest.mark.parametrize("name", MEANS)
def test_the_gradient_of_a_mean(name: str) -> None:
    """Of a sample's function, whose mean is known by moments; by the mean of many gradients."""
    make, f, at = MEANS[name]
    a = tn.tensor(at, dtype=tn.float64)
    tn.manual_seed(2)
    rows = tn.zeros(COUNT, len(at), dtype=tn.float64) + a

    def summed(rows: Any) -> Any:
        return f(make(rows.mT).rsample()).sum()

    def exact(a: Any) -> Any:
        d = make(a)
        return d.variance + d.mean**2 if f(tn.tensor(3.0)).item() == 9.0 else d.mean

    g = np.asarray(tn.grad(summed)(rows))
    wanted = np.asarray(tn.grad(exact)(a))
    assert (abs(g.mean(0) - wanted) < 5 * g.std(0) / math.sqrt(COUNT) + 1e-9).all()


def test_reparametrized_vectors_move_with_their_parameters() -> None:
    leaf = tn.tensor([[1.0, 0.2], [0.2, 2.0]], requires_grad=True)
    d = D.MultivariateNormal(tn.zeros(2), leaf)
    tn.manual_seed(1)
    (d.rsample((COUNT,)) ** 2).sum(-1).mean().backward()
    assert_allclose(np.asarray(leaf.grad), np.eye(2), atol=0.1)
    logits = tn.zeros(3, requires_grad=True)
    x = D.OneHotCategoricalStraightThrough(logits=logits).rsample()
    assert_allclose(np.sort(np.asarray(x.detach())), [0, 0, 1], atol=1e-6)
    (x * tn.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert_allclose(np.asarray(logits.grad), [-1 / 3, 0, 1 / 3], atol=1e-6)
    temperature = tn.tensor(0.5, requires_grad=True)
    D.RelaxedOneHotCategorical(temperature, logits=tn.zeros(3)).rsample().max().backward()
    assert np.isfinite(np.asarray(temperature.grad))


def test_mixtures() -> None:
    parts = D.Independent(D.Normal(tn.tensor([[-3.0, 0.0], [3.0, 1.0]]), tn.tensor([[0.5, 1.0], [1.0, 0.5]])), 1)
    d = D.MixtureSameFamily(D.Categorical(tn.tensor([1.0, 3.0])), parts)
    assert d.batch_shape == () and d.event_shape == (2,)
    tn.manual_seed(3)
    x = np.asarray(d.sample((COUNT,)))
    assert_allclose(x.mean(0), np.asarray(d.mean), atol=0.2)
    assert_allclose(x.var(0), np.asarray(d.variance), rtol=0.1)
    wide = d.expand((4,))
    assert wide.sample((5,)).shape == (5, 4, 2) and wide.log_prob(tn.zeros(4, 2)).shape == (4,)
    several = D.MixtureSameFamily(D.Categorical(tn.ones(3)), D.Normal(tn.zeros(2, 3), 1.0))
    assert several.batch_shape == (2,) and several.sample((4,)).shape == (4, 2)
    assert_allclose(np.asarray(several.cdf(tn.zeros(2))), 0.5, rtol=1e-6)
    with pytest.raises(tn.ShapeError, match="2 probabilities for components of batch shape"):
        D.MixtureSameFamily(D.Categorical(tn.ones(2)), D.Normal(tn.zeros(3), 1.0))
