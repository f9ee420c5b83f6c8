"""``tn.distributions``: probability distributions, transforms, constraints and divergences, by PyTorch's names."""

from tenure.distributions import constraints, kl, transforms, utils
from tenure.distributions.bernoulli import Bernoulli, Binomial, ContinuousBernoulli, Geometric, NegativeBinomial
from tenure.distributions.beta import Beta, Dirichlet, Kumaraswamy
from tenure.distributions.categorical import (
    Categorical,
    Multinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from tenure.distributions.constraint_registry import ConstraintRegistry, biject_to, transform_to
from tenure.distributions.distribution import Distribution
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.gamma import Chi2, Exponential, FisherSnedecor, Gamma, InverseGamma, Weibull
from tenure.distributions.independent import Independent
from tenure.distributions.kl import kl_divergence, register_kl
from tenure.distributions.locations import Cauchy, Gumbel, HalfCauchy, Laplace, StudentT, VonMises
from tenure.distributions.mixture_same_family import MixtureSameFamily
from tenure.distributions.multivariate_normal import LowRankMultivariateNormal, MultivariateNormal
from tenure.distributions.normal import HalfNormal, LogisticNormal, LogNormal, Normal
from tenure.distributions.poisson import Poisson
from tenure.distributions.relaxed import (
    ExpRelaxedCategorical,
    LogitRelaxedBernoulli,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
)
from tenure.distributions.transformed_distribution import TransformedDistribution
from tenure.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from tenure.distributions.uniform import GeneralizedPareto, Pareto, Uniform
from tenure.distributions.wishart import LKJCholesky, Wishart

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Binomial",
    "CatTransform",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ComposeTransform",
    "ConstraintRegistry",
    "ContinuousBernoulli",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "Dirichlet",
    "Distribution",
    "ExpRelaxedCategorical",
    "ExpTransform",
    "Exponential",
    "ExponentialFamily",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "IndependentTransform",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LogitRelaxedBernoulli",
    "LowRankMultivariateNormal",
    "LowerCholeskyTransform",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "StudentT",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "constraints",
    "identity_transform",
    "kl",
    "kl_divergence",
    "register_kl",
    "transform_to",
    "transforms",
    "utils",
]
