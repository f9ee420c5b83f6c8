"""Where compiled programs put things: in place, across rows, at indices; with the same bits on any threads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.fuse import fuse
from tenure.compile.memory import Layout, plan_memory
from tenure.compile.orient import orient
from tenure.compile.simplify import simplify
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Program, Value
from tenure.ops import advanced, combine, contract, index, move, pointwise, reduce
from tenure.runtime import threads

RNG = np.random.default_rng(3)
Function = Callable[..., Any]


def built(function: Function, *arrays: Any) -> Program:
    """The program of a function of builder values."""
    b = Builder()
    xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype))) for a in arrays]
    ys = function(*xs)
    return b.extract([x.id for x in xs], [y.id for y in (ys if isinstance(ys, tuple) else (ys,))])


def numbers(*shape: int, dtype: Any = np.float32) -> Any:
    """Random numbers of any dtype."""
    if dtype is np.bool_:
        return RNG.integers(0, 2, shape).astype(bool)
    return (8 * RNG.standard_normal(shape)).astype(dtype)


def exactly(function: Function, *arrays: Any) -> list[Any]:
    """compiled and interpreted results are the same numbers, and the operands stay as they were."""
    program, held = built(function, *arrays), [np.array(a) for a in arrays]
    want = interpret(program)([np.array(a) for a in arrays])
    got = compiled(program)(list(held))
    for x, a in zip(held, arrays, strict=True):
        np.testing.assert_array_equal(x, a)
    for g, w in zip(got, want, strict=True):
        assert g.dtype == w.dtype
        np.testing.assert_array_equal(g, w)
    return got


def layout(function: Function, *arrays: Any) -> Layout:
    """The memory plan of a function."""
    return plan_memory(fuse(simplify(built(function, *arrays))))


def given(function: Function, *arrays: Any, hold: tuple[int, ...] = ()) -> tuple[list[Any], list[int], list[Any]]:
    """The results of a call that alone holds its operands, but for those in ``hold``; their addresses; those held."""
    inputs = [np.array(a) for a in arrays]
    addresses, held = [x.ctypes.data for x in inputs], [inputs[k] for k in hold]
    return compiled(built(function, *arrays))(inputs), addresses, held


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


TURNS: dict[str, Function] = {
    "added to a transpose": lambda x: move.permute(x, order=(1, 0)) + reshaped(x),
    "two transposes": lambda x: move.permute(x, order=(1, 0)) * move.permute(pointwise.negative(x), order=(1, 0)),
    "a transpose turned over": lambda x: move.flip(move.permute(x, order=(1, 0)), axes=(0, 1)),
    "a quarter turn": lambda x: move.permute(move.flip(x, axes=(1,)), order=(1, 0)) + 1.0,
    "a quarter turn back": lambda x: move.permute(move.flip(x, axes=(0,)), order=(1, 0)) + 1.0,
    "turned beside a transpose": lambda x: (
        move.permute(x, order=(1, 0)) - move.permute(move.flip(x, axes=(1,)), order=(1, 0))
    ),
    "joined with a transpose": lambda x: move.concat(move.permute(x, order=(1, 0)), reshaped(x), axis=1),
    "a transpose padded": lambda x: move.pad(move.permute(x, order=(1, 0)), widths=((1, 0), (-1, 2))),
    "sums of a transpose": lambda x: reduce.reduce_max(move.permute(x, order=(1, 0)), axes=(1,)),
}


def reshaped(x: Value) -> Value:
    """The first numbers of x in its transpose's shape."""
    return move.reshape(x, shape=(x.shape[1], x.shape[0]))


@pytest.mark.parametrize("shape", [(16, 16), (17, 5), (3, 70), (33, 48), (1, 20), (254, 31), (8, 9)])
@pytest.mark.parametrize("name", TURNS)
def test_what_lies_across_the_rows(name: str, shape: tuple[int, int]) -> None:
    exactly(TURNS[name], numbers(*shape))


@pytest.mark.parametrize("dtype", [np.bool_, np.int32, np.int64, np.float64])
def test_transposes_of_every_size_of_element(dtype: Any) -> None:
    for shape in ((16, 32), (19, 7), (9, 40)):
        exactly(lambda x: move.permute(x, order=(1, 0)), numbers(*shape, dtype=dtype))
        exactly(lambda x: move.permute(move.flip(x, axes=(1,)), order=(1, 0)), numbers(*shape, dtype=dtype))


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0), (1, 0, 2)])
def test_axes_in_another_order(order: tuple[int, ...]) -> None:
    for shape in ((3, 20, 18), (17, 2, 33), (1, 16, 16)):
        exactly(lambda x: move.permute(x, order=order) * 2.0, numbers(*shape))


