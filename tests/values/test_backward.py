"""backward(): what it accumulates, what it consumes, and that reading makes no difference."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn


def leaf(*numbers: float) -> Any:
    """A differentiation leaf."""
    return tn.tensor(list(numbers), requires_grad=True)


def line(offset: int = 0) -> int:
    """The number of the calling line."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno + offset


READS: list[Callable[[Any], Any]] = [
    lambda x: None,
    lambda x: x.sum().item(),
    lambda x: repr(x),
    lambda x: x.detach().numpy(),
    lambda x: x.tolist(),
    lambda x: (x * 2).sum().item(),
    lambda x: bool((x > 0).any()),
    lambda x: tn.ones(1).item(),
]


@pytest.fixture(params=range(len(READS)))
def read(request: Any) -> Callable[[Any], Any]:
    """A way of reading, or none: the laws below hold with each."""
    return READS[request.param]


def test_gradients_accumulate(read: Any) -> None:
    w = leaf(1.0, 2.0)
    for k in (1, 2, 3):
        loss = (w * w).sum()
        read(loss)
        loss.backward()
        read(w.grad)
        assert w.grad.tolist() == [2.0 * k, 4.0 * k]


def test_the_first_time_and_later_times_agree(read: Any) -> None:
    seen = []
    for _ in range(4):
        w = leaf(1.0, 2.0)
        hidden = (w * 3).tanh()
        read(hidden)
        loss = (hidden * hidden * w).sum()
        read(loss)
        loss.backward()
        seen.append(w.grad.tolist())
    assert seen == [seen[0]] * 4


def test_a_leaf_that_is_not_reached_keeps_none(read: Any) -> None:
    w, v = leaf(1.0), leaf(2.0)
    unused = v * 3
    loss = w * v.detach()
    read(unused)
    read(loss)
    loss.backward()
    assert (w.grad.tolist(), v.grad) == ([2.0], None)


def test_a_wholly_overwritten_base_gets_zeros(read: Any) -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0)
    u = (w * 2).mut()
    read(u)
    u[:] = v
    read(u)
    u.sum().backward()
    assert (w.grad.tolist(), v.grad.tolist()) == ([0.0, 0.0], [2.0])


def test_an_empty_selection_gets_zeros(read: Any) -> None:
    w = leaf(1.0, 2.0)
    part = w[2:]
    read(part)
    part.sum().backward()
    assert w.grad.tolist() == [0.0, 0.0]


def test_a_factor_of_zero_still_reaches() -> None:
    w = leaf(1.0)
    (w * 0).backward()
    assert w.grad.tolist() == [0.0]


def test_a_root_that_is_no_scalar(read: Any) -> None:
    w = leaf(1.0, 2.0)
    y = w * w
    read(y)
    y.backward(tn.tensor([1.0, 10.0]))
    assert w.grad.tolist() == [2.0, 40.0]
    y = w * 3
    read(y)
    y.backward(gradient=tn.ones(2))
    assert w.grad.tolist() == [5.0, 43.0]
    with pytest.raises(tn.GradientError, match="TN804"):
        (w * w).backward()
    leaf(1.0)[0:1].backward()


def test_the_leaf_itself_as_root() -> None:
    w = leaf(4.0)
    w.backward()
    w.backward(tn.tensor([2.0]))
    assert w.grad.tolist() == [3.0]


def test_retain_graph(read: Any) -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    read(loss)
    for k in (1, 2):
        loss.backward(retain_graph=True)
        read(w)
        assert w.grad.tolist() == [2.0 * k, 4.0 * k]
    loss.backward()
    read(w)
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        loss.backward()
    assert w.grad.tolist() == [6.0, 12.0]


def test_a_second_backward_names_both_lines(read: Any) -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    read(loss)
    loss.backward()
    first = line(-1)
    read(loss)
    with pytest.raises(tn.UseAfterMove, match="TN382") as caught:
        loss.backward()
    second = line(-1)
    assert caught.value.at is not None and caught.value.at.line == second
    ((_, other),) = caught.value.notes
    assert other is not None and other.line == first
    assert "retain_graph=True" in str(caught.value) and ".detach()" in str(caught.value)
    assert (w.grad.tolist(), loss.item(), loss.detach().item()) == ([2.0, 4.0], 5.0, 5.0)


def test_a_loop_carried_value_without_detach(read: Any) -> None:
    w, h = leaf(0.5, 0.25), tn.ones(2)
    lines = []
    with pytest.raises(tn.UseAfterMove, match="TN382") as caught:
        for _ in range(2):
            h = (h * w).tanh()
            loss = h.sum()
            read(loss)
            lines.append(line(1))
            loss.backward()
    assert caught.value.at is not None and caught.value.at.line == lines[0]
    ((_, other),) = caught.value.notes
    assert other is not None and other.line == lines[0]


