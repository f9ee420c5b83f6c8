"""Reductions: compiled programs and the functions of any size give the same bits, in the order that is stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.generic_calls import Generic
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program
from tenure.ops.reduce import ordered
from tests import traits

RNG = np.random.default_rng(11)
OPERATIONS = {n: p.lower.operation for n, p in TABLE.items() if traits.reduces(p) and not traits.parted(p)}
ROUNDED = {"reduce_sum": "add", "reduce_prod": "multiply"}
EXTREMES = {n: operation for n, operation in OPERATIONS.items() if n not in ROUNDED}
ROWS = [0, 1, 2, 3, 7, 10, 16, 17, 31, 33, 63, 64, 65, 100, 128, 129, 257, 1000, 65535, 65536, 65537, 200001]
COLUMNS = [(0, 3), (1, 5), (2, 2), (63, 17), (64, 3), (65, 40), (128, 16), (129, 7), (1000, 33), (4097, 2), (5000, 19)]
CASES = [(n, d.name) for n in OPERATIONS for d in traits.few(TABLE[n], "folds")]
each = pytest.mark.parametrize(("name", "dtype"), CASES)


def numbers(shape: tuple[int, ...], dtype: str) -> Any:
    """Numbers of many sizes, so that another order would give other bits."""
    if dtype == "bool":
        return RNG.integers(0, 2, shape).astype(bool)
    if dtypes.as_dtype(dtype).kind in "iu":
        return RNG.integers(-1000, 1000, shape).astype(dtype)
    return (RNG.standard_normal(shape) * np.exp2(RNG.integers(-8, 8, shape))).astype(dtype)


def factors(name: str, x: Any) -> Any:
    """Numbers near 1 for a product of floats, which stays in range."""
    return np.exp2(x / 1e3).astype(x.dtype) if name == "reduce_prod" and x.dtype.kind == "f" else x


def program(name: str, x: Any, axes: tuple[int, ...]) -> Program:
    """One reduction."""
    b = Builder()
    v = b.input(Aval(x.shape, dtypes.as_dtype(x.dtype)))
    return b.extract([v.id], [b.emit(TABLE[name], [v], {"axes": axes}).id])


def native(name: str, x: Any, axes: tuple[int, ...]) -> Any:
    (found,) = compiled(program(name, x, axes))([x])
    return found


def generic(name: str, x: Any, axes: tuple[int, ...]) -> Any:
    """Fold by fold, as the definition says."""
    return Generic(program(name, x, axes).instructions[0])(x)


def same_bits(x: Any, y: Any) -> None:
    assert x.shape == y.shape and x.dtype == y.dtype
    np.testing.assert_array_equal(np.isnan(x), np.isnan(y)) if x.dtype.kind == "f" else None
    kept = ~np.isnan(x) if x.dtype.kind == "f" else np.ones(x.shape, bool)
    assert x[kept].tobytes() == y[kept].tobytes()


def plain(x: Any) -> Any:
    """A column in the stated order."""
    while len(x) > 8:
        x = np.array([plain(x[k : k + 8]) for k in range(0, len(x), 8)])
    total = x[0]
    for y in x[1:]:
        total = total + y
    return total


@each
def test_rows(name: str, dtype: str) -> None:
    for n in ROWS if name in ROUNDED else ROWS[1:]:
        x = factors(name, numbers((2, n) if n > 5000 else (5, n), dtype))
        same_bits(native(name, x, (1,)), generic(name, x, (1,)))


@each
def test_columns(name: str, dtype: str) -> None:
    for n, inner in COLUMNS if name in ROUNDED else COLUMNS[1:]:
        x = factors(name, numbers((2, n, inner), dtype))
        same_bits(native(name, x, (1,)), generic(name, x, (1,)))


@each
@pytest.mark.parametrize("axes", [(), (0,), (0, 2), (1, 3), (0, 1, 3), (0, 2, 3), (1, 2), (0, 1, 2, 3)])
def test_axes_in_several_runs(name: str, dtype: str, axes: tuple[int, ...]) -> None:
    for shape in [(3, 4, 5, 6), (2, 1, 70, 3), (1, 1, 3, 1), (66, 2, 1, 67)]:
        x = factors(name, numbers(shape, dtype))
        found = native(name, x, axes)
        same_bits(found, generic(name, x, axes))
        np.testing.assert_allclose(
            found,
            getattr(np, name[7:])(x, axis=axes, dtype=x.dtype)
            if name in ROUNDED
            else getattr(np, name[7:])(x, axis=axes),
            rtol=1e-5,
            atol=1e-3,
        )


def test_the_stated_order_of_columns() -> None:
    for n in (5, 8, 9, 64, 65, 520, 4100):
        x = numbers((n, 2), "float32")
        same_bits(native("reduce_sum", x, (0,)), plain(x))


def test_the_stated_order_of_rows() -> None:
    for n in (5, 64, 100, 520, 600, 4200, 33000, 70000):
        x = numbers((n,), "float32")
        parts = [lanes(x[k : k + 65536]) for k in range(0, n, 65536)]
        want = parts[0] if len(parts) == 1 else lanes(np.array(parts))
        same_bits(np.asarray(native("reduce_sum", x, (0,))), np.asarray(want))


def lanes(x: Any) -> Any:
    """Up to 65536 elements of a row in the stated order."""
    return plain(np.array([tree(x[k : k + 512]) for k in range(0, len(x), 512)]))


def tree(x: Any) -> Any:
    """Up to 512 elements of a row in the stated order."""
    total = plain(np.concatenate([x, np.full(-len(x) % 64, -0.0, x.dtype)]).reshape(-1, 64))
    while len(total) > 1:
        half = len(total) // 2
        total = total[:half] + total[half:]
    return total[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axes", [(), (0,), (2,), (0, 2), (1, 3), (0, 1, 2, 3)])
def test_the_order_that_the_primitive_states(dtype: str, axes: tuple[int, ...]) -> None:
    for shape in [(3, 4, 5, 6), (2, 1, 70, 3), (600, 2, 1, 67), (9, 0, 3, 2)]:
        for name, ufunc in ROUNDED.items():
            x = factors(name, numbers(shape, dtype))
            same_bits(native(name, x, axes), ordered(np, x, axes, ufunc))


def test_more_chunks_than_one_group_of_lanes_takes() -> None:
    x = np.tile(numbers((1 << 20,), "float32"), 34)
    found = native("reduce_sum", x, (0,))
    same_bits(found, generic("reduce_sum", x, (0,)))
    same_bits(found, ordered(np, x, (0,)))


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_anywhere_gives_nan(name: str, dtype: str) -> None:
    for n in (1, 5, 16, 64, 65, 130, 257):
        x = np.tile(numbers((n,), dtype), (n + 1, 1))
        x[np.arange(n), np.arange(n)] = np.nan
        for run, y in (((1,), x), ((0,), np.ascontiguousarray(x.T))):
            found = native(name, y, run)
            assert np.isnan(found[:n]).all()
            assert found[n] == getattr(np, OPERATIONS[name])(x[n])
            same_bits(found, generic(name, y, run))


def test_zeros_keep_their_signs() -> None:
    for n in (1, 3, 16, 70, 300):
        x = np.full((2, n), -0.0, np.float32)
        for axes in ((1,), (0,)):
            for name in ("reduce_sum", *EXTREMES):
                assert np.signbit(native(name, x, axes)).all()
