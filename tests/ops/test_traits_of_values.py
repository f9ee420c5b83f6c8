"""What the traits say of the values and parameters of a primitive is so in what its ``ref`` gives: for every primitive,
on its samples. A primitive that says otherwise fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import DType, float64
from tenure.errors import ShapeError
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE
from tenure.ir.traits import MOVES, NO_TRAITS, Traits, always, shaped
from tenure.ops.advanced import gather
from tenure.ops.index import getitem
from tenure.ops.move import broadcast_to, flip, full, iota, reshape
from tenure.ops.pointwise import cast, negative
from tests.ops.declared import like, only_here
from tests.ops.programs import Array, Arrays, aval_of
from tests.traits import sampled

Sample = tuple[Primitive, Arrays, dict[str, Any], Array]


def samples(of: Primitive, dtype: DType) -> Iterator[Sample]:
    """Operands and parameters, and what the meaning gives."""
    for given, params in of.samples(np.random.default_rng(9), dtype):
        arrays = [np.asarray(a) for a in given]
        with np.errstate(all="ignore"):
            yield of, arrays, params, np.asarray(of.ref(np, *[np.array(a) for a in arrays], **params))


def preserves(of: Primitive, arrays: Arrays, params: dict[str, Any], found: Array) -> None:
    """Every element is one of the first operand's, as the same number."""
    claim = of.traits.preserves
    if claim is not None and claim(aval_of(arrays[0]), aval_of(found)):
        assert {*found.reshape(-1).tolist()} <= {*arrays[0].reshape(-1).tolist()}


def in_order(of: Primitive, arrays: Arrays, params: dict[str, Any], found: Array) -> None:
    """They are all of them, in the same order."""
    if of.traits.in_order:
        assert found.reshape(-1).tolist() == arrays[0].reshape(-1).tolist()


def number(of: Primitive, arrays: Arrays, params: dict[str, Any], found: Array) -> None:
    """Every element is the number, in the result's dtype."""
    if of.traits.number is not None:
        assert (found == np.asarray(of.traits.number(**params)).astype(found.dtype)).all()


def counts(of: Primitive, arrays: Arrays, params: dict[str, Any], found: Array) -> None:
    """The elements are 0, 1, 2, …"""
    if of.traits.counts:
        assert found.tolist() == [*range(found.size)]


def extents(of: Primitive, arrays: Arrays, params: dict[str, Any], found: Array) -> None:
    """For the shape that the result has the parameters are what they are, but for sizes left out; for another, the
    result has that one, if the shape rule takes it."""
    sizes = {n for a in (*arrays, found) for n in a.shape}
    sized = of.traits.sized(found.shape, params)
    assert sized.keys() == params.keys()
    assert all(is_same(sized[name], params[name], sizes) for name in params)
    other = tuple([n + 1 for n in found.shape])
    changed = of.traits.sized(other, params)
    if changed != sized:
        try:
            shape = of.aval(*map(aval_of, arrays), **changed).shape
        except ShapeError:
            return
        assert shape == other


def is_same(sized: Any, param: Any, sizes: set[int]) -> bool:
    """Whether a parameter is as it was, or a size of an axis left out."""
    if isinstance(param, tuple) and isinstance(sized, tuple) and len(sized) == len(param):
        return all(is_same(one, same, sizes) for one, same in zip(sized, param, strict=True))
    return bool(sized == param) or (sized is None and type(param) is int and param in sizes)


HOLDS: tuple[Callable[..., None], ...] = (preserves, in_order, number, counts, extents)
CLAIMED = [(p, d) for p in TABLE.values() for d in sampled(p) if p.traits != NO_TRAITS]


@pytest.mark.parametrize(("of", "dtype"), CLAIMED, ids=[f"{p}-{d.name}" for p, d in CLAIMED])
def test_what_is_said_of_a_primitive_is_so(of: Primitive, dtype: DType) -> None:
    for sample in samples(of, dtype):
        for holds in HOLDS:
            holds(*sample)


@pytest.mark.parametrize("holds", HOLDS, ids=lambda f: f.__name__)
def test_some_primitive_says_it(holds: Callable[..., None]) -> None:
    silent = Traits()
    assert any(getattr(p.traits, holds.__name__) != getattr(silent, holds.__name__) for p in TABLE.values())


LIES: list[tuple[Callable[..., None], Primitive, Traits]] = [
    (preserves, negative, MOVES),
    (preserves, cast, MOVES),
    (in_order, flip, Traits(preserves=always, in_order=True)),
    (in_order, broadcast_to, Traits(preserves=always, in_order=True, extents=shaped)),
    (in_order, getitem, Traits(preserves=always, in_order=True)),
    (number, full, Traits(number=lambda *, shape, value, dtype: value + 1, extents=shaped)),
    (number, iota, Traits(number=lambda *, length, dtype: 0)),
    (counts, flip, Traits(counts=True)),
    (counts, full, Traits(counts=True, extents=shaped)),
    (extents, full, Traits(extents=lambda given, **params: {**params, "shape": (2, 3)})),
    (extents, full, Traits(extents=lambda given, **params: {**params, "shape": given, "value": None})),
    (extents, full, Traits(extents=lambda given, **params: {**params, "shape": given, "value": 7})),
    (extents, full, Traits(extents=lambda given, *, dtype, value, **params: {"shape": given, "value": value})),
    (extents, reshape, Traits(extents=lambda given, *, shape: {"shape": given[::-1]})),
    (extents, iota, Traits(extents=lambda shape, *, length, dtype: {"length": shape, "dtype": dtype})),
    (extents, gather, Traits(extents=lambda shape, **params: {**params, "at": 0})),
]


@pytest.mark.parametrize(("holds", "known", "traits"), LIES, ids=[f"{h.__name__}-{p}" for h, p, _ in LIES])
def test_a_primitive_that_says_otherwise_fails(holds: Callable[..., None], known: Primitive, traits: Traits) -> None:
    with only_here():
        lying = like(known, "lying", traits=traits)
        with pytest.raises(AssertionError):
            for sample in samples(lying, float64):
                holds(*sample)
