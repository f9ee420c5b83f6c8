"""Results with what LAPACK reports in place of an error, and the factors of ``lu_factor`` one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenure.ops.linear import systems
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.matrices.systems import _is_vector
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

INV_EX = Operation("inv_ex", systems.inverse, "LinalgInvExBackward0")
SOLVE_EX = Operation("solve_ex", systems.solve, "LinalgSolveExBackward0")
LU_FACTOR_EX = Operation("lu_factor_ex", systems.lu_factor, "LinalgLuFactorExBackward0")
LU_UNPACK = Operation("lu_unpack", systems.lu_unpack, "LuUnpackBackward0")


class InvExResult(NamedTuple):
    """The inverse, and for each matrix 0 or the order of the first pivot that is 0 (int32)."""

    inverse: Tensor
    info: Tensor


class SolveExResult(NamedTuple):
    """The solution, and for each matrix 0 or the order of the first pivot that is 0 (int32)."""

    result: Tensor
    info: Tensor


class LUFactorExResult(NamedTuple):
    """Both factors as one matrix, the pivots, and 0 or the order of the first pivot that is 0 (int32) of each."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class LUUnpackResult(NamedTuple):
    """The permutation P, and the factors L and U."""

    P: Tensor
    L: Tensor
    U: Tensor


def inv_ex(x: ArrayLike, /, *, check_errors: bool = False) -> InvExResult:
    """The inverse, and what LAPACK reports instead of an error: 0, or which pivot is 0.

    With ``check_errors`` it is an error all the same. The inverse of a matrix with a report has no meaning. Shapes
    (…, n, n) and (…). Errors otherwise as of ``inv``.

    >>> tn.linalg.inv_ex(tn.tensor([[1.0, 2.0], [2.0, 4.0]])).info
    tensor(2, dtype=tenure.int32)
    """
    given = flag("inv_ex: check_errors", check_errors), "inv_ex"
    return InvExResult(*apply_one(INV_EX, value_of(x), parameters(("check", "name"), *given)))


def solve_ex(a: ArrayLike, b: ArrayLike, /, *, left: bool = True, check_errors: bool = False) -> SolveExResult:
    """The solution of a system, and what LAPACK reports instead of an error: 0, or which pivot is 0.

    With ``check_errors`` it is an error all the same. The solution by a matrix with a report has no meaning. Shapes and
    errors otherwise as of ``solve``.

    >>> tn.linalg.solve_ex(tn.tensor([[1.0, 2.0], [2.0, 4.0]]), tn.tensor([1.0, 1.0])).info
    tensor(2, dtype=tenure.int32)
    """
    a, b = value_of(a), value_of(b)
    given = flag("solve_ex: left", left), _is_vector("solve_ex", a, b), flag("solve_ex: check_errors", check_errors)
    return SolveExResult(*apply(SOLVE_EX, (a, b), parameters(("left", "vector", "check"), *given)))


def lu_factor_ex(x: ArrayLike, /, *, check_errors: bool = False) -> LUFactorExResult:
    """L and U as one matrix, the pivots, and what LAPACK reports instead of an error: 0, or which pivot is 0.

    With ``check_errors`` it is an error all the same. Shapes (…, m, n), (…, k) and (…), k the smaller side. Errors
    otherwise as of ``lu_factor``.

    >>> tn.linalg.lu_factor_ex(tn.tensor([[1.0, 2.0], [2.0, 4.0]])).info
    tensor(2, dtype=tenure.int32)
    """
    given = "lu_factor_ex", flag("lu_factor_ex: check_errors", check_errors)
    return LUFactorExResult(*apply_one(LU_FACTOR_EX, value_of(x), parameters(("name", "check"), *given)))


def lu_unpack(
    LU: ArrayLike, pivots: ArrayLike, unpack_data: bool = True, unpack_pivots: bool = True
) -> LUUnpackResult:
    """P, L and U with x = P L U, of both factors as one matrix and the pivots, as ``lu_factor`` has them.

    Shapes: (…, m, n) and (…, k), k the smaller side, give (…, m, m), (…, m, k) and (…, k, n). What is not unpacked is
    empty. ShapeError, DTypeError (TN802) where factors and pivots (int32) do not fit together.

    >>> tn.lu_unpack(*tn.linalg.lu_factor(tn.tensor([[0.0, 2.0], [1.0, 3.0]]))).U
    tensor([[1., 3.],
            [0., 2.]])
    """
    p, l_, u = apply(LU_UNPACK, (value_of(LU), value_of(pivots)), parameters(()))
    if not flag("lu_unpack: unpack_data", unpack_data):
        l_, u = l_.flatten()[:0], u.flatten()[:0]
    return LUUnpackResult(p if flag("lu_unpack: unpack_pivots", unpack_pivots) else p.flatten()[:0], l_, u)
