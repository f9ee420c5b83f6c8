"""Loans by ``with``: what is lent is kept from everybody else until the block ends."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tests.values.test_borrows import line

WRITES: list[Callable[[Any], Any]] = [
    lambda v: v.__setitem__(0, 9.0),
    lambda v: v.__setitem__(slice(None), tn.ones(3)),
    lambda v: v.__iadd__(1),
    lambda v: v.__imul__(tn.ones(3) * 2),
    lambda v: v.add_(1),
    lambda v: v.zero_(),
    lambda v: v.fill_(7),
    lambda v: v.copy_(tn.ones(3)),
    lambda v: v.exp_(),
    lambda v: v.clamp_(0, 1),
    lambda v: v.uniform_(),
    lambda v: v.requires_grad_(),
    lambda v: setattr(v, "data", tn.ones(3)),
    lambda v: v.data.zero_(),
    lambda v: v.data.__setitem__(1, 4.0),
    lambda v: v.data[1:].mul_(3),
    lambda v: v.data.data.__iadd__(1),
]
USES: list[Callable[[Any], Any]] = [
    lambda v: v + 1,
    lambda v: 1 + v,
    lambda v: tn.ones(3) * v,
    lambda v: v * v,
    lambda v: v @ v,
    lambda v: v == 1,
    lambda v: -v,
    lambda v: v.tanh(),
    lambda v: tn.where(v > 0, v, 0),
    lambda v: tn.stack([v]),
    lambda v: v[0],
    lambda v: v[:2],
    lambda v: v.sum(),
    lambda v: v.value,
    lambda v: v.data,
    lambda v: v.detach(),
    lambda v: v.clone(),
    lambda v: v.shape,
    lambda v: v.dtype,
    lambda v: len(v),
    lambda v: list(v),
    lambda v: v.tolist(),
    lambda v: v.numpy(),
    lambda v: np.asarray(v),
    lambda v: repr(v),
    lambda v: f"{v}",
    lambda v: v.at[0].set(1.0),
    lambda v: v.mut(),
    lambda v: v.borrow().__enter__(),
    lambda v: tn.Var(v),
    lambda v: pickle.dumps(v),
    lambda v: copy.copy(v),
    lambda v: copy.deepcopy(v),
    lambda v: 1.0 in v,
    lambda v: v.requires_grad,
]


def place(*numbers: float) -> Any:
    """A place with these numbers."""
    return tn.tensor(list(numbers)).mut()


@contextmanager
def refused(code: str, notes: int = 1) -> Iterator[Any]:
    """An error of a law, with the other line."""
    with pytest.raises(tn.TenureError, match=code) as caught:
        yield caught
    assert caught.value.code == code
    assert len(caught.value.notes) == notes


@pytest.mark.parametrize("write", WRITES)
def test_what_is_lent_as_shared_is_not_written(write: Callable[[Any], Any]) -> None:
    v = place(1.5, 2.0, 3.0)
    with v.borrow() as t:
        with refused("TN506"):
            write(v)
        assert v.tolist() == t.tolist() == [1.5, 2.0, 3.0] and not v.requires_grad
    write(v)
    assert v.tolist() != [1.5, 2.0, 3.0] or v.requires_grad


@pytest.mark.parametrize("write", WRITES[:-5])
def test_what_is_lent_exclusively_is_not_written_by_name(write: Callable[[Any], Any]) -> None:
    v = place(1.5, 2.0, 3.0)
    with v.borrow_mut() as m:
        with refused("TN503"):
            write(v)
        assert m.tolist() == [1.5, 2.0, 3.0]
    write(v)


@pytest.mark.parametrize("use", USES)
def test_what_is_lent_exclusively_is_not_used_by_name(use: Callable[[Any], Any]) -> None:
    v = place(1.5, 2.0, 3.0)
    with v.borrow_mut() as m:
        m[0] = 1.0
        with refused("TN503"):
            use(v)
    use(v)
    assert v.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("write", [w for k, w in enumerate(WRITES) if k != 15])
def test_a_shared_borrow_is_not_written(write: Callable[[Any], Any]) -> None:
    v = place(1.5, 2.0, 3.0)
    with v.borrow() as t:
        with refused("TN594", notes=1) as caught:
            write(t)
        assert "borrow_mut" in caught.value.help
    with refused("TN594", notes=0):
        write(t)
    for part in (v.borrow()[1:], v.borrow().data[1:]):
        with refused("TN594", notes=0):
            part.mul_(3)
    assert v.tolist() == [1.5, 2.0, 3.0]


def test_both_lines_are_named() -> None:
    v = place(1.0)
    with v.borrow():
        with refused("TN506") as caught:
            v[0] = 2.0
        assert (caught.value.at.line, caught.value.notes[0][1].line) == (line(-1), line(-3))
        with refused("TN502") as caught:
            v.borrow_mut()
        assert (caught.value.at.line, caught.value.notes[0][1].line) == (line(-1), line(-6))
    with v.borrow_mut():
        with refused("TN503") as caught:
            v + 1
        assert (caught.value.at.line, caught.value.notes[0][1].line) == (line(-1), line(-3))
        with refused("TN499") as caught:
            v.borrow_mut()
        assert (caught.value.at.line, caught.value.notes[0][1].line) == (line(-1), line(-6))


def test_any_number_of_shared_loans_and_one_exclusive() -> None:
    v = place(1.0, 2.0)
    lent, borrow = v.borrow(), v.borrow_mut()
    with lent as a, v.borrow() as b, lent as c:
        assert (a + b + c).tolist() == [3.0, 6.0]
        with refused("TN502"):
            borrow.__enter__()
    with borrow:
        with refused("TN499"):
            borrow.__enter__()
        with refused("TN503"):
            lent.__enter__()
        borrow += 1
    with v.borrow() as t:
        assert t.tolist() == [2.0, 3.0]
    with borrow as again:
        again *= 2
    assert v.tolist() == [4.0, 6.0]


def test_a_bare_borrow_lends_nothing() -> None:
    v = place(1.0, 2.0)
    t, m = v.borrow(), v.borrow_mut()
    v[0] = 5.0
    assert (t.tolist(), m.tolist(), v.tolist()) == ([1.0, 2.0], [1.0, 2.0], [5.0, 2.0])
    with refused("TN597"):
        m.__enter__()
    with t as now:
        assert now.tolist() == [5.0, 2.0]


def test_gradients_flow_through_a_shared_borrow() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    with w.borrow() as t:
        assert t.requires_grad and t.is_leaf and t.grad_fn is None and t.grad is None
        (t * t).sum().backward()
        assert t.grad.tolist() == w.grad.tolist() == [2.0, 4.0]
        for write in (lambda: t.grad.zero_(), lambda: setattr(t, "grad", None), lambda: t.data.zero_()):
            with refused("TN594"):
                write()
        assert not t.data.requires_grad
    assert w.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("kind", ["borrow", "borrow_mut"])
def test_an_exception_ends_the_loan(kind: str) -> None:
    v = place(1.0)
    with pytest.raises(KeyError), getattr(v, kind)():
        raise KeyError
    v += 1
    assert v.tolist() == [2.0] and v._loans is None


def test_loans_end_in_any_order() -> None:
    v = place(1.0)
    loans = [v.borrow() for _ in range(4)]
    for t in loans:
        t.__enter__()
    for k in (2, 0, 3):
        loans[k].__exit__(None, None, None)
        with refused("TN506"):
            v += 1
    loans[1].__exit__(None, None, None)
    v += 1
    v = place(1.0, 2.0)
    low, high = v.data[:1], v.data[1:]
    with ExitStack() as stack:
        stack.enter_context(low)
        stack.enter_context(high)
        low += 1
        low.__exit__()
        with refused("TN503"):
            v.sum()
        low += 1
        high += 1
    assert v.tolist() == [3.0, 3.0]


def test_a_suspended_generator_keeps_its_loan() -> None:
    v = place(1.0, 2.0)

    def items() -> Iterator[float]:
        with v.borrow() as t:
            for x in t:
                yield x.item()

    walk = items()
    v += 1
    assert next(walk) == 2.0
    with refused("TN506"):
        v += 1
    walk.close()
    v += 1
    assert list(items()) == [3.0, 4.0]
    walk = items()
    next(walk)
    del walk
    v += 1


def test_tasks_lend_side_by_side() -> None:
    v = place(0.0)
    order = []

    async def reader(k: int, steps: int) -> None:
        with v.borrow() as t:
            for _ in range(steps):
                await asyncio.sleep(0)
                with refused("TN506"):
                    v[0] = 1.0
            order.append((k, t.item()))

    async def main() -> None:
        await asyncio.gather(reader(0, 3), reader(1, 1), reader(2, 2))
        task = asyncio.create_task(reader(3, 100))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        v[0] = 1.0

    asyncio.run(main())
    assert order == [(1, 0.0), (2, 0.0), (0, 0.0)] and v.tolist() == [1.0]


def test_other_threads_see_the_loan() -> None:
    v, found = place(1.0, 2.0), []

    def attempt(use: Callable[[], Any]) -> None:
        try:
            use()
        except tn.BorrowError as error:
            found.append(error.code)

    def both() -> None:
        uses = (lambda: v.__setitem__(0, 1.0), lambda: v + 1, lambda: v.borrow_mut(), lambda: v.borrow().__enter__())
        for use in uses:
            thread = threading.Thread(target=attempt, args=(use,))
            thread.start()
            thread.join()

    with v.borrow_mut():
        both()
    assert found == ["TN503", "TN503", "TN499", "TN503"]
    found.clear()
    with v.borrow():
        both()
    assert found == ["TN506", "TN502"]


def test_no_write_slips_into_a_loan() -> None:
    """While a loan lives, what it lends is what the place holds, and another thread that writes is refused; after it
    that one writes."""
    v, stop, written, refusal = place(0.0), threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            try:
                v.fill_(1.0)
                written.set()
            except tn.BorrowError:
                refusal.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(20):
            with v.borrow() as t:
                held = t.value
                refusal.clear()
                assert refusal.wait(60)
                for _ in range(20):
                    assert v._val is held
            written.clear()
            assert written.wait(60)
    finally:
        stop.set()
        thread.join()


def test_a_part_is_lent() -> None:
    v = tn.arange(6.0).mut()
    low, high, overlapping = v.data[:3], v.data[3:], v.data[2:4]
    with overlapping:
        pass
    with low as m, refused("TN499"):
        overlapping.__enter__()
    with low as m:
        m += 10
        high += 1
        with high as h:
            h *= 2
        with refused("TN503"):
            v.sum()
        with refused("TN597"):
            overlapping.__enter__()
    assert v.tolist() == [10.0, 11.0, 12.0, 8.0, 10.0, 12.0]
    with v.data[:3].borrow() as t:
        v[3] = 0.0
        v.data[4:].zero_()
        with refused("TN506"):
            v[1:4] = 0.0
        with refused("TN502"), v.data[2:5]:
            pass
        with v.data[3:] as m:
            m += 1
        assert t.tolist() == [10.0, 11.0, 12.0]
    assert v.tolist() == [10.0, 11.0, 12.0, 1.0, 1.0, 1.0]


def test_borrows_of_an_exclusive_borrow() -> None:
    v = tn.zeros(4).mut()
    with v.borrow_mut() as m:
        m[0] = 1.0
        m[1:].fill_(2.0)
        with m[2:] as part:
            part.fill_(3.0)
            m[0] = 4.0
            with refused("TN503"):
                m[3] = 0.0
            with refused("TN503"):
                m.zero_()
            with refused("TN499"):
                m[3:4].__enter__()
            part[0] = 5.0
        m += 1
        with m.borrow() as t:
            assert t.tolist() == [5.0, 3.0, 6.0, 4.0]
            with refused("TN506"):
                m[0] = 0.0
        with m.borrow_mut() as twin:
            twin[0] = 0.0
        m[1] = 0.0
    assert v.tolist() == [0.0, 0.0, 6.0, 4.0]


def test_a_borrow_taken_before_cannot_write_during_a_loan() -> None:
    v = place(1.0, 2.0)
    old = v.data
    with v.borrow(), refused("TN506"):
        old.zero_()
    with v.borrow_mut() as m:
        with refused("TN503"):
            old.zero_()
        assert old.tolist() == [1.0, 2.0]
        m += 1
    with refused("TN597"):
        old.zero_()
    assert v.tolist() == [2.0, 3.0]


def test_the_gradient_is_lent() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    with w.grad.borrow() as g:
        with refused("TN506"):
            w.grad.zero_()
        with refused("TN506"):
            w.grad = None
        loss = (w * w).sum()
        with refused("TN506"):
            loss.backward()
        assert g.tolist() == w.grad.tolist() == [2.0, 4.0]
    loss.backward()
    assert w.grad.tolist() == [4.0, 8.0]
    with w.grad as g:
        with refused("TN503"):
            (w * w).sum().backward()
        g /= 4
    assert w.grad.tolist() == [1.0, 2.0]


def test_what_was_recorded_before_a_loan_is_computed_within() -> None:
    v = place(1.0, 2.0)
    before = v * 3
    v += 1
    with v.borrow_mut() as m:
        m[0] = 10.0
        assert before.tolist() == [3.0, 6.0] and m.tolist() == [10.0, 3.0]
    assert v.tolist() == [10.0, 3.0]
