"""Distributions of shares: beta, Dirichlet, and Kumaraswamy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.parameters import Parameter
from tenure.distributions.utils import EULER, clamp_probs, either, tiny
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.ranges import arange
from tenure.values.operations.special import xlog1py, xlogy
from tenure.values.tensor import sampling
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import Operand

NAN = float("nan")


class Beta(ExponentialFamily):
    """Beta distribution of shares of [0, 1], of mean concentration1 / (concentration1 + concentration0).

    DomainError (TN802) for parameters that are not positive.

    >>> tn.distributions.Beta(2.0, 3.0).mean
    tensor(0.4000)
    """

    concentration1, concentration0 = Parameter(constraints.positive), Parameter(constraints.positive)
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration1: Operand, concentration0: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration1=concentration1, concentration0=concentration0)

    def _mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    def _mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        above, below = clip(a - 1, 0.0), clip(b - 1, 0.0)
        return either((a < 1) & (b < 1), 1.0, above / (above + below))

    def _variance(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return a * b / ((a + b) ** 2 * (a + b + 1))

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        given = self._raw("concentration1"), self._raw("concentration0")
        return clamp_low(sampling.beta(*given, shape, generator=generator))

    def _log_prob(self, x: Tensor) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return xlogy(a - 1, x) + xlog1py(b - 1, -x) + (a + b).lgamma() - a.lgamma() - b.lgamma()

    def _entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        whole = a + b
        normalizer = a.lgamma() + b.lgamma() - whole.lgamma()
        return normalizer - (a - 1) * a.digamma() - (b - 1) * b.digamma() + (whole - 2) * whole.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration1, self.concentration0

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return x.lgamma() + y.lgamma() - (x + y).lgamma()


class Dirichlet(ExponentialFamily):
    """Dirichlet distribution of shares along the last axis, of mean concentration / its sum.

    ShapeError (TN802) for a concentration without an axis, DomainError for one that is not positive.

    >>> d = tn.distributions.Dirichlet(tn.ones(3))
    >>> d.batch_shape, d.event_shape, d.mean
    ((), (3,), tensor([0.3333, 0.3333, 0.3333]))
    """

    concentration = Parameter(constraints.independent(constraints.positive, 1))
    support = constraints.simplex
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration)

    def _mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdims=True)

    def _mode(self) -> Tensor:
        c = self.concentration
        above = clip(c - 1, 0.0)
        shares = above / above.sum(-1, keepdims=True)
        first = (arange(c.shape[-1]) == 0).to(c.dtype)
        return either((c < 1).all(-1, keepdims=True), first, shares)

    def _variance(self) -> Tensor:
        c = self.concentration
        whole = c.sum(-1, keepdims=True)
        return c * (whole - c) / (whole**2 * (whole + 1))

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return clamp_low(sampling.dirichlet(self._raw("concentration"), shape[:-1], generator=generator))

    def _log_prob(self, x: Tensor) -> Tensor:
        c = self.concentration
        return xlogy(c - 1, x).sum(-1) + c.sum(-1).lgamma() - c.lgamma().sum(-1)

    def _entropy(self) -> Tensor:
        c = self.concentration
        whole = c.sum(-1)
        normalizer = c.lgamma().sum(-1) - whole.lgamma()
        return normalizer - (c.shape[-1] - whole) * whole.digamma() - ((c - 1) * c.digamma()).sum(-1)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()


def clamp_low(x: Tensor) -> Tensor:
    """Shares kept away from 0, at which densities may be infinite, by the smallest normal number."""
    return clip(x, tiny(x))


class Kumaraswamy(Distribution):
    """Kumaraswamy's distribution of shares, close to the beta one, with a distribution function in closed form.

    DomainError (TN802) for parameters that are not positive.

    >>> tn.distributions.Kumaraswamy(1.0, 1.0).mean
    tensor(0.5000)
    """

    concentration1, concentration0 = Parameter(constraints.positive), Parameter(constraints.positive)
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Operand, concentration0: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration1=concentration1, concentration0=concentration0)

    def _moment(self, n: int) -> Tensor:
        b = self.concentration0
        order = 1 + n / self.concentration1
        return (order.lgamma() + b.lgamma() - (order + b).lgamma()).exp() * b

    def _mean(self) -> Tensor:
        return self._moment(1)

    def _mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        found = (b.reciprocal() * (-b).log1p() - (-b * a).log1p()).exp()
        return either((a < 1) | (b < 1), NAN, found)

    def _variance(self) -> Tensor:
        return self._moment(2) - self._moment(1) ** 2

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        e = sampling.exponential(1.0, shape, dtype=self._dtype, generator=generator)
        x = clip(-(-e / self._raw("concentration0")).expm1(), tiny(e))
        return clamp_probs(x ** self._raw("concentration1").reciprocal())

    def _log_prob(self, x: Tensor) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return a.log() + b.log() + (a - 1) * x.log() + (b - 1) * (-(x**a)).log1p()

    def _cdf(self, x: Tensor) -> Tensor:
        return -(self.concentration0 * (-(x**self.concentration1)).log1p()).expm1()

    def _icdf(self, p: Tensor) -> Tensor:
        return (-((-p).log1p() / self.concentration0).expm1()) ** self.concentration1.reciprocal()

    def _entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * ((b + 1).digamma() + EULER) - a.log() - b.log()
