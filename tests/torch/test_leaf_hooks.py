"""Hooks of leaves run as soon as nothing more comes to the leaf, in PyTorch's order, home and in the face."""

from __future__ import annotations

from typing import Any

import pytest

import tenure as tn
import tenure.torch as face

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


def watched(m: Any, name: str, x: Any, log: list[Any], others: Any = ()) -> Any:
    """Let a leaf and a result write their cotangents, and the gradients that others have by then, into a log."""

    def look(g: Any) -> None:
        seen = [None if o.grad is None else o.grad.tolist() for o in others]
        log.append((name, g.tolist(), *seen))

    x.register_hook(look)
    if x.is_leaf:
        x.register_post_accumulate_grad_hook(lambda p: log.append((name, "accumulated", p.grad.tolist())))
    return x


def chain(m: Any, log: list[Any]) -> None:
    u, v, w = (m.tensor([k + 1.0, -k], requires_grad=True) for k in range(3))
    for name, leaf in (("u", u), ("v", v), ("w", w)):
        watched(m, name, leaf, log)
    a = watched(m, "a", u * v, log, (u, v, w))
    b = watched(m, "b", a * w, log, (u, v, w))
    (b * b).sum().backward()


def used_twice(m: Any, log: list[Any]) -> None:
    u, v = (m.tensor([k + 2.0], requires_grad=True) for k in range(2))
    for name, leaf in (("u", u), ("v", v)):
        watched(m, name, leaf, log)
    a = watched(m, "a", u * 3.0, log, (u, v))
    b = watched(m, "b", (a * v).sin(), log, (u, v))
    (b * u).sum().backward()
    (u * v).sum().backward()


def with_a_graph(m: Any, log: list[Any]) -> None:
    u, v, w = (m.tensor([k + 1.0, -k], requires_grad=True) for k in range(3))
    for name, leaf in (("u", u), ("v", v), ("w", w)):
        watched(m, name, leaf, log)
    a = watched(m, "a", u * v, log, (u, v, w))
    a.sum().item()
    b = watched(m, "b", a * w, log, (u, v, w))
    (b * b).sum().backward(create_graph=True)


def step_in_backward(m: Any, log: list[Any]) -> None:
    u, v = (m.tensor([k + 2.0], requires_grad=True) for k in range(2))

    def step(p: Any) -> None:
        with m.no_grad():
            p.data = p.data - 0.5 * p.grad
        p.grad = None

    for leaf in (u, v):
        leaf.register_post_accumulate_grad_hook(step)
    a = watched(m, "a", u.exp(), log, (u, v))
    for _ in range(2):
        (watched(m, "b", a * v, log, (u, v)) if _ else u.exp() * v).sum().backward()
        log.append((u.tolist(), v.tolist(), u.grad, v.grad))


def flat(xs: Any) -> list[Any]:
    """The items of nested lists."""
    return [y for x in xs for y in (flat(x) if isinstance(x, list | tuple) else [x])]


@pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph")
@pytest.mark.parametrize("lib", [tn, face], ids=["home", "face"])
@pytest.mark.parametrize("program", [chain, used_twice, with_a_graph, step_in_backward])
def test_leaves_are_complete_when_pytorchs_are(program: Any, lib: Any) -> None:
    said: list[list[Any]] = [[], []]
    for m, log in zip((torch, lib), said, strict=True):
        program(m, log)
    assert len(said[0]) == len(said[1])
    for wanted, got in zip(*said, strict=True):
        assert flat(got) == [pytest.approx(y, rel=1e-6) if isinstance(y, float) else y for y in flat(wanted)]


@pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph")
@pytest.mark.parametrize("hooked", [False, True])
def test_a_hook_of_a_double_leaves_others_their_gradients(hooked: bool) -> None:
    found = []
    for m in (torch, face):
        u, v, w = (m.tensor([0.5 + 0.1 * k, 0.2], requires_grad=True) for k in range(3))
        a = u.exp()
        if hooked:
            a.register_hook(lambda g: None)
        b = v + w
        b.sum().item()
        (a * b).sum().backward(create_graph=True)
        (u.grad * u.grad).sum().backward()
        found.append([x.grad.tolist() for x in (u, v, w)])
    assert flat(found[1]) == pytest.approx(flat(found[0]), rel=1e-5)
