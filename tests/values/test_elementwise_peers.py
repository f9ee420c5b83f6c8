"""Elementwise functions beside PyTorch's: values and gradients at ordinary, large and singular points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

pytestmark = pytest.mark.peers
INF, NAN = float("inf"), float("nan")
POINTS = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.25, 3.7, -3.7, 7.25, 30.0, -30.0, INF, -INF, NAN]
def words(text: str) -> list[str]:
    return text.split()


UNARY = words(
    """acosh acos asin asinh atan atanh ceil cosh deg2rad erfc erfinv exp2 frac isinf isneginf isposinf lgamma log10
    log2 logit nan_to_num positive rad2deg reciprocal round rsqrt signbit sinc sinh tan trunc special.i0e special.i1e
    special.entr special.ndtr digamma i0 special.i1"""
)
BINARY = words(
    """atan2 clamp_min clamp_max copysign float_power fmax fmin fmod hypot ldexp logaddexp logaddexp2 nextafter xlogy
    special.xlog1py remainder"""
)
OTHERWISE: dict[str, Callable[..., Any]] = {
    "acosh": lambda x: x < 1,  # PyTorch gives finite slopes beside a NaN
    "digamma": lambda x: (x < 0) & (x == np.floor(x)),  # … of sin πx, which it finds not to be 0
    "i0": np.isinf,  # … NaN for I₀(∞) = ∞
    "special.i1": lambda x: ~np.isfinite(x),
    "special.i1e": np.isnan,  # … ½ as the slope at NaN
    "special.entr": lambda x: ~(x > 0) | np.isinf(x),  # … an infinite slope at 0
    "special.ndtr": lambda x: x < -3,  # … 0 where the tail is small
    "sinc": lambda x: (x == np.floor(x)) | (abs(x) < 1e-3),  # … sin(π·n) of a rounded π
    "copysign": lambda x, y: np.isinf(x),  # … NaN for ∞ / ∞
    "ldexp": lambda x, y: np.isinf(y) | np.isinf(x),
    "logaddexp": lambda x, y: np.isinf(x) & (x == y),
    "logaddexp2": lambda x, y: (x == y) | np.isnan(x),
    "xlogy": lambda x, y: x == 0,  # … NaN for 0 / 0
    "special.xlog1py": lambda x, y: x == 0,
    "float_power": lambda x, y: (x <= 0) | ~np.isfinite(x) | ~np.isfinite(y),
    "remainder": lambda x, y: ~np.isfinite(x) | ~np.isfinite(y) | (y == 0),
    "fmod": lambda x, y: ~np.isfinite(x) | ~np.isfinite(y) | (y == 0),
    "clamp_min": lambda x, y: np.isnan(x) | np.isnan(y),
    "clamp_max": lambda x, y: np.isnan(x) | np.isnan(y),
}
"""Points at which PyTorch's result or slope is not the function's."""


def by_name(library: Any, name: str) -> Any:
    for part in name.split("."):
        library = getattr(library, part)
    return library


def results(library: Any, name: str, xs: list[Any]) -> list[Any]:
    """The value, and the gradients if there are any."""
    leaves = [library.tensor(x, requires_grad=True) for x in xs]
    y = by_name(library, name)(*leaves)
    found = [y.detach().numpy()]
    if y.requires_grad:
        y.sum().backward()
        slopes = [leaf.grad for leaf in leaves]
        found += [np.zeros_like(x) if g is None else g.numpy() for g, x in zip(slopes, xs, strict=True)]
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UNARY + BINARY)
@np.errstate(all="ignore")
def test_values_and_gradients(name: str, dtype: str) -> None:
    import torch

    points = np.array(POINTS, dtype)
    xs = [x.ravel() for x in np.meshgrid(points, points)] if name in BINARY else [points]
    if name in OTHERWISE:
        xs = [x[~OTHERWISE[name](*xs)] for x in xs]
    ours, theirs = results(tn, name, xs), results(torch, name, xs)
    tolerance = 3e-5 if dtype == "float32" else 1e-8
    for k, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        assert a.dtype == b.dtype
        bad = ~np.isclose(a, b, rtol=tolerance, atol=1e-35, equal_nan=True)
        assert not bad.any(), (k, [x[bad][:4] for x in xs], a[bad][:4], b[bad][:4])
