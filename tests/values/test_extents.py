"""Programs whose extents are inputs: paths that differ in extents alone share one, with the bits of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F
from tenure.values.rules.rows import COUNTS
from tenure.values.run import sized

Function = Callable[..., Any]
EXTENTS = (5, 7, 11, 6, 23, 40, 9, 3, 64, 65, 200, 700, 999)


def data(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Numbers between −1 and 1, of which a shorter array has the first."""
    whole = np.random.default_rng(seed).uniform(-1, 1, (1024, *shape[1:]))
    return whole[: shape[0]].astype(np.float32)


def attention(x: Any, w: Any) -> Any:
    q, k, v = (x @ w).reshape(x.shape[0], 3, 2, 2).permute(1, 2, 0, 3)
    return ((q @ k.transpose(-1, -2)).softmax(-1) @ v).permute(1, 0, 2).reshape(x.shape[0], 4)


FUNCTIONS: dict[str, Function] = {
    "elementwise": lambda x, w: (x * 2 + 1).tanh() * x.exp(),
    "mean": lambda x, w: (x - x.mean(0)) / (x.var(axis=0, correction=1) + 1).sqrt(),
    "product": lambda x, w: (x @ w[:4]).relu(),
    "gram": lambda x, w: x @ x.T,
    "attention": attention,
    "slices": lambda x, w: x[1:] - x[:-1],
    "growing": lambda x, w: x[: x.shape[0] // 2].sum(0) * x[x.shape[0] // 2 :],
    "strided": lambda x, w: x[::2] * 3,
    "row": lambda x, w: x[x.shape[0] - 2] * x[0],
    "concat": lambda x, w: tn.cat([x, x * 2, w[:, :4]]),
    "flatten": lambda x, w: x.flatten() * x.reshape(-1),
    "transposed": lambda x, w: x.T.contiguous().reshape(2, 2, x.shape[0]),
    "layer_norm": lambda x, w: F.layer_norm(x, (4,)),
    "softmax": lambda x, w: F.log_softmax(x, 0),
    "max": lambda x, w: x.max(dim=0).values * x.argmax(0),
    "cumsum": lambda x, w: x.cumsum(0) + x.cumsum(1),
    "sort": lambda x, w: x.sort(dim=0).values,
    "gather": lambda x, w: x[tn.arange(x.shape[0] - 1, -1, -1)],
    "mask": lambda x, w: tn.where(x > 0, x, 0.1 * x),
    "pad": lambda x, w: F.pad(x, (1, 2, 3, 0)),
    "triangle": lambda x, w: (x @ x.T).tril(),
    "cross_entropy": lambda x, w: F.cross_entropy(x, tn.zeros(x.shape[0], dtype=tn.int64), reduction="none"),
    "stack": lambda x, w: tn.stack([x, x + 1], 1),
    "outer": lambda x, w: x[:, 0, None] * x[None, :, 1],
    "write": lambda x, w: written(x),
}


def written(x: Any) -> Any:
    u = tn.Var(tn.zeros(x.shape))
    u[1:] = x[1:]
    u[0] += x[0]
    return u * x


def called(function: Function, n: int) -> list[bytes]:
    """The bits of a result and of its gradients."""
    x = tn.tensor(data(n, 4), requires_grad=True)
    w = tn.tensor(data(4, 12, seed=1), requires_grad=True)
    y = function(x, w)
    (y * y).sum().backward()
    grads = [a.grad for a in (x, w) if a.grad is not None]
    return [a.detach().numpy().tobytes() for a in (y, *grads)]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form gets a program of symbols as soon as it comes again, also where values are small."""
    monkeypatch.setattr(sized, "SHARES_SMALL", True)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """From the call on, each path has a program of its own."""
    yield lambda: monkeypatch.setattr(sized, "found", lambda *_: None)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits(name: str, alone: Callable[[], None]) -> None:
    function = FUNCTIONS[name]
    before = sized.SHARES["used"]
    shared = [called(function, n) for n in EXTENTS]
    used = sized.SHARES["used"] - before
    sized.FAMILIES.clear()
    alone()
    assert shared == [called(lambda x, w: function(x, w) * 1, n) for n in EXTENTS]
    assert used >= 4


def test_no_program_more() -> None:
    def f(n: int) -> None:
        called(lambda x, w: (x @ w[:4, :4]).sigmoid() - x, n)

    for n in EXTENTS:
        f(n)
    before = COUNTS["programs"]
    for n in range(66, 166):
        f(n)
    assert COUNTS["programs"] <= before + 1  # for larger products, say


def test_extents_that_do_not_fit() -> None:
    x, y = (tn.tensor(data(200, 4, seed=k)) for k in range(2))

    def f(n: int, m: int) -> float:
        return float((x[:n] + y[:m]).sum().item())

    for n in (n for n in EXTENTS if n <= 200):
        f(n, n)
        f(n, 1)
    with pytest.raises(tn.ShapeError):
        f(50, 51)
    assert f(51, 1) == float((x[:51] + y[0]).sum().item())


def test_an_index_out_of_range() -> None:
    x = tn.tensor(data(200, 4))

    def f(n: int, at: int) -> float:
        part = x[:n] * 2
        return float(part[tn.tensor([at, 0])].sum().item())

    for n in (n for n in EXTENTS if n <= 200):
        assert f(n, n - 1) == float((x[n - 1] * 2 + x[0] * 2).sum().item())
    with pytest.raises(tn.OutOfRange):
        f(70, 70)


def test_numbers_beside_extents() -> None:
    def f(n: int, a: float) -> float:
        return float((tn.tensor(data(n, 4)) * a).sum().item())

    for n in EXTENTS:
        f(n, 2.0)
    for n in EXTENTS:
        assert f(n + 1, 3.0) == float((tn.tensor(data(n + 1, 4)) * 3.0).sum().item())


def test_what_takes_other_ways_by_size() -> None:
    """Loops that a rule of a primitive makes in Python: as many as there are extents, so no program serves two."""

    def f(n: int) -> float:
        x = tn.tensor(data(n, 4))
        return float(sum((x[k] for k in range(n)), tn.zeros(4)).sum().item())

    for n in EXTENTS:
        np.testing.assert_allclose(f(n), data(n, 4).sum(), rtol=1e-4, atol=1e-4)
