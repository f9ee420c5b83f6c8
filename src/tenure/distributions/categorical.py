"""Distributions over classes: their index, one-hot vectors, counts.

Each takes ``probs``, in any unit, or ``logits``, up to a constant; both are normalized along the last axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.parameters import Parameter
from tenure.distributions.utils import either, probs_to_logits
from tenure.dtypes import finfo, float64, int64
from tenure.errors import DomainError
from tenure.ops.declare import broadcast_shapes
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.factories import eye, full_like
from tenure.values.operations.indexing import take_along_axis
from tenure.values.operations.ranges import arange
from tenure.values.operations.shaping import broadcast_to
from tenure.values.tensor.random import rand
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import ArrayLike

NAN, INF = float("nan"), float("inf")


class Weights(constraints.Constraint):
    """Vectors that are not negative, of a positive and finite sum."""

    event_dim = 1
    said = "not negative, of a positive and finite sum along the last axis"

    def _met(self, x: Any) -> Any:
        whole = x.sum(-1)
        return (x >= 0).all(-1) & (whole > 0) & (whole < INF)


class LogWeights(constraints.Constraint):
    """Vectors of numbers below infinity, not all of which are its negative."""

    event_dim = 1
    said = "less than inf, and not -inf everywhere along the last axis"

    def _met(self, x: Any) -> Any:
        return (x < INF).all(-1) & (x > -INF).any(-1)


class OfClasses(Distribution):
    """Base of distributions over the classes along the last axis of their probabilities."""

    probs = Parameter(
        constraints.simplex,
        lambda d: d._raw("logits").softmax(-1),
        lambda x: x / x.sum(-1, keepdims=True),
        first=Weights(),
        noted=True,
    )
    logits = Parameter(
        constraints.real_vector,
        lambda d: probs_to_logits(d._raw("probs")),
        lambda x: x - x.logsumexp(-1, keepdims=True),
        first=LogWeights(),
        noted=True,
    )

    @property
    def param_shape(self) -> tuple[int, ...]:
        """The shape of the probabilities."""
        return (*self._batch_shape, self._num_events)

    @property
    def _num_events(self) -> int:
        """The number of classes."""
        return self._raw("probs" if "probs" in self.__dict__ else "logits").shape[-1]

    def _indices(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        """Indices of classes, by their distribution function; one of probability 0 never comes."""
        share = self._raw("probs").to(float64).cumsum(-1)
        whole = share[..., -1:]
        u = rand(shape, dtype=float64, generator=generator).unsqueeze(-1) * whole
        return ((u >= share) & (share < whole)).sum(-1).to(int64)

    def _class_entropy(self) -> Tensor:
        logits, p = self.logits, self.probs
        return -(clip(logits, float(finfo(logits.dtype).min)) * p).sum(-1)

    def _one_hot(self, index: Tensor) -> Tensor:
        return (index.unsqueeze(-1) == arange(self._num_events)).to(self._dtype)


class Categorical(OfClasses):
    """Categorical distribution: the index of a class, from the probabilities along the last axis.

    Give ``probs``, in any unit, or ``logits`` (else DTypeError, TN802). DomainError for negative probabilities.
    Samples and values are whole numbers, of the batch shape. Mean and variance are NaN.

    >>> d = tn.distributions.Categorical(probs=tn.tensor([1.0, 0.0, 3.0]))
    >>> d.probs, d.sample().dtype
    (tensor([0.2500, 0.0000, 0.7500]), tenure.int64)
    """

    has_enumerate_support = True

    def __init__(
        self, probs: ArrayLike | None = None, logits: ArrayLike | None = None, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, (), **self._choose(probs=probs, logits=logits))

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """The indices of the classes."""
        found = constraints.integer_interval(0, self._num_events - 1)
        found.said = f"an index of {self._num_events} classes"
        return found

    def _mean(self) -> Tensor:
        return full_like(self.probs[..., 0], NAN)

    _variance = _mean

    def _mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return self._indices(shape, generator)

    def _floats(self, x: Tensor) -> Tensor:
        return x

    def _log_prob(self, x: Tensor) -> Tensor:
        logits = self._raw("logits")
        shape = broadcast_shapes([x.shape, self._batch_shape], "Categorical.log_prob")
        index = broadcast_to(x.to(int64), shape).unsqueeze(-1)
        return take_along_axis(broadcast_to(logits, (*shape, logits.shape[-1])), index, -1)[..., 0]

    def _entropy(self) -> Tensor:
        return self._class_entropy()

    def _enumerated(self, expand: bool) -> Tensor:
        x = arange(self._num_events).reshape(-1, *[1] * len(self._batch_shape))
        return broadcast_to(x, (x.shape[0], *self._batch_shape)) if expand else x


class OneHotCategorical(OfClasses):
    """Categorical distribution of one-hot vectors along the last axis.

    Give ``probs``, in any unit, or ``logits`` (else DTypeError, TN802). DomainError for negative probabilities.

    >>> tn.distributions.OneHotCategorical(probs=tn.tensor([0.0, 2.0])).sample()
    tensor([0., 1.])
    """

    support: Any = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self, probs: ArrayLike | None = None, logits: ArrayLike | None = None, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, **self._choose(probs=probs, logits=logits))

    def _mean(self) -> Tensor:
        return self.probs

    def _mode(self) -> Tensor:
        return self._one_hot(self.probs.argmax(-1))

    def _variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return self._one_hot(self._indices(shape[:-1], generator))

    def _log_prob(self, x: Tensor) -> Tensor:
        return either(x == 1, self.logits, 0.0).sum(-1)

    def _entropy(self) -> Tensor:
        return self._class_entropy()

    def _enumerated(self, expand: bool) -> Tensor:
        n = self._num_events
        x = eye(n, dtype=self._dtype).reshape(n, *[1] * len(self._batch_shape), n)
        return broadcast_to(x, (n, *self._batch_shape, n)) if expand else x


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot categorical distribution whose samples carry the gradient of the probabilities.

    DomainError (TN802) for negative probabilities. Source: Bengio et al., arXiv:1308.3432.

    >>> logits = tn.zeros(2, requires_grad=True)
    >>> tn.distributions.OneHotCategoricalStraightThrough(logits=logits).rsample().requires_grad
    True
    """

    has_rsample = True

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        p = self.probs
        return super()._draw(shape, generator) + (p - p.detach())


