"""Threads, moves, deletions, finalizers, exceptions, hooks, generators, transforms in random order: right or refused.

A program that fails is printed, so that it can be run again.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.values.run import plan
from tests.values import crowds, threaded_programs

FUZZ = bool(os.environ.get("TENURE_FUZZ"))
PROGRAMS = 1500 if FUZZ else 4
CROWDS = 100 if FUZZ else 2


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_programs(seed: int) -> None:
    threaded_programs.check(seed, 60)


@pytest.mark.parametrize("seed", range(2000, 2000 + PROGRAMS // 4))
def test_programs_that_the_collector_interrupts(seed: int) -> None:
    threaded_programs.check(seed, 40, 30 + seed % 50)


@pytest.mark.parametrize("seed", range(CROWDS))
def test_crowds(seed: int) -> None:
    crowds.run_crowd(seed, threads=4, length=60 if FUZZ else 25)


ELSEWHERE = """
from tests.values import crowds, threaded_programs
for seed in range({first}, {first} + {count}):
    threaded_programs.check(seed, 60)
    if seed % 4 == 0:
        threaded_programs.check(seed, 40, 40 + seed % 30)
        crowds.run_crowd(seed, threads=4, length=40)
"""


@pytest.mark.parametrize("variable", ["TENURE_BUILTINS=0", "TENURE_EXECUTOR=compiled"])
def test_programs_by_other_means(variable: str) -> None:
    name, _, value = variable.partition("=")
    program = ELSEWHERE.format(first=5000, count=200 if FUZZ else 2)
    environment = {**os.environ, name: value}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=3000 if FUZZ else 240)


def in_thread(act: Callable[[], Any]) -> Any:
    """What an act in another thread gives, which has ended."""
    out: list[Any] = []
    thread = threading.Thread(target=lambda: out.append(act()))
    thread.start()
    thread.join()
    (tn.ones(2) + 1).tolist()  # this thread records
    return out[0]


def computed(x: Any) -> Any:
    x.tolist()
    return x


MADE: dict[str, Callable[[], Any]] = {
    "data": lambda: tn.tensor([1.0, 2.0]),
    "computed": lambda: computed(tn.arange(2.0) + 1),
    "pending": lambda: tn.arange(2.0) + 1,
    "pending elsewhere": lambda: in_thread(lambda: tn.arange(2.0) + 1),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("keep", [False, True])
def test_what_the_trace_of_a_finished_thread_reads_is_kept(make: Callable[[], Any], keep: bool) -> None:
    x = make()
    y, z = in_thread(lambda: x * 3 + 1), in_thread(lambda: x - 1)
    names = [x] if keep else []
    x = tn.move(x)
    w = tn.move(x) + 1  # and once more
    assert (y.tolist(), z.tolist(), w.tolist()) == ([4.0, 7.0], [0.0, 1.0], [2.0, 3.0])
    for name in names:
        with pytest.raises(tn.UseAfterMove):
            name + 1


def test_a_value_that_two_threads_read_is_moved_by_a_third() -> None:
    x = tn.tensor([1.0, 2.0])
    mine = x * 2
    theirs = in_thread(lambda: x * 3)
    moved = in_thread(lambda: tn.move(x))
    assert (mine.tolist(), theirs.tolist(), moved.tolist()) == ([2.0, 4.0], [3.0, 6.0], [1.0, 2.0])


def test_a_moved_value_whose_readers_have_run_has_its_buffer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)
    x = tn.tensor([1.0] * 1000)
    for reader in (in_thread(lambda: computed(x * 3)), computed(x * 2)):
        del reader
    dead, pointer = x, x.numpy().ctypes.data
    y = tn.move(x)
    for _ in range(3):
        y = tn.move(y) + 1
        y.tolist()
    assert y.numpy().ctypes.data == pointer
    assert isinstance(dead, tn.Tensor)


class Cyclic:
    """Garbage that records, reads and moves when the collector comes by."""

    def __init__(self, kind: int) -> None:
        self.me, self.kind, self.z = self, kind, tn.ones(3) * 2

    def __del__(self) -> None:
        z = tn.move(self.z) if self.kind % 2 else self.z
        try:
            assert (z + 1).tolist() == [3.0] * 3
        except tn.TenureError as error:  # a run that is to compute it may be what was interrupted
            assert "interrupted run" in str(error)


@pytest.mark.parametrize("what", ["grad", "vmap", "backward", "nested", "checkpoint"])
def test_a_transform_that_finalizers_interrupt(what: str) -> None:
    x = tn.tensor([1.0, 2.0, 3.0])

    def f(t: Any) -> Any:
        for k in range(4):
            Cyclic(k)
            t = t * 1.0 + x * 0.0
        return t * t

    w = tn.tensor([1.0, 2.0, 3.0], requires_grad=True)
    runs: dict[str, Callable[[], Any]] = {
        "grad": lambda: tn.grad(lambda t: f(t).sum())(x),
        "vmap": lambda: tn.vmap(lambda t: f(t).sum(axis=0) * 0 + 2 * t)(x),
        "backward": lambda: tn.autograd.grad(f(w).sum(), w)[0],
        "nested": lambda: tn.grad(lambda t: (tn.grad(lambda s: (f(s) * s).sum())(t)).sum())(x) / 3,
        "checkpoint": lambda: tn.autograd.grad(tn.checkpoint(f, w).sum(), w)[0],
    }
    thresholds = gc.get_threshold()
    gc.set_threshold(11)
    try:
        for _ in range(20):
            assert runs[what]().tolist() == [2.0, 4.0, 6.0]
    finally:
        gc.set_threshold(*thresholds)
