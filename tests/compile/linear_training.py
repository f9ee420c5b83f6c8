"""A seeded training run with matrix products of all sizes that BLAS treats apart; prints a hash of all it has computed.

    python -m tests.compile.linear_training [seed]

With a seed, values are read at random places, so that traces are cut there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import tenure as tn
from tenure import nn, optim
from tests.compile.training import report

STEPS, BATCH, SIZES = 4, 50, (33, 70, 300, 310, 290, 7)
"""Products of 10⁵ multiplications, of 10⁶ to 4 · 10⁶, which are cut into tiles, and of more, which are packed."""


class Model(nn.Module):
    """Affine layers, attention between examples, a normalization, and products that are read as transposes."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(n, m) for n, m in pairwise(SIZES)])
        self.norm = nn.LayerNorm(SIZES[1])
        self.mixing = nn.Parameter(tn.randn(SIZES[1], 5, 6) * 0.3)

    def forward(self, x: Any, read: Callable[[Any], None]) -> Any:
        """Outputs for a batch."""
        x = self.norm(self.layers[0](x))
        heads = x.reshape(2, 25, 7, 10).permute(0, 2, 1, 3)
        scores = heads @ heads.mT
        read(scores)
        x = x + (nn.functional.softmax(scores, -1) @ heads).permute(0, 2, 1, 3).reshape(BATCH, SIZES[1])
        turned = x.T
        read(turned)
        turned = self.mixing.permute(1, 2, 0) @ turned
        read(turned)
        x = tn.tanh(x + 0.1 * turned.mT.sum(0)[:, :1])
        for layer in self.layers[1:-2]:
            x = nn.functional.gelu(layer(x))
            read(x)
        weight = self.layers[-2].weight.T
        read(weight)
        x = nn.functional.gelu(x @ weight + self.layers[-2].bias)
        out = (self.layers[-1].weight @ x.mT).mT + self.layers[-1].bias
        return out + (x[:, 0] @ x)[: SIZES[-1]] * 1e-3


def train(read: Callable[[Any], None]) -> list[Any]:
    """The parameters and losses of a few steps."""
    tn.manual_seed(5)
    model = Model()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(STEPS):
        x, y = tn.randn(BATCH, SIZES[0]), tn.randn(BATCH, SIZES[-1])
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x, read), y)
        read(loss)
        loss.backward()
        read(model.layers[1].weight.grad)
        optimizer.step()
        read(model.mixing)
        losses.append(loss)
    return [*[p.detach() for p in model.parameters()], *losses]


if __name__ == "__main__":
    report(train)
