"""Derivatives where they are infinite, undefined or shared: no cotangent never becomes NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tenure.dtypes import as_dtype
from tenure.ir.program import TABLE, Builder, Value
from tests.ops.programs import Array, applied, jvp, jvp_of_vjp, value, vjp
from tests.ops.test_table import SMOOTH, smooth_cases

INF, NAN = float("inf"), float("nan")

# primitive, operands, the partial derivatives there
SINGULAR: list[tuple[str, tuple[float, ...], tuple[float, ...]]] = [
    ("sqrt", (0.0,), (INF,)),
    ("log", (0.0,), (INF,)),
    ("exp", (INF,), (INF,)),
    ("exp", (-INF,), (0.0,)),
    ("expm1", (INF,), (INF,)),
    ("expm1", (-INF,), (0.0,)),
    ("log1p", (-1.0,), (INF,)),
    ("sigmoid", (INF,), (0.0,)),
    ("sigmoid", (-INF,), (0.0,)),
    ("erf", (INF,), (0.0,)),
    ("ndtr", (INF,), (0.0,)),
    ("ndtr", (-INF,), (0.0,)),
    ("exp_product", (-INF, 2.0), (0.0, NAN)),
    ("exp_product", (1e300, -1e300), (0.0, 0.0)),
    ("asin", (1.0,), (INF,)),
    ("asin", (-1.0,), (INF,)),
    ("acos", (1.0,), (-INF,)),
    ("acosh", (1.0,), (INF,)),
    ("atanh", (-1.0,), (INF,)),
    ("atan", (INF,), (0.0,)),
    ("asinh", (-INF,), (0.0,)),
    ("log2", (0.0,), (INF,)),
    ("log10", (0.0,), (INF,)),
    ("exp2", (-INF,), (0.0,)),
    ("erfc", (INF,), (0.0,)),
    ("erfinv", (1.0,), (INF,)),
    ("sinc", (0.0,), (0.0,)),
    ("lgamma", (0.0,), (-INF,)),
    ("digamma", (0.0,), (INF,)),
    ("i0", (0.0,), (0.0,)),
    ("i1", (0.0,), (0.5,)),
    ("i1e", (0.0,), (0.5,)),
    ("mantissa", (0.0,), (1.0,)),
    ("mantissa", (6.0,), (0.125,)),
    ("hypot", (0.0, 0.0), (NAN, NAN)),
    ("hypot", (0.0, 2.0), (0.0, 1.0)),
    ("atan2", (0.0, 0.0), (0.0, 0.0)),
    ("atan2", (1.0, 0.0), (0.0, -1.0)),
    ("copysign", (0.0, -1.0), (0.0, 0.0)),
    ("copysign", (INF, -1.0), (-1.0, 0.0)),
    ("logaddexp", (INF, INF), (0.5, 0.5)),
    ("logaddexp", (-INF, 0.0), (0.0, 1.0)),
    ("fmod", (-7.0, 2.0), (1.0, 3.0)),
    ("divide", (1.0, 0.0), (INF, -INF)),
    ("divide", (0.0, 0.0), (INF, NAN)),
    ("absolute", (0.0,), (0.0,)),
    ("absolute", (-2.0,), (-1.0,)),
    ("power", (0.0, 0.0), (0.0, 0.0)),
    ("power", (0.0, 1.0), (1.0, 0.0)),
    ("power", (0.0, 2.0), (0.0, 0.0)),
    ("power", (0.0, 0.5), (INF, 0.0)),
    ("power", (0.0, -1.0), (-INF, -INF)),
    ("power", (-2.0, 2.0), (-4.0, NAN)),
    ("power", (-2.0, 3.0), (12.0, NAN)),
    ("power", (NAN, 0.0), (0.0, NAN)),
    ("power", (2.0, 0.0), (0.0, np.log(2.0))),
    ("maximum", (1.0, 1.0), (0.5, 0.5)),
    ("maximum", (0.0, -0.0), (0.5, 0.5)),
    ("maximum", (INF, INF), (0.5, 0.5)),
    ("maximum", (2.0, 1.0), (1.0, 0.0)),
    ("maximum", (NAN, 1.0), (1.0, 1.0)),
    ("maximum", (1.0, NAN), (1.0, 1.0)),
    ("minimum", (1.0, 1.0), (0.5, 0.5)),
    ("minimum", (2.0, 1.0), (0.0, 1.0)),
    ("minimum", (NAN, 1.0), (1.0, 1.0)),
    ("remainder", (7.0, 2.0), (1.0, -3.0)),
    ("remainder", (-7.0, 2.0), (1.0, 4.0)),
    ("remainder", (-7.0, INF), (1.0, 1.0)),
    ("remainder", (7.0, INF), (1.0, 0.0)),
    ("chain", (INF, 0.0), (0.0, INF)),
    ("chain", (NAN, 0.0), (0.0, NAN)),
    ("chain", (INF, -0.0), (0.0, 0.0)),
    ("chain", (NAN, -0.0), (0.0, 0.0)),
]


@pytest.mark.parametrize(("name", "at", "partials"), SINGULAR)
def test_partial_derivatives(name: str, at: tuple[float, ...], partials: tuple[float, ...]) -> None:
    f, xs = applied(TABLE[name], {}), [np.array(x) for x in at]
    numbers = range(len(xs))
    assert_allclose(vjp(f, xs, numbers, np.array(1.0)), partials, rtol=1e-12)
    for k in numbers:
        assert_allclose(jvp(f, xs, [k], [np.array(1.0)]), partials[k], rtol=1e-12)
        assert_allclose(vjp(f, xs, [k], np.array(1.0))[0], partials[k], rtol=1e-12)


@pytest.mark.parametrize(("name", "at", "partials"), SINGULAR)
def test_no_cotangent_and_no_tangent_give_zero(name: str, at: tuple[float, ...], partials: tuple[float, ...]) -> None:
    f, xs, zero = applied(TABLE[name], {}), [np.array(x) for x in at], np.array(-0.0)
    assert_array_equal(vjp(f, xs, range(len(xs)), zero), np.zeros(len(xs)))
    assert jvp(f, xs, range(len(xs)), [zero] * len(xs)) == 0


@pytest.mark.parametrize("name", SMOOTH)
def test_a_zero_cotangent_has_a_slope(name: str) -> None:
    """A vjp is linear in the cotangent, at zero too: else Hessians at a minimum vanish."""
    for (prim, xs, params), numbers, rng in smooth_cases(name):
        f = applied(prim, params)
        dg = rng.standard_normal(value(f, xs).shape)
        still = [np.zeros_like(xs[k]) for k in numbers]
        found = jvp_of_vjp(f, xs, numbers, np.zeros_like(dg), [*still, dg])
        for change, wanted in zip(found, vjp(f, xs, numbers, dg), strict=True):
            assert_allclose(change, wanted, rtol=1e-12)


def second(name: str, at: tuple[float, ...], k: int, j: int) -> float:
    """∂²/∂x_k∂x_j."""
    f, xs = applied(TABLE[name], {}), [np.array(x) for x in at]
    numbers = sorted({k, j})
    along = [np.array(float(n == j)) for n in numbers]
    return float(jvp_of_vjp(f, xs, numbers, np.array(1.0), [*along, np.array(0.0)])[numbers.index(k)])


@pytest.mark.parametrize(
    ("at", "k", "j", "wanted"),
    [
        ((0.0, 0.0), 0, 0, 0.0),
        ((0.0, 1.0), 0, 0, 0.0),
        ((0.0, 2.0), 0, 0, 2.0),
        ((0.0, 3.0), 0, 0, 0.0),
        ((-1.5, 3.0), 0, 0, -9.0),
        ((2.0, 0.0), 0, 0, 0.0),
        ((2.0, 0.0), 0, 1, 0.5),
        ((2.0, 0.0), 1, 0, 0.5),
        ((2.0, 0.0), 1, 1, np.log(2.0) ** 2),
        ((2.0, 1.0), 0, 1, 1 + np.log(2.0)),
        ((0.0, 2.0), 1, 1, 0.0),
        ((0.0, 2.0), 1, 0, 0.0),
    ],
)
def test_second_derivatives_of_powers(at: tuple[float, float], k: int, j: int, wanted: float) -> None:
    assert second("power", at, k, j) == pytest.approx(wanted, rel=1e-12)


def masked(name: str) -> Any:
    """where(x > 0, f(x), 0): the usual guard."""

    def f(b: Builder, x: Value) -> Value:
        zero = x.coerce(0)
        return TABLE["where"](TABLE["greater"](x, zero), TABLE[name](x), zero)

    return f


@pytest.mark.parametrize("name", ["sqrt", "log"])
def test_a_guarded_function_has_a_finite_gradient(name: str) -> None:
    x = np.array([0.0, 4.0])
    slope = {"sqrt": 0.25, "log": 0.25}[name]
    assert_array_equal(vjp(masked(name), [x], [0], np.ones(2))[0], [0.0, slope])
    assert_array_equal(jvp(masked(name), [x], [0], [np.ones(2)]), [0.0, slope])


def test_where_keeps_the_other_side_out() -> None:
    c, x, y = np.array([True, False]), np.array([1.0, NAN]), np.array([INF, 2.0])
    f = applied(TABLE["where"], {})
    found = vjp(f, [c, x, y], [1, 2], np.array([3.0, 4.0]))
    assert_array_equal(found, [[3.0, 0.0], [0.0, 4.0]])


EXTREMA: list[tuple[str, list[float], list[float]]] = [
    ("reduce_max", [1.0, 3.0, 2.0], [0, 1, 0]),
    ("reduce_max", [3.0, 3.0, 1.0], [0.5, 0.5, 0]),
    ("reduce_max", [0.0, -0.0, 0.0, 0.0], [0.25] * 4),
    ("reduce_max", [INF, 1.0, INF], [0.5, 0, 0.5]),
    ("reduce_max", [-INF, -INF], [0.5, 0.5]),
    ("reduce_max", [1.0, NAN, 2.0], [0, 1, 0]),
    ("reduce_max", [NAN, 5.0, NAN], [0.5, 0, 0.5]),
    ("reduce_min", [1.0, 3.0, 1.0], [0.5, 0, 0.5]),
    ("reduce_min", [NAN, 5.0], [1, 0]),
]


@pytest.mark.parametrize(("name", "x", "shares"), EXTREMA)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_winners_share_equally(name: str, x: list[float], shares: list[float], dtype: str) -> None:
    f, xs = applied(TABLE[name], {"axes": (0,)}), [np.array(x, dtype)]
    assert_array_equal(vjp(f, xs, [0], np.array(1.0, dtype))[0], np.array(shares, dtype))
    for k, unit in enumerate(np.eye(len(x), dtype=dtype)):
        assert jvp(f, xs, [0], [unit]) == shares[k]


def test_the_winners_of_each_row_share() -> None:
    x = np.array([[1.0, 1.0], [2.0, 1.0]])
    rows = applied(TABLE["reduce_max"], {"axes": (1,)})
    assert_array_equal(vjp(rows, [x], [0], np.array([4.0, 8.0]))[0], [[2.0, 2.0], [8.0, 0.0]])
    whole = applied(TABLE["reduce_min"], {"axes": (0, 1)})
    assert_allclose(vjp(whole, [x], [0], np.array(3.0))[0], [[1.0, 1.0], [0.0, 1.0]])


def test_an_infinite_cotangent_stays_with_the_winner() -> None:
    f = applied(TABLE["reduce_max"], {"axes": (0,)})
    assert_array_equal(vjp(f, [np.array([1.0, 2.0])], [0], np.array(INF))[0], [0.0, INF])


@pytest.mark.parametrize(("start", "end"), [("f4", "f8"), ("f8", "f4")])
def test_the_gradient_of_a_cast_is_cast_back(start: str, end: str) -> None:

    f = applied(TABLE["cast"], {"dtype": as_dtype(np.dtype(end))})
    x: Array = np.array([1.0, 0.1], start)
    g: Array = np.array([0.1, 3.0], end)
    (found,) = vjp(f, [x], [0], g)
    assert_array_equal(found, g.astype(start), strict=True)
    assert_array_equal(jvp(f, [x], [0], [found]), found.astype(end), strict=True)
