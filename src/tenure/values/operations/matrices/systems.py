"""Linear systems, inverses and determinants, of float32, float64, complex64 and complex128."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.dtypes import float64
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.linear import pseudoinverse, systems
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.given import flag, int_of, ints_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

SOLVE = Operation("solve", lambda a, b, **params: systems.solve(a, b, **params)[0], "LinalgSolveExBackward0")
INV = Operation("inv", lambda a: systems.inverse(a)[0], "LinalgInvExBackward0")
TRIANGULAR = Operation("solve_triangular", systems.solve_triangular, "LinalgSolveTriangularBackward0")
CHOLESKY_SOLVE = Operation("cholesky_solve", systems.cholesky_solve, "CholeskySolveBackward0")
CHOLESKY_INVERSE = Operation("cholesky_inverse", systems.cholesky_inverse, "CholeskyInverseBackward0")
LU_SOLVE = Operation("lu_solve", systems.lu_solve, "LinalgLuSolveBackward0")
DET = Operation("det", systems.det, "LinalgDetBackward0")
SLOGDET = Operation("slogdet", systems.slogdet, "LinalgSlogdetBackward0")
LOGDET = Operation("logdet", systems.logdet, "LogdetBackward0")
PINV = Operation("pinv", pseudoinverse.pinv, "LinalgPinvBackward0")
LSTSQ = Operation("lstsq", pseudoinverse.lstsq, "LinalgLstsqBackward0")


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its absolute value."""

    sign: Tensor
    logabsdet: Tensor


