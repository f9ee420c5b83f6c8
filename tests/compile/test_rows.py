"""Row kernels: what is fused, and that fusing, threads and vector widths change no bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile import linked
from tenure.compile.executable import compiled
from tenure.compile.fuse import fuse
from tenure.compile.jit import Engine
from tenure.compile.simplify import simplify
from tenure.ir.program import Program, Value
from tenure.ops import advanced, index, move, pointwise, reduce
from tenure.runtime import threads
from tenure.transform.vjp import pull_back
from tests.compile.test_programs import agree, built, softmax
from tests.traits import EVERY

RNG = np.random.default_rng(3)


def along(x: Value, like: Value, axes: tuple[int, ...]) -> Value:
    """A reduced value beside what it was reduced from."""
    shape = tuple([1 if k in axes else n for k, n in enumerate(like.shape)])
    return move.broadcast_to(move.reshape(x, shape=shape), shape=like.shape)


def last(x: Value) -> tuple[int, ...]:
    return (x.ndim - 1,)


def total(x: Value, axes: tuple[int, ...] | None = None) -> Value:
    return reduce.reduce_sum(x, axes=last(x) if axes is None else axes)


def log_softmax(x: Value) -> Value:
    shifted = x - along(reduce.reduce_max(x, axes=last(x)), x, last(x))
    return shifted - along(pointwise.log(total(pointwise.exp(shifted))), x, last(x))


def layer_norm(x: Value, w: Value, b: Value) -> Value:
    centred = x - along(total(x) / float(x.shape[-1]), x, last(x))
    variance = total(centred * centred) / float(x.shape[-1])
    scale = 1 / pointwise.sqrt(variance + 1e-5)
    return centred * along(scale, x, last(x)) * move.broadcast_to(w, shape=x.shape) + move.broadcast_to(
        b, shape=x.shape
    )


def pulled(y: Value, seed: Value, *xs: Value) -> list[Value]:
    found = pull_back(y.builder, {y.id: seed}, {x.id for x in xs}, {})
    return [found[x.id] for x in xs]


def norm_with_gradient(x: Value, w: Value, b: Value, g: Value) -> tuple[Value, ...]:
    y = layer_norm(x, w, b)
    return (y, *pulled(y, g, x, w, b))


def cross_entropy(x: Value, t: Value) -> tuple[Value, ...]:
    rows = x.shape[0]
    picked = index.take_along(log_softmax(x), move.reshape(t, shape=(rows, 1)))
    loss = pointwise.negative(total(move.reshape(picked, shape=(rows,)), (0,)) / float(rows))
    return (loss, *pulled(loss, x.builder.full((), 1, x.dtype), x))


def attention(x: Value) -> Value:
    """Over the last axis of four, scaled, with a mask that repeats over the first two."""
    n = x.shape[-1]
    ramp = x.builder.emit(move.iota, (), {"length": n, "dtype": x.dtype})
    columns = move.broadcast_to(move.reshape(ramp, shape=(1, 1, 1, n)), shape=x.shape)
    later = pointwise.less(x * 0.0 + 2.0, columns)
    scores = pointwise.where(later, x.builder.full(x.shape, -1e9, x.dtype), x * 0.125)
    shifted = scores - along(reduce.reduce_max(scores, axes=(3,)), x, (3,))
    e = pointwise.exp(shifted)
    return e / along(total(e), x, (3,))


def residual(x: Value, y: Value) -> tuple[Value, Value]:
    h = x + pointwise.tanh(y)
    return h, h * along(total(h * h), x, last(x))


def several(x: Value) -> tuple[Value, ...]:
    low, high = reduce.reduce_min(x, axes=last(x)), reduce.reduce_max(x, axes=last(x))
    span = along(high - low, x, last(x))
    unit = (x - along(low, x, last(x))) / (span + 1.0)
    return total(unit, (0,)), reduce.reduce_max(unit, axes=(0,)), low, pointwise.sin(unit)


def numbers(*shape: int) -> Any:
    return (RNG.standard_normal(shape) * 3).astype(np.float32)


CASES: dict[str, tuple[Callable[..., Any], Callable[[int, int], list[Any]]]] = {
    "softmax": (softmax, lambda r, n: [numbers(r, n)]),
    "log-softmax": (log_softmax, lambda r, n: [numbers(r, n)]),
    "layer norm": (norm_with_gradient, lambda r, n: [numbers(r, n), numbers(n), numbers(n), numbers(r, n)]),
    "cross-entropy": (cross_entropy, lambda r, n: [numbers(r, n), RNG.integers(-n, n, r)]),
    "attention": (attention, lambda r, n: [numbers(2, 3, r, n)]),
    "residual": (residual, lambda r, n: [numbers(r, n), numbers(r, n)]),
    "several": (several, lambda r, n: [numbers(r, n)]),
    "double": (softmax, lambda r, n: [numbers(r, n).astype(np.float64)]),
}
SIZES = [(1, 5), (3, 2), (4, 10), (70, 16), (5, 33), (2, 64), (130, 65), (9, 257)]
each = pytest.mark.parametrize("name", CASES)


def kernels(program: Program) -> int:
    return len(fuse(simplify(program)).kernels)


def bits(found: list[Any]) -> list[bytes]:
    return [np.asarray(x).tobytes() for x in found]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


@each
@pytest.mark.parametrize("size", SIZES)
def test_fused_as_the_interpreter_says(name: str, size: tuple[int, int]) -> None:
    function, inputs = CASES[name]
    arrays = inputs(*size)
    agree(built(function, *arrays), arrays)


@each
@pytest.mark.parametrize("size", [(70, 10), (66, 100)])
def test_forced_outputs_change_no_bit(name: str, size: tuple[int, int]) -> None:
    """Values by themselves, and all at once, as outputs of their own."""
    function, inputs = CASES[name]
    arrays = inputs(*size)
    program = built(function, *arrays)
    want = bits(compiled(program)(list(arrays)))
    first = len(program.inputs)
    every = list(range(first, first + len(program.instructions)))
    wide = Program(program.inputs, program.instructions, (*program.outputs, *every))
    found = compiled(wide)(list(arrays))
    assert bits(found[: len(want)]) == want
    for v in every if EVERY else every[len(name) % 6 :: 6]:
        forced = Program(program.inputs, program.instructions, (*program.outputs, v))
        *same, value = compiled(forced)(list(arrays))
        assert bits(same) == want, v
        assert bits([value]) == bits([found[len(want) + v - first]]), v


@each
def test_threads_change_no_bit(name: str) -> None:
    function, inputs = CASES[name]
    arrays = inputs(1500, 70) if name != "attention" else inputs(300, 70)
    run = compiled(built(function, *arrays))
    found = []
    for count in (1, 2, 3):
        threads.set_num_threads(count)
        found.append(bits(run(list(arrays))))
    assert found[0] == found[1] == found[2]


@each
def test_narrow_registers_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, inputs = CASES[name]
    arrays = inputs(67, 45)
    program = built(function, *arrays)
    want = bits(compiled(program)(list(arrays)))
    narrow = Engine(cpu="x86-64-v3")
    monkeypatch.setattr(linked, "engine", lambda: narrow)
    assert bits(compiled(program)(list(arrays))) == want


def test_how_many_kernels() -> None:
    counts = {name: kernels(built(f, *inputs(2000, 300))) for name, (f, inputs) in CASES.items()}
    assert counts == {
        "softmax": 1,
        "log-softmax": 1,
        "layer norm": 4,
        "cross-entropy": 4,
        "attention": 1,
        "residual": 1,
        "several": 3,
        "double": 1,
    }


def test_the_plan_of_softmax() -> None:
    plan = fuse(simplify(built(softmax, numbers(8, 100))))
    assert str(plan) == "kernel 0: stores %9; keeps %1 %5 %6; reads %0; rows [8] of [100]"


def test_long_rows_are_stored_not_kept() -> None:
    x = numbers(20, 40000)
    plan = fuse(simplify(built(softmax, x)))
    assert str(plan) == "kernel 0: stores %5 %9; keeps %1 %6; reads %0; rows [20] of [40000]"
    agree(built(softmax, x), [x])


PARTS = {
    "gathered": lambda x, at: advanced.take_rows(x, at),
    "turned": lambda x, at: move.permute(x, order=(1, 0, 2)),
}


@pytest.mark.parametrize("operation", [reduce.reduce_sum, reduce.reduce_max])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("rows", "n"), [(40, 64), (7, 192), (700, 128), (3, 65600), (40, 48), (40, 96)])
def test_rows_that_are_no_one_loop_in_memory(part: str, operation: Any, rows: int, n: int) -> None:
    """A reduction over all axes of what does not lie in one piece: the bits of it in one piece, by itself and beside
    an elementwise result. Where no vector leaves a row, nothing is stored for it."""
    x, at = numbers(2, rows, n) if part == "turned" else numbers(rows + 5, n), RNG.integers(0, rows + 5, rows)
    lying = np.ascontiguousarray(x.swapaxes(0, 1) if part == "turned" else x[at])

    def alone(x: Value, at: Value) -> Value:
        return of_all(PARTS[part](x, at) * 3.0)

    def beside(x: Value, at: Value) -> tuple[Value, Value]:
        y = PARTS[part](x, at)
        return of_all((y - 1.0) * 3.0), y * 2.0

    def of_all(y: Value) -> Value:
        return operation(y, axes=tuple(range(y.ndim)))

    whole, parted = built(lambda y: of_all(y * 3.0), lying), built(alone, x, at)
    assert bits(compiled(parted)([x, at])) == bits(compiled(whole)([lying]))
    agree(built(beside, x, at), [x, at])
    assert (kernels(parted) == kernels(whole)) is (n % 64 == 0)
    assert (kernels(built(beside, x, at)) == 1) is (n % 64 == 0 and lying.size <= 1 << 15)


def test_rows_in_chunks() -> None:
    x = numbers(3, 70000)
    agree(built(softmax, x), [x])
    agree(built(lambda x: total(pointwise.sin(x), (0, 1)), x), [x])


def test_a_sum_that_everything_waits_for() -> None:
    """What depends on a kernel through another one cannot join it."""

    def centred(x: Value) -> tuple[Value, Value]:
        rows = total(x)
        mean = total(rows, (0,)) / float(x.aval.size)
        return rows, x - move.broadcast_to(move.reshape(mean, shape=(1, 1)), shape=x.shape)

    x = numbers(200, 300)
    program = built(centred, x)
    assert kernels(program) == 3
    agree(program, [x])


def test_sums_over_the_same_rows_go_side_by_side() -> None:
    """One kernel for the blocks of all, of which each sum goes on by itself; a mean is waited for."""

    def sums(x: Value) -> tuple[Value, ...]:
        return total(x, (0,)), total(x * x, (0,)), reduce.reduce_max(x, axes=(0,))

    def middle(x: Value) -> tuple[Value, ...]:
        return total(x, (1,)), total(x * x, (1,))

    def spread(x: Value) -> Value:
        away = x - along(total(x, (0,)) / float(x.shape[0]), x, (0,))
        return total(away * away, (0,)) - total(away, (0,)) * total(away, (0,))

    for function, shape, count in ((sums, (300, 200), 4), (sums, (4000, 5), 4), (middle, (4, 60, 70), 1)):
        x = numbers(*shape)
        program = built(function, x)
        assert kernels(program) == count
        agree(program, [x])
        together = bits(compiled(program)([x]))
        for k, v in enumerate(program.outputs):
            assert bits(compiled(Program(program.inputs, program.instructions, (v,)))([x])) == [together[k]]
    assert kernels(built(spread, numbers(60, 200))) == 4
    agree(built(spread, numbers(60, 200)), [numbers(60, 200)])


def test_reductions_over_repeated_operands() -> None:
    """A sum over two axes of what repeats along the first: no one loop, so the operand is stored."""

    def both(x: Value, b: Value) -> tuple[Value, Value]:
        y = x + move.broadcast_to(b, shape=x.shape)
        return total(y, (0, 1)), total(y, (1, 2))

    x, b = numbers(4, 5, 6), numbers(5, 6)
    agree(built(both, x, b), [x, b])


def test_planning_time_grows_with_length() -> None:
    def layers(count: int) -> float:
        def deep(x: Value, w: Value, b: Value) -> Value:
            for _ in range(count):
                x = x + softmax(layer_norm(x, w, b))
            return x

        program = simplify(built(deep, numbers(4, 8), numbers(8), numbers(8)))
        start = perf_counter()
        fuse(program)
        return perf_counter() - start

    layers(5)
    short, long = min(layers(20) for _ in range(3)), min(layers(80) for _ in range(3))
    assert long < 10 * short + 0.1


def test_dtypes_are_what_they_were() -> None:
    x = RNG.integers(-50, 50, (40, 30))

    def whole(x: Value) -> tuple[Value, ...]:
        top = along(reduce.reduce_max(x, axes=(1,)), x, (1,))
        hit = pointwise.equal(x, top)
        return hit, total(pointwise.cast(hit, dtype=dtypes.int32)), reduce.reduce_min(x, axes=(0,)), x - top

    agree(built(whole, x), [x])
    agree(built(whole, x.astype(np.int32)), [x.astype(np.int32)])
