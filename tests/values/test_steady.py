"""Loops reach a state in which nothing is built any more; memory stays what the live values need."""

from __future__ import annotations

import gc
import itertools
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.values.rules.graph import Segment
from tenure.values.run import plan
from tenure.values.run.force import COUNTS
from tests.traits import EVERY

RNG = np.random.default_rng(0)
DATA = tn.tensor(RNG.standard_normal((64, 4)).astype(np.float32))


def built(loop: Callable[[int], Any], steps: int) -> int:
    """How many Programs the second half of a loop builds."""
    for k in range(steps):
        if k == steps // 2:
            before = COUNTS["programs"]
        loop(k)
    return COUNTS["programs"] - before


class Regression:
    """Minibatches by slices, a learning rate that changes at every step."""

    def __init__(self) -> None:
        self.w = tn.zeros(4, requires_grad=True)
        self.b = tn.zeros((), requires_grad=True)

    def step(self, k: int) -> Any:
        """One step of gradient descent; its loss."""
        i = k % 8
        x = DATA[i * 8 : (i + 1) * 8]
        loss = ((x @ self.w + self.b - 1) ** 2).mean()
        self.w.grad = self.b.grad = None
        loss.backward()
        for p in (self.w, self.b):
            p.data -= 0.1 / (1 + 0.01 * k) * p.grad
        return loss

    def numpy(self, steps: int) -> np.ndarray[Any, Any]:
        """The same loop in NumPy: the weights it ends with."""
        w, b = np.zeros(4), 0.0
        for k in range(steps):
            x = np.asarray(DATA)[k % 8 * 8 : (k % 8 + 1) * 8].astype(np.float64)
            g = 2 * (x @ w + b - 1) / 8
            w, b = w - 0.1 / (1 + 0.01 * k) * (g @ x), b - 0.1 / (1 + 0.01 * k) * g.sum()
        return np.array([*w, b])

    def agrees(self, steps: int) -> bool:
        """Whether it stands where NumPy does."""
        return np.allclose([*self.w.tolist(), self.b.item()], self.numpy(steps), rtol=1e-3, atol=1e-5)


