"""A small network trained by hand: the numbers of PyTorch, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(7)
X = RNG.standard_normal((32, 5))
Y = RNG.standard_normal((32, 2))
SHAPES = [(5, 8), (8,), (8, 2), (2,)]
WEIGHTS = [RNG.standard_normal(s) * 0.5 for s in SHAPES]


def train(lib: Any, steps: int, read: bool) -> list[Any]:
    """The weights after some steps of gradient descent with momentum, in either library."""
    params = [lib.tensor(w, requires_grad=True) for w in WEIGHTS]
    velocity = [lib.zeros(s, dtype=lib.float64) for s in SHAPES]
    x, y = lib.tensor(X), lib.tensor(Y)
    losses = []
    for k in range(steps):
        rows = slice(k % 4 * 8, (k % 4 + 1) * 8)
        w1, b1, w2, b2 = params
        hidden = (x[rows] @ w1 + b1).tanh()
        out = hidden @ w2 + b2
        loss = ((out - y[rows]) ** 2).mean() + 0.01 * (w1 * w1).sum()
        if read:
            losses.append(loss.item())
        loss.backward()
        with lib.no_grad():
            for i, p in enumerate(params):
                velocity[i] = 0.9 * velocity[i] + p.grad
                p -= 0.1 / (1 + 0.1 * k) * velocity[i]
                p.grad = None
    return [*[p.detach().numpy().copy() for p in params], np.array(losses)]


@pytest.mark.parametrize("read", [False, True])
def test_training_agrees_with_torch(read: bool) -> None:
    for ours, theirs in zip(train(tn, 60, read), train(torch, 60, read), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_a_recurrence_agrees_with_torch() -> None:
    def run(lib: Any) -> tuple[Any, Any]:
        w = lib.tensor(WEIGHTS[0][:5, :5].copy(), requires_grad=True)
        h = lib.zeros(3, 5, dtype=lib.float64)
        states = []
        for k in range(30):
            h = (h @ w + lib.tensor(X[k : k + 3])).tanh()
            states.append(h[k % 3])
        loss = (lib.stack(states) ** 2).sum()
        loss.backward()
        return loss.item(), w.grad.numpy().copy()

    (a, g), (b, d) = run(tn), run(torch)
    assert a == pytest.approx(b, rel=1e-12) and np.allclose(g, d, rtol=1e-10, atol=1e-12)
