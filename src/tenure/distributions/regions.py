"""Regions of numbers, vectors and matrices that constraints speak of.

``_met`` is written in what arrays and tensors share, so that a value that is known is checked at once, in NumPy, and
one that is pending when it is computed.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tenure.dtypes import as_dtype, finfo
from tenure.values.operations.matrices.decompositions import cholesky_ex, eigvalsh
from tenure.values.operations.reading import value_of
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike, Operand


class Constraint:
    """Base of constraints: ``check`` says of each event of a value whether it lies in a region.

    ``is_discrete`` says whether the region is of whole numbers, ``event_dim`` how many of the last axes are one event.
    """

    is_discrete: Any = False
    event_dim: Any = 0
    said = ""

    def check(self, value: ArrayLike) -> Tensor:
        """Whether each event of a value lies in the region: bools of the shape before the axes of an event."""
        return value_of(self._met(value_of(value)))

    def _met(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no check")

    @property
    def description(self) -> str:
        """The region in words, after "is to be"; without numbers that may differ from step to step."""
        return self.said or f"in {type(self).__name__.lstrip('_')}"

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


def bound(x: Any, beside: Any) -> Any:
    """A bound as an operand beside what is checked: its array beside an array, if it is known."""
    if isinstance(x, Tensor) and not isinstance(beside, Tensor):
        value = value_of(x)
        return value if not isinstance(value._data, np.ndarray) else value._data
    return x


class _Bounded(Constraint):
    """Numbers between bounds, each of which is a number or a tensor."""

    bounds: ClassVar[tuple[str, ...]] = ()
    words: ClassVar[tuple[str, ...]] = ()

    @property
    def description(self) -> str:
        """The bounds in words."""
        if self.said:
            return self.said
        kind = "a whole number " if self.is_discrete else ""
        parts = [f"{word} {_named(self, name)}" for word, name in zip(self.words, self.bounds, strict=True)]
        return kind + " and ".join(parts)

    def __repr__(self) -> str:
        said = [f"{name}={_number(getattr(self, name))}" for name in self.bounds]
        return f"{type(self).__name__}({', '.join(said)})"


def _number(x: Any) -> Any:
    """A bound that is one number, as a number of Python's."""
    return x.item() if getattr(x, "shape", None) == () else x


def _named(constraint: Constraint, name: str) -> str:
    """A bound by its number if it is a constant of the library, else by its name."""
    x = getattr(constraint, name)
    return f"{x:g}" if isinstance(x, int | float) and x in (0, 1) else name


class GreaterThan(_Bounded):
    """Numbers above a bound."""

    bounds, words = ("lower_bound",), ("greater than",)

    def __init__(self, lower_bound: Operand) -> None:
        self.lower_bound = lower_bound

    def _met(self, x: Any) -> Any:
        return x > bound(self.lower_bound, x)


class GreaterThanEq(_Bounded):
    """Numbers from a bound on."""

    bounds, words = ("lower_bound",), ("at least",)

    def __init__(self, lower_bound: Operand) -> None:
        self.lower_bound = lower_bound

    def _met(self, x: Any) -> Any:
        return x >= bound(self.lower_bound, x)


class LessThan(_Bounded):
    """Numbers below a bound."""

    bounds, words = ("upper_bound",), ("less than",)

    def __init__(self, upper_bound: Operand) -> None:
        self.upper_bound = upper_bound

    def _met(self, x: Any) -> Any:
        return x < bound(self.upper_bound, x)


class Interval(_Bounded):
    """Numbers between two bounds, both included."""

    bounds, words = ("lower_bound", "upper_bound"), ("at least", "at most")

    def __init__(self, lower_bound: Operand, upper_bound: Operand) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def _met(self, x: Any) -> Any:
        return (x >= bound(self.lower_bound, x)) & (x <= bound(self.upper_bound, x))


class HalfOpenInterval(Interval):
    """Numbers between two bounds, the lower one included."""

    words = ("at least", "less than")

    def _met(self, x: Any) -> Any:
        return (x >= bound(self.lower_bound, x)) & (x < bound(self.upper_bound, x))


def whole(x: Any) -> Any:
    """Whether numbers are whole."""
    return x % 1 == 0


class IntegerInterval(Interval):
    """Whole numbers between two bounds, both included."""

    is_discrete = True

    def _met(self, x: Any) -> Any:
        return whole(x) & super()._met(x)


class IntegerLessThan(_Bounded):
    """Whole numbers up to a bound, which is included."""

    is_discrete = True
    bounds, words = ("upper_bound",), ("at most",)

    def __init__(self, upper_bound: Operand) -> None:
        self.upper_bound = upper_bound

    def _met(self, x: Any) -> Any:
        return whole(x) & (x <= bound(self.upper_bound, x))


