"""An interrupt at any line or byte code of the library leaves whole values, nothing lent, and a usable library.

A few of all moments at each run; all of them under TENURE_FUZZ.
"""

from __future__ import annotations

import gc
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tenure as tn
from tenure import optim
from tenure.values.native import hits
from tenure.values.run import force
from tests.values.interrupted_worlds import WORLDS, Accumulated, NewPrograms, Training
from tests.values.interrupting import SMALL, World, check_usable, events, scope, small_step, sweep

FUZZ = bool(os.environ.get("TENURE_FUZZ"))
SHARE = {"line": 10**9, "opcode": 500} if FUZZ else {"line": 10, "opcode": 3}
"""How many moments of a program are tried."""

pytestmark = pytest.mark.skipif(hits.CODE is None, reason="without builtins the ends of blocks are Python code")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Ctrl-C is Ctrl-C again afterwards, and no collection runs in which Python drops what is raised."""
    old = signal.getsignal(signal.SIGINT)
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, old)


@pytest.fixture(autouse=True, scope="module")
def paths() -> Iterator[None]:
    """The many paths of these tests are pruned before others count what is kept."""
    yield
    force.forget_paths()
    gc.collect()


@pytest.mark.parametrize("event", ["line", "opcode"])
@pytest.mark.parametrize("make", WORLDS, ids=lambda w: w.__name__)
def test_an_interrupt_anywhere(make: Callable[[], World], event: str) -> None:
    count = min([events(make().run, event) for _ in range(3)])  # some runs compile
    stride = max(1, count // SHARE[event])
    first = random.Random(f"{make.__name__} {event}").randint(1, stride)
    wrong = list(sweep(make, event, stride, first, SHARE[event]))
    assert not wrong, wrong[:5]


def test_every_line_of_a_training_step() -> None:
    for make in (Training,):
        for _ in range(5):
            make().run()
        assert not list(sweep(make, "line", 1 if FUZZ else 37, 3))


def test_an_interrupt_that_is_missed_is_noticed() -> None:
    """The check itself: grad mode that stays off, a place that is half written."""
    before = scope()
    v = tn.zeros(2).mut()
    check_usable([v], before)
    context = tn.no_grad()
    context.__enter__()
    with pytest.raises(AssertionError, match="grad mode"):
        check_usable([v], before)
    context.__exit__(None, None, None)
    loan = v.borrow()
    loan.__enter__()
    with pytest.raises(tn.TenureError, match="TN502"):
        check_usable([v], before)
    loan.__exit__(None, None, None)
    check_usable([v], before)


def test_random_interrupts_by_signals() -> None:
    """Ctrl-C by a timer, in recording, compiling, running, backward and updating: none is lost, all leave a usable
    state."""
    kinds: list[type[World]] = [Training, NewPrograms, Accumulated]
    before = scope()
    draw, came = random.Random(5), 0
    for k in range(1000 if FUZZ else 60):
        make = kinds[k % 3]
        world = make()
        arrived: list[float] = []

        def ring(*_: Any, arrived: list[float] = arrived) -> None:
            arrived.append(time.perf_counter())
            signal.raise_signal(signal.SIGINT)

        signal.signal(signal.SIGALRM, ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.00002, 0.004))
            while not arrived:
                world.run()
            pytest.fail("the interrupt was swallowed")
        except KeyboardInterrupt:
            assert time.perf_counter() - arrived[0] < 2
            came += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        check_usable(world.places, before)
        if make is Training:
            again = make()
            again.restore([p.detach().numpy().copy() for p in world.places], world.state())
            world.run()
            again.run()
            assert world.results() == again.results()
    assert came > 50


def test_an_interrupt_in_a_finalizer_is_not_lost(monkeypatch: Any) -> None:
    """Where the graph of a result dies, no Python code of the library runs that Python would interrupt and go on."""
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)
    w = tn.ones(3, requires_grad=True)
    for _ in range(3):
        loss = (w * 2).sin().sum()
        loss.item()
        loss.backward()
    seen: list[str] = []

    def trace(frame: Any, what: str, _: Any) -> None:
        if "tenure" in frame.f_code.co_filename:
            seen.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")

    kept = (w * 2).sin().sum()
    kept.item()
    sys.settrace(trace)
    del kept
    sys.settrace(None)
    assert not seen and not lost


def test_what_a_call_enters_is_left_also_by_an_error() -> None:
    before = scope()
    v = tn.ones(2).mut()

    class Broken(optim.SGD):
        def update_all(self, *args: Any) -> None:
            raise ZeroDivisionError

    w = tn.tensor([1.0, 2.0], requires_grad=True)
    opt = Broken([w], lr=0.1)
    (w * w).sum().backward()

    def fails(*_: Any) -> Any:
        raise ZeroDivisionError

    calls: list[Callable[[], Any]] = [
        opt.step,
        lambda: optim.SGD([w], lr=0.1).step(fails),
        lambda: tn.no_grad()(fails)(),
        lambda: tn.grad(fails)(v),
        lambda: tn.vmap(fails)(v),
        lambda: tn.checkpoint(fails)(v),
        lambda: tn.jvp(fails, (v,), (v,)),
        lambda: tn.nn.Sequential(tn.nn.Identity(), Fails())(v),
    ]
    for call in calls:
        with pytest.raises(ZeroDivisionError):
            call()
        check_usable([v, w], before)
    assert small_step() == SMALL


class Fails(tn.nn.Module):
    """A module whose forward fails."""

    def forward(self, x: Any) -> Any:
        raise ZeroDivisionError


def test_no_block_of_the_library_s_own_ends_in_python() -> None:
    """Inside the library a ``with`` on a lock of values or on a mode would be left by code that can be interrupted."""
    source = Path(tn.__file__).parent
    blocks = re.compile(r"^ +with (GUARD|no_grad|enable_grad|set_grad_enabled|eager|[\w.]+\.lock)\b", re.MULTILINE)
    found = {p.name for room in ("values", "func", "nn", "optim") for p in (source / room).rglob("*.py")
             if blocks.search(re.sub('""".*?"""', "", p.read_text(encoding="utf-8"), flags=re.DOTALL))}  # fmt: skip
    assert not found
