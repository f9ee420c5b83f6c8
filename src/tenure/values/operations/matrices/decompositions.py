"""Decompositions of matrices. LAPACK computes them, of float32, float64, complex64 and complex128."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.linear import spectra, systems
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

CHOLESKY = Operation("cholesky", systems.cholesky, "LinalgCholeskyExBackward0")
CHOLESKY_EX = Operation("cholesky_ex", systems.cholesky_ex, "LinalgCholeskyExBackward0")
QR = Operation("qr", spectra.qr, "LinalgQrBackward0")
SVD = Operation("svd", spectra.svd, "LinalgSvdBackward0")
SVDVALS = Operation("svdvals", spectra.svdvals, "LinalgSvdBackward0")
EIGH = Operation("eigh", spectra.eigh, "LinalgEighBackward0")
EIGVALSH = Operation("eigvalsh", spectra.eigvalsh, "LinalgEighBackward0")
EIG = Operation("eig", spectra.eig, "LinalgEigBackward0")
EIGVALS = Operation("eigvals", spectra.eigvals, "LinalgEigBackward0")
LU = Operation("lu", systems.lu, "LinalgLuBackward0")
LU_FACTOR = Operation("lu_factor", partial(systems.lu_factor), "LinalgLuFactorExBackward0")


class QRResult(NamedTuple):
    """Q and R with x = Q R."""

    Q: Tensor
    R: Tensor


class SVDResult(NamedTuple):
    """U, the singular values S, and Vh with x = U S Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class SVD3(NamedTuple):
    """U, the singular values S, and V with x = U S Vᴴ: the result of ``tn.svd``."""

    U: Tensor
    S: Tensor
    V: Tensor


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class EigResult(NamedTuple):
    """Complex eigenvalues, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class CholeskyExResult(NamedTuple):
    """The factor, and for each matrix 0 or the order of the first leading minor that is not positive (int32)."""

    L: Tensor
    info: Tensor


class LUResult(NamedTuple):
    """P, L and U with x = P L U."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactorResult(NamedTuple):
    """L and U as one matrix, and with which row each was exchanged, counted from 1 (int32)."""

    LU: Tensor
    pivots: Tensor


