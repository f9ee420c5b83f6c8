"""Random programs over several threads, with a model in NumPy that runs along.

A program is a list of steps (thread, action, a, b, c), which ``run`` carries out one after the other, each in its
thread. What a number means is found out when the step is carried out (the a-th of the values that there are), so that
any part of a program is a program, and a failing one can be made smaller. All arithmetic is exact. Whatever a step does
must give the model's numbers, or break a law that the model knows to be broken.
"""

from __future__ import annotations

import gc
import queue
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.testing import assert_array_equal

import tenure as tn

Array = np.ndarray[Any, Any]
Step = tuple[int, str, int, int, int]
N = 4
THREADS = 4


class Custom(Exception):
    """What the programs themselves raise."""


@dataclass(eq=False)
class Value:
    """A value: its numbers, and by what its gradient is multiplied on the way to each leaf."""

    real: Any
    array: Array
    slopes: dict[Any, Array] = field(default_factory=dict)


@dataclass(eq=False)
class Place:
    """A place, how often it is lent, and its gradient if it is a leaf."""

    real: Any
    array: Array
    leaf: bool = False
    grad: Array | None = None
    loans: int = 0


class Worker:
    """A thread that does what it is told, one thing at a time."""

    def __init__(self) -> None:
        self.todo: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        while (act := self.todo.get()) is not None:
            try:
                act()
                error = None
            except BaseException as e:
                error = e
            del act
            self.done.put(error)
            del error

    def do(self, act: Callable[[], None]) -> None:
        """Do something there; what it raises is raised here."""
        self.todo.put(act)
        del act
        error = self.done.get(timeout=60)
        if error is not None:
            raise error

    def end(self) -> None:
        """Let the thread end."""
        self.todo.put(None)
        self.thread.join()


class Garbage:
    """What does something with a value when it goes, once the collector comes by."""

    failures: ClassVar[list[BaseException]] = []

    def __init__(self, z: Any, array: Array, kind: int) -> None:
        self.me, self.z, self.array, self.kind = self, z, array, kind % 4

    def __del__(self) -> None:
        try:
            z = self.z
            if self.kind == 0:
                z = tn.move(z)
            if self.kind < 3:
                z = z + 1.0
            assert_array_equal(np.array(z.tolist()), self.array + (self.kind < 3))
        except tn.TenureError as error:
            if "interrupted run" not in str(error):
                self.failures.append(error)
        except BaseException as error:
            self.failures.append(error)


