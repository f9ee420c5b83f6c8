"""Values read before their backward: the gradient has the bits that it has without the read, whenever it is seen."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.values.grad import segments
from tenure.values.rules.rows import COUNTS
from tenure.values.run import sized

STEPS: list[Any] = [
    lambda a, b: a * b + 0.5,
    lambda a, b: a.tanh() - b,
    lambda a, b: a / (b * b + 1.0),
    lambda a, b: a[1:].exp().sum() * 0.1 + b,
    lambda a, b: tn.where(a > b, a, b * 0.3),
    lambda a, b: a - a.mean() + b.sort(dim=-1).values,
    lambda a, b: tn.cat([a[3:], b[:3]]),
]


def graph(x: Any, w: Any, seed: int, reads: bool, operations: int = 12) -> Any:
    """A random graph, of which some values are read."""
    draw, reader = random.Random(seed), random.Random(seed)
    values = [x * w, x + w]
    for _ in range(operations):
        a, b = draw.choice(values[-4:]), draw.choice(values[-4:])
        values.append(draw.choice(STEPS)(a, b) * w)
        if reads and reader.random() < 0.2:
            reader.choice(values).sum().item()
    loss = (values[-1] * values[-2]).sum()
    if reads:
        loss.item()
    return loss


def gradients(seed: int, reads: bool, n: int = 6, **more: Any) -> list[bytes]:
    data = np.random.default_rng(seed).uniform(0.2, 1.0, (2, n))
    x, w = (tn.tensor(a, requires_grad=True) for a in data)
    loss = graph(x, w, seed, reads, **more)
    loss.backward()
    return [loss.detach().numpy().tobytes(), x.grad.numpy().tobytes(), w.grad.numpy().tobytes()]


@pytest.mark.parametrize("seed", range(20))
def test_a_read_changes_no_bit(seed: int) -> None:
    wanted = gradients(seed, False)
    for _ in range(3):
        assert gradients(seed, True) == wanted


def test_what_is_seen_once_makes_no_adjoint(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(segments, "Adjoint", lambda *args: made.append(args))
    for seed in range(100, 110):
        x, w = (tn.tensor(np.linspace(0.2, k, 5 + seed), requires_grad=True) for k in (1, 2))
        loss = graph(x, w, seed, False)
        before = COUNTS["programs"]
        loss.item()
        loss.backward()
        x.grad.numpy()
        assert COUNTS["programs"] - before <= 2
    assert not made


def test_a_leaf_written_since_has_the_gradient_of_its_old_value() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(4):
        loss = (w**3).sum()
        was = w.detach().numpy().copy()
        loss.item()
        with tn.no_grad():
            w -= 0.25
        loss.backward()
        np.testing.assert_allclose(w.grad.numpy(), 3 * was**2)
        w.grad = None


def test_an_update_pending_before_what_is_read() -> None:
    """The rows of an update and of an earlier gradient stand in the trace of what is read: they are not repeated."""
    w, twin = (tn.tensor([0.5, 1.5, 2.5], requires_grad=True) for _ in range(2))
    for turn in range(6):
        for leaf, reads in ((w, True), (twin, False)):
            loss = (leaf.sin() * (turn + 1)).sum() if turn % 2 else (leaf * leaf).tanh().sum()
            if reads:
                loss.item()
            loss.backward()
            with tn.no_grad():
                leaf -= 0.1 * leaf.grad
            leaf.grad = None
    assert w.detach().numpy().tobytes() == twin.detach().numpy().tobytes()


def test_two_backwards_and_a_consumed_graph() -> None:
    x = tn.tensor([1.0, 2.0], requires_grad=True)
    y = (x.exp() * x).sum()
    y.item()
    y.backward(retain_graph=True)
    first = x.grad.numpy().copy()
    y.backward()
    assert (x.grad.numpy() == 2 * first).all()
    with pytest.raises(tn.UseAfterMove):
        y.backward()


def test_what_was_moved_since() -> None:
    x = tn.tensor([1.0, 2.0], requires_grad=True)
    scale = tn.tensor([3.0, 4.0]) * 1.0
    y = (x * scale).sin().sum()
    y.item()
    tn.move(scale)
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos([3.0, 8.0]) * [3.0, 4.0], rtol=1e-6)


def test_random_numbers_are_the_same_ones() -> None:
    def gradient(reads: bool) -> bytes:
        tn.manual_seed(5)
        x = tn.tensor(np.linspace(0.1, 1.0, 9), requires_grad=True)
        y = (x * tn.rand(9, dtype=tn.float64)).tanh().sum()
        if reads:
            y.item()
        y.backward()
        return bytes(x.grad.numpy().tobytes())

    assert gradient(True) == gradient(False)


def test_second_derivatives_behind_a_read() -> None:
    x = tn.tensor([0.5, 1.5], requires_grad=True)
    y = (x.sin() * x.sin()).sum()
    y.item()
    (g,) = tn.autograd.grad(y, x, create_graph=True)
    (gg,) = tn.autograd.grad(g.sum(), x)
    np.testing.assert_allclose(gg.numpy(), 2 * np.cos([1.0, 3.0]), rtol=1e-6)


def test_small_values_of_new_extents_derive_no_program_at_once() -> None:
    before = sized.SHARES["derived"]
    for n in range(30, 60):
        x = tn.tensor(np.linspace(0.0, 1.0, n), requires_grad=True)
        y = (x.cos() * x - x.mean()).sum()
        y.item()
        y.backward()
        assert x.grad.shape == (n,)
    assert sized.SHARES["derived"] == before
