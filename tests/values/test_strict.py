"""``tn.strict`` and ``tn.must_inplace``: a write that copies because of a holder names it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim
from tenure.compile.tiers import compile_program
from tenure.values.operations.boundary import array_of
from tenure.values.run import plan
from tests.values.test_borrows import line

N = 2000


def place() -> Any:
    """A place with numbers at hand."""
    v = tn.zeros(N).mut()
    v += 1
    v.sum().item()
    return v


def address(v: Any) -> int:
    """Where the numbers of a place lie."""
    return int(array_of(v).ctypes.data)


@pytest.mark.parametrize("make", [
    lambda p: optim.SGD(p, lr=0.1),
    lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    lambda p: optim.Adam(p, lr=0.1),
    lambda p: optim.AdamW(p, lr=0.1),
])  # fmt: skip
@pytest.mark.parametrize("set_to_none", [True, False])
def test_the_plain_training_loop_passes(make: Callable[[Any], Any], set_to_none: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer, losses = make(model.parameters()), []
    with tn.strict():
        for k in range(8):
            optimizer.zero_grad(set_to_none=set_to_none)
            loss = nn.functional.cross_entropy(model(tn.rand(3, 4)), tn.tensor([0, 1, 1]))
            loss.backward()
            optimizer.step()
            losses.append(loss)
            if k % 3 == 0:
                loss.item()
    assert len([x.item() for x in losses]) == 8


HOLDERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "value": (lambda v: v.value, "`kept` of held() holds it"),
    "item": (lambda v: [None, v.value], "`kept[1]` of held() holds it"),
    "entry": (lambda v: {"best": v.value}, "`kept['best']` of held() holds it"),
    "attribute": (lambda v: SimpleNamespace(best=v.value), "`kept.best` of held() holds it"),
    "borrow": (lambda v: v.data, "a borrow of its place, `kept` of held() holds it"),
    "shared borrow": (lambda v: v.borrow(), "a borrow of its place, `kept` of held() holds it"),
    "place": (lambda v: tn.Var(v), "another place, `kept` of held() holds it"),
}


@pytest.mark.parametrize(("hold", "says"), HOLDERS.values(), ids=HOLDERS)
def test_the_holder_is_named(hold: Callable[[Any], Any], says: str) -> None:
    def held() -> Any:
        kept = hold(v)
        made = line(-1)
        with pytest.raises(tn.BorrowError, match="TN506") as caught, tn.strict():
            v[:] = v * 2
        error = caught.value
        assert error.at.line == line(-2)
        (at,) = [at.line for label, at in error.notes if says in label]
        assert at == made
        return kept

    v = place()
    held()
    assert v.sum().item() == 2 * N


def test_an_open_graph_is_named() -> None:
    w = tn.ones(N, requires_grad=True)
    w.sum().item()
    with pytest.raises(tn.BorrowError, match="backward.. has not consumed") as caught, tn.strict():
        loss = (w * w).sum()
        computed = line(-1)
        w.data[0] = 0.5
        written = line(-1)
        loss.item()
    assert (caught.value.at.line, caught.value.notes[0][1].line) == (written, computed)
    loss.backward()
    assert (w.grad.sum().item(), w.sum().item()) == (2 * N, N - 0.5)
    kept = (w * w).sum()
    kept.item()
    with pytest.raises(tn.BorrowError, match="a graph that backward"), tn.strict():
        w.data[0] = 1.0
    kept.backward()
    with tn.strict():
        loss = (w * w).sum()
        loss.backward()
        w.data[0] = 2.0
        loss.item()


def test_what_is_dropped_in_time_is_no_holder() -> None:
    v = place()
    with tn.strict():
        old = v.value
        v += 1
        del old
        array, buffer = v.numpy(), memoryview(v.numpy())
        v += 1
        part = v[3:]
        v += 1
        assert part.sum().item() + array.sum() + buffer[0] - 2.0 == 2 * N + 3 * (N - 3)
        fresh = v.value
        v.data = tn.rand(N)
        v.fill_(0.0)
        assert fresh.sum().item() == 4 * N
    old = v.value
    v += 1
    assert (v - old).sum().item() == N


def test_reading_more_is_no_copy_of_a_holders() -> None:
    v = place()
    with tn.strict():
        for _ in range(4):
            before = v * 1.0
            v += before
            assert v.sum().item() == 2 * before.sum().item()


def test_what_strict_passes_is_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)
    v = tn.rand(N + 3).mut()
    with tn.strict():
        for _ in range(6):
            where = address(v)
            v += 1
            v[3:] *= 0.5
            v.sum().item()
            assert address(v) == where


def test_after_the_error_all_is_as_without_it() -> None:
    v, u = place(), place()
    old = v.value
    with pytest.raises(tn.BorrowError), tn.strict():
        u[0] = 5.0
        v[0] = 7.0
        v.sum().item()
    assert (u.sum().item(), v.sum().item(), old.sum().item()) == (N + 4, N + 6, N)
    with tn.strict():
        u[1] = 5.0
    assert u.sum().item() == N + 8


def test_strict_is_of_its_context() -> None:
    v = place()
    kept = v.value

    def work() -> None:
        v.copy_(v + 1)
        v.tolist()

    with tn.strict():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert (v - kept).sum().item() == N

    @tn.strict()
    def within(u: Any) -> None:
        kept = u.value
        u += kept
        u.tolist()

    with pytest.raises(tn.BorrowError, match="`kept` of within"):
        within(place())
    with tn.strict(), tn.strict():
        v += 1
    with pytest.raises(ZeroDivisionError), tn.strict():
        kept = v.value
        v += 1
        raise ZeroDivisionError
    assert (v - kept).sum().item() == N


def test_must_inplace() -> None:
    v, u = place(), place()
    kept = u.value
    for _ in range(3):
        with tn.must_inplace(v):
            v[1:] += 1
            u += 1
    with pytest.raises(tn.BorrowError, match="TN506"), tn.must_inplace(u.data):
        u[0] = 1.0
        kept = u.value
        u.tolist()
        u[0] = 2.0
    with pytest.raises(tn.OwnershipError, match="not done in place: an index is checked") as caught, tn.must_inplace(v):
        v[0] = 3.0
        written = line(-1)
        picked = v[(u[:3] * 4).long()]
        picked.tolist()
    assert caught.value.at.line == written
    with tn.must_inplace(v):
        v.copy_(tn.ones(N))
    assert (v.sum().item(), kept[0].item(), u[0].item()) == (N, 1.0, 2.0)
