"""Threads: each records on its own; values, pending or not, and leaves may be shared."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from operator import add
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.values.rules import paths
from tenure.values.run import plan


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run functions in threads at the same time; their results in order."""
    results: list[Any] = [None] * len(works)
    failures: list[BaseException] = []
    gate = threading.Barrier(len(works))

    def run(k: int) -> None:
        try:
            gate.wait()
            results[k] = works[k]()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(len(works))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]
    return results


def test_threads_record_the_same_and_other_programs_at_once() -> None:
    w = tn.tensor([0.5, -1.0, 2.0], requires_grad=True)

    def work(scale: float, size: int) -> Callable[[], float]:
        def run() -> float:
            total = 0.0
            for k in range(100):
                x = (w.detach() * scale).tanh() + tn.ones(size, 1) * k
                total += (x * x).sum().item()
            return total

        return run

    works = [work(float(s), n) for s in (1, 2) for n in (1, 3)]
    assert together(*works) == [work() for work in works]


def test_each_thread_has_its_own_gradients() -> None:
    def work(scale: float) -> Callable[[], list[float]]:
        def run() -> list[float]:
            w = tn.tensor([1.0, 2.0], requires_grad=True)
            for _ in range(50):
                w.grad = None
                loss = (w * w * scale).sum()
                loss.backward()
                w.data -= 0.001 * w.grad
            return w.tolist()  # type: ignore[no-any-return]

        return run

    works = [work(float(s)) for s in (1, 2, 3, 1)]
    assert together(*works) == [work() for work in works]


def test_shared_leaves_are_read_by_all() -> None:
    w = tn.tensor(np.arange(4.0), requires_grad=True)

    def work() -> list[float]:
        (g,) = tn.autograd.grad((w * w * w).sum(), w)
        return g.tolist()  # type: ignore[no-any-return]

    assert together(work, work, work) == [[0.0, 3.0, 12.0, 27.0]] * 3
    assert w.grad is None


def test_another_threads_pending_value_is_read() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    pending = (w * 3).sum()
    (seen,) = together(lambda: (pending * 2).item())
    assert seen == 18.0
    pending.backward()
    assert w.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("read_first", [False, True])
def test_another_threads_pending_value_is_differentiated(read_first: bool) -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    y = w * 3

    def work() -> None:
        loss = (y * y).sum()
        if read_first:
            loss.item()
        loss.backward(retain_graph=True)

    together(work)
    assert w.grad.tolist() == [18.0, 36.0]
    y.sum().backward()
    assert w.grad.tolist() == [21.0, 39.0]


def test_a_pending_value_outlives_its_thread() -> None:
    x = tn.tensor([1.0, 2.0])
    (y,) = together(lambda: (x * 2).exp())
    assert y.tolist() == pytest.approx([np.exp(2.0), np.exp(4.0)], rel=1e-6)
    results = together(*[lambda k=k: x * k for k in range(8)])
    assert [r.tolist() for r in results] == [[k, 2.0 * k] for k in range(8)]


def test_all_threads_read_one_pending_value() -> None:
    for _ in range(20):
        x = tn.tensor([1.0, 2.0])
        y = (x * 2 + 1).sum()
        assert together(*[y.item] * 4) == [8.0] * 4


def test_a_place_written_in_one_thread_does_not_change_what_another_has_read() -> None:
    v = tn.zeros(1000).mut()
    stop = threading.Event()

    def write() -> None:
        for k in range(200):
            v.fill_(k + 1)
            if k % 10 == 0:
                v.sum().item()
        stop.set()

    def read() -> bool:
        whole = True
        while not stop.is_set():
            value = v.value
            array = value.numpy()
            whole = whole and bool((array == array[0]).all()) and value[0].item() == array[0]
        return whole

    assert together(write, read, read) == [None, True, True]
    assert v[0].item() == 200.0


WAYS = ["add_", "iadd", "through .data", "through one borrow", "own index", "own row", "own part"]


@pytest.mark.parametrize("write", WAYS)
def test_writes_of_several_threads_do_not_lose_each_other(write: str) -> None:
    v = tn.zeros(4, 3).mut()
    borrow = v.data
    rows = v.chunks_mut(1) if write == "own part" else [v.data[k] for k in range(4)]

    def work(k: int) -> None:
        for n in range(100):
            if write == "add_":
                v.add_(1)
            elif write == "iadd":
                u = v
                u += 1
            elif write == "through .data":
                with contextlib.suppress(tn.StaleBorrowError):
                    for _ in range(4):
                        v.data.add_(0)
                v.add_(1)
            elif write == "through one borrow":
                borrow.add_(1)
            elif write == "own index":
                v[k] = 4.0 * (n + 1)
            else:
                rows[k].add_(4)
            if n % 25 == k:
                v.sum().item()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        together(*[lambda k=k: work(k) for k in range(4)])
    finally:
        sys.setswitchinterval(interval)
    assert v.tolist() == [[400.0] * 3] * 4


def test_a_failure_in_one_thread_is_its_own() -> None:
    x = tn.arange(3.0)

    def fail() -> str:
        with pytest.raises(tn.OutOfRange, match="TN801") as caught:
            x[tn.arange(2) + 7].tolist()
        return str(caught.value.code)

    def work() -> float:
        return (x * 2).sum().item()  # type: ignore[no-any-return]

    assert together(fail, work, fail, work) == ["TN801", 6.0, "TN801", 6.0]


def test_a_number_that_changes_while_a_program_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plan.EXECUTOR
    x = tn.tensor([1.0, 2.0, 7.5, 0.25, 3.0])

    def work(k: float) -> float:
        return (x * k + 0.125).sum().item()  # type: ignore[no-any-return]

    def executor(program: Any) -> Any:
        monkeypatch.setattr(plan, "EXECUTOR", real)
        other = threading.Thread(target=work, args=(3.0,))
        other.start()
        other.join()
        return real(program)

    monkeypatch.setattr(plan, "EXECUTOR", executor)
    for k in (2.0, 5.0, 7.0):
        assert work(k) == 13.75 * k + 0.625


@pytest.mark.parametrize("threads", [1, 200])
def test_turns_of_threads_to_any_depth(threads: int) -> None:
    """Each thread goes on with what the other has recorded and not read: the chain of traces may be long."""
    x = tn.ones(3)
    w = tn.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * w
    for _ in range(threads):
        with ThreadPoolExecutor(1) as other:
            for _ in range(200 // threads):
                y = other.submit(add, y, x).result() + x
    y.sum().backward()
    assert y.tolist() == [401.0, 402.0, 403.0]
    assert w.grad is not None
    assert w.grad.tolist() == [1.0] * 3


def test_a_number_taken_for_a_constant_serves_no_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(c: float) -> float:
        return (tn.ones(37) * c + c).sum().item()  # type: ignore[return-value]

    def elsewhere(c: float) -> None:
        together(lambda: found.append((c, f(c))))

    def literals(*args: Any) -> Any:
        made = plain[0](*args)
        if threading.current_thread() is threading.main_thread():
            elsewhere(2.0)  # the number differs while a program is built for which it was one
        return made

    def keep(*args: Any) -> bool:
        kept = plain[1](*args)
        if threading.current_thread() is threading.main_thread():
            elsewhere(3.0)
        return kept

    found: list[tuple[float, float]] = []
    plain = paths.literals, paths.keep
    monkeypatch.setattr(paths, "literals", literals)
    monkeypatch.setattr(paths, "keep", keep)
    for _ in range(2):  # a program is built at the second sight
        found.append((1.0, f(1.0)))
    assert len(found) > 2 and all(value == 74.0 * c for c, value in found)
