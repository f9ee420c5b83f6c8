"""Symbolic indices: sums of loop variables, constants, and numbers known only at the run.

    x[2:, ::-1] seen from a loop over (i, j)   is the index   (i + 2,  −j + n − 1)

Fusing follows an index through movement operations back to the buffer that is read, where the address is again
such a sum. What is no such sum (a reshape that splits an axis that was merged with another) is refused with
``Unseen``: that value is then stored before it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from tenure.errors import following


class Unseen(Exception):
    """An index cannot be followed through this value; ``value`` is to be stored."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value


@dataclass(frozen=True, slots=True)
class Read:
    """The element of a value at an index, as part of another index; ``wrap`` is added where it is negative."""

    value: int
    index: tuple[Any, ...]
    wrap: int = 0


@dataclass(frozen=True, slots=True)
class Affine:
    """Σ coefficient · loop variable + constant + Σ coefficient · Read."""

    terms: tuple[tuple[int, int], ...] = ()
    constant: int = 0
    reads: tuple[tuple[Read, int], ...] = ()

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.constant + other, self.reads)
        terms = dict(self.terms)
        for axis, c in other.terms:
            terms[axis] = terms.get(axis, 0) + c
        kept = tuple(sorted((a, c) for a, c in terms.items() if c))
        return Affine(kept, self.constant + other.constant, self.reads + other.reads)

    def __mul__(self, factor: int) -> Affine:
        if factor == 0:
            return ZERO
        terms = tuple([(a, c * factor) for a, c in self.terms])
        return Affine(terms, self.constant * factor, tuple([(r, c * factor) for r, c in self.reads]))

    def coefficient(self, axis: int) -> int:
        """The coefficient of a loop variable."""
        return next((c for a, c in self.terms if a == axis), 0)


ZERO = Affine()
Index = tuple[Affine, ...]


def loop(axis: int) -> Affine:
    """A loop variable."""
    return Affine(((axis, 1),))


def strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Elements between neighbours along each axis of a contiguous array."""
    return tuple([prod(shape[k + 1 :]) for k in range(len(shape))])


def address(index: Index, shape: tuple[int, ...]) -> Affine:
    """The position in a contiguous array."""
    total = ZERO
    for i, stride, n in zip(index, strides(shape), shape, strict=True):
        if n != 1 or i.reads or i.constant:
            total = total + i * stride
    return total


def reshaped(index: Index, old: tuple[int, ...], new: tuple[int, ...]) -> Index | None:
    """An index of an array of shape ``old`` as one of the same elements in shape ``new``; None if it is no sum.

    Axes are matched in the smallest groups with equal products; within a group several axes merge into one, and
    an axis that merged before splits again where its parts fit.
    """
    if 0 in old:
        return (ZERO,) * len(new)
    out: list[Affine] = []
    i = j = 0
    while i < len(old) or j < len(new):
        a, b = [i] if i < len(old) else [], [j] if j < len(new) else []
        i, j = i + len(a), j + len(b)
        while prod(old[k] for k in a) != prod(new[k] for k in b):
            if prod(old[k] for k in a) < prod(new[k] for k in b):
                a.append(i)
                i += 1
            else:
                b.append(j)
                j += 1
        group = _regroup([index[k] for k in a], [old[k] for k in a], [new[k] for k in b])
        if group is None:
            return None
        out += group
    return tuple(out)


def _regroup(index: list[Affine], old: list[int], new: list[int]) -> list[Affine] | None:
    live = [(i, n) for i, n in zip(index, old, strict=True) if n != 1]
    sizes = [n for n in new if n != 1]
    if [n for _, n in live] == sizes:
        rest = iter([i for i, _ in live])
        return [following(rest) if n != 1 else ZERO for n in new]
    if len(sizes) > 1:
        return None
    merged = address(tuple([i for i, _ in live]), tuple([n for _, n in live]))
    return [merged if n != 1 else ZERO for n in new]
