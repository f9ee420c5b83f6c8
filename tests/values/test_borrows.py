"""Borrows: windows through which a place is written, which go stale when somebody else writes what they show."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn


def line(offset: int = 0) -> int:
    """The number of the calling line."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno + offset


def place(*numbers: float) -> Any:
    """A place with these numbers."""
    return tn.tensor(list(numbers)).mut()


def test_a_stale_write_names_both_lines() -> None:
    v = place(1.0, 2.0)
    old = v.data
    v[0] = 5.0
    written = line(-1)
    with pytest.raises(tn.StaleBorrowError, match="TN597") as caught:
        old.zero_()
    at = line(-1)
    assert caught.value.at is not None and caught.value.at.line == at
    ((_, other),) = caught.value.notes
    assert other is not None and other.line == written
    assert f"\n{written} |     v[0] = 5.0\n" in str(caught.value)
    assert (v.tolist(), old.tolist()) == ([5.0, 2.0], [1.0, 2.0])


STALE_WRITES: list[Callable[[Any], Any]] = [
    lambda b: b.__setitem__(0, 1.0),
    lambda b: b.__iadd__(1),
    lambda b: b.mul_(2),
    lambda b: b.zero_(),
    lambda b: b.copy_(tn.ones(2)),
    lambda b: setattr(b, "data", tn.ones(2)),
    lambda b: b.data.fill_(3),
    lambda b: b[0].fill_(3),
    lambda b: b[:].zero_(),
]


@pytest.mark.parametrize("write", STALE_WRITES)
def test_every_write_through_a_stale_borrow_is_refused(write: Callable[[Any], Any]) -> None:
    v = place(1.0, 2.0)
    old = v.data
    v += 1
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        write(old)
    assert (v.tolist(), old.tolist()) == ([2.0, 3.0], [1.0, 2.0])


def test_reading_a_stale_borrow_is_a_snapshot() -> None:
    v = place(1.0, 2.0)
    old = v.data
    part = old[1]
    v.zero_()
    assert (old + 0).tolist() == old.tolist() == [1.0, 2.0]
    assert (part.item(), old[1].item()) == (2.0, 2.0)


def test_a_borrow_is_renewed_by_its_own_write() -> None:
    v = place(1.0, 2.0)
    b = v.data
    for k in range(3):
        b += 1
        assert b.tolist() == v.tolist() == [2.0 + k, 3.0 + k]
    b[0] = 9.0
    b.mul_(2)
    assert b.tolist() == v.tolist() == [18.0, 10.0]


def test_the_newer_of_two_borrows_does_not_refresh_the_older() -> None:
    v = place(1.0, 2.0)
    first, second = v.data, v.data
    second.zero_()
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        first.zero_()
    second.fill_(4)
    assert (first.tolist(), second.tolist(), v.tolist()) == ([1.0, 2.0], [4.0, 4.0], [4.0, 4.0])


DISJOINT: list[tuple[Any, Any]] = [
    (0, 1),
    (slice(0, 2), slice(2, 4)),
    (slice(0, None, 2), slice(1, None, 2)),
    (slice(None, None, 3), slice(1, None, 3)),
    (0, slice(1, None)),
    (-1, slice(0, 3)),
    (slice(3, 1, -1), slice(0, 2)),
    (slice(0, 0), slice(None)),
]
OVERLAPPING: list[tuple[Any, Any]] = [
    (0, 0),
    (0, slice(None)),
    (slice(0, 3), slice(2, 4)),
    (slice(0, None, 2), 2),
    (slice(0, None, 2), slice(0, None, 3)),
    (slice(None, None, -1), 1),
    (Ellipsis, -1),
    (None, 3),
]


@pytest.mark.parametrize(("one", "other"), DISJOINT)
def test_disjoint_parts_stay_valid(one: Any, other: Any) -> None:
    v = tn.zeros(4).mut()
    a, b = v.data[one], v.data[other]
    for k in (1.0, 2.0):
        a.fill_(k)
        b.fill_(10 * k)
    whole = tn.zeros(4).mut()
    whole[one] = 2.0
    whole[other] = 20.0
    assert v.tolist() == whole.tolist()


@pytest.mark.parametrize(("one", "other"), OVERLAPPING)
def test_overlapping_parts_go_stale(one: Any, other: Any) -> None:
    for first, second in ((one, other), (other, one)):
        v = tn.zeros(4).mut()
        a, b = v.data[first], v.data[second]
        a.fill_(1)
        with pytest.raises(tn.StaleBorrowError, match="TN597"):
            b.fill_(2)
        assert b.sum().item() == 0.0


