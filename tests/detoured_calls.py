"""Ways of a call through a feature that changes no number."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import tenure as tn
from tenure import nn
from tests.detours import Binary, Stop
from tests.detours_of_kinds import seen


def eagerly(f: Binary, a: Any, b: Any) -> Any:
    with tn.eager():
        return f(a, b)


def mapped(f: Binary, a: Any, b: Any) -> Any:
    """One example, among two."""
    return tn.vmap(f)(tn.stack([b * 2, a]), tn.stack([a, b]))[1]


def mapped_over(f: Binary, a: Any, b: Any) -> Any:
    return tn.vmap(lambda k: f(a + k, b))(tn.arange(3, dtype=a.dtype))[0]


def in_thread(f: Binary, a: Any, b: Any) -> Any:
    if not seen(a) or not seen(b):
        return f(a, b)
    got: list[Any] = []
    grad = tn.is_grad_enabled()

    def work() -> None:
        try:
            with tn.set_grad_enabled(grad):
                got.append(f(a, b))
        except BaseException as error:
            got.append(error)

    t = threading.Thread(target=work)
    t.start()
    t.join()
    if isinstance(got[0], BaseException):
        raise got[0]
    return got[0]


def mapped_twice(f: Binary, a: Any, b: Any) -> Any:
    """One example of one example."""
    return tn.vmap(lambda a: tn.vmap(lambda b: f(a, b))(tn.stack([b, b * 2])))(tn.stack([a, a * 3]))[0, 0]


def mapped_place(f: Binary, a: Any, b: Any) -> Any:
    """Written into a place of a vmapped function."""

    def g(a: Any, b: Any) -> Any:
        v = tn.zeros(2, 3, dtype=a.dtype).mut()
        v[0], v[1] = f(a, b)
        return v.value

    return tn.vmap(g)(tn.stack([a, a * 2]), tn.stack([b, b]))[0]


def suspended(f: Binary, a: Any, b: Any) -> Any:
    def steps() -> Iterator[Any]:
        with tn.no_grad():
            yield a * 2
        yield f(a, b)

    g = steps()
    next(g)
    c = f(a, b)
    return (c + next(g)) / 2


def failing(f: Binary, a: Any, b: Any) -> Any:
    """A transform that the function leaves by an error, and then the call."""

    def g(a: Any) -> Any:
        f(a, b).sum()
        raise Stop

    for transform in (tn.grad, lambda g: lambda x: tn.vmap(g)(x[None]), lambda g: lambda x: tn.checkpoint(g, x)):
        with suppress(Stop):
            transform(g)(a.detach())
    return f(a, b)


class Block(nn.Module):
    """A module of a function."""

    def __init__(self, f: Binary) -> None:
        super().__init__()
        self.f = f
        self.one = nn.Parameter(tn.ones((), dtype=tn.float64))

    def forward(self, a: Any, b: Any) -> Any:
        return self.f(a, b) * self.one.to(a.dtype)


def module(f: Binary, a: Any, b: Any) -> Any:
    m = Block(f)
    m.register_forward_hook(lambda m, args, out: out * 1)
    m.register_forward_pre_hook(lambda m, args: args)
    m.register_full_backward_hook(lambda m, g_in, g_out: None)
    return m(a, b)


def pulled(f: Binary, a: Any, b: Any) -> Any:
    """By the value that vjp gives."""
    out, _ = tn.vjp(f, a, b)
    return out


def pushed(f: Binary, a: Any, b: Any) -> Any:
    out, _ = tn.jvp(f, (a, b), (a.detach(), b.detach()))
    return out


def linear_in_cotangent(f: Binary, a: Any, b: Any) -> Any:
    """f by the transpose of its transpose: out of a vjp's vjp."""
    out, back = tn.vjp(f, a, b)
    g = tn.zeros_like(out)
    return out + sum(x.sum() * 0 for x in back(g))


def by_function(f: Binary, a: Any, b: Any) -> Any:
    """By a rule that differentiates f again."""

    @tn.custom_vjp
    def call(a: Any, b: Any) -> Any:
        return f(a, b)

    call.defvjp(lambda a, b: (f(a, b), (a, b)), lambda kept, g: tn.vjp(f, *kept)[1](g))
    return call(a, b)


def by_jvp(f: Binary, a: Any, b: Any) -> Any:
    @tn.custom_jvp
    def call(a: Any, b: Any) -> Any:
        return f(a, b)

    call.defjvp(lambda x, t: tn.jvp(f, tuple(x), tuple(t)))
    return call(a, b)


CALLS: dict[str, Callable[[Binary, Any, Any], Any]] = {
    "nothing": lambda f, a, b: f(a, b),
    "eager": eagerly,
    "checkpoint": lambda f, a, b: tn.checkpoint(f, a, b),
    "vmap": mapped,
    "vmap over": mapped_over,
    "vmap of vmap": mapped_twice,
    "vmap of a place": mapped_place,
    "checkpoint of checkpoint": lambda f, a, b: tn.checkpoint(lambda a, b: tn.checkpoint(f, a, b) * 1, a, b),
    "a thread": in_thread,
    "a generator": suspended,
    "an error": failing,
    "a module": module,
    "vjp": pulled,
    "jvp": pushed,
    "zero cotangent": linear_in_cotangent,
    "custom_vjp": by_function,
    "custom_jvp": by_jvp,
    "checked": lambda f, a, b: tn.checked(f)(a, b),
}
