"""Random numbers with parameters: coin tosses and gamma numbers, an element each."""

from __future__ import annotations

from typing import Any

import numpy as np

from rows import Arrays, Row

SIZES = {"L2": (1 << 16,), "L3": (1 << 20,), "memory": (1 << 24,)}


def drawn(m: Any, function: Any, x: Any) -> Any:
    """The step that draws; PyTorch's generators are no part of what it compiles."""
    x = m.array(x)
    return lambda: (function(x),)


def drawn_pure(m: Any, function: Any, x: Any) -> Any:
    x, random = m.array(x), m.lib.random
    keys = [random.key(0)]

    def step(key: Any, x: Any) -> Any:
        key, mine = random.split(key)
        return key, function(random, mine, x)

    call = m.jit(step)

    def drawing() -> Any:
        keys[0], y = call(keys[0], x)
        return (y,)

    return drawing


def gamma(m: Any, x: Any) -> Any:
    draw = m.lib.random.gamma if m.name == "tenure" else m.lib._standard_gamma
    return drawn(m, draw, x)


def moments(results: Arrays) -> Arrays:
    """Random numbers differ; mean and deviation do not."""
    (y,) = results
    return [np.array([1.0, y.mean(), y.std()])]


ROWS = [
    Row(
        "bernoulli draws",
        SIZES,
        lambda rng, n: [rng.random(n, dtype="float32")],
        plain=lambda m, p: drawn(m, m.lib.bernoulli, p),
        pure=lambda m, p: drawn_pure(m, lambda random, key, p: random.bernoulli(key, p).astype(p.dtype), p),
        compared=moments,
        tolerance=2e-2,
        not_in={"mlx": "keys of another kind"},
    ),
    Row(
        "gamma draws",
        {"L2": (1 << 16,), "L3": (1 << 20,)},
        lambda rng, n: [rng.uniform(0.3, 8.0, n).astype("float32")],
        plain=gamma,
        pure=lambda m, a: drawn_pure(m, lambda random, key, a: random.gamma(key, a), a),
        compared=moments,
        tolerance=5e-2,
        not_in={"mlx": "no gamma"},
    ),
]