@pytest.mark.parametrize(("one", "other"), DISJOINT)
def test_parts_of_one_axis_are_parts_of_two(one: Any, other: Any) -> None:
    v = tn.zeros(3, 4).mut()
    a, b, c = v.data[:, one], v.data[:, other], v.data[1]
    a.fill_(1)
    b.fill_(2)
    if v.sum().item():
        with pytest.raises(tn.StaleBorrowError, match="TN597"):
            c.fill_(3)


def test_a_direct_write_of_a_part_leaves_disjoint_borrows_alone() -> None:
    v = tn.zeros(4).mut()
    low, high = v.data[:2], v.data[2:]
    v[0] = 1.0
    high.fill_(5)
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        low.fill_(6)
    assert v.tolist() == [1.0, 0.0, 5.0, 5.0]


def test_a_part_renews_those_it_was_taken_from() -> None:
    v = tn.zeros(2, 3).mut()
    whole = v.data
    row = whole[0]
    row[1].fill_(7)
    assert whole.tolist() == v.tolist() == [[0, 7, 0], [0, 0, 0]]
    assert row.tolist() == [0, 7, 0]
    row += 1
    whole += 1
    assert v.tolist() == [[2, 9, 2], [1, 1, 1]]
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        row.zero_()


def test_assigning_a_place_its_own_current_borrow_does_nothing() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    other = w.data
    w.data -= 1
    mine = w.data
    w.data = mine
    mine.mul_(2)
    assert w.tolist() == [0.0, 2.0]
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        other.zero_()


def test_assigning_a_stale_borrow_writes_what_it_reads() -> None:
    v = place(1.0, 2.0)
    old = v.data
    v.zero_()
    v.data = old
    assert v.tolist() == [1.0, 2.0]


def test_borrow_mut_without_with_is_a_write_through_borrow() -> None:
    v = place(1.0, 2.0)
    b = v.borrow_mut()
    b[0] = 4.0
    assert v.tolist() == [4.0, 2.0]


def test_data_of_a_borrow_is_itself() -> None:
    v = place(1.0, 2.0)
    b = v.data
    assert b.data is b
    b.data -= 1
    assert v.tolist() == [0.0, 1.0]


def test_the_gradient_of_another_backward_makes_a_kept_borrow_stale() -> None:
    w = tn.tensor([1.0], requires_grad=True)
    (w * 2).backward()
    kept = w.grad
    (w * 3).backward()
    with pytest.raises(tn.StaleBorrowError, match="TN597") as caught:
        kept.zero_()
    ((_, other),) = caught.value.notes
    assert other is not None and other.line == line(-4)
    w.grad.zero_()
    assert (kept.tolist(), w.grad.tolist()) == ([2.0], [0.0])


def test_dropping_a_gradient_makes_its_borrow_stale() -> None:
    w = tn.tensor([1.0], requires_grad=True)
    (w * 2).backward()
    kept = w.grad
    w.grad = None
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        kept.mul_(2)
    assert kept.tolist() == [2.0]


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))])
def test_a_copy_of_a_borrow_keeps_what_it_reads(twin: Callable[[Any], Any]) -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    best = twin(w.data)
    w.data.zero_()
    assert best.tolist() == [1.0, 2.0]


def test_many_dead_borrows_cost_nothing() -> None:
    v = tn.zeros(2).mut()
    alive = v.data
    for _ in range(1000):
        _ = v.data
    assert len(v._borrows) < 200
    alive.fill_(1)
    assert v.tolist() == [1.0, 1.0]


def test_a_write_through_data_is_a_constant_where_it_was_written() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    assert not w.data.requires_grad and not (w.data * 2).requires_grad
    u = (w * 2).mut()
    assert u.requires_grad and not u.data.requires_grad
    for write in (lambda: u.data.__setitem__(0, 9.0), lambda: u.data[0].fill_(8.0)):
        w.grad = None
        write()
        (w * u).sum().backward(retain_graph=True)
        assert w.grad.tolist() == [u[0].item(), 4.0 + 4.0]
    u.data -= 1
    w.grad = None
    (w * u).sum().backward()
    assert w.grad.tolist() == u.tolist() == [7.0, 3.0]


def test_a_write_of_a_part_through_data_leaves_disjoint_borrows_alone() -> None:
    v = tn.zeros(4).mut()
    high, low = v.data[2:], v.data[:2]
    v.data[0] = 1.0
    high.fill_(5)
    high[0] = 6.0
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        low.fill_(7)
    assert v.tolist() == [1.0, 0.0, 6.0, 5.0]
