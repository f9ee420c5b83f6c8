"""Parts of a place that do not meet: what is written through them is there, in place, from any thread."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.values.operations.boundary import array_of
from tenure.values.run import plan
from tests.values.test_threads import together


def address(x: Any) -> int:
    """Where the numbers of a tensor lie."""
    return int(array_of(x).ctypes.data)


def test_eight_threads_fill_one_place() -> None:
    v = tn.zeros(64, 33).mut()
    chunks = v.chunks_mut(8)
    rounds = 60

    def work(k: int) -> None:
        for n in range(rounds):
            chunks[k][:] += k + 1
            chunks[k][n % 8] *= 1.0
            if n % 7 == k % 7:
                chunks[k].sum().item()

    together(*[lambda k=k: work(k) for k in range(8)])
    assert v.numpy().tolist() == np.repeat(np.arange(1.0, 9) * rounds, 8 * 33).reshape(64, 33).tolist()


@pytest.mark.parametrize("rows", [8, 4096])
def test_parts_are_written_in_place_and_put_together_without_a_copy(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)
    v = (tn.ones(2 * rows, 3) * 2).mut()
    v.sum().item()
    for _ in range(4):
        start = address(v)
        a, b = v.split_at_mut(rows)
        for _ in range(3):
            for part in (a, b):
                part *= 2.0
                part[1] = 5.0
                part.value.sum().item()
        end = address(v)
        found = (address(a) - start, address(b) - start, end - start)
        del a, b, part  # what they show is kept for whoever has them
    assert found == (0, 12 * rows, 0)
    assert v[0].tolist() == [2.0 * 2**12] * 3 and v[1].tolist() == [5.0] * 3


def test_what_was_read_of_the_whole_or_of_a_part_does_not_change() -> None:
    v = tn.arange(6.0).mut()
    a, b = v.split_at_mut(3)
    kept: list[tuple[Any, list[float]]] = []
    for k in range(12):
        kept.append((v.value if k % 2 else v.numpy(), v.tolist()))
        kept.append((a.value if k % 3 else a.numpy(), a.tolist()))
        a += 1
        b *= 2
        if k % 4 == 0:
            a.sum().item()
    for value, was in kept:
        assert value.tolist() == was
    assert v.tolist() == [12.0, 13.0, 14.0, 3 * 4096.0, 4 * 4096.0, 5 * 4096.0]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (lambda v: v.split_at_mut(1, axis=1)[1], np.s_[:, 1:]),
        (lambda v: v.split_at_mut(0)[1], np.s_[:]),
        (lambda v: v.split_at_mut(4)[1], np.s_[4:]),
        (lambda v: v.chunks_mut(3)[1], np.s_[3:]),
        (lambda v: v.chunks_mut(2, axis=-1)[1], np.s_[:, 2:]),
        (lambda v: v.get_disjoint_mut(np.s_[1::2], np.s_[::2])[0], np.s_[1::2]),
        (lambda v: v.get_disjoint_mut(np.s_[::-2, None, 1])[0], np.s_[::-2, None, 1]),
        (lambda v: v.get_disjoint_mut([3, 0], 1)[0], [3, 0]),
        (lambda v: v.get_disjoint_mut(tn.tensor([-1]), [0, 1])[0], [3]),
        (lambda v: v.get_disjoint_mut(np.array([True, False, False, True]))[0], [0, 3]),
        (lambda v: v.data[1:].split_at_mut(1)[1], np.s_[2:]),
        (lambda v: v.data[1:, 0].get_disjoint_mut(0)[0], np.s_[1, 0]),
        (lambda v: v.split_at_mut(2)[1].chunks_mut(1)[1], np.s_[3:]),
        (lambda v: v.data[2].split_at_mut(1)[0], np.s_[2, :1]),
    ],
)
def test_which_part(part: Callable[[Any], Any], expected: Any) -> None:
    v = tn.arange(12.0).reshape(4, 3).mut()
    model = v.numpy().copy()
    p = part(v)
    assert np.array_equal(p, model[expected])
    p += 10
    model[expected] += 10
    assert np.array_equal(v, model)
    p[...] = -1.0
    p.data.mul_(2)
    model[expected] = -2.0
    assert np.array_equal(v, model) and np.array_equal(p, model[expected])


@pytest.mark.parametrize(
    ("keys", "both"),
    [
        ((np.s_[:3], np.s_[2:]), ("[:3]", "[2:]")),
        ((np.s_[::2], np.s_[::3]), ("[::2]", "[::3]")),
        (([0, 1], [5, -5]), ("[[0, 1]]", "[[5, -5]]")),
        (([4], np.s_[0:3], np.s_[4, None]), ("part 0", "part 2, [4, None]")),
        ((np.s_[...], 2), ("[…]", "[2]")),
    ],
)
def test_parts_that_meet_are_refused_and_both_named(keys: Any, both: tuple[str, str]) -> None:
    v = tn.zeros(6).mut()
    with pytest.raises(tn.BorrowError, match="TN499") as caught:
        v.get_disjoint_mut(*keys)
    assert all(name in str(caught.value) for name in both)
    v += 1


def test_what_is_no_part() -> None:
    v = tn.zeros(4, 2).mut()
    cases: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: v.split_at_mut(5), tn.OutOfRange, "TN801.*5 is not within axis 0 of size 4"),
        (lambda: v.split_at_mut(-1), tn.OutOfRange, "TN801"),
        (lambda: v.split_at_mut(1, axis=2), tn.OutOfRange, "TN801"),
        (lambda: v.chunks_mut(0), tn.ShapeError, "TN802"),
        (lambda: v.get_disjoint_mut([4]), tn.OutOfRange, "TN801.*index 4"),
        (lambda: v.get_disjoint_mut([1, 2, -3]), tn.BorrowError, "TN499.*row 1 twice"),
        (lambda: v.get_disjoint_mut(np.array([True])), tn.ShapeError, "mask of 1"),
        (lambda: v.get_disjoint_mut([[0]]), tn.ShapeError, "one-dimensional"),
        (lambda: v.value.split_at_mut(1), AttributeError, "split_at_mut"),
        (lambda: v[0].chunks_mut(1), AttributeError, "chunks_mut"),
    ]
    for bad, kind, message in cases:
        with pytest.raises(kind, match=message):
            bad()
    assert tn.zeros(0, 2).mut().chunks_mut(3) == ()


def test_a_write_of_the_place_ends_the_parts_that_it_meets() -> None:
    v = tn.zeros(6).mut()
    a, b = v.split_at_mut(3)
    a += 1
    v[0] = 9.0
    with pytest.raises(tn.StaleBorrowError, match=r"(?s)TN597.*v\[0\] = 9"):
        a += 1
    b += 2
    assert (v.tolist(), a.tolist()) == ([9.0, 1.0, 1.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0])
    v.zero_()
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        b[0] = 1.0
    assert v.tolist() == [0.0] * 6


def test_parting_again_ends_the_parts_that_it_meets() -> None:
    v = tn.zeros(4).mut()
    a, b = v.split_at_mut(2)
    a += 1
    c = v.get_disjoint_mut(0)[0]
    c += 1
    b += 5
    with pytest.raises(tn.StaleBorrowError, match="(?s)TN597.*parted again here"):
        a += 1
    assert v.tolist() == [2.0, 1.0, 5.0, 5.0]


def test_a_part_makes_other_borrows_stale_and_shows_in_those_it_was_taken_from() -> None:
    v = tn.zeros(4).mut()
    low, high, whole = v.data[:2], v.data[2:], v.data
    a, b = whole.split_at_mut(2)
    a += 1
    assert whole.tolist() == [1.0, 1.0, 0.0, 0.0]
    a += 1
    high += 5
    assert (whole.tolist(), v.tolist()) == ([2.0, 2.0, 0.0, 0.0], [2.0, 2.0, 5.0, 5.0])
    for stale in (low, b):
        with pytest.raises(tn.StaleBorrowError, match="TN597"):
            stale += 1
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        whole += 1


def test_parts_entered_by_with_lend_the_place() -> None:
    v = tn.zeros(4).mut()
    with v.split_at_mut(2) as (a, b):
        a += 1
        b[1:].fill_(7)
        for use in (v.sum, v.tolist, v.borrow_mut, lambda: v.split_at_mut(1), lambda: v.__setitem__(3, 1.0)):
            with pytest.raises(tn.BorrowError, match="(?s)TN(503|499).*with v.split_at_mut"):
                use()
        together(lambda: a.add_(1), lambda: b.add_(1))
    assert v.tolist() == [2.0, 2.0, 1.0, 8.0]
    v += 1
    with v.borrow() as lent:
        with pytest.raises(tn.BorrowError, match="TN502"):
            v.chunks_mut(2)
        assert lent.tolist() == [3.0, 3.0, 2.0, 9.0]
    with v.borrow_mut() as m:
        for c in m.chunks_mut(2):
            c.zero_()
        with pytest.raises(tn.BorrowError, match="TN503"):
            v.sum()
        assert m.tolist() == [0.0] * 4
    assert v.tolist() == [0.0] * 4


def test_a_loan_of_the_place_holds_for_its_parts_and_the_other_way() -> None:
    v = tn.zeros(4).mut()
    a, b = v.split_at_mut(2)
    a += 1
    with v.borrow() as lent, pytest.raises(tn.BorrowError, match="TN506"):
        b += 1
    assert lent.tolist() == [1.0, 1.0, 0.0, 0.0]
    with a as m:
        m += 1
        b += 3
        for use in (v.sum, v.zero_):
            with pytest.raises(tn.BorrowError, match="TN503"):
                use()
        with pytest.raises(tn.BorrowError, match="TN499"):
            v.borrow_mut()
    assert v.tolist() == [2.0, 2.0, 3.0, 3.0]
    with a.borrow() as s:
        with pytest.raises(tn.BorrowError, match="TN506"):
            v[0] = 1.0
        v[3] = 9.0
        assert s.tolist() == [2.0, 2.0]
    assert v.tolist() == [2.0, 2.0, 3.0, 9.0]


def test_an_error_in_the_block_ends_the_loan() -> None:
    v = tn.zeros(2).mut()
    with pytest.raises(ZeroDivisionError), v.chunks_mut(1) as (a, _):
        a += 1 / 0
    v += 1
    assert v.tolist() == [1.0, 1.0]


def test_parts_are_written_outside_the_graph() -> None:
    w = tn.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    loss = (w * w).sum()
    a, b = w.split_at_mut(2)
    a -= 1
    b.copy_(w[:2] * 2)
    assert (w.tolist(), w.requires_grad, a.requires_grad, w.is_leaf) == ([0.0, 1.0, 0.0, 2.0], True, False, True)
    loss.backward()
    assert w.grad.tolist() == [2.0, 4.0, 6.0, 8.0]
    w.grad = None
    (w * w).sum().backward()
    assert w.grad.tolist() == [0.0, 2.0, 0.0, 4.0]


def test_what_is_not_written_of_a_computed_value_keeps_its_gradient() -> None:
    w = tn.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    u = (w * 2).mut()
    a, b, c = u.get_disjoint_mut(0, slice(1, 2), slice(2, 3))
    b += 1
    (u * u).sum().backward(retain_graph=True)
    assert (u.tolist(), w.grad.tolist()) == ([2.0, 5.0, 6.0, 8.0], [8.0, 0.0, 24.0, 32.0])
    w.grad = None
    c.zero_()
    a[...] = u[3]
    (u * u).sum().backward()
    assert (u.tolist(), w.grad.tolist()) == ([8.0, 5.0, 0.0, 8.0], [0.0, 0.0, 0.0, 32.0])


def test_a_part_that_failed_raises_where_the_place_is_read() -> None:
    v, index = tn.zeros(4).mut(), tn.tensor([0, 7])
    a, b = v.split_at_mut(2)
    a.copy_(tn.arange(3.0)[index + 0])
    b += 1
    for read in (v.tolist, a.tolist, v.tolist):
        with pytest.raises(tn.OutOfRange, match="(?s)TN801.*index 7.*a.copy_"):
            read()
    assert b.tolist() == [1.0, 1.0]
    v.zero_()
    assert v.tolist() == [0.0] * 4


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_of_parts_are_parts_of_the_copy(twin: Any) -> None:
    v = tn.zeros(4).mut()
    a, b = v.split_at_mut(1)
    a += 1
    state = twin({"b": b, "v": v, "a": a[:]})
    state["a"].add_(1)
    state["b"].fill_(5)
    assert (state["v"].tolist(), v.tolist()) == ([2.0, 5.0, 5.0, 5.0], [1.0, 0.0, 0.0, 0.0])


def test_without_parts_a_place_is_one_as_before() -> None:
    v = tn.zeros(4).mut()
    a, b = v.split_at_mut(2)
    a += 1
    del a, b
    assert v.tolist() == [1.0, 1.0, 0.0, 0.0]
    assert v._ties is None
    gc.collect()
    gc.disable()
    try:
        parts = v.data.split_at_mut(2)
        parts[0].fill_(3)
        v.sum().item()
        gone = weakref.ref(v)
        del v, parts
        assert gone() is None
    finally:
        gc.enable()


def test_a_place_that_is_moved_ends_its_parts() -> None:
    v = tn.zeros(4).mut()
    a, b = v.split_at_mut(2)
    a += 1
    u = tn.move(v)
    with pytest.raises(tn.StaleBorrowError, match="(?s)TN597.*moved here"):
        b += 1
    c = tn.move(u.chunks_mut(3)[0])
    c += 1
    assert u.tolist() == [2.0, 2.0, 1.0, 0.0]
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        v.split_at_mut(1)


def test_a_part_outlives_its_place() -> None:
    a, _ = tn.zeros(4).mut().split_at_mut(2)
    a += 1
    assert a.tolist() == [1.0, 1.0]


STEPS = ["part", "part", "sub", "whole", "other", "read", "keep", "run", "split", "disjoint", "nested", "drop", "with"]


@settings(max_examples=max(150, settings.default.max_examples))  # type: ignore[union-attr]
@given(st.data())
def test_against_a_model_that_copies(data: Any) -> None:
    """Random parts, borrows, writes and reads: a stale writer is refused exactly where the model says so."""
    n = 6
    v = tn.Var(tn.arange(float(n)), requires_grad=data.draw(st.booleans()))
    model = np.arange(float(n), dtype=np.float32)
    borrows: list[tuple[Any, set[int], list[Any]]] = []  # a borrow, where it is, and those it was taken from
    stale: set[int] = set()
    kept: list[tuple[Any, Any]] = []

    def written(where: set[int], but: list[Any]) -> None:
        for b, w, _ in borrows:
            if w & where and not any(b is c for c in but):
                stale.add(id(b))
                stale.update(id(c) for c, _, above in borrows if any(b is u for u in above))

    def part(parts: Any, wheres: list[set[int]]) -> None:
        for b, w, _ in borrows:
            if isinstance(b, tn.Borrow) and b._place is not v and any(w & x for x in wheres):
                stale.add(id(b))
        for p, w in zip(parts, wheres, strict=True):
            taken(p, w)

    def taken(b: Any, where: set[int]) -> None:
        stale.discard(id(b))  # of one that was dropped
        borrows.append((b, where, [b]))

    for _ in range(data.draw(st.integers(1, 20))):
        step = data.draw(st.sampled_from(STEPS))
        k = data.draw(st.integers(0, n))
        number = data.draw(st.integers(1, 3))
        if step in ("part", "sub") and borrows:
            b, where, above = data.draw(st.sampled_from(borrows))
            target = b[:1] if step == "sub" and len(where) else b
            inside = set(sorted(where)[:1]) if step == "sub" else where
            if id(b) in stale:
                with pytest.raises(tn.StaleBorrowError, match="TN597"):
                    target += number
                continue
            target += number
            model = model.copy()
            model[sorted(inside)] += number
            written(inside, above)
        elif step == "whole":
            v.data[k:] = number
            model = model.copy()
            model[k:] = number
            written(set(range(k, n)), [])
        elif step == "other":
            taken(v.data[k:], set(range(k, n)))
        elif step == "read":
            assert np.array_equal(v.detach(), model)
        elif step == "keep":
            kept.append((v.detach().numpy() if number == 1 else v.value, model))
        elif step == "run":
            (v * 2).sum().item()
        elif step == "split":
            part(v.split_at_mut(k), [set(range(k)), set(range(k, n))])
        elif step == "disjoint":
            part(v.get_disjoint_mut(np.s_[k::2], np.s_[k + 1 :: 2]), [set(range(k, n, 2)), set(range(k + 1, n, 2))])
        elif step == "drop" and borrows:
            borrows.pop(data.draw(st.integers(0, len(borrows) - 1)))
        elif step == "with":
            with v.chunks_mut(2) as chunks:
                part(chunks, [{0, 1}, {2, 3}, {4, 5}])
                chunks[number - 1].mul_(2)
                with pytest.raises(tn.BorrowError, match="TN503"):
                    v.sum()
            model = model.copy()
            model[2 * number - 2 : 2 * number] *= 2
            written({2 * number - 2, 2 * number - 1}, [chunks[number - 1]])
        for value, was in kept:
            assert np.array_equal(value if isinstance(value, np.ndarray) else value.detach(), was)
    assert np.array_equal(v.detach(), model)