class LstsqResult(NamedTuple):
    """The solution, the sums of squared residuals (none unless the rank is full and there are more rows than columns),
    the rank and the singular values."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def _is_vector(name: str, a: Any, b: Any) -> bool:
    """Whether right-hand sides are vectors: of the array API one, of PyTorch also as many as there are matrices."""
    if b.ndim == 1:
        return True
    if b.ndim != a.ndim - 1 or tuple(b.shape) != tuple(a.shape[:-1]):
        return False
    if b.shape[-2] == a.shape[-2]:
        raise ShapeError(
            f"{name}: shapes {list(a.shape)} and {list(b.shape)} are a batch of vectors in PyTorch, and matrices in "
            "the array API",
            help="write b.unsqueeze(-1) for vectors, b.unsqueeze(0) for matrices",
        )
    return True


def solve(a: ArrayLike, b: ArrayLike, /, *, left: bool = True) -> Tensor:
    """The solution x of a x = b, or with ``left=False`` of x a = b.

    Shapes: (…, n, n) and (…, n, k) give (…, n, k), the leading axes broadcast together; a vector (n,), or a batch of
    them as of PyTorch, gives vectors. LinAlgError (TN802), when the result is read, for a singular matrix. ShapeError
    (TN802) where shapes do not agree, or are a batch of vectors to PyTorch and matrices to the array API; DTypeError
    (TN802) for other dtypes than float32, float64 and complex ones.

    >>> tn.linalg.solve(tn.tensor([[2.0, 0.0], [0.0, 4.0]]), tn.tensor([2.0, 8.0]))
    tensor([1., 2.])
    """
    a, b = value_of(a), value_of(b)
    given = flag("solve: left", left), _is_vector("solve", a, b)
    return apply(SOLVE, (a, b), parameters(("left", "vector"), *given))


def solve_triangular(
    a: ArrayLike, b: ArrayLike, /, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """The solution x of a x = b, or with ``left=False`` of x a = b, where of a only one triangle counts.

    With ``unitriangular`` its diagonal is 1. Shapes: (…, n, n) and (…, n, k), the leading axes broadcast together.
    LinAlgError (TN802), when the result is read, where the diagonal has a 0. ShapeError (TN802) where shapes do not
    agree, DTypeError (TN802) for other dtypes than float32, float64 and complex ones.

    >>> tn.linalg.solve_triangular(tn.tensor([[2.0, 0.0], [1.0, 4.0]]), tn.tensor([[2.0], [5.0]]), upper=False)
    tensor([[1.],
            [1.]])
    """
    names = ("upper", "left", "unitriangular")
    given = [flag(f"solve_triangular: {n}", x) for n, x in zip(names, (upper, left, unitriangular), strict=True)]
    return apply(TRIANGULAR, (value_of(a), value_of(b)), parameters(names, *given))


def cholesky_solve(b: ArrayLike, factor: ArrayLike, /, upper: bool = False) -> Tensor:
    """The solution x of a x = b, given the Cholesky factor of a: a lower one, or an ``upper`` one.

    Shapes: b is (…, n, k), the factor (…, n, n), the leading axes broadcast together. ShapeError, DTypeError (TN802)
    for others.

    >>> tn.cholesky_solve(tn.tensor([[8.0]]), tn.tensor([[2.0]]))
    tensor([[2.]])
    """
    given = parameters(("upper",), flag("cholesky_solve: upper", upper))
    return apply(CHOLESKY_SOLVE, (value_of(b), value_of(factor)), given)


def cholesky_inverse(factor: ArrayLike, /, upper: bool = False) -> Tensor:
    """The inverse of a matrix, given its Cholesky factor: a lower one, or an ``upper`` one.

    ShapeError, DTypeError (TN802) for what is no square matrix of float32, float64 or complex numbers.

    >>> tn.cholesky_inverse(tn.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    return apply_one(
        CHOLESKY_INVERSE, value_of(factor), parameters(("upper",), flag("cholesky_inverse: upper", upper))
    )


def lu_solve(
    LU: ArrayLike, pivots: ArrayLike, b: ArrayLike, /, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """The solution x of a x = b, given both factors of a as one matrix and the pivots, as ``lu_factor`` has them.

    With ``adjoint`` of aᴴ x = b, with ``left=False`` of x a = b. Shapes: (…, n, n), (…, n) and (…, n, k), the leading
    axes broadcast together. LinAlgError (TN802), when the result is read, where a is singular. ShapeError, DTypeError
    (TN802) where shapes and dtypes do not agree.

    >>> tn.linalg.lu_solve(*tn.linalg.lu_factor(tn.tensor([[0.0, 2.0], [1.0, 0.0]])), tn.tensor([[2.0], [3.0]]))
    tensor([[3.],
            [1.]])
    """
    given = flag("lu_solve: left", left), flag("lu_solve: adjoint", adjoint)
    b = value_of(b)
    if b.ndim < 2:
        raise ShapeError(f"lu_solve: a right-hand side of shape {list(b.shape)}, where matrices are wanted")
    return apply(LU_SOLVE, (value_of(LU), value_of(pivots), b), parameters(("left", "adjoint_of"), *given))


def inv(x: ArrayLike, /) -> Tensor:
    """The inverse of square matrices.

    LinAlgError (TN802), when the result is read, for a singular matrix. ShapeError, DTypeError (TN802) for what is no
    square matrix of float32, float64 or complex numbers. Also called ``tn.inverse``.

    >>> tn.linalg.inv(tn.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return apply_one(INV, value_of(x))


inverse = inv


def det(x: ArrayLike, /) -> Tensor:
    """The determinants of square matrices.

    LinAlgError (TN802) for the gradient at a singular matrix. Other errors as of ``inv``.

    >>> tn.linalg.det(tn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return apply_one(DET, value_of(x))


def slogdet(x: ArrayLike, /) -> SlogdetResult:
    """The sign of the determinant of square matrices, and the logarithm of its absolute value.

    Of a singular matrix they are 0 and −∞; LinAlgError (TN802) for its gradient. Other errors as of ``inv``.

    >>> tn.linalg.slogdet(tn.tensor([[2.0, 0.0], [0.0, -0.5]])).sign
    tensor(-1.)
    """
    return SlogdetResult(*apply_one(SLOGDET, value_of(x)))


def logdet(x: ArrayLike, /) -> Tensor:
    """The logarithm of the determinant of square matrices: −∞ where that is 0, NaN where it is negative.

    LinAlgError (TN802) for the gradient at a singular matrix. Other errors as of ``inv``.

    >>> tn.logdet(tn.tensor([[1.0, 0.0], [0.0, 1.0]]))
    tensor(0.)
    """
    return apply_one(LOGDET, value_of(x))


def tolerances(atol: Any, rtol: Any) -> tuple[tuple[Any, ...], str]:
    """The tolerances that are given, as values, and their names."""
    named = {"atol": atol, "rtol": rtol}
    given = {}
    for name, x in named.items():
        if x is not None:
            given[name] = tensor(x, dtype=float64) if isinstance(x, int | float) else value_of(x)
            if given[name]._aval.dtype.kind not in "iuf":
                raise DTypeError(f"{name} is a real number or a tensor of them, not {shown(x)}")
    return tuple(given.values()), " ".join(given)


def pinv(
    x: ArrayLike,
    /,
    *,
    atol: float | ArrayLike | None = None,
    rtol: float | ArrayLike | None = None,
    hermitian: bool = False,
) -> Tensor:
    """The Moore–Penrose inverse of matrices: (…, m, n) give (…, n, m).

    Singular values up to max(atol, rtol · the largest one) count as 0; rtol is by default the larger side times the
    precision, or 0 if atol is given. The gradient takes the rank to be constant. With ``hermitian`` only the lower
    triangle counts. Errors as of ``svd``.

    >>> tn.linalg.pinv(tn.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    given, names = tolerances(atol, rtol)
    asked = parameters(("given", "hermitian"), names, flag("pinv: hermitian", hermitian))
    return apply(PINV, (value_of(x), *given), asked)


def pinverse(x: ArrayLike, rcond: float = 1e-15) -> Tensor:
    """The Moore–Penrose inverse, as ``tn.linalg.pinv`` with ``rtol=rcond``.

    >>> tn.pinverse(tn.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    return pinv(x, rtol=rcond)


def lstsq(
    a: ArrayLike, b: ArrayLike, /, rcond: float | None = None, *, driver: str | None = None
) -> LstsqResult:
    """The least-squares solution of a x = b that has the least norm, the residuals, the rank and the singular values.

    Shapes: (…, m, n) and (…, m, k) give (…, n, k), the leading axes broadcast together; a vector (m,) gives a vector.
    Singular values up to rcond times the largest one count as 0; by default as in ``pinv``. ``driver`` is PyTorch's
    and has no effect. Gradients as of ``pinv``; errors as of ``svd``, and ShapeError (TN802) where shapes do not agree.

    >>> tn.linalg.lstsq(tn.tensor([[1.0], [1.0]]), tn.tensor([[1.0], [3.0]])).rank
    tensor(1)
    """
    if driver is not None and (not isinstance(driver, str) or driver not in ("gels", "gelsy", "gelsd", "gelss")):
        raise DTypeError(f"lstsq: driver is gels, gelsy, gelsd or gelss, not {shown(driver)}")
    a, b = value_of(a), value_of(b)
    given, names = tolerances(None, rcond)
    vector = _is_vector("lstsq", a, b)
    x, rank, s = apply(LSTSQ, (a, b, *given), parameters(("given", "vector"), names, vector))
    m, n = a.shape[-2:]
    rest = a @ x - b if not vector else (a @ x.unsqueeze(-1)).squeeze(-1) - b
    squares = rest.abs().square().sum(-1 if vector else -2)
    return LstsqResult(x, squares if m > n else squares.flatten()[:0], rank, s)


def tensorinv(x: ArrayLike, /, ind: int = 2) -> Tensor:
    """The inverse of a tensor as a map from its last axes to its first ``ind`` ones.

    ShapeError (TN802) where these have not as many elements as the others; LinAlgError (TN802) where it is singular.

    >>> tn.linalg.tensorinv(tn.eye(4).reshape(2, 2, 4), ind=2).shape
    (4, 2, 2)
    """
    x, k = value_of(x), int_of(ind, "tensorinv: ind")
    if not 0 < k < x.ndim:
        raise ShapeError(f"tensorinv: ind is a number of axes from 1 to {x.ndim - 1} of {x.ndim}, not {k}")
    first, last = tuple(x.shape[:k]), tuple(x.shape[k:])
    return at_users_line(inv(x.flatten(0, k - 1).flatten(1))).reshape(*last, *first)


def tensorsolve(a: ArrayLike, b: ArrayLike, /, dims: tuple[int, ...] | None = None) -> Tensor:
    """The solution x of tensordot(a, x, x.ndim) = b; the axes ``dims`` of a are moved to its end first.

    The elements of b count in their order, as in NumPy and PyTorch, whatever the axes before those of x are.

    ShapeError (TN802) where shapes do not agree; LinAlgError (TN802) where a is singular.

    >>> tn.linalg.tensorsolve(tn.eye(4).reshape(2, 2, 4), tn.ones(2, 2)).shape
    (4,)
    """
    a, b = value_of(a), value_of(b)
    if dims is not None:
        dims = ints_of(dims, "tensorsolve: dims")
        a = a.movedim(dims, tuple(range(-len(dims), 0)))
    shape = tuple(a.shape[b.ndim :])
    if math.prod(shape) != b.numel() or a.numel() != b.numel() ** 2:  # as in NumPy, b may have other axes than a
        raise ShapeError(f"tensorsolve: shapes {list(a.shape)} and {list(b.shape)} do not agree")
    square = a.reshape(b.numel(), b.numel())
    return at_users_line(solve(square, b.flatten())).reshape(shape)