class World:
    """What there is, in the model and in Tenure."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.places: list[Place] = []
        self.dead: list[Any] = []
        self.open: list[tuple[Any, Place | None]] = []
        self.workers = [Worker() for _ in range(THREADS)]
        self.seen: list[Any] = []

    def value(self, a: int) -> Value:
        if not self.values:
            self.new(a, 0, 0)
        return self.values[a % len(self.values)]

    def place(self, a: int) -> Place:
        if not self.places:
            self.leaf(a, 0, 0)
        return self.places[a % len(self.places)]

    def keep(self, real: Any, array: Array, slopes: dict[Any, Array] | None = None) -> None:
        """Another value; the pool stays small."""
        self.values.append(Value(real, array, slopes or {}))
        if len(self.values) > 14 or float(abs(array).max(initial=0)) > 1e6:
            self.values.pop(0 if len(self.values) > 14 else -1)

    # making

    def new(self, a: int, b: int, c: int) -> None:
        array = np.arange(N) * float(a % 3) + b % 5
        self.keep(tn.tensor(array) if c % 2 else tn.arange(N, dtype=tn.float64) * float(a % 3) + b % 5, array)

    def leaf(self, a: int, b: int, c: int) -> None:
        array = np.arange(N) + float(a % 4)
        self.places.append(Place(tn.tensor(array, requires_grad=True), array, leaf=True))
        if len(self.places) > 5:
            self.places.pop(0)

    def var(self, a: int, b: int, c: int) -> None:
        x = self.value(a)
        if not x.slopes:
            self.places.append(Place(x.real.mut() if b % 2 else tn.Var(x.real * 1), x.array.copy()))
            if len(self.places) > 5:
                self.places.pop(0)

    # computing

    def apply(self, a: int, b: int, c: int) -> None:
        x, y = self.value(a), self.value(b)
        self.keep(*combined(x, y, c))

    def read_place(self, a: int, b: int, c: int) -> None:
        p = self.place(a)
        if p.loans and self.refused(p, lambda: p.real * 1):
            return
        slopes = {p: np.full(N, 2.0)} if p.leaf else {}
        self.keep(p.real * 2.0, p.array * 2.0, slopes)

    def eagerly(self, a: int, b: int, c: int) -> None:
        with tn.eager():
            self.apply(a, b, c)
            self.apply(b, c, a)

    def read(self, a: int, b: int, c: int) -> None:
        x = self.value(a)
        assert_array_equal(x.real.detach().numpy() if b % 2 else np.array(x.real.tolist()), x.array)

    def show(self, a: int, b: int, c: int) -> None:
        assert "tensor" in repr(self.value(a).real)

    def mapped(self, a: int, b: int, c: int) -> None:
        x, y = self.value(a), self.value(b)
        if x.slopes or y.slopes:
            return
        outer, keep = y.real, [None]

        def example(r: Any) -> Any:
            if c % 3 == 1:
                keep[0] = outer.tolist()
            if c % 3 == 2:
                gc.collect()
            if c % 7 == 2:
                raise Custom
            return outer * 2 + r

        out = tn.vmap(example)(x.real)
        self.keep(out.sum(axis=0), (x.array[:, None] + y.array * 2).sum(axis=0))

    def transformed(self, a: int, b: int, c: int) -> None:
        x, y = self.value(a), self.value(b)
        if x.slopes or y.slopes:
            return
        outer = y.real

        def f(t: Any) -> Any:
            u = t * outer
            if c % 3 == 1:
                assert_array_equal(np.array(outer.tolist()), y.array)
                str(u)
            if c % 5 == 2 and not any(self.value(b + 1).real is z for z in (outer, x.real)):
                self.move(b + 1, c, 0)
            if c % 4 == 2:
                gc.collect()
            if c % 7 == 3:
                raise Custom
            return (u + t).sum()

        self.keep(tn.grad(f)(x.real), y.array + 1)

    # moving and dropping

    def move(self, a: int, b: int, c: int) -> None:
        old = self.value(a).real
        new = tn.move(old) if b % 3 else tn.move([old, {"k": old}])[0]
        self.rename(old, new)
        if b % 2:
            self.dead.append(old)
            del self.dead[:-6]

    def rename(self, old: Any, new: Any) -> None:
        """Names of a value are one."""
        for x in self.values:
            x.real = new if x.real is old else x.real

    def move_place(self, a: int, b: int, c: int) -> None:
        p = self.place(a)
        if p.loans and self.refused(p, lambda: tn.move(p.real)):
            return
        old, p.real = p.real, tn.move(p.real)
        self.dead.append(old)

    def move_view(self, a: int, b: int, c: int) -> None:
        """Move what a place holds, under another name."""
        p = self.place(a)
        if p.loans or p.leaf:
            return
        old = p.real.value
        self.keep(tn.move(old), p.array.copy())
        self.rename(old, self.values[-1].real)

    def use_dead(self, a: int, b: int, c: int) -> None:
        if self.dead:
            x = self.dead[a % len(self.dead)]
            uses = (lambda: x + 1, lambda: x.tolist(), lambda: tn.move(x), lambda: x.sum(), lambda: str(x))
            try:
                uses[b % len(uses)]()
            except tn.UseAfterMove:
                return
            raise AssertionError("what was moved is used")

    def drop(self, a: int, b: int, c: int) -> None:
        if self.values:
            del self.values[a % len(self.values)]
        if b % 3 == 0:
            gc.collect()

    # places

    def refused(self, p: Place, act: Callable[[], Any]) -> bool:
        """Whether a loan forbids it."""
        try:
            act()
        except tn.BorrowError as error:
            assert error.code in ("TN499", "TN502", "TN503", "TN506"), error
            return True
        return False

    def write(self, a: int, b: int, c: int) -> None:
        p, x = self.place(a), self.value(b)
        if p.leaf or x.slopes or abs(p.array).max() > 1e6:
            return

        def act() -> Any:
            if c % 5 == 0:
                p.real.add_(x.real)
            elif c % 5 == 1:
                p.real[1:] = x.real[1:]
            elif c % 5 == 2:
                p.real.data = x.real
            elif c % 5 == 3:
                p.real[c % N] = 7.0
            else:
                p.real.data.mul_(0.5)

        if self.refused(p, act):
            assert p.loans
            return
        p.array = p.array.copy()
        if c % 5 == 0:
            p.array += x.array
        elif c % 5 == 1:
            p.array[1:] = x.array[1:]
        elif c % 5 == 2:
            p.array = x.array.copy()
        elif c % 5 == 3:
            p.array[c % N] = 7.0
        else:
            p.array *= 0.5

    def in_a_block(self, a: int, b: int, c: int) -> None:
        p = self.place(a)

        def act() -> None:
            with p.real.borrow() if b % 2 else p.real.borrow_mut() as m:
                assert_array_equal(np.array(m.tolist()), p.array)
                if not p.leaf and not b % 2:
                    m[0] = 3.0
                    p.array = p.array.copy()
                    p.array[0] = 3.0
                raise Custom

        if self.refused(p, act):
            assert p.loans

    def suspend(self, a: int, b: int, c: int) -> None:
        """A generator that holds a loan, or a mode, between its steps."""
        p, x = self.place(a), self.value(b)

        def lending() -> Any:
            with p.real.borrow() as t:
                yield (t * 1).detach()
                yield (t * 2).detach()

        def without() -> Any:
            with tn.no_grad():
                yield x.real * 2
                yield p.real.detach() if not p.loans else x.real * 2

        kind = lending if c % 2 else without
        g = kind()
        if kind is without:
            self.keep(next(g), x.array * 2)
            self.open.append((g, None))
        elif not self.refused(p, lambda: self.keep(next(g), p.array.copy())):
            p.loans += 1
            self.open.append((g, p))

    def resume(self, a: int, b: int, c: int) -> None:
        if not self.open:
            return
        g, p = self.open[a % len(self.open)]
        if b % 2:
            got = next(g, None)
            if got is not None and p is not None:
                self.keep(got, p.array * 2)
            if got is not None:
                return
        g.close()
        self.open.remove((g, p))
        if p is not None:
            p.loans -= 1

    # gradients

    def hook(self, a: int, b: int, c: int) -> None:
        x = self.value(a)
        if not x.slopes:
            return

        def fn(g: Any) -> Any:
            kind = c % 9
            if kind == 0:
                self.seen.append(g)
                del self.seen[:-3]
            elif kind == 1:
                str(g)
            elif kind == 2:
                return tn.move(g)
            elif kind in (3, 4):
                self.move(b, c, 0)
            elif kind == 5:
                self.read(b, c, 0)
            elif kind == 6:
                self.garbage(b, c, b)
            elif kind == 7:
                self.add_to_gradient(b, c, b)
            elif b % 2:
                raise Custom
            else:
                gc.collect()
            return None

        try:
            if c % 2:
                x.real.retain_grad()
            x.real.register_hook(fn)
        except tn.GradientError:  # its graph was consumed
            x.slopes = {}
            x.real = x.real.detach()

    def backward(self, a: int, b: int, c: int) -> None:
        x = self.value(a)
        if not x.slopes:
            return
        try:
            if c % 3 == 0:
                x.real.backward(tn.ones(N, dtype=tn.float64), retain_graph=b % 3 > 0)
            else:
                x.real.sum().backward(retain_graph=b % 3 > 0)
        except tn.UseAfterMove as error:
            assert "consumed" in str(error)
            x.slopes, x.real = {}, x.real.detach()
            return
        except tn.BorrowError:
            assert any(p.loans for p in x.slopes)
            return
        for p, slope in x.slopes.items():
            p.grad = slope if p.grad is None else p.grad + slope

    def add_to_gradient(self, a: int, b: int, c: int) -> None:
        """A backward at once, also inside another one's hook."""
        p, x = self.place(a), self.value(b)
        if not p.leaf or p.loans or x.slopes:
            return
        loss = (p.real * x.real).sum()
        if c % 2:
            loss.item()
        loss.backward()
        p.grad = x.array if p.grad is None else p.grad + x.array

    def second_order(self, a: int, b: int, c: int) -> None:
        """The gradient of a gradient."""
        p, x = self.place(a), self.value(b)
        if not p.leaf or p.loans or x.slopes:
            return
        w = p.real
        y = (w * w * x.real).sum()
        if c % 2:
            y.item()
        (g,) = tn.autograd.grad(y, w, create_graph=True)
        if c % 3 == 0:
            g.tolist()
        g.sum().backward()
        p.grad = 2 * x.array if p.grad is None else p.grad + 2 * x.array

    def checkpointed(self, a: int, b: int, c: int) -> None:
        x, y = self.value(a), self.value(b)
        if y.slopes:
            return
        outer = y.real

        def f(t: Any) -> Any:
            if c % 3 == 1:
                outer.tolist()
            if c % 7 == 2:
                raise Custom
            return (t + outer) * 2

        self.keep(tn.checkpoint(f, x.real), (x.array + y.array) * 2, {p: s * 2 for p, s in x.slopes.items()})

    def garbage(self, a: int, b: int, c: int) -> None:
        """What the collector finds some time, in whatever thread, moves or reads what has been read here."""
        x = self.value(a)
        if x.slopes:
            return
        z = x.real * 2.0
        if b % 3 == 0:
            z.tolist()
        self.keep(z * 3.0, x.array * 6.0)
        Garbage(z, x.array * 2.0, c)
        del z

    def look_at_gradient(self, a: int, b: int, c: int) -> None:
        p = self.place(a)
        if p.leaf and not p.loans and p.grad is not None:
            assert_array_equal(np.array(p.real.grad.tolist()), p.grad)
            if c % 4 == 0:
                p.real.grad, p.grad = None, None
            elif c % 4 == 1:
                p.real.grad.zero_()
                p.grad = p.grad * 0

    # threads

    def end_thread(self, a: int, b: int, c: int) -> None:
        """Done by the one who runs the program."""

    def check(self) -> None:
        """Everything that is left has its numbers."""
        for g, _ in self.open:
            g.close()
        for x in self.values:
            assert_array_equal(np.array(x.real.tolist()), x.array)
        for p in self.places:
            assert_array_equal(np.array(p.real.tolist()), p.array)
            if p.leaf and p.grad is not None:
                assert_array_equal(np.array(p.real.grad.tolist()), p.grad)