def test_what_is_too_large_for_the_caches(two_threads: None) -> None:
    x, y = numbers(1500, 1504), numbers(1504, 1500)
    exactly(lambda x, y: (x + move.permute(y, order=(1, 0)), x * 2.0), x, y)
    (out,), (address, _), _ = given(lambda x, y: x + move.permute(y, order=(1, 0)), x, y)
    assert out.ctypes.data == address
    np.testing.assert_array_equal(out, x + y.T)


def adam(p: Value, m: Value, v: Value, g: Value) -> tuple[Value, ...]:
    m, v = m * 0.9 + g * 0.1, v * 0.999 + g * g * 0.001
    return p - m / (pointwise.sqrt(v) + 1e-8) * 0.01, m, v


def test_states_are_updated_in_place() -> None:
    arrays = [abs(numbers(1000)) for _ in range(4)]
    want = exactly(adam, *arrays)
    got, addresses, (p, g) = given(adam, *arrays, hold=(0, 3))
    assert [x.ctypes.data in addresses for x in got] == [False, True, True]
    np.testing.assert_array_equal([p, g], [arrays[0], arrays[3]])
    np.testing.assert_array_equal(got, want)


def test_an_operand_that_is_read_elsewhere_keeps_its_buffer() -> None:
    for function in (
        lambda x: x + move.flip(x, axes=(0,)),
        lambda x: (x * 2.0, move.reshape(reduce.reduce_sum(x, axes=(0,)), shape=(1,))),
        lambda x: x + move.reshape(index.getitem(x, x.builder.constant(0, dtypes.int64), spec=("i",)), shape=(1,)),
        lambda x: (x * 2.0, x),
    ):
        x = numbers(600)
        got, _, _ = given(function, x)
        for g, w in zip(got, interpret(built(function, x))([x]), strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-5)


def test_one_operand_lends_its_buffer_once() -> None:
    x = numbers(600)
    got, (address,), _ = given(lambda x: (x * 2.0, x + 1.0), x)
    assert [g.ctypes.data == address for g in got].count(True) == 1
    np.testing.assert_array_equal(got, [x * 2, x + 1])


def test_a_value_of_the_arena_gives_its_buffer_on() -> None:
    def chain(x: Value) -> Value:
        y = contract.matmul(x, x)
        z = contract.matmul(pointwise.exp(y), x)
        return contract.matmul(pointwise.tanh(z), x)

    plan = layout(chain, numbers(24, 24))
    assert plan.arena == 2 * 24 * 24 * 4


def test_after_a_check_of_inputs_buffers_are_given() -> None:
    w, i = numbers(40, 8), np.array([3, -1, 3])

    def update(w: Value, i: Value) -> Value:
        return advanced.add_rows(w, advanced.take_rows(w, i) * 2.0, i)

    def late(w: Value, i: Value) -> Value:
        w = w * 0.5
        return advanced.add_rows(w, advanced.take_rows(w, i), pointwise.multiply(i, i))

    for function, bad in ((update, 40), (late, 7)):
        exactly(function, w, i)
        mine = [np.array(w), np.array([0, bad, 1])]
        kept = list(mine)
        (poison,) = compiled(built(function, w, i))(mine)
        assert "out of range" in str(poison.error)
        np.testing.assert_array_equal(kept[0], w)
    (out,), (address, _), _ = given(lambda w, i: w + reduce.reduce_max(advanced.take_rows(w, i), axes=(0, 1)), w, i)
    assert out.ctypes.data == address


def rows_written(x: Value, v: Value, i: Value) -> Value:
    return advanced.scatter(x, v, i, spec=("a", *[":"] * (x.ndim - 1)), at=0, unique=False)


def other_rows(x: Value, v: Value, i: Value) -> Value:
    return advanced.scatter(x, v, i, spec=("a", *[":"] * (x.ndim - 1)), at=0, unique=True)


def rows_largest(x: Value, v: Value, i: Value) -> Value:
    return combine.scatter_max(x, v, i, spec=("a", *[":"] * (x.ndim - 1)), at=0, unique=False)


def columns(x: Value, i: Value, j: Value) -> Value:
    return advanced.gather(x, j, i, spec=("a", ":", "a"), at=1, unique=False)


def last_ones(i: Value, j: Value) -> Value:
    return advanced.survives(i, j, sizes=(500, 30))


