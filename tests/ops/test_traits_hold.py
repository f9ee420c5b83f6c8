"""What a declaration says of a primitive holds of its meaning: each property on the samples of every primitive, and on
primitives that lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tenure.ops  # noqa: F401  (fills the table)
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.fuse import fuse
from tenure.compile.index import Affine
from tenure.compile.plan import identity
from tenure.compile.stepwise import stepwise
from tenure.compile.stored import Follower
from tenure.compile.verify import verify_form
from tenure.errors import InternalError, ShapeError
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import TABLE
from tenure.ir.traits import Traits, Within, always
from tenure.ops.batching import spreading
from tenure.ops.declare import REALS, linear, primitive
from tenure.ops.index import add_along, take_along
from tenure.ops.lowering import Element, Write
from tests.ops import test_traits
from tests.ops.declared import only_here
from tests.ops.programs import Array, Arrays, accepts, applied, aval_of, build, cut

MANY = 1 << 18
"""Elements enough for a kernel to be shared out over threads."""


def meaning(primitive: Primitive, arrays: Arrays, params: dict[str, Any]) -> Array:
    """What it means of some arrays, which stay as they are."""
    with np.errstate(all="ignore"):
        return np.asarray(primitive.ref(np, *[np.array(a) for a in arrays], **params))


# -- indices


def names_its_axes(primitive: Primitive) -> None:
    """Indices are declared with the size at which NumPy refuses them, which is that of the axis declared."""
    seen, lower = 0, primitive.lower
    for given, params in primitive.samples(np.random.default_rng(2), dtypes.int64):
        arrays = [np.asarray(a) for a in given]
        declared = primitive.traits.indices(*map(aval_of, arrays), **params)  # type: ignore[misc]
        base = lower.base if isinstance(lower, Write) else 0
        for operand, axis, size in declared:
            if base not in {w.operand for w in declared}:
                whole = meaning(primitive, arrays, params) if base is None else arrays[base]
                assert whole.shape[axis] == size
            if not arrays[operand].size:
                continue
            seen += 1
            numbers = (-size - 1, -size, 0, -1, size - 1, size)
            found = {k: accepts(primitive, arrays, params, operand, k) for k in numbers}
            assert found[size] is None and found[-size - 1] is None
            for one, same in ((-size, 0), (size - 1, -1)):
                assert found[one] is not None
                np.testing.assert_array_equal(found[one], found[same])
    assert seen


INDEXED = [p for p in TABLE.values() if p.traits.indices is not None]


@pytest.mark.parametrize("primitive", INDEXED, ids=str)
def test_indices_lie_in_the_axis_declared(primitive: Primitive) -> None:
    names_its_axes(primitive)


WRONG = {
    "a size": Within(1, 0, 100),
    "a smaller size": Within(1, 0, 2),
    "an axis": Within(1, 1, 2),
    "an axis with the size of the right one": Within(1, 1, 3),
    "another operand": Within(0, 0, 3),
}


def takes_rows(declared: Within) -> Primitive:
    """Rows of an array by an index array, whose indices are declared so."""

    def samples(rng: Any, dtype: Any) -> Any:
        yield (REALS(rng, (3, 2), dtype), rng.integers(-3, 3, 4)), {}

    return linear(
        "takes_rows",
        batch=spreading,
        lower=Element(lambda e, index, x, i: e.at(x, (e.read(i, index[:1], e.shape(x)[0]), *index[1:]))),
        aval=lambda x, i: x.with_shape((*i.shape, *x.shape[1:])),
        ref=lambda np, x, i: x[i],
        transpose=(lambda g, x, i: None,),
        traits=Traits(indices=lambda x, i: [declared], preserves=always),
        dtypes="iuf",
        samples=samples,
    )


def test_indices_of_an_axis_declared_rightly_pass() -> None:
    with only_here():
        primitive = takes_rows(Within(1, 0, 3))
        names_its_axes(primitive)
        test_traits.test_what_breaks_a_trait_raises_the_same_however_it_runs(primitive, dtypes.float32)


@pytest.mark.parametrize("declared", WRONG.values(), ids=WRONG)
def test_indices_of_an_axis_declared_wrongly_are_found(declared: Within) -> None:
    with only_here():
        primitive = takes_rows(declared)
        with pytest.raises(AssertionError):
            names_its_axes(primitive)
        x, i = np.zeros((3, 2)), np.zeros(4, np.int64)
        b, xs = build([x, i])
        with pytest.raises(InternalError, match="takes_rows (takes|reads by) %1"):
            verify_form(fuse(cut(b, xs, [primitive(*xs)])))


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


def position(i: Affine, at: tuple[int, ...], arrays: Arrays) -> int:
    """A symbolic index at a turn of its loops, the values that are read being these arrays."""
    total = i.constant + sum(c * at[axis] for axis, c in i.terms)
    for read, c in i.reads:
        number = int(arrays[read.value][tuple([position(k, at, arrays) for k in read.index])])
        total += c * (number + read.wrap if number < 0 else number)
    return total


def meets_no_place_twice(primitive: Primitive) -> None:
    """A write in no order has a place of its own for each element."""
    lower = primitive.lower
    assert isinstance(lower, Write) and not lower.ordered
    for given, params in primitive.samples(np.random.default_rng(3), dtypes.int64):
        arrays = [np.asarray(a) for a in given]
        b, xs = build(arrays)
        t = Follower(cut(b, xs, [applied(primitive, params)(b, *xs)]), set(range(len(xs))))
        whole = arrays[lower.value].shape
        shape = whole if lower.part is None else lower.part(whole, **params)[0]
        place = lower.place(t, identity(shape), *range(len(xs)), **params)
        found = [tuple([position(i, at, arrays) for i in place]) for at in np.ndindex(shape)]
        assert len({*found}) == len(found)


UNORDERED = [p for p in TABLE.values() if isinstance(p.lower, Write) and not p.lower.ordered]


@pytest.mark.parametrize("primitive", UNORDERED, ids=str)
def test_a_write_in_no_order_meets_no_place_twice(primitive: Primitive) -> None:
    meets_no_place_twice(primitive)


def adds(*, ordered: bool = True, size: int | None = None) -> Primitive:
    """``add_along``, ordered or not, and with a size of the axis declared."""
    traits = add_along.traits if size is None else Traits(indices=lambda x, v, i: [Within(2, x.ndim - 1, size)])
    return linear(
        "adds",
        batch=add_along.batch,
        lower=replace(add_along.lower, ordered=ordered),  # type: ignore[type-var]
        aval=add_along.aval,
        ref=add_along.ref,
        transpose=(lambda g, x, v, index: g, lambda g, x, v, index: take_along(g, index)),
        argnums=(0, 1),
        in_place=0,
        traits=traits,
        dtypes=add_along.dtypes,
        samples=add_along.samples,
    )


def sums_rows() -> Primitive:
    """Rows added into one element each, in no order: no index array is part of the place."""

    def ref(np: Any, x: Any, v: Any, *, out: Any = None) -> Any:
        return np.add(x, v.sum(-1, dtype=v.dtype), out=out)

    def samples(rng: Any, dtype: Any) -> Any:
        yield (REALS(rng, (3,), dtype), REALS(rng, (3, 4), dtype)), {}

    return primitive(
        "sums_rows",
        batch=spreading,
        lower=Write(lambda e, index, x, v: index[:1], value=1, base=0, combine="add", ordered=False),
        aval=lambda x, v: x,
        ref=ref,
        vjp=NOT_DIFFERENTIABLE,
        jvp=NOT_DIFFERENTIABLE,
        argnums=(),
        in_place=0,
        dtypes="i",
        samples=samples,
    )


@pytest.mark.parametrize("wrong", [lambda: adds(ordered=False), sums_rows], ids=["by indices", "rows"])
def test_a_write_that_is_wrong_about_its_order_is_found(wrong: Callable[[], Primitive]) -> None:
    with only_here(), pytest.raises(AssertionError):
        meets_no_place_twice(wrong())


def test_a_write_says_whether_it_is_ordered() -> None:
    with pytest.raises(TypeError, match="ordered"):
        Write(add_along.lower.place, value=1, base=0, combine="add")  # type: ignore[attr-defined, call-arg]


def test_a_write_of_indices_declared_wrongly_is_refused() -> None:
    with only_here():
        primitive = adds(size=100)
        b, xs = build([np.zeros(4), np.zeros(2), np.zeros(2, np.int64)])
        with pytest.raises(InternalError, match="adds takes %2"):
            verify_form(fuse(cut(b, xs, [primitive(*xs)])))
