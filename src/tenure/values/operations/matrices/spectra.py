"""Norms, ranks, condition numbers, powers and exponentials of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.linear import powers, spectra
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import norms, ranges
from tenure.values.operations.axes import check_axis, kept, one_of
from tenure.values.operations.matrices.systems import tolerances
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag, int_of, number

if TYPE_CHECKING:
    from tenure.dtypes import DTypeLike
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

NORM = Operation("matrix_norm", spectra.matrix_norm, "LinalgMatrixNormBackward0")
COND = Operation("cond", spectra.cond, "LinalgCondBackward0")
RANK = Operation("matrix_rank", spectra.matrix_rank)
POWER = Operation("matrix_power", powers.matrix_power, "LinalgMatrixPowerBackward0")
EXPONENTIAL = Operation("matrix_exp", powers.matrix_exp, "LinalgMatrixExpBackward0")
NORMS = ("fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf"))


def _order(name: str, ord: Any) -> Any:
    """Order of a norm."""
    if type(ord) is not str:
        ord = number(name, "ord", ord)
        if not isinstance(ord, int | float):
            raise DTypeError(f"{name}: ord is a Python number, not a tensor")
    if ord not in NORMS or type(ord) is bool:
        raise ShapeError(f"{name}: ord is 'fro', 'nuc', 1, 2, inf or one of these negative, not {shown(ord)}")
    return ord


def matrix_norm(
    x: ArrayLike,
    /,
    ord: str | float = "fro",
    axis: tuple[int, int] | None = None,
    keepdims: bool = False,
    *,
    dim: tuple[int, int] | None = None,
    keepdim: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """A norm of matrices.

    "fro" is that of all elements, "nuc" the sum of the singular values, 2 and −2 the largest and the smallest of these,
    1 and −1 of the sums of columns, inf and −inf of the sums of rows. The matrices lie in two axes, by default the last
    ones. The gradient of "fro" at 0 is 0. ``dtype`` casts first.
    ShapeError (TN802) for another order; errors otherwise as of ``svd``.

    >>> tn.linalg.matrix_norm(tn.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    """
    x = value_of(x) if dtype is None else value_of(x).to(dtype)
    axes = one_of(axis, dim)
    axes = (-2, -1) if axes is None else axes
    if not isinstance(axes, tuple | list) or len(axes) != 2:
        raise DTypeError(f"matrix_norm: the axes are a pair of ints, not {shown(axes)}")
    first, second = (check_axis(k, x.ndim, "matrix_norm: axis") for k in axes)
    if first == second:
        raise ShapeError(f"matrix_norm: axis {first} is named twice")
    turned = x if (first, second) == (x.ndim - 2, x.ndim - 1) else x.movedim((first, second), (-2, -1))
    found = apply_one(NORM, turned, parameters(("order",), _order("matrix_norm", ord)))
    if kept(keepdims, keepdim):
        return found.reshape([1 if k in (first, second) else n for k, n in enumerate(x.shape)])
    return found


def norm(
    x: ArrayLike,
    ord: str | float | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    *,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """A norm of vectors or matrices, as in PyTorch: ``matrix_norm`` over two axes with an order, else ``vector_norm``.

    Without an order it is Euclid's, of all elements unless axes are given. With one, and no axes, x is a vector or a
    matrix, else it is a ShapeError (TN802). Errors otherwise as of these.

    >>> tn.linalg.norm(tn.tensor([[3.0, 0.0], [0.0, 4.0]]), "nuc")
    tensor(7.)
    """
    x, axes, keeps = value_of(x), one_of(axis, dim), kept(keepdims, keepdim)
    if ord is None:
        return norms.vector_norm(x, 2, axes, keeps, dtype=dtype)
    if axes is None and x.ndim not in (1, 2):
        raise ShapeError(f"norm: a tensor of shape {list(x.shape)} is neither a vector nor a matrix: give axis=…")
    pair = x.ndim == 2 if axes is None else isinstance(axes, tuple | list) and len(axes) == 2
    if pair:
        return matrix_norm(x, ord, axes, keeps, dtype=dtype)
    if isinstance(ord, str):
        raise DTypeError(f"norm: ord of vectors is a number, not {shown(ord)}")
    return norms.vector_norm(x, ord, axes, keeps, dtype=dtype)


def cond(x: ArrayLike, /, p: str | float | None = None) -> Tensor:
    """The condition numbers of matrices in a norm: by default the largest singular value by the smallest.

    Other norms than 2 and −2 take square matrices: the norm times that of the inverse, infinite for a singular one.
    ShapeError (TN802) for another norm; errors otherwise as of ``svd``.

    >>> tn.linalg.cond(tn.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor(2.)
    """
    order = None if p is None else _order("cond", p)
    return apply_one(COND, value_of(x), parameters(("order",), order))


def matrix_rank(
    x: ArrayLike,
    /,
    *,
    atol: float | ArrayLike | None = None,
    rtol: float | ArrayLike | None = None,
    hermitian: bool = False,
) -> Tensor:
    """The ranks of matrices (int64): how many singular values are above max(atol, rtol · the largest one).

    rtol is by default the larger side times the precision, or 0 if atol is given. With ``hermitian`` only the lower
    triangle counts. Errors as of ``svd``.

    >>> tn.linalg.matrix_rank(tn.tensor([[1.0, 1.0], [1.0, 1.0]]))
    tensor(1)
    """
    given, names = tolerances(atol, rtol)
    asked = parameters(("given", "hermitian"), names, flag("matrix_rank: hermitian", hermitian))
    return apply(RANK, (value_of(x), *given), asked)


def matrix_power(x: ArrayLike, n: int, /) -> Tensor:
    """A power of square matrices; a negative one is that of the inverse, and the power 0 the unit matrix.

    LinAlgError (TN802), when the result is read, for a negative power of a singular matrix. Errors as of ``inv``.

    >>> tn.linalg.matrix_power(tn.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    return apply_one(POWER, value_of(x), parameters(("n",), int_of(n, "matrix_power: n")))


def matrix_exp(x: ArrayLike, /) -> Tensor:
    """The exponential of square matrices, by a Padé approximant, scaling and squaring (Higham 2005).

    It is accurate for matrices of a norm up to 10⁷. Errors as of ``inv``.

    >>> tn.linalg.matrix_exp(tn.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return apply_one(EXPONENTIAL, value_of(x))


def vander(x: ArrayLike, /, *, N: int | None = None) -> Tensor:
    """The powers 0 to N − 1 of each number along a new last axis; N is by default how many numbers the last axis has.

    ShapeError (TN802) for a 0-dimensional x, or a negative N.

    >>> tn.linalg.vander(tn.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    x = value_of(x)
    if not x.ndim:
        raise ShapeError("vander: a 0-dimensional tensor has no axis of numbers")
    count = x.shape[-1] if N is None else int_of(N, "vander: N")
    if count < 0:
        raise ShapeError(f"vander: N is not negative, unlike {count}")
    return x.unsqueeze(-1) ** ranges.arange(count)
