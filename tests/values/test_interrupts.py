"""What Python may run between any two steps of ours: signal handlers, Ctrl-C, finalizers.

Python runs signal handlers after calls, at loop ends and where functions begin. ``interrupted`` does something at
the k-th such moment inside the package; each test walks k over all of them (over every seventh, say, in
long programs, another remainder for each test).
"""

from __future__ import annotations

import dis
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.values.native import hits
from tenure.values.rules.rows import COUNTS
from tenure.values.run.lost import Running
from tenure.values.trace.trace import Trace

PACKAGE = os.path.dirname(os.path.abspath(tn.__file__)) + os.sep
MANY = 100 if hits.CODE is None else 5
"""Moments that a step has at least: builtins have none, so that few are left."""
SECOND = 2 if hits.CODE is None else 1
"""The stride of what takes every second moment: of a few, all."""
MOMENTS = ("CALL", "JUMP_BACKWARD", "POP_JUMP_BACKWARD", "RESUME")


def interrupted(body: Callable[[], None], moment: int, act: Callable[[], None]) -> bool:
    """Run ``body``, calling ``act`` at the given moment; False if the body was over before."""
    count = 0
    before: dict[FrameType, str] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            due = before.get(frame, "").startswith(MOMENTS)
            before[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            count += due
            if due and count == moment:
                act()
        elif event == "return":
            before.pop(frame, None)
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        body()
    finally:
        sys.settrace(outer)
    return count >= moment


class Step:
    """One training step: its weights before, and what it leaves."""

    def __init__(self, read_first: bool) -> None:
        self.w = tn.tensor([1.0, 2.0], requires_grad=True)
        self.read_first = read_first
        self.outcome: Any = None

    def run(self) -> None:
        """Gradient, update, read."""
        w = self.w
        loss = (w * w).sum()
        if self.read_first:
            loss.item()
        loss.backward()
        w.data -= w.grad
        self.outcome = w.tolist(), w.grad.tolist(), loss.item()


def moments(step: Callable[[], Step], act: Callable[[Step], None], stride: int) -> Iterator[Step]:
    """A step for each moment at which it was interrupted, until one is over before it comes to it."""
    moment, reached = 1, True
    while reached:
        s = step()
        try:
            reached = interrupted(s.run, moment, lambda s=s: act(s))
        except (KeyboardInterrupt, TimeoutError):
            s.outcome = "interrupted"
        yield s
        moment += stride


@pytest.fixture(autouse=True, scope="module")
def traced_before() -> None:
    """CPython 3.12 sends no opcode events to the first trace function of a process that asks for them."""
    interrupted(Step(False).run, 10**9, lambda: None)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Whatever a test leaves behind, Ctrl-C is Ctrl-C again after it."""
    old = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, old)


@pytest.fixture(params=[False, True], ids=["unread", "read first"])
def make(request: Any) -> Callable[[], Step]:
    """A maker of steps, one of which was run before, so that the program is known."""
    Step(request.param).run()
    return lambda: Step(request.param)


WHOLE = ([-1.0, -2.0], [2.0, 4.0], 5.0)


def test_a_handler_that_records(make: Callable[[], Step]) -> None:
    other, made = tn.ones(3) * 2, []
    for step in moments(make, lambda _: made.append(other * 3 + 1), 1):
        assert step.outcome == WHOLE
    assert all(y.tolist() == [7.0, 7.0, 7.0] for y in made)
    assert len(made) > MANY


def test_a_handler_that_reads(make: Callable[[], Step]) -> None:
    other, seen = tn.ones(3) * 2, []
    for step in moments(make, lambda _: seen.append((other * 3).sum().item()), 1):
        assert step.outcome == WHOLE
    assert set(seen) == {18.0}


def test_a_handler_that_records_on_the_tensors_of_the_step(make: Callable[[], Step]) -> None:
    made = []
    for step in moments(make, lambda s: made.append(s.w.detach() * 2), 1):
        assert step.outcome == WHOLE
    assert all(y.tolist() in ([2.0, 4.0], [-2.0, -4.0]) for y in made)


def test_a_handler_that_reads_the_tensors_of_the_step(make: Callable[[], Step]) -> None:
    seen: list[Any] = []

    def act(step: Step) -> None:
        try:
            seen.append((step.w.detach() * 2).tolist())
        except tn.TenureError as error:  # what is being computed at this moment
            assert "signal handler" in str(error)

    for step in moments(make, act, 1):
        assert step.outcome == WHOLE
    assert len(seen) > MANY
    assert all(y in ([2.0, 4.0], [-2.0, -4.0]) for y in seen)


def test_a_handler_that_differentiates(make: Callable[[], Step]) -> None:
    other = tn.tensor([1.0], requires_grad=True)

    def act(_: Step) -> None:
        other.grad = None
        (other * other).backward()

    for step in moments(make, act, 3):
        assert step.outcome == WHOLE
        assert other.grad is None or other.grad.tolist() == [2.0]


def stop(_: Any = None) -> None:
    """What Ctrl-C does."""
    signal.raise_signal(signal.SIGINT)


def give_up(_: Any = None) -> None:
    """What the handler of an alarm does."""
    raise TimeoutError


@pytest.mark.parametrize("act", [stop, give_up])
def test_a_step_given_up_anywhere_leaves_whole_values_and_a_usable_library(make: Any, act: Any) -> None:
    stopped = 0
    for step in moments(make, act, SECOND):
        with pytest.raises(KeyboardInterrupt):
            stop()
        w = step.w
        try:
            before = w.tolist()
        except tn.TenureError as error:  # an exception in the very run that writes it: lost, and it says so
            assert act is give_up and "broken off by TimeoutError" in str(error)
            w.data = tn.tensor([1.0, 2.0])
            before = w.tolist()
        assert before in ([1.0, 2.0], [-1.0, -2.0])
        w.grad = None
        (w * w).sum().backward()
        assert w.grad.tolist() == [2 * a for a in before]
        stopped += step.outcome == "interrupted"
    assert stopped > MANY // 2


def test_ctrl_c_while_the_program_is_new() -> None:
    for moment in range(1, 2000, 37):
        x = tn.ones(3, moment, requires_grad=True)
        y = x * 2

        def body(y: Any = y) -> None:
            (y.tanh() @ tn.ones(y.shape[1], 2)).sum().backward()

        try:
            if not interrupted(body, moment, stop):
                break
        except KeyboardInterrupt:
            pass
        x.grad = None
        z = x * 2  # the graph of y may have been consumed before the interrupt
        (z * z).sum().backward()
        assert x.grad.tolist() == [[8.0] * moment] * 3


def test_a_finalizer_that_records() -> None:
    made = []

    class Holder:
        def __init__(self, x: Any) -> None:
            self.x = x

        def __del__(self) -> None:
            made.append((self.x * 2).sum())

    w = tn.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(20):
        w.grad = None
        holder = Holder(w * 3)
        loss = (w * w).sum()
        del holder
        loss.backward()
        assert w.grad.tolist() == [2.0, 4.0]
    assert [y.item() for y in made] == [18.0] * 20


@pytest.fixture
def alarm() -> Iterator[Callable[[Callable[[], None], float], None]]:
    """Sets a handler of SIGALRM and after how long it comes; all is undone at the end.

    Garbage collection waits meanwhile: what is raised inside a callback of the collector, as Hypothesis has
    one, Python prints and drops.
    """
    old = signal.getsignal(signal.SIGALRM)
    gc.disable()

    def start(handler: Callable[[], None], after: float) -> None:
        signal.signal(signal.SIGALRM, lambda *_: handler())
        signal.setitimer(signal.ITIMER_REAL, after)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, old)
    gc.enable()


def test_ctrl_c_during_a_long_run(alarm: Any) -> None:
    was = signal.getsignal(signal.SIGINT)
    a = tn.ones(500, 500)
    for _ in range(2):
        b, total = a, tn.zeros(500, 500).mut()
        alarm(lambda: signal.raise_signal(signal.SIGINT), 0.03)
        with pytest.raises(KeyboardInterrupt):
            end = time.monotonic() + 60
            while time.monotonic() < end:
                for _ in range(30):
                    b = (b @ a) * 0.002
                    total += b
                b.sum().item()
        count = round(total[0, 0].item())
        assert total.min().item() == total.max().item() == count == total[0, 0].item() > 0
        assert b.min().item() == 1.0
        assert signal.getsignal(signal.SIGINT) is was


def test_who_interrupts_a_run_records_a_long_loop_and_waits_for_nothing() -> None:
    def loop(t: Any) -> Any:
        y = tn.ones(3)
        before = COUNTS["runs"]
        for _ in range(2000):
            y = y * 0.5 + 1.0
        return y, COUNTS["runs"] - before

    y, runs = Running.locked(loop, Trace())
    assert runs == 0
    assert np.allclose(y, 2.0)
    assert loop(None)[1] > 0
