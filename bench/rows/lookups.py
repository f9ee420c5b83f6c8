"""The rows of ``bench/indexing.py``: reads and writes by index of every kind, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from rows import Row, normal
from rows.indexing import INNER, diffused, embedding_pure
from rows.reductions import squares, with_gradient, with_gradient_pure

NO_WRITES = {"autograd": "HIPS autograd has no indexed writes"}


def read_one_by_one(m: Any, x: Any) -> Any:
    return with_gradient(m, lambda x: total_of(m.lib.tensor(0.0), x), [m.leaf(x)])


def total_of(total: Any, x: Any) -> Any:
    for i in range(len(x)):
        total = total + x[i] * x[i]
    return total


def read_one_by_one_pure(m: Any, x: Any) -> Any:
    """JAX's loop is a scan: tracing the Python loop and compiling what it gives takes minutes for some thousands."""
    n = len(x)
    if m.name == "jax":
        step = lambda x: m.scan(lambda total, i: (total + x[i] * x[i], None), 0.0, m.np.arange(n))[0]  # noqa: E731
        return with_gradient_pure(m, step, [m.array(x)])
    return with_gradient_pure(m, lambda x: total_of(0.0, x), [m.array(x)])


def lookup(m: Any, table: Any, index: Any, g: Any) -> Any:
    index, g = m.array(index), m.array(g)
    return with_gradient(m, lambda t: ((t[index] - g) ** 2).mean(), [m.leaf(table)])


def skewed(rng: Any, rows: int, n: int, count: int) -> list[Any]:
    """Most indices are few rows, as words of a language are."""
    index = np.minimum(rng.zipf(1.3, count) - 1, rows - 1)
    return [normal(rng, rows, n), index, normal(rng, count, n)]


def selected(m: Any, x: Any, mask: Any) -> Any:
    mask = m.array(mask)
    return with_gradient(m, lambda x: (x[mask] ** 2).mean(), [m.leaf(x)])


def selected_pure(m: Any, x: Any, mask: Any) -> Any:
    """Without jit, which knows no shape that depends on data."""
    mask = m.array(mask)
    call = m.value_and_grad(lambda x: m.np.mean(x[mask] ** 2), argnums=0)
    x = m.array(x)
    return lambda: call(x)


def overwritten(m: Any, x: Any, g: Any) -> Any:
    g = m.array(g)

    def loss(x: Any) -> Any:
        u = m.place(x)
        u[u < 0] = 0.5
        return ((u - g) ** 2).mean()

    return with_gradient(m, loss, [m.leaf(x)])


def overwritten_pure(m: Any, x: Any, g: Any) -> Any:
    def loss(x: Any, g: Any) -> Any:
        return squares(m, m.np.where(x < 0, 0.5, x), g)

    return with_gradient_pure(m, loss, [m.array(x)], m.array(g))


STEPS = 100


def stencil(m: Any, x: Any, g: Any) -> Any:
    g = m.array(g)

    def loss(x: Any) -> Any:
        u = m.place(x)
        for _ in range(STEPS):
            u[INNER] = diffused(u)
        return ((u - g) ** 2).mean()

    return with_gradient(m, loss, [m.leaf(x)])


def stencil_pure(m: Any, x: Any, g: Any) -> Any:
    def loss(x: Any, g: Any) -> Any:
        step = lambda u, _: (m.set(u, INNER, diffused(u)), None)  # noqa: E731
        return squares(m, m.scan(step, x, m.np.arange(STEPS))[0], g)

    return with_gradient_pure(m, loss, [m.array(x)], m.array(g))


def factored(u: Any, n: int) -> Any:
    """LU without pivoting, in place. Only PyTorch needs the copies, without which it refuses the gradient."""
    for k in range(n - 1):
        pivot, row = u[k, k].clone(), u[k, k + 1 :].clone()
        column = u[k + 1 :, k].clone() / pivot
        u[k + 1 :, k] = column
        u[k + 1 :, k + 1 :] = u[k + 1 :, k + 1 :] - column[:, None] * row
    return u


def lu(m: Any, x: Any, g: Any) -> Any:
    g = m.array(g)
    return with_gradient(m, lambda x: ((factored(m.place(x), len(x)) - g) ** 2).mean(), [m.leaf(x)])


