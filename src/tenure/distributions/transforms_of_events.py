"""Transforms of whole events: of more axes than another transform, and of another shape."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from tenure.distributions import constraints
from tenure.distributions.regions import Constraint
from tenure.distributions.transform import Sign, Sizes, Transform, transform_of
from tenure.distributions.utils import sum_rightmost
from tenure.errors import ShapeError
from tenure.values.operations.factories import zeros_like
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import check_shape

if TYPE_CHECKING:
    from tenure.values.tensor.typing import Shape


class IndependentTransform(Transform):
    """Transform of events with more axes: the Jacobian's logarithm is summed over ``reinterpreted_batch_ndims`` more.

    ShapeError (TN802) for inputs of fewer axes than an event has.

    >>> D = tn.distributions
    >>> t = D.IndependentTransform(D.ExpTransform(), 1)
    >>> t.log_abs_det_jacobian(tn.ones(2, 3), tn.ones(2, 3).exp())
    tensor([3., 3.])
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        base = transform_of("IndependentTransform: base_transform", base_transform)
        self.base_transform = base.with_cache(cache_size)
        self.domain = constraints.independent(base.domain, reinterpreted_batch_ndims)
        self.codomain = constraints.independent(base.codomain, reinterpreted_batch_ndims)
        self.reinterpreted_batch_ndims = self.domain.reinterpreted_batch_ndims
        self.bijective = base.bijective

    @property
    def sign(self) -> Sign:
        """The sign of the other transform."""
        return self.base_transform.sign

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same with a cache of some size."""
        if self._cache_size == cache_size:
            return self
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size)

    def _enough(self, x: Tensor, constraint: Constraint) -> Tensor:
        if x.ndim < constraint.event_dim:
            raise ShapeError(f"IndependentTransform: {x.ndim} axes, and an event has {constraint.event_dim}")
        return x

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(self._enough(x, self.domain))

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform.inv(self._enough(y, self.codomain))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm for the other transform, summed over the axes."""
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape of the other transform's result."""
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The shape of the other transform's input."""
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class ReshapeTransform(Transform):
    """Transform of the shape of events, of which the Jacobian's determinant is 1.

    ShapeError (TN802) for shapes of different numbers of elements, and for inputs that do not end in ``in_shape``.

    >>> tn.distributions.ReshapeTransform((6,), (2, 3))(tn.zeros(4, 6)).shape
    (4, 2, 3)
    """

    bijective = True
    sign = 1

    def __init__(self, in_shape: Shape, out_shape: Shape, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = check_shape(in_shape), check_shape(out_shape)
        if prod(self.in_shape) != prod(self.out_shape):
            raise ShapeError(
                f"ReshapeTransform: in_shape {list(self.in_shape)} and out_shape {list(self.out_shape)} have different"
                " numbers of elements"
            )
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _turned(self, shape: Sizes, old: Sizes, new: Sizes) -> Sizes:
        cut = len(shape) - len(old)
        if cut < 0 or shape[cut:] != old:
            raise ShapeError(f"ReshapeTransform: a shape {list(shape)} that does not end in {list(old)}")
        return (*shape[:cut], *new)

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Zeros."""
        return zeros_like(sum_rightmost(x, len(self.in_shape)))

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape with the new event."""
        return self._turned(check_shape(shape), self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The shape with the old event."""
        return self._turned(check_shape(shape), self.out_shape, self.in_shape)
