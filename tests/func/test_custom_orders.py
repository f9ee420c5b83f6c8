"""Second and third derivatives, and tangents, of functions with a rule of their own are those of the function."""

from __future__ import annotations

import gc
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

X = np.array([0.5, -1.25, 2.0])
WEIGHTS = np.array([1.0, 2.0, -1.0])
MATRIX = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [1.0, 0.0, 1.0]])
Pair = namedtuple("Pair", "a b")


def t(values: Any) -> Any:
    return tn.tensor(np.asarray(values, dtype=np.float64))


def rule(function: Any, forward: Any, backward: Any) -> Any:
    made = tn.custom_vjp(function)
    made.defvjp(forward, backward)
    return made


def square(x: Any) -> Any:
    return x * x


def fourth(x: Any) -> Any:
    return x**4


def scaled(x: Any) -> Any:
    return x / ((x * x).sum() + 1).sqrt()


def scaled_with(x: Any) -> Any:
    n = ((x * x).sum() + 1).sqrt()
    return x / n, {"parts": (x, n), "name": "scaled"}


def exponential(x: Any) -> Any:
    y = x.exp()
    return y, y


def outside(x: Any) -> Any:
    y = t(np.exp(x.numpy()))
    return y, y


def rows(x: Any) -> Any:
    out = tn.zeros(3, dtype=tn.float64).mut()
    out[0] = 2 * x[0]
    out[1:] = 2 * x[1:]
    return x * x, out.value


def hyperbolic() -> Any:
    made = tn.custom_vjp(lambda x: x.tanh())

    def forward(x: Any) -> Any:
        y = made(x)
        return y, y

    made.defvjp(forward, lambda y, g: (g * (1 - y * y),))
    return made


A, W = t(MATRIX), t(WEIGHTS)

RULES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "an argument": (rule(square, lambda x: (x * x, x), lambda x, g: (2 * g * x,)), square),
    "computed": (rule(fourth, lambda x: (fourth(x), 4 * x**3), lambda r, g: (g * r,)), fourth),
    "the result": (rule(lambda x: x.exp(), exponential, lambda y, g: (g * y,)), lambda x: x.exp()),
    "a nested one": (
        rule(
            scaled,
            scaled_with,
            lambda r, g: (g / r["parts"][1] - r["parts"][0] * (g * r["parts"][0]).sum() / r["parts"][1] ** 3,),
        ),
        scaled,
    ),
    "a constant from outside": (
        rule(lambda x: x * x * W, lambda x: (x * x * W, (x, W)), lambda r, g: (2 * g * r[0] * r[1],)),
        lambda x: x * x * W,
    ),
    "products": (
        rule(lambda x: (A @ x) * x, lambda x: ((A @ x) * x, (x, A @ x)), lambda r, g: (A.T @ (g * r[0]) + g * r[1],)),
        lambda x: (A @ x) * x,
    ),
    "choices": (
        rule(
            lambda x: tn.where(x > 0, x * x, -x),
            lambda x: (tn.where(x > 0, x * x, -x), (x, x > 0)),
            lambda r, g: (g * tn.where(r[1], 2 * r[0], -1.0),),
        ),
        lambda x: tn.where(x > 0, x * x, -x),
    ),
    "a gradient": (
        rule(fourth, lambda x: (fourth(x), tn.grad(lambda z: fourth(z).sum())(x)), lambda r, g: (g * r,)),
        fourth,
    ),
    "a vmapped call": (
        rule(fourth, lambda x: (fourth(x), tn.vmap(lambda z: 4 * z**3)(x)), lambda r, g: (g * r,)),
        fourth,
    ),
    "written by index": (rule(square, rows, lambda r, g: (g * r,)), square),
    "the function itself": (hyperbolic(), lambda x: x.tanh()),
}


def total(f: Any) -> Any:
    return lambda x: (f(x) * W).sum()


def times(f: Any) -> Any:
    return lambda x: x * f(x)


def squared(f: Any) -> Any:
    return lambda x: (f(x) ** 2).sum()


MANY = t([X, X * 0.5])

DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "first": lambda f: tn.grad(total(f))(t(X)),
    "second": lambda f: tn.grad(squared(tn.grad(total(f))))(t(X)),
    "second, of a product": lambda f: tn.grad(squared(tn.grad(total(times(f)))))(t(X)),
    "second, through itself": lambda f: tn.grad(squared(tn.grad(total(lambda x: f(f(x) * 0.3)))))(t(X)),
    "third": lambda f: tn.grad(squared(tn.grad(squared(tn.grad(total(times(f)))))))(t(X)),
    "jvp": lambda f: tn.jvp(lambda x: f(f(x * 0.3) + x), (t(X),), (t(X + 1),))[1],
    "jvp of a gradient": lambda f: tn.jvp(tn.grad(total(times(f))), (t(X),), (t(X + 1),))[1],
    "gradient of a jvp": lambda f: tn.grad(squared(lambda x: tn.jvp(f, (x,), (t(X + 1),))[1]))(t(X)),
    "jacfwd": lambda f: tn.jacfwd(f)(t(X)),
    "hessian": lambda f: tn.hessian(total(times(f)))(t(X)),
    "jacfwd of jacfwd": lambda f: tn.jacfwd(tn.jacfwd(total(times(f))))(t(X)),
    "jacrev of jacfwd": lambda f: tn.jacrev(tn.jacfwd(total(times(f))))(t(X)),
    "vjp of a gradient": lambda f: tn.vjp(tn.grad(total(f)), t(X))[1](t(X + 1))[0],
    "of each example": lambda f: tn.vmap(tn.grad(squared(tn.grad(total(times(f))))))(MANY),
    "Hessian of each example": lambda f: tn.vmap(tn.hessian(total(f)))(MANY),
    "of all examples": lambda f: tn.grad(squared(tn.grad(lambda a: (tn.vmap(f)(a) * a).sum())))(MANY),
    "jvp of all examples": lambda f: tn.jvp(tn.vmap(f), (MANY,), (MANY + 1,))[1],
    "in a checkpoint": lambda f: tn.grad(squared(tn.grad(total(tn.checkpoint(times(f))))))(t(X)),
}


@pytest.mark.parametrize("name", RULES)
def test_derivatives_are_those_of_the_function(name: str) -> None:
    by_rule, plain = RULES[name]
    for what, derivative in DERIVATIVES.items():
        got = derivative(by_rule)
        assert not got.requires_grad, what
        np.testing.assert_allclose(got.numpy(), derivative(plain).numpy(), rtol=1e-9, err_msg=what)


@pytest.mark.parametrize("run", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_backward_of_gradients_that_were_kept(name: str, run: bool) -> None:
    def third(f: Any) -> Any:
        x = tn.tensor(X, requires_grad=True)
        y = total(times(f))(x)
        for _ in range(2):
            if run:
                y.item()
            (g,) = tn.autograd.grad(y, x, create_graph=True)
            y = squared(lambda _, g=g: g)(x)
        y.backward()
        return x.grad.numpy()

    by_rule, plain = RULES[name]
    np.testing.assert_allclose(third(by_rule), third(plain), rtol=1e-9)


def test_numbers() -> None:
    f = RULES["an argument"][0]
    three = t(3.0)
    assert tn.grad(tn.grad(f))(three).item() == 2.0
    assert tn.grad(tn.grad(lambda x: x * f(x)))(three).item() == 18.0
    assert tn.vmap(tn.grad(tn.grad(f)))(t([3.0, 4.0])).tolist() == [2.0, 2.0]
    assert tn.hessian(f)(three).item() == 2.0
    assert [v.item() for v in tn.jvp(f, (three,), (t(1.0),))] == [9.0, 6.0]


def test_a_result_of_numpy_stands_for_itself() -> None:
    f = rule(lambda x: t(np.exp(x.detach().numpy())), outside, lambda y, g: (g * y,))
    for order in ("second, of a product", "third", "hessian", "jvp", "in a checkpoint"):
        derivative = DERIVATIVES[order]
        np.testing.assert_allclose(derivative(f).numpy(), derivative(lambda x: x.exp()).numpy(), rtol=1e-9)


def test_a_residual_that_has_a_graph_of_its_own() -> None:
    w = tn.tensor(WEIGHTS, requires_grad=True)
    f = rule(lambda x: x * x * w, lambda x: (x * x * w, (x, w * 2)), lambda r, g: (g * r[0] * r[1],))
    x = tn.tensor(X, requires_grad=True)
    (g,) = tn.autograd.grad(f(x).sum(), x, create_graph=True)
    g.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * WEIGHTS)
    np.testing.assert_allclose(w.grad.numpy(), 2 * X)


def test_random_residuals_are_drawn_once() -> None:
    drawn = rule(square, lambda x: (x * x, x * tn.rand(3, dtype=tn.float64)), lambda r, g: (g * r,))
    tn.manual_seed(3)
    factor = tn.rand(3, dtype=tn.float64).numpy()
    for derivative, want in ((tn.grad, factor * X), (lambda f: tn.grad(squared(tn.grad(f))), 2 * factor**2 * X)):
        tn.manual_seed(3)
        np.testing.assert_allclose(derivative(lambda x: drawn(x).sum())(t(X)).numpy(), want)