def combined(x: Value, y: Value, c: int) -> tuple[Any, Array, dict[Any, Array]]:
    """An operation on two values."""
    kind = c % 7
    if kind == 0:
        return x.real * 3 + 1, x.array * 3 + 1, {p: s * 3 for p, s in x.slopes.items()}
    if kind == 1:
        slopes = {p: x.slopes.get(p, 0.0) + y.slopes.get(p, np.zeros(N)) for p in {**x.slopes, **y.slopes}}
        return x.real + y.real, x.array + y.array, slopes
    if kind == 2 and not y.slopes:
        return x.real * y.real, x.array * y.array, {p: s * y.array for p, s in x.slopes.items()}
    if kind == 3:
        return x.real * 0.5, x.array * 0.5, {p: s * 0.5 for p, s in x.slopes.items()}
    if kind == 4:
        out = x.array.copy()
        out[1] = 5.0
        return x.real.at[1].set(5.0), out, {p: s * np.array([1.0, 0, 1, 1]) for p, s in x.slopes.items()}
    if kind == 5:
        return x.real.detach() - 1.0, x.array - 1.0, {}
    return x.real.detach().flip(0), x.array[::-1], {}


ACTIONS = {
    "new": 4, "leaf": 2, "var": 2, "apply": 10, "read_place": 6, "eagerly": 1, "read": 5, "show": 1, "mapped": 2,
    "transformed": 2, "move": 6, "move_place": 1, "move_view": 1, "use_dead": 2, "drop": 3, "write": 4, "in_a_block": 1,
    "garbage": 3, "add_to_gradient": 2, "second_order": 2, "checkpointed": 1, "suspend": 1,
    "resume": 2, "hook": 2, "backward": 4, "look_at_gradient": 2, "end_thread": 2,
}  # fmt: skip


