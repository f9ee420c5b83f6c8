"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from tenure.distributions import constraints
from tenure.distributions.categorical import Categorical
from tenure.distributions.distribution import Distribution, with_generator
from tenure.distributions.independent import distribution_of
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.declare import broadcast_shapes
from tenure.values.operations.indexing import take_along_axis
from tenure.values.operations.shaping import broadcast_to
from tenure.values.rules.modes import no_grad
from tenure.values.trace.given import check_shape

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import Shape


class MixtureSameFamily(Distribution):
    """Mixture of the distributions along the last axis of a batch, by the probabilities of a Categorical.

    DTypeError (TN802) for what is no Categorical or no distribution, ShapeError for another number of components.

    >>> D = tn.distributions
    >>> d = D.MixtureSameFamily(D.Categorical(tn.ones(2)), D.Normal(tn.tensor([-1.0, 1.0]), 1.0))
    >>> d.mean, d.variance
    (tensor(0.), tensor(2.))
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(mixture_distribution, Categorical):
            raise DTypeError(
                f"MixtureSameFamily: mixture_distribution is a Categorical, not {shown(mixture_distribution)}"
            )
        components: Any = distribution_of("MixtureSameFamily: component_distribution", component_distribution)
        count, batch = mixture_distribution._num_events, components.batch_shape
        if not batch or batch[-1] != count:
            raise ShapeError(f"MixtureSameFamily: {count} probabilities for components of batch shape {list(batch)}")
        broadcast_shapes([mixture_distribution.batch_shape, batch[:-1]], "MixtureSameFamily: batches of")
        type(mixture_distribution).logits.note(mixture_distribution)
        self._mixture_distribution, self._component_distribution = mixture_distribution, components
        super().__init__(batch[:-1], components.event_shape, validate_args)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution of the components' indices."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components, along the last axis of the batch."""
        return self._component_distribution  # type: ignore[no-any-return]

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """The same mixtures for a larger batch shape."""
        wanted = check_shape(batch_shape)
        new = self._widened(wanted, _instance)
        count = self._mixture_distribution._num_events
        new._component_distribution = self._component_distribution.expand((*wanted, count))
        new._mixture_distribution = self._mixture_distribution.expand(wanted)
        return new

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """The support of the components."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def _axis(self) -> int:
        """The axis of the components."""
        return -1 - len(self._event_shape)

    def _padded(self, x: Tensor) -> Tensor:
        """Events with an axis for the components."""
        return x.unsqueeze(self._axis)

    def _weights(self) -> Tensor:
        """The probabilities, with axes for the event."""
        p = self._mixture_distribution.probs
        return p.reshape(*p.shape, *[1] * len(self._event_shape))

    def _mean(self) -> Tensor:
        return (self._weights() * self._component_distribution.mean).sum(self._axis)  # type: ignore[no-any-return]

    def _variance(self) -> Tensor:
        components, weights = self._component_distribution, self._weights()
        spread = (components.mean - self._padded(self._mean())) ** 2
        return (weights * (components.variance + spread)).sum(self._axis)  # type: ignore[no-any-return]

    def sample(self, sample_shape: Shape = (), *, generator: Generator | None = None) -> Tensor:
        """Random events without a gradient: of shape sample_shape, batch shape, event shape."""
        more, mixture = with_generator(generator), self._mixture_distribution
        if mixture.batch_shape != self._batch_shape:
            mixture = mixture.expand(self._batch_shape)
        with no_grad():
            chosen = mixture.sample(sample_shape, **more)
            events: Tensor = self._component_distribution.sample(sample_shape, **more)
            index = chosen.reshape(*chosen.shape, 1, *[1] * len(self._event_shape))
            whole = broadcast_to(index, (*chosen.shape, 1, *self._event_shape))
            return take_along_axis(events, whole, chosen.ndim).squeeze(chosen.ndim)

    def _log_prob(self, x: Tensor) -> Tensor:
        each = self._component_distribution.log_prob(self._padded(x))
        return (each + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)  # type: ignore[no-any-return]

    def _cdf(self, x: Tensor) -> Tensor:
        each = self._component_distribution.cdf(self._padded(x))
        return (each * self._mixture_distribution.probs).sum(-1)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution!r},\n  {self._component_distribution!r})"
