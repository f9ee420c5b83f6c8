"""Random numbers by rejection: their distributions, their derivatives, and that an element depends on nothing else."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tenure.compile.tiers import compile_program
from tenure.dtypes import as_dtype
from tenure.errors import DomainError
from tenure.interp.interp import interpret
from tenure.ir.program import TABLE
from tenure.ops.implicit import von_mises_slope
from tests.ops.programs import build, cut

DRAWS = sorted(name for name in TABLE if TABLE[name].traits.draws)
COUNT = 20000
Array = Any


def drawn(name: str, *given: float, dtype: Any = np.float64, count: int = COUNT, seed: int = 3, **params: Any) -> Array:
    """Numbers of a distribution, by compiled code."""
    position = np.arange(count, dtype=np.int64)
    xs = [np.full(count, x, dtype) for x in given]
    return run(name, [*xs, np.int64(seed), np.int64(7), position], params)


def run(name: str, xs: list[Any], params: Any, executor: Any = compile_program) -> Array:
    arrays = [np.asarray(x) for x in xs]
    b, inputs = build(arrays)
    return executor(cut(b, inputs, [b.emit(TABLE[name], inputs, params)]))(list(arrays))[0]


def kolmogorov(sample: Array, below: Any) -> float:
    """√n times the largest distance from the distribution; 1.95 is exceeded once in a thousand."""
    x = np.sort(sample.astype(float))
    expected = np.array([float(below(v)) for v in x])
    steps = np.arange(x.size + 1) / x.size
    return float(max(np.abs(expected - steps[1:]).max(), np.abs(expected - steps[:-1]).max()) * math.sqrt(x.size))


def chi_squared(sample: Array, chance: Any, most: int) -> tuple[float, int]:
    """The statistic over cells of at least ten expected counts, and its degrees of freedom."""
    expected = np.array([float(chance(k)) for k in range(most + 1)]) * sample.size
    counts = np.bincount(sample.astype(int), minlength=most + 1)[: most + 1]
    keep = expected >= 10
    rest = sample.size - expected[keep].sum(), sample.size - counts[keep].sum()
    cells = ((counts[keep] - expected[keep]) ** 2 / expected[keep]).sum()
    return float(cells + (rest[1] - rest[0]) ** 2 / max(rest[0], 1)), int(keep.sum())


def unlikely(statistic: float, freedom: int) -> bool:
    """Whether chi-squared exceeds it less than once in a thousand."""
    return bool(mpmath.gammainc(freedom / 2, statistic / 2, mpmath.inf, regularized=True) < 1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [0.05, 0.7, 1.0, 3.5, 400.0])
def test_gamma(alpha: float, dtype: Any) -> None:
    x = drawn("gamma", alpha, dtype=dtype, logarithm=False)
    assert x.dtype == dtype and (x > 0).all()
    assert abs(x.mean(dtype=float) - alpha) < 4 * math.sqrt(alpha / COUNT)
    spread = math.sqrt((2 * alpha**2 + 6 * alpha) / COUNT)
    assert abs(x.var(dtype=float) - alpha) < 4 * spread
    below = lambda v: mpmath.gammainc(alpha, 0, v, regularized=True)  # noqa: E731
    assert kolmogorov(x[:3000], below) < 1.95
    y = np.maximum(drawn("gamma", alpha, dtype=dtype, logarithm=True), np.log(np.finfo(dtype).tiny))
    assert_allclose(y, np.log(x), rtol=2e-4, atol=2e-5)


def test_gamma_of_a_tiny_concentration_by_logarithms() -> None:
    y = drawn("gamma", 1e-4, dtype=np.float32, logarithm=True)
    assert np.isfinite(y).all()
    assert kolmogorov(y[:3000], lambda v: math.exp(min(1e-4 * v, 0.0))) < 1.95  # x^a ≈ F


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.1, 3.0, 9.99, 10.0, 37.5, 900.0])
def test_poisson(rate: float, dtype: Any) -> None:
    k = drawn("poisson", rate, dtype=dtype)
    rate = float(dtype(rate))
    assert (k == np.floor(k)).all() and (k >= 0).all()
    chance = lambda n: mpmath.exp(n * mpmath.log(rate) - rate - mpmath.loggamma(n + 1))  # noqa: E731
    assert not unlikely(*chi_squared(k, chance, int(rate + 8 * math.sqrt(rate)) + 3))


def test_poisson_of_large_and_no_rates() -> None:
    assert not drawn("poisson", 0.0).any()
    for rate in (1e8, 1e15):
        k = drawn("poisson", rate)
        assert abs(k.mean() - rate) < 4 * math.sqrt(rate / COUNT)
        assert abs(((k - rate) ** 2).mean() / rate - 1) < 5 * math.sqrt(2 / COUNT)


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (12, 0.5), (40, 0.97), (50, 0.4), (1000, 0.6), (3000, 0.0034)])
def test_binomial(n: int, p: float) -> None:
    k = drawn("binomial", float(n), p)
    assert (k == np.floor(k)).all() and (k >= 0).all() and (k <= n).all()
    chance = lambda m: mpmath.binomial(n, m) * mpmath.mpf(p) ** m * (1 - mpmath.mpf(p)) ** (n - m)  # noqa: E731
    assert not unlikely(*chi_squared(k, chance, n))


def test_binomial_at_its_ends() -> None:
    assert not drawn("binomial", 9.0, 0.0).any() and not drawn("binomial", 0.0, 0.4).any()
    assert (drawn("binomial", 9.0, 1.0) == 9).all() and (drawn("binomial", 1e6, 1.0) == 1e6).all()
    k = drawn("binomial", 1e12, 0.25)
    assert abs(k.mean() - 2.5e11) < 4 * math.sqrt(1.875e11 / COUNT)
    assert abs(((k - 2.5e11) ** 2).mean() / 1.875e11 - 1) < 5 * math.sqrt(2 / COUNT)


@pytest.mark.parametrize("kappa", [0.0, 1e-7, 0.5, 4.0, 1e5])
def test_von_mises(kappa: float) -> None:
    x = drawn("von_mises", kappa)
    assert (np.abs(x) <= math.pi).all()
    grid = np.linspace(-math.pi, math.pi, 20001) / (1 if kappa < 100 else math.sqrt(kappa) / 3)
    density = np.exp(kappa * (np.cos(grid) - 1))
    below = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    assert kolmogorov(x[:4000], lambda v: np.interp(v, grid, below / below[-1])) < 1.95


@pytest.mark.parametrize("name", DRAWS)
def test_an_element_depends_on_its_number_alone(name: str) -> None:
    """The same bits with other neighbours, alone, and from the numbers broadcast."""
    for dtype in (np.float32, np.float64):
        for xs, params in TABLE[name].samples(np.random.default_rng(4), as_dtype(dtype)):
            *given, seed, number, position = [np.asarray(x) for x in xs]
            if position.size < 2:
                continue
            many = np.arange(67, dtype=np.int64)
            wide = [np.resize(x, 67) for x in given]
            whole = run(name, [*wide, seed, number, many], params)
            for k in (0, 5, 66):
                alone = run(name, [*[x[k] for x in wide], seed, number, many[k]], params)
                assert_array_equal(alone, whole[k])
            turned = run(name, [*[x[::-1].copy() for x in wide], seed, number, many[::-1].copy()], params)
            assert_array_equal(turned[::-1], whole)
            close = run(name, [*wide, seed, number, many], params, interpret)
            assert_allclose(whole, close, rtol=2e-4 if dtype is np.float32 else 1e-11)


def quantile_slope(a: float, x: float, n: int = 1) -> Any:
    """−(∂ⁿF/∂aⁿ) / f by differences of the distribution function in forty digits."""
    with mpmath.workdps(40):
        left = x < 2 * a + 5
        ends = (0, x) if left else (x, mpmath.inf)
        change = mpmath.diff(lambda c: mpmath.gammainc(c, *ends, regularized=True), a, n, h=mpmath.mpf(10) ** -9)
        density = mpmath.exp((a - 1) * mpmath.log(x) - x - mpmath.loggamma(a))
        return (-change if left else change) / density


@pytest.mark.parametrize("a", [1e-3, 0.2, 0.9, 1.0, 2.5, 30.0, 1e4])
def test_the_slope_of_a_gamma_quantile(a: float) -> None:
    for away in (-3.0, -0.5, 0.0, 1.0, 3.0):
        x = a * math.exp(away / math.sqrt(max(a, 1.0)))
        wanted = quantile_slope(a, x)
        for dtype, close in ((np.float64, 1e-8), (np.float32, 1e-3 if a > 1e3 else 3e-5)):
            at = [np.asarray(a, dtype), np.asarray(x, dtype)]
            found = run("gamma_slope", at, {"n": 1, "logarithm": False})
            assert_allclose(found, float(wanted), rtol=close)
            at[1] = np.log(at[1])
            found = run("gamma_slope", at, {"n": 1, "logarithm": True})
            assert_allclose(found * x, float(wanted), rtol=close)


def test_the_second_derivative_of_the_distribution_function() -> None:
    for a, x in ((0.7, 0.3), (2.0, 3.0), (8.0, 6.0)):
        found = run("gamma_slope", [np.asarray(a), np.asarray(x)], {"n": 2, "logarithm": False})
        assert_allclose(found, float(quantile_slope(a, x, 2)), rtol=1e-6)


def test_a_quantile_moves_with_its_slope() -> None:
    """x(a) at a fixed probability, by bisection, against the slope and its own slope."""
    a, h = mpmath.mpf(2.3), mpmath.mpf(10) ** -8
    with mpmath.workdps(40):
        p = mpmath.gammainc(a, 0, 1.9, regularized=True)
        moved = [
            mpmath.findroot(lambda x, c=c: mpmath.gammainc(c, 0, x, regularized=True) - p, 1.9) for c in (a - h, a + h)
        ]
        assert_allclose(float((moved[1] - moved[0]) / (2 * h)), float(quantile_slope(2.3, 1.9)), rtol=1e-8)


@pytest.mark.parametrize("kappa", [1e-3, 0.3, 2.0, 30.0, 1e4])
def test_the_slope_of_a_von_mises_angle(kappa: float) -> None:
    """−(∂F/∂κ) / f by quadrature in thirty digits, on the side where nothing cancels."""
    angles = np.array([-3.1, -1.0, -1e-3, 0.2, 1.6, 2.9]) / max(1.0, math.sqrt(kappa))
    b, inputs = build([np.full(6, kappa), angles])
    program = cut(b, inputs, [von_mises_slope(inputs[1], inputs[0])])
    found = compile_program(program)([np.full(6, kappa), angles])[0]
    with mpmath.workdps(30):
        mean = mpmath.besseli(1, kappa) / mpmath.besseli(0, kappa)
        for x, slope in zip(angles.tolist(), found, strict=True):
            a = abs(x)
            reach = min(mpmath.pi - a, 100 / (kappa * mpmath.sin(a) + mpmath.sqrt(kappa)))
            near = mpmath.cos(a) > mean
            ends = [a * j / 24 for j in range(25)] if near else [a + reach * j / 24 for j in range(25)]
            grown = lambda t, a=a: mpmath.exp(kappa * (mpmath.cos(t) - mpmath.cos(a))) * (mpmath.cos(t) - mean)  # noqa: E731
            wanted = mpmath.quad(grown, ends) * (-1 if near else 1) * (1 if x > 0 else -1)
            assert_allclose(slope, float(wanted), rtol=1e-8)


def test_floats_within_an_interval() -> None:
    given = {"what": "p", "open": False, "most": 1.0}
    for dtype in (np.float32, np.float64):
        good = np.array([0.0, -0.0, 1.0, 0.3] * 20, dtype)
        for executor in (compile_program, interpret):
            assert_array_equal(run("within", [good], given, executor), good)
            for bad in (np.nextafter(dtype(1), dtype(2)), -np.finfo(dtype).tiny, np.nan, np.inf, -1.0):
                for k in (0, 33, 79):
                    x = good.copy()
                    x[k] = bad
                    error = run("within", [x], given, executor).error
                    assert isinstance(error, DomainError) and "p is" in error.message
            opened = {"what": "p", "open": True, "most": float(np.finfo(dtype).max)}
            assert run("within", [good], opened, executor).error.help == "it is positive and finite"
            assert run("within", [np.array([np.inf], dtype)], opened, executor).error.message == "p is inf"
            tiny = np.array([np.nextafter(dtype(0), dtype(1)), np.finfo(dtype).max])
            assert_array_equal(run("within", [tiny], opened, executor), tiny)


@pytest.mark.parametrize("a", [1e-3, 0.5, 1.0, 7.0, 300.0, 1e4])
def test_the_gamma_distribution_function(a: float) -> None:
    """Both tails, each to its last digits, and their slopes."""
    for away in (-6.0, -1.0, 0.0, 1.0, 6.0):
        x = a * math.exp(away / math.sqrt(max(a, 1.0)))
        with mpmath.workdps(40):
            for upper, ends in ((False, (0, x)), (True, (x, mpmath.inf))):
                wanted = float(mpmath.gammainc(a, *ends, regularized=True))
                for dtype, close in ((np.float64, 1e-11), (np.float32, 1e-3 if a > 1e3 else 1e-4)):
                    given = [np.asarray(a, dtype), np.asarray(x, dtype)]
                    assert_allclose(run("gammainc", given, {"upper": upper}), wanted, rtol=close, atol=1e-37)
