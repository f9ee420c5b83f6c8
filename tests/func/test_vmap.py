"""vmap is a loop over the examples: with every transform around and within, with places, indices, random numbers."""

from __future__ import annotations

import gc
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.interp.interp import interpret
from tenure.values.run import plan
from tenure.values.run.force import COUNTS

RNG = np.random.default_rng(0)
X = tn.tensor(RNG.standard_normal((4, 3)))
Y = tn.tensor(RNG.standard_normal((4, 3)))
W = tn.tensor(RNG.standard_normal((3, 5)))


def looped(f: Callable[..., Any], *args: Any) -> Any:
    """f of each example, one above the other."""
    return tn.stack([f(*[x[k] for x in args]) for k in range(args[0].shape[0])])


def same(found: Any, wanted: Any, rtol: float = 1e-12) -> None:
    assert found.dtype is wanted.dtype
    assert_allclose(found.detach(), wanted.detach(), rtol=rtol, atol=1e-13, strict=True)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "elementwise": lambda x: (x * 2).sin() + tn.where(x > 0, x, -x),
    "scalar": lambda x: (x * x).sum(),
    "constant inside": lambda x: x * tn.arange(3.0, dtype=tn.float64) + tn.ones(3, dtype=tn.float64),
    "matrix": lambda x: x @ W,
    "matrix behind": lambda x: W.T @ x,
    "dot": lambda x: x @ x,
    "outer": lambda x: x.reshape(3, 1) @ x.reshape(1, 3),
    "softmax": lambda x: (x - x.logsumexp(axis=0)).exp(),
    "moved": lambda x: tn.stack([x, x.flip(0), tn.zeros(3, dtype=tn.float64)], 1).T.reshape(9)[::-2],
    "broadcast": lambda x: x.unsqueeze(1) * x + tn.broadcast_to(x.sum(), (3, 3)),
    "joined": lambda x: tn.concat([x, tn.ones(2, dtype=tn.float64), x[:1]]),
    "reduced": lambda x: tn.stack([x.max(), x.mean(), x.std(dim=0), x.argmax() * 1.0]),
    "looked up": lambda x: W[x.argmax()] + W[tn.stack([x.argmin(), x.argmax()])].sum(axis=0),
    "its own": lambda x: x[tn.tensor([2, 0])] * x[x.argmin()],
    "best": lambda x: tn.take_along_axis(x, x.argmax(axis=0, keepdims=True), 0),
    "updated": lambda x: x.at[1].set(x[0] * 2).at[:2].add(1.0),
    "cast": lambda x: x.to(tn.float32).floor().long(),
    "logic": lambda x: (x > 0) & ~(x > 1) | (x == 0),
}


def place(x: Any) -> Any:
    """Writes to a place made inside."""
    u = tn.zeros(5, dtype=tn.float64).mut()
    u[1:4] = x
    u[0] = x.sum()
    u *= 2
    for k in range(3):
        u[k + 1] += u[k]
    u[::2] = u[::2] * x
    return u


