"""Distributions of a probability of success: of one trial, of so many, of trials up to successes; and a continuous one.

Each takes ``probs`` or ``logits``, the other one follows.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.parameters import Parameter
from tenure.distributions.utils import clamp_probs, either, probs_to_logits, softplus
from tenure.errors import DTypeError
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.factories import zeros_like
from tenure.values.operations.ranges import arange
from tenure.values.operations.shaping import broadcast_to
from tenure.values.operations.special import xlog1py
from tenure.values.tensor import sampling
from tenure.values.tensor.random import rand
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import Operand

NAN = float("nan")


class OfSuccess(Distribution):
    """Base of distributions of a probability of success, or its logit."""

    probs = Parameter(constraints.unit_interval, lambda d: d._raw("logits").sigmoid(), noted=True)
    logits = Parameter(constraints.real, lambda d: probs_to_logits(d._raw("probs"), is_binary=True), noted=True)

    @property
    def param_shape(self) -> tuple[int, ...]:
        """The shape of the probabilities."""
        return self._batch_shape

    def _listed(self, count: int, expand: bool) -> Tensor:
        """0, 1, …, along a new first axis."""
        x = arange(count, dtype=self._dtype).reshape(count, *[1] * len(self._batch_shape))
        return broadcast_to(x, (count, *self._batch_shape)) if expand else x


def log_of_trials(x: Any, of: Any, logits: Tensor) -> Tensor:
    """x · log p + (of − x) · log(1 − p), without cancellation."""
    return -(x * softplus(-logits) + (of - x) * softplus(logits))  # type: ignore[no-any-return]


class Bernoulli(OfSuccess, ExponentialFamily):
    """Bernoulli distribution: 1 with the probability ``probs``, or the logit of it, else 0.

    The mode is NaN for probability ½. DTypeError (TN802) unless one of both is given, DomainError for what is no
    probability.

    >>> d = tn.distributions.Bernoulli(probs=0.25)
    >>> d.mean, d.log_prob(1.0)
    (tensor(0.2500), tensor(-1.3863))
    """

    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(
        self, probs: Operand | None = None, logits: Operand | None = None, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, **self._choose(probs=probs, logits=logits))

    def _mean(self) -> Tensor:
        return self.probs

    def _mode(self) -> Tensor:
        p = self.probs
        return either(p == 0.5, NAN, (p >= 0.5).to(p.dtype))

    def _variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.bernoulli(broadcast_to(self._raw("probs"), shape), generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        return log_of_trials(x, 1, self.logits)

    def _entropy(self) -> Tensor:
        return -log_of_trials(self.probs, 1, self.logits)

    def _enumerated(self, expand: bool) -> Tensor:
        return self._listed(2, expand)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return softplus(x)


class Binomial(OfSuccess):
    """Binomial distribution: the number of successes among ``total_count`` trials of a probability.

    Give ``probs`` or ``logits`` (else DTypeError, TN802). DomainError for a total_count that is no count, and for what
    is no probability. Entropy and support are listed for one total_count of the whole batch only.

    >>> tn.distributions.Binomial(10, probs=0.25).mean
    tensor(2.5000)
    """

    total_count = Parameter(constraints.nonnegative_integer)
    has_enumerate_support = True

    def __init__(
        self, total_count: Operand = 1, probs: Operand | None = None, logits: Operand | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._take(validate_args, total_count=total_count, **self._choose(probs=probs, logits=logits))

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """Whole numbers from 0 to the number of trials."""
        found = constraints.integer_interval(0, self.total_count)
        found.said = "a whole number from 0 to total_count"
        return found

    def _mean(self) -> Tensor:
        return self.total_count * self.probs

    def _mode(self) -> Tensor:
        n = self.total_count
        return ((n + 1) * self.probs).floor().minimum(n)

    def _variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.binomial(self._raw("total_count"), self._raw("probs"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        n = self.total_count
        ways = (n + 1).lgamma() - (x + 1).lgamma() - (n - x + 1).lgamma()
        return ways + log_of_trials(x, n, self.logits)

    def _one_count(self, what: str) -> int:
        """The number of trials, which the support is listed by."""
        counts = self._raw("total_count").detach()
        if counts.numel() != 1 and bool((counts != counts.reshape(-1)[0]).any().item()):
            raise NotImplementedError(f"Binomial.{what}: the total_count is not the same in the whole batch")
        return int(counts.reshape(-1)[0].item())

    def _entropy(self) -> Tensor:
        values = self._listed(1 + self._one_count("entropy"), False)
        found = self._log_prob(values)
        return -(found.exp() * found).sum(0)

    def _enumerated(self, expand: bool) -> Tensor:
        return self._listed(1 + self._one_count("enumerate_support"), expand)


class NegativeBinomial(OfSuccess):
    """Negative binomial distribution: the number of successes before ``total_count`` failures.

    Give ``probs``, of [0, 1), or ``logits`` (else DTypeError, TN802). DomainError for a negative total_count, and for
    what is no probability.

    >>> tn.distributions.NegativeBinomial(2.0, probs=0.5).mean
    tensor(2.)
    """

    total_count = Parameter(constraints.nonnegative)
    probs = Parameter(constraints.half_open_interval(0.0, 1.0), OfSuccess.probs.otherwise, noted=True)
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Operand, probs: Operand | None = None, logits: Operand | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._take(validate_args, total_count=total_count, **self._choose(probs=probs, logits=logits))

    def _mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    def _mode(self) -> Tensor:
        return clip(((self.total_count - 1) * self.logits.exp()).floor(), 0.0)

    def _variance(self) -> Tensor:
        return self._mean() / (-self.logits).sigmoid()

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        n, logits = self._raw("total_count"), self._raw("logits")
        rate = sampling.gamma(clip(n, 1e-30), (-logits).exp(), shape, generator=generator)
        return sampling.poisson(either(n > 0, rate, 0.0), generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        n, logits = self.total_count, self.logits
        ways = (n + x).lgamma() - (1 + x).lgamma() - n.lgamma()
        return -(n * softplus(logits) + x * softplus(-logits)) + either(n + x == 0, 0.0, ways)


class Chance(constraints.Constraint):
    """Probabilities above 0."""

    said = "greater than 0 and at most 1"

    def _met(self, x: Any) -> Any:
        return (x > 0) & (x <= 1)


class Geometric(OfSuccess):
    """Geometric distribution: the number of failures before the first success.

    Give ``probs`` or ``logits`` (else DTypeError, TN802). DomainError for a probability that is not in (0, 1].

    >>> tn.distributions.Geometric(probs=0.25).mean
    tensor(3.)
    """

    probs = Parameter(constraints.unit_interval, OfSuccess.probs.otherwise, first=Chance(), noted=True)
    support = constraints.nonnegative_integer

    def __init__(
        self, probs: Operand | None = None, logits: Operand | None = None, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, **self._choose(probs=probs, logits=logits))

    def _mean(self) -> Tensor:
        return 1 / self.probs - 1

    def _mode(self) -> Tensor:
        return zeros_like(self.probs)

    def _variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.geometric(self._raw("probs"), shape, generator=generator) - 1

    def _log_prob(self, x: Tensor) -> Tensor:
        p = self.probs
        return xlog1py(x, -p) + p.log()

    def _entropy(self) -> Tensor:
        return -log_of_trials(self.probs, 1, self.logits) / self.probs


class ContinuousBernoulli(OfSuccess, ExponentialFamily):
    """Continuous Bernoulli distribution of numbers of [0, 1], with a density in proportion to p^x · (1 - p)^(1 - x).

    Give ``probs`` or ``logits`` (else DTypeError, TN802). Between the probabilities ``lims`` Taylor series stand for
    formulas that cancel. DomainError for what is no probability. Source: Loaiza-Ganem and Cunningham, NeurIPS 2019.

    >>> tn.distributions.ContinuousBernoulli(probs=0.5).mean
    tensor(0.5000)
    """

    probs = Parameter(
        constraints.unit_interval, lambda d: clamp_probs(d._raw("logits").sigmoid()), clamp_probs, noted=True
    )
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self, probs: Operand | None = None, logits: Operand | None = None, lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(lims, tuple | list) or len(lims) != 2 or not all(isinstance(x, float) for x in lims):
            raise DTypeError("ContinuousBernoulli: lims is a pair of floats")
        self._lims = lims
        self._take(validate_args, **self._choose(probs=probs, logits=logits))

    def _outside(self) -> tuple[Tensor, Tensor]:
        """Whether a probability is far enough from ½, and one that is."""
        p = self.probs
        outside = (p <= self._lims[0]) | (p > self._lims[1])
        return outside, either(outside, p, self._lims[0])

    def _cont_bern_log_norm(self) -> Tensor:
        """The logarithm of the normalizer."""
        outside, p = self._outside()
        odds = (-p).log1p() - p.log()
        found = odds.abs().log() - (1 - 2 * p).abs().log()
        x = (self.probs - 0.5) ** 2
        return either(outside, found, log(2.0) + (4 / 3 + 104 / 45 * x) * x)

    def _mean(self) -> Tensor:
        outside, p = self._outside()
        x = self.probs - 0.5
        found = p / (2 * p - 1) + 1 / ((-p).log1p() - p.log())
        return either(outside, found, 0.5 + (1 / 3 + 16 / 45 * x**2) * x)

    def _variance(self) -> Tensor:
        outside, p = self._outside()
        x = (self.probs - 0.5) ** 2
        found = p * (p - 1) / (1 - 2 * p) ** 2 + 1 / ((-p).log1p() - p.log()) ** 2
        return either(outside, found, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return self._icdf(rand(shape, dtype=self._dtype, generator=generator))

    def _log_prob(self, x: Tensor) -> Tensor:
        return log_of_trials(x, 1, self.logits) + self._cont_bern_log_norm()

    def _cdf(self, x: Tensor) -> Tensor:
        outside, p = self._outside()
        found = (p**x * (1 - p) ** (1 - x) + p - 1) / (2 * p - 1)
        return either(x <= 0, 0.0, either(x >= 1, 1.0, either(outside, found, x)))

    def _icdf(self, p: Tensor) -> Tensor:
        outside, q = self._outside()
        rest = (-q).log1p()
        return either(outside, ((-q + p * (2 * q - 1)).log1p() - rest) / (q.log() - rest), p)

    def _entropy(self) -> Tensor:
        rest = (-self.probs).log1p()
        return self._mean() * (rest - self.probs.log()) - self._cont_bern_log_norm() - rest

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        y = either(outside, x, self._lims[0] - 0.5)
        found = y.expm1().abs().log() - y.abs().log()
        return either(outside, found, 0.5 * x + x**2 / 24 - x**4 / 2880)
