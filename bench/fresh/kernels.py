"""Kernels of NPBench and PolyBench as plain loops, differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fresh.programs import Step, definite, recurrence, stepped


def weighted(m: Any, *results: Any) -> Any:
    """A number that depends on all elements of some results."""
    rng = np.random.default_rng(7)
    return sum([(x * m.array(rng.standard_normal(tuple(x.shape)))).sum() for x in results])


def zeros(m: Any, *shape: int) -> Any:
    """A place."""
    return m.place(m.lib.zeros(*shape, dtype=m.lib.float64))


def trisolv(m: Any, n: int) -> Step:
    def loss(factor: Any, b: Any) -> Any:
        x = zeros(m, n)
        for i in range(n):
            x[i] = (b[i] - factor[i, :i] @ m.kept(x[:i])) / factor[i, i]
        return weighted(m, x)

    return stepped(m, loss, np.linalg.cholesky(definite(n)), np.linspace(0, 1, n))


def cholesky(m: Any, n: int) -> Step:
    def loss(given: Any) -> Any:
        a = m.place(given)
        for i in range(n):
            for j in range(i):
                a[i, j] -= m.kept(a[i, :j]) @ m.kept(a[j, :j])
                a[i, j] /= m.kept(a[j, j])
            a[i, i] -= m.kept(a[i, :i]) @ m.kept(a[i, :i])
            a[i, i] = m.kept(a[i, i]).sqrt()
        return weighted(m, a)

    return stepped(m, loss, definite(n))


def covariance(m: Any, n: int) -> Step:
    def loss(data: Any) -> Any:
        data = data - data.mean(0)
        cov = zeros(m, n, n)
        for i in range(n):
            cov[i:, i] = column = data[:, i] @ data[:, i:] / (data.shape[0] - 1)
            cov[i, i:] = column
        return weighted(m, cov)

    return stepped(m, loss, np.random.default_rng(0).standard_normal((2 * n, n)))


def durbin(m: Any, n: int) -> Step:
    def loss(r: Any) -> Any:
        y = zeros(m, n)
        alpha, beta = -r[0], 1.0
        y[0] = alpha
        for k in range(1, n):
            beta = beta * (1 - alpha * alpha)
            before = m.kept(y[:k])
            alpha = -(r[k] + m.lib.flip(r[:k], (0,)) @ before) / beta
            y[:k] += alpha * m.lib.flip(before, (0,))
            y[k] = alpha
        return weighted(m, y)

    return stepped(m, loss, 0.3 / np.arange(1, n + 1))


def syrk(m: Any, n: int) -> Step:
    def loss(given: Any, a: Any) -> Any:
        c = m.place(given)
        for i in range(n):
            c[i, : i + 1] *= 1.2
            for k in range(a.shape[1]):
                c[i, : i + 1] += 1.5 * a[i, k] * a[: i + 1, k]
        return weighted(m, c)

    rng = np.random.default_rng(0)
    return stepped(m, loss, rng.standard_normal((n, n)), rng.standard_normal((n, n // 2)))


def lu(m: Any, n: int) -> Step:
    def loss(given: Any) -> Any:
        a = m.place(given)
        for i in range(n):
            for j in range(i):
                a[i, j] -= m.kept(a[i, :j]) @ m.kept(a[:j, j])
                a[i, j] /= m.kept(a[j, j])
            for j in range(i, n):
                a[i, j] -= m.kept(a[i, :i]) @ m.kept(a[:i, j])
        return weighted(m, a)

    return stepped(m, loss, definite(n))


def gramschmidt(m: Any, n: int) -> Step:
    def loss(given: Any) -> Any:
        a = m.place(given)
        q, r = zeros(m, *given.shape), zeros(m, n, n)
        for k in range(n):
            column = m.kept(a[:, k])
            r[k, k] = norm = (column @ column).sqrt()
            q[:, k] = unit = column / norm
            for j in range(k + 1, n):
                r[k, j] = along = unit @ m.kept(a[:, j])
                a[:, j] -= unit * along
        return weighted(m, q, r)

    return stepped(m, loss, np.random.default_rng(0).standard_normal((n + 5, n)))


def correlation(m: Any, n: int) -> Step:
    def loss(data: Any) -> Any:
        away = data - data.mean(0)
        data = away / (away * away).sum(0).sqrt()
        corr = m.place(m.array(np.eye(n)))
        for i in range(n - 1):
            corr[i + 1 :, i] = row = data[:, i] @ data[:, i + 1 :]
            corr[i, i + 1 :] = row
        return weighted(m, corr)

    return stepped(m, loss, np.random.default_rng(0).standard_normal((2 * n, n)))


def nbody(m: Any, n: int) -> Step:
    mass = m.array(np.linspace(0.5, 1.5, 12))

    def acceleration(x: Any) -> Any:
        away = x[None, :, :] - x[:, None, :]
        squared = (away * away).sum(2) + 0.01
        return (away * (mass * squared**-1.5)[:, :, None]).sum(1)

    def loss(x: Any, v: Any) -> Any:
        a = acceleration(x)
        for _ in range(n):
            v = v + a * 0.005
            x = x + v * 0.01
            a = acceleration(x)
            v = v + a * 0.005
        return weighted(m, x, v)

    rng = np.random.default_rng(0)
    return stepped(m, loss, rng.standard_normal((12, 3)), rng.standard_normal((12, 3)))


def recurrent(m: Any, n: int) -> Step:
    xs = m.array(np.random.default_rng(0).standard_normal((n, 8)))
    return stepped(m, lambda w: recurrence(m, w, xs, n), 0.3 * np.ones((8, 8)))


KERNELS: dict[str, tuple[Callable[[Any, int], Step], int]] = {
    "trisolv, 300": (trisolv, 300),
    "cholesky, 30": (cholesky, 30),
    "covariance, 60": (covariance, 60),
    "durbin, 120": (durbin, 120),
    "syrk, 30": (syrk, 30),
    "lu, 24": (lu, 24),
    "gramschmidt, 24": (gramschmidt, 24),
    "correlation, 60": (correlation, 60),
    "nbody, 40 steps": (nbody, 40),
    "recurrence, 200": (recurrent, 200),
}
