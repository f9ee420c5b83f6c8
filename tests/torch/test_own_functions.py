"""Autograd Functions of one's own: what ``forward`` sees, and a backward through rules alone beside the walk of all."""

from __future__ import annotations

import gc
import random
import weakref
from typing import Any

import numpy as np
import pytest

import tenure.torch as torch
from tenure.errors import BorrowError
from tenure.values.grad import autograd


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        assert x.requires_grad and not torch.is_grad_enabled()
        ctx.x = x
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 3 * ctx.x**2


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, drop: bool) -> Any:
        ctx.save_for_backward(x, y)
        ctx.drop = drop
        return x * y, x + y

    @staticmethod
    def backward(ctx: Any, a: Any, b: Any) -> Any:
        x, y = ctx.saved_tensors
        return a * y + b, None if ctx.drop else a * x + b, None


def test_arguments_are_themselves() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    assert g.tolist() == [3.0, 12.0]
    assert torch.autograd.grad(g.sum(), x)[0].tolist() == [6.0, 12.0]  # by ctx.x, which nothing saved


def program(seed: int, leaves: list[Any]) -> Any:
    """A number made by random operations and Functions of some leaves."""
    rng = random.Random(seed)
    made = list(leaves)
    for _ in range(rng.randrange(2, 14)):
        x, y = rng.choice(made), rng.choice(made)
        kind = rng.randrange(4)
        if kind == 0 and x.requires_grad:
            made.append(Cube.apply(x * 0.5))
        elif kind == 1 and (x.requires_grad or y.requires_grad):
            made += Product.apply(x, y, rng.random() < 0.3)
        else:
            made.append(torch.tanh(x) - y if kind == 2 else x * y * 0.5)
    return sum([m.sum() for m in made[len(leaves) :]], torch.zeros(()))


def gradients(seed: int, short: bool, held: bool, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Gradients of the leaves of a program after two backwards, by the short walk or by the one of all."""
    numbers = np.random.default_rng(seed)
    leaves = [torch.tensor(numbers.uniform(-1, 1, 3)).requires_grad_() for _ in range(3)]
    for w in leaves if held else ():
        w.grad = torch.ones_like(w)
    with monkeypatch.context() as patch:
        if not short:
            patch.setattr(autograd, "ruled_walk", lambda root, keep: False)
        out = program(seed, leaves)
        if not out.requires_grad:
            return []
        out.backward(retain_graph=True)
        out.backward()
    return [None if w.grad is None else w.grad.numpy().copy() for w in leaves]


@pytest.mark.parametrize("held", [False, True])
def test_a_backward_through_rules_alone_is_that_of_all(held: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(25):
        mine, theirs = (gradients(seed, short, held, monkeypatch) for short in (True, False))
        for g, other in zip(mine, theirs, strict=True):
            assert (g is None) == (other is None)
            assert g is None or np.array_equal(g, other)


class Kept(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, q: Any) -> Any:
        ctx.save_for_backward(q)
        return x * 1

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0], None


def test_a_silent_write_of_what_forward_saved_stops_the_backward() -> None:
    x, q = torch.ones(3, requires_grad=True), torch.ones(3) * 2
    out = Kept.apply(x, q).sum()
    q.data.add_(1)
    with pytest.raises(BorrowError, match="TN506"):
        out.backward()


def test_a_silent_write_of_a_saved_result_stops_the_backward() -> None:
    for dropped in (False, True):
        x, w = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
        q = w * 2
        out = Kept.apply(x, q).sum()
        q.data.add_(1)
        if dropped:
            del q
        with pytest.raises(BorrowError, match="TN506"):
            out.backward()


def test_a_graph_through_functions_goes_without_the_collector() -> None:
    class Marked(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            ctx.save_for_backward(x, x * 2)
            return x.mul_(2)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 + 0 * ctx.saved_tensors[1]

    w, made = torch.ones(3, requires_grad=True), []
    gc.collect()
    gc.disable()
    try:
        for backward in (True, False, True):
            y = w * 2
            a, b = Product.apply(y, y + 1, False)
            z = Marked.apply(a + b)
            made += [weakref.ref(t) for t in (y, a, z)] + [weakref.ref(t._val) for t in (y, a, z)]
            if backward:
                z.sum().backward()
            del y, a, b, z
        assert w.grad is not None and w.grad.tolist() == [56.0] * 3
        assert [r() for r in made] == [None] * len(made)
    finally:
        gc.enable()


def unmaterialized(lib: Any, log: list[Any], name: str = "f") -> Any:
    """A Function of three results whose backward logs which of them have a gradient."""

    class Powers(lib.autograd.Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return x * 2, x**2, x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, *gs: Any) -> Any:
            log.append((name, [g is None for g in gs]))
            (x,) = ctx.saved_tensors
            return sum(g * f for g, f in zip(gs, (2, 2 * x, 3 * x * x), strict=True) if g is not None)

    return Powers


def second(lib: Any, w: Any, f: Any) -> Any:
    a, b, _ = f(w)
    (g,) = lib.autograd.grad((b * b).sum(), w, create_graph=True)
    return (g * g).sum() + (g * a).sum()


def hooked(lib: Any, w: Any, f: Any) -> Any:
    y = f(w)[2]
    y.register_hook(lambda g: g * 2)
    return y


def again(lib: Any, w: Any, f: Any) -> Any:
    a, b, c = f(w)
    b.sum().backward(retain_graph=True)
    c.sum().item()
    return a + c


USES: dict[str, Any] = {
    "one": lambda lib, w, f: f(w)[1],
    "two": lambda lib, w, f: f(w)[0] * f(w)[2],
    "detached": lambda lib, w, f: f(w)[0].detach() * f(w)[2],
    "zero": lambda lib, w, f: f(w)[0] * 0 + lib.floor(f(w)[1]),
    "picked": lambda lib, w, f: lib.stack(f(w)[:2])[1],
    "nested": lambda lib, w, f: unmaterialized(lib, LOG, "inner").apply(f(w)[2] * 2)[0],
    "vmapped": lambda lib, w, f: lib.func.vmap(lambda x: f(x)[1])(w),
    "second": second, "hooked": hooked, "again": again,
}  # fmt: skip
LOG: list[Any] = []


@pytest.mark.peers
@pytest.mark.parametrize("name", USES)
def test_a_result_without_a_gradient_is_none(name: str) -> None:
    seen = []
    for lib in (torch, pytest.importorskip("torch")):
        LOG.clear()
        w = lib.tensor([0.5, -2.0, 3.0], dtype=lib.float64, requires_grad=True)
        USES[name](lib, w, unmaterialized(lib, LOG).apply).sum().backward()
        seen.append((sorted(LOG), w.grad.tolist()))
    assert seen[0] == seen[1]


def test_a_backward_that_failed_leaves_no_note() -> None:
    LOG.clear()
    w = torch.ones(2, requires_grad=True)
    a, b, _ = unmaterialized(torch, LOG).apply(w)
    hook = a.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (a + b).sum().backward(retain_graph=True)
    hook.remove()
    b.sum().backward()
    assert LOG == [("f", [True, False, True])]
