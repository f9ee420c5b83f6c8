"""A training run without BLAS calls; prints a hash of all it has computed.

    python -m tests.compile.training [seed]

With a seed, values are read at random places, so that traces are cut there.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable
from typing import Any

import tenure as tn
from tenure import nn, optim

STEPS, BATCH, WIDTH, HIDDEN, CLASSES = 5, 48, 33, 40, 5


class Model(nn.Module):
    """An embedding, a layer normalization, two layers, noise; products as sums of products."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(tn.randn(50, WIDTH))
        self.gain = nn.Parameter(tn.ones(WIDTH))
        self.first = nn.Parameter(tn.randn(WIDTH, HIDDEN) * 0.2)
        self.second = nn.Parameter(tn.randn(HIDDEN, CLASSES) * 0.2)

    def forward(self, rows: Any, read: Callable[[Any], None]) -> Any:
        """Logits of rows of the table."""
        x = self.table[rows]
        centred = x - x.mean(1, keepdims=True)
        read(centred)
        x = centred / tn.sqrt((centred * centred).mean(1, keepdims=True) + 1e-5) * self.gain
        h = tn.tanh((x[:, :, None] * self.first).sum(1))
        read(h)
        h = h * (tn.rand(BATCH, HIDDEN) > 0.1) + 0.01 * tn.randn(BATCH, HIDDEN)
        turned = (h.T[:, :, None] * self.second[:, None, :]).sum(0)
        read(turned)
        return turned


def penalty(w: Any) -> Any:
    """Neighbours that differ, by overlapping slices of a place that is written."""
    u = tn.zeros(HIDDEN).mut()
    u[1:] = w[0, 1:] - w[0, :-1]
    u[::2] = u[::2] * 0.5
    return (u * u).sum() + tn.exp(-w[1]).max()


def train(read: Callable[[Any], None]) -> list[Any]:
    """The parameters and losses of a few steps."""
    tn.manual_seed(3)
    model = Model()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for k in range(STEPS):
        rows = (tn.arange(BATCH) * 7 + k) % 50
        target = (rows % CLASSES)[:, None] == tn.arange(CLASSES)
        optimizer.zero_grad()
        logits = model(rows, read)
        top = logits.max(axis=1, keepdims=True).detach()
        scaled = logits - top
        loss = (tn.log(tn.exp(scaled).sum(1)) - (scaled * target).sum(1)).mean() + 0.1 * penalty(model.first)
        read(loss)
        loss.backward()
        read(model.first.grad)
        optimizer.step()
        read(model.gain)
        losses.append(loss)
    return [*[p.detach() for p in model.parameters()], *losses]


def report(train: Callable[..., list[Any]]) -> None:
    """Train, and print the hash."""
    rng = random.Random(sys.argv[1]) if len(sys.argv) > 1 else None

    def read(x: Any) -> None:
        if rng is not None and rng.random() < 0.3:
            x.sum().item()

    results = hashlib.sha256()
    for x in train(read):
        results.update(x.detach().numpy().tobytes())
    print(results.hexdigest())


if __name__ == "__main__":
    report(train)
