"""Threads make, use, copy and drop modules and optimizers at once: none meets a registry that another one changes."""

from __future__ import annotations

import copy
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim
from tests.values.test_threads import together

SECONDS = 30.0 if os.environ.get("TENURE_FUZZ") else 1.5


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Threads take turns often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def again(act: Callable[[int], Any]) -> Callable[[], None]:
    """An act over and over, for a while."""

    def run() -> None:
        end, n = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            act(n)
            n += 1

    return run


def trained(model: Any) -> Any:
    """Leave gradients."""
    model(tn.ones(4, 2)).sum().backward()
    return model


def test_threads_that_each_train_a_model_of_their_own() -> None:
    def train(n: int) -> None:
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        optimizer = (optim.SGD, optim.Adam, optim.RMSprop)[n % 3](model.parameters(), lr=0.01)
        for _ in range(1 + n % 3):
            optimizer.zero_grad(set_to_none=bool(n % 2))
            trained(model)
            optimizer.step()
        model.zero_grad()

    def write(n: int) -> None:
        place = tn.zeros(3).mut()
        place += n
        assert place.tolist() == [n] * 3

    together(*[again(train)] * 4, *[again(write)] * 2)


def test_a_module_is_looked_through_while_it_grows_and_shrinks() -> None:
    model = nn.Sequential(nn.Linear(1, 1))

    def grow(k: int) -> Callable[[int], None]:
        def act(n: int) -> None:
            name = f"{k}_{n % 40}"
            if n // 40 % 2:
                delattr(model, name)
            else:
                model.register_module(name, nn.Linear(1, 1))
                model.register_buffer("b" + name, tn.zeros(1))
                delattr(model, "b" + name)

        return act

    def look(n: int) -> None:
        assert len(list(model.parameters())) >= 2
        assert "0.weight" in model.state_dict()
        for see in (repr, list, nn.Module.zero_grad, nn.Module.eval, lambda m: list(m.named_buffers()), copy.copy):
            see(model)
        copy.deepcopy(model)

    together(again(grow(1)), again(grow(2)), again(look), again(look))


def test_an_optimizer_is_copied_and_saved_while_it_steps() -> None:
    weights = [tn.ones(2, requires_grad=True) for _ in range(100)]
    for w in weights:
        w.sum().backward()
    optimizers = [optim.Adam(weights[k::4], lr=0.1) for k in range(4)]

    def step(n: int) -> None:
        for optimizer in optimizers:
            optimizer.step()
            optimizer.state.clear()

    def save(n: int) -> None:
        for optimizer in optimizers:
            assert {*optimizer.state_dict()["state"]} <= {*range(25)}
            copy.copy(optimizer)
            copy.deepcopy(optimizer)

    together(again(step), again(save), again(save))


def test_a_parameter_that_modules_of_several_threads_share_is_held_by_the_last() -> None:
    model = trained(nn.Linear(2, 2))

    def tie(n: int) -> None:
        twin = nn.Linear(2, 2)
        twin.weight = model.weight
        del twin

    together(*[again(tie)] * 4)
    optim.SGD(model.parameters(), lr=0.1).step()


def test_steps_of_one_optimizer_in_two_threads_are_refused_or_made() -> None:
    w = tn.ones(2, requires_grad=True)
    w.sum().backward()
    optimizer = optim.SGD([w], lr=1.0)
    lock, made = threading.Lock(), [0]

    def step(n: int) -> None:
        try:
            optimizer.step()
        except tn.BorrowError as error:
            assert error.code in ("TN499", "TN503")
        else:
            with lock:
                made[0] += 1

    together(*[again(step)] * 3)
    assert w.tolist() == [1.0 - made[0]] * 2


def test_an_update_that_ends_while_another_begins() -> None:
    inside, on = threading.Event(), threading.Event()

    class Slow(optim.SGD):
        """In the middle of its update until somebody looks at its parameters."""

        def update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
            super().update(p, grad, state, group)
            inside.set()
            assert on.wait(30)

        def parameters(self) -> Any:
            if inside.is_set() and threading.current_thread() is not thread:
                on.set()
                thread.join()
            return super().parameters()

    one, other = (trained(nn.Linear(2, 2)) for _ in range(2))
    thread = threading.Thread(target=Slow(one.parameters(), lr=0.1).step)
    thread.start()
    assert inside.wait(30)
    optim.SGD(other.parameters(), lr=0.1).step()
    assert not thread.is_alive()
    optim.SGD(one.parameters(), lr=0.1).step()
