"""Interrupts in rules differentiated twice, moves, writes outside the graph and frozen places leave whole values."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure.values.native import hits
from tests.values.interrupting import World, events, sweep

SHARE = {"line": 10**9, "opcode": 500} if os.environ.get("TENURE_FUZZ") else {"line": 20, "opcode": 5}

pytestmark = pytest.mark.skipif(hits.CODE is None, reason="without builtins the ends of blocks are Python code")


@tn.func.custom_vjp
def scaled(x: Any, k: Any) -> Any:
    """x · exp k, twice: a rule of two arguments and two results."""
    y = x * k.exp()
    return y, y * 2.0


def forward(x: Any, k: Any) -> Any:
    """The results, and what the rule reads."""
    y = x * k.exp()
    return (y, y * 2.0), (x, k.exp())


def backward(kept: Any, g: Any) -> Any:
    """The cotangents of x and k."""
    x, e = kept
    c = g[0] + g[1] * 2.0
    return c * e, c * x * e


scaled.defvjp(forward, backward)


class Twice(World):
    """Gradients of gradients of a rule, their tangents, and in batches."""

    def make(self) -> None:
        self.x = tn.tensor([1.0, 2.0, 3.0]).mut()
        self.places = [self.x]

    def run(self) -> None:
        def total(x: Any) -> Any:
            a, b = scaled(x, x * 0.5)
            return (a * b).sum()

        def slope(x: Any) -> Any:
            return (tn.grad(total)(x) * x).sum()

        x = self.x
        for number in (
            lambda: tn.grad(slope)(x).sum(),
            lambda: tn.jvp(total, (x.value,), (tn.ones(3),))[1],
            lambda: tn.vmap(tn.grad(total))(tn.ones(2, 3)).sum(),
        ):
            new = number() * 0.01
            self.note()
            with tn.no_grad():
                x.copy_(x * 0.5 + new)
            self.note()


class Outside(World):
    """Elements of computed places that are written outside the graph, and a place that is frozen and thawed."""

    def make(self) -> None:
        self.w = tn.tensor([1.0, 2.0, 3.0], requires_grad=True)
        self.v = tn.zeros(3).mut()
        self.places = [self.w, self.v]

    def run(self) -> None:
        w, v = self.w, self.v
        w.requires_grad_(True)
        made = (w * 3).mut()
        with tn.no_grad():
            made[0] = 5.0
            made.index_fill_(0, tn.tensor([1]), 2.0)
            made.data[2:].mul_(2.0)
        w.grad = None
        (made * made).sum().backward()
        self.note()
        with tn.no_grad():
            v.copy_(w.grad)
        self.note()
        w.requires_grad_(False)
        self.note()
        w.requires_grad_(True)
        self.note()


class Moves(World):
    """Values and places that are moved."""

    def make(self) -> None:
        self.v = tn.tensor([1.0, 2.0]).mut()
        self.places = [self.v]

    def run(self) -> None:
        v = self.v
        for _ in range(2):
            y = v * 2.0
            z = y + 1.0
            moved = tn.move(y)
            inner = tn.move(moved.mut())
            inner.add_(1.0)
            with tn.no_grad():
                v.copy_(inner + z - v * 3.0)
            self.note()


@pytest.mark.parametrize("event", ["line", "opcode"])
@pytest.mark.parametrize("make", [Twice, Outside, Moves], ids=lambda w: w.__name__)
def test_an_interrupt_anywhere(make: Callable[[], World], event: str) -> None:
    count = min([events(make().run, event) for _ in range(3)])  # some runs compile
    stride = max(1, count // SHARE[event])
    first = random.Random(f"{make.__name__} {event}").randint(1, stride)
    wrong = list(sweep(make, event, stride, first, SHARE[event]))
    assert not wrong, wrong[:5]
