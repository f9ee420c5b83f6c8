"""What fails leaves everything else as it was, and says which line it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn


def line(offset: int = 0) -> int:
    """The number of the calling line."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno + offset


def bad_index() -> Any:
    """An index tensor, not computed yet, that lies outside any small axis."""
    return tn.arange(2) + 7


BAD_STEPS: list[Callable[[Any], Any]] = [
    lambda x: x + tn.ones(3),
    lambda x: x @ tn.ones(3, 3),
    lambda x: x.reshape(5),
    lambda x: x.sum(2),
    lambda x: x[2],
    lambda x: x[0, 0],
    lambda x: tn.concat([x, tn.ones(2, 2)]),
    lambda x: x.__setitem__(0, 1.0),
    lambda x: x * 2**70,
    lambda x: (x > 0) & x,
    lambda x: x.backward(),
    lambda x: tn.where(x, x, x),
    lambda x: x.broadcast_to((3,)),
]


@pytest.mark.parametrize("bad", BAD_STEPS)
def test_a_refused_operation_leaves_the_recording_as_it_was(bad: Callable[[Any], Any]) -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    v = tn.zeros(2).mut()
    y = w * 2
    v += y
    for _ in range(2):
        with pytest.raises((tn.TenureError, OverflowError, TypeError)):
            bad(y)
    v *= 10
    (y * y + v).sum().backward()
    assert w.grad.tolist() == [8.0 + 20.0, 16.0 + 20.0]
    assert (y.tolist(), v.tolist()) == ([2.0, 4.0], [20.0, 40.0])


BAD_WRITES: list[Callable[[Any], Any]] = [
    lambda v: v.__setitem__(5, 1.0),
    lambda v: v.__setitem__(slice(0, 2), tn.ones(3)),
    lambda v: v.__setitem__(0, "a"),
    lambda v: v.__iadd__(tn.ones(2, 2)),
    lambda v: v.copy_(tn.ones(3)),
    lambda v: setattr(v, "data", tn.ones(3)),
    lambda v: v.data.__setitem__((0, 0), 1.0),
    lambda v: v.data[5].zero_(),
    lambda v: v.fill_(1j),
]


@pytest.mark.parametrize("bad", BAD_WRITES)
def test_a_refused_write_leaves_the_place_and_its_borrows_as_they_were(bad: Callable[[Any], Any]) -> None:
    v = tn.tensor([1.0, 2.0]).mut()
    borrowed = v.data
    with pytest.raises((tn.TenureError, TypeError)):
        bad(v)
    assert v.tolist() == [1.0, 2.0]
    borrowed += 1
    assert v.tolist() == [2.0, 3.0]


def test_an_index_that_fails_between_two_writes() -> None:
    x, index = tn.arange(3.0), bad_index()
    p, q = tn.zeros(2).mut(), tn.zeros(2).mut()
    p.fill_(1)
    q.fill_(2)
    p += x[index]
    recorded = line(-1)
    q += 1
    before = p.value
    p *= 3
    assert q.tolist() == [3.0, 3.0]
    for dependent in (p, before, p + 1, p.sum(), p[0], p.data):
        with pytest.raises(tn.OutOfRange, match="TN801") as caught:
            dependent.tolist()
        assert caught.value.at is not None and caught.value.at.line == recorded
        assert "index 7 is out of range for axis 0 of size 3" in str(caught.value)
        assert __file__.rsplit("/", 1)[-1] in str(caught.value)
    q += 1
    assert q.tolist() == [4.0, 4.0]


WHOLE_WRITES: list[Callable[[Any], Any]] = [
    lambda p: p.fill_(5),
    lambda p: p.copy_(tn.full((2,), 5.0)),
    lambda p: p.__setitem__(slice(None), 5.0),
    lambda p: p.__setitem__(Ellipsis, tn.full((2,), 5.0)),
    lambda p: p.__setitem__(slice(0, 2), tn.full((2,), 5.0)),
    lambda p: setattr(p, "data", tn.full((2,), 5.0)),
    lambda p: p.data.fill_(5),
    lambda p: p.data.__setitem__(slice(None), 5.0),
]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize("write", WHOLE_WRITES)
def test_a_whole_write_makes_a_place_good_again(write: Any, tracked: bool, known: bool) -> None:
    w = tn.arange(3.0, requires_grad=tracked)
    p = tn.zeros(2).mut()
    p += w[bad_index()]
    if known:
        assert "failed" in repr(p)
    write(p)
    assert p.tolist() == [5.0, 5.0]
    p += 1
    assert p.tolist() == [6.0, 6.0]


