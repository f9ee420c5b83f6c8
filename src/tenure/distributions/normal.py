"""The normal distribution, and what is made of it: half of it, its exponential, shares."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import TYPE_CHECKING

from tenure.distributions import constraints
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.parameters import OfBase, Parameter
from tenure.distributions.transformed_distribution import TransformedDistribution
from tenure.distributions.transforms_of_numbers import AbsTransform, ExpTransform
from tenure.distributions.transforms_of_vectors import StickBreakingTransform
from tenure.distributions.utils import either
from tenure.values.operations.elementary import ndtr
from tenure.values.operations.factories import zeros_like
from tenure.values.operations.special import ndtri
from tenure.values.tensor import sampling
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import Operand


class Normal(ExponentialFamily):
    """Normal distribution of a mean ``loc`` and a standard deviation ``scale``.

    Numbers or tensors, which broadcast to the batch shape. DomainError (TN802) for a scale that is not positive.

    >>> d = tn.distributions.Normal(tn.zeros(2), 1.0)
    >>> d.sample().shape, d.log_prob(0.0)
    ((2,), tensor([-0.9189, -0.9189]))
    """

    loc, scale = Parameter(constraints.real), Parameter(constraints.positive)
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, loc: Operand, scale: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    def _mean(self) -> Tensor:
        return self.loc

    _mode = _mean

    @property
    def stddev(self) -> Tensor:
        """The scale."""
        return self.scale

    def _variance(self) -> Tensor:
        return self.scale**2

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.normal(self._raw("loc"), self._raw("scale"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        scale = self.scale
        return -((x - self.loc) ** 2) / (2 * scale**2) - scale.log() - log(sqrt(2 * pi))

    def _cdf(self, x: Tensor) -> Tensor:
        return ndtr((x - self.loc) / self.scale)

    def _icdf(self, p: Tensor) -> Tensor:
        return self.loc + self.scale * ndtri(p)

    def _entropy(self) -> Tensor:
        return 0.5 + 0.5 * log(2 * pi) + self.scale.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.loc / self.scale**2, -0.5 / self.scale**2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return -0.25 * x**2 / y + 0.5 * (-pi / y).log()


class HalfNormal(TransformedDistribution):
    """Distribution of \\|x\\| for normal x of mean 0 and a standard deviation ``scale``.

    DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.HalfNormal(1.0).log_prob(0.0)
    tensor(-0.2258)
    """

    scale = OfBase(constraints.positive)
    support = constraints.nonnegative

    def __init__(self, scale: Operand, validate_args: bool | None = None) -> None:
        self._validating(validate_args)
        base = self._base(Normal, 0.0, scale)
        super().__init__(base, AbsTransform(), validate_args)

    def _mean(self) -> Tensor:
        return self.scale * sqrt(2 / pi)

    def _mode(self) -> Tensor:
        return zeros_like(self.scale)

    def _variance(self) -> Tensor:
        return self.scale**2 * (1 - 2 / pi)

    def _log_prob(self, x: Tensor) -> Tensor:
        return either(x >= 0, self.base_dist.log_prob(x) + log(2.0), -float("inf"))

    def _cdf(self, x: Tensor) -> Tensor:
        return (x / (self.scale * sqrt(2.0))).erf()

    def _icdf(self, p: Tensor) -> Tensor:
        return self.scale * sqrt(2.0) * p.erfinv()

    def _entropy(self) -> Tensor:
        return self.base_dist.entropy() - log(2.0)  # type: ignore[no-any-return]


class LogNormal(TransformedDistribution):
    """Distribution of exp(x) for normal x of a mean ``loc`` and a standard deviation ``scale``.

    DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.LogNormal(0.0, 1.0).mean
    tensor(1.6487)
    """

    loc, scale = OfBase(constraints.real), OfBase(constraints.positive)
    support = constraints.positive

    def __init__(self, loc: Operand, scale: Operand, validate_args: bool | None = None) -> None:
        self._validating(validate_args)
        base = self._base(Normal, loc, scale)
        super().__init__(base, ExpTransform(), validate_args)

    def _mean(self) -> Tensor:
        return (self.loc + self.scale**2 / 2).exp()

    def _mode(self) -> Tensor:
        return (self.loc - self.scale**2).exp()

    def _variance(self) -> Tensor:
        square = self.scale**2
        return square.expm1() * (2 * self.loc + square).exp()

    def _entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc  # type: ignore[no-any-return]


class LogisticNormal(TransformedDistribution):
    """Distribution of shares: normal numbers, along the last axis, by the stick-breaking transform.

    Events have one element more than the last axis of ``loc``. DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.LogisticNormal(tn.zeros(2), tn.ones(2)).sample().shape
    (3,)
    """

    loc = OfBase(constraints.real_vector, "base_dist.base_dist")
    scale = OfBase(constraints.independent(constraints.positive, 1), "base_dist.base_dist")
    support = constraints.simplex

    def __init__(self, loc: Operand, scale: Operand, validate_args: bool | None = None) -> None:
        self._validating(validate_args)
        base = self._base(Normal, loc, scale)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args)
