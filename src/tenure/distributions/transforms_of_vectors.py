"""Transforms to shares, to triangular matrices, and to positive definite ones."""

from __future__ import annotations

from math import isqrt, log
from typing import TYPE_CHECKING

from tenure.distributions import constraints
from tenure.distributions.transform import Sizes, Transform
from tenure.distributions.transforms_of_numbers import clipped_sigmoid
from tenure.distributions.utils import edged, eps, softplus, tiny, tril_matrix_to_vec, vec_to_tril_matrix
from tenure.errors import ShapeError
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.diagonals import diag_embed, tril
from tenure.values.operations.factories import eye
from tenure.values.operations.matrices.decompositions import cholesky
from tenure.values.operations.ranges import arange
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import check_shape

if TYPE_CHECKING:
    from tenure.values.tensor.typing import Shape


class _OfEvents(Transform):
    """A transform of whole events without parameters, that equals others of its class."""

    event_axes = 1

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = object.__hash__

    def _sizes(self, shape: Shape) -> Sizes:
        """A shape with the axes that an event has."""
        found = check_shape(shape)
        if len(found) < self.event_axes:
            raise ShapeError(f"{type(self).__name__}: a shape {list(found)} of less than {self.event_axes} axes")
        return found


class SoftmaxTransform(_OfEvents):
    """Transform to shares by the softmax along the last axis; not bijective, and its inverse is the logarithm.

    >>> tn.distributions.SoftmaxTransform()(tn.zeros(2))
    tensor([0.5000, 0.5000])
    """

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return x.softmax(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Shape) -> Sizes:
        """The same shape, of one axis or more."""
        return self._sizes(shape)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The same shape, of one axis or more."""
        return self._sizes(shape)


class StickBreakingTransform(_OfEvents):
    """Transform of n numbers to n + 1 shares, by breaking a stick again and again; bijective.

    >>> tn.distributions.StickBreakingTransform()(tn.zeros(2))
    tensor([0.3333, 0.3333, 0.3333])
    """

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = True

    def _offset(self, n: int, x: Tensor) -> Tensor:
        """The logarithms of n, n − 1, …, 1."""
        return arange(n, 0, -1, dtype=x.dtype).log()

    def _call(self, x: Tensor) -> Tensor:
        z = clipped_sigmoid(x - self._offset(self._sizes(x.shape)[-1], x))
        return edged(z, False, 1) * edged((1 - z).cumprod(-1), True, 1)

    def _inverse(self, y: Tensor) -> Tensor:
        y_crop = y[..., :-1]
        rest = clip(1 - y_crop.cumsum(-1), tiny(y))
        return y_crop.log() - rest.log() + self._offset(y_crop.shape[-1], y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the logarithms of what each break leaves."""
        x = x - self._offset(x.shape[-1], x)
        return (-x - softplus(-x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape with one element more."""
        sizes = self._sizes(shape)
        return (*sizes[:-1], sizes[-1] + 1)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The shape with one element less."""
        sizes = self._sizes(shape)
        return check_shape((*sizes[:-1], sizes[-1] - 1))


def _diagonal(x: Tensor) -> Tensor:
    return x.diagonal(0, -2, -1)


class LowerCholeskyTransform(_OfEvents):
    """Transform of square matrices to lower triangular ones, with the exponential of the diagonal.

    >>> tn.distributions.LowerCholeskyTransform()(tn.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky
    event_axes = 2

    def _call(self, x: Tensor) -> Tensor:
        return tril(x, -1) + diag_embed(_diagonal(x).exp())

    def _inverse(self, y: Tensor) -> Tensor:
        return tril(y, -1) + diag_embed(_diagonal(y).log())


class PositiveDefiniteTransform(_OfEvents):
    """Transform of square matrices to positive definite ones, by way of their Cholesky factors.

    >>> tn.distributions.PositiveDefiniteTransform()(tn.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain = constraints.independent(constraints.real, 2), constraints.positive_definite
    event_axes = 2

    def _call(self, x: Tensor) -> Tensor:
        x = LowerCholeskyTransform()(x)
        return x @ x.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))


class CorrCholeskyTransform(_OfEvents):
    """Transform of n(n - 1) / 2 numbers to the Cholesky factor of a correlation matrix of n rows; bijective.

    ShapeError (TN802) for a length that is no such number. Source: Stan's reference manual, section 10.12.

    >>> tn.distributions.CorrCholeskyTransform()(tn.zeros(1))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain = constraints.real_vector, constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        n = self.forward_shape(x.shape)[-1]
        r = vec_to_tril_matrix(clip(x.tanh(), -1 + eps(x), 1 - eps(x)), diag=-1)
        left = (1 - r * r).sqrt().cumprod(-1)
        return (r + eye(n, dtype=x.dtype)) * edged(left[..., :-1], True, 1)

    def _inverse(self, y: Tensor) -> Tensor:
        left = edged((1 - (y * y).cumsum(-1))[..., :-1], True, 1)
        return (tril_matrix_to_vec(y, -1) / tril_matrix_to_vec(left, -1).sqrt()).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of those of the tangents and of the breaking of rows."""
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), -2) if y.shape[-1] > 1 else x
        return 0.5 * left.log().sum(-1) - 2 * (x + softplus(-2 * x) - log(2.0)).sum(-1)

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape with the matrices in place of the vectors."""
        sizes = self._sizes(shape)
        n = (1 + isqrt(1 + 8 * sizes[-1])) // 2
        if n * (n - 1) // 2 != sizes[-1]:
            raise ShapeError(f"CorrCholeskyTransform: {sizes[-1]} elements are no lower triangle of a square matrix")
        return (*sizes[:-1], n, n)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The shape with the vectors in place of the matrices."""
        sizes = check_shape(shape)
        if len(sizes) < 2 or sizes[-2] != sizes[-1]:
            raise ShapeError(f"CorrCholeskyTransform: a shape {list(sizes)} of no square matrices")
        return (*sizes[:-2], sizes[-1] * (sizes[-1] - 1) // 2)
