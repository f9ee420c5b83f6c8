"""Programs whose structure does not recur, or recurs in parts: graphs that grow, groups of other lengths, trees, stops
and branches that data decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fresh.programs import Step, recurrence, stepped


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def differentiated(m: Any, loss: Callable[..., Any], *leaves: Any) -> list[Any]:
    """The value of a loss of some leaves, and its gradients."""
    for x in leaves:
        x.grad = None
    value = loss(*leaves)
    value.backward()
    return [np.array(value.item()), *[m.numpy(x.grad) for x in leaves]]


def growing(m: Any, n: int) -> Step:
    """A recurrence that is a turn longer at each call."""
    xs, w, turns = m.array(normal(n + 400, 8)), m.leaf(0.3 * np.ones((8, 8))), iter(range(n, n + 400))
    return lambda: differentiated(m, lambda w: recurrence(m, w, xs, next(turns)), w)


def ragged(m: Any, n: int) -> Step:
    """A recurrence over groups of random lengths, others at each call."""
    xs, w, rng = m.array(normal(64, 8)), m.leaf(0.3 * np.ones((8, 8))), np.random.default_rng(3)
    return lambda: differentiated(m, lambda w: sum([recurrence(m, w, xs, int(k)) for k in rng.integers(2, 40, n)]), w)


def ragged_alike(m: Any, n: int) -> Step:
    """A recurrence over groups of random lengths, the same at each call."""
    xs, lengths = m.array(normal(64, 8)), np.random.default_rng(3).integers(2, 40, n)
    return stepped(m, lambda w: sum([recurrence(m, w, xs, int(k)) for k in lengths]), 0.3 * np.ones((8, 8)))


def trees(m: Any, n: int) -> Step:
    """A recursive network over a random binary tree, another one at each call."""
    rng, words = np.random.default_rng(5), m.array(normal(50, 8))
    leaves = [m.leaf(0.3 * normal(8, 8, seed=k)) for k in range(2)]

    def node(size: int, w: Any, u: Any) -> Any:
        if size == 1:
            return words[int(rng.integers(50))]
        left = int(rng.integers(1, size))
        return m.lib.tanh(w @ node(left, w, u) + u @ node(size - left, w, u))

    return lambda: differentiated(m, lambda w, u: node(n, w, u).sum(), *leaves)


def stops(m: Any, n: int) -> Step:
    """Newton's method for square roots, each until it has converged."""
    rng, a = np.random.default_rng(6), m.leaf(np.array(1.5))

    def loss(a: Any) -> Any:
        total: Any = 0.0
        for c in rng.uniform(1, 50, n):
            x, change = a * 1.0, 1.0
            while change > 1e-10:
                new = 0.5 * (x + float(c) / x)
                change, x = abs(new.item() - x.item()), new
            total = total + x * a
        return total

    return lambda: differentiated(m, loss, a)


def beam(m: Any, n: int) -> Step:
    """Beam search by a recurrent model: scores that are read decide what goes on."""
    rng = np.random.default_rng(8)
    w, words, out = m.array(0.5 * normal(8, 8)), m.array(normal(10, 8, seed=1)), m.array(normal(10, 8, seed=2))

    def step() -> list[Any]:
        beams: list[tuple[float, Any, int]] = [(0.0, m.array(rng.standard_normal(8)), 0)]
        for _ in range(n):
            found = []
            for score, before, last in beams:
                h = m.lib.tanh(w @ before + words[last])
                logits = out @ h
                chances = m.numpy(logits - m.lib.logsumexp(logits, 0))
                found += [(score + float(chances[k]), h, int(k)) for k in np.argsort(-chances)[:3]]
            beams = sorted(found, key=lambda one: -one[0])[:3]
        return [np.array(beams[0][0])]

    return step


def decoding(m: Any, n: int) -> Step:
    """Attention over keys and values that grow by one a turn."""

    def loss(w: Any) -> Any:
        h, keys, values = m.array(np.full(8, 0.1)), [], []
        for _ in range(n):
            made = h @ w
            keys.append(made[8:16])
            values.append(made[16:])
            scores = m.lib.nn.functional.softmax(m.lib.stack(keys) @ made[:8], 0)
            h = m.lib.tanh(scores @ m.lib.stack(values)) + h * 0.5
        return h.sum()

    return stepped(m, loss, 0.3 * normal(8, 24))


def unread(m: Any, n: int) -> Step:
    """Training on sequences whose lengths take turns, by hand; nothing is read before the end."""
    xs = m.array(normal(64, 8))

    def step() -> list[Any]:
        w = m.leaf(0.3 * np.ones((8, 8)))
        for k in range(n):
            w.grad = None
            recurrence(m, w, xs, (5, 9, 7, 12, 6)[k % 5]).backward()
            w.data = w.data - 0.01 * w.grad
        return [m.numpy(w)]

    return step


IRREGULAR: dict[str, tuple[Callable[[Any, int], Step], int]] = {
    "grows by a turn a call, 100": (growing, 100),
    "20 ragged groups, new": (ragged, 20),
    "20 ragged groups": (ragged_alike, 20),
    "trees of 60, new": (trees, 60),
    "40 roots until converged": (stops, 40),
    "beam search, 10": (beam, 10),
    "decoding, 40": (decoding, 40),
    "unread training, 60": (unread, 60),
}
