"""Householder reflections: those of a QR decomposition, their product, and its product with a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenure.ops.linear import reflections
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

GEQRF = Operation("geqrf", reflections.geqrf, "GeqrfBackward0")
ORMQR = Operation("ormqr", reflections.ormqr, "OrmqrBackward0")
HOUSEHOLDER = Operation("householder_product", reflections.householder, "LinalgHouseholderProductBackward0")


class GeqrfResult(NamedTuple):
    """R with the vectors of the reflections below its diagonal, and their factors."""

    a: Tensor
    tau: Tensor


def geqrf(x: ArrayLike, /) -> GeqrfResult:
    """The QR decomposition as reflections: R, the vectors of the reflections below its diagonal, and their factors.

    Shapes: (…, m, n) gives (…, m, n) and (…, k), k the smaller side. ``householder_product`` and ``ormqr`` take them.
    GradientError where x has a gradient: take ``tn.linalg.qr``. Other errors as of ``qr``.

    >>> tn.geqrf(tn.tensor([[3.0], [4.0]])).a
    tensor([[-5.0000],
            [ 0.5000]])
    """
    return GeqrfResult(*apply_one(GEQRF, value_of(x)))


def householder_product(x: ArrayLike, tau: ArrayLike, /) -> Tensor:
    """The first columns of a product of Householder reflections, as LAPACK's orgqr.

    Shapes: (…, m, n) with m ≥ n and (…, k) with k ≤ n give (…, m, n). Reflection i is I − tauᵢ v vᴴ, of v the elements
    below the diagonal of column i, and 1 on it. ShapeError, DTypeError (TN802) for others. Also called ``tn.orgqr``.

    >>> tn.linalg.householder_product(tn.tensor([[0.0], [0.0]]), tn.tensor([2.0]))
    tensor([[-1.],
            [ 0.]])
    """
    return apply(HOUSEHOLDER, (value_of(x), value_of(tau)))


orgqr = householder_product


def ormqr(
    x: ArrayLike, tau: ArrayLike, other: ArrayLike, /, left: bool = True, transpose: bool = False
) -> Tensor:
    """The product of a matrix with the square Q of reflections: Q C, or C Q without ``left``, as LAPACK's ormqr.

    With ``transpose`` Qᴴ in place of Q, which is never made. Shapes: x (…, m, n), tau (…, k) with k up to the smaller
    side, other (…, m, p), or without ``left`` (…, p, m). ShapeError, DTypeError (TN802) for others.

    >>> tn.ormqr(*tn.geqrf(tn.tensor([[3.0], [4.0]])), tn.tensor([[3.0], [4.0]]), transpose=True).abs()
    tensor([[5.],
            [0.]])
    """
    given = flag("ormqr: left", left), flag("ormqr: transpose", transpose)
    xs = value_of(x), value_of(tau), value_of(other)
    return apply(ORMQR, xs, parameters(("left", "transpose"), *given))
