"""Distributions of matrices: Wishart's of positive definite ones, and the LKJ one of correlations."""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.distribution import Distribution
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.multivariate_normal import OfCovariance, half_log_det
from tenure.distributions.parameters import Parameter
from tenure.distributions.utils import either, eps, tiny
from tenure.distributions.validity import checked
from tenure.errors import ShapeError
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.diagonals import diag_embed, tril
from tenure.values.operations.matrices.systems import slogdet, solve_triangular
from tenure.values.operations.ranges import arange
from tenure.values.tensor import sampling
from tenure.values.tensor.random import randn
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import ArrayLike, Operand


def _shifted(a: Tensor, p: int) -> Tensor:
    """a, a − ½, …, a − (p − 1) / 2 along a new last axis."""
    return a.unsqueeze(-1) - arange(p, dtype=a.dtype) / 2


def multigammaln(a: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of p dimensions."""
    return _shifted(a, p).lgamma().sum(-1) + p * (p - 1) / 4 * log(pi)


class Wishart(OfCovariance, ExponentialFamily):
    """Wishart distribution of positive definite matrices, of ``df`` degrees of freedom and a scale matrix.

    The scale is given by itself, its inverse or its Cholesky factor (else DTypeError, TN802). ShapeError for what is no
    square matrix, DomainError for a df of the number of rows less 1 or below, and for a matrix that is not positive
    definite. Samples are made by Bartlett's decomposition.

    >>> tn.distributions.Wishart(3.0, tn.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    df = Parameter(constraints.dependent(is_discrete=False, event_dim=0))
    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self, df: Operand, covariance_matrix: ArrayLike | None = None, precision_matrix: ArrayLike | None = None,
        scale_tril: ArrayLike | None = None, validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = self._matrix(
            covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        self._take(validate_args, **given, df=df)
        self._factorize()
        if self._validate_args:
            least: Any = constraints.greater_than(self._event_shape[-1] - 1)
            found = checked("Wishart: df", self._raw("df"), least, said=f"greater than {self._event_shape[-1] - 1}")
            if type(self.__dict__["df"]) is Tensor:
                self.df = found

    def _over(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape, 1, 1)

    def _mean(self) -> Tensor:
        return self._over(self.df) * self.covariance_matrix

    def _mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        return self._over(either(factor > 0, factor, float("nan"))) * self.covariance_matrix

    def _variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(0, -2, -1)
        return self._over(self.df) * (v**2 + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        p = shape[-1]
        half = _shifted(self._raw("df") / 2, p)
        squares = sampling.gamma(half, 0.5, shape[:-1], generator=generator)
        noise = tril(randn(shape, dtype=self._dtype, generator=generator), -1)
        roots = squares.sqrt()
        factor = self._unbroadcasted_scale_tril @ (noise + diag_embed(clip(roots, eps(roots))))
        return factor @ factor.mT

    def _log_prob(self, x: Tensor) -> Tensor:
        df, p, factor = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        inner = solve_triangular(factor, x, upper=False)
        trace = solve_triangular(factor, inner.mT, upper=False).diagonal(0, -2, -1).sum(-1)
        normalizer = -df * (p * log(2.0) / 2 + half_log_det(factor)) - multigammaln(df / 2, p)
        return normalizer + (df - p - 1) / 2 * slogdet(x).logabsdet - trace / 2

    def _entropy(self) -> Tensor:
        df, p = self.df, self._event_shape[-1]
        slope = _shifted(df / 2, p).digamma().sum(-1)
        whole = (p + 1) * (p * log(2.0) / 2 + half_log_det(self._unbroadcasted_scale_tril))
        return whole + multigammaln(df / 2, p) - (df - p - 1) / 2 * slope + df * p / 2

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (p * log(2.0) - slogdet(-2 * x).logabsdet) + multigammaln(half, p)


class LKJCholesky(Distribution):
    """LKJ distribution of Cholesky factors of correlation matrices of ``dim`` rows.

    The density of the matrix is in proportion to its determinant to the power ``concentration`` - 1: 1 makes all
    equally likely. ShapeError (TN802) for a dim below 2, DomainError for a concentration that is not positive.
    Source: Lewandowski, Kurowicka and Joe, 2009 (the onion method).

    >>> tn.distributions.LKJCholesky(3, 0.5).sample().shape
    (3, 3)
    """

    concentration = Parameter(constraints.positive)
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Operand = 1.0, validate_args: bool | None = None) -> None:
        self.dim = int_of(dim, "LKJCholesky: dim")
        if self.dim < 2:
            raise ShapeError(f"LKJCholesky: dim is {dim}, and at least 2")
        if self.dim > MOST_ROWS:
            raise ShapeError(f"LKJCholesky: dim is {dim}, and at most {MOST_ROWS}")
        self._take(validate_args, (self.dim, self.dim), concentration=concentration)

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        offset = clip(arange(self.dim, dtype=self._dtype) - 1, 0.0)
        margin = (self._raw("concentration") + (self.dim - 2) / 2).unsqueeze(-1)
        y = sampling.beta(offset + 0.5, margin - offset / 2, shape[:-1], generator=generator).unsqueeze(-1)
        direction = tril(randn(shape, dtype=self._dtype, generator=generator), -1)
        length = (direction**2).sum(-1, keepdims=True)
        w = y.sqrt() * direction * clip(length, tiny(length)).rsqrt()
        return w + diag_embed(clip(1 - (w**2).sum(-1), tiny(w)).sqrt())

    def _log_prob(self, x: Tensor) -> Tensor:
        c, rows = self.concentration, self.dim - 1
        order = 2 * (c - 1).unsqueeze(-1) + self.dim - arange(2, self.dim + 1, dtype=c.dtype)
        alpha = c + rows / 2
        normalizer = rows / 2 * log(pi) + multigammaln(alpha - 0.5, rows) - alpha.lgamma() * rows
        return (order * x.diagonal(0, -2, -1)[..., 1:].log()).sum(-1) - normalizer


MOST_ROWS = 2**20
"""The largest number of rows that is taken at all."""
