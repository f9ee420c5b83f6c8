"""Executors that run op by op: failures stay where they are, buffers belong to whom they should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure.ops  # noqa: F401  (fills the table)
from tenure.compile.stepwise import op_by_op, stepwise
from tenure.dtypes import float64, int64
from tenure.errors import OutOfRange
from tenure.interp import interp
from tenure.interp.interp import Poison
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Value
from tenure.ops.advanced import add_rows, take_rows

interpret: Any = None
"""The executor under test."""


@pytest.fixture(autouse=True, params=[interp.interpret, op_by_op, stepwise])
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them, in turn."""
    monkeypatch.setitem(globals(), "interpret", request.param)


X = Aval((4,), float64)
INDEX = Aval((2,), int64)


def at(x: Value, number: int) -> Value:
    return x.builder.constant(number, int64)


def test_a_failure_poisons_only_what_depends_on_it() -> None:
    b = Builder()
    x, i = b.input(X), b.input(INDEX)
    b.origin = 5
    picked = take_rows(x, i)
    b.origin = 6
    outputs = [TABLE["sin"](picked), x + x, picked * 2.0]
    run = interpret(b.extract([x.id, i.id], [y.id for y in outputs]))
    bad, good, also = run([np.ones(4), np.array([0, 9])])
    for poison in (bad, also):
        assert isinstance(poison, Poison) and poison.origin == 5
        assert isinstance(poison.error, OutOfRange)
    assert_array_equal(np.asarray(good), [2, 2, 2, 2])
    assert not any(isinstance(y, Poison) for y in run([np.ones(4), np.array([0, -1])]))


def test_poison_that_comes_in_goes_on() -> None:
    b = Builder()
    x, y = b.input(X), b.input(X)
    poison = Poison(ValueError("earlier"), 3)
    found = interpret(b.extract([x.id, y.id], [(x + y).id, (y + y).id]))([poison, np.ones(4)])
    assert found[0] is poison
    assert_array_equal(np.asarray(found[1]), [2, 2, 2, 2])


def test_a_failed_write_leaves_its_base() -> None:
    b = Builder()
    x, i, v = b.input(X), b.input(INDEX), b.input(Aval((2,), float64))
    once = add_rows(x, v, i)
    run = interpret(b.extract([x.id, i.id, v.id], [once.id]))
    base = np.zeros(4)
    (found,) = run([base, np.array([1, 4]), np.ones(2)])
    assert isinstance(found, Poison)
    assert_array_equal(base, 0)


def chain(reads: bool) -> tuple[Any, Array]:
    """Two writes of one buffer, the value between them kept or not."""
    b = Builder()
    x, v = b.input(X), b.input(Aval((), float64))
    one = TABLE["setitem"](x, v, at(x, 0), spec=("i",))
    two = TABLE["setitem"](one, v, at(x, 1), spec=("i",))
    return interpret(b.extract([x.id, v.id], [one.id, two.id] if reads else [two.id])), np.zeros(4)


Array = np.ndarray[Any, Any]


def test_a_value_that_is_read_later_is_not_overwritten() -> None:
    run, x = chain(reads=True)
    one, two = run([x, np.array(7.0)])
    assert_array_equal(one, [7, 0, 0, 0])
    assert_array_equal(two, [7, 7, 0, 0])
    assert_array_equal(x, 0)
    assert not np.shares_memory(one, two)


def test_a_chain_of_writes_is_one_buffer() -> None:
    run, x = chain(reads=False)
    address = x.ctypes.data
    inputs = [x, np.array(7.0)]
    del x
    (two,) = run(inputs)
    assert two.ctypes.data == address


@pytest.mark.parametrize("locked", [False, True])
def test_what_cannot_be_written_is_copied(locked: bool) -> None:
    run, x = chain(reads=False)
    if locked:
        x.flags.writeable = False
        (found,) = run([x, np.array(7.0)])
    else:  # a view of a buffer that somebody else has
        (found,) = run([x[:], np.array(7.0)])
    assert_array_equal(x, 0)
    assert_array_equal(found, [7, 7, 0, 0])


def test_a_view_keeps_its_base_from_being_written() -> None:
    b = Builder()
    x, v = b.input(X), b.input(Aval((), float64))
    turned = TABLE["reshape"](x, shape=(2, 2))
    part = TABLE["getitem"](x, at(x, 0), spec=((3, 1),))
    end = TABLE["setitem"](x, v, at(x, 0), spec=("i",))
    run = interpret(b.extract([x.id, v.id], [turned.id, part.id, end.id]))
    turned_, part_, end_ = run([np.arange(4.0), np.array(9.0)])
    assert_array_equal(np.asarray(turned_), [[0, 1], [2, 3]])
    assert_array_equal(np.asarray(part_), [0, 1, 2])
    assert_array_equal(np.asarray(end_), [9, 1, 2, 3])


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("permute", {"order": (1, 0)}),
        ("flip", {"axes": (0,)}),
        ("broadcast_to", {"shape": (2, 3, 4)}),
        ("getitem", {"spec": ("i", ":")}),
        ("pad", {"widths": ((-1, -1), (0, 0))}),
    ],
)
def test_results_are_contiguous_and_writable(name: str, params: dict[str, Any]) -> None:
    b = Builder()
    x = b.input(Aval((3, 4), float64))
    starts = [at(x, 1)] if name == "getitem" else []
    (found,) = interpret(b.extract([x.id], [b.emit(TABLE[name], [x, *starts], params).id]))([np.ones((3, 4))])
    assert isinstance(found, np.ndarray)
    assert found.flags.c_contiguous and found.flags.writeable
    assert found.base is None or found.base.nbytes < 2 * found.nbytes


def test_running_twice_gives_the_same() -> None:
    b = Builder()
    x = b.input(X)
    run = interpret(b.extract([x.id], [TABLE["additem"](x, x, spec=(":",)).id]))
    for _ in range(2):
        (found,) = run([np.arange(4.0)])
        assert_array_equal(np.asarray(found), [0, 2, 4, 6])
