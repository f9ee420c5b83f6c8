"""Every declared primitive, from its declaration alone: shape rule, meaning, derivatives, writes in place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import DTYPES, DType, float32, float64
from tenure.interp.interp import interpret
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import TABLE
from tests.ops.programs import (
    Array,
    Arrays,
    applied,
    aval_of,
    build,
    cut,
    inner,
    jvp,
    jvp_of_vjp,
    slope,
    value,
    vjp,
    vjp_of_vjp,
)
from tests.traits import sampled

NAMES = sorted(TABLE)
SMOOTH = [n for n in NAMES if TABLE[n].vjp is not NOT_DIFFERENTIABLE and "f" in TABLE[n].dtypes]
SMOOTH = [n for n in SMOOTH if not TABLE[n].traits.draws]
"""Those whose derivative is the slope of their meaning; of what is drawn it is the quantile's
(``tests/ops/test_draws.py``)."""
CONSTANT = [n for n in NAMES if TABLE[n].vjp is NOT_DIFFERENTIABLE]
CLAIMED = [(n, d) for n in NAMES for d in sampled(TABLE[n])]
ids = [f"{n}-{d.name}" for n, d in CLAIMED]

each = pytest.mark.parametrize(("name", "dtype"), CLAIMED, ids=ids)
each_smooth = pytest.mark.parametrize("name", SMOOTH)

Case = tuple[Primitive, Arrays, dict[str, Any]]


def cases(name: str, dtype: DType) -> Iterator[Case]:
    """The samples of a primitive, the same at every run."""
    prim = TABLE[name]
    rng = np.random.default_rng(crc32(name.encode()))
    for xs, params in prim.samples(rng, dtype):
        yield prim, [np.asarray(x) for x in xs], params


def smooth_cases(name: str, dtype: DType = float64) -> Iterator[tuple[Case, list[int], Any]]:
    """Those through which a gradient flows, with the operands it flows to and a source of numbers."""
    rng = np.random.default_rng(crc32(name.encode()) + 1)
    for prim, xs, params in cases(name, dtype):
        numbers = [k for k in prim.differentiable(len(xs)) if xs[k].dtype.kind == "f"]
        if meaning(prim, xs, params).dtype == dtype.numpy:
            yield (prim, xs, params), numbers, rng


def meaning(prim: Primitive, xs: Arrays, params: dict[str, Any]) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(prim.ref(np, *xs, **params))


def like(rng: Any, x: Array) -> Array:
    return rng.standard_normal(x.shape).astype(x.dtype)  # type: ignore[no-any-return]


@each
def test_the_shape_rule_agrees_with_the_meaning(name: str, dtype: DType) -> None:
    seen = 0
    for prim, xs, params in cases(name, dtype):
        seen += 1
        assert prim.aval(*[aval_of(x) for x in xs], **params) == aval_of(meaning(prim, xs, params))
    assert seen, "no sample"


@each
def test_a_program_gives_the_meaning(name: str, dtype: DType) -> None:
    for prim, xs, params in cases(name, dtype):
        wanted = meaning(prim, xs, params)
        found = value(applied(prim, params), xs)
        assert found.dtype == wanted.dtype
        assert found.flags.c_contiguous and found.flags.writeable
        assert_array_equal(found, wanted, strict=True)


def test_the_claims_name_kinds_of_dtypes() -> None:
    for name in NAMES:
        assert TABLE[name].dtypes and set(TABLE[name].dtypes) <= set("biufhc"), name


@pytest.mark.parametrize("name", [n for n in NAMES if set("biuf") - set(TABLE[n].dtypes)])
def test_a_dtype_that_is_not_claimed_is_refused(name: str) -> None:
    prim = TABLE[name]
    for dtype in DTYPES:
        if dtype.kind not in prim.dtypes:
            sample = next(iter(prim.samples(np.random.default_rng(0), dtype)))
            xs = [np.asarray(x) for x in sample[0]]
            if dtype not in sample[1].values() and not any(x.dtype == dtype.numpy for x in xs):
                continue  # there is nothing of that dtype in it
            with pytest.raises(TypeError, match="TN802"):
                prim.aval(*[aval_of(x) for x in xs], **sample[1])


@each_smooth
def test_jvp_is_the_slope(name: str) -> None:
    for (prim, xs, params), numbers, rng in smooth_cases(name):
        f = applied(prim, params)

        def moved(*moving: Array, xs: Arrays = xs, numbers: list[int] = numbers, f: Any = f) -> Arrays:
            at = dict(zip(numbers, moving, strict=True))
            return [value(f, [at.get(k, x) for k, x in enumerate(xs)])]

        at = [xs[k] for k in numbers]
        dxs = [like(rng, x) for x in at]
        assert_allclose(jvp(f, xs, numbers, dxs), slope(moved, at, dxs)[0], rtol=1e-7, atol=1e-8)
        for k, number in enumerate(numbers):  # along one operand, the others standing still
            alone = [dx if j == k else np.zeros_like(dx) for j, dx in enumerate(dxs)]
            assert_allclose(jvp(f, xs, [number], [dxs[k]]), slope(moved, at, alone)[0], rtol=1e-7, atol=1e-8)


@each_smooth
def test_vjp_is_the_transpose_of_jvp(name: str) -> None:
    for (prim, xs, params), numbers, rng in smooth_cases(name):
        f = applied(prim, params)
        g = like(rng, value(f, xs))
        dxs = [like(rng, xs[k]) for k in numbers]
        assert_allclose(
            inner(vjp(f, xs, numbers, g), dxs),
            inner([g], [jvp(f, xs, numbers, dxs)]),
            rtol=1e-10,
            atol=1e-12,
        )
        for k, number in enumerate(numbers):  # one operand alone
            assert_allclose(vjp(f, xs, [number], g)[0], vjp(f, xs, numbers, g)[k], rtol=1e-12)


@each_smooth
def test_second_order_is_the_slope_of_the_first(name: str) -> None:
    for (prim, xs, params), numbers, rng in smooth_cases(name):
        f = applied(prim, params)
        g = like(rng, value(f, xs))
        at = [*[xs[k] for k in numbers], g]
        along = [like(rng, x) for x in at]

        def first(*moving: Array, xs: Arrays = xs, numbers: list[int] = numbers, f: Any = f) -> Arrays:
            at = dict(zip(numbers, moving[:-1], strict=True))
            return vjp(f, [at.get(k, x) for k, x in enumerate(xs)], numbers, moving[-1])

        change = jvp_of_vjp(f, xs, numbers, g, along)
        for found, wanted in zip(change, slope(first, at, along), strict=True):
            assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
        ws = [like(rng, x) for x in change]
        again = vjp_of_vjp(f, xs, numbers, g, ws)
        assert_allclose(inner(ws, change), inner(again, along), rtol=1e-9, atol=1e-11)


@each_smooth
def test_float32_gradients_are_those_of_float64(name: str) -> None:
    for (prim, xs, params), numbers, rng in smooth_cases(name, float32):
        if params.get("dtype") is float32:
            continue  # a cast that float64 would have to follow
        f = applied(prim, params)
        g = like(rng, value(f, xs))
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in xs]
        narrow = vjp(f, xs, numbers, g)
        for k, found, wanted in zip(numbers, narrow, vjp(f, wide, numbers, g.astype("f8")), strict=True):
            assert (found.shape, found.dtype) == (xs[k].shape, xs[k].dtype)
            assert_allclose(found, wanted, rtol=2e-5, atol=2e-5)
        dxs = [like(rng, xs[k]) for k in numbers]
        found = jvp(f, xs, numbers, dxs)
        assert (found.shape, found.dtype) == (g.shape, g.dtype)
        assert_allclose(found, jvp(f, wide, numbers, [dx.astype("f8") for dx in dxs]), rtol=2e-5, atol=2e-5)


@each_smooth
def test_the_gradient_has_the_dtype_of_its_operand(name: str) -> None:
    for dtype in (float32, float64):
        for (prim, xs, params), numbers, rng in smooth_cases(name, dtype):
            f = applied(prim, params)
            for k, found in zip(numbers, vjp(f, xs, numbers, like(rng, value(f, xs))), strict=True):
                assert (found.shape, found.dtype) == (xs[k].shape, xs[k].dtype)


@each_smooth
def test_a_result_that_is_not_floating_is_a_constant(name: str) -> None:
    for dtype in (float32, float64):
        for prim, xs, params in cases(name, dtype):
            b, inputs = build(xs, range(len(xs)))
            ans = b.emit(prim, inputs, params)
            assert b.tracked[ans.id] == ans.dtype.has_gradient


@pytest.mark.parametrize("name", CONSTANT)
def test_what_is_not_differentiable_is_a_constant(name: str) -> None:
    assert TABLE[name].jvp is NOT_DIFFERENTIABLE
    for dtype in sampled(TABLE[name]):
        for prim, xs, params in cases(name, dtype):
            b, inputs = build(xs, range(len(xs)))
            assert not b.tracked[b.emit(prim, inputs, params).id]


def test_nothing_is_tracked_while_tracking_is_off() -> None:
    for name in SMOOTH:
        for prim, xs, params in cases(name, float64):
            b, inputs = build(xs, range(len(xs)))
            b.tracking = False
            assert not b.tracked[b.emit(prim, inputs, params).id]


@pytest.mark.parametrize("name", [n for n in SMOOTH if TABLE[n].accumulate is not None])
def test_accumulating_is_adding_the_transpose(name: str) -> None:
    for (prim, xs, params), _, rng in smooth_cases(name):
        g = rng.integers(-9, 10, value(applied(prim, params), xs).shape).astype(float)
        acc = rng.integers(-9, 10, xs[0].shape).astype(float)
        b, inputs = build([*xs, g, acc], [0])
        operands, cotangent, start = inputs[: len(xs)], inputs[-2], inputs[-1]
        assert callable(prim.accumulate) and callable(prim.vjp)
        grown = prim.accumulate(start, cotangent, *operands, **params)
        added = start + prim.vjp(cotangent, b.emit(prim, operands, params), *operands, **params)[0]
        found, wanted = run_twice(b, inputs, [grown, added], [*xs, g, acc])
        assert_array_equal(found, wanted)


def run_twice(b: Any, inputs: Any, outputs: Any, xs: Arrays) -> Arrays:
    program = cut(b, inputs, outputs)
    first, second = interpret(program)(list(xs)), interpret(program)([x.copy() for x in xs])
    for x, y in zip(first, second, strict=True):
        assert_array_equal(np.asarray(x), np.asarray(y))
    return first  # type: ignore[return-value]


IN_PLACE = [(n, d) for n, d in CLAIMED if TABLE[n].in_place is not None]


@pytest.mark.parametrize(("name", "dtype"), IN_PLACE, ids=[f"{n}-{d.name}" for n, d in IN_PLACE])
def test_writing_in_place_is_writing_a_copy(name: str, dtype: DType) -> None:
    for prim, xs, params in cases(name, dtype):
        k = prim.in_place
        assert k is not None
        before = xs[k].copy()
        wanted = meaning(prim, xs, params)
        assert_array_equal(xs[k], before)
        assert not np.shares_memory(wanted, xs[k])
        mine = [x.copy() for x in xs]
        assert prim.ref(np, *mine, out=mine[k], **params) is mine[k]
        assert_array_equal(mine[k], wanted, strict=True)


@pytest.mark.parametrize(("name", "dtype"), IN_PLACE, ids=[f"{n}-{d.name}" for n, d in IN_PLACE])
def test_only_a_buffer_that_nobody_holds_is_written(name: str, dtype: DType) -> None:
    for prim, xs, params in cases(name, dtype):
        k = prim.in_place
        assert k is not None
        b, inputs = build(xs)
        program = cut(b, inputs, [b.emit(prim, inputs, params)])
        wanted = meaning(prim, xs, params)

        held = [x.copy() for x in xs]
        before = held[k].copy()
        (found,) = interpret(program)(list(held))
        assert_array_equal(np.asarray(found), wanted)
        assert_array_equal(held[k], before)

        given = [x.copy() for x in xs]
        address = given[k].__array_interface__["data"][0]
        (found,) = interpret(program)(given)  # type: ignore[arg-type]
        assert isinstance(found, np.ndarray)
        assert_array_equal(found, wanted)
        if xs[k].size:
            assert found.__array_interface__["data"][0] == address, "a copy of what nobody holds"
