"""Elementwise chains, a transposed addition, random numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rows import Arrays, Row, caches, normal

ROOT = math.sqrt(2.0 / math.pi)


def written_out(lib: Any, x: Any) -> Any:
    """GELU by tanh, operation by operation."""
    return 0.5 * x * (1.0 + lib.tanh(ROOT * (x + 0.044715 * x * x * x)))


def one(m: Any, function: Any, *arrays: Any) -> Any:
    """The step that calls a compiled function of arrays."""
    xs = [m.array(a) for a in arrays]
    call = m.compile(function) if m.style == "plain" else m.jit(function)
    return lambda: (call(*xs),)


def noisy(m: Any, x: Any) -> Any:
    x = m.array(x)
    functional = m.lib.nn.functional
    call = m.compile(lambda x: functional.dropout(x + 0.1 * m.lib.randn(x.shape), 0.25))
    return lambda: (call(x),)


def noisy_pure(m: Any, x: Any) -> Any:
    x = m.array(x)
    random = m.lib.random
    keys = [random.key(0)]

    def function(key: Any, x: Any) -> Any:
        key, first, second = random.split(key, 3)
        y = x + 0.1 * random.normal(first, x.shape)
        return key, m.np.where(random.bernoulli(second, 0.75, x.shape), y / 0.75, 0.0)

    call = m.jit(function)

    def step() -> Any:
        keys[0], y = call(keys[0], x)
        return (y,)

    return step


def moments(results: Arrays) -> Arrays:
    """Random numbers differ; what share is dropped, and mean and deviation of the rest, do not."""
    (y,) = results
    kept = y[y != 0]
    return [np.array([1.0, (y == 0).mean(), kept.mean(), kept.std()])]


MATRICES = caches((256, 256), (1536, 768), (4096, 4096))
ROWS = [
    Row(
        "GELU (erf)",
        MATRICES,
        lambda rng, *size: [normal(rng, *size)],
        plain=lambda m, x: one(m, lambda x: m.lib.nn.functional.gelu(x), x),
        pure=lambda m, x: one(m, lambda x: 0.5 * x * (1.0 + m.erf(x * math.sqrt(0.5))), x),
    ),
    Row(
        "GELU (tanh, written out)",
        MATRICES,
        lambda rng, *size: [normal(rng, *size)],
        plain=lambda m, x: one(m, lambda x: written_out(m.lib, x), x),
        pure=lambda m, x: one(m, lambda x: written_out(m.np, x), x),
    ),
    Row(
        "transposed add",
        caches((256, 256), (1024, 1024), (4096, 4096)),
        lambda rng, *size: [normal(rng, *size), normal(rng, *size)],
        plain=lambda m, x, y: one(m, lambda x, y: x + y.T, x, y),
        pure=lambda m, x, y: one(m, lambda x, y: x + y.T, x, y),
    ),
    Row(
        "normal + dropout",
        caches((1 << 16,), (1 << 20,), (1 << 24,)),
        lambda rng, n: [normal(rng, n)],
        plain=noisy,
        pure=noisy_pure,
        compared=moments,
        tolerance=2e-2,
        not_in={"mlx": "keys of another kind"},
    ),
]
