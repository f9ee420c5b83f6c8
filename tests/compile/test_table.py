"""Tables: every operation is rows, values lie where nobody is in the way, and a run stops and goes on anywhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile.rules import RULES
from tenure.compile.stepwise import op_by_op, stepwise
from tenure.compile.table import Table
from tenure.errors import DivisionByZero, OutOfRange
from tenure.interp.interp import Arrays, Poison
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program, Value
from tenure.runtime import table as rows
from tenure.runtime.extension import AVAILABLE
from tenure.runtime.pauses import NOTED, Paused
from tests import traits
from tests.compile.random_ir import cases, outputs_of
from tests.compile.test_fuzz import copies, same

F32, INT = dtypes.float32, dtypes.int64
PYTHONS = {
    "survives": "the compiler puts others in its place",
    **dict.fromkeys([n for n, of in TABLE.items() if traits.parted(of)], "the compiler parts reductions and scans"),
    "matmul": "the library multiplies floats, of batches that are one or alike",
    "matmul_transposed": "the library multiplies floats, of batches that are one or alike",
}
"""The operations that are Python's turn, some for some operands, and why."""


def built(primitive: Any, arrays: Any, params: Any) -> Program:
    """One operation."""
    b = Builder()
    xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype))) for a in arrays]
    return b.extract([x.id for x in xs], [b.emit(primitive, xs, params).id])


def whole(program: Program) -> list[Any]:
    """The rules of a program."""
    return [rule.whole(at) for rule, at in zip(Table(program).rules, program.applications, strict=True)]


