"""compiled programs against the reference interpreter: every primitive alone, and fused with its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import tenure.ops  # noqa: F401
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.fuse import fuse
from tenure.compile.simplify import simplify
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program, Value
from tenure.ops import advanced, contract, index, move, pointwise, reduce
from tenure.transform.vjp import pull_back
from tests.traits import few

RNG = np.random.default_rng(7)
CLAIMS = [(p, d) for p in TABLE.values() for d in few(p, "programs")]


def built(function: Callable[..., Any], *arrays: Any) -> Program:
    """The program of a function of builder values."""
    b = Builder()
    xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype)), tracked=True) for a in arrays]
    ys = function(*xs)
    outputs = [y.id for y in (ys if isinstance(ys, tuple) else (ys,))]
    return b.extract([x.id for x in xs], outputs)


def agree(program: Program, arrays: Sequence[Any]) -> None:
    """Both executors give the same, and neither changes what its caller holds."""
    held = [np.array(a) for a in arrays]
    want = interpret(program)([np.array(a) for a in arrays])
    got = compiled(program)(list(held))
    for x, a in zip(held, arrays, strict=True):
        np.testing.assert_array_equal(x, a)
    for g, w in zip(got, want, strict=True):
        assert g.dtype == w.dtype and g.shape == w.shape
        if w.dtype.kind not in "biufc":
            np.testing.assert_array_equal(g, w)
            continue
        close = 4e-6 if g.dtype in (np.float32, np.complex64) else 0 if g.dtype == np.float16 else 1e-12
        size = float(np.nanmax(np.abs(w[np.isfinite(w)]), initial=1.0)) if w.dtype.kind in "fc" else 1.0
        np.testing.assert_allclose(g, w, rtol=close, atol=close * size)


@pytest.mark.parametrize(("primitive", "dtype"), CLAIMS, ids=[f"{p.name}-{d.name}" for p, d in CLAIMS])
def test_each_primitive(primitive: Any, dtype: Any) -> None:
    if primitive is advanced.stamp:
        pytest.skip("what is not written of it is anything; survives reads the rest")
    rng = np.random.default_rng([*f"{primitive.name} {dtype.name}".encode()])  # the same whatever ran before
    for arrays, params in primitive.samples(rng, dtype):
        b = Builder()
        xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype))) for a in arrays]
        agree(b.extract([x.id for x in xs], [b.emit(primitive, xs, params).id]), arrays)


def softmax(x: Value) -> Value:
    top = move.broadcast_to(move.reshape(reduce.reduce_max(x, axes=(1,)), shape=(x.shape[0], 1)), shape=x.shape)
    e = pointwise.exp(x - top)
    return e / move.broadcast_to(move.reshape(reduce.reduce_sum(e, axes=(1,)), shape=(x.shape[0], 1)), shape=x.shape)


def gradient(function: Callable[[Value], Value]) -> Callable[[Value], tuple[Value, Value]]:
    """A function and its derivative's action on ones."""

    def both(x: Value) -> tuple[Value, Value]:
        y = function(x)
        ones = x.builder.full(y.shape, 1, y.dtype)
        return y, pull_back(x.builder, {y.id: ones}, {x.id}, {})[x.id]

    return both


FUSED: dict[str, Callable[[Value], Any]] = {
    "softmax": softmax,
    "gelu": lambda x: x * 0.5 * (1 + pointwise.tanh(0.8 * (x + 0.04 * x * x * x))),
    "softmax and its gradient": gradient(lambda x: softmax(x) * x),
    "transposed add": lambda x: contract.matmul(x, move.permute(x, order=(1, 0))) + 1.0,
    "product of a transpose": lambda x: contract.matmul(move.permute(pointwise.sin(x), order=(1, 0)), x),
    "column sums": lambda x: (reduce.reduce_sum(x, axes=(0,)), reduce.reduce_sum(x * x, axes=(0, 1))),
    "flipped slices": lambda x: index.getitem(
        move.flip(x, axes=(0, 1)) * 2.0, x.builder.constant(0, dtypes.int64), spec=((1, 1), ":")
    ),
    "padded and cropped": lambda x: move.pad(pointwise.exp(x), widths=((1, 0), (-1, 2))),
    "joined": lambda x: move.concat(x + 1.0, pointwise.negative(x), x, axis=1),
    "reshaped in between": lambda x: reduce.reduce_sum(
        move.reshape(move.permute(x + 1.0, order=(1, 0)), shape=(x.aval.size,)) * 2.0, axes=(0,)
    ),
}


