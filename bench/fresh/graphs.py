"""Random graphs that never repeat: microseconds an operation, forward and with gradient."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Step = tuple[int, Callable[[Any, Any, Any, int], Any]]
"""How many operations a step is, and the step: of the library, two earlier values, and a random number."""

POINTWISE: list[Step] = [
    (3, lambda lib, a, b, k: a * 0.5 + b * 0.5),
    (3, lambda lib, a, b, k: lib.sin(a) - b * 0.5),
    (2, lambda lib, a, b, k: lib.tanh(a) * b),
    (5, lambda lib, a, b, k: lib.exp(-a * a) - b * 0.5),
]
REDUCTIONS: list[Step] = [
    (3, lambda lib, a, b, k: a - a.mean() * 0.5),
    (3, lambda lib, a, b, k: lib.tanh(b.sum() * a)),
    (4, lambda lib, a, b, k: b * 0.5 + a.max() * 0.1),
]
INDEXING: list[Step] = [
    (2, lambda lib, a, b, k: a[k % a.shape[0]] * b),
    (3, lambda lib, a, b, k: lib.cat([a[k % a.shape[0] :], b[: k % a.shape[0]]])),
    (2, lambda lib, a, b, k: lib.tanh(a[-1] + b)),
]
PRODUCTS: list[Step] = [
    (2, lambda lib, a, b, k: lib.tanh(a @ b)),
    (3, lambda lib, a, b, k: (a @ b) * 0.1 + a),
]
KINDS: dict[str, tuple[list[Step], Callable[[int], tuple[int, ...]]]] = {
    "elementwise": (POINTWISE, lambda seed: (8,)),
    "with reductions": (POINTWISE + REDUCTIONS, lambda seed: (8,)),
    "with indexing": (POINTWISE + INDEXING, lambda seed: (8,)),
    "small products": (POINTWISE + PRODUCTS, lambda seed: (4, 4)),
    "shapes that repeat": (POINTWISE + REDUCTIONS, lambda seed: (5 + seed % 8,)),
    "shapes that never do": (POINTWISE + REDUCTIONS, lambda seed: (20 + seed,)),
}
REPEATS = {50: 60, 400: 20, 4000: 6}
RECENT = 6
"""Of how many last values a step may read; one in four also reads the graph's input."""

Graph = list[tuple[Callable[..., Any], int, int, int]]


def graph(steps: list[Step], seed: int, operations: int) -> tuple[Graph, int]:
    """A graph of about so many operations, and how many they are."""
    draw = random.Random(seed)
    found: Graph = []
    count = 1
    while count < operations:
        size, step = draw.choice(steps)
        reach = min(len(found) + 1, RECENT)
        other = 0 if draw.random() < 0.25 else -1 - draw.randrange(reach)
        found.append((step, -1 - draw.randrange(reach), other, draw.randrange(1 << 20)))
        count += size
    return found, count


def run(lib: Any, a: Any, steps: Graph, gradient: bool) -> tuple[float, list[Any]]:
    """Seconds, and the results."""
    x = lib.tensor(a, requires_grad=gradient)
    start = time.perf_counter()
    values = [x]
    for step, i, j, k in steps:
        values.append(step(lib, values[i], values[j], k))
    total = values[-1].sum()
    if gradient:
        total.backward()
    value = total.item()
    read = [x.grad.numpy()] if gradient else []
    return time.perf_counter() - start, [np.array(value), *map(np.array, read)]


Lines = Iterator[tuple[str, dict[str, list[float]], dict[str, list[Any]]]]


def measured(sides: dict[str, Any], quick: bool) -> Lines:
    """Each line: what it is; microseconds an operation of each run, by library; and the results."""
    seed = 0
    for name, (steps, shape) in KINDS.items():
        for operations, repeats in REPEATS.items():
            for gradient in (False, True):
                times: dict[str, list[float]] = {side: [] for side in sides}
                results: dict[str, list[Any]] = {side: [] for side in sides}
                for _ in range(max(3, repeats // 8) if quick else repeats):
                    seed += 1
                    plan, count = graph(steps, seed, operations)
                    a = np.random.default_rng(seed).uniform(0.2, 1.0, shape(seed))
                    for side, m in sides.items():
                        seconds, found = run(m.lib, a, plan, gradient)
                        times[side].append(1e6 * seconds / count)
                        results[side] += found
                yield f"{name}, {operations}{', gradient' if gradient else ''}", times, results
