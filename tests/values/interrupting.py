"""Interrupts at every line and every byte code of the library, and what must hold after one.

``interrupted`` runs a function and raises KeyboardInterrupt at the k-th traced event within the package: ``"line"``, or
``"opcode"`` for any byte code. ``World`` is a small program with places; ``check_usable`` says what must hold after it
was broken off.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import tenure as tn
from tenure.values.places import loans, strict
from tenure.values.rules import guard
from tenure.values.run import force
from tenure.values.trace import record

PACKAGE = os.path.dirname(os.path.abspath(tn.__file__)) + os.sep


class Interrupt(KeyboardInterrupt):
    """The one that was raised, and no other."""


def interrupted(body: Callable[[], Any], moment: int, event: str = "line") -> bool:
    """Run ``body``; raise Interrupt at the given event within the package. Whether there were as many events."""
    count = 0

    def trace(frame: FrameType, what: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if what == "call" and event == "opcode":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if what == event:
            count += 1
            if count == moment:
                raise Interrupt
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        body()
    finally:
        sys.settrace(outer)
    return count >= moment


def events(body: Callable[[], Any], event: str = "line") -> int:
    """How many events a body has."""
    count = 0

    def trace(frame: FrameType, what: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if what == "call" and event == "opcode":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += what == event
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        body()
    finally:
        sys.settrace(outer)
    return count


class World:
    """Places, and a program on them. A subclass says ``make`` and ``run``.

    After ``run`` was broken off each place holds one of the values that it holds between the statements of ``run``,
    which call ``self.note()`` between them; and run again it gives what it gives from these values.
    """

    def __init__(self) -> None:
        self.places: list[Any] = []
        self.seen: list[list[bytes]] | None = None
        self.make()

    def make(self) -> None:
        """Make the places."""

    def run(self) -> None:
        """The program."""
        raise NotImplementedError

    def note(self) -> None:
        """Between two statements."""
        if self.seen is not None:
            self.seen.append(held(self.places))

    def state(self) -> Any:
        """What a run depends on besides the values of the places."""
        return None

    def restore(self, values: list[Any], state: Any) -> None:
        """Be as another world of this kind was."""
        for p, v in zip(self.places, values, strict=True):
            p.data = tn.tensor(v)

    def results(self) -> list[bytes]:
        """What a run leaves."""
        return held(self.places)


def held(places: list[Any]) -> list[bytes]:
    """The values of places."""
    return [p.detach().numpy().tobytes() for p in places]


def scope() -> dict[str, Any]:
    """What is entered and left."""
    r = record.RECORDER
    return {
        "grad mode": tn.is_grad_enabled(),
        "updating": dict(loans.UPDATING),
        "lending": dict(loans.LENDING),
        "site": r.site,
        "open": r.open,
        "vmap": r.vmap,
        "strict": strict.ACTIVE.get(),
        "watchers": list(loans.WATCHERS),
        "looking": list(force.BEFORE_RUN),
        "standing in": dict(loans.STANDING_IN),
        "guard": guard.GUARD._is_owned(),  # type: ignore[attr-defined]
        "rules": list(r.rules),
        "eager": record.current_mode().eager,
        "handler": signal.getsignal(signal.SIGINT),
    }


def small_step() -> tuple[Any, ...]:
    """A training step that has nothing to do with what was broken off."""
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    o = tn.optim.SGD([w], lr=0.5)
    model = tn.nn.Linear(2, 1)
    with tn.no_grad():
        model.weight.copy_(tn.tensor([[1.0, -1.0]]))
        model.bias.zero_()
    loss = (w * w).sum() + model(w).sum()
    loss.backward()
    o.step()
    g = tn.grad(lambda x: (x * x * x).sum())(tn.tensor([1.0, 2.0]))
    rows = tn.vmap(lambda x: (x * x).sum())(tn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    return w.tolist(), loss.item(), g.tolist(), rows.tolist()


SMALL = ([-0.5, 0.5], 4.0, [3.0, 12.0], [5.0, 25.0])


def in_thread(body: Callable[[], Any]) -> Any:
    """What a function gives in another thread, within ten seconds."""
    out: list[Any] = []

    def run() -> None:
        try:
            out.append(body())
        except BaseException as error:
            out.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10)
    assert out, "another thread waits for ever"
    if isinstance(out[0], BaseException):
        raise out[0]
    return out[0]


def check_usable(places: list[Any], before: dict[str, Any], threads: bool = False) -> None:
    """Nothing is lent, held or switched that was not before, and the library works."""
    now = scope()
    wrong = {name: (before[name], now[name]) for name in before if before[name] != now[name]}
    assert not wrong, wrong
    for p in places:
        old = p.detach().clone()
        with p.borrow() as lent:
            assert lent.tolist() == old.tolist()
        with p.borrow_mut() as mine:
            mine.copy_(old)
        with tn.no_grad():
            p.copy_(old)
        assert p.tolist() == old.tolist()
    assert small_step() == SMALL
    if threads:
        assert in_thread(small_step) == SMALL
        for p in places:
            in_thread(lambda p=p: p.borrow_mut().copy_(p.detach().clone()))


def outcomes(make: Callable[[], World]) -> list[list[bytes]]:
    """The values of each place at each moment between the statements of a run."""
    world = make()
    world.seen = []
    world.note()
    world.run()
    world.note()
    return [list(column) for column in zip(*world.seen, strict=True)]


def sweep(
    make: Callable[[], World], event: str = "line", stride: int = 1, first: int = 1, most: int = 10**9
) -> Iterator[tuple[int, str]]:
    """The moments of a run at which an interrupt leaves something wrong, and what; every so many, ``most`` at most."""
    make().run()
    known = outcomes(make)
    before = scope()
    moment, reached = first, True
    while reached and moment <= first + most * stride:
        world, seen = make(), False
        try:
            reached = interrupted(world.run, moment, event)
        except Interrupt:
            seen = True
        try:
            assert seen or not reached, "the interrupt was swallowed"
            check_after(make, world, known, before, threads=moment % 16 == 0)
        except Exception as error:
            yield moment, f"{type(error).__name__}: {str(error)[:300]}"
        moment += stride


def check_after(
    make: Callable[[], World], world: World, known: list[list[bytes]], before: dict[str, Any], threads: bool
) -> None:
    """What must hold of a world that was broken off."""
    for k, (p, values) in enumerate(zip(world.places, known, strict=True)):
        assert held([p])[0] in values, f"place {k} holds {p.tolist()}, neither an old value nor a new one"
    check_usable(world.places, before, threads)
    values, state = [p.detach().numpy().copy() for p in world.places], world.state()
    again = make()
    again.restore(values, state)
    world.run()
    again.run()
    assert world.results() == again.results(), "the next run gives other numbers"
