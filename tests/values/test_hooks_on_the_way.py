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


def limit(x: Any, seen: list[Any], c: float) -> None:
    """A hook that notes what it is shown and limits it."""
    x.register_hook(lambda g: (seen.append(g.tolist()), g.clip(-c, c))[1])


@pytest.mark.parametrize("read", [False, True])
def test_a_hook_waits_for_the_doubles_of_its_result(read: bool) -> None:
    x, seen = tn.tensor([1.0, 2.0], requires_grad=True), list[Any]()
    a = x * 2
    limit(a, seen, 0.5)
    b = a * 2
    loss = (b * b).sum()
    if read:
        loss.item()
    (g,) = tn.autograd.grad(loss, b, create_graph=True)
    _, h = tn.autograd.grad((g * g).sum() * 0.25 + loss, [b, x], create_graph=True)
    assert (h.tolist(), seen) == ([1.0, 1.0], [[32.0, 64.0]])


@pytest.mark.parametrize("watch", ["hook", "retained"])
@pytest.mark.parametrize("read", ["u", "v", "u v"])
def test_what_another_thread_has_read_calls_no_hook_off_the_way(watch: str, read: str) -> None:
    x, y = (tn.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    seen: list[Any] = []
    u = y * x
    if "u" in read:
        elsewhere(lambda a: a.detach().tolist(), u)
    v = y * 2
    if "v" in read:
        v.tolist()
    w = v * 2
    if watch == "hook":
        w.register_hook(seen.append)
    else:
        w.retain_grad()
    for _ in range(2):
        assert tn.autograd.grad(w.sum(), x, allow_unused=True, retain_graph=True) == (None,)
    assert not seen and w.grad is None


USES: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "square": (lambda z: z * z, [[6.0, 12.0]]),
    "linear": (lambda z: z * 2, [[4.0, 6.0]]),
    "linear and read": (lambda z: read_of(z * 2), [[4.0, 6.0]]),
    "square and read": (lambda z: read_of(z * z), [[6.0, 12.0]]),
}


def read_of(z: Any) -> Any:
    """What has been read."""
    z.detach().tolist()
    return z


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("read", ["nothing", "a", "a out"])
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_waits_for_what_other_threads_made_of_its_result(
    use: str, read: str, kept: bool, create_graph: bool
) -> None:
    x = tn.tensor([1.0, 2.0], requires_grad=True)
    upper, lower = list[Any](), list[Any]()
    y = x * 2
    z = y * 1
    limit(z, upper, 3.0)
    a = z * y
    u = elsewhere(USES[use][0], z)
    limit(y, lower, 3.0)
    if not kept:
        del y, z
    if "a" in read:
        a.tolist()
    out = (u + a).sum()
    if "out" in read:
        out.item()
    for _ in range(2):  # at first the trace may be in progress, then it has run
        upper.clear()
        lower.clear()
        (g,) = tn.autograd.grad(out, x, create_graph=create_graph, retain_graph=True)
        assert (g.tolist(), upper, lower) == ([6.0, 6.0], USES[use][1], [[5.0, 7.0]])


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize(("use", "wanted"), [("square and read", [12.0, 1056.0]), ("linear and read", [16.0, 392.0])])
def test_a_backward_consumes_once_what_threads_have_made_in_turns(use: str, wanted: list[float], read: bool) -> None:
    x = tn.tensor([1.0, 2.0], requires_grad=True)
    z = x * x
    u = elsewhere(USES[use][0], z)
    a = z * z * u
    if read:
        a.tolist()
    out = (u + a).sum()
    out.backward()
    assert x.grad is not None and x.grad.tolist() == wanted
    with pytest.raises(tn.UseAfterMove):
        out.backward()
