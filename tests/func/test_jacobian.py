"""Jacobians and Hessians: closed forms, both modes against each other, forms of results, order under vmap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure.values.run.force import COUNTS

RNG = np.random.default_rng(1)
A = RNG.standard_normal((2, 3))
W = tn.tensor(A)
X = tn.tensor(RNG.standard_normal(3))
MODES = pytest.mark.parametrize("jacobian", [tn.jacrev, tn.jacfwd])


def close(found: Any, wanted: Any) -> None:
    assert_allclose(found.detach(), wanted, rtol=1e-11, atol=1e-12, strict=True)


@MODES
def test_closed_forms(jacobian: Any) -> None:
    close(jacobian(lambda x: W @ x)(X), A)
    close(jacobian(lambda x: (W @ x).tanh())(X), (1 - np.tanh(A @ X.numpy()) ** 2)[:, None] * A)
    close(jacobian(lambda x: x.sum())(X), np.ones(3))
    close(jacobian(lambda x: x[0] * x)(tn.tensor(3.0).reshape(1).double()), np.array([[6.0]]))
    close(jacobian(lambda x: tn.stack([x, x * x]))(tn.tensor(3.0, dtype=tn.float64)), np.array([1.0, 6.0]))
    close(jacobian(lambda x: W)(X), np.zeros((2, 3, 3)))
    outer = jacobian(lambda x: x.reshape(3, 1) * x)(X)
    unit, at = np.eye(3), X.numpy()
    close(outer, np.einsum("ik,j->ijk", unit, at) + np.einsum("jk,i->ijk", unit, at))


@MODES
def test_forms(jacobian: Any) -> None:
    def f(x: Any, p: Any) -> Any:
        return {"product": x * p["a"], "pair": (p["a"].sum(), [x.sum() * p["b"]])}

    p = {"a": X * 2, "b": tn.tensor(5.0, dtype=tn.float64)}
    by_x, by_p = jacobian(f, 0)(X, p), jacobian(f, 1)(X, p)
    close(by_x["product"], np.diag(2 * X.numpy()))
    close(by_x["pair"][0], np.zeros(3))
    close(by_x["pair"][1][0], np.full(3, 5.0))
    close(by_p["product"]["a"], np.diag(X.numpy()))
    close(by_p["product"]["b"], np.zeros(3))
    close(by_p["pair"][0]["a"], np.ones(3))
    close(by_p["pair"][1][0]["b"], X.numpy().sum())
    both = jacobian(f, (0, 1))(X, p)
    close(both["product"][0], np.diag(2 * X.numpy()))
    close(both["product"][1]["a"], np.diag(X.numpy()))
    found, aux = jacobian(lambda x: (x * x, ["kept", x.sum()]), has_aux=True)(X)
    close(found, np.diag(2 * X.numpy()))
    assert aux[0] == "kept" and aux[1].item() == pytest.approx(X.numpy().sum())
    close(jacobian(lambda x, *, scale: x * scale)(X, scale=2.0), 2 * np.eye(3))


@MODES
def test_nothing_by_nothing(jacobian: Any) -> None:
    none = tn.zeros(0, dtype=tn.float64)
    assert jacobian(lambda x: x * 2)(none).shape == (0, 0)
    assert jacobian(lambda x: x.sum())(none).shape == (0,)
    assert jacobian(lambda x: tn.concat([x, X]))(none).shape == (3, 0)
    assert jacobian(lambda x: x[:0])(X).shape == (0, 3)


@MODES
def test_the_function_is_called_once_on_values(jacobian: Any) -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x.tolist())
        return x * tn.rand(3, dtype=tn.float64) if x.sum().item() < 1e9 else x

    found = jacobian(f)(X)
    assert calls == [X.tolist()] and found.shape == (3, 3)


def test_second_derivatives_in_all_orders() -> None:
    f = lambda x: (x.sin() * (W @ x).sum()).sum()  # noqa: E731
    wanted = tn.hessian(f)(X)
    for outer in (tn.jacrev, tn.jacfwd):
        for inner in (tn.jacrev, tn.jacfwd, tn.grad):
            close(outer(inner(f))(X), wanted)
    close(wanted, wanted.numpy().T)
    third = tn.jacfwd(tn.hessian(lambda x: (x**4).sum()))(X)
    close(third, np.einsum("i,ij,ik->ijk", 24 * X.numpy(), np.eye(3), np.eye(3)))


def test_hessian_forms() -> None:
    f = lambda x, y: (x * x * y).sum()  # noqa: E731
    y = X + 1
    (xx, xy), (yx, yy) = tn.hessian(f, (0, 1))(X, y)
    close(xx, np.diag(2 * y.numpy()))
    close(xy, np.diag(2 * X.numpy()))
    close(yx, np.diag(2 * X.numpy()))
    close(yy, np.zeros((3, 3)))
    many = tn.hessian(lambda x: x**3)(X)
    close(many, np.einsum("i,ij,ik->ijk", 6 * X.numpy(), np.eye(3), np.eye(3)))


def test_under_vmap_and_around_it() -> None:
    xs = tn.tensor(RNG.standard_normal((4, 3)))
    f = lambda x: (W @ x).sin() * x.sum()  # noqa: E731
    for jacobian in (tn.jacrev, tn.jacfwd):
        close(tn.vmap(jacobian(f))(xs), np.stack([jacobian(f)(xs[k]).numpy() for k in range(4)]))
    second = tn.hessian(lambda x: f(x).sum())
    close(tn.vmap(second)(xs), np.stack([second(xs[k]).numpy() for k in range(4)]))
    whole = tn.jacrev(tn.vmap(f))(xs)
    close(whole, tn.jacfwd(tn.vmap(f))(xs).numpy())
    for k in range(4):
        close(whole[k, :, k], tn.jacrev(f)(xs[k]).numpy())
    assert not whole[0, :, 1].numpy().any()


def test_gradients_of_jacobians_reach_leaves() -> None:
    w = tn.tensor(A, requires_grad=True)
    ((tn.jacrev(lambda x: (w @ x).sin())(X)) ** 2).sum().backward()
    found = w.grad.numpy()
    w.grad = None
    rows = tn.stack([tn.grad(lambda x, k=k: (w @ x).sin()[k])(X) for k in range(2)])
    (rows**2).sum().backward()
    assert_allclose(found, w.grad, rtol=1e-11)


@MODES
def test_refused(jacobian: Any) -> None:
    with pytest.raises(tn.DTypeError, match="returned int64, not a float"):
        jacobian(lambda x: x.argmax())(X)
    with pytest.raises(tn.DTypeError, match="only floating tensors"):
        jacobian(lambda x: x)(tn.arange(3))
    with pytest.raises(tn.DTypeError, match="holds 'text'"):
        jacobian(lambda x: "text")(X)


def test_a_jacobian_at_every_step_builds_nothing_any_more() -> None:
    x = X
    for k in range(60):
        if k == 30:
            before = dict(COUNTS)
        j, h = tn.jacrev(lambda x: (W @ x).tanh())(x), tn.hessian(lambda x: (x.sin() * x).sum())(x)
        x = x - 0.01 / (k + 1) * (j.sum(axis=0) + h.sum(axis=0))
        x.numpy()
    assert (COUNTS["programs"], COUNTS["rows"]) == (before["programs"], before["rows"])


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_jacobians_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    w, x = torch.tensor(A), torch.tensor(X.numpy())
    ours: Any = lambda x, p: {"y": (p["w"] @ x).tanh(), "z": (x**3).sum() * p["b"]}  # noqa: E731
    given, theirs = {"w": W, "b": X[0]}, {"w": w, "b": x[0]}
    for name in ("jacrev", "jacfwd", "hessian"):
        mine = getattr(tn, name)(ours, argnums=(0, 1))(X, given)
        other = getattr(torch.func, name)(ours, argnums=(0, 1))(x, theirs)
        compare(mine, other)


def compare(mine: Any, other: Any) -> None:
    """Trees of one form with the same numbers."""
    if isinstance(mine, dict):
        assert mine.keys() == other.keys()
        for key in mine:
            compare(mine[key], other[key])
    elif isinstance(mine, tuple | list):
        for x, y in zip(mine, other, strict=True):
            compare(x, y)
    else:
        close(mine, other.numpy())
