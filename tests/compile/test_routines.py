"""Routines by themselves: their results are NumPy's, and nothing is written outside of the result and its room."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from tenure.compile.generic_library import function, provide
from tenure.compile.routines import emitter
from tenure.ops.order import FEW, LONG, SHORT, room_of

ROUTINE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
CANARY = -0x0123456789ABCDEF
RNG = np.random.default_rng(3)
LARGEST = {"int32": 2**31 - 1, "int64": 2**63 - 1}


def call(name: str, arrays: list[Any], numbers: list[int]) -> None:
    found = function(name, emitter(name))
    provide([found])
    buffers = (ctypes.c_int64 * len(arrays))(*[a.ctypes.data for a in arrays])
    assert ROUTINE(found.address)(buffers, (ctypes.c_int64 * len(numbers))(*numbers)) == 0


def guarded(words: int) -> Any:
    return np.full(words + 16, CANARY)


def intact(a: Any) -> bool:
    return bool((a[:8] == CANARY).all() and (a[-8:] == CANARY).all())


def ordered(keys: Any, start: int, length: int) -> Any:
    (rows, n), bits = keys.shape, 8 * keys.itemsize
    groups, size = room_of(rows, n, bits)
    out, room, at = guarded(rows * length), guarded(-(-groups * size // 8)), np.array(start)
    call(f"order{bits}", [keys, at, out[8:], room[8:]], [rows, n, length, groups, size])
    assert intact(out) and intact(room)
    return out[8:-8].reshape(rows, length)


@pytest.mark.parametrize("dtype", LARGEST)
@pytest.mark.parametrize("n", [1, 7, SHORT, SHORT + 1, 300, 2500, LONG - 1, LONG, 3 * LONG + 5])
def test_any_part_of_the_order_is_numpys(n: int, dtype: str) -> None:
    for top in (0, 5, 2**20, LARGEST[dtype]):
        keys = RNG.integers(-top - 1, top, (1 if n >= LONG else 5, n), dtype, endpoint=True)
        order = np.argsort(keys, -1, kind="stable")
        parts = {(0, n), (n // 2, 1), (0, min(n, FEW)), (n - 1, 1), (n // 3, min(n - n // 3, 40)), (0, n // 8)}
        for start, length in parts - {(0, 0)}:
            np.testing.assert_array_equal(ordered(keys, start, length), order[:, start : start + length])
        np.testing.assert_array_equal(ordered(keys, -9, 1), order[:, :1])
        np.testing.assert_array_equal(ordered(keys, n + 9, 1), order[:, n - 1 :])


@pytest.mark.parametrize("dtype", LARGEST)
def test_sorted_and_equal_keys(dtype: str) -> None:
    for n in (SHORT, 200, 5000, 2 * LONG):
        up = np.arange(n, dtype=dtype)[None] - n // 2
        np.testing.assert_array_equal(ordered(up, 0, n), np.arange(n)[None])
        for keys in (up, up[:, ::-1].copy(), np.zeros_like(up), up // (n // 3), np.full_like(up, LARGEST[dtype])):
            order = np.argsort(keys, -1, kind="stable")
            for start, length in ((0, n), (0, FEW), (n // 2, 1), (n - 3, 3)):
                np.testing.assert_array_equal(ordered(keys, start, length), order[:, start : start + length])


@pytest.mark.parametrize("dtype", LARGEST)
def test_searches_are_numpys(dtype: str) -> None:
    for n, m in ((0, 5), (1, 9), (2, 3), (1000, 5000), (7, 8), (64, 1)):
        for lists in (1, 3):
            known = np.sort(RNG.integers(-20, 20, (lists, n), dtype), -1)
            keys, out = RNG.integers(-25, 25, (3, m), dtype), guarded(3 * m)
            for behind, side in enumerate(("left", "right")):
                call(f"search{8 * keys.itemsize}", [known, keys, out[8:]], [lists, n, 3, m, behind])
                wanted = [np.searchsorted(known[k % lists], keys[k], side) for k in range(3)]
                np.testing.assert_array_equal(out[8:-8].reshape(3, m), wanted)
                assert intact(out)
