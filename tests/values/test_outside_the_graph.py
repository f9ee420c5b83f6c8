"""Writes outside the graph (``no_grad``, ``.data``): what is written is a constant, the rest keeps its gradient."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import tenure as tn

X = np.arange(1.0, 7.0).reshape(2, 3)
ONES = np.ones((2, 3))


def ints(*values: int) -> Any:
    return tn.tensor(list(values))


def ones(*shape: int) -> Any:
    return tn.ones(*shape, dtype=tn.float64)


def put(key: Any, v: Any) -> Callable[[Any], None]:
    def write(place: Any) -> None:
        place[key] = v(place) if callable(v) else v

    return write


def exclusively(write: Callable[[Any], None]) -> Callable[[Any], None]:
    def within(place: Any) -> None:
        with place.borrow_mut() as m:
            write(m)

    return within


ALL, NONE = [[0, 0, 0], [0, 0, 0]], [[1, 1, 1], [1, 1, 1]]
TOP, BOTTOM = [[0, 0, 0], [1, 1, 1]], [[1, 1, 1], [0, 0, 0]]
LEFT = [[0, 1, 1], [0, 1, 1]]

PLACES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "element": (put((0, 0), 5.0), [[0, 1, 1], [1, 1, 1]]),
    "row": (put(0, 5.0), TOP),
    "last row": (put(-1, lambda v: ones(3)), BOTTOM),
    "columns": (put((slice(None), slice(1, None)), 2.0), [[1, 0, 0], [1, 0, 0]]),
    "every other, backwards": (put((slice(None), slice(None, None, -2)), 5.0), [[0, 1, 0], [0, 1, 0]]),
    "nothing": (put(slice(0, 0), 5.0), NONE),
    "mask": (put(X > 3, 0.0), BOTTOM),
    "mask of its own": (lambda v: put(v > 10, 0.0)(v), BOTTOM),
    "index arrays": (put(([1, 0], [0, 2]), 0.0), [[1, 1, 0], [0, 1, 1]]),
    "index tensor": (put(ints(0), 0.0), TOP),
    "twice the same": (put(([0, 0], [1, 1]), tn.tensor([1.0, 2.0], dtype=tn.float64)), [[1, 0, 1], [1, 1, 1]]),
    "all, by a slice": (put(slice(None), 0.0), ALL),
    "all, by ...": (put(..., 0.0), ALL),
    "zero_": (lambda v: v.zero_(), ALL),
    "fill_": (lambda v: v.fill_(2.0), ALL),
    "copy_": (lambda v: v.copy_(ones(2, 3)), ALL),
    "mul_": (lambda v: v.mul_(2), ALL),
    "row of its own": (put(0, lambda v: v[0] * 2), TOP),
    "masked_fill_": (lambda v: v.masked_fill_(v > 10, 0.0), BOTTOM),
    "index_fill_": (lambda v: v.index_fill_(1, ints(0), 0.0), LEFT),
    "index_add_": (lambda v: v.index_add_(dim=1, index=ints(0), source=ones(2, 1), alpha=2), LEFT),
    "index_copy_": (lambda v: v.index_copy_(1, ints(0), ones(2, 1)), LEFT),
    "scatter_": (lambda v: v.scatter_(1, tn.tensor([[0], [2]]), 7.0), [[0, 1, 1], [1, 1, 0]]),
    "scatter_add_": (lambda v: v.scatter_add_(1, tn.tensor([[0], [2]]), ones(2, 1)), [[0, 1, 1], [1, 1, 0]]),
    "one after the other": (lambda v: [put((0, k), 1.0)(v) for k in range(2)], [[0, 0, 1], [1, 1, 1]]),
    "part of its own": (lambda v: v.split_at_mut(1)[0].zero_(), TOP),
    "part, put together inside": (lambda v: (put((0, 1), 2.0)(v.split_at_mut(1)[0]), v.sum()), TOP),
}
"""Writes under ``no_grad``, with 1 for the elements that keep their gradient."""

BORROWED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "element": (lambda v: put((0, 0), 5.0)(v.data), [[0, 1, 1], [1, 1, 1]]),
    "mask": (lambda v: put(X > 3, 0.0)(v.data), BOTTOM),
    "part": (lambda v: v.data[0][1:].zero_(), [[1, 0, 0], [1, 1, 1]]),
    "part times 2": (lambda v: v.data[1:].mul_(2), BOTTOM),
    "mask of a part": (lambda v: put(np.array([[True, False, True]]), 0.0)(v.data[1:]), [[1, 1, 1], [0, 1, 0]]),
    "index of a part": (lambda v: put((slice(None), [0]), 1.0)(v.data[:, 1:]), [[1, 0, 1], [1, 0, 1]]),
    "index of a part that is all": (lambda v: put(([0], [0]), 1.0)(v.data[0:2]), [[0, 1, 1], [1, 1, 1]]),
    "masked_fill_": (lambda v: v.data.masked_fill_(v > 10, 0.0), BOTTOM),
    "masked_fill_ of a part": (lambda v: v.data[1:].masked_fill_(v[1:] > 13, 0.0), [[1, 1, 1], [1, 0, 0]]),
    "index_add_ of a part": (lambda v: v.data[1].index_add_(0, ints(0), ones(1)), [[1, 1, 1], [0, 1, 1]]),
    "all": (lambda v: v.data.zero_(), ALL),
    "exclusively": (exclusively(put((0, 1), 2.0)), [[1, 0, 1], [1, 1, 1]]),
    "exclusively, by index": (exclusively(lambda m: put(([0], [0]), 2.0)(m[:, 1:])), [[1, 0, 1], [1, 1, 1]]),
}
"""Writes through a borrow, in any mode."""

CASES = [(f"no_grad: {n}", w, k, tn.no_grad) for n, (w, k) in PLACES.items()]
CASES += [(f"no_grad, borrowed: {n}", w, k, tn.no_grad) for n, (w, k) in BORROWED.items()]
CASES += [(f"borrowed: {n}", w, k, nullcontext) for n, (w, k) in BORROWED.items()]


@pytest.mark.parametrize("how", ["recorded", "after a run", "in a transform"])
@pytest.mark.parametrize(("write", "keeps", "mode"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_written_is_a_constant(write: Any, keeps: Any, mode: Any, how: str) -> None:
    expected = (tn.tensor(X) * 3).mut()
    write(expected)

    def f(p: Any) -> Any:
        v = (p * 3).mut()
        if how == "after a run":
            v.detach().numpy()
        with mode():
            write(v)
        np.testing.assert_array_equal(v.detach().numpy(), expected.numpy())
        return v.sum() + p.sum()

    p = tn.tensor(X, requires_grad=True)
    if how == "in a transform":
        gradient = tn.grad(f)(tn.tensor(X))
    else:
        f(p).backward()
        gradient = p.grad
    np.testing.assert_array_equal(gradient.numpy(), 1 + 3 * np.array(keeps))


VALUES: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "row": (lambda v, q: put(0, q[0] * 2)(v), TOP),
    "a value from outside": (lambda v, q: put(0, q)(v), TOP),
    "copy_": (lambda v, q: v.copy_(q), ALL),
    "...": (lambda v, q: put(..., q)(v), ALL),
    "mask": (lambda v, q: put(X > 3, q[0])(v), BOTTOM),
    "masked_fill_": (lambda v, q: v.masked_fill_(v > 10, q[0]), BOTTOM),
    "index_copy_": (lambda v, q: v.index_copy_(0, ints(0), q.reshape(1, 3)), TOP),
    "set_": (lambda v, q: v.set_(tn.stack([q, q])), ALL),
}


@pytest.mark.parametrize(("write", "keeps"), VALUES.values(), ids=VALUES)
def test_what_is_written_brings_no_gradient(write: Any, keeps: Any) -> None:
    p, q = tn.tensor(X, requires_grad=True), tn.tensor([1.0, 2.0, 3.0], dtype=tn.float64, requires_grad=True)
    v, u = (p * 3).mut(), tn.zeros(2, 3, dtype=tn.float64).mut()
    with tn.no_grad():
        write(v, q)
        write(u, q)
    assert not u.requires_grad
    (v.sum() + p.sum()).backward()
    np.testing.assert_array_equal(p.grad.numpy(), 1 + 3 * np.array(keeps))
    assert q.grad is None


def test_modes_within_modes_and_writes_in_the_graph_afterwards() -> None:
    p, q = tn.tensor([1.0, 2.0, 3.0], requires_grad=True), tn.tensor(5.0, requires_grad=True)
    v = (p * 3).mut()
    with tn.no_grad():
        v[0] = 7.0
        with tn.enable_grad():
            v[1] = q * 2
        v[2] = v[1] + 1
    v[0] = v[0] + q * q
    assert v.tolist() == [32.0, 10.0, 11.0]
    v.sum().backward()
    assert p.grad.tolist() == [0.0, 0.0, 0.0]
    assert q.grad.item() == 12.0


@tn.no_grad()
def reset(state: Any, k: int) -> None:
    state[k] = 0.0


def test_a_state_that_is_reset_in_part_at_every_step() -> None:
    w = tn.tensor(2.0, requires_grad=True)
    state = tn.ones(3).mut()
    for k in range(3):
        state *= w
        reset(state, k)
        state += w
    # 0 is reset before two products, 1 before one, 2 before none; w is added at each step
    assert state.tolist() == [14.0, 6.0, 2.0]
    state.sum().backward()
    assert w.grad.item() == (1 + 2 * 2 + 3 * 4) + (1 + 2 * 2) + 1


def test_a_leaf_is_updated_as_before() -> None:
    p = tn.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with tn.no_grad():
        p[0] = 5.0
        p.masked_fill_(p > 4, 6.0)
    p.data[1:][tn.tensor([True, False])] = 4.0
    (p * p).sum().backward()
    assert p.is_leaf and p.tolist() == [6.0, 4.0, 3.0]
    assert p.grad.tolist() == [12.0, 8.0, 6.0]
