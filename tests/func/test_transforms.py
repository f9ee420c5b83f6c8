"""grad, value_and_grad, vjp, jvp, hessian and autograd.grad against derivatives known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

X = np.array([0.5, -1.25, 2.0])


def cubes(x: Any) -> Any:
    return (x * x * x).sum()


def leaf(values: Any = X) -> Any:
    return tn.tensor(values, dtype=tn.float64, requires_grad=True)


def close(got: Any, want: Any) -> None:
    np.testing.assert_allclose(np.asarray(got.detach()), want, rtol=1e-12, atol=1e-12)


def test_grad_and_value_and_grad() -> None:
    x = tn.tensor(X)
    value, gradient = tn.value_and_grad(cubes)(x)
    close(value, (X**3).sum())
    close(gradient, 3 * X**2)
    close(tn.grad(cubes)(x), 3 * X**2)
    assert not value.requires_grad and not gradient.requires_grad
    assert type(gradient) is tn.Tensor


def test_arguments_may_be_leaves_places_and_borrows() -> None:
    w = leaf()
    for x in (w, w.data, tn.tensor(X).mut()):
        close(tn.grad(cubes)(x), 3 * X**2)
    assert w.grad is None, "transforms leave .grad alone"


def test_argnums_and_trees() -> None:
    x, y = tn.tensor(X), tn.tensor(X + 1)
    gx, gy = tn.grad(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(x, y)
    close(gx, (X + 1) ** 2)
    close(gy, 2 * X * (X + 1))
    close(tn.grad(lambda x, y: (x * y * y).sum(), argnums=1)(x, y), 2 * X * (X + 1))
    model = {"w": x, "layers": [y, (x,)]}
    got = tn.grad(lambda m: (m["w"] * m["layers"][0]).sum() + cubes(m["layers"][1][0]))(model)
    close(got["w"], X + 1)
    close(got["layers"][0], X)
    close(got["layers"][1][0], 3 * X**2)


def test_has_aux() -> None:
    (value, aux), gradient = tn.value_and_grad(lambda x: (cubes(x), {"twice": x * 2}), has_aux=True)(tn.tensor(X))
    close(value, (X**3).sum())
    close(aux["twice"], 2 * X)
    assert not aux["twice"].requires_grad
    g, aux = tn.grad(lambda x: (cubes(x), 7), has_aux=True)(tn.tensor(X))
    close(g, gradient.numpy())
    assert aux == 7


def test_what_is_not_reached_is_zero() -> None:
    close(tn.grad(lambda x, y: y.sum(), argnums=0)(tn.tensor(X), tn.tensor(X)), 0 * X)


def test_gradients_of_gradients() -> None:
    x = tn.tensor(X)
    second = tn.grad(lambda x: tn.grad(cubes)(x).sum())
    close(second(x), 6 * X)
    close(tn.grad(lambda x: second(x).sum())(x), 6 + 0 * X)


def test_transforms_inside_a_recorded_computation() -> None:
    w = leaf()
    (tn.grad(cubes)(w) * w).sum().backward()
    close(w.grad, 9 * X**2)


def test_a_function_may_read_and_branch_on_values() -> None:
    seen = []

    def f(x: Any) -> Any:
        total = x.sum()
        seen.append(total.item())
        return cubes(x) if total.item() > 0 else -cubes(x)

    close(tn.grad(f)(tn.tensor(X)), 3 * X**2)
    close(tn.grad(f)(tn.tensor(-X)), -3 * X**2)
    close(tn.grad(lambda x: tn.grad(f)(x).sum())(tn.tensor(X)), 6 * X)
    assert seen[0] == X.sum()


def test_vjp_is_pulled_any_number_of_times() -> None:
    out, pull = tn.vjp(lambda x, y: (x * y, x + y), tn.tensor(X), tn.tensor(X + 1))
    close(out[0], X * (X + 1))
    for scale in (1.0, 2.0):
        g = tn.tensor(scale + 0 * X)
        gx, gy = pull((g, g * 3))
        close(gx, scale * (X + 1) + 3 * scale)
        close(gy, scale * X + 3 * scale)


def test_jvp_is_the_transpose_of_vjp() -> None:
    def f(x: Any) -> Any:
        return tn.sin(x)[:2] * x.sum()

    v, w = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.7])
    out, moved = tn.jvp(f, (tn.tensor(X),), (tn.tensor(v),))
    value, pull = tn.vjp(f, tn.tensor(X))
    (g,) = pull(tn.tensor(w))
    close(out, value.numpy())
    np.testing.assert_allclose(w @ moved.numpy(), v @ g.numpy(), rtol=1e-12)
    step = 1e-6
    slope = (f(tn.tensor(X + step * v)).numpy() - f(tn.tensor(X - step * v)).numpy()) / (2 * step)
    np.testing.assert_allclose(moved.numpy(), slope, rtol=1e-8)


def test_hessian() -> None:
    a = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0], [1.0, 0.0, 1.0]])
    h = tn.hessian(lambda x: ((tn.tensor(a) @ x) * x).sum() + cubes(x))(tn.tensor(X))
    close(h, a + a.T + np.diag(6 * X))
    assert tn.hessian(cubes)(tn.ones((2, 1), dtype=tn.float64)).shape == (2, 1, 2, 1)
    assert tn.hessian(cubes)(tn.zeros(0, dtype=tn.float64)).shape == (0, 0)


def test_autograd_grad() -> None:
    x, y = leaf(), leaf(X + 1)
    gx, gy = tn.autograd.grad((x * y).sum(), (x, y))
    close(gx, X + 1)
    close(gy, X)
    assert x.grad is None and y.grad is None
    middle = x * x
    (g,) = tn.autograd.grad((middle * 3).sum(), middle)
    close(g, 3 + 0 * X)
    (g,) = tn.autograd.grad([x * x, x], [x], grad_outputs=[tn.tensor(X), tn.tensor(X)])
    close(g, 2 * X * X + X)


def test_autograd_grad_of_what_is_not_used() -> None:
    x, y = leaf(), leaf()
    with pytest.raises(tn.GradientError, match="TN804.*not used"):
        tn.autograd.grad(cubes(x), (x, y))
    got = tn.autograd.grad(cubes(x), (x, y), allow_unused=True)
    assert got[1] is None
    close(tn.autograd.grad(cubes(x), (x, y), materialize_grads=True)[1], 0 * X)


def test_autograd_grad_consumes_unless_it_is_told_otherwise() -> None:
    x = leaf()
    y = cubes(x)
    tn.autograd.grad(y, x, retain_graph=True)
    tn.autograd.grad(y, x)
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        tn.autograd.grad(y, x)
    (g,) = tn.autograd.grad(cubes(x), x, create_graph=True)
    g.sum().backward()
    close(x.grad, 6 * X)


REFUSED: dict[str, Callable[[], Any]] = {
    "the function returned shape": lambda: tn.grad(lambda x: x)(tn.tensor(X)),
    "the function returned float, not a tensor": lambda: tn.grad(lambda x: 1.0)(tn.tensor(X)),
    "the function returned int64": lambda: tn.grad(lambda x: tn.tensor(1))(tn.tensor(X)),
    "only floating tensors": lambda: tn.grad(lambda x: x.sum())(tn.arange(3)),
    "a tangent of shape": lambda: tn.jvp(cubes, (tn.tensor(X),), (tn.ones(2, dtype=tn.float64),)),
    "a tangent of float32": lambda: tn.jvp(cubes, (tn.tensor(X),), (tn.ones(3),)),
    "0 tangents for 1 arguments": lambda: tn.jvp(cubes, (tn.tensor(X),), ()),
    "2 cotangents for 1 results": lambda: tn.vjp(cubes, tn.tensor(X))[1]((tn.tensor(1.0), tn.tensor(1.0))),
    "not a tensor": lambda: tn.hessian(cubes)("x"),
    "does not require grad": lambda: tn.autograd.grad(cubes(leaf()), tn.tensor(X)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(tn.TenureError, match=message):
        REFUSED[message]()
    close(tn.grad(cubes)(tn.tensor(X)), 3 * X**2)


def test_a_function_that_raises_leaves_everything_usable() -> None:
    def broken(x: Any) -> Any:
        raise ValueError("mine")

    w = leaf()
    y = cubes(w)
    with pytest.raises(ValueError, match="mine"):
        tn.grad(broken)(w)
    y.backward()
    close(w.grad, 3 * X**2)


def test_a_transform_in_a_loop_builds_nothing_after_its_first_rounds() -> None:
    from tenure.values.run.force import COUNTS

    step = tn.value_and_grad(cubes)
    x = tn.tensor(X)
    counts = []
    for k in range(8):
        value, g = step(x)
        x = x - g * (0.01 / (k + 1))
        value.item()
        counts.append((COUNTS["programs"], COUNTS["rows"]))
    assert counts[4] == counts[-1]


READS: list[Callable[[Any], Any]] = [
    lambda y: y[0],
    lambda y: y[:1].sum(),
    lambda y: y[tn.tensor([0])].sum(),
    lambda y: y[tn.tensor([True, False, False])].sum(),
    lambda y: tn.take_along_axis(y, tn.tensor([0]), 0).sum(),
    lambda y: y.flip(0)[2],
    lambda y: y.reshape(3, 1)[0, 0],
    lambda y: y[::2][0],
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("f", "slope", "curve"), [(tn.square, 1.0, 2.0), (tn.sin, np.cos(0.5), -np.sin(0.5))])
def test_second_derivatives_of_what_is_read_by_index(read: Any, f: Any, slope: float, curve: float) -> None:
    """Only an element is computed for the derivative of a read; it depends on the arguments of all transforms."""
    x, along = tn.tensor([0.5, -1.25, 2.0], dtype=tn.float64), tn.tensor([1.0, 0.0, 0.0], dtype=tn.float64)

    def g(x: Any) -> Any:
        return read(f(x))

    close(tn.grad(g)(x), [slope, 0, 0])
    close(tn.grad(lambda x: tn.grad(g)(x).sum())(x), [curve, 0, 0])
    close(tn.jvp(tn.grad(g), (x,), (along,))[1], [curve, 0, 0])
    close(tn.jvp(lambda x: tn.jvp(g, (x,), (along,))[1], (x,), (along,))[1], curve)
    close(tn.hessian(g)(x), np.diag([curve, 0, 0]))
    third = tn.grad(lambda x: tn.grad(lambda x: tn.grad(g)(x).sum())(x).sum())(x)[0]
    close(third, 0 if f is tn.square else -np.cos(0.5))
    w = leaf()
    (first,) = tn.autograd.grad(read(f(w)), [w], create_graph=True)
    first.sum().backward()
    close(w.grad, [curve, 0, 0])


def test_what_a_function_returns_beside_its_result() -> None:
    x = tn.tensor([1.0, 2.0])

    def f(x: Any) -> Any:
        return x * x, {"half": x / 2}

    y, pull, aux = tn.vjp(f, x, has_aux=True)
    z, moved, also = tn.jvp(f, (x,), (tn.ones(2),), has_aux=True)
    assert y.tolist() == z.tolist() == [1.0, 4.0]
    assert pull(tn.ones(2))[0].tolist() == moved.tolist() == [2.0, 4.0]
    assert aux["half"].tolist() == also["half"].tolist() == [0.5, 1.0]
    with pytest.raises(TypeError, match="vjp: with has_aux the function returns a pair"):
        tn.vjp(lambda x: x, x, has_aux=True)
