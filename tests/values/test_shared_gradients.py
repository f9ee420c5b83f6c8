"""Several threads add to the gradient of one leaf, or write it while a backward is on its way: nothing is lost."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tenure as tn
from tests.values.test_threads import together

ROUNDS = 12 if os.environ.get("TENURE_FUZZ") else 1
TIMES = 100 if ROUNDS > 1 else 15


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Threads take turns often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def hooked(x: Any) -> Any:
    """A result on whose gradient somebody acts."""
    x.register_hook(lambda g: g + 0)
    return x


def kept(x: Any) -> Any:
    """A result that keeps its gradient."""
    x.retain_grad()
    return x


def read(x: Any) -> Any:
    """A result that has been computed."""
    x.tolist()
    return x


def long(w: Any) -> Any:
    """The same value after many steps, and reads between them."""
    for k in range(4):
        w = w * 1.0
        if k % 2:
            w.tolist()
    return w


def in_turn(*losses: Any) -> None:
    """One backward after another."""
    for loss in losses:
        loss.backward()


def apart(loss: Any, w: Any, u: Any) -> None:
    """Gradients first, then added."""
    for x, g in zip((w, u), tn.autograd.grad(loss, [w, u]), strict=True):
        while x.grad is None:
            (x * 0).sum().backward()
        done = False
        while not done:
            try:
                x.grad.add_(g)
                done = True
            except tn.StaleBorrowError:  # somebody wrote since it was read
                continue


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "one step": lambda w, u: (w * 2 + u).sum().backward(),
    "after a read": lambda w, u: read((w * 2 + u).sum()).backward(),
    "a cotangent": lambda w, u: (w * 2 + u).backward(tn.ones(2)),
    "in turn": lambda w, u: in_turn((w * 2).sum(), u.sum()),
    "the other way round": lambda w, u: in_turn(u.sum(), (w * 2).sum()),
    "elements": lambda w, u: (w[0] * 2 + w[1] * 2 + u.sum()).backward(),
    "rows": lambda w, u: in_turn((w[tn.tensor([0, 1])] * 2).sum(), u[[1, 0]].sum()),
    "a graph": lambda w, u: (w * 2 + u).sum().backward(create_graph=True),
    "a hook": lambda w, u: (hooked(w * 2) + u).sum().backward(),
    "kept": lambda w, u: (kept(w * 2) + u).sum().backward(),
    "inputs": lambda w, u: (w * 2 + u).sum().backward(inputs=[w, u]),
    "twice": lambda w, u: [loss.backward(retain_graph=True) for loss in [(w + u * 0.5).sum()] * 2],
    "many runs": lambda w, u: (long(w) * 2 + u).sum().backward(),
    "by hand": lambda w, u: apart((w * 2 + u).sum(), w, u),
    "and read": lambda w, u: [(w * 2 + u).sum().backward(), w.grad.tolist()],
}
"""Each adds 2 to every element of the gradient of w, and 1 to those of u."""


def check(acts: list[Callable[[Any, Any], Any]], before: str) -> None:
    """Every contribution is there."""
    w, u = tn.tensor([1.0, 2.0], requires_grad=True), tn.tensor([1.0, 2.0], requires_grad=True)
    for x in (w, u) if before else ():
        x.grad = tn.zeros(2) if before == "zeros" else tn.ones(2) - 1
    if before == "read zeros":
        assert w.grad.tolist() == u.grad.tolist() == [0.0, 0.0]

    def work(act: Callable[[Any, Any], Any]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(TIMES):
                act(w, u)

        return run

    together(*map(work, acts))
    count = float(TIMES * len(acts))
    assert (w.grad.tolist(), u.grad.tolist()) == ([2 * count] * 2, [count] * 2)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("before", ["", "zeros"])
def test_threads_that_do_the_same(way: str, before: str) -> None:
    check([WAYS[way]] * 3, before)


@pytest.mark.parametrize("seed", range(3 * ROUNDS))
def test_threads_that_do_different_things(seed: int) -> None:
    rng = random.Random(seed)
    check([WAYS[rng.choice([*WAYS])] for _ in range(5)], rng.choice(["", "zeros", "read zeros"]))


def elsewhere(act: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Another thread does it meanwhile."""

    def run(w: Any) -> None:
        thread = threading.Thread(target=act, args=(w,))
        thread.start()
        thread.join()

    return run


def add_five(w: Any) -> None:
    (w * 5).sum().backward()


def no_more(w: Any) -> None:
    w.grad = None


def another(w: Any) -> None:
    w.grad = tn.tensor([7.0, 8.0])


MEANWHILE: dict[str, tuple[Callable[[Any], Any], Callable[[float], float]]] = {
    "nothing": (lambda w: None, lambda g: g),
    "a backward": (add_five, lambda g: g + 5),
    "two": (lambda w: [add_five(w), add_five(w)], lambda g: g + 10),
    "none": (no_more, lambda g: 0.0),
    "none and a backward": (lambda w: [no_more(w), add_five(w)], lambda g: 5.0),
    "zero_": (lambda w: w.grad.zero_(), lambda g: 0.0),
    "mul_": (lambda w: w.grad.mul_(2), lambda g: 2 * g),
    "read, written by index": (lambda w: [w.grad.tolist(), w.grad.__setitem__(slice(None), 3.0)], lambda g: 3.0),
}


