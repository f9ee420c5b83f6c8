"""Relaxed Bernoulli and categorical distributions: continuous ones, whose samples move with the probabilities."""

from __future__ import annotations

from math import lgamma
from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.bernoulli import OfSuccess
from tenure.distributions.categorical import OfClasses
from tenure.distributions.distribution import Distribution
from tenure.distributions.parameters import OfBase, given
from tenure.distributions.transformed_distribution import TransformedDistribution
from tenure.distributions.transforms_of_numbers import ExpTransform, SigmoidTransform
from tenure.distributions.utils import clamp_probs, softplus
from tenure.distributions.validity import checked
from tenure.values.operations.reading import value_of
from tenure.values.tensor.random import rand
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import ArrayLike, Operand


def _warm(d: Distribution, temperature: Any) -> Any:
    """A temperature, positive, which is no part of the batch."""
    x = given(f"{d._name}: temperature", temperature)
    if not d._validate_args:
        return x
    found = checked(f"{d._name}: temperature", value_of(x), constraints.positive)
    return found if type(x) is Tensor else x


class LogitRelaxedBernoulli(OfSuccess):
    """Distribution of the logits of relaxed Bernoulli samples, of a ``temperature``.

    Give ``probs`` or ``logits`` (else DTypeError, TN802). DomainError for a temperature that is not positive, and for
    what is no probability. Source: Maddison et al., arXiv:1611.00712.

    >>> tn.distributions.LogitRelaxedBernoulli(1.0, logits=0.0).log_prob(0.0)
    tensor(-1.3863)
    """

    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Operand, probs: Operand | None = None, logits: Operand | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._take(validate_args, **self._choose(probs=probs, logits=logits))
        self.temperature = _warm(self, temperature)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        p, u = clamp_probs(self._raw("probs")), clamp_probs(rand(shape, dtype=self._dtype, generator=generator))
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature  # type: ignore[no-any-return]

    def _log_prob(self, x: Tensor) -> Tensor:
        difference = self.logits - x * self.temperature
        return value_of(self.temperature).log() + difference - 2 * softplus(difference)  # type: ignore[no-any-return]


class RelaxedBernoulli(TransformedDistribution):
    """Relaxed Bernoulli distribution: numbers of (0, 1), close to 0 and 1 for a low ``temperature``.

    Give ``probs`` or ``logits`` (else DTypeError, TN802). DomainError for a temperature that is not positive, and for
    what is no probability. Source: Maddison et al., arXiv:1611.00712.

    >>> tn.distributions.RelaxedBernoulli(1.0, logits=0.0).log_prob(0.5)
    tensor(0.)
    """

    probs, logits = OfBase(constraints.unit_interval), OfBase(constraints.real)
    support = constraints.unit_interval

    def __init__(
        self, temperature: Operand, probs: Operand | None = None, logits: Operand | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._validating(validate_args)
        base = self._base(LogitRelaxedBernoulli, temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args)

    @property
    def temperature(self) -> Tensor:
        """The temperature."""
        return value_of(self.base_dist.temperature)


class ExpRelaxedCategorical(OfClasses):
    """Distribution of the logarithms of relaxed one-hot samples, of a ``temperature``.

    Give ``probs`` or ``logits`` (else DTypeError, TN802). DomainError for a temperature that is not positive, and for
    negative probabilities. Source: Maddison et al., arXiv:1611.00712.

    >>> tn.distributions.ExpRelaxedCategorical(1.0, logits=tn.zeros(3)).sample().shape
    (3,)
    """

    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, temperature: Operand, probs: ArrayLike | None = None, logits: ArrayLike | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._take(validate_args, **self._choose(probs=probs, logits=logits))
        self.temperature = _warm(self, temperature)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        u = clamp_probs(rand(shape, dtype=self._dtype, generator=generator))
        scores = (self._raw("logits") - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdims=True)  # type: ignore[no-any-return]

    def _log_prob(self, x: Tensor) -> Tensor:
        n, t = self._num_events, value_of(self.temperature)
        score = self.logits - x * t
        return (score - score.logsumexp(-1, keepdims=True)).sum(-1) + lgamma(n) + (n - 1) * t.log()


class RelaxedOneHotCategorical(TransformedDistribution):
    """Relaxed one-hot distribution: shares along the last axis, close to one-hot vectors for a low ``temperature``.

    Give ``probs`` or ``logits`` (else DTypeError, TN802). DomainError for a temperature that is not positive, and for
    negative probabilities. Source: Jang et al., arXiv:1611.01144.

    >>> d = tn.distributions.RelaxedOneHotCategorical(0.5, logits=tn.zeros(3))
    >>> bool((d.sample().sum() - 1).abs() < 1e-5)
    True
    """

    probs, logits = OfBase(constraints.simplex), OfBase(constraints.real_vector)
    support = constraints.simplex

    def __init__(
        self, temperature: Operand, probs: ArrayLike | None = None, logits: ArrayLike | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._validating(validate_args)
        base = self._base(ExpRelaxedCategorical, temperature, probs, logits)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def temperature(self) -> Tensor:
        """The temperature."""
        return value_of(self.base_dist.temperature)