MOVES: dict[str, tuple[Function, tuple[Any, ...]]] = {
    "rows added": (advanced.add_rows, (numbers(50, 70), numbers(900, 70), RNG.integers(-50, 50, 900))),
    "numbers added": (advanced.add_rows, (numbers(50), numbers(70000), RNG.integers(-50, 50, 70000))),
    "matrices added": (advanced.add_rows, (numbers(9, 3, 40), numbers(20, 5, 3, 40), RNG.integers(-9, 9, (20, 5)))),
    "added along": (index.add_along, (numbers(300, 60), numbers(300, 90), RNG.integers(-60, 60, (300, 90)))),
    "one a row": (index.add_along, (numbers(9000, 6), numbers(9000, 1), RNG.integers(-6, 6, (9000, 1)))),
    "rows written": (rows_written, (numbers(50, 70), numbers(900, 70), RNG.integers(-50, 50, 900))),
    "numbers written": (rows_written, (numbers(50), numbers(70000), RNG.integers(-50, 50, 70000))),
    "other rows each": (other_rows, (numbers(1000, 70), numbers(900, 70), RNG.permutation(1000)[:900])),
    "largest": (rows_largest, (numbers(50, 70), numbers(900, 70), RNG.integers(-50, 50, 900))),
    "columns by rows": (columns, (numbers(300, 4, 200), RNG.integers(-200, 200, 300), RNG.integers(0, 300, (20, 1)))),
    "last ones": (last_ones, (RNG.integers(-500, 500, 70000), RNG.integers(0, 30, 70000))),
    "rows": (advanced.take_rows, (numbers(50, 70), RNG.integers(-50, 50, 900))),
    "joined": (lambda *xs: move.concat(*xs, axis=1), tuple(numbers(200, n) for n in (90, 1, 0, 170))),
    "joined in front": (lambda *xs: move.concat(*xs, axis=0), tuple(numbers(n, 200) for n in (90, 1, 0, 170))),
    "short and long": (lambda x, y: x + y, (numbers(3, 1), numbers(20001))),
    "filled": (lambda x: x.builder.full((70000,), 3, dtypes.int32), (numbers(1),)),
    "zeros around": (lambda x: move.pad(x, widths=((3, 0), (1, 2))), (numbers(200, 301),)),
}


@pytest.mark.parametrize("name", MOVES)
def test_moves_have_the_same_bits_on_any_threads(name: str, two_threads: None) -> None:
    function, arrays = MOVES[name]
    shared = exactly(function, *arrays)
    threads.set_num_threads(1)
    alone = exactly(function, *arrays)
    assert [x.tobytes() for x in shared] == [x.tobytes() for x in alone]