FUNCTIONS["place"] = place


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("executor", [interpret, compile_program], ids=["interpreted", "compiled"])
def test_a_function(name: str, executor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", executor)
    f = FUNCTIONS[name]
    same(tn.vmap(f)(X), looped(f, X))


SMOOTH = [n for n in FUNCTIONS if n not in ("cast", "logic")]


@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradient_of_each_example(name: str) -> None:
    g = tn.grad(lambda x: (FUNCTIONS[name](x).value * 1.5).sum() if name == "place" else FUNCTIONS[name](x).sum())
    same(tn.vmap(g)(X), looped(g, X))


@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradient_of_all_examples(name: str) -> None:
    weights = tn.arange(4.0, dtype=tn.float64)

    def loss(xs: Any, way: Any) -> Any:
        ys = way(lambda x: FUNCTIONS[name](x) * 1.0, xs)
        return (ys.reshape(4, -1).sum(axis=1) * weights).sum() + (ys * ys).sum()

    by_vmap = tn.grad(lambda xs: loss(xs, lambda f, xs: tn.vmap(f)(xs)))
    by_loop = tn.grad(lambda xs: loss(xs, looped))
    same(by_vmap(X), by_loop(X), 1e-10)
    along = Y
    second = [tn.jvp(g, (X,), (along,))[1] for g in (by_vmap, by_loop)]
    same(second[0], second[1], 1e-9)
    twice = [tn.grad(lambda x, g=g: (g(x) * along).sum())(X) for g in (by_vmap, by_loop)]  # type: ignore[misc]
    same(twice[0], twice[1], 1e-9)


def test_transforms_in_any_order() -> None:
    f = lambda x: (x.sin() * x).sum() ** 2  # noqa: E731
    cube = lambda x: (x**3).sum()  # noqa: E731
    same(tn.vmap(tn.hessian(cube))(X), looped(tn.hessian(cube), X))
    push = lambda x, t: tn.jvp(f, (x,), (t,))[1]  # noqa: E731
    same(tn.vmap(push)(X, Y), looped(push, X, Y))
    same(tn.jvp(tn.vmap(f), (X,), (Y,))[1], looped(push, X, Y))
    pull = lambda x, g: tn.vjp(lambda x: x.sin() * x, x)[1](g)[0]  # noqa: E731
    same(tn.vmap(pull)(X, Y), looped(pull, X, Y))
    same(tn.vjp(tn.vmap(lambda x: x.sin() * x), X)[1](Y)[0], looped(pull, X, Y))
    both = tn.vmap(tn.value_and_grad(f))(X)
    same(both[0], looped(f, X))
    same(both[1], looped(tn.grad(f), X))
    inner = tn.grad(lambda x: tn.vmap(tn.grad(f))(x).sum())
    outer = tn.grad(lambda x: looped(tn.grad(f), x).sum())
    same(inner(X), outer(X))
    third = lambda x: tn.grad(lambda x: tn.grad(f)(x).sum())(x)  # noqa: E731
    same(tn.vmap(third)(X), looped(third, X))


def test_cotangents_go_over_examples_of_one_function() -> None:
    y, pull = tn.vjp(lambda x: (x @ W).tanh(), X[0])
    basis = tn.eye(5, dtype=tn.float64)
    (rows,) = tn.vmap(pull)(basis)
    same(rows, tn.stack([pull(basis[k])[0] for k in range(5)]))
    assert y.shape == (5,)


def test_per_example_gradients_of_what_is_closed_over() -> None:
    def loss(w: Any, x: Any) -> Any:
        return ((x @ w).tanh() ** 2).sum()

    found = tn.vmap(tn.grad(loss), in_axes=(None, 0))(W, X)
    same(found, tn.stack([tn.grad(loss)(W, X[k]) for k in range(4)]))
    w = tn.tensor(W.numpy(), requires_grad=True)
    inside = tn.vmap(lambda x: tn.autograd.grad(loss(w, x), w)[0])(X)
    same(inside, found)
    total = tn.vmap(lambda x: loss(w, x))(X).sum()
    total.backward()
    same(w.grad, found.sum(axis=0))


def test_a_gradient_with_respect_to_all_examples_from_within_one() -> None:
    x = tn.tensor(X.numpy(), requires_grad=True)
    found = tn.vmap(lambda one: tn.autograd.grad((one * one).sum(), x)[0])(x)
    wanted = np.zeros((4, 4, 3))
    wanted[range(4), range(4)] = 2 * X.numpy()
    assert_array_equal(found.detach(), wanted)


def test_the_backward_of_a_run_that_came_before() -> None:
    w = tn.tensor(W.numpy(), requires_grad=True)
    grads = []
    for _ in range(3):
        w.grad = None
        loss = (tn.vmap(lambda x: (x @ w).tanh() * w[x.argmax()][0])(X) ** 2).sum()
        loss.item()
        loss.backward(retain_graph=True)
        grads.append(w.grad.numpy())
    f = lambda x: (x @ w).tanh() * w[int(x.argmax())][0]  # noqa: E731
    w.grad = None
    (looped(f, X) ** 2).sum().backward()
    for g in grads:
        assert_allclose(g, w.grad, rtol=1e-12)


def test_a_second_gradient_through_a_run() -> None:
    w = tn.tensor(W.numpy(), requires_grad=True)
    f = lambda x: ((x @ w).tanh() ** 3).sum()  # noqa: E731
    found = []
    for way in (lambda: tn.vmap(f)(X), lambda: looped(f, X)):
        loss = (way() ** 2).sum()
        loss.item()
        (g,) = tn.autograd.grad(loss, w, create_graph=True)
        (h,) = tn.autograd.grad((g * g).sum(), w)
        found.append(h)
    same(found[0], found[1])


def test_a_run_inside_another_call_is_differentiated_twice() -> None:
    w = tn.tensor(W.numpy(), requires_grad=True)
    found = []
    for way in (lambda f, x: tn.vmap(f)(x), looped):
        inner = lambda x, way=way: way(lambda a: (a * w[0] * x.sum()).sin(), x.reshape(3, 1)).sum()  # noqa: E731
        loss = (way(inner, X) ** 2).sum()
        loss.item()
        (g,) = tn.autograd.grad(loss, w, create_graph=True)
        found.append(tn.autograd.grad((g * g).sum(), w)[0])
    same(found[0], found[1])


def test_nested_calls() -> None:
    f = lambda a, b: (a * b).sum() + a  # noqa: E731
    table = tn.vmap(lambda a: tn.vmap(lambda b: f(a, b))(Y))(X)
    wanted = tn.stack([looped(lambda b, a=X[k]: f(a, b), Y) for k in range(4)])
    same(table, wanted)
    same(tn.vmap(tn.vmap(f, in_axes=(None, 0)), in_axes=(0, None))(X, Y), wanted)
    g = tn.vmap(lambda a: tn.grad(lambda a: tn.vmap(lambda b: (a * b).sin().sum())(Y).sum())(a))(X)
    same(g, looped(tn.grad(lambda a: looped(lambda b: (a * b).sin().sum(), Y).sum()), X))
    only = tn.vmap(lambda a: a.sum() + tn.vmap(lambda b: b.sum())(Y))(X)  # the inner one depends on no outer example
    same(only, X.sum(axis=1).unsqueeze(1) + Y.sum(axis=1))


def test_a_call_that_depends_on_no_example_may_be_read_inside_another() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(tn.vmap(lambda b: b.sum())(Y).tolist())
        return x

    tn.vmap(f)(X)
    assert seen == [Y.sum(axis=1).tolist()]


def test_axes() -> None:
    a = tn.tensor(RNG.standard_normal((2, 4, 3)))
    f = lambda x, y: x @ y  # noqa: E731
    wanted = tn.stack([a[:, k] @ Y[k] for k in range(4)])
    same(tn.vmap(f, in_axes=(1, 0))(a, Y), wanted)
    same(tn.vmap(f, in_axes=(-2, 0))(a, Y), wanted)
    same(tn.vmap(f, in_dims=(1, 0), out_dims=1)(a, Y), wanted.T)
    same(tn.vmap(f, in_axes=[1, 0], out_axes=-1)(a, Y), wanted.T)
    same(tn.vmap(f, in_axes=(1, None))(a, Y[0]), tn.stack([a[:, k] @ Y[0] for k in range(4)]))
    same(tn.vmap(lambda x, p: x**p)(X, 2), X**2)
    found = tn.vmap(lambda x: (x, Y), out_axes=(1, None))(X)
    same(found[0], X.T)
    assert found[1] is Y
    same(tn.vmap(lambda x: Y[0])(X), tn.broadcast_to(Y[0], (4, 3)))
    same(tn.vmap(lambda x: 2.0)(X), tn.full(4, 2.0))


def test_trees() -> None:
    both = {"a": X, "b": [Y, (X, 3.0)]}
    f = lambda t, s: {"sum": t["a"] + t["b"][0] * s, "rest": (t["b"][1][0] * t["b"][1][1],)}  # noqa: E731
    found = tn.vmap(f, in_axes=({"a": 0, "b": [0, 0]}, None))(both, 2.0)
    same(found["sum"], X + Y * 2)
    same(found["rest"][0], X * 3)
    found = tn.vmap(f, in_axes=({"a": None, "b": 0}, None), out_axes={"sum": 1, "rest": 0})(both | {"a": X[0]}, 2.0)
    same(found["sum"], (X[0] + Y * 2).T)


def test_keywords_have_the_rule_of_whose_name_was_said() -> None:
    f = lambda x, *, y, scale=1.0: (x * y).sum() * scale  # noqa: E731
    same(tn.vmap(f, in_axes=0)(X, y=Y, scale=2.0), looped(lambda x, y: f(x, y=y, scale=2.0), X, Y))
    same(tn.vmap(f, in_dims=0)(X, y=Y[0]), looped(lambda x: f(x, y=Y[0]), X))
    with pytest.raises(TypeError, match="in_axes=… for the one, in_dims=… for the other"):
        tn.vmap(f)(X, y=Y)
    same(tn.vmap(lambda x, scale: x * scale)(X, scale=3.0), X * 3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_of_no_example_nothing_remains_but_the_shape(name: str) -> None:
    none = tn.zeros(0, 3, dtype=tn.float64)
    found, one = tn.vmap(FUNCTIONS[name])(none), FUNCTIONS[name](X[0])
    assert found.shape == (0, *one.shape) and found.dtype is one.dtype
    assert found.detach().numpy().size == 0


def test_of_no_example_the_gradient_is_zero() -> None:
    none = tn.zeros(0, 3, dtype=tn.float64)
    assert_array_equal(tn.grad(lambda w: tn.vmap(lambda x: (x @ w).sum())(none).sum())(W), np.zeros((3, 5)))
    assert tn.vmap(tn.grad(lambda x: (x @ W).sum()))(none).shape == (0, 3)


WRONG: dict[str, tuple[Callable[..., Any], type[Exception], str]] = {
    "item": (lambda x: x.sum().item(), tn.VmapError, "value of one example is read"),
    "if": (lambda x: x if x.sum() > 0 else -x, tn.VmapError, "tn.where"),
    "int": (lambda x: [1, 2, 3][x.argmax()], tn.VmapError, "value of one example is read"),
    "numpy": (lambda x: np.asarray(x), tn.VmapError, "value of one example is read"),
    "format": (lambda x: f"{x.sum():.2f}", tn.VmapError, "value of one example is read"),
    "for": (lambda x: [0 for _ in range(int(x[0]))], tn.VmapError, "value of one example is read"),
    "random": (lambda x: x + tn.rand(3), tn.VmapError, 'randomness="different"'),
    "permutation": (lambda x: x[tn.randperm(3)], tn.VmapError, 'randomness="different"'),
    "shape": (lambda x: x.reshape(2), tn.ShapeError, r"\[3\] \(3 elements\)"),
    "list": (lambda x: "text", TypeError, "returned a str"),
    "number of axes": (lambda x: x[0, 0], tn.OutOfRange, "2 indices for a tensor of 1 dim"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_one_example_cannot_do(name: str) -> None:
    f, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        tn.vmap(f)(X)
    with pytest.raises(error, match=message):
        tn.vmap(lambda x: tn.vmap(f)(x))(X.unsqueeze(1))
    assert (X + 1).sum().item() == pytest.approx(float(np.sum(X.numpy() + 1)))
    same(tn.vmap(lambda x: x * 2)(X), X * 2)


def test_wrong_arguments() -> None:
    f = tn.vmap(lambda x, y: x + y)
    with pytest.raises(tn.ShapeError, match="numbers of examples differ: 4 .* 3 "):
        f(X, Y[:3])
    with pytest.raises(tn.ShapeError, match="nothing to go over"):
        f(1.0, 2.0)
    with pytest.raises(tn.ShapeError, match="nothing to go over"):
        tn.vmap(lambda x: x, in_axes=None)(X)
    with pytest.raises(tn.OutOfRange, match="in_axes 2 is out of range"):
        tn.vmap(lambda x: x, in_axes=2)(X)
    with pytest.raises(tn.OutOfRange, match="in_axes 0 is out of range"):
        f(X, tn.tensor(1.0))
    with pytest.raises(tn.OutOfRange, match="out_axes -3 is out of range"):
        tn.vmap(lambda x: x, out_axes=-3)(X)
    with pytest.raises(tn.ShapeError, match="does not have the form"):
        tn.vmap(lambda x, y: x, in_axes=(0,))(X, Y)
    with pytest.raises(tn.ShapeError, match="does not have the form"):
        tn.vmap(lambda x: x, out_axes=(0, 0))(X)
    with pytest.raises(tn.VmapError, match="out_axes=None differs from example to example"):
        tn.vmap(lambda x: x, out_axes=None)(X)
    with pytest.raises(TypeError, match="two names of one argument"):
        tn.vmap(f, in_axes=0, in_dims=0)
    with pytest.raises(ValueError, match="error, different, same"):
        tn.vmap(f, randomness="yes")


def test_a_place_outside_is_not_written_with_one_example() -> None:
    u, w = tn.zeros(3, dtype=tn.float64).mut(), tn.zeros(3, dtype=tn.float64, requires_grad=True)

    def writes(x: Any) -> Any:
        u[:] = x
        return x

    def writes_data(x: Any) -> Any:
        w.data += x
        return x

    def backward(x: Any) -> Any:
        (x * w).sum().backward()
        return x

    for f, message in ((writes, "place made outside"), (writes_data, "place made outside"), (backward, "tn.grad")):
        with pytest.raises(tn.VmapError, match=message):
            tn.vmap(f)(X)
    assert u.tolist() == [0, 0, 0] and w.tolist() == [0, 0, 0] and w.grad is None

    def of_the_outer_call(x: Any) -> Any:
        v = x.mut()
        return tn.vmap(lambda row: operator.iadd(v, row))(Y)

    with pytest.raises(tn.VmapError, match="place made outside"):
        tn.vmap(of_the_outer_call)(X)

    def counts(x: Any) -> Any:
        u[0] += 1  # the same for all examples
        return x + u

    same(tn.vmap(counts)(X), X + tn.tensor([1.0, 0, 0], dtype=tn.float64))
    assert u.tolist() == [1, 0, 0]


def test_what_gets_out_says_so() -> None:
    kept: list[Any] = []
    tn.vmap(lambda x: kept.append(x * 2) or x)(X)
    again = lambda: tn.vmap(lambda x: x + kept[0])(X)  # noqa: E731
    for use in (lambda: kept[0] + 1, lambda: kept[0].sum(), lambda: kept[0].numpy(), again):
        with pytest.raises(tn.VmapError, match="after its vmapped call has returned"):
            use()
    (X + 1).numpy()
    for use in (lambda: kept[0] + 1, lambda: kept[0].tolist(), lambda: kept[0].mut() + 1):
        with pytest.raises(tn.VmapError, match="after its vmapped call has returned"):
            use()
    assert repr(kept[0]) == "tensor(<one example of 4>, shape=(3,), dtype=float64)"


@tn.custom_vjp
def scaled(x: Any, w: Any) -> Any:
    """x² · w, with a gradient in w that is three times the true one."""
    return x * x * w


SHAPES: list[tuple[int, ...]] = []


def scaled_back(residuals: Any, g: Any) -> tuple[Any, ...]:
    SHAPES.append(g.shape)
    x, (w, three) = residuals
    return g * 2 * x * w, g * x * x * three


scaled.defvjp(lambda x, w: (x * x * w, (x, (w, 3.0))), scaled_back)
LINE = W[:, 0]
RULES: dict[str, Callable[..., Any]] = {
    "inside": lambda way: way(tn.grad(lambda a: (scaled(a, LINE) ** 2).sum()), X),
    "outside": lambda way: tn.grad(lambda x: way(lambda a: (scaled(a.sin(), LINE) ** 2).sum(), x).sum())(X),
    "shared": lambda way: tn.grad(lambda w: way(lambda a: (scaled(a, w) ** 2).sum(), X).sum())(LINE),
    "forward": lambda way: way(lambda a: scaled(a, a), X),
    "twice": lambda way: tn.grad(
        lambda x: (tn.grad(lambda x: (way(lambda a: scaled(a, LINE), x) ** 2).sum())(x) ** 2).sum()
    )(X),
    "nested": lambda way: tn.grad(
        lambda w: way(lambda a: way(lambda b: scaled(b, w * a.sum()).sum(), X).sum(), X).sum()
    )(LINE),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_ones_own(name: str) -> None:
    found = RULES[name](lambda f, x: tn.vmap(f)(x))
    SHAPES.clear()
    same(found.detach(), RULES[name](looped).detach(), 1e-10)


def test_a_rule_is_called_once_on_the_shape_of_an_example() -> None:
    SHAPES.clear()
    tn.grad(lambda x: tn.vmap(lambda a: scaled(a, LINE).sum())(x).sum())(X)
    assert SHAPES == [(3,)]


def test_a_rule_without_a_cotangent_for_some_and_with_random_numbers() -> None:
    @tn.custom_vjp
    def noisy(x: Any, w: Any) -> Any:
        return x * tn.rand(3, dtype=tn.float64)

    def forward(x: Any, w: Any) -> Any:
        noise = tn.rand(3, dtype=tn.float64)
        return x * noise, {"noise": noise}

    noisy.defvjp(forward, lambda kept, g: (g * kept["noise"], None))
    x, w = tn.tensor(X.numpy(), requires_grad=True), tn.tensor(LINE.numpy(), requires_grad=True)
    for policy, rows in (("different", 4), ("same", 1)):
        x.grad = None
        y = tn.vmap(lambda a: noisy(a, w), randomness=policy)(x)
        y.sum().backward()
        assert_allclose(x.grad * X, y.detach(), rtol=1e-12)
        assert len(set(map(tuple, x.grad.tolist()))) == rows and not np.any(w.grad)
    with pytest.raises(tn.VmapError, match="randomness="):
        tn.vmap(lambda a: noisy(a, w))(x)


def test_a_training_step_with_a_rule_builds_nothing_any_more() -> None:
    w = tn.tensor(LINE.numpy(), requires_grad=True)

    def step(k: int) -> None:
        w.grad = None
        loss = tn.vmap(lambda a: scaled(a, w).sum())(X).sum()
        loss.backward()
        w.data -= 0.001 / (k + 1) * w.grad
        loss.item()

    assert built(step, 60) == (0, 0)


def test_hooks_inside_wait_for_no_gradient_from_outside() -> None:
    seen: list[Any] = []

    def hooked(x: Any) -> Any:
        y = x * x
        y.register_hook(seen.append)
        return y.sum()

    same(tn.vmap(tn.grad(hooked))(X), X * 2)
    assert len(seen) == 1
    with pytest.raises(tn.GradientError, match="inside a vmapped function"):
        tn.grad(lambda x: tn.vmap(hooked)(x).sum())(X)
    w = tn.tensor(LINE.numpy(), requires_grad=True)
    with pytest.raises(tn.GradientError, match="inside a vmapped function"):
        tn.vmap(tn.grad(lambda x: (scaled(x, w) ** 2).sum()))(X)
    tn.vmap(tn.grad(lambda x: scaled(x, w).sum()))(X).sum().backward()  # reads what the rule keeps, not its result
    same(w.grad, (X * 2).sum(axis=0))


def test_reads_of_what_is_the_same_for_all_are_allowed() -> None:
    def f(x: Any) -> Any:
        return x * 2 if W.sum().item() > -1e9 and bool((W * 2).max() > -1e9) else x

    same(tn.vmap(f)(X), X * 2)


def test_a_failure_in_any_example_names_the_line() -> None:
    index = tn.tensor([0, 2, 3, 1])
    found = tn.vmap(lambda x, i: x[i])(X, index)
    with pytest.raises(tn.OutOfRange, match="index 3 is out of range.*of size 3") as error:
        found.numpy()
    assert "x[i]" in str(error.value) and error.value.code == "TN801"
    loss = tn.grad(lambda x: tn.vmap(lambda x, i: x[i] * W[0, 0])(x, index).sum())(X)
    with pytest.raises(tn.OutOfRange, match="index 3 is out of range"):
        loss.numpy()


def test_random_numbers_have_the_policy_that_was_said() -> None:
    draw = lambda x: (tn.rand(2), tn.randn(3), tn.randint(0, 9, (2,)), tn.randperm(4))  # noqa: E731
    tn.manual_seed(3)
    different = tn.vmap(draw, randomness="different")(X)
    tn.manual_seed(3)
    wanted = (tn.rand(4, 2), tn.randn(4, 3), tn.randint(0, 9, (4, 2)))
    for found, expected in zip(different, wanted, strict=False):
        same(found, expected)
    assert [sorted(row) for row in different[3].tolist()] == [[0, 1, 2, 3]] * 4
    assert len({tuple(row) for row in different[3].tolist()}) > 1
    tn.manual_seed(3)
    alike = tn.vmap(draw, randomness="same")(X)
    tn.manual_seed(3)
    for found, expected in zip(alike, draw(None), strict=True):
        same(found, tn.stack([expected] * 4))
    mixed = tn.vmap(lambda x: tn.vmap(lambda _: tn.rand(2), randomness="different")(Y), randomness="same")(X)
    assert mixed.shape == (4, 4, 2)
    assert len({tuple(map(tuple, part)) for part in mixed.tolist()}) == 1
    assert len(set(map(tuple, mixed[0].tolist()))) == 4
    nested = tn.vmap(lambda x: tn.vmap(lambda _: tn.rand(), randomness="different")(Y), randomness="different")(X)
    assert len(set(nested.reshape(16).tolist())) == 16


def test_grad_modes_inside_hold() -> None:
    w = tn.tensor(W.numpy(), requires_grad=True)

    def f(x: Any) -> Any:
        with tn.no_grad():
            c = (x @ w).sum()
        return c * (x @ w).sum() + (x @ w.detach()).sum()

    tn.vmap(f)(X).sum().backward()
    found = w.grad.numpy()
    w.grad = None
    looped(f, X).sum().backward()
    assert_allclose(found, w.grad, rtol=1e-12)
    with tn.no_grad():
        assert not tn.vmap(lambda x: x @ w)(X).requires_grad


def test_eager_mode_gives_the_same() -> None:
    wanted = tn.vmap(FUNCTIONS["place"])(X)
    with tn.eager():
        same(tn.vmap(FUNCTIONS["place"])(X), wanted)


def built(step: Callable[[int], Any], steps: int) -> tuple[int, int]:
    """How many programs and nodes the second half of a loop builds."""
    for k in range(steps):
        if k == steps // 2:
            before = dict(COUNTS)
        step(k)
    return COUNTS["programs"] - before["programs"], COUNTS["rows"] - before["rows"]


def test_a_training_loop_over_a_vmapped_loss_builds_nothing_any_more() -> None:
    w = tn.tensor(W.numpy(), requires_grad=True)
    data = tn.tensor(RNG.standard_normal((64, 3)))

    def step(k: int) -> None:
        batch = data[k % 8 * 8 : k % 8 * 8 + 8]
        loss = tn.vmap(lambda x: ((x @ w).tanh() ** 2).sum())(batch).mean()
        w.grad = None
        loss.backward()
        w.data -= 0.1 / (k + 1) * w.grad
        if k % 4 == 0:
            loss.item()

    assert built(step, 200) == (0, 0)


def test_per_example_gradients_at_every_step_build_nothing_any_more() -> None:
    w = tn.tensor(W.numpy()).mut()
    norms = tn.vmap(lambda w, x: (tn.grad(lambda w: ((x @ w) ** 2).sum())(w) ** 2).sum(), in_axes=(None, 0))

    def step(k: int) -> None:
        n = norms(w, X)
        w.mul_(1 - 0.01 / (k + 1))
        assert n.shape == (4,)
        if k % 5 == 0:
            n.numpy()

    assert built(step, 100) == (0, 0)


def test_a_loop_that_never_reads_builds_nothing_any_more() -> None:
    u = X.mut()

    def step(k: int) -> None:
        u.copy_(tn.vmap(lambda x: x.sin() * 0.5)(u))

    assert built(step, 1200)[0] == 0
    wanted = X.numpy()
    for _ in range(1200):
        wanted = np.sin(wanted) * 0.5
    assert_allclose(u, wanted, rtol=1e-9, atol=1e-300)


@pytest.mark.peers
def test_calls_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    x, y, w = (torch.tensor(a.numpy()) for a in (X, Y, W))

    def model(m: Any, w: Any) -> Callable[..., Any]:
        return lambda x, y: {"row": (x @ w).tanh(), "rest": (m.stack([x, y]).sum(), y * x[0])}

    axes: list[tuple[Any, Any]] = [(0, 0), ((0, 1), 0), ((0, None), {"row": 1, "rest": 0}), ((-1, 1), -1)]
    for dims, out in axes:
        rows = [(X, Y) if d == 0 else (X.T, Y.T) for d in (dims if isinstance(dims, tuple) else (dims,) * 2)]
        pair = [a[k] for k, a in enumerate(rows if len(rows) == 2 else rows * 2)]
        if dims == (0, None):
            pair[1] = Y[0]
        found = tn.vmap(model(tn, W), in_dims=dims, out_dims=out)(*pair)
        given = [torch.tensor(np.array(p)) for p in pair]
        wanted = torch.func.vmap(model(torch, w), in_dims=dims, out_dims=out)(*given)
        for mine, other in ((found["row"], wanted["row"]), *zip(found["rest"], wanted["rest"], strict=True)):
            assert_allclose(mine, other.numpy(), rtol=1e-12, strict=True)
    loss = lambda w, x, y: ((x @ w).tanh().sum() - y.sum()) ** 2  # noqa: E731
    found = tn.vmap(tn.grad(loss), in_dims=(None, 0, 0))(W, X, Y)
    wanted = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(w, x, y)
    assert_allclose(found, wanted.numpy(), rtol=1e-11)


def test_a_leaf_made_inside_is_one_of_each_example() -> None:
    def f(x: Any) -> Any:
        v = tn.Var(x, requires_grad=True)
        return tn.autograd.grad((v * v).sum(), v)[0]

    same(tn.vmap(f)(X), X * 2)


def test_a_call_leaves_nothing_to_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)
    step = lambda: tn.vmap(tn.hessian(lambda x: (x**3).sum()))(X).numpy()  # noqa: E731
    for _ in range(3):
        step()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            step()
        assert gc.collect() == 0
    finally:
        gc.enable()
