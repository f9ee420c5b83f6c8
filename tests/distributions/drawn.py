"""Drawn parameters, values and calls for every distribution and transform: for each name, how a case is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.nn.drawn_layers import Draw

EDGES = (0.0, 1.0, -1.0, 0.5, 2.0, 3.0, np.inf, -np.inf, np.nan, 1e-30, 1e4, -0.0)
"""Values at which densities and distribution functions have their ends."""


class Drawn(Draw):
    """Draws of parameters that broadcast with a batch of some shape."""

    def __init__(self, seed: Any) -> None:
        super().__init__(seed)
        self.batch_of = tuple(self.one(1, 2, 3) for _ in range(self.one(0, 1, 1, 2)))

    def part(self) -> tuple[int, ...]:
        """A shape that broadcasts to the batch, more often the whole of it."""
        if self.flag(0.6):
            return self.batch_of
        shape = tuple(n if self.flag(0.6) else 1 for n in self.batch_of)
        return shape[self.size(0, len(shape)) :] if self.flag(0.4) else shape

    def parameter(self, low: float, high: float, *event: int, wrong: float | None = None) -> Any:
        """Numbers between two bounds; a Python number now and then, seldom one that is no parameter."""
        if not event and self.flag(0.15):
            return self.real(low, high)
        x = self.uniform((*self.part(), *event), low, high)
        if not event and self.flag(0.2):
            x = np.asarray(np.clip(np.round(x), low, high))
        if wrong is not None and x.size and self.flag(0.06):
            x.reshape(-1)[-1] = self.one(wrong, np.nan)
        return x

    def positive(self, *event: int) -> Any:
        return self.parameter(0.1, self.one(1.0, 4.0, 20.0), *event, wrong=self.one(0.0, -1.0))

    def any_of(self, *event: int) -> Any:
        return self.parameter(-2.0, 2.0, *event, wrong=np.inf)

    def chance(self, *event: int) -> dict[str, Any]:
        """Probabilities or logits."""
        if self.flag():
            return {"logits": self.parameter(-4.0, 4.0, *event)}
        probs = self.parameter(0.02, 0.98, *event, wrong=self.one(1.5, -0.1))
        if self.flag(0.15) and isinstance(probs, np.ndarray):
            probs = np.asarray(np.round(probs)) if not event else probs
        return {"probs": probs}

    def matrix(self, n: int) -> dict[str, Any]:
        """A positive definite matrix, by one of its three forms."""
        x = self.rng.standard_normal((*self.part(), n, n))
        full = x @ np.swapaxes(x, -2, -1) + 0.3 * np.eye(n)
        form = self.one("covariance_matrix", "precision_matrix", "scale_tril")
        return {form: np.linalg.cholesky(full) if form == "scale_tril" else full}


Given = Callable[[Drawn], dict[str, Any]]


def loc_scale(d: Drawn) -> dict[str, Any]:
    return {"loc": d.any_of(), "scale": d.positive()}


def two(a: str, b: str) -> Given:
    return lambda d: {a: d.positive(), b: d.positive()}


def one(name: str) -> Given:
    return lambda d: {name: d.positive()}


def counted(d: Drawn) -> Any:
    return d.size(0, 6) if d.flag() else np.asarray(d.integers(0, 7, d.part()).astype(float))


def uniform(d: Drawn) -> dict[str, Any]:
    return {"low": d.parameter(-3.0, 0.0), "high": d.parameter(0.1, 3.0, wrong=-5.0)}


def vectors(d: Drawn) -> dict[str, Any]:
    n = d.size(1, 3)
    return {"loc": d.any_of(n), **d.matrix(n)}


def low_rank(d: Drawn) -> dict[str, Any]:
    n = d.size(1, 4)
    return {"loc": d.any_of(n), "cov_factor": d.any_of(n, d.size(1, 2)), "cov_diag": d.positive(n)}


def matrices(d: Drawn) -> dict[str, Any]:
    n = d.size(1, 3)
    return {"df": d.parameter(n + 0.1, n + 5.0), **d.matrix(n)}


FAMILIES: dict[str, Given] = {
    "Normal": loc_scale,
    "LogNormal": loc_scale,
    "HalfNormal": one("scale"),
    "LogisticNormal": lambda d: {"loc": d.any_of(3), "scale": d.positive(3)},
    "Laplace": loc_scale,
    "Cauchy": loc_scale,
    "HalfCauchy": one("scale"),
    "Gumbel": loc_scale,
    "StudentT": lambda d: {"df": d.positive(), **(loc_scale(d) if d.flag() else {})},
    "VonMises": lambda d: {"loc": d.any_of(), "concentration": d.positive()},
    "Gamma": two("concentration", "rate"),
    "Chi2": one("df"),
    "InverseGamma": two("concentration", "rate"),
    "Exponential": one("rate"),
    "Weibull": two("scale", "concentration"),
    "FisherSnedecor": two("df1", "df2"),
    "Beta": two("concentration1", "concentration0"),
    "Dirichlet": lambda d: {"concentration": d.positive(d.size(1, 4))},
    "Kumaraswamy": two("concentration1", "concentration0"),
    "Uniform": uniform,
    "Pareto": two("scale", "alpha"),
    "GeneralizedPareto": lambda d: {**loc_scale(d), "concentration": d.any_of()},
    "Bernoulli": lambda d: d.chance(),
    "ContinuousBernoulli": lambda d: d.chance(),
    "Binomial": lambda d: {"total_count": counted(d), **d.chance()},
    "NegativeBinomial": lambda d: {"total_count": d.positive(), **d.chance()},
    "Geometric": lambda d: d.chance(),
    "Poisson": one("rate"),
    "Categorical": lambda d: d.chance(d.size(1, 4)),
    "OneHotCategorical": lambda d: d.chance(d.size(1, 4)),
    "OneHotCategoricalStraightThrough": lambda d: d.chance(d.size(1, 4)),
    "Multinomial": lambda d: {"total_count": d.size(0, 5), **d.chance(d.size(1, 4))},
    "RelaxedBernoulli": lambda d: {"temperature": d.uniform((), 0.2, 2.0), **d.chance()},
    "LogitRelaxedBernoulli": lambda d: {"temperature": d.uniform((), 0.2, 2.0), **d.chance()},
    "RelaxedOneHotCategorical": lambda d: {"temperature": d.uniform((), 0.2, 2.0), **d.chance(d.size(2, 4))},
    "MultivariateNormal": vectors,
    "LowRankMultivariateNormal": low_rank,
    "Wishart": matrices,
    "LKJCholesky": lambda d: {"dim": d.size(2, 4), "concentration": d.positive()},
}
"""The arguments of each distribution."""

ATTRIBUTES = [
    "mean",
    "mode",
    "variance",
    "stddev",
    "batch_shape",
    "event_shape",
    "support",
    "has_rsample",
    "has_enumerate_support",
]
CALLS = ["entropy()", "perplexity()", "enumerate_support()", "enumerate_support(False)", "expand", "sample", "rsample"]
SCORES = ("log_prob", "cdf", "icdf", "support.check")