def with_a_result(w: Any, meanwhile: Any) -> float:
    y = w * 1
    y.register_hook(meanwhile)
    (w * 2 + y).sum().backward()
    return 3.0


def through_many_runs(w: Any, meanwhile: Any) -> float:
    x = w * 1
    x.register_hook(meanwhile)
    x.tolist()
    for k in range(440):
        x = x * 1.0
        if k % 100 == 0:
            x = x + w
            x.tolist()
    x.sum().backward()
    return 6.0


def from_a_run(w: Any, meanwhile: Any) -> float:
    y = w * 1
    y.register_hook(meanwhile)
    loss = (w * 2 + y).sum()
    loss.item()
    loss.backward(retain_graph=True)
    return 3.0


def quietly(act: Callable[[Any], Any], w: Any) -> None:
    act(w)


WALKS = [with_a_result, through_many_runs, from_a_run]


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("where", ["here", "elsewhere"])
@pytest.mark.parametrize("walk", WALKS)
def test_a_gradient_that_is_written_during_a_backward(what: str, where: str, walk: Any) -> None:
    act, after = MEANWHILE[what]
    act = act if where == "here" else elsewhere(act)
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    w.grad = tn.tensor([10.0, 20.0])
    arrives = walk(w, lambda g: quietly(act, w))
    assert w.grad.tolist() == [after(10.0) + arrives, after(20.0) + arrives]


@pytest.mark.parametrize("walk", WALKS)
def test_a_gradient_that_is_first_written_during_a_backward(walk: Any) -> None:
    for act, first in ((add_five, (5.0, 5.0)), (another, (7.0, 8.0))):
        w = tn.tensor([1.0, 2.0], requires_grad=True)
        arrives = walk(w, lambda g, act=act, w=w: act(w))
        assert w.grad.tolist() == [f + arrives for f in first]


def test_a_walk_that_fails_leaves_gradients() -> None:
    for walk in WALKS:
        w = tn.tensor([1.0, 2.0], requires_grad=True)
        w.grad = tn.tensor([10.0, 20.0])
        with pytest.raises(ZeroDivisionError):
            walk(w, lambda g: 1 // 0)
        assert w.grad.tolist() == [10.0, 20.0]


def test_a_hook_that_a_hook_registers_on_the_leaf_sees_only_what_arrives() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    w.grad = tn.tensor([10.0, 20.0])
    seen: list[Any] = []
    y = w * 1
    y.register_hook(lambda g: quietly(w.register_hook, seen.append))
    (w * 2 + y).sum().backward()
    assert w.grad.tolist() == [13.0, 23.0]
    assert [g.tolist() for g in seen] in ([], [[3.0, 3.0]])


class Cyclic:
    """Garbage that adds to a gradient when the collector comes by."""

    finalized = 0

    def __init__(self, w: Any) -> None:
        self.me, self.w = self, w

    def __del__(self) -> None:
        Cyclic.finalized += 1
        add_five(self.w)


@pytest.mark.parametrize("way", ["one step", "after a read", "in turn"])
def test_finalizers_that_add_to_it(way: str) -> None:
    w, u = tn.tensor([1.0, 2.0], requires_grad=True), tn.tensor([1.0, 2.0], requires_grad=True)
    Cyclic.finalized = 0
    threshold = gc.get_threshold()
    gc.set_threshold(3)
    try:
        for k in range(200):
            if k % 3 == 0:
                Cyclic(w)
            WAYS[way](w, u)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert Cyclic.finalized == 67
    assert w.grad.tolist() == [400.0 + 5 * 67.0] * 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_signal_handlers_that_add_to_it() -> None:
    w, u = tn.tensor([1.0, 2.0], requires_grad=True), tn.tensor([1.0, 2.0], requires_grad=True)
    ticks, inside = 0, False

    def handler(number: int, frame: Any) -> None:
        nonlocal ticks, inside
        if not inside:
            inside = True
            ticks += 1
            add_five(w)
            inside = False

    old = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 1e-2, 1.1e-2)
    try:
        rounds = 30 * ROUNDS
        for _ in range(rounds):
            for way in ("one step", "after a read", "a hook", "in turn", "elements"):
                WAYS[way](w, u)
            w.grad.tolist()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, old)
    assert ticks
    assert w.grad.tolist() == [10.0 * rounds + 5.0 * ticks] * 2
    assert u.grad.tolist() == [5.0 * rounds] * 2


def test_zeroing_between_backwards_of_others() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    add_five(w)
    seen: list[list[float]] = []

    def add() -> None:
        for _ in range(TIMES):
            add_five(w)

    def zero() -> None:
        for k in range(TIMES):
            try:
                (w.grad.zero_, lambda: w.grad.copy_(tn.zeros(2)))[k % 2]()
            except tn.StaleBorrowError:
                continue
            g = w.grad
            seen.append(g.tolist())

    together(add, add, zero)
    for g in [*seen, w.grad.tolist()]:
        assert g[0] == g[1] and g[0] % 5 == 0 and g[0] <= 10 * TIMES + 5
