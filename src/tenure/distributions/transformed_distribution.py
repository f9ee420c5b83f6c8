"""Distributions of transformed samples of another distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution, with_generator
from tenure.distributions.independent import Independent, distribution_of
from tenure.distributions.transform import ComposeTransform, Transform, transforms_of
from tenure.distributions.utils import sum_rightmost
from tenure.distributions.validity import assured
from tenure.errors import ShapeError
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import check_shape

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import ArrayLike, Shape


class TransformedDistribution(Distribution):
    """Distribution of y = t(x), with x of a base distribution and t one transform, or several, one after the other.

    Log probabilities are those of the base less the logarithm of the Jacobian's determinant. DTypeError (TN802) for
    what is no distribution or transform, ShapeError for shapes that do not fit.

    >>> D = tn.distributions
    >>> d = D.TransformedDistribution(D.Normal(0.0, 1.0), [D.ExpTransform()])
    >>> d.log_prob(tn.tensor(1.0)), D.LogNormal(0.0, 1.0).log_prob(tn.tensor(1.0))
    (tensor(-0.9189), tensor(-0.9189))
    """

    arg_constraints: ClassVar[Any] = {}
    transforms: list[Transform]
    base_dist: Any

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        base: Any = distribution_of("TransformedDistribution: base_distribution", base_distribution)
        given = [transforms] if isinstance(transforms, Transform) else transforms
        self.transforms = transforms_of("TransformedDistribution: transforms", given)
        chain = ComposeTransform(self.transforms)
        shape, event_dim = (*base.batch_shape, *base.event_shape), len(base.event_shape)
        if len(shape) < chain.domain.event_dim:
            raise ShapeError(
                f"TransformedDistribution: base_distribution of shape {list(shape)}, and events of the transforms have"
                f" {chain.domain.event_dim} axes"
            )
        forward = chain.forward_shape(shape)
        back = chain.inverse_shape(forward)
        if shape != back:
            base = base.expand(back[: len(back) - event_dim])
        more = chain.domain.event_dim - event_dim
        self.base_dist = Independent(base, more) if more > 0 else base
        axes = max(chain.codomain.event_dim, event_dim + chain.codomain.event_dim - chain.domain.event_dim)
        cut = len(forward) - axes
        super().__init__(forward[:cut], forward[cut:], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """The same distributions for a larger batch shape."""
        wanted = check_shape(batch_shape)
        new = self._widened(wanted, _instance)
        shape = ComposeTransform(self.transforms).inverse_shape((*wanted, *self._event_shape))
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> constraints.Constraint:
        """The codomain of the last transform."""
        if not self.transforms:
            return self.base_dist.support  # type: ignore[no-any-return]
        found = self.transforms[-1].codomain
        more = len(self._event_shape) - found.event_dim
        return constraints.independent(found, more) if more > 0 else found

    @property
    def has_rsample(self) -> bool:
        """Whether samples move with the parameters."""
        return self.base_dist.has_rsample  # type: ignore[no-any-return]

    def _forward(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Shape = (), *, generator: Generator | None = None) -> Tensor:
        """Random events without a gradient: of shape sample_shape, batch shape, event shape."""
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape, **with_generator(generator)))

    def rsample(self, sample_shape: Shape = (), *, generator: Generator | None = None) -> Tensor:
        """Random events that move with the parameters."""
        return self._forward(self.base_dist.rsample(sample_shape, **with_generator(generator)))

    def log_prob(self, value: ArrayLike) -> Tensor:
        """The logarithm of the density of events; the value itself is inverted, so that caches know it."""
        y = self._floats(self._number("log_prob", value))
        found = self._doubt(y, "log_prob") if self._validate_args else None
        result = self._log_prob(y)
        return result if found is None else assured(result, *found)

    def _log_prob(self, y: Tensor) -> Tensor:
        axes, total = len(self._event_shape), None
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            axes += transform.domain.event_dim - transform.codomain.event_dim
            term = sum_rightmost(transform.log_abs_det_jacobian(x, y), axes - transform.domain.event_dim)
            total = -term if total is None else total - term
            y = x
        base = sum_rightmost(self.base_dist.log_prob(y), axes - len(self.base_dist.event_shape))
        return base if total is None else total + base

    def _rising(self, p: Tensor) -> Tensor:
        """A probability, or that of the other side where the transforms fall."""
        sign = ComposeTransform(self.transforms).sign
        return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5

    def _cdf(self, y: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            y = transform.inv(y)
        return self._rising(self.base_dist.cdf(y))

    def _icdf(self, p: Tensor) -> Tensor:
        return self._forward(self.base_dist.icdf(self._rising(p)))

    def __repr__(self) -> str:
        if type(self).parameters:
            return super().__repr__()
        return f"{type(self).__name__}({self.base_dist!r}, {self.transforms!r})"
