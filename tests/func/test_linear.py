"""linearize, custom_jvp, stacked models, and calls of modules with every option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure import nn

X, Y = (tn.tensor(a) for a in np.random.default_rng(0).standard_normal((2, 3)))


def smooth(x: Any, y: Any) -> Any:
    """Some function with a nested result."""
    return {"product": (x * y).sin(), "sum": [x.sum()]}


def test_linearize_is_jvp_and_calls_once() -> None:
    calls: list[int] = []

    def f(x: Any, y: Any) -> Any:
        calls.append(1)
        return smooth(x, y)

    out, push = tn.func.linearize(f, X, Y)
    assert_allclose(out["product"], smooth(X, Y)["product"])
    for tangents in ([X, Y], [Y * 0, X], [Y, X * 2]):
        found, expected = push(*tangents), tn.jvp(smooth, [X, Y], tangents)[1]
        assert_allclose(found["product"], expected["product"])
        assert_allclose(found["sum"][0], expected["sum"][0])
    assert len(calls) == 1
    columns = tn.vmap(lambda t: push(t, Y * 0)["product"])(tn.eye(3, dtype=tn.float64))
    assert_allclose(columns, tn.jacfwd(lambda x: smooth(x, Y)["product"])(X))
    twice = tn.grad(lambda x: tn.func.linearize(lambda z: z**3, x)[1](tn.ones(3, dtype=tn.float64)).sum())(X)
    assert_allclose(twice, 6 * X)
    with pytest.raises(tn.ShapeError, match="1 tangents for 2 arguments"):
        push(X)


def test_linearize_draws_once() -> None:
    out, push = tn.func.linearize(lambda x: x * tn.rand(3, dtype=tn.float64), X)
    assert_allclose(push(X), out)


@tn.custom_jvp
def odd(x: Any, y: Any) -> Any:
    """A product with tangents of its own."""
    return x * y["k"], {"s": x.sum()}


odd.defjvp(
    lambda p, t: (
        (p[0] * p[1]["k"], {"s": p[0].sum()}),
        (2 * t[0] * p[1]["k"] + 3 * p[0] * t[1]["k"], {"s": 7 * t[0].sum()}),
    )
)


def test_one_rule_for_both_modes() -> None:
    def f(x: Any, y: Any) -> Any:
        product, more = odd(x, {"k": y})
        return (product**2).sum() + more["s"]

    gx, gy = tn.grad(f, (0, 1))(X, Y)
    assert_allclose(gx, 2 * X * Y * 2 * Y + 7, rtol=1e-12)
    assert_allclose(gy, 2 * X * Y * 3 * X, rtol=1e-12)
    tangent = tn.jvp(f, [X, Y], [Y, X])[1]
    assert_allclose(tangent, (gx * Y + gy * X).sum(), rtol=1e-12)
    assert_allclose(tn.hessian(f)(X, Y), tn.jacrev(tn.jacrev(f))(X, Y), rtol=1e-12)
    each = tn.vmap(tn.grad(f))(X[:, None], Y[:, None])
    assert_allclose(each[:, 0], gx, rtol=1e-12)
    w = tn.Var(X, requires_grad=True)
    f(w, Y).backward()
    assert_allclose(w.grad, gx, rtol=1e-12)


def test_rules_that_do_not_fit() -> None:
    f = tn.custom_jvp(lambda x: x * 2)
    with pytest.raises(tn.GradientError, match="has no rule"):
        f(X)
    f.defjvp(lambda p, t: (p[0] * 2, (t[0], t[0])))
    with pytest.raises(tn.ShapeError, match="a tangent of another form than the result"):
        tn.grad(lambda x: f(x).sum())(X)


class Tied(nn.Module):
    """A module that holds one parameter under two names, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(tn.ones(3))
        self.b = self.a
        self.register_buffer("c", tn.zeros(3))

    def forward(self, x: Any) -> Any:
        """A sum."""
        return x * self.a + 10 * self.b + 100 * self.c


def test_calls_of_modules_with_options() -> None:
    m, x = Tied(), tn.ones(3)
    two, three = tn.full((3,), 2.0), tn.full((3,), 3.0)
    call = tn.func.functional_call
    assert call(m, {"a": two}, x).tolist() == [22.0] * 3
    assert call(m, {"a": two}, x, tie_weights=False).tolist() == [12.0] * 3
    assert call(m, ({"a": two}, {"c": three}), (x,), strict=True).tolist() == [322.0] * 3
    assert call(m, {"a": two, "b": three}, (), {"x": x}, tie_weights=False).tolist() == [32.0] * 3
    with pytest.raises(ValueError, match="'b' is tied to another name"):
        call(m, {"a": two, "b": three}, x)
    with pytest.raises(ValueError, match="'a' is given twice"):
        call(m, [{"a": two}, {"a": two}], x)
    with pytest.raises(KeyError, match="no tensor is given for 'c'"):
        call(m, {"a": two}, x, strict=True)
    assert m(x).tolist() == [11.0] * 3


@pytest.mark.peers
def test_stacked_models_and_gradients_by_example() -> None:
    torch = pytest.importorskip("torch")
    found = []
    data = np.random.default_rng(1).standard_normal((5, 4))
    weights = np.random.default_rng(2).standard_normal((3, 4, 4))
    for lib in (tn, torch):
        models = [lib.nn.Sequential(lib.nn.Linear(4, 4), lib.nn.Tanh(), lib.nn.BatchNorm1d(4)).double() for _ in "abc"]
        for m, w in zip(models, weights, strict=True):
            with lib.no_grad():
                m[0].weight.copy_(lib.tensor(w))
                m[0].bias.copy_(lib.tensor(w[0]))
            m.eval()
        params, buffers = lib.func.stack_module_state(models)
        x = lib.tensor(data)

        def run(p: Any, b: Any, x: Any, m: Any = models[0], lib: Any = lib) -> Any:
            return lib.func.functional_call(m, (p, b), (x,))

        out = lib.vmap(run, in_dims=(0, 0, None))(params, buffers, x)
        own = {k: v.detach() for k, v in models[0].named_parameters()}
        held = dict(models[0].named_buffers())

        def loss(p: Any, x: Any, run: Any = run, held: Any = held) -> Any:
            return (run(p, held, x[None]) ** 2).sum()

        each = lib.vmap(lib.func.grad(loss), in_dims=(None, 0))(own, x)
        assert all(p.requires_grad for p in params.values())
        found.append([out.tolist(), *[g.tolist() for g in each.values()], list(params), list(buffers)])
    for a, b in zip(*found, strict=True):
        if isinstance(a[0], str):
            assert a == b
        else:
            assert_allclose(a, b, rtol=1e-9, atol=1e-12)
