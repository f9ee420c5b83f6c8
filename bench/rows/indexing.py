"""Reads and writes by index: embeddings, and a stencil written in place."""

from __future__ import annotations

from typing import Any

from rows import Row, caches, normal
from rows.reductions import squares, with_gradient, with_gradient_pure

STEPS = 12
INNER = (slice(1, -1), slice(1, -1))
AROUND = (
    (slice(None, -2), slice(1, -1)),
    (slice(2, None), slice(1, -1)),
    (slice(1, -1), slice(None, -2)),
    (slice(1, -1), slice(2, None)),
)


def embedding(m: Any, table: Any, index: Any, g: Any) -> Any:
    index, g = m.array(index), m.array(g)
    functional = m.lib.nn.functional
    return with_gradient(m, lambda t: functional.mse_loss(functional.embedding(index, t), g), [m.leaf(table)])


def embedding_pure(m: Any, table: Any, index: Any, g: Any) -> Any:
    data = m.array(index), m.array(g)
    return with_gradient_pure(m, lambda t, index, g: squares(m, t[index], g), [m.array(table)], *data)


def diffused(u: Any) -> Any:
    """The new inner points."""
    a, b, c, d = (u[key] for key in AROUND)
    return u[INNER] + 0.1 * (a + b + c + d - 4.0 * u[INNER])


def written(m: Any, x: Any) -> Any:
    """A copy of x after some steps, each written to the inner points."""
    u = m.place(x)
    for _ in range(STEPS):
        u[INNER] = diffused(u)
    return u


def written_pure(m: Any, u: Any) -> Any:
    for _ in range(STEPS):
        u = m.set(u, INNER, diffused(u))
    return u


def stencil(m: Any, x: Any) -> Any:
    x = m.array(x)
    call = m.compile(lambda x: written(m, x))
    return lambda: (call(x),)


def stencil_pure(m: Any, x: Any) -> Any:
    x = m.array(x)
    call = m.jit(lambda x: written_pure(m, x))
    return lambda: (call(x),)


def stencil_gradient(m: Any, x: Any, g: Any) -> Any:
    g, functional = m.array(g), m.lib.nn.functional
    return with_gradient(m, lambda x: functional.mse_loss(written(m, x), g), [m.leaf(x)])


def stencil_gradient_pure(m: Any, x: Any, g: Any) -> Any:
    return with_gradient_pure(m, lambda x, g: squares(m, written_pure(m, x), g), [m.array(x)], m.array(g))


GRIDS = caches((256, 256), (768, 768), (2048, 2048))
ROWS = [
    Row(
        "embedding with gradient",
        caches((2000, 64, 1024), (20000, 64, 8192), (400000, 64, 65536)),
        lambda rng, rows, n, count: [normal(rng, rows, n), rng.integers(0, rows, count), normal(rng, count, n)],
        plain=embedding,
        pure=embedding_pure,
        tolerance=1e-4,
    ),
    Row(
        f"stencil, {STEPS} steps",
        GRIDS,
        lambda rng, *size: [normal(rng, *size)],
        plain=stencil,
        pure=stencil_pure,
    ),
    Row(
        f"stencil, {STEPS} steps, with gradient",
        GRIDS,
        lambda rng, *size: [normal(rng, *size), normal(rng, *size)],
        plain=stencil_gradient,
        pure=stencil_gradient_pure,
        tolerance=1e-4,
    ),
]
