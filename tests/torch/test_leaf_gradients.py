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
