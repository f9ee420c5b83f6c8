"""Random programs whose operands and calls go by way of features that change no number.

A program is data: steps (operation, operands) with *detours* on its operands and on its call, and an *ending* that
differentiates it. Without its detours it is its own oracle.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import tenure as tn
from tenure import nn
from tests.detoured_calls import CALLS
from tests.detours import DETOURS, MASK, Binary

ROWS = np.array([1, 0])

OPERATIONS: dict[str, Binary] = {
    "times": lambda a, b: a * b,
    "plus": lambda a, b: a + b * 2,
    "minus": lambda a, b: b - a,
    "square": lambda a, b: a * a,
    "cube": lambda a, b: a**3,
    "reversed": lambda a, b: a.flip(0) + b[:, [2, 0, 1]],
    "rows": lambda a, b: a[ROWS] * b,
    "totals": lambda a, b: a.sum(axis=0, keepdims=True) - b,
    "set": lambda a, b: a.at[0].set(b[1]),
    "added": lambda a, b: a.at[:, [1, 1]].add(b[:, :2]),
    "chosen": lambda a, b: tn.where(MASK, a, b),
    "product": lambda a, b: (a @ b.T) @ b,
    "mean": lambda a, b: a - b.mean(),
    "running": lambda a, b: tn.cumsum(a, axis=1) * b,
    "sine": lambda a, b: tn.sin(a) + b,
    "softmax": lambda a, b: tn.softmax(a, axis=1) * b,
    "element": lambda a, b: a * b[1, 2] - a[0, 0],
    "stacked": lambda a, b: tn.stack([a[0], b[1]]),
    "masked": lambda a, b: a + b[MASK].sum(),
}


@dataclass(frozen=True)
class Step:
    """An operation on the values so far, and the detours of its operands and call."""

    name: str
    operands: tuple[int, int]
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def run(self, a: Any, b: Any) -> Any:
        def f(a: Any, b: Any) -> Any:
            a, b = along(a, self.first), along(b, self.second)
            return OPERATIONS[self.name](a, b)

        for name in self.calls:
            f = wrapped(CALLS[name], f)
        return along(f(a, b), self.after)


def wrapped(call: Any, f: Binary) -> Binary:
    return lambda a, b: call(f, a, b)


def along(x: Any, detours: tuple[str, ...]) -> Any:
    for name in detours:
        x = DETOURS[name](x * 1 if "move" in name else x)
    return x


Program = tuple[Step, ...]


def program(seed: int, size: int = 4, dense: float = 0.5) -> Program:
    """A random program."""
    draw = random.Random(seed)

    def some(names: Any, most: int) -> tuple[str, ...]:
        return tuple(draw.choice(list(names)) for _ in range(most) if draw.random() < dense)

    return tuple(
        Step(
            draw.choice(list(OPERATIONS)),
            (draw.randrange(k + 2), draw.randrange(k + 2)),
            some(DETOURS, 2),
            some(DETOURS, 2),
            some(CALLS, 2),
            some(DETOURS, 1),
        )
        for k in range(draw.randrange(1, size + 1))
    )


def plain(p: Program) -> Program:
    """The program without its detours."""
    return tuple(Step(s.name, s.operands) for s in p)


def function(p: Program) -> Binary:
    """The function of a program: two operands to the last value, and a little of the others."""

    def f(x: Any, y: Any) -> Any:
        values = [x, y]
        for s in p:
            values.append(s.run(values[s.operands[0]], values[s.operands[1]]) * 0.5)
        return values[-1] + (values[-2] * 0.25)

    return f


X = np.array([[1.0, -2.0, 0.5], [2.0, 1.5, -1.0]]) / 2
Y = np.array([[0.5, 1.0, -1.5], [-0.5, 2.0, 1.0]]) / 2
WEIGHTS = np.array([[1.0, 2.0, -1.0], [0.5, 1.0, 1.0]])


def leaves(dtype: Any) -> tuple[Any, Any]:
    return tn.tensor(X, dtype=dtype, requires_grad=True), nn.Parameter(tn.tensor(Y, dtype=dtype))


def loss(f: Binary) -> Binary:
    return lambda x, y: (f(x, y) * tn.tensor(WEIGHTS).to(x.dtype)).sum()


def by_backward(f: Binary, dtype: Any, reads: bool = False) -> list[Any]:
    x, y = leaves(dtype)
    seen: list[Any] = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad * 1))
    out = loss(f)(x, y)
    if reads:
        out.item()
    if out.requires_grad:
        out.backward()
    return [out.detach(), *(tn.zeros(2, 3) if p.grad is None else p.grad for p in (x, y))]


def by_grad(f: Binary, dtype: Any, orders: int, reads: bool = False) -> list[Any]:
    x, y = leaves(dtype)
    out = loss(f)(x, y)
    found = [out]
    for k in range(orders):
        if reads:
            out.detach().item()
        if not out.requires_grad:
            break
        got = tn.autograd.grad(out, (x, y), create_graph=k + 1 < orders, allow_unused=True)
        got = [tn.zeros(2, 3, dtype=dtype) if g is None else g for g in got]
        found += got
        out = sum((g * g).sum() for g in got) / 2
    found += [tn.zeros(2, 3)] * (1 + 2 * orders - len(found))
    return [z.detach() for z in found]


def values_of(dtype: Any) -> tuple[Any, Any]:
    return tn.tensor(X, dtype=dtype), tn.tensor(Y, dtype=dtype)


def by_transform(f: Binary, dtype: Any) -> list[Any]:
    value, grads = tn.value_and_grad(loss(f), argnums=(0, 1))(*values_of(dtype))
    return [value, *grads]


def by_vjp(f: Binary, dtype: Any) -> list[Any]:
    out, back = tn.vjp(f, *values_of(dtype))
    return [out, *back(tn.tensor(WEIGHTS).to(out.dtype))]


def by_jvp_(f: Binary, dtype: Any) -> list[Any]:
    x, y = values_of(dtype)
    return list(tn.jvp(f, (x, y), (y, x)))


def by_jacrev(f: Binary, dtype: Any) -> list[Any]:
    return [tn.jacrev(f)(*values_of(dtype))]


def by_jacfwd(f: Binary, dtype: Any) -> list[Any]:
    return [tn.jacfwd(f)(*values_of(dtype))]


def by_hessian(f: Binary, dtype: Any) -> list[Any]:
    return [tn.hessian(loss(f))(*values_of(dtype))]


def by_examples(f: Binary, dtype: Any) -> list[Any]:
    x, y = values_of(dtype)
    return list(tn.vmap(tn.grad(loss(f), argnums=(0, 1)), in_axes=(0, None))(tn.stack([x, y]), y))


ENDINGS: dict[str, Callable[[Binary, Any], list[Any]]] = {
    "backward": by_backward,
    "backward after a read": lambda f, dtype: by_backward(f, dtype, True),
    "grad": lambda f, dtype: by_grad(f, dtype, 1),
    "grad twice": lambda f, dtype: by_grad(f, dtype, 2),
    "grad twice after reads": lambda f, dtype: by_grad(f, dtype, 2, True),
    "grad thrice": lambda f, dtype: by_grad(f, dtype, 3),
    "value_and_grad": by_transform,
    "vjp": by_vjp,
    "jvp": by_jvp_,
    "jacrev": by_jacrev,
    "jacfwd": by_jacfwd,
    "hessian": by_hessian,
    "vmap of grad": by_examples,
}


def outcome(p: Program, ending: str, dtype: Any = tn.float64) -> list[Any]:
    """The numbers of a program and its derivatives."""
    return [np.array(z.tolist()) for z in ENDINGS[ending](function(p), dtype)]


def smaller(p: Program, fails: Callable[[Program], bool]) -> Program:
    """A smaller program that fails too."""
    while (q := next((q for q in candidates(p) if fails(q)), None)) is not None:
        p = q
    return p


def candidates(p: Program) -> Iterator[Program]:
    """Programs with one step, one detour or one other thing less."""
    for k in range(len(p) if len(p) > 1 else 0):
        later = [replace(s, operands=tuple(i - 1 if i > k + 1 else i for i in s.operands)) for s in p[k + 1 :]]
        yield (*p[:k], *later)
    for k, s in enumerate(p):
        others: list[Step] = [replace(s, name="times")] if s.name != "times" else []
        for part in ("calls", "first", "second", "after"):
            names = getattr(s, part)
            others += [replace(s, **{part: names[:n] + names[n + 1 :]}) for n in range(len(names))]
        if max(s.operands) > 1:
            others += [replace(s, operands=(i, j)) for i in (0, 1) for j in (0, 1)]
        for other in others:
            yield (*p[:k], other, *p[k + 1 :])
