"""The gamma distribution, and others of positive numbers that are made of it or of the exponential one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.incomplete import gammainc
from tenure.distributions.parameters import OfBase, Parameter
from tenure.distributions.transformed_distribution import TransformedDistribution
from tenure.distributions.transforms_of_numbers import PowerTransform
from tenure.distributions.utils import EULER, either, tiny
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.factories import zeros_like
from tenure.values.operations.special import xlogy
from tenure.values.tensor import sampling
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import Operand

NAN, INF = float("nan"), float("inf")


class Gamma(ExponentialFamily):
    """Gamma distribution of a shape ``concentration`` and a ``rate``, of mean concentration / rate.

    DomainError (TN802) for parameters that are not positive.

    >>> d = tn.distributions.Gamma(2.0, 4.0)
    >>> d.mean, d.variance
    (tensor(0.5000), tensor(0.1250))
    """

    concentration, rate = Parameter(constraints.positive), Parameter(constraints.positive)
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Operand, rate: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration, rate=rate)

    def _mean(self) -> Tensor:
        return self.concentration / self.rate

    def _mode(self) -> Tensor:
        return clip((self.concentration - 1) / self.rate, 0.0)

    def _variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.gamma(self._raw("concentration"), self._raw("rate"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        c, rate = self.concentration, self.rate
        return xlogy(c, rate) + xlogy(c - 1, x) - rate * x - c.lgamma()

    def _cdf(self, x: Tensor) -> Tensor:
        return gammainc(self.concentration, self.rate * x)

    def _entropy(self) -> Tensor:
        c = self.concentration
        return c - self.rate.log() + c.lgamma() + (1 - c) * c.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return (x + 1).lgamma() - (x + 1) * (-y).log()


class Chi2(Gamma):
    """Chi-squared distribution of ``df`` degrees of freedom: the gamma one of concentration df / 2 and rate 1 / 2.

    DomainError (TN802) for a df that is not positive.

    >>> tn.distributions.Chi2(3.0).mean
    tensor(3.)
    """

    concentration = Parameter(constraints.positive, lambda d: d._raw("df") / 2)
    rate = Parameter(constraints.positive, lambda d: zeros_like(d._raw("df")) + 0.5)
    df = Parameter(constraints.positive)

    def __init__(self, df: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, df=df)


class InverseGamma(TransformedDistribution):
    """Distribution of 1 / x for x of the gamma distribution of a ``concentration`` and a ``rate``.

    The mean is infinite for a concentration of 1 or less, the variance for 2 or less. DomainError (TN802) for
    parameters that are not positive.

    >>> tn.distributions.InverseGamma(3.0, 4.0).mean
    tensor(2.)
    """

    concentration, rate = OfBase(constraints.positive), OfBase(constraints.positive)
    support = constraints.positive

    def __init__(self, concentration: Operand, rate: Operand, validate_args: bool | None = None) -> None:
        self._validating(validate_args)
        super().__init__(self._base(Gamma, concentration, rate), PowerTransform(-1.0), validate_args)

    def _mean(self) -> Tensor:
        c = self.concentration
        return either(c > 1, self.rate / (c - 1), INF)

    def _mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    def _variance(self) -> Tensor:
        c = self.concentration
        return either(c > 2, self.rate**2 / ((c - 1) ** 2 * (c - 2)), INF)

    def _entropy(self) -> Tensor:
        c = self.concentration
        return c + self.rate.log() + c.lgamma() - (1 + c) * c.digamma()


class Exponential(ExponentialFamily):
    """Exponential distribution of a ``rate``, of mean 1 / rate.

    DomainError (TN802) for a rate that is not positive.

    >>> tn.distributions.Exponential(2.0).icdf(0.5)
    tensor(0.3466)
    """

    rate = Parameter(constraints.positive)
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, rate: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    def _mean(self) -> Tensor:
        return self.rate.reciprocal()

    def _mode(self) -> Tensor:
        return zeros_like(self.rate)

    @property
    def stddev(self) -> Tensor:
        """1 / rate."""
        return self.rate.reciprocal()

    def _variance(self) -> Tensor:
        return self.rate**-2

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.exponential(self._raw("rate"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        return self.rate.log() - self.rate * x

    def _cdf(self, x: Tensor) -> Tensor:
        return -(-self.rate * x).expm1()

    def _icdf(self, p: Tensor) -> Tensor:
        return -(-p).log1p() / self.rate

    def _entropy(self) -> Tensor:
        return 1 - self.rate.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (-self.rate,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return -(-x).log()


class Weibull(Distribution):
    """Weibull distribution of a ``scale`` and a shape ``concentration``.

    DomainError (TN802) for parameters that are not positive.

    >>> tn.distributions.Weibull(2.0, 1.0).mean
    tensor(2.)
    """

    scale, concentration = Parameter(constraints.positive), Parameter(constraints.positive)
    support = constraints.positive
    has_rsample = True

    def __init__(self, scale: Operand, concentration: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, scale=scale, concentration=concentration)

    def _mean(self) -> Tensor:
        return self.scale * (1 + 1 / self.concentration).lgamma().exp()

    def _mode(self) -> Tensor:
        c = self.concentration
        return self.scale * ((c - 1) / c) ** c.reciprocal()

    def _variance(self) -> Tensor:
        inverse = 1 / self.concentration
        return self.scale**2 * ((1 + 2 * inverse).lgamma().exp() - (2 * (1 + inverse).lgamma()).exp())

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        e = sampling.exponential(1.0, shape, dtype=self._dtype, generator=generator)
        return self._raw("scale") * clip(e, tiny(e)) ** self._raw("concentration").reciprocal()

    def _log_prob(self, x: Tensor) -> Tensor:
        scale, c = self.scale, self.concentration
        z = x / scale
        return (c / scale).log() + (c - 1) * z.log() - z**c

    def _cdf(self, x: Tensor) -> Tensor:
        return -(-((x / self.scale) ** self.concentration)).expm1()

    def _icdf(self, p: Tensor) -> Tensor:
        return self.scale * (-(-p).log1p()) ** self.concentration.reciprocal()

    def _entropy(self) -> Tensor:
        inverse = 1 / self.concentration
        return EULER * (1 - inverse) + (self.scale * inverse).log() + 1


class FisherSnedecor(Distribution):
    """F-distribution of ``df1`` and ``df2`` degrees of freedom: of the ratio of two mean squares.

    The mean is NaN for df2 ≤ 2, the variance for df2 ≤ 4. DomainError (TN802) for parameters that are not positive.

    >>> tn.distributions.FisherSnedecor(2.0, 4.0).mean
    tensor(2.)
    """

    df1, df2 = Parameter(constraints.positive), Parameter(constraints.positive)
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Operand, df2: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, df1=df1, df2=df2)

    def _mean(self) -> Tensor:
        df2 = either(self.df2 > 2, self.df2, NAN)
        return df2 / (df2 - 2)

    def _mode(self) -> Tensor:
        df1, df2 = self.df1, self.df2
        return either(df1 > 2, (df1 - 2) / df1 * df2 / (df2 + 2), NAN)

    def _variance(self) -> Tensor:
        df1, df2 = self.df1, either(self.df2 > 4, self.df2, NAN)
        return 2 * df2**2 * (df1 + df2 - 2) / (df1 * (df2 - 2) ** 2 * (df2 - 4))

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        x, y = (sampling.gamma(df / 2, df, shape, generator=generator) for df in (self._raw("df1"), self._raw("df2")))
        return clip(x / clip(y, tiny(y)), tiny(y))

    def _log_prob(self, x: Tensor) -> Tensor:
        a, b, ratio = self.df1 / 2, self.df2 / 2, self.df1 / self.df2
        normalizer = (a + b).lgamma() - a.lgamma() - b.lgamma()
        return normalizer + a * ratio.log() + (a - 1) * x.log() - (a + b) * (ratio * x).log1p()
