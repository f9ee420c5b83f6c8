"""The multivariate normal distribution, and the one whose covariance is a diagonal and a product of low rank."""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.parameters import Parameter
from tenure.errors import ShapeError
from tenure.values.operations.diagonals import diag_embed
from tenure.values.operations.factories import eye
from tenure.values.operations.matrices.decompositions import cholesky
from tenure.values.operations.matrices.systems import solve_triangular
from tenure.values.operations.shaping import broadcast_to, flip
from tenure.values.tensor.random import randn
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import ArrayLike


def mahalanobis(tril: Tensor, x: Tensor) -> Tensor:
    """The squared length of L⁻¹ x for vectors x, (…, n), with triangular L of a batch that x ends in."""
    batch = tril.shape[:-2]
    cut = x.ndim - 1 - len(batch)
    if cut < 0 or x.shape[cut:-1] != batch:
        return (solve_triangular(tril, x.unsqueeze(-1), upper=False)[..., 0] ** 2).sum(-1)
    columns = x.reshape(-1, *x.shape[cut:]).movedim(0, -1)
    found = (solve_triangular(tril, columns, upper=False) ** 2).sum(-2)
    return found.movedim(-1, 0).reshape(x.shape[:-1])


def half_log_det(tril: Tensor) -> Tensor:
    """The logarithm of the determinant of a triangular matrix."""
    return tril.diagonal(0, -2, -1).log().sum(-1)


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse of a matrix."""
    other = flip(cholesky(flip(precision, (-2, -1))), (-2, -1)).mT
    return solve_triangular(other, eye(precision.shape[-1], dtype=precision.dtype), upper=False)


class OfCovariance(Distribution):
    """Base of distributions of a positive definite matrix, given by itself, its inverse or its Cholesky factor."""

    covariance_matrix = Parameter(constraints.positive_definite, lambda d: product(d._unbroadcasted_scale_tril))
    precision_matrix = Parameter(constraints.positive_definite, lambda d: inverse(d._unbroadcasted_scale_tril))
    scale_tril = Parameter(constraints.lower_cholesky, lambda d: d._unbroadcasted_scale_tril)

    @property
    def _unbroadcasted_scale_tril(self) -> Tensor:
        """The Cholesky factor as it was given, or computed at the beginning; of a place anew."""
        found = self.__dict__.get("_tril")
        return self._factor() if found is None else found

    def _factor(self) -> Tensor:
        parameters, d = OfCovariance.parameters, self.__dict__
        if "scale_tril" in d:
            return parameters["scale_tril"].raw(self)  # type: ignore[return-value]
        if "covariance_matrix" in d:
            return cholesky(parameters["covariance_matrix"].raw(self))  # type: ignore[arg-type]
        return precision_to_scale_tril(parameters["precision_matrix"].raw(self))  # type: ignore[arg-type]

    def _matrix(self, **values: Any) -> dict[str, Any]:
        """The matrix that is given, in one of its forms; square."""
        found = self._choose(**values)
        for name, x in found.items():
            shape = getattr(x, "shape", None)
            if shape is not None and (len(shape) < 2 or shape[-1] != shape[-2]):
                raise ShapeError(f"{type(self).__name__}: {name} is a square matrix, not of shape {list(shape)}")
        return found

    def _factorize(self) -> None:
        """Compute the Cholesky factor at the beginning, unless a place is read at each use."""
        if all(type(x) is Tensor for k, x in self.__dict__.items() if k in OfCovariance.parameters):
            self.__dict__["_tril"] = self._factor()


def product(tril: Tensor) -> Tensor:
    """The matrix of a Cholesky factor."""
    return tril @ tril.mT


def inverse(tril: Tensor) -> Tensor:
    """The inverse of the matrix of a Cholesky factor."""
    found = solve_triangular(tril, eye(tril.shape[-1], dtype=tril.dtype), upper=False)
    return found.mT @ found


class MultivariateNormal(OfCovariance):
    """Multivariate normal distribution of a mean ``loc``, along the last axis, and a covariance.

    The covariance is given by itself, its inverse or its Cholesky factor (else DTypeError, TN802), the last of which
    costs least. ShapeError for shapes that do not fit, DomainError for a matrix that is not positive definite or not
    triangular.

    >>> d = tn.distributions.MultivariateNormal(tn.zeros(2), tn.eye(2))
    >>> d.event_shape, d.log_prob(tn.zeros(2))
    ((2,), tensor(-1.8379))
    """

    loc = Parameter(constraints.real_vector)
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc: ArrayLike, covariance_matrix: ArrayLike | None = None, precision_matrix: ArrayLike | None = None,
        scale_tril: ArrayLike | None = None, validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = self._matrix(
            covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        self._take(validate_args, loc=loc, **given)
        self._factorize()
        n, m = self._event_shape[0], self._unbroadcasted_scale_tril.shape[-1]
        if n != m:
            raise ShapeError(f"MultivariateNormal: a loc of {n} elements, and a matrix of {m} rows")

    def _mean(self) -> Tensor:
        return self.loc

    _mode = _mean

    def _variance(self) -> Tensor:
        found = (self._unbroadcasted_scale_tril**2).sum(-1)
        return broadcast_to(found, (*self._batch_shape, *self._event_shape))

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        noise = randn(shape, dtype=self._dtype, generator=generator)
        return self._raw("loc") + (self._unbroadcasted_scale_tril @ noise.unsqueeze(-1))[..., 0]

    def _log_prob(self, x: Tensor) -> Tensor:
        tril = self._unbroadcasted_scale_tril
        distance = mahalanobis(tril, x - self.loc)
        return -0.5 * (self._event_shape[0] * log(2 * pi) + distance) - half_log_det(tril)

    def _entropy(self) -> Tensor:
        found = 0.5 * self._event_shape[0] * (1 + log(2 * pi)) + half_log_det(self._unbroadcasted_scale_tril)
        return broadcast_to(found, self._batch_shape)


class LowRankMultivariateNormal(Distribution):
    """Multivariate normal distribution of the covariance cov_factor · cov_factorᵀ + the diagonal cov_diag.

    ``cov_factor`` is (…, n, rank), ``cov_diag`` and ``loc`` (…, n): densities cost rank² · n. ShapeError (TN802) for
    shapes that do not fit, DomainError for a diagonal that is not positive.

    >>> D = tn.distributions
    >>> D.LowRankMultivariateNormal(tn.zeros(3), tn.ones(3, 1), tn.ones(3)).variance
    tensor([2., 2., 2.])
    """

    loc = Parameter(constraints.real_vector)
    cov_factor = Parameter(constraints.independent(constraints.real, 2))
    cov_diag = Parameter(constraints.independent(constraints.positive, 1))
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc: ArrayLike, cov_factor: ArrayLike, cov_diag: ArrayLike, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, loc=loc, cov_factor=cov_factor, cov_diag=cov_diag)
        n = self._event_shape[0]
        sizes = {"cov_factor": self._raw("cov_factor").shape[-2], "cov_diag": self._raw("cov_diag").shape[-1]}
        for name, size in sizes.items():
            if size != n:
                raise ShapeError(f"LowRankMultivariateNormal: a loc of {n} elements, and a {name} of {size}")

    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Factor W and diagonal D, and the Cholesky factor of I + Wᵀ D⁻¹ W."""
        w, d = self._raw("cov_factor"), self._raw("cov_diag")
        inner = (w.mT / d.unsqueeze(-2)) @ w + eye(w.shape[-1], dtype=w.dtype)
        return w, d, cholesky(inner)

    def log_det(self) -> Tensor:
        """The logarithm of the determinant of the covariance, by the matrix determinant lemma."""
        _, d, tril = self._parts()
        return 2 * half_log_det(tril) + d.log().sum(-1)

    def distance(self, x: Tensor) -> Tensor:
        """The squared Mahalanobis distance of vectors from 0, by Woodbury's identity."""
        w, d, tril = self._parts()
        inner = ((w.mT / d.unsqueeze(-2)) @ x.unsqueeze(-1))[..., 0]
        return (x**2 / d).sum(-1) - mahalanobis(tril, inner)

    def _whole(self, x: Tensor, axes: int) -> Tensor:
        return broadcast_to(x, (*self._batch_shape, *self._event_shape * axes))

    def _mean(self) -> Tensor:
        return self.loc

    _mode = _mean

    def _variance(self) -> Tensor:
        return self._whole((self._raw("cov_factor") ** 2).sum(-1) + self._raw("cov_diag"), 1)

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        w = self._raw("cov_factor")
        return self._whole(w @ w.mT + diag_embed(self._raw("cov_diag")), 2)

    @property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        w, root = self._raw("cov_factor"), self._raw("cov_diag").sqrt().unsqueeze(-1)
        scaled = w / root
        return self._whole(root * cholesky(scaled @ scaled.mT + eye(w.shape[-2], dtype=w.dtype)), 2)

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        w, d, tril = self._parts()
        a = solve_triangular(tril, w.mT / d.unsqueeze(-2), upper=False)
        return self._whole(diag_embed(d.reciprocal()) - a.mT @ a, 2)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        w = self._raw("cov_factor")
        of_factor = randn((*shape[:-1], w.shape[-1]), dtype=self._dtype, generator=generator)
        of_diagonal = randn(shape, dtype=self._dtype, generator=generator)
        moved = (w @ of_factor.unsqueeze(-1))[..., 0]
        return self._raw("loc") + moved + self._raw("cov_diag").sqrt() * of_diagonal

    def _log_prob(self, x: Tensor) -> Tensor:
        return -0.5 * (self._event_shape[0] * log(2 * pi) + self.log_det() + self.distance(x - self.loc))

    def _entropy(self) -> Tensor:
        return self._whole(0.5 * (self._event_shape[0] * (1 + log(2 * pi)) + self.log_det()), 0)
