"""Not selected, or zero by number: the first stops every derivative, the second follows IEEE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F
from tests.traits import EVERY

INF, NAN = float("inf"), float("nan")
BAD = [0.0, -1.0, INF, -INF, NAN]
Function = Callable[[Any], Any]

SINGULAR: dict[str, Function] = {
    "sqrt": tn.sqrt,
    "log": tn.log,
    "log1p": tn.log1p,
    "exp": tn.exp,
    "expm1": tn.expm1,
    "sin": tn.sin,
    "cos": tn.cos,
    "tanh": tn.tanh,
    "erf": tn.erf,
    "sigmoid": tn.sigmoid,
    "gelu": F.gelu,
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "elu": F.elu,
    "times nan": lambda x: x * NAN,
    "times inf": lambda x: x * INF,
    "by itself": lambda x: x * x,
    "over itself": lambda x: x / x,
    "one over": lambda x: 1 / x,
    "over inf": lambda x: x / INF,
    "power": lambda x: x**-1.5,
    "base": lambda x: 2.0**x,
    "remainder": lambda x: x % 0.0,
    "softmax": lambda x: F.softmax(tn.stack([x, x * x]), dim=0)[1],
    "log_softmax": lambda x: F.log_softmax(tn.stack([x, x * x]), dim=0)[1],
    "logsumexp": lambda x: tn.logsumexp(tn.stack([x, x * x]), axis=0),
    "std": lambda x: tn.std(tn.stack([x, x * x]), axis=0),
    "largest": lambda x: tn.max(tn.stack([x * INF, x]), axis=0),
    "two steps": lambda x: tn.sqrt(tn.log(x)),
    "sum of two": lambda x: tn.log(x) + tn.sqrt(x),
}
UNREAD: dict[str, Callable[[Any, Any, Any], Any]] = {
    "where": lambda y, x, good: tn.where(good, y, 0.0),
    "other branch": lambda y, x, good: tn.where(~good, x, y),
    "element": lambda y, x, good: y[0],
    "slice": lambda y, x, good: y[:1],
    "indices": lambda y, x, good: y[tn.tensor([0, 0])],
    "mask": lambda y, x, good: y[good],
    "take_along_axis": lambda y, x, good: tn.take_along_axis(y, tn.tensor([0]), 0),
    "overwritten": lambda y, x, good: y.at[1:].set(3.0),
    "overwritten by indices": lambda y, x, good: y.at[tn.tensor([1])].set(3.0),
    "filled": lambda y, x, good: y.masked_fill(~good, 0.0),
    "written over": lambda y, x, good: tn.where(good, y, x) + tn.zeros(2),
}


@pytest.mark.parametrize("way", UNREAD)
@pytest.mark.parametrize("name", SINGULAR)
def test_what_is_left_out_never_counts(name: str, way: str) -> None:
    """The gradient at the element that is read is what it is without the other one; at the other one it is 0, or that
    of the branch that is taken there."""
    f, read = SINGULAR[name], UNREAD[way]
    turn = list(SINGULAR).index(name) + list(UNREAD).index(way)
    alone = tn.grad(lambda x: read(f(x), x, tn.tensor([True, False])).sum())(tn.tensor([1.5, 2.5], dtype=tn.float64))
    for bad in BAD if EVERY else (BAD[turn % 5],):
        x = tn.tensor([1.5, bad], dtype=tn.float64)

        def g(x: Any) -> Any:
            return read(f(x), x, tn.tensor([True, False]))

        y, pull = tn.vjp(g, x)
        (found,) = pull(tn.ones(y.shape, dtype=y.dtype))
        np.testing.assert_array_equal(found.numpy(), alone.numpy(), err_msg=f"{bad}")
        assert not np.signbit(found.numpy()[1])
        columns = tn.jacfwd(g)(x).numpy()
        np.testing.assert_allclose(columns, tn.jacrev(g)(x).numpy(), rtol=1e-12)
        assert np.isfinite(columns[..., 1]).all()


@pytest.mark.parametrize(
    ("f", "at", "wanted"),
    [
        (lambda x: tn.exp(tn.log(x)), 0.0, 1.0),
        (lambda x: tn.sqrt(x) ** 2, 0.0, 1.0),
        (lambda x: tn.sigmoid(tn.log(x)), 0.0, 1.0),
        (lambda x: tn.logsumexp(tn.log(tn.stack([x, x + 0.5])), axis=0), 0.0, 4.0),
        (lambda x: tn.sin(x * INF) * 0, 1.0, NAN),
        (lambda x: 0 * tn.log(x), 0.0, NAN),
        (lambda x: tn.log(x * x) * x, 0.0, NAN),
        (lambda x: tn.square(tn.sqrt(x)), 0.0, 1.0),
    ],
)
@pytest.mark.parametrize("create", [False, True])
def test_a_number_that_is_zero_is_a_number(f: Function, at: float, wanted: float, create: bool) -> None:
    """Right, or NaN, and never another number."""
    x = tn.tensor(at, requires_grad=True)
    (found,) = tn.autograd.grad(f(x), (x,), create_graph=create)
    moved = tn.jvp(f, (tn.tensor(at),), (tn.tensor(1.0),))[1]
    for g in (found.item(), moved.item(), tn.grad(f)(tn.tensor(at)).item()):
        assert np.isnan(g) or g == wanted


def test_logsumexp_with_infinities() -> None:
    def gradient(values: list[float]) -> list[float]:
        return tn.grad(lambda x: tn.logsumexp(x, axis=0))(tn.tensor(values)).tolist()  # type: ignore[no-any-return]

    assert gradient([INF, 1.0]) == [1.0, 0.0]
    assert gradient([-INF, 1.0]) == [0.0, 1.0]
    assert gradient([INF, INF]) == [0.5, 0.5]
    assert tn.logsumexp(tn.tensor([INF, 1.0]), axis=0).item() == INF
    assert tn.logsumexp(tn.tensor([-INF, -INF]), axis=0).item() == -INF
    assert np.isnan(tn.logsumexp(tn.tensor([NAN, 1.0]), axis=0).item())


@pytest.mark.parametrize("between", ["nothing", "hook", "retain", "read", "clone", "cut", "eager"])
@pytest.mark.parametrize("times", range(3))
def test_what_happens_between_changes_nothing(between: str, times: int) -> None:
    """Hooks, retained gradients, reads and cuts of a long trace let the two zeros pass as they are."""
    x = tn.tensor([0.0, 4.0], requires_grad=True)
    y = tn.log(x)
    if between == "hook":
        y.register_hook(lambda g: g if times else None)
    if between == "retain":
        y.retain_grad()
    if between == "read":
        y.tolist()
    if between == "clone":
        y = y.clone()
    if between == "cut":
        for _ in range(1500):
            y = y * 1.0
    if between == "eager":
        with tn.eager():
            z = tn.where(x > 0, y, 0.0)
            z.sum().backward()
    else:
        z = tn.where(x > 0, y, 0.0)
        if between == "read":
            z.tolist()
        z.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 0.25]
    if between == "retain":
        assert y.grad is not None and y.grad.tolist() == [0.0, 1.0] and not np.signbit(y.grad.numpy()).any()


def test_a_row_that_is_not_read_may_hold_anything() -> None:
    x = tn.tensor([[1.0, 2.0], [NAN, INF]], requires_grad=True)
    for f in (F.log_softmax, F.softmax):
        x.grad = None
        f(x, dim=-1)[0, 1].backward()
        assert x.grad is not None
        assert np.isfinite(x.grad.numpy()).all() and x.grad.numpy()[1].tolist() == [0.0, 0.0]
    x.grad = None
    F.layer_norm(x, (2,))[0, 0].backward()
    assert x.grad.numpy()[1].tolist() == [0.0, 0.0]


def test_second_derivatives_of_guards() -> None:
    def guarded(x: Any) -> Any:
        return tn.where(x > 20, x, tn.log1p(tn.exp(x)))

    for dtype in (tn.float32, tn.float64):
        for at in (89.0, 120.0, 800.0):
            x = tn.tensor(at, dtype=dtype)
            assert tn.grad(tn.grad(guarded))(x).item() == 0
            assert tn.hessian(guarded)(x).item() == 0
            assert tn.grad(tn.grad(tn.grad(guarded)))(x).item() == 0
            for f in (F.softplus, F.elu, F.silu, F.gelu, F.logsigmoid):
                assert abs(tn.grad(tn.grad(f))(x).item()) < 1e-30
                assert abs(tn.hessian(f)(x).item()) < 1e-30


@pytest.mark.parametrize("dtype", [tn.float32, tn.float64])
@pytest.mark.parametrize("shape", [(3, 2, 2), (5, 3, 4), (40, 65, 33)])
@pytest.mark.parametrize("sight", range(3))
def test_products_of_what_is_left_out(shape: tuple[int, int, int], dtype: Any, sight: int) -> None:
    """Rows of NaN that are masked, and columns: the gradients of both factors are those without them."""
    n, k, m = shape
    rng = np.random.default_rng(n)
    x, w = rng.standard_normal((n, k)), rng.standard_normal((k, m))
    x[1, 0], x[1, 1], w[0, 0], w[1, 0] = NAN, INF, -INF, 0.0
    rows, columns = np.arange(n) != 1, np.arange(m) != 0
    clean_x, clean_w = np.where(rows[:, None], x, 1.0), np.where(columns, w, 1.0)

    def gradients(x: Any, w: Any, mask: Any) -> list[Any]:
        u, v = (tn.tensor(a, dtype=dtype, requires_grad=True) for a in (x, w))
        y = tn.tanh(u) @ tn.log(v.abs())
        tn.where(tn.tensor(mask), tn.sin(y), 0.0).sum().backward()
        return [u.grad.numpy(), v.grad.numpy()]  # type: ignore[union-attr]

    mask = rows[:, None] & columns
    for found, wanted in zip(gradients(x, w, mask), gradients(clean_x, clean_w, mask), strict=True):
        tolerance = 2e-4 if dtype is tn.float32 else 1e-11
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())
        assert not (found[~rows] if found.shape == x.shape else found[:, ~columns]).any()


def test_a_masked_row_through_a_layer_and_its_second_derivative() -> None:
    layer = tn.nn.Linear(3, 4)
    x = tn.tensor([[1.0, 2.0, 3.0], [NAN, INF, 0.0]])

    def loss(x: Any) -> Any:
        return tn.where(tn.tensor([[True], [False]]), layer(tn.tanh(x)), 0.0).square().sum()

    loss(x).backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in layer.parameters())
    assert tn.grad(loss)(x).detach().numpy()[1].tolist() == [0.0, 0.0, 0.0]
    curved = tn.hessian(loss)(x).detach().numpy()
    assert np.isfinite(curved).all() and not curved[1].any() and curved[0, :, 0].any()
    each = tn.vmap(tn.grad(lambda row, keep: tn.where(keep, layer(tn.log(row)), 0.0).sum()))
    found = each(tn.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]), tn.tensor([True, False])).detach().numpy()
    assert np.isfinite(found).all() and not found[1].any()
