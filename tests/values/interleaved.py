"""Random programs in several threads at once, which lose their turn at random lines of the recorder.

A program is drawn once. Each thread runs it with numbers, indices and sizes of its own, some of which others have too,
and must get the bits that it gets alone.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tenure as tn

Work = Callable[[], Any]
NUMBERS = (0.5, 1.0, 2.0, 1.5, -1.0, 3.0, 0.25)
REPEATS = 6


def together(works: list[Work], rate: float = 0.02, where: tuple[str, ...] = ("tenure/values/",)) -> list[Any]:
    """Run functions in threads at the same time, each of which gives up its turn at a line of these files at this rate;
    their results in order, an error in its place."""
    results: list[Any] = [None] * len(works)
    gate, known = threading.Barrier(len(works)), dict[str, bool]()

    def line(frame: Any, event: str, arg: Any) -> Any:
        if random.random() < rate:
            time.sleep(0 if random.random() < 0.7 else 1e-4)
        return line

    def called(frame: Any, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in known:
            known[name] = any(part in name for part in where)
        return line if known[name] else None

    def run(k: int) -> None:
        gate.wait()
        sys.settrace(called if rate else None)
        try:
            results[k] = works[k]()
        except BaseException as error:
            results[k] = error
        finally:
            sys.settrace(None)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=run, args=(k,), daemon=True) for k in range(len(works))]
        for t in threads:
            t.start()
        for t in threads:
            t.join(120)
            assert not t.is_alive(), "a thread hangs"
    finally:
        sys.setswitchinterval(interval)
    return results


@dataclass
class Given:
    """What a thread brings along: a size, numbers, and places below the size."""

    n: int
    numbers: list[float]
    places: list[int]


@dataclass
class Program:
    """Steps with the places of their numbers; whether sizes vary, how often the steps are gone through, what is read
    and differentiated."""

    steps: list[tuple[str, int, int]]
    n: int
    varies: bool
    turns: int
    read: str
    grad: str
    updates: bool

    def given(self, seed: int) -> Given:
        rng = random.Random(seed)
        n = self.n + (rng.randrange(1, 30) if self.varies else 0)
        return Given(n, [rng.choice(NUMBERS) for _ in range(4)], [rng.randrange(n) for _ in range(4)])

    def run(self, seed: int) -> list[Any]:
        """Results, as bytes."""
        given, out = self.given(seed), list[Any]()
        row = np.arange(given.n, dtype=np.float32)
        w = tn.tensor(row / 11 + 0.5, requires_grad=self.grad != "none")
        y: Any = tn.tensor(row / 7 - 1) * 1.0
        for _ in range(self.turns):
            for name, b, c in self.steps:
                y = STEPS[name](y, w, given, b, c)
            if self.read == "sum":
                out.append(np.float64(y.sum().item()).tobytes())
            elif self.read == "all":
                out.append(y.detach().numpy().tobytes())
        k = given.numbers
        z = (y * k[0] + k[1]).sum() + (w * w).sum() * k[2]
        if self.grad == "after the run":
            z.item()
        if self.grad == "twice":
            (g,) = tn.autograd.grad(z, w, create_graph=True)
            (g * g * k[3]).sum().backward()
        elif self.grad != "none":
            z.backward()
        if self.grad != "none":
            out.append(w.grad.numpy().tobytes())
            if self.updates:
                with tn.no_grad():
                    w -= w.grad * k[3]
                out.append(w.detach().numpy().tobytes())
        return [*out, y.detach().numpy().tobytes(), np.float64(z.item()).tobytes()]


def _written(x: Any, g: Given, b: int, c: int, start: Any) -> Any:
    v = start.mut()
    v[g.places[b]] = g.numbers[c]
    v[g.places[c] :] += x.detach()[g.places[c] :]
    v *= g.numbers[b]
    return v.value


STEPS: dict[str, Callable[[Any, Any, Given, int, int], Any]] = {
    "scale": lambda x, w, g, b, c: x * g.numbers[b] + g.numbers[c],
    "from": lambda x, w, g, b, c: g.numbers[b] - x,
    "tanh": lambda x, w, g, b, c: (x * g.numbers[b]).tanh(),
    "turn": lambda x, w, g, b, c: tn.concat([x[g.places[b] :], x[: g.places[b]]]) * g.numbers[c],
    "row": lambda x, w, g, b, c: x + x[g.places[b]] * g.numbers[c],
    "sum": lambda x, w, g, b, c: x - x.sum() * (g.numbers[b] / 64),
    "weigh": lambda x, w, g, b, c: x * w,
    "set": lambda x, w, g, b, c: x.at[g.places[b]].set(g.numbers[c]),
    "full": lambda x, w, g, b, c: x + tn.full((g.n,), g.numbers[b]),
    "clip": lambda x, w, g, b, c: tn.clip(x, -abs(g.numbers[b]), abs(g.numbers[c])),
    "where": lambda x, w, g, b, c: tn.where(x > g.numbers[b], x, x * g.numbers[c]),
    "halves": lambda x, w, g, b, c: tn.concat([x[: g.n // 2] * g.numbers[b], x[g.n // 2 :] * g.numbers[c]]),
    "place": lambda x, w, g, b, c: x + _written(x, g, b, c, tn.zeros(g.n)),
    "copy": lambda x, w, g, b, c: x + _written(x, g, b, c, x.detach() * 1.0),
    "whole": lambda x, w, g, b, c: (x.detach() * g.numbers[b]).to(tn.int64).to(tn.float32) + x,
}


def drawn(rng: random.Random) -> Program:
    """A random program."""
    names = list(STEPS)
    return Program(
        steps=[(rng.choice(names), rng.randrange(4), rng.randrange(4)) for _ in range(rng.randrange(2, 9))],
        n=rng.randrange(2, 40),
        varies=rng.random() < 0.25,
        turns=rng.choice((1, 1, 2, 3)),
        read=rng.choice(("nothing", "sum", "all")),
        grad=rng.choice(("none", "none", "at once", "after the run", "twice")),
        updates=rng.random() < 0.6,
    )


def seeds_of(rng: random.Random, threads: int) -> list[list[int]]:
    """What each thread runs with, time by time: its own or another's."""
    if rng.random() < 0.5:
        return [[rng.randrange(4) if rng.random() < 0.7 else rng.randrange(100) for _ in range(REPEATS)]
                for _ in range(threads)]  # fmt: skip
    return [[s, *[s if rng.random() < 0.6 else rng.randrange(4) for _ in range(REPEATS - 1)]] for s in range(threads)]


def check(seed: int, rate: float = 0.02) -> None:
    """Run a random program in threads, and then alone."""
    rng = random.Random(seed)
    program, threads = drawn(rng), rng.randrange(2, 9)
    seeds = seeds_of(rng, threads)
    works: list[Work] = [lambda own=own: [program.run(s) for s in own] for own in seeds]
    for k, (own, got) in enumerate(zip(seeds, together(works, rate), strict=True)):
        if isinstance(got, BaseException):
            raise AssertionError(f"seed {seed}, thread {k}: {program}") from got
        for s, out in zip(own, got, strict=True):
            assert out == program.run(s), f"seed {seed}, thread {k}, with {s}: {program}"
