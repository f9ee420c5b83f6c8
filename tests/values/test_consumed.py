"""What a backward() consumes: only operations whose gradient needs a saved value, whoever walked them (TN382)."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F
from tenure.values.native import hits
from tenure.values.rules import paths, spending
from tenure.values.rules.rows import history_of
from tenure.values.trace.record import RECORDER

X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])


def leaf(values: Any = X) -> Any:
    return tn.tensor(values, dtype=tn.float64, requires_grad=True)


FREE: dict[str, Callable[[Any], Any]] = {
    "cast": lambda x: x.to(tn.float32),
    "view": lambda x: x.reshape(3, 2),
    "transpose": lambda x: x.T,
    "add a number": lambda x: x + 1,
    "add a tensor": lambda x: x + tn.ones(2, 3, dtype=tn.float64),
    "subtract from": lambda x: 1 - x,
    "negate": lambda x: -x,
    "multiply by a number": lambda x: x * 2.5,
    "divide by a number": lambda x: x / 4,
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(axis=0),
    "element": lambda x: x[0, 1],
    "row": lambda x: x[-1],
    "slice": lambda x: x[:, ::2],
    "new axis": lambda x: x[None],
    "expand": lambda x: tn.broadcast_to(x[:1], (4, 3)),
    "concat": lambda x: tn.concat([x, x]),
    "stack": lambda x: tn.stack([x, -x]),
    "flip": lambda x: tn.flip(x),
    "written part": lambda x: x.at[0].set(1.0),
    "clone": lambda x: x.clone(),
    "with itself": lambda x: x + x,
    "several": lambda x: ((x + 1).reshape(6)[1:] * 3 - 2).sum(),
    "examples": lambda x: tn.vmap(lambda row: row * 2 + 1)(x),
    "checkpoint": lambda x: tn.checkpoint(lambda y: y * 2 + 1)(x),
}
SPENT: dict[str, Callable[[Any], Any]] = {
    "square": lambda x: x * x,
    "exp": lambda x: x.exp(),
    "exp, and then a number": lambda x: x.exp() + 1,
    "multiply by a tensor": lambda x: x * tn.full((2, 3), 3.0, dtype=tn.float64),
    "divide a number": lambda x: 1 / x,
    "power": lambda x: x**3,
    "product": lambda x: x @ x.T,
    "rows by an index tensor": lambda x: x[tn.tensor([1, 0])],
    "mask": lambda x: x[tn.tensor(X > 0)],
    "largest": lambda x: x.max(),
    "choice": lambda x: tn.where(x > 0, x, 0.0),
    "relu": lambda x: x.relu(),
    "softmax": lambda x: F.softmax(x, dim=-1),
    "examples": lambda x: tn.vmap(lambda row: row * row)(x),
}


def read(y: Any, how: str) -> None:
    if how == "run":
        y.detach().numpy()


@pytest.mark.parametrize("how", ["pending", "run"])
@pytest.mark.parametrize("name", FREE)
def test_what_needs_no_saved_value_is_differentiated_at_every_step(name: str, how: str) -> None:
    x = leaf()
    y = FREE[name](x)
    read(y, how)
    for step in range(1, 4):
        (y * y).sum().backward()
        other = leaf()
        (FREE[name](other) ** 2).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), step * other.grad.numpy(), rtol=1e-6)
        read(y, how)


@pytest.mark.parametrize("how", ["pending", "run"])
@pytest.mark.parametrize("name", SPENT)
def test_what_needs_one_is_consumed(name: str, how: str) -> None:
    x = leaf()
    y = SPENT[name](x)
    read(y, how)
    (y * 2).sum().backward()
    first = x.grad.numpy().copy()
    for _ in range(2):
        with pytest.raises(tn.UseAfterMove, match="TN382"):
            (y * 3).sum().backward()
        y.detach().numpy()
    np.testing.assert_array_equal(x.grad.numpy(), first)


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except tn.UseAfterMove as error:
        return str(error)[:5]
    return "passes"


def elsewhere(call: Callable[[], Any]) -> str:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(outcome(call)))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("state", ["pending", "run", "used in another thread"])
@pytest.mark.parametrize("consumes", [True, False])
@pytest.mark.parametrize(("first", "second"), [(a, b) for a in (outcome, elsewhere) for b in (outcome, elsewhere)])
def test_it_does_not_matter_which_thread_walked_it(first: Any, second: Any, consumes: bool, state: str) -> None:
    p = leaf([1.0, 2.0])
    x = p * p if consumes else p + p
    u = x * 3
    if state == "run":
        x.detach().numpy()
    elif state != "pending":
        elsewhere(lambda: (x * 1.0).detach().numpy())
    assert first(lambda: x.sum().backward()) == "passes"
    later = [second(lambda: u.sum().backward()), second(lambda: x.sum().backward())]
    later.append(first(lambda: (x + 1).sum().backward()))
    assert later == (["TN382"] * 3 if consumes else ["passes"] * 3)
    assert p.grad.tolist() == ([2.0, 4.0] if consumes else [12.0, 12.0])
    u.detach().numpy()
    assert first(lambda: u.sum().backward()) == later[0]


def test_the_other_thread_sees_what_was_consumed_after_it_had_the_value() -> None:
    p = leaf([1.0, 2.0])
    x, step = p * p, threading.Event()
    done, found = threading.Event(), []

    def work() -> None:
        y = x * 2
        y.detach().numpy()
        done.set()
        step.wait(10)
        found.append(outcome(lambda: y.sum().backward()))

    thread = threading.Thread(target=work)
    thread.start()
    done.wait(10)
    x.sum().backward()
    step.set()
    thread.join()
    assert found == ["TN382"]


def test_a_part_of_the_graph_that_was_not_walked_is_not_consumed() -> None:
    p = leaf([1.0, 2.0])
    a, b = p.exp(), p * p
    c = a + b
    b.sum().backward()
    a.sum().backward()
    with pytest.raises(tn.UseAfterMove):
        c.sum().backward()
    np.testing.assert_allclose(p.grad.numpy(), 2 * np.array([1.0, 2.0]) + np.exp([1.0, 2.0]))


def test_the_gradient_of_a_value_is_taken_whatever_became_of_its_past() -> None:
    p = leaf([1.0, 2.0])
    x = p * p
    x.sum().backward()
    assert tn.grad(lambda z: (z * z * z).sum())(x).tolist() == [3.0, 48.0]
    with pytest.raises(tn.UseAfterMove):
        tn.grad(lambda z: (z * z * z).sum())(x).sum().backward()


@pytest.mark.parametrize("how", ["pending", "run"])
def test_further_derivatives_through_what_is_left(how: str) -> None:
    x = leaf([1.0, 2.0, 3.0])
    y = x.to(tn.float32) * 2
    read(y, how)
    (y * y).sum().backward()
    assert x.grad.tolist() == [8.0, 16.0, 24.0]
    (g,) = tn.autograd.grad((y**3).sum(), x, create_graph=True)
    read(g, how)
    (h,) = tn.autograd.grad(g.sum(), x, create_graph=True)
    read(h, how)
    (k,) = tn.autograd.grad(h.sum(), x)
    assert [g.tolist(), h.tolist(), k.tolist()] == [[24.0, 96.0, 216.0], [48.0, 96.0, 144.0], [48.0] * 3]


@pytest.mark.parametrize("how", ["pending", "run"])
def test_a_hook_on_what_is_left_acts_at_every_step(how: str) -> None:
    x, seen = leaf([1.0, 2.0]), []
    y = x + 1
    y.register_hook(lambda g: seen.append(g.tolist()))
    read(y, how)
    for _ in range(3):
        (y * y).sum().backward()
    assert seen == [[4.0, 6.0]] * 3
    assert x.grad.tolist() == [12.0, 18.0]


def test_a_kept_result_pins_no_weights() -> None:
    gc.disable()
    try:
        w = leaf(np.ones(100))
        kept, old = [], []
        for _ in range(5):
            loss = w.sum()
            loss.backward()
            old.append(weakref.ref(w.value))
            with tn.no_grad():
                w -= 0.5 * w.grad
            w.grad = None
            loss.item()
            kept.append(loss)
        assert [loss.item() for loss in kept] == [100.0, 50.0, 0.0, -50.0, -100.0]
        assert [r() for r in old] == [None] * 5
        kept[0].backward()
        assert w.grad.tolist() == [1.0] * 100
    finally:
        gc.enable()


@pytest.mark.parametrize("how", ["pending", "run"])
def test_a_rule_is_consumed_if_it_keeps_residuals(how: str) -> None:
    double, square = tn.custom_vjp(lambda x: x * 2), tn.custom_vjp(lambda x: x * x)
    double.defvjp(lambda x: (x * 2, None), lambda kept, g: (g * 2,))
    square.defvjp(lambda x: (x * x, x), lambda kept, g: (g * 2 * kept,))
    x = leaf([1.0, 2.0])
    y, z, q = double(x), square(x), x * x
    over = square(q)
    read(y, how)
    y.sum().backward()
    y.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    for value in (z, over):
        value.sum().backward()
        with pytest.raises(tn.UseAfterMove):
            value.sum().backward()
    with pytest.raises(tn.UseAfterMove):
        q.sum().backward()


def test_a_path_is_asked_for_what_was_consumed_on_one_that_goes_on_from_it() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    y = w * w
    shorter = RECORDER.trace.point()
    history_of(shorter)
    z = y
    for _ in range(300):
        z = z * 1.5
    (z * z).sum().backward()
    longer = RECORDER.trace.point()
    assert history_of(longer) is history_of(shorter) and history_of(shorter).gradients
    assert spending.consumed_within(shorter) == {}
    assert spending.consumed_within(longer)


@pytest.mark.parametrize("read", [(), ("y",), ("z",), ("y", "z")])
def test_a_gradient_ends_at_what_is_asked_for_before_what_was_consumed(read: tuple[str, ...]) -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    y = w * w
    y.sum().backward()
    if "y" in read:
        y.detach().numpy()
    z = y + 1
    if "z" in read:
        z.detach().numpy()
    assert tn.autograd.grad((z * z).sum(), [z])[0].tolist() == [4.0, 10.0]
    for asked in ([w], [z, w]):
        with pytest.raises(tn.errors.TenureError):
            tn.autograd.grad((z * z).sum(), asked)


@pytest.mark.skipif(hits.CODE is None, reason="there is no generated recorder on this platform")
def test_a_path_has_no_results_behind_its_end() -> None:
    y = tn.tensor([1.0], requires_grad=True) * 2.0
    path = RECORDER.trace.point()
    assert path.results > y._slot
    for ask in (
        lambda slot: paths.walked(path, [slot], [], True),
        lambda slot: paths.tracked(path, (slot,)),
        lambda slot: paths.reached_rows(path, slot),
    ):
        for slot in (path.results, path.results + 10**9):
            with pytest.raises(IndexError):
                ask(slot)
    assert paths.walked(path, [y._slot], [path.results + 10**9], True)[0] == [y._slot]
