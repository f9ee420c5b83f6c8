"""checkpoint changes what is kept for the gradient, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn
from tenure.compile.fuse import fuse
from tenure.compile.memory import plan_memory
from tenure.compile.simplify import simplify
from tenure.compile.tiers import compile_program
from tenure.ir.program import Program
from tenure.values.run import plan
from tenure.values.run.force import COUNTS

RNG = np.random.default_rng(2)
X = tn.tensor(RNG.standard_normal((8, 4)))
WEIGHTS = [RNG.standard_normal((4, 4)) / 2 for _ in range(3)]


def layers(ws: list[Any]) -> Callable[[Any], Any]:
    def f(h: Any) -> Any:
        for w in ws:
            h = (h @ w).tanh() + h.sin()
        return h

    return f


def plain(f: Any) -> Any:
    return f


def loss_of(ws: list[Any], way: Any, x: Any = X) -> Any:
    return (way(layers(ws[:2]))(way(layers(ws[1:]))(x)) ** 2).sum()


def leaves() -> list[Any]:
    return [tn.tensor(w, requires_grad=True) for w in WEIGHTS]


@pytest.mark.parametrize("late", [False, True], ids=["in one run", "after the run"])
def test_values_and_gradients_are_the_same(late: bool) -> None:
    found = []
    for way in (plain, tn.checkpoint):
        ws = leaves()
        for _ in range(3):  # the first run does not know that a backward follows
            for w in ws:
                w.grad = None
            loss = loss_of(ws, way)
            if late:
                loss.item()
            loss.backward()
            grads = [loss.item(), *[w.grad.tolist() for w in ws]]
        found.append(grads)
    for one, other in zip(*found, strict=True):
        assert_array_equal(one, other)


def test_every_order_and_transform() -> None:
    ws = [tn.tensor(w) for w in WEIGHTS]
    for transform in (
        lambda f: tn.grad(f)(X),
        lambda f: tn.jvp(f, (X,), (X * 2,))[1],
        lambda f: tn.grad(lambda x: (tn.grad(f)(x) ** 2).sum())(X),
        lambda f: tn.hessian(f)(X[:2]),
        lambda f: tn.vmap(tn.grad(f))(X),
        lambda f: tn.grad(lambda x: tn.vmap(f)(x).sum())(X),
    ):
        one, other = (transform(lambda x, way=way: loss_of(ws, way, x)) for way in (plain, tn.checkpoint))
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    nested = tn.grad(lambda x: (tn.checkpoint(lambda x: tn.checkpoint(layers(ws))(x).exp() * x)(x)).sum())(X)
    np.testing.assert_allclose(nested, tn.grad(lambda x: (layers(ws)(x).exp() * x).sum())(X), rtol=1e-12)
    slope = tn.grad(lambda x: loss_of(ws, plain, x))
    inside = tn.grad(lambda x: tn.checkpoint(slope)(x).sum())(X)
    np.testing.assert_allclose(inside, tn.grad(lambda x: slope(x).sum())(X), rtol=1e-9)


def test_what_it_captured_is_a_value() -> None:
    """What is written between the forward pass and the backward pass changes no gradient."""
    scale = tn.tensor([2.0]).mut()
    for late in (False, True):
        for way in (plain, tn.checkpoint):
            scale.copy_(2.0)
            x = tn.tensor([3.0], requires_grad=True)
            y = way(lambda x: (x * scale) ** 2)(x).sum()
            if late:
                y.item()
            scale.copy_(100.0)
            y.backward()
            assert x.grad.tolist() == [24.0]


def test_random_numbers_are_drawn_once() -> None:
    x = tn.tensor(RNG.standard_normal(50), requires_grad=True)
    f = lambda x: (x * tn.rand(50, dtype=tn.float64)).exp()  # noqa: E731
    tn.manual_seed(0)
    y = tn.checkpoint(f)(x)
    after = tn.rand(1).item()
    y.sum().backward()
    tn.manual_seed(0)
    noise = tn.rand(50, dtype=tn.float64)
    assert after == tn.rand(1).item()
    np.testing.assert_allclose(x.grad, noise * (x * noise).exp().detach(), rtol=1e-12)


def test_it_is_called_once_and_may_read() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x.sum().item())
        return x * 2 if calls[-1] > 1e9 else x * 3

    x = tn.ones(3, requires_grad=True)
    tn.checkpoint(f, x).sum().backward()
    assert calls == [3.0] and x.grad.tolist() == [3, 3, 3]


def test_a_function_that_raises_leaves_everything_usable() -> None:
    def broken(x: Any) -> Any:
        x * 2
        raise ValueError("mine")

    x = tn.ones(3, requires_grad=True)
    y = x.exp()
    with pytest.raises(ValueError, match="mine"):
        tn.checkpoint(broken)(x)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, np.exp(np.ones(3)), rtol=1e-6)


DEEP = [np.eye(4) for _ in range(12)]


def deep(ws: list[Any], way: Any, x: Any) -> Any:
    for k in range(0, len(ws), 4):
        x = way(lambda h, k=k: layers(ws[k : k + 4])(h))(x)
    return (x * x).sum()


def test_a_run_keeps_only_what_comes_in() -> None:
    def kept(way: Any) -> int:
        """Bytes that a run saves, once it has come so often that it saves any."""
        ws = [tn.tensor(w, requires_grad=True) for w in DEEP]
        for _ in range(40):
            loss = deep(ws, way, X)
            loss.item()
            found = sum(a.nbytes for a in (loss._src.segment.saved or {}).values())
            loss.backward()
            if found:
                return found
        return 0

    assert 0 < kept(tn.checkpoint) < kept(plain) / 3


def test_a_program_of_both_passes_needs_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def watched(program: Program) -> Any:
        sizes.append(plan_memory(fuse(simplify(program))).arena)
        return compile_program(program)

    monkeypatch.setattr(plan, "EXECUTOR", watched)
    ws = [tn.tensor(w, requires_grad=True) for w in DEEP]
    arenas = []
    for way in (plain, tn.checkpoint):
        sizes.clear()
        deep(ws, way, tn.tensor(RNG.standard_normal((300, 4)))).backward()
        ws[0].grad.numpy()
        arenas.append(max(sizes))
    assert arenas[1] < arenas[0] * 0.7


def test_a_loop_builds_nothing_any_more() -> None:
    ws = leaves()
    for k in range(60):
        if k == 30:
            before = dict(COUNTS)
        loss = loss_of(ws, tn.checkpoint)
        loss.backward()
        for w in ws:
            w.data -= 0.001 / (k + 1) * w.grad
            w.grad = None
        loss.item()
    assert (COUNTS["programs"], COUNTS["rows"]) == (before["programs"], before["rows"])
