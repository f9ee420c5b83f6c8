"""Many small matrices and many short transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rows import Arrays, Row, normal


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


MATRICES = {"64 of 8×8": (64, 8), "4096 of 8×8": (4096, 8)}
ROWS = [
    row("eigenvalues, Hermitian", lambda lib, x: lib.linalg.eigh(x)[0], definite, MATRICES),
    row("factor of Cholesky", lambda lib, x: lib.linalg.cholesky(x), definite, MATRICES),
    row("R of QR", lambda lib, x: abs(lib.linalg.qr(x)[1]), definite, MATRICES),
    row("rfft of rows", lambda lib, x: lib.abs(lib.fft.rfft(x)), numbers, {"4096 rows of 512": (4096, 512)}),
    row("fft2 of squares", lambda lib, x: lib.abs(lib.fft.fft2(x)), numbers, {"512 of 32×32": (512, 32, 32)}),
]