class IntegerGreaterThan(GreaterThanEq):
    """Whole numbers from a bound on."""

    is_discrete = True

    def _met(self, x: Any) -> Any:
        return whole(x) & super()._met(x)


def rounding(x: Any) -> float:
    """The distance of 1 from the next number of a dtype; 0 of whole numbers."""
    dtype = as_dtype(x.dtype)
    return float(finfo(dtype).eps) if dtype.is_floating else 0.0


class Real(Constraint):
    """Any number, which NaN is not."""

    said = "a number"

    def _met(self, x: Any) -> Any:
        return x == x


class Boolean(Constraint):
    """The numbers 0 and 1."""

    is_discrete = True
    said = "0 or 1"

    def _met(self, x: Any) -> Any:
        return (x == 0) | (x == 1)


class OneHot(Constraint):
    """Vectors of zeros and a single 1."""

    is_discrete, event_dim = True, 1
    said = "0 everywhere along the last axis but for a single 1"

    def _met(self, x: Any) -> Any:
        return ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1)


class Simplex(Constraint):
    """Vectors of shares: not negative, of the sum 1 to 10⁻⁶, or to the rounding of so many floats."""

    event_dim = 1
    said = "not negative, of the sum 1 along the last axis"

    def _met(self, x: Any) -> Any:
        close = max(1e-6, 4 * rounding(x) * sqrt(x.shape[-1]))
        return (x >= 0).all(-1) & (abs(x.sum(-1) - 1) < close)


class Multinomial(Constraint):
    """Vectors of counts, not negative, whose sum is at most a bound."""

    is_discrete, event_dim = True, 1
    said = "counts along the last axis, not more than trials"

    def __init__(self, upper_bound: Operand) -> None:
        self.upper_bound = upper_bound

    def _met(self, x: Any) -> Any:
        return (x >= 0).all(-1) & (x.sum(-1) <= bound(self.upper_bound, x))


class LowerTriangular(Constraint):
    """Matrices with zeros above the diagonal."""

    event_dim = 2
    said = "a lower triangular matrix"

    def _met(self, x: Any) -> Any:
        lower = np.tri(*x.shape[-2:]) > 0
        return (((x == 0) | lower) & (x == x)).all(-1).all(-1)


class LowerCholesky(LowerTriangular):
    """Lower triangular matrices with a positive diagonal."""

    said = "a lower triangular matrix with a positive diagonal"

    def _met(self, x: Any) -> Any:
        return super()._met(x) & (x.diagonal(0, -2, -1) > 0).all(-1)


class CorrCholesky(LowerCholesky):
    """Cholesky factors of correlation matrices: lower triangular, rows of length 1, a positive diagonal."""

    said = "a lower triangular matrix with a positive diagonal and rows of length 1"

    def _met(self, x: Any) -> Any:
        close = rounding(x) * x.shape[-1] * 10
        length = ((x * x).sum(-1)) ** 0.5
        return super()._met(x) & (abs(length - 1) <= close).all(-1)


class Square(Constraint):
    """Square matrices."""

    event_dim = 2
    said = "a square matrix"

    def _met(self, x: Any) -> Any:
        return np.full(x.shape[:-2], x.shape[-2] == x.shape[-1])


class Symmetric(Square):
    """Symmetric square matrices, to 10⁻⁶ or the rounding of the elements."""

    said = "a symmetric matrix"

    def _met(self, x: Any) -> Any:
        if x.shape[-2] != x.shape[-1]:
            return super()._met(x)
        other = x.swapaxes(-2, -1)
        return (abs(x - other) <= 1e-6 + 1e-5 * abs(other)).all(-1).all(-1)


class PositiveSemidefinite(Symmetric):
    """Symmetric matrices without negative eigenvalues."""

    said = "a positive semidefinite matrix"

    def _met(self, x: Any) -> Any:
        if x.shape[-2] != x.shape[-1]:
            return super()._met(x)
        values = eigvalsh(x) if isinstance(x, Tensor) else np.linalg.eigvalsh(x)
        return super()._met(x) & (values >= 0).all(-1)


class PositiveDefinite(Symmetric):
    """Symmetric matrices of positive eigenvalues."""

    said = "a positive definite matrix"

    def _met(self, x: Any) -> Any:
        if x.shape[-2] != x.shape[-1]:
            return super()._met(x)
        if isinstance(x, Tensor):
            return super()._met(x) & (cholesky_ex(x).info == 0)
        return super()._met(x) & (np.linalg.eigvalsh(x) > 0).all(-1)