READERS: dict[str, Callable[[int, Any], Any]] = {
    "each step": lambda k, loss: loss.item(),
    "never": lambda k, loss: None,
    "printed every 100 steps": lambda k, loss: repr(loss) if k % 100 == 0 else None,
    "every seventh step": lambda k, loss: float(loss) if k % 7 == 0 else None,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_training_loop_builds_nothing_after_its_first_steps(reader: str) -> None:
    model, steps = Regression(), 2000
    assert built(lambda k: READERS[reader](k, model.step(k)), steps) == 0
    assert model.agrees(steps)


def test_a_loop_that_keeps_a_result_now_and_then() -> None:
    model, kept = Regression(), []
    assert built(lambda k: kept.append(model.step(k)) if k % 10 == 0 else model.step(k), 4000) == 0
    assert kept[-1].item() < kept[0].item()


def test_a_loop_of_writes_that_never_forces() -> None:
    v, u = tn.zeros(4, dtype=tn.float64).mut(), np.zeros(4)

    def step(k: int) -> None:
        nonlocal v
        v *= 0.9
        v += k * 0.001
        v[k % 4] = 1.0

    assert built(step, 2000) == 0
    for k in range(2000):
        u = u * 0.9 + k * 0.001
        u[k % 4] = 1.0
    assert np.allclose(v, u)


def test_validation_every_so_often() -> None:
    model = Regression()

    def step(k: int) -> None:
        model.step(k)
        if k % 50 == 0:
            with tn.no_grad():
                assert ((DATA @ model.w + model.b - 1) ** 2).mean().item() < 2

    assert built(step, 1000) == 0


def test_a_differentiable_loop_of_thousands_of_steps() -> None:
    w = tn.tensor([1.5, 1.2], dtype=tn.float64, requires_grad=True)
    n, counts = 3000, []
    for _ in range(4):
        h, before = tn.ones(2, dtype=tn.float64), COUNTS["programs"]
        for _ in range(n):
            h = (h * w).tanh()
        w.grad = None
        h.sum().backward()
        gradient = w.grad.tolist()
        counts.append(COUNTS["programs"] - before)
    a, d, weights = np.ones(2), np.zeros(2), np.array([1.5, 1.2])
    for _ in range(n):
        a, d = np.tanh(a * weights), (1 - np.tanh(a * weights) ** 2) * (d * weights + a)
    assert gradient == pytest.approx(d.tolist(), rel=1e-10)
    assert counts[-1] == 0


def test_shapes_that_vary_at_every_step_stay_bounded() -> None:
    w = tn.tensor(1.0, requires_grad=True)

    def step(n: int) -> None:
        w.grad = None
        ((tn.ones(n) * w) ** 2).sum().backward()
        assert w.grad.item() == 2.0 * n

    step(1)
    gc.collect()
    tracemalloc.start()
    try:
        nodes = COUNTS["rows"]
        for n in range(2, 301):
            step(n)
        per_shape = tracemalloc.get_traced_memory()[0] / 300
    finally:
        tracemalloc.stop()
    assert COUNTS["rows"] - nodes <= 10 * 300
    assert per_shape < 40_000
    before = COUNTS["programs"]
    for n in range(200, 301):
        step(n)
    assert COUNTS["programs"] == before


@pytest.fixture(params=[True, False], ids=["gc", "no gc"])
def collector(request: Any) -> Iterator[None]:
    """With and without the cycle collector."""
    gc.collect()
    if not request.param:
        gc.disable()
    yield
    gc.enable()


def segments() -> int:
    """How many runs are kept for differentiation."""
    gc.collect()
    return sum(type(x) is Segment for x in gc.get_objects())


@pytest.mark.parametrize("every", [1, 10, 10**9])
def test_a_thousand_kept_losses_cost_a_thousand_numbers(collector: None, every: int) -> None:
    size, count = 10_000, 1000 if EVERY else 120
    x = tn.tensor(RNG.standard_normal(size))
    w = tn.zeros(size, dtype=tn.float64, requires_grad=True)
    sizes: list[int] = []

    def train() -> list[Any]:
        kept = []
        for k in range(count):
            loss = ((w - x) ** 2).sum()
            w.grad = None
            loss.backward()
            w.data -= 0.01 * w.grad
            kept.append(loss)
            if k % every == 0:
                loss.item()
        kept[-1].item()  # so that what is still pending does not count
        sizes.append(tracemalloc.get_traced_memory()[0])
        return kept

    train()
    tracemalloc.start()
    try:
        first = train()
        second = train()
        train()
        assert second[-1].item() <= first[-1].item()
    finally:
        tracemalloc.stop()
    growth = min(later - size for size, later in itertools.pairwise(sizes))  # once, a program is compiled
    assert growth / count < 1000
    assert segments() == 0
    assert 0 <= first[-1].item() < first[1].item()


def test_kept_predictions_pin_no_weights(collector: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)  # never in the middle of the steps that count
    size, kept = 10_000, []
    w = tn.zeros(size, dtype=tn.float64, requires_grad=True)
    tracemalloc.start()
    try:
        for k in range(200):
            pred = (w * 2).sum() + (w * w).sum()
            kept.append(pred)
            pred.backward()
            w.data -= 0.01 * w.grad
            w.grad.zero_()
            pred.item()
            if k == 99:
                before = tracemalloc.get_traced_memory()[0]
        assert tracemalloc.get_traced_memory()[0] - before < size * 8
    finally:
        tracemalloc.stop()


def test_a_step_leaves_nothing_to_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)  # never in the middle of the steps that count
    model = Regression()

    def step(k: int) -> None:
        loss = model.step(k)
        loss.item()
        hooked = model.w * 2
        hooked.register_hook(lambda g: g * 1)
        (hooked.sum() + model.b).backward(retain_graph=True)
        part = model.w.data[:2]
        part.mul_(1)
        repr(hooked)

    for k in range(5):
        step(k)
    gc.collect()
    gc.disable()
    try:
        for k in range(20):
            step(k)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_unread_results_that_are_dropped_are_not_computed() -> None:
    x = tn.ones(3)
    before = COUNTS["runs"]
    for _ in range(10):
        x * 2
    tn.ones(1).item()
    assert COUNTS["runs"] - before == 1


def kept_of_graphs_that_never_recur(operations: int) -> float:
    """How many containers a graph of so many operations leaves, when its like never came before."""
    x = tn.tensor(np.linspace(0.5, 1.0, 8), requires_grad=True)
    operations_of_two: list[Any] = [
        lambda a, b: a * b,
        lambda a, b: a.tanh() - b,
        lambda a, b: a / (b * b + 1.0),
    ]

    def run(seed: int) -> None:
        draw = random.Random(seed)
        values = [x * 0.5]
        for _ in range(operations):
            a, b = (draw.choice(values[-4:]) for _ in range(2))
            values = [*values[-4:], draw.choice(operations_of_two)(a, b)]
        values[-1].sum().backward()
        assert np.isfinite(x.grad.numpy()).all()

    for seed in range(5):
        run(seed)
    gc.collect()
    before = {id(one) for one in gc.get_objects()}
    for seed in range(5, 15):
        run(seed)
    gc.collect()
    return sum(id(one) not in before for one in gc.get_objects()) / 10


def test_a_graph_that_never_recurs_keeps_no_container_for_each_operation() -> None:
    """In a process of its own: what other tests left to compile in the background would be counted."""
    few, many = (100, 800) if EVERY else (50, 400)
    code = f"from {__name__} import *; print(*map(kept_of_graphs_that_never_recur, ({few}, {many})))"
    kept = [float(one) for one in subprocess.check_output([sys.executable, "-c", code], text=True).split()]
    assert kept[1] - kept[0] < 0.05 * (many - few), kept
