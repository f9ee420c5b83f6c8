"""What a declaration says of a primitive holds of its meaning: each property on the samples of every primitive, and on
primitives that lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tenure.ops  # noqa: F401  (fills the table)
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.errors import ShapeError
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE
from tenure.ops.declare import linear
from tenure.ops.index import add_along, take_along
from tenure.ops.lowering import Write
from tests.ops.declared import only_here
from tests.ops.programs import Array, Arrays, applied, aval_of, build, cut

MANY = 1 << 18
"""Elements enough for a kernel to be shared out over threads."""


def meaning(primitive: Primitive, arrays: Arrays, params: dict[str, Any]) -> Array:
    """What it means of some arrays, which stay as they are."""
    with np.errstate(all="ignore"):
        return np.asarray(primitive.ref(np, *[np.array(a) for a in arrays], **params))


# -- writes that meet a place more than once


def lengthened(primitive: Primitive, arrays: Arrays, params: dict[str, Any]) -> Iterator[dict[int, tuple[int, ...]]]:
    """Shapes of the indices and of the written value that the shape rule takes, with an axis of MANY elements."""
    avals = [aval_of(a) for a in arrays]
    base = primitive.aval(*avals, **params)
    indices = {w.operand for w in primitive.traits.indices(*avals, **params)}  # type: ignore[misc]
    value = primitive.lower.value
    for back in range(1, 1 + max(avals[o].ndim for o in indices)):
        long = max(avals[o].shape[-back] for o in indices if avals[o].ndim >= back)
        shapes = {o: list(avals[o].shape) for o in indices}
        for shape in shapes.values():
            if len(shape) >= back and shape[-back] == long:
                shape[-back] = MANY
        for axis in [k for k, n in enumerate(avals[value].shape) if n == long]:
            shapes[value] = list(avals[value].shape)
            shapes[value][axis] = MANY
            changed = [a.with_shape(tuple(shapes.get(k, list(a.shape)))) for k, a in enumerate(avals)]
            try:
                grown = primitive.aval(*changed, **params)
            except ShapeError:
                continue
            if grown == base and base.size:
                yield {o: tuple(shape) for o, shape in shapes.items()}


def often_the_same(primitive: Primitive) -> Iterator[tuple[Arrays, dict[str, Any]]]:
    """Operands of a write with many indices into few places."""
    rng = np.random.default_rng(5)
    for given, params in primitive.samples(rng, dtypes.int64):
        arrays = [np.asarray(a) for a in given]
        sizes = {w.operand: w.size for w in primitive.traits.indices(*map(aval_of, arrays), **params)}  # type: ignore[misc]
        for shapes in lengthened(primitive, arrays, params):
            yield (
                [rng.integers(0, sizes.get(k, 100), shapes[k]) if k in shapes else a for k, a in enumerate(arrays)],
                params,
            )


def keeps_duplicates(primitive: Primitive) -> None:
    """A write by many indices that are often the same gives what its meaning gives, wherever it writes."""
    seen, lower = 0, primitive.lower
    assert isinstance(lower, Write)
    for arrays, params in often_the_same(primitive):
        seen += 1
        wanted = meaning(primitive, arrays, params)
        ones = [np.ones_like(a) if k == lower.value else a for k, a in enumerate(arrays)]
        known = meaning(primitive, ones, params) == 1 if lower.blank else np.full(wanted.shape, True)
        b, xs = build(arrays)
        program = cut(b, xs, [applied(primitive, params)(b, *xs)])
        for run in (compiled, stepwise):
            found = run(program)([np.array(a) for a in arrays])[0]
            np.testing.assert_array_equal(found[known], wanted[known], strict=True)
    assert seen


REPEATED = [p for p in TABLE.values() if isinstance(p.lower, Write) and p.traits.indices is not None]


@pytest.mark.parametrize("primitive", REPEATED, ids=str)
def test_a_write_by_indices_keeps_duplicates(primitive: Primitive) -> None:
    keeps_duplicates(primitive)


def adding_in_any_order() -> Primitive:
    """``add_along`` that says of its indices that they never repeat."""
    return linear(
        "adding_in_any_order",
        batch=add_along.batch,
        lower=replace(add_along.lower, ordered=False),  # type: ignore[type-var]
        aval=add_along.aval,
        ref=add_along.ref,
        transpose=(lambda g, x, v, index: g, lambda g, x, v, index: take_along(g, index)),
        argnums=(0, 1),
        in_place=0,
        traits=add_along.traits,
        dtypes=add_along.dtypes,
        samples=add_along.samples,
    )


def test_a_write_that_is_wrong_about_its_order_is_found() -> None:
    with only_here(), pytest.raises(AssertionError):
        primitive = adding_in_any_order()
        for _ in range(20):  # it is found as soon as two threads meet
            keeps_duplicates(primitive)


def test_a_write_says_whether_it_is_ordered() -> None:
    with pytest.raises(TypeError, match="ordered"):
        Write(add_along.lower.place, value=1, base=0, combine="add")  # type: ignore[attr-defined, call-arg]
