"""Decompositions and systems by PyTorch's older functions, whose arguments are others than those of ``linalg``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.errors import ShapeError
from tenure.values.operations.matrices import decompositions, spectra, systems
from tenure.values.operations.matrices.decompositions import SVD3, QRResult
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def svd(x: ArrayLike, some: bool = True, compute_uv: bool = True) -> SVD3:
    """The singular value decomposition by PyTorch's older function: U, S and V with x = U S Vᴴ.

    ``some=False`` asks for full matrices, ``compute_uv=False`` for zeros in place of U and V. Otherwise as
    ``tn.linalg.svd``.

    >>> tn.svd(tn.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    u, s, vh = decompositions.svd(x, full_matrices=not flag("svd: some", some))
    v = vh.mH if vh.dtype.is_complex else vh.mT
    return SVD3(u, s, v) if flag("svd: compute_uv", compute_uv) else SVD3(u.detach() * 0, s, v.detach() * 0)


def cholesky(x: ArrayLike, upper: bool = False) -> Tensor:
    """The Cholesky factor, as ``tn.linalg.cholesky``.

    >>> tn.cholesky(tn.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return decompositions.cholesky(x, upper=upper)


def qr(x: ArrayLike, some: bool = True) -> QRResult:
    """Q and R, as ``tn.linalg.qr``; ``some=False`` asks for the complete Q.

    >>> tn.qr(tn.tensor([[3.0], [4.0]])).R.abs()
    tensor([[5.]])
    """
    return decompositions.qr(x, mode="reduced" if flag("qr: some", some) else "complete")


def lu_solve(b: ArrayLike, LU_data: ArrayLike, LU_pivots: ArrayLike) -> Tensor:
    """The solution x of a x = b, as ``tn.linalg.lu_solve``, with the right-hand side in front.

    >>> tn.lu_solve(tn.tensor([[8.0]]), *tn.linalg.lu_factor(tn.tensor([[2.0]])))
    tensor([[4.]])
    """
    return systems.lu_solve(LU_data, LU_pivots, b)


def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each number of a list, from N − 1 to 0, or ``increasing`` ones.

    ShapeError (TN802) for another number of axes than 1, or a negative N.

    >>> tn.vander(tn.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    x = value_of(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: a tensor of shape {list(x.shape)}, where a list is wanted")
    found = spectra.vander(x, N=N)
    return found if flag("vander: increasing", increasing) else found.flip(-1)
