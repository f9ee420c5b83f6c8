"""Orthogonal polynomials, by their recurrences: pₖ₊₁ = (a·x + b)·pₖ − c·pₖ₋₁."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure import dtypes
from tenure.errors import DTypeError
from tenure.ops import move, pointwise
from tenure.ops.declare import broadcast_shapes
from tenure.ops.promote import Operation, as_type, floating, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.boundary import array_of
from tenure.values.operations.indexing import is_int
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

MOST = 256
"""The largest degree."""


class Family(NamedTuple):
    """Polynomials: ``first`` is (a, b) of p₁, ``step`` (a, b, c) of pₖ₊₁, of x or, if ``shifted``, of 2x − 1."""

    first: tuple[float, float]
    step: Callable[[int], tuple[float, float, float]]
    shifted: bool = False

    def upto(self, x: Any, n: int) -> list[Any]:
        """The polynomials of degree 0 to n."""
        x = 2 * x - 1 if self.shifted else x
        found = [x.builder.full(x.shape, 1, x.dtype), _line(x, *self.first)]
        for k in range(1, n):
            a, b, c = self.step(k)
            found.append(_line(x, a, b) * found[k] - c * found[k - 1])
        return found[: n + 1]


def _line(x: Any, a: float, b: float) -> Any:
    x = x if a == 1 else a * x
    return x + b if b else x


def _chebyshev(a: float, b: float, shifted: bool = False) -> Family:
    return Family((a, b), lambda k: (2, 0, 1), shifted)


HERMITE = Family((2, 0), lambda k: (2, 0, 2 * k))
PROBABILISTS = Family((1, 0), lambda k: (1, 0, k))
LAGUERRE = Family((-1, 1), lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)))
LEGENDRE = Family((1, 0), lambda k: ((2 * k + 1) / (k + 1), 0, k / (k + 1)))

DOCUMENT = """Elementwise {what} of degree n at x; 0 for n below 0.

    n is an int up to 256, or a tensor of them, which is read and broadcasts with x; else DTypeError (TN802). Whole
    numbers become float32 first. The gradient is by x.

    >>> tn.special.{name}(tn.tensor([0.25, 1.0]), 3)
    tensor([{values}])
    """


def _family(name: str, family: Family, what: str, values: str) -> Callable[[ArrayLike, ArrayLike], Tensor]:
    """The public function of a family."""

    def one(x: Any, *, n: int) -> Any:
        x = floating(x)
        return family.upto(x, n)[n] if n >= 0 else x.builder.full(x.shape, 0, x.dtype)

    def several(x: Any, n: Any, *, most: int) -> Any:
        x, n = floating(x), as_type(n, dtypes.int64)
        shape = broadcast_shapes([x.shape, n.shape], name)
        x, n = (v if v.shape == shape else move.broadcast_to(v, shape=shape) for v in (x, n))
        total = x.builder.full(shape, 0, x.dtype)
        for k, p in enumerate(family.upto(x, most)):
            total = pointwise.where(pointwise.equal(n, n.coerce(k)), p, total)
        return total

    single, mixed = Operation(name, one), Operation(name, several)

    def polynomial(x: ArrayLike, n: ArrayLike) -> Tensor:
        value = value_of(x)
        if value.dtype.is_complex:
            raise DTypeError(f"{name} of {value.dtype.name}")
        if is_int(n):
            degree = int_of(n, f"{name}: n")
            _refuse(name, degree)
            return apply_one(single, value, parameters(("n",), max(degree, -1)))
        degrees = value_of(n)
        if degrees.dtype.kind not in "iuf":
            raise DTypeError(f"{name}: n of dtype {degrees.dtype.name}")
        array = array_of(degrees)
        most = int(array.max(initial=0)) if (array == array).all() and (array < 2**31).all() else MOST + 1
        _refuse(name, most)
        return apply(mixed, (value, degrees), parameters(("most",), most))

    polynomial.__name__ = polynomial.__qualname__ = name
    polynomial.__doc__ = DOCUMENT.format(name=name, what=what, values=values)
    return polynomial


def _refuse(name: str, degree: int) -> None:
    if degree > MOST:
        raise DTypeError(f"{name}: n is an int up to {MOST}, not {degree}")


KINDS = {"t": (1, 0, "first"), "u": (2, 0, "second"), "v": (2, -1, "third"), "w": (2, 1, "fourth")}


def _kind(letter: str, values: str, shifted: bool = False) -> Callable[[ArrayLike, ArrayLike], Tensor]:
    a, b, which = KINDS[letter]
    name = f"{'shifted_' * shifted}chebyshev_polynomial_{letter}"
    what = f"{'shifted ' * shifted}Chebyshev polynomial of the {which} kind"
    return _family(name, _chebyshev(a, b, shifted), what, values)


chebyshev_polynomial_t = _kind("t", "-0.6875,  1.0000")
chebyshev_polynomial_u = _kind("u", "-0.8750,  4.0000")
chebyshev_polynomial_v = _kind("v", "-0.1250,  1.0000")
chebyshev_polynomial_w = _kind("w", "-1.6250,  7.0000")
shifted_chebyshev_polynomial_t = _kind("t", "1., 1.", True)
shifted_chebyshev_polynomial_u = _kind("u", "1., 4.", True)
shifted_chebyshev_polynomial_v = _kind("v", "1., 1.", True)
shifted_chebyshev_polynomial_w = _kind("w", "1., 7.", True)
hermite_polynomial_h = _family("hermite_polynomial_h", HERMITE, "physicists' Hermite polynomial", "-2.8750, -4.0000")
hermite_polynomial_he = _family(
    "hermite_polynomial_he", PROBABILISTS, "probabilists' Hermite polynomial", "-0.7344, -2.0000"
)
laguerre_polynomial_l = _family("laguerre_polynomial_l", LAGUERRE, "Laguerre polynomial", " 0.3411, -0.6667")
legendre_polynomial_p = _family("legendre_polynomial_p", LEGENDRE, "Legendre polynomial", "-0.3359,  1.0000")
