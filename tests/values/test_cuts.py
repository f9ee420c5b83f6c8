"""Cuts: a loop that reads nothing settles, loops whose inner lengths change are one program, the same trace is cut
alike each time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tenure as tn
from tenure.transform import vjp
from tenure.values.rules import rows
from tenure.values.rules.rows import COUNTS
from tenure.values.run import plan
from tenure.values.trace import period, record

Counts = tuple[int, int]
"""Programs that were built, and runs."""


def counted(loop: Callable[[], Any]) -> Counts:
    """What a loop builds and runs."""
    before = COUNTS["programs"], COUNTS["runs"]
    loop()
    return COUNTS["programs"] - before[0], COUNTS["runs"] - before[1]


@pytest.fixture(autouse=True)
def nothing_pending() -> None:
    """What other tests have left is run."""
    tn.ones(1).item()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Traces are cut earlier, so that less needs to be recorded."""
    monkeypatch.setattr(rows, "LONGEST", 2048)
    yield


words = st.lists(st.integers(0, 2), min_size=1, max_size=9)


@given(st.lists(st.integers(0, 2), max_size=8), words, st.integers(1, 8), st.sampled_from([(3.0, 0.75), (1.25, 0.0)]))
def test_the_period_is_that_of_the_longest_periodic_end(
    begin: list[int], turn: list[int], turns: int, wanted: tuple[float, float]
) -> None:
    sequence, best = begin + turn * turns, (0, None)
    n = len(sequence)
    for p in range(1, n):
        length = p
        while length < n and sequence[-1 - length] == sequence[-1 - length + p]:
            length += 1
        if length >= wanted[0] * p and length > best[0]:
            best = (length, p)
    found = period.shortest_period(np.array(sequence), *wanted)
    assert found == (best[1] if best[0] >= wanted[1] * n else None)
    assert found is None or wanted[1] == 0.0 or period.may_repeat(sequence)


def test_what_cannot_repeat_is_told_by_its_rules_alone() -> None:
    numbers = np.random.default_rng(0).integers(0, 6, 3000).tolist()
    assert not period.may_repeat(numbers)
    assert period.may_repeat(numbers[:500] * 4)
    assert period.may_repeat([0] * 1000)


def factored(a: Any, n: int) -> Any:
    """The Cholesky factor, element by element: the length of the inner loop and the shapes in it change."""
    low = tn.zeros(n, n, dtype=tn.float64).mut()
    for j in range(n):
        low[j, j] = d = (a[j, j] - (low[j, :j] * low[j, :j]).sum()).sqrt()
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - (low[i, :j] * low[j, :j]).sum()) / d
    return low


def test_loops_whose_inner_lengths_change_are_one_program() -> None:
    n = 16
    rng = np.random.default_rng(0)
    given = rng.standard_normal((n, n))
    spd = given @ given.T + n * np.eye(n)
    a = tn.tensor(spd, requires_grad=True)

    def call() -> None:
        a.grad = None
        value = factored(a, n).sum()
        value.backward()
        assert value.item() == pytest.approx(np.linalg.cholesky(spd).sum(), rel=1e-10)
        assert np.isfinite(a.grad.numpy()).all()

    assert counted(call) == (1, 1)
    assert counted(call) == (0, 1)


def rank_update(c: Any, a: Any) -> Any:
    """syrk: the inner loop is long, its shapes are those of the turn around it."""
    c = c.clone().mut()
    for i in range(c.shape[0]):
        for k in range(a.shape[1]):
            c[i, : i + 1] += a[i, k] * a[: i + 1, k]
    return c


def test_an_inner_loop_is_no_period_of_the_loop_around_it() -> None:
    rng = np.random.default_rng(0)
    c, a = rng.standard_normal((20, 20)), rng.standard_normal((20, 60))
    cs, rows = tn.tensor(c), tn.tensor(a)

    def call() -> None:
        assert np.allclose(rank_update(cs, rows).numpy(), c + np.tril(a @ a.T))

    assert counted(call)[0] <= 2
    assert counted(call)[0] == 0


