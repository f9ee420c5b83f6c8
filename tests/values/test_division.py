"""Whole numbers divided by 0 raise an error that names the line, in every executor and by whatever path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn
from tenure.values.run import plan
from tests.values.test_integers import EXECUTORS, NARROW, SHAPE, WIDE, large

DIVISIONS: dict[str, Callable[[Any, Any], Any]] = {
    "//": lambda x, y: x // y,
    "%": lambda x, y: x % y,
    "floor_divide": tn.floor_divide,
    "remainder": tn.remainder,
    "//=": lambda x, y: x.mut().__ifloordiv__(y),
    "%=": lambda x, y: x.mut().__imod__(y),
    "fused": lambda x, y: (x + 1) // (y * 2) + 3,
    "vmap": lambda x, y: tn.vmap(lambda a, b: a // b)(x, y),
}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("dtype", [*WIDE, *NARROW])
@pytest.mark.parametrize("name", DIVISIONS)
def test_division_by_zero(name: str, dtype: str, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is a ZeroDivisionError and names the line; the same call with other numbers divides."""
    if EXECUTORS[executor] is not None:
        monkeypatch.setattr(plan, "EXECUTOR", EXECUTORS[executor])
    x = tn.tensor(large(dtype, 1))
    for k in range(4):  # at first sight, compiled, and again
        for place in ((0, 0), (2, 3), (1, 2)):
            y = large(dtype, 2)
            y[place] = 0
            found = DIVISIONS[name](x, tn.tensor(y))
            with pytest.raises(ZeroDivisionError) as caught:
                found.numpy()
            assert isinstance(caught.value, tn.TenureError)
            assert "test_division.py" in str(caught.value)
            with pytest.raises(tn.TenureError):
                (found + 1).numpy()
        assert DIVISIONS[name](x, tn.tensor(large(dtype, 3 + k))).numpy().shape == SHAPE


@pytest.mark.parametrize("dtype", [*WIDE, *NARROW])
def test_division_by_the_number_zero(dtype: str) -> None:
    """Refused at the line that divides, however often it was seen with another number; nothing is written."""
    x = tn.tensor(large(dtype, 1))
    for divisor in (3, 0, 5, False, 2 if dtype[0] == "u" else -2, np.int64(0), 7, 0):
        for name in ("//", "%", "floor_divide", "remainder", "//=", "%="):
            if divisor:
                assert DIVISIONS[name](x, divisor).numpy().dtype == dtype
                continue
            with pytest.raises(ZeroDivisionError):
                DIVISIONS[name](x, divisor)
    place = x.mut()
    with pytest.raises(ZeroDivisionError):
        place //= 0
    assert_array_equal(place.numpy(), x.numpy())


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_number_that_becomes_the_divisor_later(executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if EXECUTORS[executor] is not None:
        monkeypatch.setattr(plan, "EXECUTOR", EXECUTORS[executor])
    x = tn.tensor([7, 8, 9])
    for n in (1, 2, 0, 3, 0):
        for divisor in (tn.full((3,), n), tn.full((), n), tn.full((3,), float(n)).long(), tn.arange(1, 4) * n):
            found = x // divisor
            if n:
                assert_array_equal(found.numpy(), x.numpy() // divisor.numpy())
            else:
                with pytest.raises(ZeroDivisionError):
                    found.numpy()
    for divisor in (tn.full((), 2**32), tn.full((3,), 2**32)):
        with pytest.raises(ZeroDivisionError):
            (x.int() // divisor.int()).numpy()


def test_what_does_not_divide() -> None:
    """No element, or floats, whose quotient is infinite."""
    assert (tn.zeros(0, 2, dtype=tn.int64) // tn.zeros(2, dtype=tn.int64)).shape == (0, 2)
    assert (tn.tensor([1, -1]) / 0).numpy().tolist() == [np.inf, -np.inf]
    assert (tn.tensor([1.0]) // 0).numpy().tolist() == [np.inf]
    y = tn.tensor([2, 0])
    assert tn.where(y == 0, 0, 7 // tn.where(y == 0, 1, y)).numpy().tolist() == [3, 0]


@pytest.mark.parametrize("dtype", [tn.float32, tn.float64, tn.bfloat16])
def test_quotients_beside_infinity(dtype: tn.DType) -> None:
    """⌊x / y⌋ with the sign of x / y (array API); PyTorch's where its keyword says so."""
    ends = [np.inf, -np.inf, 5.0, -5.0, 0.0, -0.0]
    x, y = (tn.tensor(a, dtype=dtype) for a in np.meshgrid(ends, ends))
    endless = tn.isinf(x) | tn.isinf(y)
    wanted = (x / y)[endless].tolist()
    for found in (x // y, tn.floor_divide(x, y), x // y):  # at first sight, and compiled
        assert list(map(str, found[endless].tolist())) == list(map(str, wanted))
    floor = tn.divide(tn.tensor([np.inf, -5.0, 5.0]), tn.tensor([2.0, np.inf, np.inf]), rounding_mode="floor")
    assert list(map(str, floor.tolist())) == ["nan", "-1.0", "0.0"]


def test_a_failed_division_takes_only_what_depends_on_it() -> None:
    place, other = tn.tensor([4, 6]).mut(), tn.tensor([4, 6]).mut()
    bad = place // tn.tensor([1, 0])
    other += 1
    place += bad
    assert other.numpy().tolist() == [5, 7]
    with pytest.raises(ZeroDivisionError):
        place.numpy()
    place[...] = 1
    assert place.numpy().tolist() == [1, 1]
