"""Forward and reverse mode give the same derivatives of every elementwise primitive at singular points and in tails."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tenure.ir.program import TABLE
from tests.ops.programs import Array, Arrays, applied, jvp, jvp_of_vjp, value, vjp, vjp_of_vjp
from tests.ops.test_table import SMOOTH
from tests.traits import PLAIN

FINITE = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, 20.0, -20.0, 89.0, -89.0, 750.0, -750.0, 1e-30, 1e30]
POINTS = [*FINITE, np.inf, -np.inf, np.nan]
DTYPES = ("float32", "float64")


def operands(name: str, dtype: str) -> Arrays | None:
    """Every combination of points; nothing for what is not elementwise, or not of floats."""
    count = PLAIN.get(name)
    if count is None or "f" not in TABLE[name].dtypes or name == "complex":
        return None
    points = POINTS if count < 3 else POINTS[::3]
    grid = np.meshgrid(*[np.array(points, dtype)] * count, indexing="ij")
    return [np.ascontiguousarray(x.reshape(-1)) for x in grid]


ELEMENTWISE = [n for n in SMOOTH if operands(n, "float64") is not None]


def same(found: Array, wanted: Array, what: str) -> None:
    tolerance = 1e-5 if found.dtype == np.float32 else 1e-13
    least = float(np.finfo(found.dtype).tiny)
    assert_allclose(found, wanted, rtol=tolerance, atol=least, equal_nan=True, err_msg=what)


def along(xs: Arrays, k: int) -> Arrays:
    """The k-th operand moves; the others are not selected."""
    return [np.full_like(x, 1.0 if j == k else -0.0) for j, x in enumerate(xs)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
@np.errstate(all="ignore")
def test_first_derivatives(name: str, dtype: str) -> None:
    f, xs = applied(TABLE[name], {}), operands(name, dtype)
    assert xs is not None
    one = np.ones_like(value(f, xs))
    back = vjp(f, xs, range(len(xs)), one)
    for k in range(len(xs)):
        same(jvp(f, xs, [k], [one]), back[k], f"by operand {k}")
        same(jvp(f, xs, range(len(xs)), along(xs, k)), back[k], f"by operand {k}, beside others")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
@np.errstate(all="ignore")
def test_second_derivatives(name: str, dtype: str) -> None:
    f, xs = applied(TABLE[name], {}), operands(name, dtype)
    assert xs is not None
    numbers, one = range(len(xs)), np.ones_like(value(f, xs))
    forward = [jvp_of_vjp(f, xs, numbers, one, [*along(xs, j), np.full_like(one, -0.0)]) for j in numbers]
    for k in numbers:
        reverse = vjp_of_vjp(f, xs, numbers, one, along(xs, k))
        for j in numbers:
            same(forward[j][k], reverse[j], f"by operands {k} and {j}")


@pytest.mark.parametrize("name", ELEMENTWISE)
@np.errstate(all="ignore")
def test_nothing_passes_where_nothing_is_selected(name: str) -> None:
    """Whatever the operands: nothing comes back, nor goes on, through an element that is left out."""
    f, xs = applied(TABLE[name], {}), operands(name, "float64")
    assert xs is not None
    none = np.full_like(value(f, xs), -0.0)
    found = [*vjp(f, xs, range(len(xs)), none), jvp(f, xs, range(len(xs)), along(xs, -1))]
    for x in found:
        assert np.array_equal(x, none) and np.signbit(x).all()
