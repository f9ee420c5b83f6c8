"""``tn.move``: what was moved is dead under every name, and what it was goes on, in graphs and places too."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn, optim
from tenure.compile.tiers import compile_program
from tenure.values.operations.boundary import array_of
from tenure.values.run import plan
from tests.values.test_borrows import line
from tests.values.test_loans import USES, WRITES, place, refused


def computed(x: Any) -> Any:
    """The same value with its numbers at hand."""
    x.tolist()
    return x


MADE: dict[str, Callable[[], Any]] = {
    "data": lambda: tn.tensor([1.0, 2.0, 3.0]),
    "computed": lambda: computed(tn.arange(3.0) + 1),
    "pending": lambda: tn.arange(3.0) + 1,
    "differentiable": lambda: computed(tn.ones(3, requires_grad=True) * tn.arange(1.0, 4.0)),
    "held by a place": lambda: HELD.append(v := tn.Var(tn.arange(3.0) + 1)) or v.value,
    "place": lambda: place(1.0, 2.0, 3.0),
    "leaf": lambda: tn.tensor([1.0, 2.0, 3.0], requires_grad=True),
    "parameter": lambda: nn.Parameter(tn.tensor([1.0, 2.0, 3.0])),
    "borrow": lambda: HELD.append(v := place(1.0, 2.0, 3.0, 4.0)) or v.data[:3],
}
HELD: list[Any] = []


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("use", [*USES, lambda v: hash(v[0]), lambda v: v.grad, lambda v: tn.move(v), lambda v: v.T])
def test_what_was_moved_is_not_used(make: Callable[[], Any], use: Callable[[Any], Any]) -> None:
    x = make()
    if isinstance(x, tn.Borrow) and use is USES[14]:
        return  # a borrow's data is the borrow
    y = tn.move(x)
    moved = line(-1)
    with refused("TN382") as caught:
        use(x)
    assert caught.value.notes[0][1].line == moved
    assert y.detach().tolist() == [1.0, 2.0, 3.0]
    assert isinstance(x, tn.Tensor)
    HELD.clear()


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("write", WRITES)
def test_what_was_moved_is_not_written(make: Callable[[], Any], write: Callable[[Any], Any]) -> None:
    x = make()
    y = tn.move(x)
    with refused("TN382"):
        write(x)
    assert y.detach().tolist() == [1.0, 2.0, 3.0]


def test_a_move_in_a_loop_names_the_move_of_the_time_before() -> None:
    x = tn.ones(2)
    with refused("TN382") as caught:
        for _ in range(2):
            tn.move(x)
    assert caught.value.at.line == caught.value.notes[0][1].line == line(-1)
    assert "the time before" in str(caught.value)
    x = tn.ones(2)
    for _ in range(3):
        x = tn.move(x) + 1
    assert x.tolist() == [4.0, 4.0]


def test_every_name_of_a_value_is_one() -> None:
    x = twin = tn.ones(2)
    tn.move(x)
    with refused("TN382"):
        twin + 1


def test_what_was_recorded_of_it_stays() -> None:
    for x in (tn.arange(3.0), computed(tn.arange(3.0))):
        before, part, items = x * 2, x[1:], iter(x)
        after = tn.move(x) + 1
        assert (before.tolist(), part.tolist(), after.tolist()) == ([0, 2, 4], [1, 2], [1, 2, 3])
        with refused("TN382"):
            next(items)


def test_an_array_lent_before_stays() -> None:
    x = tn.arange(3.0)
    array = x.numpy()
    y = tn.move(x).mut()
    y += 1
    assert (array.tolist(), y.tolist()) == ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("pending", [True, False])
def test_a_place_keeps_what_was_moved_under_another_name(pending: bool) -> None:
    x = tn.arange(3.0) + 1
    v, u = x.mut(), tn.zeros(3).mut()
    u.data = x
    window = v.data
    if not pending:
        x.tolist()
    y = tn.move(x)
    assert ((v * 2).tolist(), (2 * u).tolist(), v.sum().item()) == ([2, 4, 6], [2, 4, 6], 6)
    window[0] = 0.0
    u += y
    assert (y.tolist(), v.tolist(), u.tolist()) == ([1, 2, 3], [0, 2, 3], [2, 4, 6])
    z = tn.move(v.value)
    assert (v @ z).item() == 13.0 and (v + v).tolist() == [0, 4, 6]


def test_gradients_flow_through_moves() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    x = w * 3
    y = tn.move(x)
    loss = (tn.move(y) * w).sum()
    loss.backward()
    assert w.grad.tolist() == [6.0, 12.0]


@pytest.mark.parametrize("read_between", [False, True])
def test_a_moved_leaf_is_the_leaf(read_between: bool) -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    old = w.data
    loss = (w * w).sum()
    if read_between:
        loss.item()
    v = tn.move(w)
    loss.backward()
    assert v.grad.tolist() == [2.0, 4.0] and v.is_leaf and v.requires_grad and type(v) is tn.Var
    with tn.no_grad():
        v -= 1
    with refused("TN597") as caught:
        old.zero_()
    assert "moved here" in str(caught.value)
    assert old.tolist() == [1.0, 2.0]
    (v * 3).sum().backward()
    assert v.grad.tolist() == [5.0, 7.0]


@pytest.mark.parametrize("pending", [False, True])
def test_a_move_is_no_step_that_a_backward_could_consume(pending: bool) -> None:
    w = tn.ones(2, requires_grad=True)
    w.data += 1
    if not pending:
        w.tolist()
    y = tn.move(w.value)
    losses = [(w * 2).sum(), (w * 3).sum(), (y * 4).sum(), (y * 5).sum()]
    for loss in losses:
        loss.backward()
    assert w.grad.tolist() == [14.0, 14.0]


def test_a_graph_keeps_what_it_needs() -> None:
    w = tn.ones(2, requires_grad=True)
    x = computed(tn.arange(2.0) + 5)
    loss = (w * x).sum()
    loss.item()
    y = tn.move(x).mut()
    y.zero_()
    y.tolist()
    loss.backward()
    assert w.grad.tolist() == [5.0, 6.0]


def test_moves_inside_transforms() -> None:
    def f(x: Any) -> Any:
        y = tn.move(x)
        return (tn.move(y * y) * y).sum()

    x = tn.tensor([1.0, 2.0])
    assert tn.grad(f)(x).tolist() == [3.0, 12.0]
    assert tn.grad(lambda a: f(a))(tn.move(x)).tolist() == [3.0, 12.0]
    out, pull = tn.vjp(lambda a: (tn.ones(2), a * 2), tn.ones(2))
    tn.move(out)
    assert pull((tn.ones(2), tn.ones(2)))[0].tolist() == [2.0, 2.0]


def test_optimizers_and_modules_hold_names() -> None:
    layer = nn.Linear(2, 2)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    weight = tn.move(layer.weight)
    assert type(weight) is nn.Parameter and weight.requires_grad
    with refused("TN382"):
        layer(tn.ones(1, 2))
    with refused("TN382"):
        optimizer.step()
    layer.weight = weight
    layer(tn.ones(1, 2))


Pair = namedtuple("Pair", "first second")


def test_containers_are_moved_by_their_tensors() -> None:
    x, v, w = tn.ones(2), place(2.0), tn.zeros(1, requires_grad=True)
    tree = {"a": [x, (v, 3)], "b": Pair(w, x)}
    new = tn.move(tree)
    assert type(new["b"]) is Pair and new["a"][1][1] == 3
    assert new["a"][0] is new["b"].second and new["a"][0].tolist() == [1.0, 1.0]
    assert type(new["a"][1][0]) is tn.Var and new["b"].first.requires_grad
    for dead in (x, v, w):
        with refused("TN382"):
            dead + 1
    with refused("TN382"):
        tn.move(tree)
    with pytest.raises(tn.DTypeError, match="move takes"):
        tn.move(3)  # type: ignore[arg-type]


def test_nothing_of_a_container_is_moved_if_something_cannot_be() -> None:
    x, v = tn.ones(2), place(1.0)
    with v.borrow(), refused("TN506"):
        tn.move([x, v])
    assert (x + v).tolist() == [2.0, 2.0]


def test_what_is_lent_is_not_moved() -> None:
    v = place(1.0, 2.0)
    with v.borrow() as t:
        with refused("TN506"):
            tn.move(v)
        with refused("TN506"):
            tn.move(t)
    with v.borrow_mut() as m, refused("TN503"):
        m += 1
        tn.move(v)
    assert v.tolist() == [2.0, 3.0]


def test_a_moved_borrow_takes_loan_and_parts_with_it() -> None:
    v = place(1.0, 2.0, 3.0)
    with v.borrow_mut() as m:
        part = m[1:]
        k = tn.move(m)
        part += 1
        assert k.tolist() == [1.0, 3.0, 4.0]
        k[0] = 5.0
        with refused("TN382"):
            m[0] = 6.0
        with refused("TN503"):
            v.sum()
    k += 1
    assert v.tolist() == [6.0, 4.0, 5.0]


def test_copies_of_what_was_moved_are_refused() -> None:
    x = tn.ones(2)
    tn.move(x)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps, np.asarray, list, bool):
        with refused("TN382"):
            copied(x)


def test_a_moved_buffer_is_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the same operations, the result lies where the moved operand lay; kept, it is copied."""
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)
    n = (1 << 16) + 3

    def address(x: Any) -> int:
        return int(array_of(x).ctypes.data)

    for _ in range(4):
        x = computed(tn.rand(n))
        where = address(x)
        y = computed(tn.move(x) * 2 + 1)
        assert isinstance(x, tn.Tensor)
        moved = str(tn.explain())
        assert address(y) == where
        assert "in place: kernel 0 writes %" in moved and "input %0, which was moved" in moved
    for _ in range(4):
        kept = computed(tn.rand(n))
        y = computed(kept * 2 + 1)
        assert address(y) != address(kept)
    assert "moved" not in str(tn.explain()) and "copied" in str(tn.explain())


def test_a_move_of_what_was_read_before_is_reused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)
    n = (1 << 16) + 5
    for _ in range(4):
        x = computed(tn.rand(n))
        total = x.sum()
        where = array_of(x).ctypes.data
        y = tn.move(x) * 2
        computed(y)
        assert array_of(y).ctypes.data == where
        total.item()


def test_another_thread_has_recorded_on_it() -> None:
    x = computed(tn.arange(4.0))
    results: list[Any] = []
    recorded, moved = threading.Event(), threading.Event()

    def work() -> None:
        y = x * 2
        recorded.set()
        moved.wait(30)
        results.append(y.tolist())

    thread = threading.Thread(target=work)
    thread.start()
    recorded.wait(30)
    z = tn.move(x)
    moved.set()
    thread.join()
    assert (results, (z + 1).tolist()) == ([[0.0, 2.0, 4.0, 6.0]], [1.0, 2.0, 3.0, 4.0])


def test_moves_keep_nothing_alive() -> None:
    gc.disable()
    try:
        x = computed(tn.rand(1000))
        import weakref

        gone = weakref.ref(x)
        y = tn.move(x)
        del x
        assert gone() is None
        there = weakref.ref(y)
        del y
        assert there() is None
    finally:
        gc.enable()
