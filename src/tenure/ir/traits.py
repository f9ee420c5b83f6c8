"""Traits of primitives: what a pass may ask beside the rules, and what the values of operands must keep to.

A primitive can fail at the run in three ways, all declared here, so that the interpreter, the op-by-op path and
compiled code check the same: an index outside of its axis (``Within``), a whole number outside of a ``Limit``, and a
float outside of an ``Interval``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tenure.errors import OutOfRange
from tenure.ir.aval import Aval

FROM_THE_END = 0x6D0F_27BD_0000_0000
"""Taken from a negative index that does not count from the end, so that it lies outside. A message adds it again to the
2^48 numbers below its negative, and to no other: no round number, so that a user's own index is hardly among them."""


class Within(NamedTuple):
    """An operand of indices: each element lies in ``axis`` of the base, which has ``size``, or counts from its end."""

    operand: int
    axis: int
    size: int

    def check(self, np: Any, *xs: Any) -> None:
        """OutOfRange (TN801) for the first element that lies outside."""
        check_range(np, xs[self.operand], self.size, self.axis)


def check_range(np: Any, index: Any, size: int, axis: int) -> None:
    """OutOfRange (TN801) unless all indices lie in an axis."""
    bad = (index < -size) | (index >= size)
    if bad.any():
        where = tuple([int(k) for k in np.argwhere(bad)[0]])
        i = int(index[where])
        i = i + FROM_THE_END if -FROM_THE_END - 2**48 <= i < -FROM_THE_END else i
        raise OutOfRange(f"index {i} is out of range for axis {axis} of size {size}")


class Limit(NamedTuple):
    """A limit of an operand of whole numbers: that none is negative, or none 0. ``error`` says of a
    number what it breaks. Python's numbers are looked at where they are recorded, elements at the run. With
    ``computable`` a number that breaks it has a result all the same, so that the check may come after the run."""

    operand: int
    zero: bool
    error: Callable[[int], Exception]
    computable: bool = False

    def admits(self, number: int) -> bool:
        """Whether a number keeps to it."""
        return number >= 0 if self.zero else number != 0

    def concerns(self, kind: str) -> bool:
        """Whether numbers of a dtype of this kind can break it."""
        return kind == "i" or (kind == "u" and not self.zero)

    def window(self, bits: int) -> tuple[int, int]:
        """The least number and the count of those admitted, modulo 2^bits."""
        return (0, 2 ** (bits - 1)) if self.zero else (1, 2**bits - 1)

    def check(self, np: Any, *xs: Any) -> None:
        """Raise for the first element that does not keep to it, if anything is computed."""
        y = xs[self.operand]
        if not self.concerns(y.dtype.kind) or not all(x.size for x in xs):
            return
        bad = y < 0 if self.zero else y == 0
        if bad.any():
            raise self.error(int(y[bad].flat[0]))


class Interval(NamedTuple):
    """The floats from 0 on that an operand's elements are among: up to ``most``, 0 itself unless it is ``open``. No NaN
    is. ``error`` says of a number that it lies outside; the result of one is never read."""

    operand: int
    open: bool
    most: float
    error: Callable[[float], Exception]

    def admits(self, number: float) -> bool:
        """Whether a number is among them."""
        return (number > 0 if self.open else number >= 0) and number <= self.most

    def window(self, np: Any, dtype: Any) -> tuple[int, int]:
        """Of the bits of those admitted, as whole numbers, the least and the count; those of 0 are +0.0's."""
        bits = np.array(self.most, dtype).view(f"i{dtype.itemsize}")
        return int(self.open), int(bits) + 1 - self.open

    def check(self, np: Any, *xs: Any) -> None:
        """Raise for the first element that lies outside."""
        x = xs[self.operand]
        good = (x > 0 if self.open else x >= 0) & (x <= self.most)
        if not good.all():
            raise self.error(x[~good].flat[0].item())


def shaped(result: Any, /, **params: Any) -> dict[str, Any]:
    """The trait ``extents`` of what has the result's shape as a parameter of that name."""
    return {**params, "shape": result}


def always(x: Aval, ans: Aval) -> bool:
    """The trait ``preserves`` of what moves elements."""
    return True


@dataclass(frozen=True, slots=True)
class Traits:
    """The properties of a primitive that a pass may ask for.

    ``limit`` is what it asks of an operand of whole numbers, ``interval(**params)`` of one of floats,
    ``indices(*avals, **params)`` gives its operands of indices that only the run can check. ``preserves(x, ans)`` says
    whether every element of the result is one of the first operand's, as the same number; ``in_order`` that they are
    all of them, in the same order. ``number(**params)`` is the number that every element is; ``counts`` says that the
    elements are 0, 1, 2, …. ``extents(shape, **params)`` gives the parameters with the result's shape for what they
    hold of it, and None for sizes that no lowering reads: all others hold no size of an axis. ``draws`` says that
    elements are drawn at random: their derivatives are those of the quantile that they are, at a fixed probability.
    """

    limit: Limit | None = None
    interval: Callable[..., Interval] | None = None
    indices: Callable[..., Sequence[Within]] | None = None
    preserves: Callable[[Aval, Aval], bool] | None = None
    in_order: bool = False
    number: Callable[..., Any] | None = None
    counts: bool = False
    extents: Callable[..., Mapping[str, Any]] | None = None
    draws: bool = False

    def sized(self, shape: Any, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters for another shape of the result."""
        return params if self.extents is None else self.extents(shape, **params)

    @property
    def fails(self) -> bool:
        """Whether values of operands can make it fail."""
        return self.limit is not None or self.indices is not None or self.interval is not None

    def check(self, np: Any, *xs: Any, **params: Any) -> None:
        """Raise what only the values of operands can show."""
        if self.limit is not None:
            self.limit.check(np, *xs)
        if self.interval is not None:
            self.interval(**params).check(np, *xs)
        if self.indices is not None:
            for within in self.indices(*xs, **params):
                within.check(np, *xs)


NO_TRAITS = Traits()
MOVES = Traits(preserves=always)