def cholesky(x: ArrayLike, /, *, upper: bool = False) -> Tensor:
    """The Cholesky factor of positive definite matrices: lower L with x = L Lᴴ, or ``upper`` U with x = Uᴴ U.

    Only the lower triangle counts; where x is Hermitian, so is its gradient. LinAlgError (TN802), when the result is
    read, for a matrix that is not positive definite; ShapeError, DTypeError (TN802) for what is no square matrix of
    float32, float64 or complex numbers. Derivatives: Murray (2016).

    >>> tn.linalg.cholesky(tn.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return apply_one(CHOLESKY, value_of(x), parameters(("upper",), flag("cholesky: upper", upper)))


def cholesky_ex(x: ArrayLike, /, *, upper: bool = False, check_errors: bool = False) -> CholeskyExResult:
    """The Cholesky factor, and what LAPACK reports instead of an error: 0, or which leading minor is not positive.

    With ``check_errors`` it is an error all the same. The factor of a matrix with a report has no meaning. Errors
    otherwise as of ``cholesky``.

    >>> tn.linalg.cholesky_ex(tn.tensor([[1.0, 2.0], [2.0, 1.0]])).info
    tensor(2, dtype=tenure.int32)
    """
    given = flag("cholesky_ex: upper", upper), "cholesky_ex", flag("cholesky_ex: check_errors", check_errors)
    return CholeskyExResult(*apply_one(CHOLESKY_EX, value_of(x), parameters(("upper", "name", "check"), *given)))


def qr(x: ArrayLike, /, *, mode: str = "reduced") -> QRResult:
    """Q with orthonormal columns and upper triangular R, x = Q R.

    Shapes (m, k) and (k, n), k the smaller side; with ``mode="complete"`` (m, m) and (m, n); with ``"r"`` Q is empty.
    Signs are LAPACK's: a diagonal element of R may be negative. The gradient takes the first k columns to be linearly
    independent; GradientError (TN804) for the complete Q of more rows than columns. ShapeError, DTypeError (TN802) for
    what is no matrix of float32, float64 or complex numbers. Derivatives: Walter and Lehmann (2010).

    >>> tn.linalg.qr(tn.tensor([[3.0, 1.0], [4.0, 2.0]])).R.abs()
    tensor([[5.0000, 2.2000],
            [0.0000, 0.4000]])
    """
    if type(mode) is not str or mode not in ("reduced", "complete", "r"):
        raise DTypeError(f"qr: mode is reduced, complete or r, not {shown(mode)}")
    q, r = apply_one(QR, value_of(x), parameters(("mode",), mode))
    return QRResult(q.flatten()[:0] if mode == "r" else q, r)


def svd(x: ArrayLike, /, *, full_matrices: bool = True, driver: str | None = None) -> SVDResult:
    """The singular value decomposition: U, S in descending order, and Vh, with x = U S Vh.

    Shapes (m, m), (k,) and (n, n), k the smaller side; without ``full_matrices`` (m, k), (k,) and (k, n). The gradient
    of U and Vh is infinite or NaN where singular values are equal, that of S is not; from the vectors that fill up a
    full matrix none comes, as in PyTorch. Of complex matrices it is right for what does not depend on the phase of the
    vectors. ShapeError, DTypeError (TN802) for what is no matrix of float32, float64 or complex numbers; LinAlgError
    (TN802) where the iteration does not converge, as with NaN. Derivatives: Townsend (2016).

    >>> tn.linalg.svd(tn.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    if driver is not None and (not isinstance(driver, str) or driver != "gesdd"):
        raise ShapeError(f"svd: driver is gesdd here, not {shown(driver)}")
    full = flag("svd: full_matrices", full_matrices)
    return SVDResult(*apply_one(SVD, value_of(x), parameters(("full",), full)))


def svdvals(x: ArrayLike, /) -> Tensor:
    """The singular values of matrices, in descending order. Errors and derivatives as of ``svd``.

    >>> tn.linalg.svdvals(tn.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    return apply_one(SVDVALS, value_of(x))


def _upper(name: str, UPLO: Any) -> Any:
    if type(UPLO) is not str or UPLO.upper() not in ("L", "U"):
        raise DTypeError(f"{name}: UPLO is 'L' or 'U', not {shown(UPLO)}")
    return parameters(("upper",), UPLO.upper() == "U")


def eigh(x: ArrayLike, /, UPLO: str = "L") -> EighResult:
    """Eigenvalues, ascending, and orthonormal eigenvectors, as columns, of Hermitian matrices.

    Only the lower triangle counts, or the upper one with ``UPLO="U"``; where x is Hermitian, so is its gradient. That
    of eigenvectors is infinite or NaN where eigenvalues are equal, that of eigenvalues is not; of complex matrices it
    is right for what does not depend on the phase of the vectors. Errors as of ``svd``. Derivatives: Giles (2008).

    >>> tn.linalg.eigh(tn.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    return EighResult(*apply_one(EIGH, value_of(x), _upper("eigh", UPLO)))


def eigvalsh(x: ArrayLike, /, UPLO: str = "L") -> Tensor:
    """The eigenvalues of Hermitian matrices, ascending. Errors and derivatives as of ``eigh``.

    >>> tn.linalg.eigvalsh(tn.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])
    """
    return apply_one(EIGVALSH, value_of(x), _upper("eigvalsh", UPLO))


def eig(x: ArrayLike, /) -> EigResult:
    """Eigenvalues, in no order, and eigenvectors of length 1, as columns, of square matrices: complex ones.

    The gradient takes the eigenvalues to be distinct, and is right for what does not depend on the vectors' phase.
    Errors as of ``svd``. Derivatives: Boeddeker et al. (2017).

    >>> tn.linalg.eig(tn.tensor([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues.imag.abs()
    tensor([1., 1.])
    """
    return EigResult(*apply_one(EIG, value_of(x)))


def eigvals(x: ArrayLike, /) -> Tensor:
    """The eigenvalues of square matrices, in no order: complex ones. Errors and derivatives as of ``eig``.

    >>> tn.linalg.eigvals(tn.tensor([[0.0, 1.0], [-1.0, 0.0]])).imag.abs()
    tensor([1., 1.])
    """
    return apply_one(EIGVALS, value_of(x))


def lu(x: ArrayLike, /) -> LUResult:
    """P, L and U with x = P L U: a permutation, a lower triangle with ones on its diagonal, an upper triangle.

    Shapes (m, m), (m, k) and (k, n), k the smaller side. No gradient goes through P. ShapeError, DTypeError (TN802) for
    what is no matrix of float32, float64 or complex numbers; LinAlgError (TN802) for the gradient at a singular matrix.

    >>> tn.linalg.lu(tn.tensor([[1.0, 2.0], [2.0, 2.0]])).U
    tensor([[2., 2.],
            [0., 1.]])
    """
    return LUResult(*apply_one(LU, value_of(x)))


def lu_factor(x: ArrayLike, /) -> LUFactorResult:
    """L and U of ``lu`` as one matrix, and the exchanges of rows that P is made of.

    LinAlgError (TN802), when the result is read, for a singular matrix. Errors otherwise as of ``lu``.

    >>> tn.linalg.lu_factor(tn.tensor([[1.0, 2.0], [2.0, 2.0]])).pivots
    tensor([2, 2], dtype=tenure.int32)
    """
    return LUFactorResult(*apply_one(LU_FACTOR, value_of(x))[:2])