@pytest.mark.parametrize("inner", [1, 7, 40])
@pytest.mark.parametrize("growth", [0, 1])
def test_what_a_loop_builds_does_not_grow_with_its_turns(inner: int, growth: int) -> None:
    """An inner loop of a fixed length, or of lengths 1 to 4 by turns."""

    def loop(turns: int) -> Any:
        w = tn.full((4,), 0.5, dtype=tn.float64, requires_grad=True)
        for k in range(turns):
            h = w
            for _ in range(inner + growth * (k % 4)):
                h = (h * w).tanh()
            w.grad = None
            h.sum().backward()
            w.data = w.data - 0.01 * w.grad
        return w

    first = counted(lambda: loop(6000 // inner))[0]
    more = counted(lambda: loop(12_000 // inner))[0]
    assert first <= 12
    assert more <= 2


def test_a_body_longer_than_a_third_of_the_longest_trace_settles(short: None) -> None:
    def loop(turns: int) -> None:
        v = tn.ones(4, dtype=tn.float64).mut()
        for _ in range(turns):
            for k in range(450):
                v += 0.001 if k % 9 else v * 0.5
                if k == 300:
                    v /= v.sum()
        assert v.sum().isfinite().item()

    loop(16)
    assert counted(lambda: loop(32))[0] <= 1


def test_the_same_trace_is_cut_alike(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace without a period is cut at its limit, and where it was cut before."""
    cuts: list[int] = []
    cut = record.cut
    monkeypatch.setattr(record, "cut", lambda t: (cuts.append(t.path.rows + len(t.rules)), cut(t))[1])
    order = np.random.default_rng(0).integers(0, 3, 6000)

    def call() -> None:
        x = tn.linspace(0.0, 1.0, 4, dtype=tn.float64)
        for k in order:
            x = x * 0.5 if k == 0 else x + 0.25 if k == 1 else x.sin()
        x.sum().item()

    calls = []
    for _ in range(3):
        cuts.clear()
        built = counted(call)[0]
        calls.append((list(cuts), built))
    assert calls[0][0] == calls[1][0] == calls[2][0]
    assert len(calls[0][0]) == 6000 // 2048
    assert [built for _, built in calls[1:]] == [0, 0]


def encoded(tree: Any, leaves: Any, weight: Any) -> Any:
    """A recursive net on a binary tree."""
    if isinstance(tree, int):
        return leaves[tree]
    return tn.tanh(tn.concat([encoded(part, leaves, weight) for part in tree]) @ weight)


def grown(rng: np.random.Generator, size: int) -> Any:
    """A random binary tree of so many leaves, which are numbers below 20."""
    k = 0 if size == 1 else int(rng.integers(1, size))
    return (grown(rng, k), grown(rng, size - k)) if k else int(rng.integers(0, 20))


def trained(leaves: Any, weight: Any, trees: list[Any]) -> None:
    """A step of gradient descent for each tree, with nothing read."""
    for tree in trees:
        leaves.grad = weight.grad = None
        encoded(tree, leaves, weight).sum().backward()
        with tn.no_grad():
            leaves -= 0.01 * leaves.grad
            weight -= 0.01 * weight.grad


def test_steps_that_are_never_the_same_end_where_no_graph_is_open(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut behind a backward keeps no residuals, and its rows run natively: no plan is made."""
    plans: list[Any] = []
    monkeypatch.setattr(plan, "own_plan", lambda *args: plans.append(args))
    rng = np.random.default_rng(0)
    leaves = tn.tensor(rng.standard_normal((20, 8)), requires_grad=True)
    weight = tn.tensor(rng.standard_normal((16, 8)) / 4, requires_grad=True)
    trees = [grown(rng, int(rng.integers(2, 20))) for _ in range(160)]
    runs = counted(lambda: trained(leaves, weight, trees))[1]
    assert runs >= 2 and not plans
    monkeypatch.undo()
    assert leaves.isfinite().all().item()


def test_a_backward_of_what_is_new_runs_natively(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python passes cotangents on where a leaf is read first, and for the kinds that are met first."""
    by_hand: list[int] = []
    pass_on = vjp.Walk.pass_on
    monkeypatch.setattr(vjp.Walk, "pass_on", lambda walk, v: (by_hand.append(v), pass_on(walk, v))[1])
    rng = np.random.default_rng(1)
    leaves = tn.tensor(rng.standard_normal((20, 8)), requires_grad=True)
    weight = tn.tensor(rng.standard_normal((16, 8)) / 4, requires_grad=True)
    trained(leaves, weight, [grown(rng, 20) for _ in range(4)])
    assert leaves.isfinite().all().item()
    by_hand.clear()
    for _ in range(10):
        trained(leaves, weight, [grown(rng, 20)])
        assert leaves.isfinite().all().item()
    assert len(by_hand) <= 10 * 4


def test_large_inputs_are_not_held_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop over new data that reads nothing holds at most a few hundred turns of it."""
    monkeypatch.setattr(period, "HEAVY", 1 << 16)
    held: list[int] = []
    v = tn.zeros(64, dtype=tn.float64).mut()
    for k in range(2000):
        v += tn.tensor(np.full(64, k % 5.0))
        held.append(len(record.RECORDER.trace.inputs))
    assert max(held) <= 2 * 256
    assert v.sum().item() == 64 * 2.0 * 2000


def test_handles_of_a_long_trace_do_not_become_old() -> None:
    """A call of thousands of operations that recurs builds nothing: the collector has no cause to walk the heap."""
    walks: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            walks.append(1)

    def call() -> float:
        x = tn.ones(4, dtype=tn.float64, requires_grad=True)
        h = x
        for k in range(900):
            h = h * 0.5 + (x if k % 7 else x * 2.0)
        return float(h.sum().item())

    want = [call() for _ in range(4)]
    gc.collect()
    gc.callbacks.append(note)
    try:
        assert {call() for _ in range(60)} == set(want)
    finally:
        gc.callbacks.remove(note)
    assert not walks
