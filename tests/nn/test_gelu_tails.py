"""GELU, the error function's slope and their derivatives keep their relative accuracy far from 0, down to underflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F

FLOATS = ("float32", "float64")
LAST = {"float32": 14.0, "float64": 38.4}
"""Near here Φ(−x) underflows."""
Real = Any


def density(x: Real) -> Real:
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


TRUTH: dict[int, Callable[[Real], list[Real]]] = {
    0: lambda x: [x * mpmath.ncdf(x)],
    1: lambda x: [mpmath.ncdf(x), x * density(x)],
    2: lambda x: [2 * density(x), -x * x * density(x)],
    3: lambda x: [-4 * x * density(x), x * x * x * density(x)],
}
"""The derivatives of GELU of each order, as terms."""


def gelu(x: Any) -> Any:
    return F.gelu(x)


def forward(f: Any) -> Any:
    """Its derivative in the direction of ones, by forward mode."""
    return lambda x: tn.func.jvp(f, (x,), (tn.ones_like(x),))[1]


def reverse(f: Any) -> Any:
    """The same of an elementwise function by reverse mode."""
    return tn.func.grad(lambda x: f(x).sum())


def exact(terms: Callable[[Real], list[Real]], x: Any) -> tuple[Any, Any]:
    """The sum of terms, in more than float64 has, and the sum of their sizes."""
    with mpmath.workprec(200):
        rows = [terms(mpmath.mpf(v)) for v in x.tolist()]
        return np.array([sum(r) for r in rows], object), np.array([sum(map(abs, r)) for r in rows], object)


def check(found: Any, x: Any, terms: Callable[[Real], list[Real]], ulps: float) -> None:
    """Within so many units of the terms; a factor that is subnormal has lost what is below the smallest float."""
    wanted, size = exact(terms, x)
    info = np.finfo(x.dtype)
    lost = [float(info.smallest_subnormal) * (1 + abs(v)) ** 3 for v in x.tolist()]
    for v, a, b, s, rest in zip(x.tolist(), found.tolist(), wanted, size, lost, strict=True):
        assert abs(mpmath.mpf(a) - b) <= ulps * float(info.eps) * s + rest, (v, a, float(b))


def arguments(dtype: str) -> Any:
    """Of both tails, and of the middle."""
    rng, last = np.random.default_rng(11), LAST[dtype]
    tails = rng.uniform(-last, -4, 150), rng.uniform(4, 2 * last, 30)
    return np.concatenate([*tails, rng.uniform(-5, 5, 100), [-6.0, 0.0]]).astype(dtype)


DERIVATIVES: list[tuple[int, Any]] = [
    (0, gelu),
    (1, reverse(gelu)),
    (1, forward(gelu)),
    (2, reverse(reverse(gelu))),
    (2, forward(reverse(gelu))),
    (2, reverse(forward(gelu))),
    (2, forward(forward(gelu))),
    (3, forward(reverse(reverse(gelu)))),
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", range(len(DERIVATIVES)))
def test_gelu(case: int, dtype: str) -> None:
    order, f = DERIVATIVES[case]
    x = arguments(dtype)
    check(f(tn.tensor(x)).numpy(), x, TRUTH[order], 3 + 2 * order)


@pytest.mark.parametrize("dtype", FLOATS)
def test_gelu_by_backward(dtype: str) -> None:
    x = arguments(dtype)
    leaf = tn.tensor(x, requires_grad=True)
    F.gelu(leaf).sum().backward()
    check(leaf.grad.numpy(), x, TRUTH[1], 5)


@pytest.mark.parametrize("dtype", FLOATS)
def test_gelu_far_out_is_x_or_zero(dtype: str) -> None:
    big = float(np.finfo(dtype).max)
    x = tn.tensor(np.array([big, -big, 1e10, -1e10, 50.0, -50.0], dtype))
    assert F.gelu(x).tolist() == [big, 0.0, 1e10, 0.0, 50.0, 0.0]
    for slope in (reverse(gelu), forward(gelu)):
        assert slope(x).tolist() == [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
        for second in (reverse(slope), forward(slope)):
            assert second(x).tolist() == [0.0] * 6


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_slope_of_erf(dtype: str) -> None:
    last = 9.3 if dtype == "float32" else 26.6
    x = np.random.default_rng(3).uniform(-last, last, 300).astype(dtype)

    def bell(x: Real) -> Real:
        return 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)

    for slope in (reverse(tn.erf), forward(tn.erf)):
        check(slope(tn.tensor(x)).numpy(), x, lambda x: [bell(x)], 3)
        check(forward(slope)(tn.tensor(x)).numpy(), x, lambda x: [-2 * x * bell(x)], 5)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("order", [0, 1])
def test_gelu_by_tanh_does_not_cancel(dtype: str, order: int) -> None:
    """What remains is the rounding of the argument u, which the exponential multiplies by |u|."""

    def inner(x: Real) -> tuple[Real, Real]:
        k = mpmath.sqrt(8 / mpmath.pi)
        return k * (x + mpmath.mpf("0.044715") * x**3), k * (1 + 3 * mpmath.mpf("0.044715") * x * x)

    def terms(x: Real) -> list[Real]:
        z, slope = inner(x)
        share = 1 / (1 + mpmath.exp(-z))
        return [x * share] if order == 0 else [share, x * share * (1 - share) * slope]

    x = -np.random.default_rng(5).uniform(0.5, 9.5 if dtype == "float32" else 20.0, 200).astype(dtype)
    f = (gelu_by_tanh, reverse(gelu_by_tanh))[order]
    largest = max(abs(float(inner(mpmath.mpf(v))[0])) for v in x.tolist())
    check(f(tn.tensor(x)).numpy(), x, terms, 4 * largest)


def gelu_by_tanh(x: Any) -> Any:
    return F.gelu(x, "tanh")
