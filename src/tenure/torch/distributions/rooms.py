"""Modules of ``torch.distributions`` by the classes that are defined there."""

from __future__ import annotations

from tenure.torch.messages.distributions import PUBLIC

ROOMS = {
    "distribution": "Distribution", "normal": "Normal", "categorical": "Categorical", "bernoulli": "Bernoulli",
    "beta": "Beta", "gamma": "Gamma", "uniform": "Uniform", "independent": "Independent", "dirichlet": "Dirichlet",
    "multivariate_normal": "MultivariateNormal", "transformed_distribution": "TransformedDistribution",
    "lowrank_multivariate_normal": "LowRankMultivariateNormal", "exponential": "Exponential", "poisson": "Poisson",
    "laplace": "Laplace", "one_hot_categorical": "OneHotCategorical OneHotCategoricalStraightThrough",
    "relaxed_bernoulli": "RelaxedBernoulli LogitRelaxedBernoulli", "exp_family": "ExponentialFamily",
    "relaxed_categorical": "RelaxedOneHotCategorical", "log_normal": "LogNormal", "cauchy": "Cauchy",
    "studentT": "StudentT", "mixture_same_family": "MixtureSameFamily", "half_normal": "HalfNormal",
    "half_cauchy": "HalfCauchy", "multinomial": "Multinomial", "binomial": "Binomial", "geometric": "Geometric",
    "chi2": "Chi2", "continuous_bernoulli": "ContinuousBernoulli", "fishersnedecor": "FisherSnedecor",
    "generalized_pareto": "GeneralizedPareto", "gumbel": "Gumbel", "inverse_gamma": "InverseGamma",
    "kumaraswamy": "Kumaraswamy", "lkj_cholesky": "LKJCholesky", "logistic_normal": "LogisticNormal",
    "negative_binomial": "NegativeBinomial", "pareto": "Pareto", "von_mises": "VonMises", "weibull": "Weibull",
    "wishart": "Wishart",
}  # fmt: skip
"""Classes of distributions by their module."""
_OF = {name: room for room, names in ROOMS.items() for name in names.split()}


def module_of(name: str) -> tuple[str, str]:
    """Name and module in PyTorch of a class of the home library."""
    if name in _OF:
        return name, f"torch.distributions.{_OF[name]}"
    if name.endswith("Transform"):
        return name, "torch.distributions.transforms"
    return name if name in PUBLIC else f"_{name}", "torch.distributions.constraints"
