"""Ways of an operand through other kinds of values, parts of places, rules within rules, and interrupts."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import tenure as tn
from tenure import nn


def seen(x: Any) -> bool:
    """Whether its numbers can be read here: not those of one example."""
    try:
        x.detach().tolist()
    except tn.VmapError:
        return False
    return True


def beside(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An operand, and what a function of its numbers changes of them: nothing."""

    def detour(x: Any) -> Any:
        return x + (function(x.detach()) - x.detach()) if seen(x) else x

    return detour


def sparse_rows(x: Any) -> Any:
    w = nn.Parameter(x * 1)
    with tn.enable_grad():
        y = nn.functional.embedding(tn.tensor([1, 0, 1]), w, sparse=True)
        (y * y).sum().backward()
    g: Any = w.grad
    return x + ((g.to_dense() if isinstance(g, tn.SparseRows) else g) - x * 2 * tn.tensor([[1.0], [2.0]]).to(x.dtype))


def shared(x: Any) -> Any:
    s = tn.Shared(x)
    s.add_(tn.ones(2, 3, dtype=x.dtype))
    for row in range(2):
        s.add_(-tn.ones(3, dtype=x.dtype), row)
    return s.value


def halves_of_a_place(x: Any) -> Any:
    v = tn.zeros(2, 3, dtype=x.dtype).mut()
    with v.split_at_mut(1) as (a, b):
        a[...], b[...] = x[:1], x[1:]
    with v.chunks_mut(1) as parts:
        for k, part in enumerate(parts):
            part += x[k]
    with v.get_disjoint_mut(0, 1) as (a, b):
        a *= 0.5
        b *= 0.5
    return v.value


def moved_borrow(x: Any) -> Any:
    v = (x * 1).mut()
    b = v.borrow_mut()
    b[0] = x[0]
    c = tn.move(b)
    c[1] = x[1]
    return v.value


def saved(x: Any) -> Any:
    file = io.BytesIO()
    tn.save({"x": x}, file)
    file.seek(0)
    return tn.load(file)["x"]


def copied_layer(x: Any) -> Any:
    layers = nn.ParameterList([nn.Parameter(x * 1)])
    twin = copy.deepcopy(layers)
    layers[0].data.zero_()
    return twin[0].detach()


def numbers(x: Any) -> Any:
    whole, truth = tn.ones(2, 3, dtype=tn.int64), tn.ones(2, 3, dtype=tn.bool)
    return (x * whole * truth + tn.zeros(3, dtype=tn.int32)) ** tn.tensor([1, 1, 1])


def empty(x: Any) -> Any:
    none = x[:0]
    masked = x[tn.zeros(2, 3, dtype=tn.bool)]
    return tn.concat([none, x]) + none.sum() + masked.sum() + (none @ x.T).sum()


def rows(x: Any) -> Any:
    v = tn.zeros(2, 3, dtype=x.dtype).mut()
    for i in range(2):
        v[i] = x[i] * 2
        v[i] -= x[i]
    w = v.value
    v.zero_()
    return w + v


def second_derivative(x: Any) -> Any:
    if not x.requires_grad or not tn.is_grad_enabled():
        return x
    (g,) = tn.autograd.grad((x**3).sum(), x, create_graph=True, retain_graph=True)
    (h,) = tn.autograd.grad(g.sum(), x, create_graph=True, retain_graph=True)
    return x + (h - 6 * x)


def stop(g: Any) -> Any:
    raise KeyboardInterrupt


def interrupted_hook(x: Any) -> Any:
    z = x * 1
    if z.requires_grad and seen(x) and tn.is_grad_enabled():
        with z.register_hook(stop), suppress(KeyboardInterrupt):
            tn.autograd.grad((z * z).sum(), x, retain_graph=True)
    return z


def interrupted_backward(x: Any) -> Any:
    w = tn.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with tn.enable_grad():
        y = w * w
        loss = (y * w).sum()
        with y.register_hook(stop), suppress(KeyboardInterrupt):
            loss.backward(retain_graph=True)
        w.grad = None
        loss.backward()
    assert w.grad is not None and w.grad.tolist() == [3.0, 12.0, 27.0]
    return x


@tn.custom_vjp
def by_vjp(x: Any) -> Any:
    return x * x


by_vjp.defvjp(lambda x: (x * x, (x,)), lambda kept, g: (2 * kept[0] * g,))


@tn.custom_jvp
def by_jvp(x: Any) -> Any:
    return x * x


by_jvp.defjvp(lambda x, t: (x[0] * x[0], 2 * x[0] * t[0]))


@tn.custom_jvp
def jvp_of(x: Any) -> Any:
    return by_vjp(x)


jvp_of.defjvp(lambda x, t: tn.jvp(lambda x: by_vjp(x) - by_jvp(x) + x * x, tuple(x), tuple(t)))


@tn.custom_vjp
def vjp_of(x: Any) -> Any:
    return by_jvp(x)


vjp_of.defvjp(lambda x: (by_jvp(x), (x,)), lambda kept, g: tn.vjp(by_jvp, kept[0])[1](g))

KINDS: dict[str, Callable[[Any], Any]] = {
    "sparse rows": beside(sparse_rows),
    "Shared": beside(shared),
    "parts of a place": beside(halves_of_a_place),
    "a moved borrow": beside(moved_borrow),
    "a file": beside(saved),
    "a copied layer": beside(copied_layer),
    "whole numbers": numbers,
    "nothing at all": empty,
    "single numbers": lambda x: tn.stack([x[i, j][()] for i in range(2) for j in range(3)]).reshape(2, 3),
    "rows in place": rows,
    "a second derivative": second_derivative,
    "an interrupted hook": interrupted_hook,
    "an interrupted backward": interrupted_backward,
    "jvp of custom_vjp": lambda x: jvp_of(x) - x * x + x,
    "vjp of custom_jvp": lambda x: vjp_of(x) - x * x + x,
}
