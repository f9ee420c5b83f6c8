"""Threads at once, each with a random program of its own, that take values from each other, also those that one moves.

A value that is handed round may be moved by any thread at any time: who uses it meanwhile gets TN382, or the right
numbers, now or when what was computed from it is read.
"""

from __future__ import annotations

import random
import sys
import threading
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.testing import assert_array_equal

import tenure as tn
from tests.values.threaded_programs import ACTIONS, Array, Custom, Value, World, combined

ALONE = sorted({*ACTIONS} - {"end_thread", "suspend"})
ROUND = [*["hand_out"] * 2, *["use"] * 3, "take_over", "read_theirs", "differentiate", "map_theirs", "hold_theirs"]


class Crowd:
    """What is handed round."""

    def __init__(self) -> None:
        self.round: list[Value] = []
        self.lock = threading.Lock()
        self.weight = tn.tensor(np.arange(4.0), requires_grad=True)
        self.arrived: Array = np.zeros(4)
        self.failures: list[tuple[int, list[Any], BaseException]] = []


class Member(World):
    """A thread's world."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        for worker in self.workers:
            worker.end()
        self.crowd = crowd

    def theirs(self, a: int) -> Value | None:
        round_ = self.crowd.round
        try:
            x = round_[a % len(round_)]
        except (ZeroDivisionError, IndexError):
            return None
        return Value(x.real, x.array)

    def hand_out(self, a: int, b: int, c: int) -> None:
        x = self.value(a)
        if x.slopes:
            return
        self.crowd.round.append(Value(x.real * 1.0 if b % 2 else tn.tensor(x.array), x.array))
        if len(self.crowd.round) > 8:
            with suppress(IndexError):
                self.crowd.round.pop(0)

    def use(self, a: int, b: int, c: int) -> None:
        x = self.theirs(a)
        if x is not None:
            with suppress(tn.UseAfterMove):
                self.keep(*combined(x, self.value(b), c)) if c % 2 else self.keep(*combined(self.value(b), x, c))

    def take_over(self, a: int, b: int, c: int) -> None:
        x = self.theirs(a)
        if x is not None:
            with suppress(tn.UseAfterMove):
                self.keep(tn.move(x.real), x.array)

    def read_theirs(self, a: int, b: int, c: int) -> None:
        x = self.theirs(a)
        if x is not None:
            with suppress(tn.UseAfterMove):
                assert_array_equal(x.real.numpy() if b % 2 else np.array(x.real.tolist()), x.array)

    def map_theirs(self, a: int, b: int, c: int) -> None:
        x, y = self.theirs(a), self.value(b)
        if x is not None and not y.slopes:
            with suppress(tn.UseAfterMove):
                out = tn.vmap(lambda r: x.real + r)(y.real)
                self.keep(out[1], x.array + y.array[1])

    def hold_theirs(self, a: int, b: int, c: int) -> None:
        x = self.theirs(a)
        if x is not None:
            with suppress(tn.UseAfterMove):
                v = x.real.mut()
                v += 1
                assert_array_equal(np.array(v.tolist()), x.array + 1)

    def differentiate(self, a: int, b: int, c: int) -> None:
        """Adds to the gradient of what all share."""
        x = self.theirs(a)
        if x is None:
            return
        with suppress(tn.UseAfterMove):
            y = self.crowd.weight * x.real
            if c % 2:
                y.sum().backward()
            else:
                loss = y.sum()
                loss.item()
                loss.backward()
            with self.crowd.lock:
                self.crowd.arrived = self.crowd.arrived + x.array


def member(crowd: Crowd, seed: int, length: int) -> None:
    """One of them."""
    rng = random.Random(seed)
    world = Member(crowd)
    steps: list[Any] = []
    try:
        for _ in range(length):
            if crowd.failures:
                return
            name = rng.choice(ROUND if rng.random() < 0.5 else ALONE)
            step = (name, *[rng.randrange(1000) for _ in range(3)])
            steps.append(step)
            with suppress(Custom):
                getattr(world, name)(*step[1:])
        world.check()
    except BaseException as error:
        crowd.failures.append((seed, steps, error))


def run_crowd(seed: int, threads: int, length: int) -> None:
    """Several at once; the first failure is raised."""
    crowd, interval = Crowd(), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        works = [threading.Thread(target=member, args=(crowd, 100 * seed + k, length)) for k in range(threads)]
        for work in works:
            work.start()
        for work in works:
            work.join(120)
            assert not work.is_alive(), f"seed {seed}: a thread hangs"
    finally:
        sys.setswitchinterval(interval)
    for k, steps, error in crowd.failures:
        raise AssertionError(f"seed {seed}, thread {k}, after {steps[-3:]}: {error!r}") from error
    if crowd.weight.grad is not None:
        assert_array_equal(np.array(crowd.weight.grad.tolist()), crowd.arrived)
    for x in crowd.round:
        with suppress(tn.UseAfterMove):
            assert_array_equal(np.array(x.real.tolist()), x.array)
