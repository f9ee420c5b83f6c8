"""Values and derivatives keep their digits where they are tiny: against mpmath, to order 2, in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F

POINTS = [-80.0, -30.0, -20.0, -17.5, -10.0, -5.0, -1.0, -0.1, 0.1, 1.0, 5.0, 10.0, 17.5, 20.0, 30.0, 80.0]
ULPS = 12
ROUNDED = ("sigmoid", "tanh", "silu")
"""Functions whose slopes are those of the rounded result: absolutely, and not relatively, right next to 1."""
Function = Callable[[Any], Any]


def sigma(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def against(target: float) -> Function:
    def f(x: Any) -> Any:
        return F.binary_cross_entropy_with_logits(x, tn.full(x.shape, target, dtype=x.dtype), reduction="none")

    return f


FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "sigmoid": (tn.sigmoid, sigma),
    "tanh": (tn.tanh, mpmath.tanh),
    "silu": (F.silu, lambda x: x * sigma(x)),
    "softplus": (lambda x: F.softplus(x, threshold=1e30), lambda x: mpmath.log1p(mpmath.exp(x))),
    "softplus of 2x": (lambda x: F.softplus(x, 2.0, 1e30), lambda x: mpmath.log1p(mpmath.exp(2 * x)) / 2),
    "logsigmoid": (F.logsigmoid, lambda x: -mpmath.log1p(mpmath.exp(-x))),
    "elu": (F.elu, lambda x: x if x > 0 else mpmath.expm1(x)),
    "expm1": (tn.expm1, mpmath.expm1),
    "cross entropy with 0": (against(0.0), lambda x: mpmath.log1p(mpmath.exp(x))),
    "cross entropy with 1": (against(1.0), lambda x: mpmath.log1p(mpmath.exp(-x))),
}


def one(x: Any) -> Any:
    return tn.ones(x.shape, dtype=x.dtype)


def reverse(f: Function) -> Function:
    return lambda x: tn.vjp(f, x)[1](one(x))[0]


def forward(f: Function) -> Function:
    return lambda x: tn.jvp(f, (x,), (one(x),))[1]


MODES = (reverse, forward)


@pytest.mark.parametrize("dtype", [tn.float32, tn.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_tails(name: str, dtype: Any) -> None:
    f, exact = FUNCTIONS[name]
    x = tn.tensor(POINTS, dtype=dtype)
    info = np.finfo(dtype.numpy)
    orders = [(0, f), *[(1, m(f)) for m in MODES], *[(2, m(n(f))) for m in MODES for n in MODES]]
    for order, g in orders:
        with mpmath.workdps(250):
            wanted = [float(mpmath.diff(exact, mpmath.mpf(p), order)) for p in x.tolist()]
        near = ULPS * float(info.eps) / 2
        least = 4 * near if order and name in ROUNDED else float(info.tiny)
        np.testing.assert_allclose(g(x).numpy().astype(np.float64), wanted, rtol=near, atol=least)


def by_hand(p: Any, y: Any) -> Any:
    return -(y * (p + 1e-12).log() + (1 - y) * (1 - p + 1e-12).log())


@pytest.mark.parametrize("dtype", [tn.float32, tn.float64])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_a_loss_of_what_saturates_has_a_slope_that_is_right_or_none(y: float, dtype: Any) -> None:
    """p - y, or 0 where p is rounded to 0 or 1: never what 1 / (1 - p) makes of a slope that is not rounded."""
    x = tn.linspace(-45.0, 45.0, 181, dtype=dtype)
    target = tn.full(x.shape, y, dtype=dtype)
    losses: list[Function] = [
        lambda x: F.binary_cross_entropy(tn.sigmoid(x), target, reduction="none"),
        lambda x: by_hand(tn.sigmoid(x), target),
        lambda x: -(1 - tn.tanh(x / 2) ** 2 + 1e-12).log() / 2 - (y - 0.5) * x,
    ]
    right = tn.sigmoid(x) - y
    middle = x.abs() < 5
    for loss in losses:
        slope = reverse(loss)(x)
        assert ((slope - right).abs() <= 1e-3)[middle].all().item()
        assert (slope.abs() <= right.abs() * 1.5 + 0.5).all().item()
