"""Shared: ordered rounds give the same bits whatever the scheduling; relaxed additions are never torn."""

from __future__ import annotations

import copy
import os
import pickle
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tests.values.test_threads import together


def descend(shared: Any, k: int, pauses: random.Random | None) -> Callable[[], None]:
    """A writer that follows a gradient of its own, k + 3 times, with pauses at random."""

    def work() -> None:
        target = tn.tensor(np.linspace(-1, k, 5, dtype=np.float32))
        with shared.writer(k) as w:
            for _ in range(k + 3):
                x = tn.tensor(w.value, requires_grad=True)
                ((x - target).tanh() ** 2).sum().backward()
                if pauses is not None:
                    time.sleep(pauses.random() * 1e-3)
                w.add_(x.grad * -0.3)

    return work


def test_ordered_rounds_are_the_same_bits_whatever_the_scheduling() -> None:
    found = set()
    for seed in range(6):
        shared = tn.Shared(tn.zeros(5), ordered=True, writers=4)
        works = [descend(shared, k, random.Random(10 * seed + k) if seed else None) for k in range(4)]
        together(*works)
        found.add(shared.value.numpy().tobytes())
    assert len(found) == 1


def test_ordered_additions_are_made_in_the_order_of_the_writers() -> None:
    tiny, huge = np.float32(1.0), np.float32(2.0**25)
    for first in (0, 1):
        shared = tn.Shared(tn.zeros(()), ordered=True, writers=3)
        numbers = [huge, tiny, -huge]

        def work(k: int, shared: Any = shared, numbers: Any = numbers, first: int = first) -> None:
            with shared.writer(k) as w:
                time.sleep(0.01 if k == first else 0)
                w.add_(numbers[k])
                assert w.value.item() == 0.0  # (huge + 1) - huge

        together(*[lambda k=k: work(k) for k in range(3)])


def test_an_ordered_reader_sees_whole_rounds() -> None:
    shared = tn.Shared(tn.zeros(1000), ordered=True, writers=2)
    stop = threading.Event()

    def write(k: int) -> None:
        with shared.writer(k) as w:
            for _ in range(100):
                w.add_(1.0)

    def read() -> bool:
        whole = True
        while not stop.is_set():
            array = shared.value.numpy()
            whole = whole and bool((array == array[0]).all()) and array[0] % 2 == 0
        return whole

    def writers() -> None:
        together(lambda: write(0), lambda: write(1))
        stop.set()

    assert together(writers, read) == [None, True]
    assert shared.read(tn.tensor([3])).tolist() == [200.0]


def test_a_writer_that_fails_leaves_the_others_going() -> None:
    shared = tn.Shared(tn.zeros(2), ordered=True, writers=2)

    def fail() -> None:
        with pytest.raises(tn.ShapeError, match="TN802"), shared.writer(0) as w:
            w.add_(tn.ones(2))
            w.add_(tn.ones(3))

    def work() -> list[float]:
        with shared.writer(1) as w:
            for _ in range(3):
                w.add_(tn.ones(2))
            return w.value.tolist()  # type: ignore[no-any-return]

    assert together(fail, work)[1] == [4.0, 4.0]


def test_relaxed_additions_to_parts_that_do_not_meet_are_all_there() -> None:
    shared = tn.Shared(tn.zeros(8, 3))

    def work(k: int) -> None:
        for n in range(200):
            shared.add_(tn.ones(2, 3), [k, -8 + k])
            assert shared.read([k])[0, 0].item() == 2.0 * (n + 1)

    together(*[lambda k=k: work(k) for k in range(8)])
    assert shared.value.tolist() == [[400.0] * 3] * 8


def test_relaxed_elements_are_never_torn() -> None:
    shared = tn.Shared(tn.zeros(50_000, dtype=tn.float64))
    delta = tn.full((50_000,), 2.0**40 + 1.0, dtype=tn.float64)  # both halves of a number change

    def work() -> bool:
        whole = True
        for _ in range(20):
            shared.add_(delta)
            steps = shared.value.numpy() / (2.0**40 + 1.0)
            whole = whole and bool((steps == np.round(steps)).all() and (steps <= 80).all() and (steps > 0).all())
        return whole

    assert together(*[work] * 4) == [True] * 4


def test_what_was_read_does_not_change() -> None:
    shared = tn.Shared(tn.tensor([1.0, 2.0]))
    before, row = shared.value, shared.read([1])
    shared += 5
    shared.add_(tn.ones(2, dtype=tn.float64))
    assert (before.tolist(), row.tolist(), shared.value.tolist()) == ([1.0, 2.0], [2.0], [7.0, 8.0])
    assert type(before) is tn.Tensor and not before.requires_grad
    assert repr(shared) == "Shared(tensor([7., 8.]), relaxed)"


def test_owns_a_copy_of_what_it_starts_with() -> None:
    v = tn.zeros(2).mut()
    shared = tn.Shared(v)
    shared.add_(1.0)
    v += 5
    assert (v.tolist(), shared.value.tolist(), shared.shape, shared.dtype) == ([5.0] * 2, [1.0] * 2, (2,), tn.float32)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_relaxed_one_is_shared_with_forked_processes() -> None:
    shared = tn.Shared(tn.zeros(3))
    child = os.fork()
    if not child:
        shared.add_(tn.tensor([1.0, 2.0, 3.0]))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert shared.value.tolist() == [1.0, 2.0, 3.0]


def test_what_is_refused() -> None:
    shared = tn.Shared(tn.zeros(2, 3))
    ordered = tn.Shared(tn.zeros(2), ordered=True, writers=1)
    cases: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: shared.add_(tn.ones(4)), tn.ShapeError, "TN802"),
        (lambda: shared.add_(tn.ones(2), [2, 0]), tn.OutOfRange, "TN801.*index 2"),
        (lambda: shared.read([-3]), tn.OutOfRange, "TN801.*index -3"),
        (lambda: shared.read([0.5]), tn.DTypeError, "whole numbers"),
        (lambda: shared.__setitem__(0, 1.0), tn.TenureError, "not assigned"),
        (lambda: shared.mul_(2), AttributeError, r"\.add_\(delta"),
        (lambda: copy.deepcopy(shared), TypeError, "forked"),
        (lambda: pickle.dumps(shared), TypeError, "forked"),
        (lambda: tn.Shared(tn.zeros(1), ordered=True), ValueError, "writers=n"),
        (lambda: tn.Shared(tn.zeros(1), writers=2), ValueError, "ordered=True"),
        (lambda: ordered.add_(1.0), tn.TenureError, "by its writers"),
        (lambda: ordered.writer(1), tn.OutOfRange, "writer 1 of 1"),
        (lambda: ordered.writer(0).add_(1.0), tn.TenureError, "outside its block"),
    ]
    for bad, kind, message in cases:
        with pytest.raises(kind, match=message):
            bad()
    with ordered.writer(0), pytest.raises(tn.TenureError, match="begun already"):
        ordered.writer(0).__enter__()
    assert (shared.value.sum().item(), ordered.value.tolist()) == (0.0, [0.0, 0.0])
