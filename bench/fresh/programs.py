"""Long programs of plain loops, whose first calls are timed. Each builds a step: a call of it is one program, run and
differentiated, and gives its value and gradients as arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], list[Any]]


def stepped(m: Any, loss: Callable[..., Any], *arrays: Any) -> Step:
    """The step that differentiates a loss with respect to some arrays."""
    leaves = [m.leaf(a) for a in arrays]

    def step() -> list[Any]:
        for x in leaves:
            x.grad = None
        value = loss(*leaves)
        value.backward()
        return [np.array(value.item()), *[m.numpy(x.grad) for x in leaves]]

    return step


def definite(n: int) -> Any:
    """A positive definite matrix."""
    a = np.random.default_rng(0).standard_normal((n, n))
    return a @ a.T / n + 2 * np.eye(n)


def factored(m: Any, a: Any) -> Any:
    """The Cholesky factor, column by column."""
    n = a.shape[0]
    low = m.place(m.lib.zeros(n, n, dtype=m.lib.float64))
    for j in range(n):
        row = m.kept(low[j, :j])
        low[j, j] = d = (a[j, j] - (row * row).sum()).sqrt()
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - (m.kept(low[i, :j]) * row).sum()) / d
    return low


def cholesky(m: Any, n: int) -> Step:
    weights = m.array(np.random.default_rng(1).standard_normal((n, n)))
    return stepped(m, lambda a: (factored(m, a) * weights).sum(), definite(n))


def likelihood(m: Any, n: int) -> Step:
    """The log likelihood of a Gaussian process by its length scale and noise."""
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.uniform(0, 4, n)), rng.standard_normal(n)
    distance, targets, eye = m.array((x[:, None] - x) ** 2), m.array(y), m.array(np.eye(n))

    def loss(length: Any, noise: Any) -> Any:
        low = factored(m, m.lib.exp(-0.5 * distance / length**2) + noise * eye)
        z = m.place(m.lib.zeros(n, dtype=m.lib.float64))
        logs = 0.0
        for i in range(n):
            z[i] = (targets[i] - (m.kept(low[i, :i]) * m.kept(z[:i])).sum()) / low[i, i]
            logs = logs + m.lib.log(low[i, i])
        return 0.5 * (z * z).sum() + logs

    return stepped(m, loss, np.array(0.7), np.array(0.3))


def soft_dtw(m: Any, n: int) -> Step:
    """Soft dynamic time warping, element by element."""

    def softmin(a: Any, b: Any, c: Any) -> Any:
        exp = m.lib.exp
        return -m.lib.log(exp(-a) + exp(-b) + exp(-c))

    def loss(x: Any, y: Any) -> Any:
        far = m.array(np.array(1e3))
        above = [m.array(np.array(0.0))] + [far] * n
        for i in range(n):
            row = [far]
            for j in range(n):
                row.append((x[i] - y[j]) ** 2 + softmin(above[j], above[j + 1], row[j]))
            above = row
        return above[n]

    rng = np.random.default_rng(0)
    return stepped(m, loss, rng.standard_normal(n), rng.standard_normal(n))


def lengths(m: Any, longest: int) -> Step:
    """One recurrence over sequences of every length below one."""
    rng = np.random.default_rng(0)
    xs = m.array(rng.standard_normal((longest, 8)))

    def step() -> list[Any]:
        found = []
        for n in range(1, longest):
            found += stepped(m, lambda w, n=n: recurrence(m, w, xs, n), 0.3 * np.ones((8, 8)))()
        return found

    return step


def recurrence(m: Any, w: Any, xs: Any, n: int) -> Any:
    h = m.array(np.zeros(8))
    for t in range(n):
        h = m.lib.tanh(w @ h + xs[t])
    return h.sum()


def all_earlier(m: Any, n: int) -> Step:
    """Each state is computed from the sum of all before it."""

    def loss(x: Any) -> Any:
        h = [x]
        for _ in range(n):
            h.append(m.lib.tanh(sum(h) * 0.5))
        return h[-1].sum()

    return stepped(m, loss, np.linspace(0.1, 1, 8))


def slices(m: Any, n: int) -> Step:
    """Many slices computed on, then put one behind the other."""

    def loss(x: Any) -> Any:
        return (m.lib.cat([x[i : i + 3] * (i % 7) for i in range(n)]) ** 2).sum()

    return stepped(m, loss, np.linspace(0, 1, n + 3))


def layers(m: Any, n: int) -> Step:
    """Linear layers of width 8 with Adam."""
    lib, rng = m.lib, np.random.default_rng(0)
    model = lib.nn.Sequential(*[lib.nn.Linear(8, 8) for _ in range(n)])
    for p in model.parameters():
        p.data = m.array(rng.standard_normal(tuple(p.shape)).astype("f4") / 3)
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3)
    x = m.array(rng.standard_normal((4, 8)).astype("f4"))

    def step() -> list[Any]:
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return [np.array(loss.item())]

    return step


def parameters(m: Any, n: int) -> Step:
    """Single numbers that are parameters, stacked, with SGD."""
    leaves = [m.leaf(a) for a in np.linspace(0, 1, n)]
    optimizer = m.lib.optim.SGD(leaves, lr=0.1)

    def step() -> list[Any]:
        optimizer.zero_grad()
        loss = (m.lib.stack(leaves) ** 2).sum()
        loss.backward()
        optimizer.step()
        return [np.array(loss.item())]

    return step


def long_loop(m: Any, n: int) -> Step:
    """The gradient of a loop of very many turns."""

    def loss(x: Any) -> Any:
        h = x
        for _ in range(n):
            h = h * 0.999 + x * 0.001
        return h.sum()

    return stepped(m, loss, np.linspace(0.1, 1, 8))


def fresh_rules(m: Any, n: int) -> Step:
    """A function with a gradient rule of its own, defined anew each turn; only the last turn is read."""

    def step() -> list[Any]:
        x = m.leaf(np.linspace(0.1, 1, 8))
        h = x
        for _ in range(n):
            h = m.custom(lambda x: x * 2, lambda g: g * 2)(h) * 0.5
        h.sum().backward()
        return [m.numpy(x.grad)]

    return step


def two_updates(m: Any, n: int) -> Step:
    """A GRU cell whose weights an optimizer updates in every second turn, assignments in the others."""
    lib, rng = m.lib, np.random.default_rng(0)
    cell = lib.nn.GRUCell(4, 8)
    for p in cell.parameters():
        p.data = m.array(rng.standard_normal(tuple(p.shape)).astype("f4") / 3)
    optimizer = lib.optim.SGD(cell.parameters(), lr=0.01)
    xs = m.array(rng.standard_normal((5, 2, 4)).astype("f4"))

    def step() -> list[Any]:
        for turn in range(n):
            h = m.array(np.zeros((2, 8), "f4"))
            for t in range(5):
                h = cell(xs[t], h)
            cell.zero_grad()
            loss = (h**2).mean()
            loss.backward()
            if turn % 2:
                optimizer.step()
            else:
                for p in cell.parameters():
                    p.data = p.data - 0.01 * p.grad
        return [np.array(loss.item())]

    return step


def watched(m: Any, n: int) -> Step:
    """A hook, a retained gradient and a backward in a loop that reads nothing."""

    def step() -> list[Any]:
        w = m.leaf(np.linspace(0.1, 1, 8))
        for turn in range(n):
            h = m.lib.tanh(w * 1.5)
            if turn % 2:
                h.retain_grad()
            else:
                h.register_hook(lambda g: g * 0.5)
            w.grad = None
            (h * h).sum().backward()
            w.data = w.data - 0.01 * w.grad
        return [m.numpy(w)]

    return step


PROGRAMS: dict[str, tuple[Callable[[Any, int], Step], int]] = {
    "Cholesky, n = 40": (cholesky, 40),
    "GP likelihood, n = 40": (likelihood, 40),
    "soft-DTW, 24 × 24": (soft_dtw, 24),
    "lengths 1 … 59": (lengths, 60),
    "tanh of all earlier, 60": (all_earlier, 60),
    "cat of 600 slices": (slices, 600),
    "400 layers, Adam": (layers, 400),
}
LARGE: dict[str, tuple[Callable[[Any, int], Step], int]] = {
    "Cholesky, n = 60": (cholesky, 60),
    "8000 parameters, SGD": (parameters, 8000),
    "1400 layers, Adam": (layers, 1400),
    "cat of 4000 slices": (slices, 4000),
    "10,000 turns": (long_loop, 10_000),
    "300 fresh custom rules": (fresh_rules, 300),
    "GRU, two updates, 300": (two_updates, 300),
    "hooks, 300 steps": (watched, 300),
}
