"""Elementwise transforms, each with its inverse and the logarithm of its slope."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.parameters import given
from tenure.distributions.transform import Sign, Sizes, Transform
from tenure.distributions.utils import eps, softplus, sum_rightmost, tiny
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.declare import broadcast_shapes
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import broadcast_to
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import check_shape, int_of

if TYPE_CHECKING:
    from tenure.distributions.regions import Constraint
    from tenure.values.tensor.typing import Operand, Shape


class _Plain(Transform):
    """A transform without parameters, that equals others of its class and rises."""

    bijective = True
    sign: Any = 1
    domain = constraints.real

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = object.__hash__


class ExpTransform(_Plain):
    """Transform y = exp(x), from the real numbers to the positive ones.

    >>> tn.distributions.ExpTransform()(tn.tensor([0.0]))
    tensor([1.])
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The exponent x."""
        return x


def clipped_sigmoid(x: Tensor) -> Tensor:
    """The sigmoid, kept inside of (0, 1)."""
    return clip(x.sigmoid(), tiny(x), 1 - eps(x))


class SigmoidTransform(_Plain):
    """Transform y = 1 / (1 + exp(-x)), from the real numbers to those between 0 and 1.

    >>> tn.distributions.SigmoidTransform()(tn.tensor([0.0]))
    tensor([0.5000])
    """

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return clipped_sigmoid(x)

    def _inverse(self, y: Tensor) -> Tensor:
        y = clip(y, tiny(y), 1 - eps(y))
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log(y) + log(1 - y)."""
        return -softplus(-x) - softplus(x)


class SoftplusTransform(_Plain):
    """Transform y = log(1 + exp(x)), from the real numbers to the positive ones.

    >>> tn.distributions.SoftplusTransform()(tn.tensor([0.0]))
    tensor([0.6931])
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of the sigmoid of x."""
        return -softplus(-x)


class TanhTransform(_Plain):
    """Transform y = tanh(x), from the real numbers to those between -1 and 1.

    The inverse loses digits near ±1: ``cache_size=1`` keeps the last x.

    >>> tn.distributions.TanhTransform()(tn.tensor([0.0]))
    tensor([0.])
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of 1 - tanh(x)², without cancellation."""
        return 2.0 * (log(2.0) - x - softplus(-2.0 * x))


class AbsTransform(_Plain):
    """Transform y = \\|x\\|, which is not bijective; its inverse is the non-negative one.

    >>> tn.distributions.AbsTransform()(tn.tensor([-2.0]))
    tensor([2.])
    """

    bijective = False
    codomain = constraints.positive
    sign = Transform.sign

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


def same(x: Any, y: Any) -> bool:
    """Whether two parameters are the same: numbers or elements, or one object."""
    if x is y:
        return True
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        x, y = value_of(x), value_of(y)
        return bool(x.shape == y.shape and (x == y).all().item())
    return bool(x == y)


class PowerTransform(Transform):
    """Transform y = x to the power of ``exponent``, of positive numbers.

    >>> tn.distributions.PowerTransform(2.0)(tn.tensor([3.0]))
    tensor([9.])
    """

    domain = codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Operand, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = given("PowerTransform: exponent", exponent)

    @property
    def sign(self) -> Sign:
        """The sign of the exponent."""
        return value_of(self.exponent).sign()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PowerTransform) and same(self.exponent, other.exponent)

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent  # type: ignore[no-any-return]

    def _inverse(self, y: Tensor) -> Tensor:
        return y ** (1 / self.exponent)  # type: ignore[no-any-return]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of \\|exponent · y / x\\|."""
        return (self.exponent * y / x).abs().log()  # type: ignore[no-any-return]

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape that x and the exponent have together."""
        return broadcast_shapes([check_shape(shape), self.exponent.shape], "PowerTransform")

    inverse_shape = forward_shape


class AffineTransform(Transform):
    """Transform y = loc + scale · x; of events of ``event_dim`` axes.

    ShapeError (TN802) for a negative ``event_dim``.

    >>> tn.distributions.AffineTransform(1.0, 2.0)(tn.tensor([3.0]))
    tensor([7.])
    """

    bijective = True

    def __init__(self, loc: Operand, scale: Operand, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        for name, x in (("loc", loc), ("scale", scale)):
            given(f"AffineTransform: {name}", x)
        self.loc: Any = loc
        self.scale: Any = scale
        self._event_dim = int_of(event_dim, "AffineTransform: event_dim")
        if self._event_dim < 0:
            raise ShapeError(f"AffineTransform: event_dim is {event_dim}, and counts axes")
        real = constraints.real
        self.domain = constraints.independent(real, self._event_dim) if self._event_dim else real
        self.codomain = self.domain

    @property
    def event_dim(self) -> int:
        """The number of axes of an event."""
        return self._event_dim

    @property
    def sign(self) -> Sign:
        """The sign of the scale."""
        if isinstance(self.scale, Tensor):
            return self.scale.sign()
        return int(self.scale > 0) - int(self.scale < 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AffineTransform) and same(self.loc, other.loc) and same(self.scale, other.scale)

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x  # type: ignore[no-any-return]

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale  # type: ignore[no-any-return]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of \\|scale\\|, summed over the axes of an event."""
        scale = self.scale if isinstance(self.scale, Tensor) else tensor(self.scale, dtype=x.dtype)
        slope = broadcast_to(scale.abs().log(), broadcast_shapes([scale.shape, x.shape], "AffineTransform"))
        return sum_rightmost(slope, self._event_dim)

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape that x and the parameters have together."""
        shapes = [getattr(x, "shape", ()) for x in (self.loc, self.scale)]
        return broadcast_shapes([check_shape(shape), *shapes], "AffineTransform")

    inverse_shape = forward_shape


class CumulativeDistributionTransform(Transform):
    """Transform by the distribution function of a distribution of numbers, to probabilities.

    DTypeError (TN802) for what is no distribution.

    >>> D = tn.distributions
    >>> D.CumulativeDistributionTransform(D.Normal(0.0, 1.0))(tn.tensor([0.0]))
    tensor([0.5000])
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        if not hasattr(distribution, "icdf"):
            raise DTypeError(f"CumulativeDistributionTransform: distribution is one, not {shown(distribution)}")
        self.distribution = distribution

    @property
    def domain(self) -> Constraint:  # type: ignore[override]
        """The support of the distribution."""
        return self.distribution.support  # type: ignore[no-any-return]

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)  # type: ignore[no-any-return]

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)  # type: ignore[no-any-return]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of the density."""
        return self.distribution.log_prob(x)  # type: ignore[no-any-return]
