"""Writes of one tensor by several threads: each has its turn, none is lost, and no view loses its tensor."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure.torch as torch
from tests.values.interleaved import together

FUZZ = bool(os.environ.get("TENURE_FUZZ"))
ROUNDS = 600 if FUZZ else 12
WHERE = ("tenure/torch/", "tenure/values/places/")
ROWS, N, TIMES = 8, 6, 15


def detached(x: Any) -> None:
    d = x.data
    d += 1.0


def augmented(x: Any) -> None:
    x += 1.0


ADDING: dict[str, Callable[[Any], Any]] = {
    "add_": lambda x: x.add_(1.0),
    "sub_": lambda x: x.sub_(1.0, alpha=-1),
    "+=": augmented,
    ".data": lambda x: x.data.add_(1.0),
    ".data +=": detached,
    "detach": lambda x: x.detach().add_(1.0),
    "view": lambda x: x.view(-1).add_(1.0),
    "t": lambda x: x.t().add_(1.0),
    "addcmul_": lambda x: x.addcmul_(torch.ones(ROWS, N), torch.ones(ROWS, N)),
    "index_add_": lambda x: x.index_add_(0, torch.arange(ROWS), torch.ones(ROWS, N)),
    "out=": lambda x: torch.add(x, 1.0, out=x),
    "apply_": lambda x: x.apply_(lambda v: v + 1),
    "map_": lambda x: x.map_(torch.ones(ROWS, N), lambda a, b: a + b),
}
"""Writes that add 1 everywhere."""


def number(model: Any, v: float) -> float:
    model[:] = v
    return v


def row_plus(x: Any, k: int, v: float) -> None:
    x[k] += v


OWN: dict[str, tuple[Callable[[Any, int, float], Any], Callable[[Any, float], Any]]] = {
    "set": (lambda x, k, v: x.__setitem__(k, v), lambda m, v: v),
    "add_ of a row": (lambda x, k, v: x[k].add_(v), lambda m, v: m + v),
    "+= of a row": (row_plus, lambda m, v: m + v),
    "copy_": (lambda x, k, v: x[k].copy_(torch.full((N,), v)), lambda m, v: v),
    "fill_": (lambda x, k, v: x[k].fill_(v), lambda m, v: v),
    "mul_": (lambda x, k, v: x[k].mul_(0.5), lambda m, v: m * 0.5),
    ".data": (lambda x, k, v: x.data[k].add_(v), lambda m, v: m + v),
    "zero_": (lambda x, k, v: x[k].zero_(), lambda m, v: 0.0),
    "narrow": (lambda x, k, v: x.narrow(0, k, 1).add_(v), lambda m, v: m + v),
    "chunk": (lambda x, k, v: x.chunk(ROWS)[k].sub_(v), lambda m, v: m - v),
}
"""Writes of a row, and of the number that it has everywhere."""


@pytest.mark.parametrize("rate", [0.02, 0.0])
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_no_addition_is_lost(seed: int, rate: float) -> None:
    rng = random.Random(seed)
    kinds = rng.sample(sorted(ADDING), 3)
    x = torch.zeros(ROWS, N, requires_grad=rng.random() < 0.3)

    def work(k: int) -> None:
        own = random.Random(100 * seed + k)
        with torch.no_grad():
            for _ in range(TIMES):
                ADDING[own.choice(kinds)](x)

    threads = rng.randrange(2, 9)
    found = together([lambda k=k: work(k) for k in range(threads)], rate, WHERE)
    assert found == [None] * threads, kinds
    assert (x.detach().numpy() == TIMES * threads).all(), kinds


@pytest.mark.parametrize("rate", [0.02, 0.0])
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_rows_of_threads_do_not_meet(seed: int, rate: float) -> None:
    rng = random.Random(seed)
    kinds = rng.sample(sorted(OWN), 4)
    x = torch.zeros(ROWS, N, requires_grad=rng.random() < 0.3)

    def work(k: int) -> float:
        own, model = random.Random(100 * seed + k), 0.0
        with torch.no_grad():
            for _ in range(TIMES):
                write, means = OWN[own.choice(kinds)]
                v = float(own.randrange(-3, 4))
                write(x, k, v)
                model = float(means(model, v))
                if own.random() < 0.5:
                    assert x[k].tolist() == [model] * N
        return model

    threads = rng.randrange(2, 9)
    found = together([lambda k=k: work(k) for k in range(threads)], rate, WHERE)
    assert x[:threads].detach().tolist() == [[v] * N for v in found], (kinds, found)


@pytest.mark.parametrize("rate", [0.02, 0.0])
@pytest.mark.parametrize("name", ["SGD", "Adagrad", "own"])
def test_optimizers_of_common_parameters_take_turns(name: str, rate: float) -> None:
    """Hogwild: each thread has an optimizer of its own, and gradients."""
    model = torch.nn.Linear(3, 2)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    steps, threads = 10, 4
    gate = threading.Lock()

    def work() -> None:
        if name == "own":
            for _ in range(steps):
                for p in model.parameters():
                    p.data.add_(torch.ones_like(p), alpha=-0.5)
            return
        optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.5)
        for _ in range(steps):
            with gate:  # one gradient for all: it is not what is tried here
                for p in model.parameters():
                    p.grad = torch.ones_like(p)
            optimizer.step()

    assert together([work] * threads, rate, WHERE) == [None] * threads
    if name != "Adagrad":
        assert all((p == -0.5 * steps * threads).all() for p in model.parameters())
    else:
        assert all(torch.isfinite(p).all() for p in model.parameters())


@pytest.mark.parametrize("rate", [0.02, 0.0])
@pytest.mark.parametrize("momentum", [0.5, None])
def test_statistics_of_batches_that_come_by_threads(momentum: Any, rate: float) -> None:
    layer, threads, times = torch.nn.BatchNorm1d(1, momentum=momentum), 4, 10
    batch = torch.tensor([[1.0], [3.0]])  # mean 2 each time

    def work() -> None:
        for _ in range(times):
            layer(batch)

    assert together([work] * threads, rate, (*WHERE, "tenure/nn/")) == [None] * threads
    assert layer.num_batches_tracked.item() == threads * times
    start = 0.0 if momentum is None else 0.5 ** (threads * times)
    np.testing.assert_allclose(layer.running_mean.numpy(), [2.0 * (1 - start)], rtol=1e-6)


def test_a_finalizer_may_write(tmp_path: Any) -> None:
    x = torch.zeros(3)

    class Writer:
        def __del__(self) -> None:
            x.add_(1.0)

    x.add_(torch.ones(3) * len([Writer()]))
    assert x.tolist() == [2.0] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_others_write() -> None:
    x, stop = torch.zeros(64), threading.Event()

    def write() -> None:
        while not stop.is_set():
            x.add_(1.0)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            child = os.fork()
            if not child:
                y = torch.zeros(2)
                y += 1
                os._exit(0 if y.tolist() == [1.0, 1.0] else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        for t in threads:
            t.join()
