"""Distributions whose last batch axes are taken as part of the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution, with_generator
from tenure.distributions.utils import sum_rightmost
from tenure.errors import DTypeError, ShapeError, shown
from tenure.values.trace.given import check_shape, int_of

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Shape


def distribution_of(what: str, d: Any) -> Distribution:
    """An argument that is a distribution; DTypeError (TN802) for anything else."""
    if not isinstance(d, Distribution):
        raise DTypeError(f"{what} is a Distribution, not {shown(d)}")
    return d


class Independent(Distribution):
    """Distribution whose last ``reinterpreted_batch_ndims`` axes of the batch belong to the event.

    Log probabilities and entropies are summed over them. DTypeError (TN802) for what is no distribution, ShapeError
    for more axes than the batch has.

    >>> d = tn.distributions.Independent(tn.distributions.Normal(tn.zeros(2, 3), 1.0), 1)
    >>> d.batch_shape, d.event_shape, d.log_prob(tn.zeros(2, 3)).shape
    ((2,), (3,), (2,))
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        base = distribution_of("Independent: base_distribution", base_distribution)
        count = int_of(reinterpreted_batch_ndims, "Independent: reinterpreted_batch_ndims")
        if not 0 <= count <= len(base.batch_shape):
            raise ShapeError(
                f"Independent: reinterpreted_batch_ndims is {count}, and the batch has {len(base.batch_shape)} axes"
            )
        shape, cut = (*base.batch_shape, *base.event_shape), len(base.batch_shape) - count
        self.base_dist, self.reinterpreted_batch_ndims = base, count
        super().__init__(shape[:cut], shape[cut:], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """The same distributions for a larger batch shape."""
        wanted = check_shape(batch_shape)
        new = self._widened(wanted, _instance)
        count = self.reinterpreted_batch_ndims
        new.base_dist = self.base_dist.expand((*wanted, *self._event_shape[:count]))
        return new

    @property
    def has_rsample(self) -> bool:
        """Whether samples move with the parameters."""
        return bool(self.base_dist.has_rsample)

    @property
    def has_enumerate_support(self) -> bool:
        """Whether all values can be listed: only without axes of the batch in the event."""
        return self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support

    @property
    def support(self) -> constraints.Constraint:
        """The support of the other distribution, for whole events."""
        found: constraints.Constraint = self.base_dist.support
        count = self.reinterpreted_batch_ndims
        return constraints.independent(found, count) if count else found

    def _mean(self) -> Tensor:
        return self.base_dist.mean

    def _mode(self) -> Tensor:
        return self.base_dist.mode

    def _variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Shape = (), *, generator: Generator | None = None) -> Tensor:
        """Random events without a gradient: of shape sample_shape, batch shape, event shape."""
        return self.base_dist.sample(sample_shape, **with_generator(generator))

    def rsample(self, sample_shape: Shape = (), *, generator: Generator | None = None) -> Tensor:
        """Random events that move with the parameters."""
        return self.base_dist.rsample(sample_shape, **with_generator(generator))

    def log_prob(self, value: ArrayLike) -> Tensor:
        """The logarithm of the density or the probability of events, summed over the axes."""
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def _entropy(self) -> Tensor:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def _enumerated(self, expand: bool) -> Tensor:
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"
