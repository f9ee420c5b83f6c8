"""Hooks see a gradient once per backward, at the line of that backward, and may replace it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn


def leaf(*numbers: float) -> Any:
    """A differentiation leaf."""
    return tn.tensor(list(numbers), requires_grad=True)


@pytest.fixture(params=[False, True], ids=["unread", "read first"])
def read(request: Any) -> Callable[[Any], Any]:
    """Whether results are read before the backward."""
    return (lambda x: x.tolist()) if request.param else (lambda x: None)


def test_hooks_of_a_leaf_run_in_order_and_replace(read: Any) -> None:
    w, seen = leaf(1.0, 2.0), []
    w.register_hook(lambda g: seen.append(("first", g.tolist())))
    w.register_hook(lambda g: g * 10)
    w.register_hook(lambda g: seen.append(("last", g.tolist())))
    for _ in range(2):
        loss = (w * w).sum()
        read(loss)
        loss.backward()
    assert seen == [("first", [2.0, 4.0]), ("last", [20.0, 40.0])] * 2
    assert w.grad.tolist() == [40.0, 80.0]


def test_hooks_of_a_result_run_in_order_and_replace(read: Any) -> None:
    for _ in range(3):
        w, seen = leaf(1.0, 2.0), []
        y = w * 3
        read(y)
        y.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        y.register_hook(lambda g: g * 2)
        y.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        loss = (y * y).sum()
        read(loss)
        loss.backward()
        assert seen == [[6.0, 12.0], [12.0, 24.0]]
        assert w.grad.tolist() == [36.0, 72.0]


def test_a_removed_hook_is_silent(read: Any) -> None:
    w, seen = leaf(1.0), []
    handle = w.register_hook(lambda g: seen.append(1))
    y = w * 2
    other = y.register_hook(lambda g: seen.append(2))
    read(y)
    handle.remove()
    handle.remove()
    with other:
        pass
    y.backward()
    assert (seen, w.grad.tolist()) == ([], [2.0])


def test_a_hook_sees_the_whole_gradient_once(read: Any) -> None:
    w, seen = leaf(1.0), []
    y = w * 2
    y.register_hook(lambda g: seen.append(g.item()))
    w.register_hook(lambda g: seen.append(g.item()))
    loss = (y * 3 + y * 4 + w * 5).sum()
    read(loss)
    loss.backward()
    assert seen == [7.0, 19.0]


def test_once_per_backward(read: Any) -> None:
    w, seen = leaf(1.0), []
    y = w * 2
    y.register_hook(lambda g: seen.append(g.item()))
    loss = (y * y).sum()
    read(loss)
    loss.backward(retain_graph=True)
    assert seen == [4.0]
    loss.backward()
    assert seen == [4.0, 4.0]
    assert w.grad.tolist() == [16.0]
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        loss.backward()
    assert seen == [4.0, 4.0]


def test_a_hook_is_not_called_where_no_gradient_passes(read: Any) -> None:
    w, v, seen = leaf(1.0), leaf(1.0), []
    w.register_hook(lambda g: seen.append("w"))
    y = w * 2
    y.register_hook(lambda g: seen.append("y"))
    read(y)
    (v * 2).backward()
    (y.detach() * v).backward()
    assert seen == []


def test_hooks_along_a_chain_go_from_the_root_down(read: Any) -> None:
    w, seen = leaf(2.0), []
    a = w * 2
    b = a * 3
    c = b * 4
    for name, x in (("w", w), ("a", a), ("b", b), ("c", c)):
        x.register_hook(lambda g, name=name: seen.append((name, g.item())))
    read(c)
    c.sum().backward()
    assert seen == [("c", 1.0), ("b", 4.0), ("a", 12.0), ("w", 24.0)]


def test_a_hook_that_reads_values() -> None:
    w, seen = leaf(1.0, 2.0), []
    y = w * w
    y.register_hook(lambda g: seen.append((y.tolist(), g.tolist(), (g * y).sum().item(), repr(w))))
    y.sum().backward()
    assert seen == [([1.0, 4.0], [1.0, 1.0], 5.0, "tensor([1., 2.], requires_grad=True)")]
    assert w.grad.tolist() == [2.0, 4.0]


def test_a_hook_that_raises_leaves_everything_usable(read: Any) -> None:
    w = leaf(1.0, 2.0)
    y = w * w

    def fail(g: Any) -> None:
        raise ValueError("no")

    handle = y.register_hook(fail)
    loss = y.sum()
    read(loss)
    with pytest.raises(ValueError, match="no"):
        loss.backward(retain_graph=True)
    assert w.grad is None
    handle.remove()
    loss.backward()
    assert w.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("result", [lambda g: g.sum(), lambda g: g.to(tn.float64), lambda g: 3.0])
def test_what_a_hook_may_not_return(result: Callable[[Any], Any]) -> None:
    w = leaf(1.0, 2.0)
    w.register_hook(result)
    with pytest.raises((tn.ShapeError, tn.DTypeError), match="TN802"):
        (w * w).sum().backward()
    assert w.grad is None


def test_a_hook_needs_a_gradient() -> None:
    with pytest.raises(tn.GradientError, match="TN804"):
        tn.ones(2).register_hook(lambda g: None)


def test_clipping_in_a_hook_by_a_number_that_was_read(read: Any) -> None:
    w = leaf(3.0, 4.0)
    w.register_hook(lambda g: g / (g * g).sum().item() ** 0.5)
    loss = (w * w).sum()
    read(loss)
    loss.backward()
    assert w.grad.tolist() == pytest.approx([0.6, 0.8])


def test_retain_grad(read: Any) -> None:
    w = leaf(1.0, 2.0)
    y = w * 3
    read(y)
    y.retain_grad()
    y.retain_grad()
    w.retain_grad()
    assert y.grad is None
    loss = (y * y).sum()
    read(loss)
    loss.backward()
    assert (y.grad.tolist(), w.grad.tolist()) == ([6.0, 12.0], [18.0, 36.0])


def test_retain_grad_after_hooks_and_over_backwards(read: Any) -> None:
    w = leaf(1.0)
    y = w * 3
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    read(y)
    for k in (1, 2):
        (y * 5).backward(retain_graph=True)
        assert (y.grad.tolist(), w.grad.tolist()) == ([10.0 * k], [30.0 * k])


def test_hooks_of_a_place(read: Any) -> None:
    w, seen = leaf(1.0, 2.0), []
    u = (w * 2).mut()
    u.register_hook(lambda g: seen.append(g.tolist()))
    read(u)
    loss = (u * u).sum()
    loss.backward()
    assert (seen, w.grad.tolist()) == ([[4.0, 8.0]], [8.0, 16.0])
