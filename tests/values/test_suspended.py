"""A run that Ctrl-C has stopped at a pause: nothing is lost, and whoever reads a result goes on with it."""

from __future__ import annotations

import gc
import signal
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile import executable, pauses, tiers
from tenure.interp.interp import Arrays, Interpreted, Poison
from tenure.ir.aval import Aval
from tenure.ir.program import Builder
from tenure.ops.index import add_along
from tenure.runtime.extension import AVAILABLE
from tenure.runtime.pauses import NOTED
from tenure.values.run.shield import shielded
from tests.compile.test_loops import F32, I64
from tests.compile.test_pauses import anew

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="programs are paused by generated builtins")


@pytest.fixture(autouse=True, params=[True, False], ids=["compiled", "op by op"])
def short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program pauses before each of its kernels; so does one that runs op by op, its first time."""
    monkeypatch.setattr(pauses, "LONG", 0.0)
    monkeypatch.setattr(executable, "load", anew)
    if request.param:
        monkeypatch.setattr("tenure.values.run.plan.EXECUTOR", executable.compiled)
    yield
    NOTED.clear()


def stopped(read: Callable[[], Any]) -> None:
    """Read with a Ctrl-C that comes during the run."""
    handler = signal.getsignal(signal.SIGINT)
    NOTED.append(int(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        read()
    assert not NOTED
    assert signal.getsignal(signal.SIGINT) is handler


def layers(x: Any, w: Any) -> Any:
    """Several kernels."""
    for _ in range(4):
        x = tn.tanh(x @ w)
    return x


W = [[0.5, -0.25, 0.125], [1.0, 0.75, -0.5], [-0.375, 0.25, 1.5]]


def test_a_run_goes_on_as_often_as_it_is_stopped() -> None:
    w = tn.tensor(W)
    want = layers(tn.tensor(W), w).tolist()
    y = layers(tn.tensor(W), w)
    for _ in range(3):
        stopped(y.tolist)
    assert y.tolist() == want


def test_a_place_is_written_once() -> None:
    w, p, q = tn.tensor(W), tn.tensor(W).mut(), tn.zeros(3, 3).mut()
    once = (tn.tensor(W) + layers(w, w)).tolist()
    product = (tn.tensor(once) @ w).tolist()
    p += layers(w, w)
    q += p @ w
    p *= 2
    stopped(p.tolist)
    assert p.tolist() == (tn.tensor(once) * 2).tolist()
    assert q.tolist() == product
    p += 1
    assert p.tolist() == (tn.tensor(once) * 2 + 1).tolist()


@pytest.mark.parametrize("keep", [True, False])
def test_a_gradient_of_what_was_stopped(keep: bool) -> None:
    w = tn.tensor(W, requires_grad=True)
    layers(w, w).sum().backward()
    assert w.grad is not None
    want, w.grad = w.grad.tolist(), None
    y = layers(w, w)
    loss = y.sum()
    stopped(loss.item)
    if keep:
        assert y.shape == (3, 3)
    loss.backward()
    stopped(lambda: w.grad.tolist())
    assert w.grad.tolist() == want


def test_another_thread_goes_on() -> None:
    w = tn.tensor(W)
    want = layers(w, w).tolist()
    y = layers(w, w)
    stopped(y.tolist)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(y.tolist).result() == want
    assert (y + 1).tolist() == (tn.tensor(want) + 1).tolist()


def test_what_a_stopped_run_reads_may_be_moved_and_written() -> None:
    x, w, p = tn.tensor(W) * 1, tn.tensor(W), tn.tensor(W).mut()
    want = layers(x + p, w).tolist()
    y = layers(x + p, w)
    stopped(y.tolist)
    p.zero_()
    z = tn.move(x) * 0
    assert z.tolist() == p.tolist() == [[0.0] * 3] * 3
    assert y.tolist() == want


def test_a_stopped_optimizer_step() -> None:
    def trained(stop: bool) -> list[Any]:
        tn.manual_seed(0)
        model = tn.nn.Sequential(tn.nn.Linear(3, 4), tn.nn.Tanh(), tn.nn.Linear(4, 1))
        opt = tn.optim.Adam(model.parameters(), lr=0.1)
        for step in range(6):
            opt.zero_grad()
            loss = model(tn.tensor(W)).square().sum()
            if stop and step % 2:
                stopped(loss.item)
            loss.backward()
            opt.step()
            if stop and step % 3 == 0:
                stopped(model[0].weight.tolist)
        return [p.tolist() for p in model.parameters()]

    assert trained(True) == trained(False)


def test_a_program_that_is_compiled_while_a_run_of_it_is_suspended() -> None:
    w = tn.tensor(W)
    y = layers(w, w)
    stopped(y.tolist)
    again = [layers(w, w).tolist() for _ in range(3)]
    assert again == [y.tolist()] * 3


def test_a_handler_of_ctrl_c_that_reads_the_suspended_value(monkeypatch: pytest.MonkeyPatch) -> None:
    w = tn.tensor(W)
    want = layers(w, w).tolist()
    y, seen = layers(w, w), []
    old = signal.signal(signal.SIGINT, lambda *_: seen.append(y.tolist()))
    try:
        NOTED.append(int(signal.SIGINT))
        assert y.tolist() == want
    finally:
        signal.signal(signal.SIGINT, old)
    assert seen == [want]


def test_a_handler_that_is_installed_during_a_run_stays() -> None:
    def newer(*_: Any) -> None:
        raise AssertionError

    old = signal.getsignal(signal.SIGINT)
    try:
        shielded(signal.signal, signal.SIGINT, newer)
        assert signal.getsignal(signal.SIGINT) is newer
    finally:
        signal.signal(signal.SIGINT, old)


def test_an_exception_of_a_handler_leaves_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def expire(*_: Any) -> None:
        raise TimeoutError

    def slow(program: Any) -> Any:
        signal.raise_signal(signal.SIGALRM)
        return anew(program)

    w = tn.tensor(W)
    want = layers(w, w).tolist()
    monkeypatch.setattr(executable, "load", slow)
    monkeypatch.setattr(tiers, "BUDGET", tiers.Budget())  # other tests may have spent it
    old = signal.signal(signal.SIGALRM, expire)
    try:
        y = layers(w, w) * 2
        y.tolist()
    except TimeoutError:
        pass
    else:
        y = layers(w, w) * 2
        with pytest.raises(TimeoutError):
            y.tolist()
    finally:
        signal.signal(signal.SIGALRM, old)
    monkeypatch.setattr(executable, "load", anew)
    assert y.tolist() == (tn.tensor(want) * 2).tolist()


def test_a_write_in_place_that_an_exception_interrupts_says_so() -> None:
    b = Builder()
    x, g, i = b.input(Aval((3,), F32)), b.input(Aval((2,), F32)), b.input(Aval((2,), I64))
    program = b.extract([0, 1, 2], [add_along(x, g, i).id])

    def meaning(at: Any) -> Any:
        def rule(*xs: Any, out: Any = None) -> Any:
            add_along.ref(np, *xs, out=out)
            raise TimeoutError

        return rule

    run, arrays = Interpreted(program, meaning), Arrays([np.ones(3, "f4"), np.ones(2, "f4"), np.arange(2)])
    with pytest.raises(TimeoutError):
        run(arrays)
    (found,) = run(arrays)
    assert type(found) is Poison
    assert "within a write in place" in str(found.error)


def test_a_suspended_run_that_nobody_reads_is_garbage() -> None:
    w, left = tn.tensor(W, requires_grad=True), []
    for _ in range(4):  # the first in a process may be held a while longer, or have ended before it was stopped
        y = layers(w, w)
        trace = weakref.ref(y._trace)
        stopped(y.tolist)
        suspended = y._trace is trace()
        del y
        gc.collect()
        left.append(suspended and trace() is None)
    assert any(left)