def test_nothing_is_touched_beyond_the_buffers() -> None:
    """Each buffer ends at a page that must not be touched."""
    done = subprocess.run([sys.executable, "-c", GUARDED], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


GUARDED = """
from tests.compile import test_moves as t
from tenure.runtime import buffers
import numpy as np

def copied(a):
    out = buffers.empty(a.shape, a.dtype)
    out[...] = a
    return out

with buffers.guarded():
    cases = [(f, (t.numbers(*shape),)) for f in t.TURNS.values() for shape in ((17, 5), (3, 70), (254, 31))]
    for function, arrays in [*cases, *t.MOVES.values()]:
        program = t.built(function, *arrays)
        want = t.interpret(program)([np.array(a) for a in arrays])
        got = t.compiled(program)([copied(a) for a in arrays])
        for g, w in zip(got, want):
            np.testing.assert_array_equal(g, w)
"""


def block(x: Value, *slices: tuple[int, int]) -> Value:
    """x[start : start + length, …]."""
    return index.getitem(
        x, *[x.builder.constant(s, dtypes.int64) for s, _ in slices], spec=tuple([(n, 1) for _, n in slices])
    )


def into(x: Value, v: Value, *starts: int) -> Value:
    """x with a block written."""
    return index.setitem(
        x, v, *[x.builder.constant(s, dtypes.int64) for s in starts], spec=tuple([(n, 1) for n in v.shape])
    )


def cross(u: Value) -> Value:
    m, n = u.shape[0] - 2, u.shape[1] - 2
    around = block(u, (0, m), (1, n)) + block(u, (2, m), (1, n)) + block(u, (1, m), (0, n)) + block(u, (1, m), (2, n))
    return into(u, around * 0.25, 1, 1)


OVERLAPS: dict[str, tuple[Function, tuple[int, ...]]] = {
    "a cross": (cross, (40, 37)),
    "a wide cross": (cross, (9, 300)),
    "a narrow cross": (cross, (300, 4)),
    "what lies in front": (lambda u: into(u, block(u, (0, 8999)) * 2.0, 1), (9000,)),
    "what lies behind": (lambda u: into(u, block(u, (1, 8999)) * 2.0, 0), (9000,)),
    "both sides": (lambda u: into(u, block(u, (0, 8998)) + block(u, (2, 8998)), 1), (9000,)),
    "far in front": (lambda u: into(u, block(u, (0, 3000)) + block(u, (5000, 3000)), 5000), (9000,)),
    "a corner": (lambda u: into(u, block(u, (0, 30), (0, 30)) - block(u, (2, 30), (3, 30)), 1, 2), (33, 40)),
    "a large cross": (cross, (520, 210)),
    "a long row": (lambda u: into(u, block(u, (0, 199_990)) - block(u, (10, 199_990)), 7), (200_000,)),
    "from afar": (lambda u: into(u, block(u, (0, 400), (3, 300)) + block(u, (30, 400), (0, 300)), 9, 1), (430, 310)),
    "planes": (
        lambda u: into(u, block(u, (0, 4), (1, 8), (0, 30)) * block(u, (2, 4), (0, 8), (0, 30)), 1, 1, 0),
        (6, 10, 30),
    ),
    "turned over": (lambda u: into(u, move.flip(block(u, (0, 500)), axes=(0,)), 3), (600,)),
    "across": (lambda u: into(u, move.permute(u, order=(1, 0)) * 2.0, 0, 0), (30, 30)),
    "its sum": (lambda u: into(u, block(u, (0, 9)) * reduce.reduce_max(u, axes=(0,)), 2), (600,)),
    "twice": (lambda u: cross(cross(u) + 1.0), (20, 40)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OVERLAPS)
def test_a_block_is_written_from_what_was_there(name: str, dtype: Any, two_threads: None) -> None:
    function, shape = OVERLAPS[name]
    u = numbers(*shape, dtype=np.int64).astype(dtype)
    (want,) = exactly(function, u)
    for count in (2, 1):
        threads.set_num_threads(count)
        (out,), (address,), _ = given(function, u)
        assert out.ctypes.data == address
        np.testing.assert_array_equal(out, want)


def test_a_large_product_reads_a_transpose_as_it_lies() -> None:
    def product(x: Value, w: Value) -> Value:
        return contract.matmul(x, move.permute(move.permute(move.permute(w, order=(1, 0)), order=(1, 0)), order=(1, 0)))

    for size, kernels in (((9, 30, 20), 2), ((200, 300, 210), 1)):
        x, w = numbers(size[0], size[1]), numbers(size[2], size[1])
        assert len(fuse(orient(simplify(built(product, x, w)))).kernels) == kernels
        (out,) = compiled(built(product, x, w))([x, w])
        np.testing.assert_allclose(out, x @ w.T, rtol=1e-4, atol=1e-3)


def test_two_transposes_are_none() -> None:
    exactly(lambda x: move.permute(move.permute(x, order=(2, 0, 1)), order=(1, 2, 0)) * 2.0, numbers(3, 4, 5))


def test_an_input_is_lent_to_no_result_of_another_shape() -> None:
    (out,), _, _ = given(lambda x: move.reshape(x * 2.0, shape=(1, 3)) + 1.0, np.arange(3.0))
    assert out.shape == (1, 3)
    program = built(lambda x: pointwise.exp(move.reshape(cross(x), shape=(600,))) * 2.0, numbers(20, 30))
    (out,) = compiled(program)([numbers(20, 30)])
    assert out.shape == (600,)


def test_a_value_that_is_read_in_two_shapes_is_stored_for_the_other() -> None:
    def f(c: Value, x: Value, y: Value) -> Value:
        wide = move.reshape(move.broadcast_to(x, shape=(2, 4)), shape=(8,))
        return move.reshape(pointwise.where(c, wide, y), shape=(2, 4))

    exactly(f, numbers(8, dtype=np.bool_), numbers(4), numbers(8))


@pytest.mark.parametrize("n", [1, 2, 7, 33])
@pytest.mark.parametrize("times", range(3))
def test_writes_at_one_index_that_is_known(n: int, times: int) -> None:
    """All lanes of a vector would write to one place."""
    for at in (tn.zeros(n, dtype=tn.int64), tn.full((n,), 2, dtype=tn.int64)):
        k = at[0].item()
        added = tn.zeros(3).at[at].add(tn.arange(n) * 1.0)
        assert added.tolist() == [float(sum(range(n))) if j == k else 0.0 for j in range(3)]
        assert tn.zeros(3).at[at].set(tn.arange(n) * 1.0).tolist()[k] == n - 1
