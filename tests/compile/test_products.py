"""Matrix products: the bits depend on the operands alone, not on how they are stored, who reads the result, or when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F
from tenure.runtime import threads
from tenure.runtime.blas import gemm
from tenure.runtime.tiles import any_layout

SIZES = [(17, 33, 65), (39, 44, 55), (5, 700, 9), (96, 130, 110), (130, 300, 90), (200, 300, 210), (300, 260, 257)]
"""Rows, terms and columns: of 10⁴ to 2 · 10⁷ multiplications."""
DTYPES = ["float32", "float64"]
each = pytest.mark.parametrize(("size", "dtype"), [(s, d) for s in SIZES for d in DTYPES])


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


def numbers(*shape: int, dtype: str) -> Any:
    return np.random.default_rng(shape).standard_normal(shape).astype(dtype)


def at_any_sight(function: Callable[[], Any]) -> list[Any]:
    """The results of a computation, which are the same op by op, compiled, and on one thread."""
    first: list[Any] = []
    for k in range(4):
        threads.set_num_threads(1 + k % 2)
        found = [np.ascontiguousarray(x.detach().numpy()) for x in function()]
        first = first or found
        assert [x.tobytes() for x in found] == [x.tobytes() for x in first], k
    return first


def turned(x: Any) -> Any:
    return np.ascontiguousarray(np.swapaxes(x, -1, -2))


@each
def test_who_reads_the_result_does_not_matter(size: tuple[int, int, int], dtype: str) -> None:
    m, k, n = size
    x, y = tn.tensor(numbers(m, k, dtype=dtype)), tn.tensor(numbers(k, n, dtype=dtype))
    (plain,) = at_any_sight(lambda: [x @ y])
    (across,) = at_any_sight(lambda: [(x @ y).mT])
    both = at_any_sight(lambda: [(p := x @ y).mT, p, p.mT * 2.0])
    assert turned(across).tobytes() == plain.tobytes() == both[1].tobytes() == turned(both[0]).tobytes()
    assert both[2].tobytes() == (both[0] * 2).tobytes()


@each
def test_how_operands_are_made_does_not_matter(size: tuple[int, int, int], dtype: str) -> None:
    m, k, n = size
    x, y = numbers(m, k, dtype=dtype), numbers(k, n, dtype=dtype)
    (plain,) = at_any_sight(lambda: [tn.tensor(x) @ tn.tensor(y)])
    xt, yt = tn.tensor(turned(x)), tn.tensor(turned(y))
    a, b = tn.tensor(x), tn.tensor(y)
    for found in at_any_sight(lambda: [a @ yt.T, xt.T @ b, xt.mT @ yt.mT, F.linear(a, yt)]):
        assert found.tobytes() == plain.tobytes()


@each
def test_gradients_of_an_affine_layer(size: tuple[int, int, int], dtype: str) -> None:
    m, k, n = size
    x = tn.tensor(numbers(m, k, dtype=dtype), requires_grad=True)
    w = tn.tensor(numbers(n, k, dtype=dtype), requires_grad=True)
    b = tn.tensor(numbers(n, dtype=dtype), requires_grad=True)
    c = numbers(m, n, dtype=dtype)

    def step(read: bool) -> list[Any]:
        y = F.linear(x, w, b)
        if read:
            y.sum().item()
        (y * tn.tensor(c)).sum().backward()
        found = [y, *[p.grad.clone() for p in (x, w, b) if p.grad is not None]]
        for p in (x, w, b):
            p.grad = None
        return found

    plain = at_any_sight(lambda: step(False))
    cut = at_any_sight(lambda: step(True))
    assert [x.tobytes() for x in cut] == [x.tobytes() for x in plain]
    for found, wanted in zip(plain[1:], (c @ w.detach().numpy(), c.T @ x.detach().numpy(), c.sum(0)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_batches(dtype: str) -> None:
    for m, k, n in SIZES[:4]:
        x, y = numbers(3, 1, m, k, dtype=dtype), numbers(2, n, k, dtype=dtype)
        a, b = tn.tensor(x), tn.tensor(y)
        one, turn = at_any_sight(lambda a=a, b=b: [a @ b.mT, (a @ b.mT).mT])
        assert turned(turn).tobytes() == one.tobytes()
        for i, j in np.ndindex(3, 2):
            (single,) = at_any_sight(lambda p=x[i, 0], q=y[j]: [tn.tensor(p) @ tn.tensor(q).T])
            assert one[i, j].tobytes() == single.tobytes()


def test_a_cut_between_a_transpose_and_its_product() -> None:
    x, w = tn.tensor(numbers(50, 33, dtype="float32")), tn.tensor(numbers(70, 33, dtype="float32"), requires_grad=True)

    def step(read: bool) -> list[Any]:
        turn = w.T
        if read:
            turn.sum().item()
        y = x @ turn
        (y * y).sum().backward()
        assert w.grad is not None
        found, w.grad = w.grad.clone(), None
        return [y, found]

    plain, cut = at_any_sight(lambda: step(False)), at_any_sight(lambda: step(True))
    assert [x.tobytes() for x in cut] == [x.tobytes() for x in plain]


@each
def test_where_any_layout_has_the_same_bits(size: tuple[int, int, int], dtype: str) -> None:
    m, k, n = size
    if not any_layout(m, n, k):
        assert m * k * n < 1 << 25
        return
    x, y = numbers(m, k, dtype=dtype), numbers(k, n, dtype=dtype)
    found = []
    for a, b in ((x, y), (turned(x).T, y), (x, turned(y).T), (turned(x).T, turned(y).T)):
        out = np.empty((m, n), dtype)
        gemm(a, b, out)
        found.append(out.tobytes())
    assert len(set(found)) == 1