class Multinomial(OfClasses):
    """Multinomial distribution: how often each class comes in ``total_count`` draws, along the last axis.

    Give ``probs``, in any unit, or ``logits`` (else DTypeError, TN802). DomainError for negative probabilities, and
    for a total_count that is negative.

    >>> tn.distributions.Multinomial(5, probs=tn.tensor([0.0, 1.0])).sample()
    tensor([0., 5.])
    """

    def __init__(
        self, total_count: int = 1, probs: ArrayLike | None = None, logits: ArrayLike | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self.total_count = int_of(total_count, "Multinomial: total_count")
        if self.total_count < 0:
            raise DomainError(f"Multinomial: total_count is {total_count}, and counts draws")
        self._take(validate_args, **self._choose(probs=probs, logits=logits))

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        """Counts of that sum."""
        return constraints.multinomial(self.total_count)

    def _mean(self) -> Tensor:
        return self.probs * self.total_count

    def _variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return self._one_hot(self._indices((self.total_count, *shape[:-1]), generator)).sum(0)

    def _log_prob(self, x: Tensor) -> Tensor:
        logits = either((x == 0) & (self.logits == -INF), 0.0, self.logits)
        return (x.sum(-1) + 1).lgamma() - (x + 1).lgamma().sum(-1) + (x * logits).sum(-1)

    def _entropy(self) -> Tensor:
        n, p = self.total_count, self.probs
        count = arange(1, n + 1, dtype=self._dtype).reshape(n, *[1] * p.ndim)
        logits = probs_to_logits(p, is_binary=True)
        ways = (count + 1).lgamma() + (n - count + 1).lgamma() - (full_like(count, n + 1.0)).lgamma()
        chance = (count * logits + n * (-p).log1p() - ways).exp()
        spread = (chance * (count + 1).lgamma()).sum(0).sum(-1)
        return n * self._class_entropy() - full_like(spread, n + 1.0).lgamma() + spread