def lu_pure(m: Any, x: Any, g: Any) -> Any:
    """A scan over whole matrices under masks: slices that change make a loop of n bodies, minutes of compiling."""
    n = len(x)
    rows = m.np.arange(n)

    def step(u: Any, k: Any) -> Any:
        below = rows > k
        column = m.np.where(below, u[:, k] / u[k, k], 0.0)
        u = u - column[:, None] * m.np.where(below, u[k], 0.0)[None, :]
        return u.at[:, k].set(m.np.where(below, column, u[:, k])), None

    loss = lambda x, g: squares(m, m.scan(step, x, m.np.arange(n - 1))[0], g)  # noqa: E731
    return with_gradient_pure(m, loss, [m.array(x)], m.array(g))


def windows(m: Any, x: Any, index: Any, w: Any) -> Any:
    index, w = m.array(index), m.array(w)
    return with_gradient(m, lambda x: ((x[index] * w).sum(-1) ** 2).mean(), [m.leaf(x)])


def windows_pure(m: Any, x: Any, index: Any, w: Any) -> Any:
    def loss(x: Any, index: Any, w: Any) -> Any:
        return m.np.mean(m.np.sum(x[index] * w, axis=-1) ** 2)

    return with_gradient_pure(m, loss, [m.array(x)], m.array(index), m.array(w))


def sliding(rng: Any, n: int, width: int) -> list[Any]:
    return [normal(rng, n), np.arange(n - width + 1)[:, None] + np.arange(width), normal(rng, width)]


def dominant(rng: Any, n: int) -> list[Any]:
    """A matrix whose factors stay small."""
    return [normal(rng, n, n) / n + np.eye(n, dtype="float32") * 2, normal(rng, n, n)]


EMBEDDINGS = {"middle": (20000, 64, 8192), "large": (100000, 64, 65536)}
ROWS = [
    Row(
        "(a) scalar reads",
        {"1e3": (1000,), "1e4": (10000,)},
        lambda rng, n: [normal(rng, n)],
        plain=read_one_by_one,
        pure=read_one_by_one_pure,
        tolerance=1e-3,
        warm_up=6.0,
    ),
    Row(
        "(a) scalar reads, many",
        {"1e5": (100000,)},
        lambda rng, n: [normal(rng, n)],
        plain=read_one_by_one,
        pure=read_one_by_one_pure,
        tolerance=1e-3,
        not_in=dict.fromkeys(("torch", "autograd"), "grows as n²: minutes"),
    ),
    Row(
        "(b) embedding, uniform",
        EMBEDDINGS,
        lambda rng, rows, n, count: [normal(rng, rows, n), rng.integers(0, rows, count), normal(rng, count, n)],
        plain=lookup,
        pure=embedding_pure,
        tolerance=1e-4,
    ),
    Row("(b) embedding, skewed", EMBEDDINGS, skewed, plain=lookup, pure=embedding_pure, tolerance=1e-3),
    Row(
        "(c) boolean select",
        {"1e4": (10000,), "1e6": (1000000,)},
        lambda rng, n: [normal(rng, n), rng.random(n) < 0.5],
        plain=selected,
        pure=selected_pure,
        tolerance=1e-4,
    ),
    Row(
        "(c) masked write",
        {"1e4": (10000,), "1e6": (1000000,)},
        lambda rng, n: [normal(rng, n), normal(rng, n)],
        plain=overwritten,
        pure=overwritten_pure,
        tolerance=1e-4,
    ),
    Row(
        f"(d) stencil in place, {STEPS} steps",
        {"64²": (64, 64), "256²": (256, 256)},
        lambda rng, *size: [normal(rng, *size), normal(rng, *size)],
        plain=stencil,
        pure=stencil_pure,
        tolerance=1e-3,
        not_in=NO_WRITES,
        warm_up=45.0,
    ),
    Row(
        "(e) LU by slices",
        {"32": (32,), "64": (64,), "128": (128,), "256": (256,)},
        dominant,
        plain=lu,
        pure=lu_pure,
        tolerance=1e-3,
        not_in=NO_WRITES,
        warm_up=12.0,
    ),
    Row(
        "(f) sliding windows",
        {"1e4": (10000, 16), "1e6": (1000000, 16)},
        sliding,
        plain=windows,
        pure=windows_pure,
        tolerance=1e-3,
    ),
]
