"""Incomplete gamma functions, which are distribution functions, and the gamma function of several dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure import dtypes
from tenure.errors import DTypeError, shown
from tenure.ops import gamma, implicit, move, pointwise, promote, reduce, rounding
from tenure.ops.declare import broadcast_shapes
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.angles import of_reals
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import int_of
from tenure.values.trace.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

# mypy: disable-error-code="empty-body"


def _incomplete(name: str, upper: bool) -> Operation:
    return of_reals(name, lambda a, x: implicit.gammainc(a, x, upper=upper), f"{name.title()}Backward0")


@recorded(binary(_incomplete("igamma", False), operator=False))
def gammainc(a: Operand, x: Operand) -> Tensor:
    """Elementwise regularized lower incomplete gamma function: the gamma distribution of concentration a up to x.

    NaN for a or x below 0. At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.special.gammainc(tn.tensor([1.0, 2.0]), tn.tensor([1.0, 1.0]))
    tensor([0.6321, 0.2642])
    """


@recorded(binary(_incomplete("igammac", True), operator=False))
def gammaincc(a: Operand, x: Operand) -> Tensor:
    """Elementwise regularized upper incomplete gamma function, 1 - gammainc, to its last digits where it is small too.

    NaN for a or x below 0. At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.special.gammaincc(tn.tensor([1.0, 2.0]), tn.tensor([1.0, 50.0]))
    tensor([3.6788e-01, 9.8366e-21])
    """


def _several(x: Any, *, p: int) -> Any:
    """Σ log Γ(x − k/2) for k < p, and p·(p − 1)/4 · log π; NaN from (p − 1)/2 down."""
    x = promote.floating(x)
    k = x.builder.emit(move.iota, (), {"length": p, "dtype": dtypes.float64})
    each = move.reshape(x, shape=(*x.shape, 1)) - promote.as_type(k * 0.5, x.dtype)
    total = reduce.reduce_sum(gamma.lgamma(each), axes=(x.ndim,)) + p * (p - 1) / 4 * math.log(math.pi)
    return pointwise.where(pointwise.greater(x, x.coerce((p - 1) / 2)), total, x.coerce(math.nan))


MOST_DIMENSIONS = 1 << 16
SEVERAL = Operation("mvlgamma", _several, "MvlgammaBackward0")


def multigammaln(x: ArrayLike, p: int) -> Tensor:
    """Elementwise logarithm of the gamma function of p dimensions, Σ lgamma(x - k/2) for k < p and p(p - 1)/4 · log π.

    NaN unless x is above (p - 1)/2. The shape is that of x; whole numbers become float32 first. DTypeError (TN802)
    unless p is an int from 1 to 65,536. Also called ``mvlgamma``.

    >>> tn.special.multigammaln(tn.tensor([1.0, 2.0]), 2)
    tensor([1.1447, 0.4516])
    """
    x, count = value_of(x), int_of(p, "multigammaln: p")
    if not 1 <= count <= MOST_DIMENSIONS:
        raise DTypeError(f"multigammaln: p is an int from 1 to {MOST_DIMENSIONS}, not {shown(p)}")
    return apply_one(SEVERAL, x, parameters(("p",), count))


TERMS = 10
"""Terms of the zeta function that are added up before the sum of Euler and Maclaurin takes over."""


def _positive(s: Any, a: Any) -> Any:
    """Of s > 1 and a > 0: Σ (a + k)⁻ˢ for k < 10, and what follows from w = a + 10 on, by Euler and Maclaurin."""
    k = s.builder.emit(move.iota, (), {"length": TERMS, "dtype": dtypes.float64})
    each, power = (move.reshape(v, shape=(*v.shape, 1)) for v in (a, s))
    total = reduce.reduce_sum(pointwise.power(each + k, -power), axes=(s.ndim,))
    w = a + TERMS
    rest, share = w / (s - 1) + 0.5, s / w
    for j, b in enumerate(gamma.BERNOULLI, 1):
        rest = rest + share * float(b / math.factorial(2 * j))
        share = share * ((s + (2 * j - 1)) / w) * ((s + 2 * j) / w)
    last = pointwise.power(w, -s)
    return pointwise.where(pointwise.equal(last, last.coerce(0)), total, total + last * rest)


def _zeta(x: Any, q: Any) -> Any:
    """In float64; for q < 0 and whole x the terms below 0 are the beginning of another sum, of the distances from 0."""
    dtype = x.dtype
    x, q = promote.as_type(x, dtypes.float64), promote.as_type(q, dtypes.float64)
    one, zero, above = x.coerce(1), q.coerce(0), pointwise.greater(x, x.coerce(1))
    below = pointwise.less(q, zero)
    pole = pointwise.logical_and(pointwise.less_equal(q, zero), _is_whole(q))
    inside = pointwise.logical_and(above, pointwise.logical_not(pole))
    inside = pointwise.logical_and(inside, pointwise.logical_or(pointwise.greater(q, zero), _is_whole(x)))
    s = pointwise.where(inside, x, x.coerce(2))
    turned = pointwise.logical_and(inside, below)
    first = pointwise.where(turned, q - pointwise.floor(q), q)
    found = _positive(s, pointwise.where(inside, first, one))
    left, rest = (pointwise.where(turned, v, one) for v in (rounding.ceil(q) - q, 1 - q))
    odd = pointwise.not_equal(s, 2 * pointwise.floor(s * 0.5))
    others = _positive(s, left) - _positive(s, rest)
    found = pointwise.where(turned, found + pointwise.where(odd, -others, others), found)
    pole = pointwise.logical_or(pointwise.logical_and(pole, above), pointwise.equal(x, one))
    outside = pointwise.where(pole, x.coerce(math.inf), x.coerce(math.nan))
    return promote.as_type(pointwise.where(inside, found, outside), dtype)


def _is_whole(x: Any) -> Any:
    return pointwise.equal(x, pointwise.floor(x))


def _both(x: Any, q: Any) -> Any:
    """Operands of one shape."""
    shape = broadcast_shapes([x.shape, q.shape], "zeta")
    return _zeta(*[v if v.shape == shape else move.broadcast_to(v, shape=shape) for v in (x, q)])


@recorded(binary(of_reals("zeta", _both, "SpecialZetaBackward0"), operator=False))
def zeta(x: Operand, q: Operand) -> Tensor:
    """Elementwise Hurwitz zeta function Σ (q + k)⁻ˣ over k ≥ 0; of q = 1 Riemann's.

    ∞ for x = 1, and for q = 0, -1, …; NaN for x below 1, and for all other q below 0 unless x is a whole number, as
    in PyTorch. At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.special.zeta(tn.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])
    """
