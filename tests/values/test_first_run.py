"""The first run of a path, with no program made: the bits, gradients and errors of a run by a plan."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.values.native import hits
from tenure.values.run import first, force, sized
from tenure.values.run.plan import Plan

Step = Callable[[Any, Any, int], Any]
STEPS: list[Step] = [
    lambda a, b, k: a * 0.5 + b,
    lambda a, b, k: a.tanh() * b - k,
    lambda a, b, k: (a @ b) * 0.1,
    lambda a, b, k: a - b.mean(0),
    lambda a, b, k: a[k % 4] + b,
    lambda a, b, k: tn.concat([a[: k % 4], b[k % 4 :]]),
    lambda a, b, k: a[tn.tensor([0, 3, 0, k % 4])] * b,
    lambda a, b, k: a.T.reshape(2, 8).reshape(4, 4),
    lambda a, b, k: tn.where(a > b, a, float(k)),
    lambda a, b, k: b.detach() * a,
    lambda a, b, k: a.sort(dim=0).values + b.cumsum(1),
    lambda a, b, k: written(a, b, k % 4),
]
needs_code = pytest.mark.skipif(hits.CODE is None, reason="the first run is generated code")


def written(a: Any, b: Any, k: int) -> Any:
    u = tn.Var(a * 1.0)
    u[k] = b[k]
    u += b
    return u * 1.0


def run(seed: int, operations: int) -> list[Any]:
    """The values of a random program, some of them kept, and its gradients."""
    draw = random.Random(seed)
    x = tn.tensor(np.random.default_rng(seed).normal(size=(4, 4)), requires_grad=bool(draw.getrandbits(1)))
    values = [x]
    for _ in range(operations):
        a, b = values[-1], draw.choice(values)
        values.append(draw.choice(STEPS)(a, b, draw.randrange(100)))
    total = values[-1].sum()
    if total.requires_grad:
        total.backward(retain_graph=draw.random() < 0.5)
    kept = [v for v in values if draw.random() < 0.5]
    del values
    found: list[Any] = [total.item()]
    for v in kept:
        try:
            again = v.sum() * 2
            again.backward()
        except tn.errors.TenureError as error:
            found.append(error.code)
    return [*found, *[v.detach().numpy().tobytes() for v in kept], None if x.grad is None else x.grad.tolist()]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each first run gives, once its operations have records."""
    said: list[Any] = []
    inner = first.first_run

    def called(*args: Any) -> Any:
        found = inner(*args)
        if found is not False:
            said.append(found)
        return found

    monkeypatch.setattr(first, "first_run", called)
    return said


@needs_code
def test_it_gives_what_a_plan_gives(counted: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    some = [run(seed, 4 + seed) for seed in range(16)]
    assert counted.count(True) >= 10
    monkeypatch.setattr(first, "run", lambda *_: None)
    assert some == [run(seed, 4 + seed) for seed in range(16)]


@needs_code
def test_results_that_share_a_buffer_or_are_an_input(counted: list[Any]) -> None:
    x = tn.tensor([1.0, 2.0, 3.0, 4.0], dtype=tn.float64)
    y = x * 3.0
    views = [y.reshape(2, 2), y.reshape(4, 1), x.reshape(2, 2), y.reshape(4), tn.full((), 2.5), tn.ones(0) + 1]
    assert y.tolist() == [3.0, 6.0, 9.0, 12.0] and counted == [True]
    assert [v.tolist() for v in views[:3]] == [[[3, 6], [9, 12]], [[3], [6], [9], [12]], [[1, 2], [3, 4]]]
    assert views[4].item() == 2.5 and views[5].tolist() == [] and x.tolist() == [1, 2, 3, 4]


@needs_code
def test_a_failed_check_is_that_of_the_line(counted: list[Any]) -> None:
    x, at = tn.tensor([1.0, 2.0, 3.0]), tn.tensor([0, 5]) * 1
    fine, wrong = x * 2.0, (x * 3.0)[at]
    with pytest.raises(tn.errors.OutOfRange, match="index 5 is out of range") as raised:
        wrong.numpy()
    assert "test_first_run" in str(raised.value.at)
    assert fine.tolist() == [2.0, 4.0, 6.0] and counted[-1] is None


@needs_code
def test_large_values_and_observers_are_left_to_a_plan(counted: list[Any]) -> None:
    assert (tn.ones(sized.SMALL) * 1.25).sum().item() == 1.25 * sized.SMALL
    assert True not in counted
    said = len(counted)
    with tn.autograd.detect_anomaly():
        assert (tn.ones(3) * 1.125).sum().item() == 3.375
    assert len(counted) == said


@needs_code
def test_it_is_explained_and_compiled_at_second_sight(counted: list[Any]) -> None:
    def f() -> Any:
        return ((tn.arange(5).float() * 2.25 - 1).tanh() + 0.625).sum().item()

    value = f()
    assert counted == [True] and "it is new" in str(tn.explain())
    assert [f() for _ in range(3)] == [value] * 3
    assert counted == [True] and isinstance(force.LAST.plan, Plan)


@needs_code
def test_threads_run_new_programs_at_once(counted: list[Any]) -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        for k in range(40):
            x = tn.full((5 + number,), float(k))
            for _ in range(k % 7):
                x = x * 0.5 + number
            expected = float(k)
            for _ in range(k % 7):
                expected = expected * 0.5 + number
            if x.tolist() != [expected] * (5 + number):
                wrong.append((number, k))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and True in counted


@needs_code
def test_results_that_are_one_value_are_of_one_array_from_the_first_run() -> None:
    for turn in range(3):
        x = tn.tensor([1.0, -2.0, 4.0, 0.5])
        y = x * 2.0 - 1.0
        a, b, c = y.detach(), y.reshape(2, 2), y[1:3]
        z = y + 0.0
        found = [v.numpy().tolist() for v in (y, a, b, c, z)]
        whole = [1.0, -5.0, 7.0, 0.0]
        assert found == [whole, whole, [whole[:2], whole[2:]], whole[1:3], whole], turn
        assert a._data is y._data