def test_a_rule_that_reads_values() -> None:
    f = rule(fourth, lambda x: (fourth(x), x), lambda x, g: (4 * g * x**3 if x.sum().item() > 0 else g * 0.0,))
    for order in ("second", "third", "hessian", "jvp", "gradient of a jvp"):
        derivative = DERIVATIVES[order]
        np.testing.assert_allclose(derivative(f).numpy(), derivative(fourth).numpy(), rtol=1e-9)


class Box:
    def __init__(self, x: Any) -> None:
        self.x = x


UNKNOWN: dict[str, Any] = {
    "an array": rule(square, lambda x: (x * x, x.numpy()), lambda r, g: (2 * g * t(r),)),
    "another array": rule(square, lambda x: (x * x, (x, np.asarray(x))), lambda r, g: (2 * g * t(r[1]),)),
    "a tensor of an array": rule(square, lambda x: (x * x, t(x.numpy())), lambda r, g: (2 * g * r,)),
    "numbers": rule(square, lambda x: (x * x, x.tolist()), lambda r, g: (2 * g * t(r),)),
    "a product with a number": rule(
        lambda x: x * x[0], lambda x: (x * x[0], (x, x * x[0].item())), lambda r, g: (g * r[0][0] + 0 * r[1],)
    ),
    "an object": rule(square, lambda x: (x * x, Box(x)), lambda r, g: (2 * g * r.x,)),
    "a function": rule(square, lambda x: tn.vjp(square, x), lambda pull, g: pull(g)),
    "an array of the rule": rule(square, lambda x: (x * x, x), lambda r, g: (g * t(2 * r.numpy()),)),
    "numbers of the cotangent": rule(square, lambda x: (x * x, x), lambda r, g: (t(2 * r.numpy() * g.numpy()),)),
    "a rule without gradients": rule(
        square, lambda x: (x * x, x), lambda r, g: tn.no_grad()(lambda: (2 * g * r,))()
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_derivative_that_is_not_known_is_refused(name: str) -> None:
    f = UNKNOWN[name]
    x = tn.tensor(X, requires_grad=True)
    first = tn.grad(lambda z: f(z).sum())
    f(x).sum().backward()
    np.testing.assert_allclose(first(t(X)).numpy(), x.grad.numpy())
    for refused in (
        lambda: tn.grad(lambda z: first(z).sum())(t(X)),
        lambda: tn.hessian(lambda z: f(z).sum())(t(X)),
        lambda: tn.autograd.grad(tn.autograd.grad(f(x).sum(), x, create_graph=True)[0].sum(), x),
    ):
        with pytest.raises(tn.GradientError, match="TN804") as raised:
            refused()
        assert "differentiated" in str(raised.value) or "not linear" in str(raised.value)


def test_what_does_not_depend_on_it_is_not_refused() -> None:
    f = UNKNOWN["an array"]
    by_weight = tn.grad(lambda a: tn.grad(lambda z: (a * f(z)).sum())(t(X)).sum())(t(WEIGHTS))
    np.testing.assert_allclose(by_weight.numpy(), 2 * X)
    np.testing.assert_allclose(tn.jvp(f, (t(X),), (t(X),))[1].numpy(), 2 * X * X)
    kinds = (2.0, 3, True, None, "name", slice(2), np.array([1, 0, 1]), np.full(3, 2.0))
    plain = rule(square, lambda x: (x * x, (x, *kinds)), lambda r, g: (r[1] * g * r[0],))
    masked = rule(square, lambda x: (x * x, (x, x.numpy() > 0)), lambda r, g: (2 * g * r[0],))
    checks = rule(square, lambda x: (x * x, x + x) if (x < 9).all() else None, lambda r, g: (g * r,))
    for known in (plain, masked, checks):
        assert tn.grad(lambda z, f=known: tn.grad(lambda y: f(y).sum())(z).sum())(t(X)).tolist() == [2.0] * 3


@pytest.mark.parametrize(
    "backward", [lambda r, g: (g.clip(-1, 1),), lambda r, g: (g * g,), lambda r, g: (g if g.sum().item() > 0 else -g,)]
)
def test_forward_mode_refuses_a_rule_that_is_not_linear(backward: Any) -> None:
    f = rule(lambda x: x * 1.0, lambda x: (x * 1.0, x), backward)
    tn.grad(lambda z: f(z).sum())(t(X))
    with pytest.raises(tn.GradientError, match="not linear in its cotangent"):
        tn.jvp(f, (t(X),), (t(X),))


def several(x: Any, y: Any) -> Any:
    return x * y, {"sin": x.sin(), "exp": [y.exp().to(tn.float32)]}, x > 0


def several_back(r: Any, g: Any) -> Any:
    (x, y, _), (a, b, c) = r, g
    assert c.dtype is tn.bool
    return a * y + b["sin"] * x.cos(), a * x + b["exp"][0].to(tn.float64) * y.exp()


def combined(f: Any) -> Any:
    def loss(x: Any, y: Any) -> Any:
        a, b, c = f(x, y)
        return (a**2 * b["sin"]).sum() + (b["exp"][0].to(tn.float64) * a * c.to(tn.float64)).sum()

    return loss


def test_several_results() -> None:
    f = rule(several, lambda x, y: (lambda out: (out, (x, y, out[0])))(several(x, y)), several_back)
    for derivative in (
        lambda f: tn.grad(combined(f), 1)(t(X), t(WEIGHTS)),
        lambda f: tn.grad(lambda a, b: squared(lambda _: tn.grad(combined(f))(a, b))(a), 1)(t(X), t(WEIGHTS)),
        lambda f: tn.hessian(combined(f))(t(X), t(WEIGHTS)),
        lambda f: tn.jvp(combined(f), (t(X), t(WEIGHTS)), (t(WEIGHTS), t(X)))[1],
        lambda f: tn.vmap(tn.hessian(combined(f)))(MANY, MANY + 1),
        lambda f: tn.grad(squared(tn.grad(lambda a: tn.vmap(combined(f))(a, MANY).sum())))(MANY),
    ):
        np.testing.assert_allclose(derivative(f).numpy(), derivative(several).numpy(), rtol=2e-6)
    x = tn.tensor(X, requires_grad=True)
    out = f(x, t(WEIGHTS))
    assert not out[2].requires_grad and out[1]["exp"][0].dtype is tn.float32
    out[1]["sin"].sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(X))


def test_nested_arguments() -> None:
    def plain(p: Any, x: Any, n: int) -> Any:
        return (p["w"] * x) ** n + p["more"].b[0] * p["more"].a

    def back(r: Any, g: Any) -> Any:
        p, x, n = r
        c = g * n * (p["w"] * x) ** (n - 1)
        return {"w": c * x, "more": Pair(g * p["more"].b[0], [g * p["more"].a])}, c * p["w"], None

    f = rule(plain, lambda p, x, n: (plain(p, x, n), (p, x, n)), back)
    p = {"w": t(X), "more": Pair(t(X + 1), [t(WEIGHTS)])}
    for of in (f, plain):
        second = tn.grad(lambda p, x, f=of: squared(lambda _: tn.grad(lambda x: f(p, x, 3).sum())(x))(x))(p, t(X))
        last = tn.grad(lambda p, f=of: (f(p, t(X), 3) ** 2).sum())(p)
        if of is f:
            got = second["w"].tolist(), last["more"].a.tolist(), last["more"].b[0].tolist()
    np.testing.assert_allclose(got, (second["w"].tolist(), last["more"].a.tolist(), last["more"].b[0].tolist()))
    wrong = rule(plain, lambda p, x, n: (plain(p, x, n), None), lambda r, g: ({"w": g}, None, None))
    with pytest.raises(tn.GradientError, match="argument 0 a cotangent of another form"):
        tn.grad(lambda p: wrong(p, t(X), 3).sum())(p)


def test_transforms_under_no_grad_are_themselves() -> None:
    with tn.no_grad():
        assert tn.grad(lambda x: (x**3).sum())(t(X)).tolist() == (3 * X**2).tolist()
        assert tn.jvp(square, (t(X),), (t(X),))[1].tolist() == (2 * X * X).tolist()
        assert not tn.vjp(square, t(X))[1](t(X))[0].requires_grad


def test_a_pull_is_differentiated_by_its_cotangent() -> None:
    _, pull = tn.vjp(fourth, t(X))
    got = tn.grad(lambda g: (pull(g)[0] ** 2).sum())(t(WEIGHTS))
    np.testing.assert_allclose(got.numpy(), 2 * WEIGHTS * (4 * X**3) ** 2)


def test_memory_stays_flat_without_a_collector() -> None:
    f, x = RULES["a nested one"][0], tn.tensor(X, requires_grad=True)

    def step() -> None:
        (g,) = tn.autograd.grad(total(times(f))(x), x, create_graph=True)
        g.detach().numpy()
        (g * g).sum().backward()
        x.grad = None

    def tensors() -> int:
        return sum(issubclass(type(x), tn.Tensor) for x in gc.get_objects())

    for _ in range(10):
        step()
    gc.collect()
    gc.disable()
    try:
        before = tensors()
        for _ in range(20):
            step()
        assert tensors() <= before + 5
    finally:
        gc.enable()