def draw(seed: int, length: int) -> list[Step]:
    """A program."""
    rng = random.Random(seed)
    names = rng.choices([*ACTIONS], [*ACTIONS.values()], k=length)
    return [(rng.randrange(THREADS), name, *[rng.randrange(1000) for _ in range(3)]) for name in names]  # type: ignore[misc]


def run(program: list[Step], threshold: int = 0) -> None:
    """Carry a program out; an assertion if something is wrong."""
    world = World()
    thresholds = gc.get_threshold()
    gc.set_threshold(threshold)  # 0: collected at steps of the program only
    try:
        for thread, name, a, b, c in program:
            worker = world.workers[thread]
            if name == "end_thread":
                worker.end()
                world.workers[thread] = Worker()
                continue
            with suppress(Custom):
                worker.do(lambda name=name, a=a, b=b, c=c: getattr(world, name)(a, b, c))  # type: ignore[misc]
        world.workers[0].do(world.check)
        gc.collect()
        for error in Garbage.failures:
            raise error
    finally:
        gc.set_threshold(*thresholds)
        Garbage.failures.clear()
        for g, _ in world.open:  # CPython does not survive the end of a generator's mode while it sets another one
            g.close()
        for worker in world.workers:
            worker.todo.put(None)


def fails(program: list[Step], threshold: int = 0) -> BaseException | None:
    """What is wrong with a program, if anything."""
    try:
        run(program, threshold)
    except Exception as error:
        return error
    return None


def smaller(program: list[Step], threshold: int) -> list[Step]:
    """A failing program without the steps that it fails without."""
    size = len(program) // 2
    while size:
        at = 0
        while at < len(program):
            less = program[:at] + program[at + size :]
            if fails(less, threshold) is not None:
                program = less
            else:
                at += size
        size //= 2
    return program


def check(seed: int, length: int, threshold: int = 0) -> None:
    """Run a program; one that fails is made smaller and printed. With a ``threshold`` garbage is collected wherever so
    many objects were made."""
    program = draw(seed, length)
    error = fails(program, threshold)
    if error is not None:
        program = smaller(program, threshold)
        steps = "".join(f"    {step!r},\n" for step in program)
        raise AssertionError(
            f"seed {seed}: {type(error).__name__}: {error}\n"
            f"from tests.values.threaded_programs import run\nrun([\n{steps}], {threshold})"
        ) from fails(program, threshold) or error
