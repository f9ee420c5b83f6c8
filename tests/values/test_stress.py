"""Many threads at once, with signal handlers, finalizers and forks in between: values are whole, no write is lost.

The suite runs a short one; ``make fuzz`` 10⁵ operations in all.
"""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tests.values.test_threads import together

THREADS = 8
OPERATIONS = 12_500 if os.environ.get("TENURE_FUZZ") else 150
"""Operations of each thread."""


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Threads take turns often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


class World:
    """What the threads share, and what must hold of it whenever it is read.

    ``stamp`` always holds one number everywhere. ``money`` is moved between its elements, so its sum stays, and is
    counted: its first element is the number of transfers. ``rows`` has a part for each thread. ``shared`` has an
    element for each.
    """

    def __init__(self) -> None:
        self.stamp = tn.zeros(513).mut()
        self.money = tn.zeros(65, dtype=tn.float64).mut()
        self.rows = tn.zeros(THREADS, 129).mut()
        self.parts = self.rows.chunks_mut(1)
        self.shared = tn.Shared(tn.zeros(THREADS))
        self.weight = tn.tensor([0.5, -0.25], requires_grad=True)
        self.kept: list[tuple[Any, Any]] = []
        self.transfers = [0] * THREADS
        self.added = [0] * THREADS

    def check(self) -> None:
        """Look at everything at once; a torn value would show."""
        stamp = self.stamp.value.numpy()
        assert (stamp == stamp[0]).all()
        money = self.money.value
        assert money[1:].sum().item() == 0.0
        rows = self.rows.value.numpy()
        assert (rows == rows[:, :1]).all()
        for value, was in self.kept[-20:]:
            assert np.array_equal(value, was)


def actions(world: World, k: int, rng: random.Random) -> list[Callable[[], Any]]:
    """What a thread does, one of them at a time."""
    state = tn.zeros(4).mut()

    def stamp() -> None:
        world.stamp.fill_(float(rng.randrange(10**6)))

    def stamp_by_value() -> None:
        world.stamp.copy_(tn.zeros(513) + float(rng.randrange(10**6)))

    def transfer() -> None:
        a, b = rng.sample(range(1, 65), 2)
        delta = np.zeros(65)
        delta[0], delta[a], delta[b] = 1.0, 3.0, -3.0
        world.money += tn.tensor(delta)
        world.transfers[k] += 1

    def add_to_part() -> None:
        world.parts[k].add_(1.0)
        world.added[k] += 1

    def add_to_shared() -> None:
        world.shared.add_(1.0, [k])

    def keep() -> None:
        value = world.rows.value if rng.random() < 0.5 else world.stamp.value
        array = value.numpy()
        world.kept.append((array, array.copy()))

    def differentiate() -> None:
        loss = (world.weight * world.weight * float(k)).sum()
        (g,) = tn.autograd.grad(loss, world.weight)
        assert g.tolist() == [float(k), -0.5 * k]

    def own() -> None:
        before = state[0].item()
        state[:] += 1
        assert state.tolist() == [before + 1] * 4

    def finalize() -> None:
        Cyclic(world, k)

    often = (transfer, add_to_part)
    rarely = (stamp, stamp_by_value, add_to_shared, keep, differentiate, own, finalize, world.check)
    return [*often, *often, *rarely]


class Cyclic:
    """Garbage that records and writes when the collector comes by, in whichever thread that is."""

    def __init__(self, world: World, k: int) -> None:
        self.me = self
        self.world = world
        world.transfers[k] += 1

    def __del__(self) -> None:
        delta = tn.zeros(65, dtype=tn.float64)
        self.world.money.add_(delta.at[0].set(1.0))


def work(world: World, k: int, operations: int) -> Callable[[], None]:
    """A thread's share."""

    def run() -> None:
        rng = random.Random(k)
        todo = actions(world, k, rng)
        for _ in range(operations):
            rng.choice(todo)()
            if len(world.kept) > 200:
                del world.kept[:100]

    return run


def settle(world: World) -> None:
    """In the end every write is there."""
    gc.collect()
    world.check()
    assert world.money[0].item() == sum(world.transfers)
    assert world.rows[:, 0].tolist() == [float(n) for n in world.added]


def test_eight_threads() -> None:
    world = World()
    together(*[work(world, k, OPERATIONS) for k in range(THREADS)])
    settle(world)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_signal_handlers_that_record_and_write() -> None:
    world = World()
    ticks, took, going = 0, 0.0, True

    def handler(number: int, frame: Any) -> None:
        nonlocal ticks, took
        start = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, going * (7e-4 + 2 * took))  # a busy machine does more than that
        ticks += 1
        world.money.add_(tn.zeros(65, dtype=tn.float64).at[0].set(1.0))
        world.stamp.fill_(float(ticks))
        took = time.perf_counter() - start

    old = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 1e-3)
    try:
        others = [threading.Thread(target=work(world, k, OPERATIONS // 2)) for k in range(1, 3)]
        for t in others:
            t.start()
        work(world, 0, OPERATIONS)()
        for t in others:
            t.join()
    finally:
        going = False
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, old)
    world.transfers[0] += ticks
    assert ticks
    settle(world)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forks_in_the_middle() -> None:
    world = World()
    stop = threading.Event()
    failures: list[BaseException] = []

    def busy(k: int) -> None:
        try:
            while not stop.is_set():
                work(world, k, 20)()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=busy, args=(k,)) for k in range(1, 5)]
    for t in threads:
        t.start()
    try:
        for _ in range(60 if os.environ.get("TENURE_FUZZ") else 6):
            time.sleep(0.005)
            child = os.fork()
            if not child:
                os._exit(in_child(world))
            assert wait(child) == 0
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not failures
    settle(world)


def in_child(world: World) -> int:
    """What a forked process finds: whole values, or the error that a thread of its parent's was computing one."""
    try:
        for place in (world.stamp, world.rows):
            try:
                array = place.value.numpy()
            except tn.TenureError as error:
                assert "forked" in str(error)
                place.zero_()
                array = place.value.numpy()
            assert (array == (array[0] if place is world.stamp else array[:, :1])).all()
        mine = tn.zeros(3).mut()
        mine += 1
        world.stamp.fill_(2.0)
        return 0 if (mine.tolist(), world.stamp[5].item()) == ([1.0] * 3, 2.0) else 1
    except BaseException:
        return 2


def wait(child: int) -> int:
    """The exit status of a child; one that hangs is ended."""
    for _ in range(3000):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("a forked process hangs")
