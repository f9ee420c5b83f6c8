"""Ways of an operand through a feature that changes no number."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import tenure as tn
from tenure import nn, optim
from tests.detours_of_kinds import KINDS, seen

Binary = Callable[[Any, Any], Any]
MASK = tn.tensor([[True, False, True], [False, False, True]])


class Stop(Exception):
    """What programs raise and catch."""


class Twice(tn.autograd.Function):
    """a b by a rule."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        a, b = ctx.saved_tensors
        return g * b, g * a


@tn.custom_vjp
def same(x: Any) -> Any:
    return x * 1


same.defvjp(lambda x: (x * 1, (x,)), lambda kept, g: (g * (kept[0] * 0 + 1),))


@tn.custom_jvp
def likewise(x: Any) -> Any:
    return x * 1


likewise.defjvp(lambda x, t: (x[0] * 1, t[0] * 1))


def place(x: Any) -> Any:
    v = tn.zeros(2, 3, dtype=x.dtype).mut()
    v[0] = x[0]
    v[1:] = x[1:]
    return v.value


def borrowed(x: Any) -> Any:
    d = x.detach()
    v = (d * 1).mut()
    w = v.borrow_mut()
    w[0] = d[0] * 2
    w[0] -= d[0]
    return x + (v - d)


def lent(x: Any) -> Any:
    v = (x * 1).mut()
    with v.borrow() as t:
        y = t * 1
    with v.borrow_mut() as m:
        m += 1
        m[...] = m - 1
    return y + (v - x).detach()


def parts(x: Any) -> Any:
    if not seen(x):
        return x
    v = tn.Var(x.detach())
    low, high = v.split_at_mut(1)
    low += 1
    high *= 2
    low -= 1
    high /= 2
    return x + v - x.detach()


def data(x: Any) -> Any:
    v = x.detach().mut()
    v.data = v * 1
    d = v.data
    d[0] = x.detach()[0]
    return x + v - x.detach()


def written(x: Any) -> Any:
    return x.at[0].set(x[0]).at[[1], [2]].set(x[1, 2]).at[MASK].multiply(1.0)


def indexed(x: Any) -> Any:
    return tn.stack([tn.stack([x[i, j] for j in range(3)]) for i in range(2)])


def hooked(x: Any) -> Any:
    y = x * 1
    if y.requires_grad:
        y.register_hook(lambda g: g * 1)
        y.register_hook(lambda g: None)
    return y


def hook_moves(x: Any) -> Any:
    y = x * 1
    if y.requires_grad:
        y.register_hook(tn.move)
    return y


def hook_reads(x: Any) -> Any:
    y = x * 1
    if y.requires_grad:
        y.register_hook(lambda g: (str(g), seen(g), None)[2])
    return y


def retained(x: Any) -> Any:
    y = x * 1
    if y.requires_grad:
        y.retain_grad()
    return y


def read(x: Any) -> Any:
    seen(x)
    return x


def aside(x: Any) -> Any:
    """A training step of something else."""
    try:
        with tn.enable_grad():
            train()
    except tn.VmapError as error:
        assert "random" in str(error), error
    return x


def train() -> None:
    layer = nn.Linear(3, 2)
    step = optim.Adam(layer.parameters(), lr=0.1)
    layer(tn.ones(2, 3)).sum().backward()
    step.step()
    step.zero_grad()


def gradient_aside(x: Any) -> Any:
    if x.requires_grad:
        y = (x * x).sum()
        (g,) = tn.autograd.grad(y, x, retain_graph=True, create_graph=True)
        return x + (g - 2 * x)
    return x


def without(x: Any) -> Any:
    with tn.no_grad():
        y = x * 3
    with tn.inference_mode():
        z = x * 2
    return x + (y.detach() - z.detach() - x.detach())


def drawn(x: Any) -> Any:
    try:
        return x + tn.rand(2, 3, dtype=x.dtype) * 0
    except tn.VmapError:
        return x


def dropped_out(x: Any) -> Any:
    return nn.functional.dropout(x, 0.0)


def rounded(x: Any) -> Any:
    return (x + 0j).real if x.dtype == tn.float64 else x


def turned(x: Any) -> Any:
    y = x
    for _ in range(700):
        y = y * 1 + 0
    return y


def garbage(x: Any) -> Any:
    gc.collect()
    return x


def raised(x: Any) -> Any:
    with suppress(Stop):
        raise Stop(x * 5)
    with suppress(IndexError):
        x[5]
    with suppress(tn.ShapeError):
        x @ x
    return x


def copied(x: Any) -> Any:
    d = x.detach()
    return x + (copy.deepcopy(d) - copy.copy(d))


def pickled(x: Any) -> Any:
    if not seen(x):
        return x
    d = x.detach()
    return x + (pickle.loads(pickle.dumps(d)) - d)


def reshaped(x: Any) -> Any:
    return x.T.reshape(3, 2).T.reshape(6)[None].reshape(2, 3)


def joined(x: Any) -> Any:
    return tn.concat([x[:1], x[1:], x[:0]])


def in_place(x: Any) -> Any:
    v = tn.Var(x * 1)
    v += x
    v *= 0.5
    v.add_(1).sub_(1)
    return v.value


def embedded(x: Any) -> Any:
    return nn.functional.embedding(tn.tensor([0, 1]), x)


@tn.checked
def taken(x: tn.Own[tn.Tensor]) -> tn.Tensor:
    return x * 1


@tn.checked
def referred(x: tn.Ref[tn.Tensor]) -> tn.Tensor:
    return x * 1


@tn.checked
def changed(x: tn.Mut[tn.Var]) -> None:
    x += 1
    x -= 1


def mutably(x: Any) -> Any:
    v = tn.Var(x)
    changed(v)
    return v.value


DETOURS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda x: x,
    "move": tn.move,
    "move a copy": lambda x: tn.move(x * 1),
    "move in a list": lambda x: tn.move([x * 1, {"x": x}])[1]["x"],
    "a place": place,
    "borrow_mut": borrowed,
    "loans": lent,
    "parts": parts,
    "data": data,
    "move of a place": lambda x: tn.move(tn.Var(x)).value,
    "mut of a moved": lambda x: tn.move(x * 1).mut().value,
    "at": written,
    "elements": indexed,
    "a hook": hooked,
    "a hook that moves": hook_moves,
    "a hook that reads": hook_reads,
    "retain_grad": retained,
    "a read": read,
    "a print": lambda x: (str(x), x)[1],
    "an optimizer": aside,
    "a gradient aside": gradient_aside,
    "no_grad": without,
    "a draw": drawn,
    "dropout": dropped_out,
    "complex": rounded,
    "many turns": turned,
    "garbage": garbage,
    "an error": raised,
    "a copy": copied,
    "a pickle": pickled,
    "reshape": reshaped,
    "concat": joined,
    "in place": in_place,
    "an embedding": embedded,
    "custom_vjp": same,
    "custom_jvp": likewise,
    "a function": lambda x: Twice.apply(x, tn.ones_like(x)),
    "Own": lambda x: taken(x * 1),
    "Ref": referred,
    "Mut": mutably,
    **KINDS,
}