def test_a_write_of_a_part_does_not() -> None:
    p = tn.zeros(2).mut()
    p += tn.arange(3.0)[bad_index()]
    p[0] = 5.0
    with pytest.raises(tn.OutOfRange, match="TN801"):
        p.tolist()


def test_a_failing_read_that_is_dropped_raises_nothing() -> None:
    x = tn.arange(3.0)
    y = x[bad_index()] * 2
    del y
    assert (x + 1).tolist() == [1.0, 2.0, 3.0]


def test_a_run_that_nobody_asked_for_raises_nothing() -> None:
    failed = tn.arange(3.0)[bad_index()]
    assert tn.ones(1).item() == 1.0
    for _ in range(2):
        with pytest.raises(tn.OutOfRange, match="TN801"):
            failed.sum().item()


def test_a_failed_value_prints_and_says_so() -> None:
    failed = tn.arange(3.0)[bad_index()]
    assert repr(failed) == "tensor(<failed: index 7 is out of range for axis 0 of size 3>, shape=(2,))"
    assert "failed" in f"{failed}"
    assert (failed.shape, failed.dtype) == ((2,), tn.float32)


def test_the_gradient_of_what_failed() -> None:
    for read_first in (False, True):
        w = tn.tensor([1.0, 2.0], requires_grad=True)
        loss = w[bad_index()].sum()
        if read_first:
            with pytest.raises(tn.OutOfRange, match="TN801"):
                loss.item()
        with pytest.raises(tn.OutOfRange, match="TN801"):
            loss.backward()
            w.grad.tolist()
        w.grad = None
        (w * w).sum().backward()
        assert w.grad.tolist() == [2.0, 4.0]


def test_a_failed_update_poisons_only_its_parameter() -> None:
    w, b = tn.tensor([1.0, 2.0], requires_grad=True), tn.tensor([3.0], requires_grad=True)
    for step in range(3):
        w.grad = b.grad = None
        (w * w).sum().backward()
        (b * b).sum().backward()
        w.data -= w.grad[bad_index()] if step == 1 else 0.5 * w.grad
        b.data -= 0.5 * b.grad
    assert b.tolist() == [0.0]
    with pytest.raises(tn.OutOfRange, match="TN801"):
        w.tolist()
    w.data = tn.ones(2)
    assert w.tolist() == [1.0, 1.0] and w.requires_grad


def test_an_index_at_hand_is_refused_at_its_line() -> None:
    x = tn.arange(3.0)
    for index in (tn.tensor([0, 3]), [0, -4], tn.tensor([5, 5])):
        with pytest.raises(tn.OutOfRange, match="TN801"):
            x[index]


def test_an_exception_of_the_users_in_the_middle_of_a_step() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)

    class Strange:
        def __index__(self) -> int:
            raise ZeroDivisionError

        __float__ = __array__ = __index__

    for bad in (lambda: w[Strange()], lambda: w * Strange(), lambda: w.sum(Strange()), lambda: tn.tensor([Strange()])):
        y = w * 2
        with pytest.raises((ZeroDivisionError, TypeError)):
            bad()  # type: ignore[no-untyped-call]
        w.grad = None
        y.sum().backward()
        assert w.grad.tolist() == [2.0, 2.0]


def test_too_much_memory_is_an_error_of_that_value_alone() -> None:
    x = tn.ones(3) * 2
    huge = tn.zeros(2**44) + 1
    with pytest.raises(MemoryError):
        huge.sum().item()
    assert x.tolist() == [2.0, 2.0, 2.0]
