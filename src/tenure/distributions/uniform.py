"""The uniform distribution, and distributions with tails by a power: Pareto's, and its generalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.parameters import Parameter
from tenure.distributions.utils import either
from tenure.distributions.validity import checked
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.elementary import abs as absolute
from tenure.values.operations.factories import full_like, ones_like, zeros_like
from tenure.values.tensor import sampling
from tenure.values.tensor.random import rand
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import ArrayLike, Operand

NAN = float("nan")


class Uniform(Distribution):
    """Uniform distribution of the numbers of [low, high).

    DomainError (TN802) for a low that is not less than high.

    >>> d = tn.distributions.Uniform(0.0, 4.0)
    >>> d.mean, d.log_prob(1.0)
    (tensor(2.), tensor(-1.3863))
    """

    low = Parameter(constraints.dependent(is_discrete=False, event_dim=0))
    high = Parameter(constraints.dependent(is_discrete=False, event_dim=0))
    has_rsample = True

    def __init__(self, low: Operand, high: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, low=low, high=high)
        if self._validate_args:
            above: Any = constraints.greater_than(self._raw("low"))
            found = checked("Uniform: high", self._raw("high"), above, said="greater than low")
            if type(self.__dict__["high"]) is Tensor:
                self.high = found

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """From low to high."""
        found = constraints.interval(self.low, self.high)
        found.said = "between low and high"
        return found

    def _mean(self) -> Tensor:
        return (self.high + self.low) / 2

    def _mode(self) -> Tensor:
        return NAN * self.high

    def _variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        low = self._raw("low")
        return low + rand(shape, dtype=self._dtype, generator=generator) * (self._raw("high") - low)

    def _log_prob(self, x: Tensor) -> Tensor:
        low, high = self.low, self.high
        inside = ((x >= low) & (x < high)).to(self._dtype)
        return inside.log() - (high - low).log()

    def _cdf(self, x: Tensor) -> Tensor:
        return clip((x - self.low) / (self.high - self.low), 0.0, 1.0)

    def _icdf(self, p: Tensor) -> Tensor:
        return p * (self.high - self.low) + self.low

    def _entropy(self) -> Tensor:
        return (self.high - self.low).log()


class Pareto(Distribution):
    """Pareto distribution of the numbers from ``scale`` on, whose tail falls by the power ``alpha``.

    The mean is infinite for alpha ≤ 1, the variance for alpha ≤ 2. DomainError (TN802) for parameters that are not
    positive.

    >>> tn.distributions.Pareto(1.0, 3.0).mean
    tensor(1.5000)
    """

    scale, alpha = Parameter(constraints.positive), Parameter(constraints.positive)
    has_rsample = True

    def __init__(self, scale: Operand, alpha: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, scale=scale, alpha=alpha)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """From the scale on."""
        found = constraints.greater_than_eq(self._raw("scale"))
        found.said = "at least scale"
        return found

    def _mean(self) -> Tensor:
        a = clip(self.alpha, 1.0)
        return a * self.scale / (a - 1)

    def _mode(self) -> Tensor:
        return self.scale

    def _variance(self) -> Tensor:
        a = clip(self.alpha, 2.0)
        return self.scale**2 * a / ((a - 1) ** 2 * (a - 2))

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        e = sampling.exponential(1.0, shape, dtype=self._dtype, generator=generator)
        return self._raw("scale") * (e / self._raw("alpha")).exp()

    def _log_prob(self, x: Tensor) -> Tensor:
        scale, a = self.scale, self.alpha
        return a.log() + a * scale.log() - (a + 1) * x.log()

    def _cdf(self, x: Tensor) -> Tensor:
        return -(self.alpha * (self.scale / x).log()).expm1()

    def _icdf(self, p: Tensor) -> Tensor:
        return self.scale * (-(-p).log1p() / self.alpha).exp()

    def _entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + 1 + self.alpha.reciprocal()


class GeneralizedPareto(Distribution):
    """Generalized Pareto distribution from ``loc`` on, of a ``scale`` and a ``concentration``, for tails.

    Concentration 0 is the exponential one, -1 the uniform one. The mean is NaN for a concentration of 1 or more, the
    variance for ½ or more. DomainError (TN802) for a scale that is not positive.

    >>> tn.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    loc, scale, concentration = (
        Parameter(constraints.real),
        Parameter(constraints.positive),
        Parameter(constraints.real),
    )
    has_rsample = True

    def __init__(
        self, loc: Operand, scale: Operand, concentration: Operand, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """From loc on; up to loc - scale / concentration for a negative concentration."""
        loc, c = self._raw("loc"), self._raw("concentration")
        found = constraints.interval(loc, either(c < 0, loc - self._raw("scale") / c, float("inf")))
        found.said = "within the support"
        return found

    def _power(self) -> tuple[Tensor, Tensor]:
        """Whether the concentration is 0, and one that is not."""
        c = self.concentration
        zero = absolute(c) <= 1e-8
        return zero, either(zero, ones_like(c), c)

    def _mean(self) -> Tensor:
        valid = self.concentration < 1
        return either(valid, self.loc + self.scale / (1 - either(valid, self.concentration, 0.5)), NAN)

    def _mode(self) -> Tensor:
        return self.loc + zeros_like(self.scale)

    def _variance(self) -> Tensor:
        valid = self.concentration < 0.5
        c = either(valid, self.concentration, 0.25)
        return either(valid, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), NAN)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return self._icdf(rand(shape, dtype=self._dtype, generator=generator))

    def _log_prob(self, x: Tensor) -> Tensor:
        zero, c = self._power()
        z = (x - self.loc) / self.scale
        y = 1 / c + 1
        slope = either(y == 0, full_like(z, 0.0) * y, y * (c * z).log1p())
        return -self.scale.log() - either(zero, z, slope)

    def log_survival_function(self, value: ArrayLike) -> Tensor:
        """The logarithm of the probability of events above a value."""
        zero, c = self._power()
        z = (self._value("log_survival_function", value) - self.loc) / self.scale
        return either(zero, -z, -(c * z).log1p() / c)

    def log_cdf(self, value: ArrayLike) -> Tensor:
        """The logarithm of the probability of events up to a value."""
        return (-self.log_survival_function(value).exp()).log1p()

    def _cdf(self, x: Tensor) -> Tensor:
        return self.log_cdf(x).exp()

    def _icdf(self, p: Tensor) -> Tensor:
        zero, c = self._power()
        log_rest = (-p).log1p()
        return self.loc + self.scale * either(zero, -log_rest, (-c * log_rest).expm1() / c)

    def _entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
