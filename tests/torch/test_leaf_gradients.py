"""Gradients of leaves that are roots, have left the graph, or have gradients that require grad, beside PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

import tenure.torch as face

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph")]


def a_root(m: Any, w: Any) -> None:
    w.register_hook(lambda g: g * 2)
    w.backward(m.ones(2))
    w.backward(m.ones(2))


def detached_in_place(m: Any, w: Any) -> None:
    y = w * 1
    w.sum().backward()
    w.detach_()
    (y * y).sum().backward()


def frozen(m: Any, w: Any) -> None:
    y = w * 1
    w.sum().backward()
    w.requires_grad_(False)
    (y * y).sum().backward()


def frozen_and_back(m: Any, w: Any) -> None:
    y = w * w
    w.sum().backward()
    w.detach_()
    y.sum().backward(retain_graph=True)
    w.requires_grad_()
    y.sum().backward()


def a_gradient_that_is_a_leaf(m: Any, w: Any) -> None:
    w.sum().backward()
    w.grad.requires_grad_()
    (w * w).sum().backward()


@pytest.mark.parametrize("asked", [a_root, detached_in_place, frozen, frozen_and_back, a_gradient_that_is_a_leaf])
def test_a_leaf_has_pytorchs_gradient(asked: Any) -> None:
    said: list[Any] = []
    for m in (torch, face):
        w = m.tensor([2.0, -3.0], requires_grad=True)
        asked(m, w)
        said.append((w.grad.tolist(), w.grad.requires_grad, w.grad.is_leaf, w.requires_grad))
    assert said[1] == said[0]


@pytest.mark.parametrize("is_leaf", [False, True])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_with_a_graph_is_another_tensor_than_before(create_graph: bool, is_leaf: bool) -> None:
    said: list[Any] = []
    for m in (torch, face):
        w = m.tensor([2.0, -3.0], requires_grad=True)
        (w * w).sum().backward()
        g = w.grad.requires_grad_(is_leaf)
        (w * w * w).sum().backward(create_graph=create_graph)
        said.append((g.tolist(), w.grad.tolist(), g is w.grad))
    assert said[1] == said[0]


OF_ONE: list[Any] = [
    lambda m, w: (w * 2).sum(), lambda m, w: (w * m.tensor([1.0, 2.0])).sum(), lambda m, w: (w * w).sum(),
    lambda m, w: w.mean(), lambda m, w: w.relu().sum(), lambda m, w: w[0] * w[1], lambda m, w: (w / 2).sum(),
    lambda m, w: w.reshape(1, 2) @ m.tensor([1.0, 2.0]), lambda m, w: w.sum() ** 2, lambda m, w: w.cumsum(0).sum(),
    lambda m, w: w.exp().sum(),
]  # fmt: skip


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("f", OF_ONE)
def test_a_gradient_requires_grad_if_it_depends_on_something(f: Any, read: bool) -> None:
    said: list[Any] = []
    for m in (torch, face):
        w = m.tensor([2.0, 3.0], requires_grad=True)
        y = f(m, w)
        if read:
            y.tolist()
        (g,) = m.autograd.grad(y, [w], m.ones_like(y), create_graph=True)
        said.append((g.requires_grad, g.is_leaf, g.grad_fn is None, g.tolist()))
        if not g.requires_grad:
            with pytest.raises(RuntimeError, match="does not require grad"):
                g.sum().backward()
    assert said[1] == said[0]


def test_a_second_derivative_of_a_square_is_a_constant() -> None:
    said = []
    for m in (torch, face):
        w = m.tensor([2.0, 3.0], requires_grad=True)
        (g,) = m.autograd.grad((w * w).sum(), [w], create_graph=True)
        (h,) = m.autograd.grad(g.sum(), [w], create_graph=True)
        said.append((repr(h), h.requires_grad))
    assert said[1] == said[0]
