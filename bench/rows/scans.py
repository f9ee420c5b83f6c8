"""Scans of rows, of columns and of a vector, products and norms, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rows import Row, caches, normal
from rows.pointwise import one
from rows.reductions import with_gradient, with_gradient_pure

MATRICES = caches((256, 512), (1024, 1024), (8192, 1024))
VECTORS = caches((100_000,), (1_000_000,), (8_000_000,))
NO_LOG = {"mlx": "the gradient of logcumsumexp is not there"}
Call = Callable[[Any, Any, int], Any]


def near_one(rng: Any, *size: int) -> list[Any]:
    """Factors of long products that stay in range."""
    return [1 + normal(rng, *size) / 1000, normal(rng, *size)]


def numbers(rng: Any, *size: int) -> list[Any]:
    return [normal(rng, *size), normal(rng, *size)]


def log_scan(m: Any, x: Any, axis: int) -> Any:
    """The pure libraries' logcumsumexp."""
    return m.lib.lax.cumlogsumexp(x, axis=axis) if m.name == "jax" else m.lib.logcumsumexp(x, axis=axis)


def scan(name: str, sizes: Any, axis: int, plain: Call, pure: Call, inputs: Any = numbers, **options: Any) -> Row:
    """A function of a tensor along an axis, weighted and summed, with its gradient."""

    def step(m: Any, x: Any, w: Any) -> Any:
        w = m.array(w)
        return with_gradient(m, lambda x: (plain(m, x, axis) * w).sum(), [m.leaf(x)])

    def step_pure(m: Any, x: Any, w: Any) -> Any:
        return with_gradient_pure(m, lambda x, w: m.np.sum(pure(m, x, axis) * w), [m.array(x)], m.array(w))

    return Row(
        name,
        sizes,
        inputs,
        plain=step,
        pure=step_pure,
        tolerance=1e-3,
        compared=lambda results: results[1:],
        **options,
    )


def total(name: str, axis: int | None, plain: Any, pure: Any, inputs: Any) -> Row:
    """A reduction of a matrix."""
    return Row(
        name,
        MATRICES,
        lambda rng, *size: inputs(rng, *size)[:1],
        plain=lambda m, x: one(m, lambda x: plain(m, x, axis), x),
        pure=lambda m, x: one(m, lambda x: pure(m, x, axis), x),
        tolerance=1e-4,
    )


def cumsum(m: Any, x: Any, axis: int) -> Any:
    return x.cumsum(axis)


def cumprod(m: Any, x: Any, axis: int) -> Any:
    return x.cumprod(axis)


def logcumsumexp(m: Any, x: Any, axis: int) -> Any:
    return x.logcumsumexp(axis)


def prod(m: Any, x: Any, axis: int) -> Any:
    return m.lib.prod(x, dim=axis, keepdim=True)


def norm(m: Any, x: Any, axis: int) -> Any:
    return m.lib.linalg.vector_norm(x, dim=axis, keepdim=True)


def cumsum_pure(m: Any, x: Any, axis: int) -> Any:
    return m.np.cumsum(x, axis=axis)


def cumprod_pure(m: Any, x: Any, axis: int) -> Any:
    return m.np.cumprod(x, axis=axis)


def prod_pure(m: Any, x: Any, axis: int) -> Any:
    return m.np.prod(x, axis=axis, keepdims=True)


def norm_pure(m: Any, x: Any, axis: int) -> Any:
    return m.np.sqrt(m.np.sum(x * x, axis=axis, keepdims=True))


ROWS = [
    scan("cumsum of rows, with gradient", MATRICES, 1, cumsum, cumsum_pure),
    scan("cumsum of columns, with gradient", MATRICES, 0, cumsum, cumsum_pure),
    scan("cumsum of a vector, with gradient", VECTORS, 0, cumsum, cumsum_pure),
    scan("logcumsumexp of rows, with gradient", MATRICES, 1, logcumsumexp, log_scan, not_in=NO_LOG),
    scan("logcumsumexp of columns, with gradient", MATRICES, 0, logcumsumexp, log_scan, not_in=NO_LOG),
    scan("cumprod of rows, with gradient", MATRICES, 1, cumprod, cumprod_pure, near_one),
    scan("products of rows, with gradient", MATRICES, 1, prod, prod_pure, near_one),
    scan("norms of rows, with gradient", MATRICES, 1, norm, norm_pure),
    total("products of rows", 1, prod, prod_pure, near_one),
    total("norms of columns", 0, norm, norm_pure, numbers),
]
