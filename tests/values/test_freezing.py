"""``requires_grad_(False)`` keeps the gradient that a place has, and ``requires_grad_(True)`` goes on with it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn, optim


def frozen(kind: Any = tn.Var) -> Any:
    x = kind(tn.tensor([1.0, 2.0]))
    x.requires_grad_()
    (x * 3).sum().backward()
    return x.requires_grad_(False)


def numbers(x: Any) -> list[float] | None:
    return None if x is None else list(x.numpy().tolist())


@pytest.mark.parametrize("kind", [tn.Var, nn.Parameter])
def test_the_gradient_stays(kind: Any) -> None:
    x = frozen(kind)
    assert not x.requires_grad
    assert numbers(x.grad) == [3, 3]
    x.copy_(tn.tensor([5.0, 6.0]))
    assert numbers(x.grad) == [3, 3], "a write of the place leaves it alone"
    x.requires_grad_()
    assert numbers(x.grad) == [3, 3]
    (x * x).sum().backward()
    assert numbers(x.grad) == [13, 15]


def test_it_is_written_and_dropped_as_before() -> None:
    x = frozen()
    x.grad.mul_(2.0)
    assert numbers(x.grad) == [6, 6]
    x.grad = tn.tensor([1.0, 1.0])
    assert numbers(x.grad) == [1, 1]
    x.grad = None
    assert x.grad is None
    assert numbers(x.requires_grad_().grad) is None


def test_what_was_recorded_before_does_not_reach_a_frozen_place() -> None:
    """As in PyTorch; once it is a leaf again it does."""
    x = tn.Var(tn.tensor([1.0]), requires_grad=True)
    first, second = (x * 2).sum(), (x * 5).sum()
    x.requires_grad_(False)
    first.backward()
    assert x.grad is None
    x.requires_grad_()
    assert x.grad is None
    second.backward()
    assert numbers(x.grad) == [5]


def test_hooks_stay() -> None:
    x = tn.Var(tn.tensor([1.0]), requires_grad=True)
    x.register_hook(lambda g: g * 10)
    x.requires_grad_(False).requires_grad_()
    (x * 2).sum().backward()
    assert numbers(x.grad) == [20]


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), tn.move])
def test_copies_and_moves_take_it_along(twin: Any) -> None:
    y = twin(frozen())
    assert not y.requires_grad
    assert numbers(y.grad) == [3, 3]
    assert numbers(y.requires_grad_().grad) == [3, 3]


def test_loans_show_it() -> None:
    x = frozen()
    with x.borrow() as lent:
        assert numbers(lent.grad) == [3, 3]

    @tn.checked
    def double(p: tn.Mut[tn.Tensor]) -> None:
        p.grad.mul_(2.0)

    double(x)
    assert numbers(x.grad) == [6, 6]


def test_freezing_twice_changes_nothing() -> None:
    assert numbers(frozen().requires_grad_(False).grad) == [3, 3]


def test_a_module() -> None:
    net = nn.Linear(2, 1)
    net(tn.ones(3, 2)).sum().backward()
    before = [p.grad.numpy().copy() for p in net.parameters()]
    net.requires_grad_(False)
    assert all(np.array_equal(p.grad.numpy(), g) for p, g in zip(net.parameters(), before, strict=True))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    optimizer.zero_grad()
    assert all(p.grad is None for p in net.parameters())
