"""Sums of products by labels of axes (Einstein's convention), in primitives.

ij,jk,k->i        is contracted two operands at a time, in the order that costs the fewest operations:
k,jk->j           a product of matrices: labels of both and of the result go along the batch, those of both alone
j,ij->i           are contracted
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from string import ascii_letters

import numpy as np

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError
from tenure.ir.program import Value
from tenure.ops import contract, move, pointwise, reduce, select
from tenure.ops.promote import common
from tenure.ops.rearrange import ordered, shaped

Term = tuple[Value, str]
"""An operand and the label of each of its axes."""
EXACT = 5
"""Number of operands up to which the cheapest order is found, not a good one."""


def einsum(*xs: Value, equation: str, name: str = "einsum") -> Value:
    """The sum of products that an equation without dots and with a result says."""
    inputs, _, output = equation.partition("->")
    labels = inputs.split(",")
    check_sizes(name, equation, [x.shape for x in xs], labels)
    if xs[0].dtype is dtypes.bool_ and all(x.dtype is dtypes.bool_ for x in xs):
        raise DTypeError(f"{name} is not defined for bool", help="cast to a number: x.long()")
    terms = list(zip(common(*xs), labels, strict=True))
    for positions in _path(equation, tuple([x.shape for x in xs])):
        taken = [terms[k] for k in positions]
        terms = [term for k, term in enumerate(terms) if k not in positions]
        kept = {*output, *"".join([own for _, own in terms])}
        found = alone(taken[0], kept.union(*[own for _, own in taken[1:]]))
        for k, other in enumerate(taken[1:], 2):
            later = kept.union(*[own for _, own in taken[k:]])
            found = together(found, alone(other, later | {*found[1]}), later)
        terms.append(found)
    x, own = alone(terms[0], {*output})
    return ordered(x, tuple([own.index(label) for label in output]))


def check_sizes(name: str, equation: str, shapes: Sequence[tuple[int, ...]], labels: Sequence[str]) -> None:
    """TN802 unless each operand has an axis for each of its labels, and the axes of a label one size, or size 1."""
    sizes: dict[str, int] = {}
    given = " and ".join([str(list(shape)) for shape in shapes])
    for shape, own in zip(shapes, labels, strict=True):
        if len(shape) != len(own):
            raise ShapeError(f"{name} ({equation}): a shape of {len(own)} axes ({own}) is wanted, not {list(shape)}")
        for label, n in zip(own, shape, strict=True):
            if sizes.setdefault(label, n) == 1:
                sizes[label] = n
            elif n not in (1, sizes[label]):
                raise ShapeError(f"{name} ({equation}): shapes {given}: {label} is {sizes[label]} and {n}")


@lru_cache(maxsize=1024)
def _path(equation: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """The operands that are contracted together, by their positions, one contraction after the other."""
    if len(shapes) < 3:
        return (tuple(range(len(shapes))),)
    used = sorted({*equation} - {*",->"})
    if len(used) > len(ascii_letters):
        raise ShapeError(f"einsum: {len(used)} labels: there are at most {len(ascii_letters)}")
    spelled = equation.translate({ord(label): ascii_letters[k] for k, label in enumerate(used)})
    like = [np.broadcast_to(np.float32(0), shape) for shape in shapes]
    found = np.einsum_path(spelled, *like, optimize="optimal" if len(shapes) <= EXACT else "greedy")[0]
    return tuple([tuple(sorted(positions)) for positions in found[1:]])


def alone(term: Term, kept: set[str]) -> Term:
    """An operand with one axis for each label that is kept: the diagonal of equal ones, the sum over the others."""
    x, own = term
    for label in sorted({label for label in own if own.count(label) > 1}):
        while own.count(label) > 1:
            first = own.index(label)
            second = own.index(label, first + 1)
            sizes = x.shape[first], x.shape[second]
            if sizes[0] == sizes[1]:
                x, own = select.diagonal(x, offset=0, first=first, second=second), _without(own, first, second) + label
            else:
                x, own = _dropped(x, own, first if sizes[0] == 1 else second)
    axes = tuple([k for k, label in enumerate(own) if label not in kept])
    return (reduce.reduce_sum(x, axes=axes), _without(own, *axes)) if axes else (x, own)


def _without(own: str, *axes: int) -> str:
    return "".join([label for k, label in enumerate(own) if k not in axes])


def _dropped(x: Value, own: str, axis: int) -> Term:
    """An operand without an axis of size 1."""
    return move.reshape(x, shape=(*x.shape[:axis], *x.shape[axis + 1 :])), _without(own, axis)


def together(left: Term, right: Term, kept: set[str]) -> Term:
    """The product of two operands, summed over the labels that are not kept."""
    for label in {*left[1]} & {*right[1]}:
        (x, a), (y, b) = left, right
        i, j = a.index(label), b.index(label)
        if x.shape[i] != y.shape[j]:
            left, right = (_dropped(x, a, i), right) if x.shape[i] == 1 else (left, _dropped(y, b, j))
    (x, a), (y, b) = alone(left, kept | {*right[1]}), alone(right, kept | {*left[1]})
    size = {label: n for own, v in ((a, x), (b, y)) for label, n in zip(own, v.shape, strict=True)}
    both = [label for label in a if label in b]
    batch, inner = [k for k in both if k in kept], [k for k in both if k not in kept]
    rows, columns = [k for k in a if k not in b], [k for k in b if k not in a]
    x = ordered(x, tuple([a.index(label) for label in (*batch, *rows, *inner)]))
    y = ordered(y, tuple([b.index(label) for label in (*batch, *inner, *columns)]))
    lead, m, n, k = (tuple([size[label] for label in labels]) for labels in (batch, rows, columns, inner))
    if inner:
        found = contract.product(shaped(x, (*lead, prod(m), prod(k))), shaped(y, (*lead, prod(k), prod(n))))
    else:
        found = pointwise.multiply(shaped(x, (*lead, *m, *[1] * len(n))), shaped(y, (*lead, *[1] * len(m), *n)))
    return shaped(found, (*lead, *m, *n)), "".join((*batch, *rows, *columns))
