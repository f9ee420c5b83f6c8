"""Every distribution with parameters of some shapes, for tests that go over all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

RNG = np.random.default_rng(3)


class Case(NamedTuple):
    """A distribution by its name, and its arguments in NumPy."""

    name: str
    given: dict[str, Any]

    def __str__(self) -> str:
        shapes = [f"{k}{list(np.shape(x))}" for k, x in self.given.items()]
        return f"{self.name}({','.join(shapes)})".replace(" ", "")

    def made(self, module: Any, tensor: Any) -> Any:
        """The distribution of a library, of its tensors."""
        given = {k: tensor(x) if isinstance(x, np.ndarray) else x for k, x in self.given.items()}
        return getattr(module, self.name)(**given)


def up(*shape: int) -> Any:
    """Positive numbers, none of which is close to 0."""
    return RNG.uniform(0.3, 3.0, shape)


def any_of(*shape: int) -> Any:
    """Numbers of both signs."""
    return RNG.standard_normal(shape)


def chances(*shape: int) -> Any:
    """Probabilities that are neither 0 nor 1."""
    return RNG.uniform(0.05, 0.95, shape)


def covariance(n: int, *batch: int) -> Any:
    """Positive definite matrices."""
    x = RNG.standard_normal((*batch, n, n))
    return x @ np.swapaxes(x, -2, -1) + 0.5 * np.eye(n)


def factor(n: int, *batch: int) -> Any:
    """Triangular matrices with a positive diagonal."""
    return np.linalg.cholesky(covariance(n, *batch))


CASES = [
    Case("Normal", {"loc": any_of(2, 3), "scale": up(3)}),
    Case("Normal", {"loc": 0.5, "scale": 2.0}),
    Case("LogNormal", {"loc": any_of(3), "scale": up(2, 1)}),
    Case("HalfNormal", {"scale": up(3)}),
    Case("LogisticNormal", {"loc": any_of(2, 3), "scale": up(2, 3)}),
    Case("Laplace", {"loc": any_of(3), "scale": up(2, 1)}),
    Case("Cauchy", {"loc": any_of(3), "scale": up(2, 1)}),
    Case("HalfCauchy", {"scale": up(2)}),
    Case("Gumbel", {"loc": any_of(3), "scale": up(2, 1)}),
    Case("StudentT", {"df": np.array([0.5, 1.5, 4.0]), "loc": any_of(3), "scale": up(2, 1)}),
    Case("StudentT", {"df": up(2)}),
    Case("VonMises", {"loc": any_of(3), "concentration": up(2, 1)}),
    Case("Gamma", {"concentration": up(3), "rate": up(2, 1)}),
    Case("Chi2", {"df": up(3)}),
    Case("InverseGamma", {"concentration": np.array([0.5, 1.5, 2.5]), "rate": up(2, 1)}),
    Case("Exponential", {"rate": up(2, 3)}),
    Case("Weibull", {"scale": up(3), "concentration": 1 + up(2, 1)}),
    Case("FisherSnedecor", {"df1": up(3), "df2": np.array([1.0, 3.0, 6.0])}),
    Case("Beta", {"concentration1": up(3), "concentration0": up(2, 1)}),
    Case("Dirichlet", {"concentration": up(2, 3)}),
    Case("Kumaraswamy", {"concentration1": up(3), "concentration0": up(2, 1)}),
    Case("Uniform", {"low": any_of(3), "high": 2.5 + up(2, 1)}),
    Case("Pareto", {"scale": up(2, 1), "alpha": np.array([0.5, 1.5, 2.5])}),
    Case("GeneralizedPareto", {"loc": any_of(2, 1), "scale": up(4), "concentration": np.array([-0.5, 0.0, 0.3, 1.2])}),
    Case("Bernoulli", {"probs": chances(2, 3)}),
    Case("Bernoulli", {"logits": any_of(3)}),
    Case("ContinuousBernoulli", {"probs": np.array([0.1, 0.4999, 0.5, 0.7])}),
    Case("ContinuousBernoulli", {"logits": any_of(3)}),
    Case("Binomial", {"total_count": 5, "probs": chances(3)}),
    Case("Binomial", {"total_count": np.array([[4.0]]), "logits": any_of(3)}),
    Case("NegativeBinomial", {"total_count": np.array([0.0, 2.5, 4.0]), "probs": chances(3)}),
    Case("NegativeBinomial", {"total_count": up(2, 1), "logits": any_of(3)}),
    Case("Geometric", {"probs": chances(3)}),
    Case("Geometric", {"logits": any_of(2, 3)}),
    Case("Poisson", {"rate": up(2, 3)}),
    Case("Categorical", {"probs": chances(2, 4)}),
    Case("Categorical", {"logits": any_of(4)}),
    Case("OneHotCategorical", {"probs": chances(2, 4)}),
    Case("OneHotCategorical", {"logits": any_of(4)}),
    Case("OneHotCategoricalStraightThrough", {"logits": any_of(2, 4)}),
    Case("Multinomial", {"total_count": 6, "probs": chances(2, 4)}),
    Case("Multinomial", {"total_count": 3, "logits": any_of(4)}),
    Case("RelaxedBernoulli", {"temperature": np.array(0.7), "probs": chances(3)}),
    Case("RelaxedBernoulli", {"temperature": np.array([1.5]), "logits": any_of(2, 3)}),
    Case("RelaxedOneHotCategorical", {"temperature": np.array(0.7), "probs": chances(2, 4)}),
    Case("RelaxedOneHotCategorical", {"temperature": np.array([1.5]), "logits": any_of(4)}),
    Case("MultivariateNormal", {"loc": any_of(2, 3), "covariance_matrix": covariance(3)}),
    Case("MultivariateNormal", {"loc": any_of(3), "precision_matrix": covariance(3, 2)}),
    Case("MultivariateNormal", {"loc": any_of(4, 1, 3), "scale_tril": factor(3, 2)}),
    Case("LowRankMultivariateNormal", {"loc": any_of(2, 4), "cov_factor": any_of(4, 2), "cov_diag": up(4)}),
    Case("LowRankMultivariateNormal", {"loc": any_of(4), "cov_factor": any_of(2, 4, 1), "cov_diag": up(2, 4)}),
    Case("Wishart", {"df": 3 + up(2), "covariance_matrix": covariance(3)}),
    Case("Wishart", {"df": np.array(4.5), "scale_tril": factor(3, 2)}),
    Case("LKJCholesky", {"dim": 3, "concentration": up(2)}),
    Case("LKJCholesky", {"dim": 2, "concentration": 0.5}),
]
"""Distributions made of parameters; those made of distributions have tests of their own."""


def distinct() -> list[Case]:
    """One case of each family."""
    return list({case.name: case for case in CASES}.values())
