"""Many small matrices and many short transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rows import Arrays, Row, normal
from rows.reductions import with_gradient, with_gradient_pure


def definite(rng: Any, count: int, n: int) -> Arrays:
    x = normal(rng, count, n, n)
    return [x @ x.swapaxes(-1, -2) + n * np.eye(n, dtype=x.dtype)]


def numbers(rng: Any, *shape: int) -> Arrays:
    return [normal(rng, *shape)]


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def of(m: Any, x: Any) -> Any:
        x = m.array(x)

        def step() -> Any:
            y = function(m.lib, x)
            return (y.reshape(-1)[:1], y)

        return step

    return of


def pure(function: Callable[..., Any]) -> Callable[..., Any]:
    def of(m: Any, x: Any) -> Any:
        x, call = m.array(x), m.jit(lambda x: function(m.np, x))

        def step() -> Any:
            y = call(x)
            return (y.reshape(-1)[:1], y)

        return step

    return of


def row(name: str, function: Callable[..., Any], inputs: Any, sizes: dict[str, tuple[int, ...]]) -> Row:
    return Row(name, sizes, inputs, plain(function), pure(function), tolerance=1e-4, not_in={"mlx": "CPU alone"})


def system(rng: Any, count: int, n: int) -> Arrays:
    (x,) = definite(rng, count, n)
    return [x, normal(rng, count, n, 1)]


def solved(m: Any, x: Any, y: Any) -> Any:
    """A system by Cholesky's factor, with the gradients of both sides."""

    def loss(x: Any, y: Any) -> Any:
        return m.lib.cholesky_solve(y, m.lib.linalg.cholesky(x)).sum()

    return with_gradient(m, loss, [m.leaf(x), m.leaf(y)])


def solved_pure(m: Any, x: Any, y: Any) -> Any:
    def loss(x: Any, y: Any) -> Any:
        factor = m.np.linalg.cholesky(x)
        return m.np.sum(m.lib.scipy.linalg.cho_solve((factor, True), y))

    return with_gradient_pure(m, loss, [m.array(x), m.array(y)])


MATRICES = {"64 of 8×8": (64, 8), "4096 of 8×8": (4096, 8)}
SYSTEMS = MATRICES | {"64": (1, 64), "256": (1, 256), "1024": (1, 1024)}
ROWS = [
    Row(
        "Cholesky and solve, with gradient",
        SYSTEMS,
        system,
        plain=solved,
        pure=solved_pure,
        compared=lambda results: [results[0], results[2]],  # of a symmetric matrix each library halves otherwise
        tolerance=1e-3,
        not_in={"mlx": "CPU alone"},
    ),
    row("inverse of positive definite", lambda lib, x: lib.linalg.inv(x), definite, MATRICES),
    row("eigenvalues, Hermitian", lambda lib, x: lib.linalg.eigh(x)[0], definite, MATRICES),
    row("factor of Cholesky", lambda lib, x: lib.linalg.cholesky(x), definite, MATRICES),
    row("R of QR", lambda lib, x: abs(lib.linalg.qr(x)[1]), definite, MATRICES),
    row("rfft of rows", lambda lib, x: lib.abs(lib.fft.rfft(x)), numbers, {"4096 rows of 512": (4096, 512)}),
    row("rfft of a vector", lambda lib, x: lib.fft.rfft(x).real, numbers, {"2^20": (1 << 20,)}),
    row("fft2 of squares", lambda lib, x: lib.abs(lib.fft.fft2(x)), numbers, {"512 of 32×32": (512, 32, 32)}),
]