def test_a_loop_carried_value_with_detach(read: Any) -> None:
    w, h = tn.tensor(0.5, requires_grad=True, dtype=tn.float64), tn.tensor(1.0, dtype=tn.float64)
    for _ in range(4):
        w.grad = None
        before = h.item() if read is not READS[0] else None
        h = h.detach() * w
        loss = h * h
        read(loss)
        loss.backward()
        assert before is None or w.grad.item() == 2 * before * before * 0.5
    assert (h.item(), w.grad.item()) == (0.5**4, 2 * 0.5**6 * 0.5)


SHARED = [
    lambda a, b, read: read(a),
    lambda a, b, read: read(b),
    lambda a, b, read: (read(a), read(b)),
]


@pytest.mark.parametrize("look", SHARED)
@pytest.mark.parametrize("late", [False, True])
def test_two_losses_that_share_a_subgraph(read: Any, look: Any, late: bool) -> None:
    for retain in (True, False):
        w = leaf(1.0, 2.0)
        shared = w * w
        first, second = shared.sum(), (shared * shared).sum()
        if not late:
            look(first, second, read)
        first.backward(retain_graph=retain)
        if late:
            look(first, second, read)
        if retain:
            second.backward()
            assert w.grad.tolist() == [2.0 + 4.0, 4.0 + 32.0]
        else:
            with pytest.raises(tn.UseAfterMove, match="TN382"):
                second.backward()
            assert w.grad.tolist() == [2.0, 4.0]


def test_two_losses_that_share_only_leaves(read: Any) -> None:
    w = leaf(1.0, 2.0)
    first, second = (w * w).sum(), (w * 3).sum()
    read(first)
    first.backward()
    read(second)
    second.backward()
    assert w.grad.tolist() == [5.0, 7.0]


def test_what_is_computed_from_a_consumed_value(read: Any) -> None:
    w = leaf(1.0, 2.0)
    pred = w * w
    pred.sum().backward()
    read(pred)
    later = (pred * 2).sum()
    read(later)
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        later.backward()
    assert (later.item(), w.grad.tolist()) == (10.0, [2.0, 4.0])
    w.grad = None
    (pred.detach() * w).sum().backward()
    assert w.grad.tolist() == [1.0, 4.0]


def test_a_refused_backward_changes_nothing(read: Any) -> None:
    w, v = leaf(1.0), leaf(1.0)
    spent = w * w
    spent.backward()
    read(spent)
    mixed = spent * v + v * 5
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        mixed.backward()
    assert (w.grad.tolist(), v.grad) == ([2.0], None)
    (v * 5).backward()
    assert v.grad.tolist() == [5.0]


def test_detach(read: Any) -> None:
    w = leaf(3.0)
    y = w * w
    d = y.detach()
    read(d)
    assert not d.requires_grad and d.grad_fn is None
    (d * w).backward()
    assert w.grad.tolist() == [9.0]
    y.backward()
    assert w.grad.tolist() == [15.0]


def test_a_gradient_through_writes(read: Any) -> None:
    w = leaf(1.0, 2.0, 3.0)
    u = tn.zeros(5).mut()
    u[1:4] = w * w
    read(u)
    u[0] = u[1] * 10
    u[4] = w[2]
    read(u)
    u[1] = 7.0
    u *= 2
    u.sum().backward()
    assert w.grad.tolist() == [2 * 10 * 2.0, 2 * 4.0, 2 * (6.0 + 1.0)]


def test_grad_of_a_value_that_keeps_none() -> None:
    w = leaf(1.0)
    y = w * 2
    assert y.grad is None
    y.backward()
    assert y.grad is None


def test_a_batch_of_cotangents_gives_a_gradient_for_each() -> None:
    x = tn.tensor([1.0, 2.0, 3.0], requires_grad=True)
    unused = tn.ones(2, requires_grad=True)
    y = x * x * x
    rows = tn.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    found, none = tn.autograd.grad(y, [x, unused], rows, is_grads_batched=True, allow_unused=True)
    assert none is None
    assert np.array_equal(found.numpy(), rows.numpy() * 3 * np.array([1.0, 4.0, 9.0]))
    with pytest.raises(tn.UseAfterMove):
        y.sum().backward()
    with pytest.raises(tn.ShapeError, match="which is not 0"):
        tn.autograd.grad(x * x, x, tn.ones(0, 3), is_grads_batched=True)
    with pytest.raises(tn.ShapeError, match="of one size"):
        tn.autograd.grad(x.sum(), x, tn.tensor(1.0), is_grads_batched=True)


@pytest.mark.parametrize("count", [61, 62, 63, 65, 129, 300])
def test_one_operation_on_many_operands(count: int) -> None:
    """The flags of its operands no longer fit one word of the native walk."""
    w = tn.ones(3, requires_grad=True)
    for last in (1.0, 0.0):
        parts = [w * float(k) for k in range(count - 1)] + [w * last if last else tn.zeros(3)]
        for joined in (tn.stack(parts), tn.concat(parts)):
            (joined * joined).sum().backward()
    squares = sum(k * k for k in range(count - 1))
    assert w.grad is not None
    assert np.allclose(w.grad.numpy(), 4 * (2 * squares + 1), rtol=1e-3)
