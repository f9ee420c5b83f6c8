"""A value that a graph holds may be moved before the graph is differentiated: the gradients are those without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn


class Product(tn.autograd.Function):
    """a² b, by a rule that reads both."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save_for_backward(a, b)
        return a * a * b

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        a, b = ctx.saved_tensors
        return g * 2 * a * b, g * a * a


def by_gradient(w: Any, x: Any) -> Any:
    (g,) = tn.autograd.grad((w * w * w * x).sum(), w, create_graph=True)
    return g


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "operations": lambda w, x: w * w * x,
    "a custom rule": Product.apply,
    "checkpoint": lambda w, x: tn.checkpoint(lambda w, x: w * w * x, w, x),
    "vmap": lambda w, x: tn.vmap(lambda a, b: a * a * b)(w * 1, x),
    "an index": lambda w, x: w[x.to(tn.int64)] * w * x,
    "an update": lambda w, x: (w * w).at[0].set(x[0]) + w * w * x.at[1].set(w[0]),
    "a gradient": by_gradient,
    "a pullback": lambda w, x: tn.vjp(lambda v: v * v * v * x, w * 1)[1](x)[0],
}
MADE: dict[str, Callable[[], Any]] = {
    "data": lambda: tn.tensor([0.0, 1.0]),
    "pending": lambda: tn.arange(2.0) * 1,
    "computed": lambda: (x := tn.arange(2.0) * 1, x.tolist())[0],
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_are_those_of_the_program_without_a_move(
    program: Callable[[Any, Any], Any], make: Callable[[], Any], order: int
) -> None:
    def gradient(read: bool, move: bool) -> Any:
        w, x = tn.tensor([1.0, 2.0], requires_grad=True), make()
        z = w * 3
        y = program(z, x).sum()
        if read:
            y.item()
        taken = tn.move([x, z]) if move else [x, z]
        (g,) = tn.autograd.grad(y, w, create_graph=order == 2)
        if order == 2:
            (g,) = tn.autograd.grad((g * g).sum(), w)
        assert taken[0].tolist() == [0.0, 1.0] and taken[1].tolist() == [3.0, 6.0]
        if move:
            with pytest.raises(tn.UseAfterMove):
                x + 1
        return g.tolist()

    expected = gradient(read=False, move=False)
    for read, move in [(True, False), (True, True), (False, True)]:
        assert gradient(read, move) == expected


def test_forward_mode_goes_through_a_rule_whose_operand_and_result_were_moved() -> None:
    def tangent(move: bool) -> Any:
        def f(v: Any) -> Any:
            x = v * 3
            y = Product.apply(x, tn.tensor([0.0, 1.0]))
            held = [tn.Var(x), tn.Var(y)]
            x, y = tn.move([x, y]) if move else (x, y)
            assert len(held) == 2
            return y + x

        return tn.jvp(f, (tn.tensor([1.0, 2.0]),), (tn.ones(2),))[1].tolist()

    assert tangent(move=True) == tangent(move=False)