@pytest.mark.parametrize("name", TABLE)
def test_every_operation_is_rows_or_has_a_reason(name: str) -> None:
    of = TABLE[name]
    programs = [built(of, xs, params) for dtype in traits.dtypes_of(of) for xs, params in traits.samples(of, dtype)]
    native = [rule.native for program in programs for rule in whole(program)]
    assert name in PYTHONS or all(native)
    assert not (name in PYTHONS and all(native)), "it has no need of a reason"


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64])
def test_products_of_floats_are_rows(dtype: Any) -> None:
    for x, y in (((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (4, 5))):
        program = built(TABLE["matmul"], [np.ones(x, dtype.numpy), np.ones(y, dtype.numpy)], {})
        assert whole(program)[0].native


# -- memory


def chain(count: int, shape: tuple[int, ...], kept: bool = False) -> Program:
    """x ← sin x + x, so many times; the first result is one of the program's if it is kept."""
    b = Builder()
    x = first = b.input(Aval(shape, F32))
    for k in range(count):
        x = TABLE["sin"](x) + x
        first = x if k == 0 else first
    return b.extract([0], [first.id, x.id] if kept else [x.id])


def test_the_arena_does_not_grow_with_the_program() -> None:
    assert Table(chain(1000, (64,))).top == Table(chain(10, (64,))).top


def test_results_are_arrays_of_their_own() -> None:
    small, last = stepwise(chain(3, (5, 7), kept=True))([np.ones((5, 7), np.float32)])
    assert small.base is None and last.base is None and not np.shares_memory(small, last)


def test_a_reshaped_value_is_no_copy_and_each_result_is_one() -> None:
    b = Builder()
    x = b.input(Aval((2, 3), F32))
    y = TABLE["sin"](x)
    flat = TABLE["reshape"](y, shape=(6,))
    program = b.extract([0], [flat.id, y.id, TABLE["reshape"](x, shape=(3, 2)).id, x.id, flat.id])
    given = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = stepwise(program)([given])
    assert [f.shape for f in found] == [(6,), (2, 3), (3, 2), (2, 3), (6,)]
    assert not np.shares_memory(found[0], found[1]) and not np.shares_memory(found[2], given)
    np.testing.assert_array_equal(found[2].ravel(), given.ravel())
    np.testing.assert_array_equal(found[0], found[1].ravel())


def writes(count: int) -> Program:
    """So many elements set, one after the other, and what is left of the sum."""
    b = Builder()
    x, v = b.input(Aval((1000,), F32)), b.input(Aval((), F32))
    for k in range(count):
        x = TABLE["setitem"](x, v, b.constant(k, INT), spec=("i",))
    return b.extract([0, 1], [TABLE["reduce_sum"](x, axes=(0,)).id])


def test_what_is_written_and_only_read_then_is_written_in_the_array_that_is_handed_over() -> None:
    run, x = stepwise(writes(3)), np.zeros(1000, np.float32)
    assert run([x, np.array(2, np.float32)])[0] == 6 and not x.any()
    ((made, given),) = run.table.donors
    assert run.table.made[made] >= 2 and given == 0
    handed, kept = [x, np.array(2, np.float32)], x.ctypes.data
    del x
    assert run(handed)[0] == 6
    assert run.native.held == {0: 1} and any(y.ctypes.data == kept for y in handed if type(y) is np.ndarray)


def test_zeros_of_both_signs_are_two_numbers() -> None:
    b = Builder()
    outputs = [b.emit(TABLE["full"], [], {"shape": (), "value": v, "dtype": F32}).id for v in (0.0, -0.0, 0, 1, True)]
    found = stepwise(b.extract([], outputs))([])
    assert [np.signbit(x) for x in found] == [False, True, False, False, False]


def test_rules_do_not_stay_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenure.compile.rules.MOST", 20)
    for n in range(1, 60):
        run = stepwise(chain(2, (n,)))
        np.testing.assert_array_equal(run([np.zeros(n, np.float32)])[0], np.zeros(n))
    assert len(RULES) <= 20


# -- failures and turns


def failing(b: Builder) -> tuple[list[Value], list[Value]]:
    """A read that fails, what depends on it, and what does not, before and behind it; a write in place behind all."""
    x, i, n = b.input(Aval((4,), F32)), b.input(Aval((2,), INT)), b.input(Aval((2,), INT))
    before = TABLE["sin"](x) * 2.0
    b.origin = 7
    read = TABLE["gather"](before, i, spec=("a",), at=0, unique=False)
    b.origin = 8
    behind = TABLE["cos"](before) + x
    b.origin = 9
    divided = TABLE["floor_divide"](n, n)
    b.origin = 10
    written = TABLE["setitem"](behind, read, b.constant(0, INT), spec=((2, 1),))
    return [x, i, n], [before, read + read, behind, divided, written]


@pytest.mark.parametrize("index", [[0, 3], [0, 4], [-5, 0]])
@pytest.mark.parametrize("divisor", [[1, 2], [3, 0]])
def test_a_failed_check_poisons_what_depends_on_it(index: list[int], divisor: list[int]) -> None:
    b = Builder()
    xs, outputs = failing(b)
    program = b.extract([x.id for x in xs], [y.id for y in outputs])
    arrays = [np.arange(4, dtype=np.float32), np.array(index), np.array(divisor)]
    found, want = (run(program)(copies(arrays)) for run in (stepwise, op_by_op))
    assert same(found, want)
    bad, none = index != [0, 3], 0 in divisor
    assert [type(y) is Poison for y in found] == [False, bad, False, none, bad]
    for y, error, origin in ((found[1], OutOfRange, 7), (found[4], OutOfRange, 7), (found[3], DivisionByZero, 9)):
        if type(y) is Poison:
            assert isinstance(y.error, error) and y.origin == origin


def test_failed_values_may_come_in() -> None:
    b = Builder()
    x, y = b.input(Aval((4,), F32)), b.input(Aval((4,), F32))
    poison = Poison(ValueError("earlier"), 3)
    found = stepwise(b.extract([0, 1], [(x + y).id, (y + y).id]))([poison, np.ones(4, np.float32)])
    assert found[0] is poison
    np.testing.assert_array_equal(found[1], [2, 2, 2, 2])


def turning(count: int) -> Program:
    """Rows and turns of Python by turns."""
    b = Builder()
    x = b.input(Aval((6,), INT))
    outputs = []
    for _ in range(count):
        last = TABLE["survives"](x, sizes=(4,))
        x = x * TABLE["cast"](last, dtype=INT)
        outputs.append(last)
    return b.extract([0], [*[o.id for o in outputs], x.id])


def test_python_takes_its_turns() -> None:
    for index in ([3, 1, 3, 2, 1, 0], [3, 1, 9, 2, 1, 0]):  # one that fails, too
        given = [np.array(index)]
        assert same(*[run(turning(3))(copies(given)) for run in (stepwise, op_by_op)])


# -- threads and interrupts


def test_threads_may_run_one_table_at_once() -> None:
    run, wrong = stepwise(chain(40, (300,))), []
    given = np.linspace(0, 1, 300, dtype=np.float32)
    want = run([given.copy()])[0].tobytes()

    def work() -> None:
        wrong.extend([1 for _ in range(50) if run([given.copy()])[0].tobytes() != want])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.fixture
def short() -> Iterator[None]:
    """Every row is long, and a signal is always noted."""
    before = rows.long.value
    rows.long.value = 0
    NOTED.append(2)
    yield
    NOTED.clear()
    rows.long.value = before


def with_pauses(program: Program, arrays: list[Any], numbers: list[Any]) -> tuple[list[Any], int]:
    """What a program gives that is gone on with at each pause, and how many there were."""
    run, state, count = stepwise(program), Arrays(arrays), 0
    arrays.clear()
    while True:
        try:
            return (state.code or run)(state, numbers), count
        except Paused:
            count += 1


@pytest.mark.skipif(not AVAILABLE, reason="programs are paused by generated builtins")
@pytest.mark.parametrize("seed", range(8))
def test_a_program_that_pauses_before_each_row_gives_the_same(seed: int, short: None) -> None:
    r = cases(seed, 3)
    program, arrays, numbers = r.finish(outputs_of(r))
    NOTED.clear()
    want = op_by_op(program)(copies(arrays), numbers)
    NOTED.append(2)
    found, count = with_pauses(program, copies(arrays), numbers)
    assert same(found, want) and count


@pytest.mark.skipif(not AVAILABLE, reason="programs are paused by generated builtins")
def test_turns_and_failures_pause_too(short: None) -> None:
    b = Builder()
    xs, outputs = failing(b)
    program = b.extract([x.id for x in xs], [y.id for y in outputs])
    for each, arrays in (
        (turning(3), [np.array([3, 1, 3, 2, 1, 0])]),
        (turning(3), [np.array([3, 1, 9, 2, 1, 0])]),
        (program, [np.arange(4, dtype=np.float32), np.array([0, 4]), np.array([1, 0])]),
    ):
        NOTED.clear()
        want = op_by_op(each)(copies(arrays))
        NOTED.append(2)
        found, count = with_pauses(each, copies(arrays), [])
        assert same(found, want) and count > 2
