"""Reads change no derivative: of any order, with hooks, retained gradients and rules, in threads too.

A read ends a trace, and what lies behind it is recorded once more for a gradient that can be differentiated. The same
random programs without their reads, and PyTorch's, are the oracles.
"""

from __future__ import annotations

import importlib
import os
import random
import threading
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.values.grad import segments

SEEDS = range(2000 if os.environ.get("TENURE_FUZZ") else 16)


@tn.custom_vjp
def limited(x: Any) -> Any:
    return x * 1


limited.defvjp(lambda x: (x * 1, ()), lambda kept, g: (tn.clip(g, -2.0, 2.0),))


def read_in(x: Any, thread: bool) -> None:
    if thread:
        t = threading.Thread(target=lambda: x.detach().tolist())
        t.start()
        t.join()
    else:
        x.detach().tolist()


def outcome(T: Any, rule: Any, seed: int, reads: bool) -> tuple[list[Any], list[int]]:
    """Gradients of a random program, and which hooks were called."""
    draw, calls = random.Random(seed), list[int]()

    def read(x: Any, often: float) -> None:
        if draw.random() < often:
            thread = draw.random() < 0.3
            if reads:
                read_in(x, thread)

    def limits(k: int, c: float) -> Any:
        return lambda g: (calls.append(k), g.clip(-c, c))[1]

    x = T.tensor([1.0, 2.0, -1.5], requires_grad=True, dtype=T.float64)
    y = T.tensor([0.5, -1.0, 1.0], requires_grad=True, dtype=T.float64)
    values, plain, kept, out = [x, y], [y], [x, y], list[Any]()
    steps = [
        lambda a, b: a * b,
        lambda a, b: T.sin(a) + b,
        lambda a, b: a * a * 0.3,
        lambda a, b: a.sum() * b * 0.2,
        lambda a, b: a - b * b * 0.1,
        lambda a, b: rule(a) * b,
    ]
    for k in range(draw.randrange(3, 8)):
        z = draw.choice(steps)(draw.choice(values[-4:]), draw.choice(values))
        chance = draw.random()
        if chance < 0.4:
            z.register_hook(limits(k, draw.choice([0.5, 1.0, 3.0])))
        else:
            plain.append(z)
            if chance < 0.6:
                z.retain_grad()
                kept.append(z)
        read(z, 0.4)
        values.append(z)
    loss = sum((v * v).sum() for v in values[-2:])
    read(loss, 0.5)
    for _ in range(draw.randrange(3)):
        wanted = draw.choice([[x, y], [x], [draw.choice(plain), x]])
        found = T.autograd.grad(loss, wanted, create_graph=True, allow_unused=True)
        calls.append(-1)
        found = [g for g in found if g is not None and g.requires_grad]
        if not found:
            break
        out += [g.detach() for g in found]
        loss = sum((g * g).sum() for g in found) * 0.1 + (loss if draw.random() < 0.6 else 0)
        read(loss, 0.5)
    if loss.requires_grad:
        loss.backward(create_graph=draw.random() < 0.5)
    zero = T.zeros(3, dtype=T.float64)
    return [np.array(g.tolist()) for g in (*out, *[zero if v.grad is None else v.grad.detach() for v in kept])], calls


def agree(found: tuple[list[Any], list[int]], wanted: tuple[list[Any], list[int]]) -> None:
    assert sorted(found[1]) == sorted(wanted[1])
    for a, b in zip(found[0], wanted[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_reads_change_no_derivative(seed: int) -> None:
    agree(outcome(tn, limited, seed, True), outcome(tn, limited, seed, False))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("seed", SEEDS)
def test_derivatives_are_those_of_pytorch(seed: int) -> None:
    torch: Any = importlib.import_module("torch")

    class Limited(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g.clip(-2.0, 2.0)

    agree(outcome(tn, limited, seed, True), outcome(torch, Limited.apply, seed, False))


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("eager", [False, True])
def test_second_derivatives_with_respect_to_a_result(read: bool, eager: bool) -> None:
    with tn.eager() if eager else tn.enable_grad():
        x = tn.tensor([1.0, 2.0], requires_grad=True)
        z = limited(x * 2)
        u = (z**3).sum()
        if read:
            u.item()
        (g,) = tn.autograd.grad(u, z, create_graph=True)
        (h,) = tn.autograd.grad((g * z).sum(), z)
        assert h.tolist() == [36.0, 144.0]


@pytest.mark.parametrize("handled", ["argument", "rule", "result"])
@pytest.mark.parametrize("read", [False, True])
def test_a_backward_ends_behind_the_argument_of_a_transform(handled: str, read: bool) -> None:
    x = tn.tensor([1.0, 2.0], requires_grad=True)

    def f(a: Any) -> Any:
        b = limited(a) if handled == "rule" else a * 1
        if handled != "rule":
            (a if handled == "argument" else b).register_hook(lambda g: g * 1)
        return b * a

    out, _ = tn.vjp(f, x)
    if read:
        out.detach().tolist()
    out.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [2.0, 4.0]


def test_a_vmapped_call_whose_return_alone_is_wanted_again() -> None:
    def twice(x: Any) -> Any:
        return tn.vmap(lambda a: tn.vmap(lambda b: a**3)(tn.stack([a, a])))(tn.stack([x, x]))[0, 0]

    x = tn.tensor([1.0, 2.0], requires_grad=True)
    out = twice(x)
    out.detach().tolist()
    (g,) = tn.autograd.grad(out.sum(), x, create_graph=True)
    g.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [6.0, 12.0]


def in_turns(seed: int, reads: bool) -> list[Any]:
    """Gradients of a random loop of a few turns, made several times: its segments have been seen before."""
    draw = random.Random(seed)
    steps = [
        lambda a, b, c: (a * c, b + a),
        lambda a, b, c: (tn.sin(a) - b * 0.5, a),
        lambda a, b, c: (b, a / (c * c + 2.0)),
        lambda a, b, c: (a + a * c.sum(), b * 3.0),
        lambda a, b, c: (a - b.detach(), b * draw.choice([0.5, 0.25])),
    ]
    body = [draw.choice(steps) for _ in range(4)]
    x, c = (tn.tensor([v, 1.5, -0.5], requires_grad=True, dtype=tn.float64) for v in (0.7, 1.25))
    held, keep = draw.random() < 0.5, draw.random() < 0.3
    out: list[Any] = []
    for _ in range(4):
        a, b = x * 0.5, c * 1.5
        for _ in range(draw.randrange(2, 7)):
            for step in body:
                a, b = step(a, b, c)
            if reads:
                (a + b).sum().item()
        total = (a * b).sum() + a.sum()
        if reads:
            total.item()
        total.backward(retain_graph=keep)
        if keep:
            total.backward()
        if reads:
            with pytest.raises(tn.errors.UseAfterMove):
                total.backward()
        out += [x.grad.numpy(), c.grad.numpy()]
        if not held:
            x.grad = c.grad = None
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_segments_seen_before_have_the_gradients_of_one_program(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found, whole = in_turns(seed, True), in_turns(seed, False)
    monkeypatch.setattr(segments, "pull", lambda _, feeds, given, scalars: segments.feed(feeds, given))
    for a, b, c in zip(found, whole, in_turns(seed, True), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
        np.testing.assert_array_equal(a, c, strict=True)
