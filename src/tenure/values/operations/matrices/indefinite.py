"""Factors of symmetric and Hermitian matrices that may be indefinite, and systems solved with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenure.ops.linear import indefinite
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

FACTOR = Operation("ldl_factor", indefinite.ldl_factor, "LinalgLdlFactorExBackward0")
SOLVE = Operation("ldl_solve", indefinite.ldl_solve, "LinalgLdlSolveBackward0")


class LDLFactorResult(NamedTuple):
    """L and D as one matrix, and the pivots (int32)."""

    LD: Tensor
    pivots: Tensor


class LDLFactorExResult(NamedTuple):
    """L and D as one matrix, the pivots, and 0 or the order of the first pivot that is 0 (int32) of each matrix."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


def ldl_factor(x: ArrayLike, /, *, hermitian: bool = False) -> LDLFactorResult:
    """L and D with x = L D Lᵀ of symmetric matrices, or L D Lᴴ of ``hermitian`` ones, that may be indefinite.

    Of x the lower triangle is read. Both lie in one matrix as LAPACK's sytrf has them: L with 1 on its diagonal, D in
    blocks of one, or of two where both pivots are negative. Shapes: (…, n, n) gives (…, n, n) and (…, n).
    LinAlgError (TN802), when the result is read, for a singular matrix. GradientError where x has a gradient: take
    ``tn.linalg.solve``. ShapeError, DTypeError (TN802) for other than square matrices of float32, float64 or complex
    numbers.

    >>> tn.linalg.ldl_factor(tn.tensor([[0.0, 2.0], [2.0, 0.0]])).pivots
    tensor([-2, -2], dtype=tenure.int32)
    """
    given = flag("ldl_factor: hermitian", hermitian), True
    return LDLFactorResult(*apply_one(FACTOR, value_of(x), parameters(("hermitian", "check"), *given))[:2])


def ldl_factor_ex(x: ArrayLike, /, *, hermitian: bool = False, check_errors: bool = False) -> LDLFactorExResult:
    """L and D of symmetric or Hermitian matrices, and what LAPACK reports instead of an error: 0, or which pivot is 0.

    With ``check_errors`` it is an error all the same. Otherwise as ``ldl_factor``.

    >>> tn.linalg.ldl_factor_ex(tn.zeros(2, 2)).info
    tensor(1, dtype=tenure.int32)
    """
    given = flag("ldl_factor_ex: hermitian", hermitian), flag("ldl_factor_ex: check_errors", check_errors)
    names = ("hermitian", "check", "name")
    return LDLFactorExResult(*apply_one(FACTOR, value_of(x), parameters(names, *given, "ldl_factor_ex")))


def ldl_solve(LD: ArrayLike, pivots: ArrayLike, b: ArrayLike, /, *, hermitian: bool = False) -> Tensor:
    """The solution x of a x = b, given both results of ``ldl_factor`` of a.

    Shapes: (…, n, n), (…, n) and (…, n, k) give (…, n, k), the leading axes of the first and the last broadcast
    together. LinAlgError (TN802), when the result is read, for pivots that are none. The gradient is that of b;
    GradientError where LD has one. ShapeError, DTypeError (TN802) for what does not fit together.

    >>> a = tn.tensor([[0.0, 2.0], [2.0, 0.0]])
    >>> tn.linalg.ldl_solve(*tn.linalg.ldl_factor(a), tn.tensor([[2.0], [4.0]]))
    tensor([[2.],
            [1.]])
    """
    given = parameters(("hermitian",), flag("ldl_solve: hermitian", hermitian))
    return apply(SOLVE, (value_of(LD), value_of(pivots), value_of(b)), given)
