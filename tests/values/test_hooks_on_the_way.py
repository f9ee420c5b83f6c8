"""Which hooks a gradient calls, and which parts of a graph it finds, with other threads and transforms between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn


@tn.custom_vjp
def same(x: Any) -> Any:
    """x, by a rule."""
    return x * 1


same.defvjp(lambda x: (x * 1, ()), lambda kept, g: (g * 1,))


def elsewhere(f: Callable[[Any], Any], x: Any) -> Any:
    """What f gives in another thread."""
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(f(x)))
    thread.start()
    thread.join()
    return got[0]


@pytest.mark.parametrize("read", [False, True])
def test_a_hook_off_the_way_is_not_called(read: bool) -> None:
    w, v = (tn.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    seen: list[Any] = []
    y = w * 1
    y.register_hook(seen.append)
    y.retain_grad()
    out = (y * y * same(v)).sum()
    if read:
        out.item()
    (g,) = tn.autograd.grad(out, v, retain_graph=True)
    assert g.tolist() == [1.0, 4.0] and not seen and y.grad is None
    tn.autograd.grad(out, w)
    assert [x.tolist() for x in seen] == [[2.0, 8.0]] and y.grad is not None


def test_no_hook_sees_what_a_transform_computes_for_itself() -> None:
    seen: list[Any] = []

    def loss(x: Any) -> Any:
        y = x * 1
        y.register_hook(seen.append)
        out, _ = tn.jvp(lambda a: same(a) * a, (y,), (y.detach(),))
        return out.sum()

    assert tn.grad(loss)(tn.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert [x.tolist() for x in seen] == [[2.0, 4.0]]


THROUGH: dict[str, Callable[[Any], Any]] = {
    "alone": lambda x: elsewhere(lambda x: x * x * x, x),
    "and then here": lambda x: elsewhere(lambda x: x * x, x) * x,
    "of what is pending": lambda x: elsewhere(lambda y: y * x, x * x),
    "twice": lambda x: elsewhere(lambda y: y * x, elsewhere(lambda x: x * x, x * 1)),
}


@pytest.mark.parametrize("f", THROUGH.values(), ids=THROUGH)
def test_a_transform_finds_what_other_threads_computed(f: Callable[[Any], Any]) -> None:
    x = tn.tensor([1.0, 2.0])
    wanted = [3.0, 12.0]
    assert tn.grad(lambda x: f(x).sum())(x).tolist() == wanted
    assert tn.vjp(f, x)[1](tn.ones(2))[0].tolist() == wanted
    assert tn.jacrev(f)(x).sum(axis=0).tolist() == wanted
    assert tn.grad(lambda x: tn.checkpoint(f, x).sum())(x).tolist() == wanted
    for forward in (lambda: tn.jvp(f, (x,), (x,)), lambda: tn.jacfwd(f)(x)):
        with pytest.raises(tn.GradientError, match="another thread has computed"):
            forward()


@pytest.mark.parametrize("read", ["nothing", "z", "u"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_gradient_of_a_result_finds_what_other_threads_made_of_it(read: str, create_graph: bool) -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    z = w * 1
    a = z * z
    if read == "z":
        z.tolist()
    u = elsewhere(lambda z: z * z, z)
    if read == "u":
        u.tolist()
    out = (u * a * z).sum()
    for _ in range(2):  # at first the trace is in progress, then it has run
        (g,) = tn.autograd.grad(out, z, create_graph=create_graph, retain_graph=True)
        assert g.tolist() == [5.0, 80.0]
    z.retain_grad()
    out.backward()
    assert z.grad is not None and w.grad is not None
    assert z.grad.tolist() == w.grad.tolist() == [5.0, 80.0]


@pytest.mark.parametrize("watch", ["a look", "another cotangent", "retained", "on a leaf"])
@pytest.mark.parametrize("late", [False, True])
def test_a_read_before_changes_no_hook_of_a_gradient_that_is_differentiated(watch: str, late: bool) -> None:
    def run(read: bool) -> Any:
        seen: list[Any] = []
        x = tn.tensor([0.5, 1.5], requires_grad=True)
        h = x.sin()
        y = (h * h * h).sum()
        if read and late:
            y.item()
        if watch == "retained":
            h.retain_grad()
        elif watch == "another cotangent":
            h.register_hook(lambda g: g * g)
        else:
            (h if watch == "a look" else x).register_hook(lambda g: seen.append(g.tolist()))
        if read:
            y.item()
        (g,) = tn.autograd.grad(y, x, create_graph=True)
        (again,) = tn.autograd.grad((g * g).sum(), x)
        return seen, g.tolist(), again.tolist(), h.grad is not None and h.grad.tolist()

    assert run(read=True) == run(read=False)
