"""autograd.Function: the same classes with both libraries give the same numbers, to second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn

X, Y = np.random.default_rng(0).standard_normal((2, 3))


def functions(lib: Any) -> dict[str, Any]:
    """Operations as one writes them with PyTorch."""
    Base: Any = lib.autograd.Function

    class Exp(Base):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (y,) = ctx.saved_tensors
            return g * y

    class Scaled(Base):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any, factor: float, flag: Any = None) -> Any:
            ctx.factor, ctx.needs = factor, ctx.needs_input_grad
            ctx.save_for_backward(x, None, y)
            return x * y * factor, x.sum()

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            x, _, y = ctx.saved_tensors
            gy = g * x * ctx.factor if ctx.needs_input_grad[1] else None
            return g * y * ctx.factor + 2 * h, gy, None, None

    class Apart(Base):  # type: ignore[misc]
        @staticmethod
        def forward(x: Any) -> Any:
            return x**3, (x > 0).to(x.dtype)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            (x,) = inputs
            ctx.save_for_backward(x)
            ctx.mark_non_differentiable(output[1])
            ctx.set_materialize_grads(True)

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    class Through(Base):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.round()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    return {
        "exp": lambda x, y: Exp.apply(x * y),
        "scaled": lambda x, y: Scaled.apply(x, y, 3.0)[0] + Scaled.apply(x, y.detach(), 0.5, None)[1],
        "apart": lambda x, y: Apart.apply(x)[0] * Apart.apply(y)[1] * y,
        "through": lambda x, y: Through.apply(x) * y,
        "twice": lambda x, y: Exp.apply(Apart.apply(x)[0]) * y,
    }


@pytest.mark.peers
@pytest.mark.parametrize("name", ["exp", "scaled", "apart", "through", "twice"])
def test_values_and_derivatives(name: str) -> None:
    torch = pytest.importorskip("torch")
    found = []
    for lib in (tn, torch):
        f = functions(lib)[name]
        x, y = (lib.tensor(a, requires_grad=True) for a in (X, Y))
        out = f(x, y)
        grads = lib.autograd.grad((out * out).sum(), (x, y), create_graph=True)
        second = lib.autograd.grad(sum((g * g).sum() for g in grads), (x, y), allow_unused=True)
        found.append([out.detach().numpy(), *[g.detach().numpy() for g in (*grads, *second)]])
    for a, b in zip(*found, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_transforms_take_them() -> None:
    f = functions(tn)
    x, y = tn.tensor(X), tn.tensor(Y)
    for name in ("exp", "apart", "twice"):
        loss = lambda x, y, name=name: f[name](x, y).sum()  # noqa: E731
        gx = tn.grad(loss)(x, y)
        assert_allclose(tn.jvp(lambda x, loss=loss: loss(x, y), [x], [y])[1], (gx * y).sum(), rtol=1e-10)
        each = tn.vmap(tn.grad(loss))(x[:, None], y[:, None])
        assert_allclose(each[:, 0], gx, rtol=1e-10)


def test_results_without_a_gradient_are_none() -> None:
    seen = []

    class Pair(tn.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return 2 * x, 3 * x, x > 0

        @staticmethod
        def backward(ctx: Any, *gs: Any) -> Any:
            seen.append([g is not None for g in gs])
            return sum(k * g for k, g in zip((2, 3), gs[:2], strict=True) if g is not None)

    w = tn.tensor(X, requires_grad=True)
    for k in range(2):
        Pair.apply(w)[k].sum().backward()
    assert seen == [[True, False, False], [False, True, False]]
    assert_allclose(w.grad.numpy(), [5.0] * 3)
    x = tn.tensor(X)
    assert_allclose(tn.jvp(lambda x: Pair.apply(x)[1], [x], [x])[1], 3 * X)


def test_refusals() -> None:
    class Bad(tn.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(3.0)
            return x

    class Dirty(tn.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x

    class Many(tn.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, g

    w = tn.tensor(X, requires_grad=True)
    with pytest.raises(tn.DTypeError, match="save_for_backward keeps tensors, not 3.0"):
        Bad.apply(w)
    with pytest.raises(tn.WriteError, match="TN594"):
        Dirty.apply(w)
    with pytest.raises(tn.GradientError, match="the rule of Many must return a tuple of 1 cotangents"):
        Many.apply(w).sum().backward()
    with pytest.raises(NotImplementedError, match="defines forward"):
        tn.autograd.Function.apply(w)
