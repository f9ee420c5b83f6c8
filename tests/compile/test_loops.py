"""Programs of many kernels: calls in one loop of native code, and parts of one array as buffers of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.pipeline import compile_module, planned
from tenure.errors import OutOfRange
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Program, Value
from tenure.ops import advanced, index, move, pointwise, reduce

F32, I64 = dtypes.float32, dtypes.int64


def descent(turns: int) -> Program:
    """So many turns of w ← w − 0.1 · Σ (w · x), w."""
    b = Builder()
    w, x = b.input(Aval((300,), F32)), b.input(Aval((300,), F32))
    for _ in range(turns):
        w = w - reduce.reduce_sum(w * x, axes=(0,)) * x * 0.1
    return b.extract([0, 1], [w.id])


def main_of(program: Program) -> int:
    """How many instructions the function has that runs the kernels."""
    module = compile_module(program, 256)
    (main,) = [f for f in module.functions if f.name == "main"]
    return sum(len(block.instructions) for block in main.blocks)


def test_the_code_that_runs_kernels_is_as_long_for_many_as_for_few() -> None:
    assert main_of(descent(400)) == main_of(descent(40))


@pytest.mark.parametrize("turns", [1, 2, 3, 7, 40])
def test_a_loop_gives_the_bits_of_its_turns(turns: int) -> None:
    rng = np.random.default_rng(turns)
    arrays = [rng.normal(size=300).astype("float32") for _ in range(2)]
    program = descent(turns)
    (got,), (want,) = compiled(program)([a.copy() for a in arrays]), interpret(program)([a.copy() for a in arrays])
    assert got.tobytes() == want.tobytes() or np.allclose(got, want, 1e-5)


def test_what_is_checked_in_a_turn_is_checked_in_each() -> None:
    b = Builder()
    x = b.input(Aval((8,), F32))
    k = b.input(Aval((1,), I64))
    spec: dict[str, Any] = {"spec": ("a",), "at": 0, "unique": False}
    for _ in range(6):
        k = k + 1
        x = x + reduce.reduce_sum(advanced.gather(x, k, **spec), axes=(0,))
    program = b.extract([0, 1], [x.id])
    run = compiled(program)
    fine = run([np.ones(8, "float32"), np.array([0])])[0]
    assert np.array_equal(fine, interpret(program)([np.ones(8, "float32"), np.array([0])])[0])
    (lost,) = run([np.ones(8, "float32"), np.array([4])])
    assert isinstance(lost.error, OutOfRange)


def parts(b: Builder, x: Value, size: int, count: int) -> list[Value]:
    """x in parts."""
    return [index.getitem(x, b.full((), k * size, I64), spec=((size, 1),)) for k in range(count)]


def test_kernels_that_read_parts_of_an_input_are_one_function() -> None:
    b = Builder()
    packed, h = b.input(Aval((50 * 16,), F32)), b.input(Aval((4, 4), F32))
    for part in parts(b, packed, 16, 50):
        h = pointwise.tanh(h + move.reshape(part, shape=(4, 4)) * reduce.reduce_max(h, axes=(0, 1)))
    program = b.extract([0, 1], [h.id])
    layout = planned(program)
    assert len(layout.plan.subviews) == len(layout.subviews) == 50
    assert len([f for f in compile_module(program, 256).functions if not f.is_declaration]) < 8
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=800).astype("float32"), rng.normal(size=(4, 4)).astype("float32")]
    got, want = compiled(program)([a.copy() for a in arrays])[0], interpret(program)([a.copy() for a in arrays])[0]
    assert np.allclose(got, want, 1e-5)


def test_an_input_that_is_read_otherwise_too_has_no_subviews() -> None:
    for read in (lambda b, x: x * 2.0, lambda b, x: index.additem(x, x, b.full((), 0, I64), spec=((64, 1),))):
        b = Builder()
        x = b.input(Aval((64,), F32))
        found = [*parts(b, x, 16, 4), read(b, x)]
        assert not planned(b.extract([0], [v.id for v in found])).plan.subviews


def test_an_index_that_is_a_part_of_an_input_is_checked() -> None:
    b = Builder()
    x, packed = b.input(Aval((8,), F32)), b.input(Aval((6,), I64))
    spec: dict[str, Any] = {"spec": ("a",), "at": 0, "unique": False}
    out = [advanced.gather(x, part, **spec) for part in parts(b, packed, 2, 3)]
    run = compiled(b.extract([0, 1], [v.id for v in out]))
    a = np.arange(8, dtype="float32")
    assert [g.tolist() for g in run([a, np.array([0, 1, 2, 3, 4, 5])])] == [[0, 1], [2, 3], [4, 5]]
    assert isinstance(run([a, np.array([0, 1, 2, 3, 4, 8])])[2].error, OutOfRange)