@pytest.mark.parametrize("shape", [(3, 5), (7, 129), (65, 2), (1, 1), (2, 64)])
@pytest.mark.parametrize("name", FUSED)
def test_fused_programs(name: str, shape: tuple[int, int]) -> None:
    x = RNG.standard_normal(shape).astype(np.float32)
    agree(built(FUSED[name], x), [x])


def test_an_elementwise_chain_is_one_kernel() -> None:
    x = np.ones((4, 8), np.float32)
    plan = fuse(simplify(built(FUSED["gelu"], x)))
    assert len(plan.kernels) == 1


def test_a_written_place_moves_only_what_is_written() -> None:
    def writes(x: Value) -> Value:
        for k in range(4):
            x = index.setitem(x, x.builder.full((), k, x.dtype), x.builder.constant(k, dtypes.int64), spec=("i",))
        return x

    x = np.arange(1000.0)
    program = built(writes, x)
    mine = np.array(x)
    address = mine.ctypes.data
    inputs = [mine]
    del mine
    (out,) = compiled(program)(inputs)
    assert out.ctypes.data == address
    assert out[:5].tolist() == [0, 1, 2, 3, 4]
    agree(program, [x])


def test_an_index_out_of_range_is_found() -> None:
    x, i = np.arange(4.0), np.array([0, 4])
    (out,) = compiled(built(advanced.take_rows, x, i))([x, i])
    assert "index 4 is out of range for axis 0 of size 4" in str(out.error)


def test_a_whole_number_to_a_negative_power_is_found() -> None:
    x, y = np.array([2, 3]), np.array([2, -1])
    (out,) = compiled(built(pointwise.power, x, y))([x, y])
    assert "a whole number to the power -1 is no whole number" in str(out.error)
    agree(built(pointwise.power, x, abs(y)), [x, abs(y)])


def test_a_reshape_of_what_its_row_kernel_computes() -> None:
    def both(x: Value) -> tuple[Value, Value]:
        any_of = reduce.reduce_min(pointwise.cast(x, dtype=dtypes.bool_), axes=(3,))
        return any_of, move.reshape(pointwise.cast(x, dtype=dtypes.float64), shape=(40, 31, 2, 1))

    x = RNG.integers(0, 2, (5, 8, 31, 2)).astype(np.int32)
    agree(built(both, x), [x])


def crossed(x: Value, down: Value, across: Value, at: Value) -> tuple[Value, ...]:
    """Short rows of all that lanes may read: both axes, one, backwards, looked up; and what is split from one axis."""
    n, s = x.shape
    column = move.reshape(down, shape=(n, 1))
    table = advanced.gather(x, at, spec=(":", "a"), at=1, unique=False)
    flat = move.reshape(move.broadcast_to(column, shape=(n, s)), shape=(n * s,))
    back = move.flip(x, axes=(0, 1)) * across + column
    numbers = move.reshape(x.builder.emit(move.iota, (), {"length": s, "dtype": dtypes.int64}), shape=(1, s))
    hit = pointwise.equal(numbers, move.reshape(pointwise.cast(at, dtype=dtypes.int64), shape=(1, s)))
    return back, table - column, flat, move.reshape(x * across + column, shape=(s, n)), pointwise.where(hit, x, back)


@pytest.mark.parametrize(
    ("dtype", "n", "s"),
    [("float32", 40, 10), ("float64", 9, 6), ("int8", 70, 7), ("complex64", 17, 5), ("float16", 40, 2)],
)
def test_short_rows_side_by_side(dtype: str, n: int, s: int) -> None:
    arrays = [RNG.integers(-4, 5, shape).astype(dtype) for shape in ((n, s), n, s)]
    arrays.append(RNG.integers(0, s, s))
    agree(built(crossed, *arrays), arrays)
    if dtype == "float32":
        for k in range(5):
            agree(built(lambda *xs, k=k: crossed(*xs)[k], *arrays), arrays)


def test_a_split_axis_is_one_kernel() -> None:
    x = np.ones((40, 1), np.float32)
    plan = fuse(simplify(built(lambda x: move.reshape(move.broadcast_to(x, shape=(40, 3)), shape=(120,)), x)))
    assert len(plan.kernels) == 1
