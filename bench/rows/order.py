"""Order: sorting, selecting, sets, search, counts, repetition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rows import Row, normal
from rows.pointwise import one
from rows.reductions import with_gradient, with_gradient_pure

NO_MLX = {"mlx": "no such function, or none with a shape that depends on data"}
LISTS = {"1e4": (10_000,), "1e6": (1_000_000,)}
MATRICES = {"128²": (128, 128), "1024²": (1024, 1024)}
FEW = 32


def numbers(rng: Any, *shape: int) -> list[Any]:
    return [normal(rng, *shape)]


def weighted(rng: Any, *shape: int) -> list[Any]:
    return [normal(rng, *shape), normal(rng, *shape)]


def whole(rng: Any, n: int) -> list[Any]:
    return [rng.integers(0, max(n // 10, 1), n)]


def calls(name: str, sizes: Any, inputs: Any, ours: Callable[..., Any], pure: Callable[..., Any], **more: Any) -> Row:
    """A function of arrays: ``ours(lib, *xs)`` in PyTorch's words, ``pure(m, *xs)`` in NumPy's."""
    return Row(
        name,
        sizes,
        inputs,
        plain=lambda m, *xs: one(m, lambda *xs: ours(m.lib, *xs), *xs),
        pure=lambda m, *xs: one(m, lambda *xs: pure(m, *xs), *xs),
        **more,
    )


def slopes(name: str, sizes: Any, ours: Callable[..., Any], pure: Callable[..., Any], **more: Any) -> Row:
    """A function of one array with its gradient, in which each element has a weight of its own."""

    def plain(m: Any, x: Any, w: Any) -> Any:
        w = m.array(w)
        return with_gradient(m, lambda x: (ours(m.lib, x) * w).sum(), [m.leaf(x)])

    def functional(m: Any, x: Any, w: Any) -> Any:
        return with_gradient_pure(m, lambda x, w: m.np.sum(pure(m, x) * w), [m.array(x)], m.array(w))

    return Row(name, sizes, weighted, plain=plain, pure=functional, tolerance=1e-3, **more)


def eager(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The same without jit, which knows no shape that depends on data."""

    def step(m: Any, *xs: Any) -> Any:
        arrays = [m.array(x) for x in xs]
        return lambda: (function(m, *arrays),)

    return step


def best(lib: Any, x: Any) -> Any:
    return lib.topk(x, FEW, dim=-1).values


def best_pure(m: Any, x: Any) -> Any:
    return m.lib.lax.top_k(x, FEW)[0]


def among(rng: Any, n: int) -> list[Any]:
    return [np.sort(normal(rng, n // 10)), normal(rng, n)]


def in_order(axis: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Sorting along an axis, stable, as the gradient of equal elements is compared."""
    return lambda lib, x: lib.sort(x, dim=axis, stable=True).values, lambda m, x: m.np.sort(x, axis=axis)


ROWS = [
    calls("sort", LISTS, numbers, *in_order(0)),
    *[calls(f"sort along axis {k}", MATRICES, numbers, *in_order(k)) for k in (0, 1)],
    slopes("sort with gradient", LISTS, *in_order(0)),
    *[slopes(f"sort along axis {k} with gradient", MATRICES, *in_order(k)) for k in (0, 1)],
    calls(f"{FEW} largest", LISTS | MATRICES, numbers, best, best_pure, not_in=NO_MLX),
    Row(
        "distinct integers",
        LISTS,
        whole,
        plain=lambda m, x: one(m, m.lib.unique, x),
        pure=eager(lambda m, x: m.np.unique(x)),
        whole=64,
        not_in=NO_MLX,
    ),
    calls(
        "search in sorted numbers",
        LISTS,
        among,
        lambda lib, s, x: lib.searchsorted(s, x),
        lambda m, s, x: m.np.searchsorted(s, x),
        whole=64,
        not_in=NO_MLX,
    ),
    calls(
        "quantile",
        LISTS,
        numbers,
        lambda lib, x: lib.quantile(x, 0.3),
        lambda m, x: m.np.quantile(x, 0.3),
        not_in=NO_MLX,
    ),
    calls(
        "histogram",
        LISTS,
        numbers,
        lambda lib, x: lib.histc(x, 64, -3.0, 3.0),
        lambda m, x: m.np.histogram(x, 64, (-3.0, 3.0))[0],
        not_in=NO_MLX,
        tolerance=1e-3,
    ),
    Row(
        "counts of integers",
        LISTS,
        whole,
        plain=lambda m, x: one(m, m.lib.bincount, x),
        pure=eager(lambda m, x: m.np.bincount(x)),
        whole=64,
        not_in=NO_MLX,
    ),
    calls(
        "one-hot rows",
        {"1e4": (10_000,), "1e5": (100_000,)},
        lambda rng, n: [rng.integers(0, 64, n)],
        lambda lib, x: lib.nn.functional.one_hot(x, 64),
        lambda m, x: m.lib.nn.one_hot(x, 64, dtype="int64"),
        whole=64,
        not_in=NO_MLX,
    ),
    calls(
        "repeated elements",
        LISTS,
        numbers,
        lambda lib, x: lib.repeat_interleave(x, 4),
        lambda m, x: m.np.repeat(x, 4),
    ),
]
