"""Scans: compiled programs, functions of any size and NumPy give the same bits, in the order that is stated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure.ops  # noqa: F401  (fills the table)
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program
from tenure.ops.order import SPAN
from tenure.ops.scan import STEPS

ROOT = Path(__file__).parents[2]
SHAPES = [((1,), 0), ((SPAN,), 0), ((9 * SPAN + 5,), 0), ((17, 21), 1), ((9, 2 * SPAN + 9), 1), ((40, SPAN + 17), 1)]
SHAPES += [((7, 3), 0), ((SPAN + 1, 2), 0), ((2, 33, 150), 1), ((2 * SPAN + 3, 67), 0), ((0, 4), 1), ((3, 0), 1)]
CHOSEN = [SHAPES[k] for k in (2, 4, 9)]
UFUNCS = {"cumsum": np.add, "cumprod": np.multiply, "cummax": np.maximum, "cummin": np.minimum}


def program(name: str, arrays: list[Any], **params: Any) -> Program:
    """One scan."""
    b = Builder()
    xs = [b.input(Aval(a.shape, dtypes.as_dtype(a.dtype))) for a in arrays]
    if name == "cumprod":
        params.setdefault("exclusive", False)
    return b.extract([x.id for x in xs], [b.emit(TABLE[name], xs, params).id])


def operands(name: str, shape: tuple[int, ...], dtype: str) -> list[Any]:
    """Numbers of many sizes, so that another order would give other bits; factors near 1."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(shape)
    if dtype.startswith("int"):
        return [(1000 * x).astype(dtype)]
    wide = (x * np.exp2(rng.integers(-8, 8, shape))).astype(dtype)
    near = (1 + x / 100).astype(dtype)
    return {"cumprod": [near], "recurrence": [near, wide]}.get(name, [wide])


def same_ways(name: str, arrays: list[Any], **params: Any) -> Any:
    """The result, whose bits all ways to run it give."""
    one = program(name, arrays, **params)
    first, *others = (run(one)([np.array(a) for a in arrays])[0] for run in (interpret, stepwise, compiled))
    kept = first == first
    for other in others:
        assert other.shape == first.shape and other.dtype == first.dtype
        np.testing.assert_array_equal(other == other, kept)
        assert other[kept].tobytes() == first[kept].tobytes()
    return first


CASES = [(p.name, shape, axis) for p in STEPS for shape, axis in (SHAPES if p.name == "cumsum" else CHOSEN)]


@pytest.mark.parametrize(("name", "shape", "axis"), CASES)
def test_all_ways_give_the_same_bits(name: str, shape: tuple[int, ...], axis: int) -> None:
    for k, dtype in enumerate(["float32", "float64", *["int64"] * (name != "recurrence")]):
        reverse = (sum(shape) + k) % 2 == 0
        x = operands(name, shape, dtype)
        found = same_ways(name, x, axis=axis, reverse=reverse)
        if name == "recurrence" or not x[0].size:
            continue
        wide = np.dtype("float64" if dtype == "float32" else dtype)
        turned = np.flip(x[0], axis) if reverse else x[0]
        want = UFUNCS[name].accumulate(turned.astype(wide), axis=axis, dtype=wide)
        want = np.flip(want, axis) if reverse else want
        near = {"rtol": 3e-7 if dtype == "float32" else 1e-12, "atol": 1e-13 * float(np.abs(want).max())}
        np.testing.assert_allclose(found, want.astype(dtype), **near)


def test_sums_of_float32_are_rounded_once() -> None:
    x = operands("cumsum", (3, 5000), "float32")[0]
    exact = np.cumsum(x.astype("f8"), 1)
    found = same_ways("cumsum", [x], axis=1, reverse=False)
    assert (np.abs(found - exact) <= 0.501 * np.spacing(np.abs(exact).astype("f4"))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_numbers_that_are_not_negative_never_fall(dtype: str) -> None:
    x = np.abs(operands("cumsum", (20000,), dtype)[0])
    x[::3] = 0
    for axis, y in ((0, x), (1, np.stack([x] * 9)), (0, np.stack([x] * 3, 1))):
        found = same_ways("cumsum", [y], axis=axis, reverse=False)
        assert (np.diff(found, axis=axis) >= 0).all()


def test_nan_and_zeros() -> None:
    x = np.array([[1, np.nan, 3, -np.inf], [-0.0, 0.0, -0.0, np.inf]], "f4")
    found = same_ways("cummax", [x], axis=1, reverse=False)
    assert np.isnan(found[0, 1:]).all() and found[1].tolist() == [0, 0, 0, np.inf]
    assert np.signbit(found[1]).tolist() == [True, False, True, False]
    assert np.signbit(same_ways("cumsum", [np.full(5, -0.0)], axis=0, reverse=False)).all()
    b = same_ways("recurrence", [np.array([7.0, 0.0, 2.0]), np.array([1.0, 2.0, 3.0])], axis=0, reverse=False)
    assert b.tolist() == [1.0, 2.0, 7.0]


PROGRAM = """
import hashlib, numpy as np, tenure as tn
rng, h = np.random.default_rng(0), hashlib.sha256()
for shape, axis in (((300000,), 0), ((300, 1025), 1), ((3000, 150), 0)):
    x = tn.tensor(rng.standard_normal(shape).astype("f4"), requires_grad=True)
    for _ in range(3):
        y = x.cumsum(axis) + (1 + x / 1000).cumprod(axis) + x.logcumsumexp(axis) + x.cummax(axis).values
        y = y + (1 + x / 1000).prod(axis=axis, keepdims=True)
        (g,) = tn.autograd.grad((y * y).sum(), x)
        h.update(y.detach().numpy().tobytes() + g.numpy().tobytes())
print(h.hexdigest())
"""


def test_any_number_of_threads_gives_the_same_bits() -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TENURE_") or k == "TENURE_CACHE_DIR"}
    kept["PYTHONPATH"] = str(ROOT / "src")
    found = set()
    for way in ({"TENURE_NUM_THREADS": "1"}, {"TENURE_NUM_THREADS": "3", "TENURE_EXECUTOR": "compiled"}):
        done = subprocess.run([sys.executable, "-c", PROGRAM], env={**kept, **way}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1
