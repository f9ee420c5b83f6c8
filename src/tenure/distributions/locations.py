"""Distributions of a location and a scale, but for the normal one; and the normal one's counterpart on the circle."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import TYPE_CHECKING

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.parameters import OfBase, Parameter
from tenure.distributions.transformed_distribution import TransformedDistribution
from tenure.distributions.transforms_of_numbers import AbsTransform
from tenure.distributions.utils import EULER, either, tiny
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.factories import full_like, zeros_like
from tenure.values.operations.special import i0e, i1e
from tenure.values.tensor import sampling
from tenure.values.tensor.random import randn
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import Operand

NAN, INF = float("nan"), float("inf")


class Laplace(Distribution):
    """Laplace distribution of a mean ``loc`` and a ``scale``: the density falls exponentially to both sides.

    DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.Laplace(0.0, 1.0).log_prob(0.0)
    tensor(-0.6931)
    """

    loc, scale = Parameter(constraints.real), Parameter(constraints.positive)
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Operand, scale: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    def _mean(self) -> Tensor:
        return self.loc

    _mode = _mean

    def _variance(self) -> Tensor:
        return 2 * self.scale**2

    @property
    def stddev(self) -> Tensor:
        """√2 times the scale."""
        return sqrt(2) * self.scale

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.laplace(self._raw("loc"), self._raw("scale"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        scale = self.scale
        return -(2 * scale).log() - (x - self.loc).abs() / scale

    def _cdf(self, x: Tensor) -> Tensor:
        y = (x - self.loc) / self.scale
        return 0.5 - 0.5 * y.sign() * (-y.abs()).expm1()

    def _icdf(self, p: Tensor) -> Tensor:
        term = p - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def _entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()


class Cauchy(Distribution):
    """Cauchy distribution of a median ``loc`` and a half width at half maximum ``scale``; it has no mean.

    DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.Cauchy(0.0, 1.0).cdf(1.0)
    tensor(0.7500)
    """

    loc, scale = Parameter(constraints.real), Parameter(constraints.positive)
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Operand, scale: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    def _mean(self) -> Tensor:
        return full_like(self.loc, NAN)

    def _mode(self) -> Tensor:
        return self.loc

    def _variance(self) -> Tensor:
        return full_like(self.loc, INF)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.cauchy(self._raw("loc"), self._raw("scale"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        scale = self.scale
        return -log(pi) - scale.log() - (((x - self.loc) / scale) ** 2).log1p()

    def _cdf(self, x: Tensor) -> Tensor:
        return ((x - self.loc) / self.scale).atan() / pi + 0.5

    def _icdf(self, p: Tensor) -> Tensor:
        return (pi * (p - 0.5)).tan() * self.scale + self.loc

    def _entropy(self) -> Tensor:
        return log(4 * pi) + self.scale.log()


class HalfCauchy(TransformedDistribution):
    """Distribution of \\|x\\| for x of the Cauchy distribution of median 0 and a ``scale``.

    DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.HalfCauchy(1.0).cdf(1.0)
    tensor(0.5000)
    """

    scale = OfBase(constraints.positive)
    support = constraints.nonnegative

    def __init__(self, scale: Operand, validate_args: bool | None = None) -> None:
        self._validating(validate_args)
        base = self._base(Cauchy, 0.0, scale)
        super().__init__(base, AbsTransform(), validate_args)

    def _mean(self) -> Tensor:
        return full_like(self.scale, INF)

    _variance = _mean

    def _mode(self) -> Tensor:
        return zeros_like(self.scale)

    def _log_prob(self, x: Tensor) -> Tensor:
        return either(x >= 0, self.base_dist.log_prob(x) + log(2.0), -INF)

    def _cdf(self, x: Tensor) -> Tensor:
        return (x / self.scale).atan() * (2 / pi)

    def _icdf(self, p: Tensor) -> Tensor:
        return self.scale * (p * (pi / 2)).tan()

    def _entropy(self) -> Tensor:
        return self.base_dist.entropy() - log(2.0)  # type: ignore[no-any-return]


class Gumbel(Distribution):
    """Gumbel distribution of a mode ``loc`` and a ``scale``: of maxima of many numbers.

    DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.Gumbel(0.0, 1.0).mean
    tensor(0.5772)
    """

    loc, scale = Parameter(constraints.real), Parameter(constraints.positive)
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Operand, scale: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    def _mean(self) -> Tensor:
        return self.loc + self.scale * EULER

    def _mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """π / √6 times the scale."""
        return (pi / sqrt(6)) * self.scale

    def _variance(self) -> Tensor:
        return self.stddev**2

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        e = sampling.exponential(1.0, shape, dtype=self._dtype, generator=generator)
        return self._raw("loc") - self._raw("scale") * clip(e, tiny(e)).log()

    def _log_prob(self, x: Tensor) -> Tensor:
        y = (self.loc - x) / self.scale
        return y - y.exp() - self.scale.log()

    def _cdf(self, x: Tensor) -> Tensor:
        return (-((self.loc - x) / self.scale).exp()).exp()

    def _icdf(self, p: Tensor) -> Tensor:
        return self.loc - self.scale * (-p.log()).log()

    def _entropy(self) -> Tensor:
        return self.scale.log() + (1 + EULER)


class StudentT(Distribution):
    """Student's t-distribution of ``df`` degrees of freedom, moved by ``loc`` and stretched by ``scale``.

    The mean is NaN for df ≤ 1, the variance infinite for df ≤ 2. DomainError (TN802) for a df or a scale that is not
    positive.

    >>> tn.distributions.StudentT(3.0).variance
    tensor(3.)
    """

    df, loc, scale = Parameter(constraints.positive), Parameter(constraints.real), Parameter(constraints.positive)
    support = constraints.real
    has_rsample = True

    def __init__(
        self, df: Operand, loc: Operand = 0.0, scale: Operand = 1.0, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, df=df, loc=loc, scale=scale)

    def _mean(self) -> Tensor:
        return either(self.df > 1, self.loc, NAN)

    def _mode(self) -> Tensor:
        return self.loc

    def _variance(self) -> Tensor:
        df = self.df
        finite = self.scale**2 * df / (clip(df, 2.0) - 2)
        return either(df > 2, finite, either(df > 1, full_like(df, INF), NAN))

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        df = self._raw("df")
        z = sampling.gamma(df / 2, 0.5, shape, dtype=self._dtype, generator=generator)
        y = randn(shape, dtype=self._dtype, generator=generator) * (z / df).rsqrt()
        return self._raw("loc") + self._raw("scale") * y

    def _log_prob(self, x: Tensor) -> Tensor:
        df, y = self.df, (x - self.loc) / self.scale
        normalizer = self.scale.log() + 0.5 * (df.log() + log(pi)) + (df / 2).lgamma() - ((df + 1) / 2).lgamma()
        return -0.5 * (df + 1) * (y**2 / df).log1p() - normalizer

    def _entropy(self) -> Tensor:
        df = self.df
        half, more = df / 2, (df + 1) / 2
        lbeta = half.lgamma() + log(pi) / 2 - more.lgamma()
        return self.scale.log() + more * (more.digamma() - half.digamma()) + 0.5 * df.log() + lbeta


class VonMises(Distribution):
    """Von Mises distribution of angles around ``loc``, with a ``concentration``: the normal one of the circle.

    Mean and variance are the circular ones. Samples lie in [-π, π) and move with the parameters, implicitly with the
    concentration. DomainError (TN802) for a concentration that is not positive.

    >>> tn.distributions.VonMises(0.0, 1.0).variance
    tensor(0.5536)
    """

    loc, concentration = Parameter(constraints.real), Parameter(constraints.positive)
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Operand, concentration: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, concentration=concentration)

    def _mean(self) -> Tensor:
        return self.loc

    _mode = _mean

    def _variance(self) -> Tensor:
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.von_mises(self._raw("loc"), self._raw("concentration"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        c = self.concentration
        return c * ((x - self.loc).cos() - 1) - log(2 * pi) - i0e(c).log()

    def _entropy(self) -> Tensor:
        c = self.concentration
        return log(2 * pi) + i0e(c).log() + c * self._variance()
