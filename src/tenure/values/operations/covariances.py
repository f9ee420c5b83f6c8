"""Covariances of variables of which observations are given, and their correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure import dtypes
from tenure.dtypes import promote
from tenure.errors import DTypeError, ShapeError
from tenure.values.operations.bounds import not_negative
from tenure.values.operations.complexes import complex, imag, real
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def _observations(name: str, given: Any) -> Tensor:
    """A row for each variable, of floats."""
    x: Tensor = value_of(given)
    if x._aval.ndim > 2:
        raise ShapeError(f"{name}: a tensor of shape {list(x._aval.shape)}, where a row for each variable is wanted")
    x = x if x._aval.dtype.has_gradient else x.to(dtypes.default_float)
    return x if x._aval.ndim == 2 else x.reshape(1, -1)


def _weights(weights: Any, what: str, kinds: str, size: int, dtype: Any) -> Any:
    """A weight for each observation, none of them negative."""
    weights = value_of(weights)
    if weights._aval.dtype.kind not in kinds:
        wanted = "whole numbers" if kinds == "iu" else "floats"
        raise DTypeError(f"cov: {what} of {weights._aval.dtype.name}, where {wanted} are wanted")
    if weights._aval.shape != (size,):
        raise ShapeError(f"cov: {what} of shape {list(weights._aval.shape)} for {size} observations")
    known = not_negative(weights.to(dtype.parts), f"cov: {what}")
    return known if dtype.is_complex else known.to(dtype)


@public
def cov(
    x: ArrayLike, *, correction: int = 1, fweights: ArrayLike | None = None, aweights: ArrayLike | None = None
) -> Tensor:
    """The covariances of variables, whose observations are the rows of x; of one row, its variance.

    The sum of products is divided by the number of observations less ``correction``. ``fweights`` (whole numbers) say
    how often each was observed, ``aweights`` (floats) how much it counts. Whole numbers become the default float.
    ShapeError (TN802) for more than two axes or weights of another length, DTypeError (TN802) for their dtype,
    DomainError (TN802), when the result is read, for a negative one.

    >>> tn.cov(tn.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    rows, less = _observations("cov", x), int_of(correction, "cov: correction")
    if aweights is not None:
        aweights = value_of(aweights)
        rows = rows.to(promote(rows._aval.dtype, aweights._aval.dtype)) if aweights._aval.dtype.is_floating else rows
    size, dtype = rows._aval.shape[1], rows._aval.dtype
    often = None if fweights is None else _weights(fweights, "fweights", "iu", size, dtype)
    much = None if aweights is None else _weights(aweights, "aweights", "f", size, dtype)
    if often is None and much is None:
        rows = rows - rows.mean(axis=1, keepdims=True)
        products, number = rows @ rows.conj().T, max(size - less, 0)
        return at_users_line((products / number).squeeze())
    weights: Any = often if much is None else much if often is None else often * much
    total = weights.sum()
    rows = rows - (rows * weights).sum(axis=1, keepdims=True) / total
    lost = less if much is None else less * (weights * much).sum() / total
    ans: Tensor = (rows * weights) @ rows.conj().T / (total - lost).clip(0)
    return at_users_line(ans.squeeze())


@public
def corrcoef(x: ArrayLike) -> Tensor:
    """The correlation coefficients of variables, whose observations are the rows of x; of one row, 1.

    Whole numbers become the default float. A variable that does not vary has NaN. ShapeError (TN802) for more than two
    axes.

    >>> tn.corrcoef(tn.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    found = cov(_observations("corrcoef", x))
    if not found._aval.ndim:
        return at_users_line(found / found)
    deviation: Tensor = real(found.diagonal()).sqrt()
    found = found / deviation[:, None] / deviation
    if found._aval.dtype.is_complex:
        return at_users_line(complex(real(found).clip(-1, 1), imag(found).clip(-1, 1)))
    return at_users_line(found.clip(-1, 1))
