"""Steps of embeddings by rows: a batch of a large table, its sparse gradient, and the optimizers that take one. Each
step has the next batch of a few, as a training loop has: its index is no constant of what a library compiles."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from rows import Row, normal

RATE, WIDTH, BATCHES, TINY = 1e-3, 64, 8, {"SGD": 0.0, "Adagrad": 1e-10, "SparseAdam": 1e-8}
BETAS = (0.9, 0.999)
SIZES = {
    "512 of 10⁵": (100_000, 512),
    "4096 of 10⁵": (100_000, 4096),
    "512 of 10⁶": (1_000_000, 512),
    "4096 of 10⁶": (1_000_000, 4096),
}
ELSEWHERE = dict.fromkeys(("mlx", "autograd"), "no update of rows in place")


def inputs(rng: Any, rows: int, batch: int) -> list[Any]:
    """A table, and batches: rows of it, some of them twice, and a goal for each."""
    return [normal(rng, rows, WIDTH), rng.integers(0, rows, (BATCHES, batch)), normal(rng, BATCHES, batch, WIDTH)]


def batches(m: Any, indices: Any, goals: Any) -> Any:
    """The batches in a library's arrays, again and again."""
    return cycle([(m.array(index), m.array(goal)) for index, goal in zip(indices, goals, strict=True)])


def plain(name: str, m: Any, table: Any, indices: Any, goals: Any) -> Any:
    layer = m.lib.nn.Embedding(*table.shape, sparse=True, _weight=m.lib.tensor(table))
    optimizer = getattr(m.lib.optim, name)(layer.parameters(), lr=RATE)
    given = batches(m, indices, goals)
    loss_of = m.compile(lambda x, g: ((x - g) ** 2).mean())

    def step() -> Any:
        index, goal = next(given)
        optimizer.zero_grad()
        loss = loss_of(layer(index), goal)
        loss.backward()
        optimizer.step()
        return (loss, layer.weight)

    return step


def pure(name: str, m: Any, table: Any, indices: Any, goals: Any) -> Any:
    """The same with the kept rows donated; rows that occur twice are summed first, in the shape of the index."""
    given = batches(m, indices, goals)
    kept = [m.array(np.zeros_like(table)) for _ in range({"SGD": 0, "Adagrad": 1, "SparseAdam": 2}[name])]
    state: list[Any] = [m.array(table), 0, *kept]

    def function(index: Any, goal: Any, table: Any, t: Any, *held: Any) -> Any:
        value, g = m.value_and_grad(lambda x: m.np.mean((x - goal) ** 2))(table[index])
        if name == "SGD":
            return value, table.at[index].add(-RATE * g), t
        at, where = m.np.unique(index, size=len(index), fill_value=len(table), return_inverse=True)
        g = m.np.zeros_like(g).at[where].add(g)
        old, t = [x.at[at].get(mode="fill", fill_value=0) for x in held], t + 1
        if name == "Adagrad":
            new = [old[0] + g * g]
            change = -RATE * g / (m.np.sqrt(new[0]) + TINY[name])
        else:
            new = [b * x + (1 - b) * y for b, x, y in zip(BETAS, old, (g, g * g), strict=True)]
            rate = RATE * m.np.sqrt(1 - BETAS[1] ** t) / (1 - BETAS[0] ** t)
            change = -rate * new[0] / (m.np.sqrt(new[1]) + TINY[name])
        held = [x.at[at].set(y, mode="drop") for x, y in zip(held, new, strict=True)]
        return value, table.at[at].add(change, mode="drop"), t, *held

    call = m.jit(function, donate=(2, *range(4, 4 + len(kept))))

    def step() -> Any:
        value, *state[:] = call(*next(given), *state)
        return (value, state[0])

    return step


ROWS = [
    Row(
        f"sparse embedding step, {name}",
        SIZES,
        inputs,
        plain=partial(plain, name),
        pure=partial(pure, name),
        tolerance=1e-4,
        compared=lambda results: [results[0], results[1][::97]],
        not_in=ELSEWHERE,
    )
    for name in TINY
]
