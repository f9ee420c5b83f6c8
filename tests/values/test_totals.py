"""Products, counts, norms, scans and differences: NumPy's numbers, forms of a call, edges, errors, examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn

X = np.random.default_rng(0).standard_normal((3, 4, 5))
NAN, INF = float("nan"), float("inf")
Function = Callable[[Any], Any]
MEANINGS: list[tuple[str, Function, Function]] = [
    ("prod", lambda x: tn.prod(x, axis=(0, 2)), lambda x: x.prod((0, 2))),
    ("prod", lambda x: x.prod(dim=1, keepdim=True), lambda x: x.prod(1, keepdims=True)),
    ("nansum", lambda x: tn.nansum(x, 1), lambda x: np.nansum(x, 1)),
    ("nanmean", lambda x: x.nanmean(dim=-1), lambda x: np.nanmean(x, -1)),
    ("count", lambda x: tn.count_nonzero(x > 0, (0, 1)), lambda x: np.count_nonzero(x > 0, (0, 1))),
    ("cumsum", lambda x: x.cumsum(1), lambda x: np.cumsum(x, 1)),
    ("cumprod", lambda x: tn.cumprod(x, axis=-1), lambda x: np.cumprod(x, -1)),
    ("cumulative_sum", lambda x: tn.cumulative_sum(x, axis=0), lambda x: np.cumsum(x, 0)),
    ("logcumsumexp", lambda x: x.logcumsumexp(dim=0), lambda x: np.logaddexp.accumulate(x, 0)),
    ("cummax", lambda x: x.cummax(2).values, lambda x: np.maximum.accumulate(x, 2)),
    ("cummin", lambda x: tn.cummin(x, dim=0)[0], lambda x: np.minimum.accumulate(x, 0)),
    ("norm", lambda x: tn.norm(x), lambda x: np.linalg.norm(x.reshape(-1))),
    ("norm", lambda x: x.norm(3, dim=1), lambda x: (abs(x) ** 3).sum(1) ** (1 / 3)),
    ("vector_norm", lambda x: tn.linalg.vector_norm(x, axis=1, ord=INF), lambda x: abs(x).max(1)),
    ("vector_norm", lambda x: tn.linalg.vector_norm(x, -INF, keepdims=True), lambda x: abs(x).min(keepdims=True)),
    ("diff", lambda x: tn.diff(x, 2, axis=1), lambda x: np.diff(x, 2, 1)),
    ("diff", lambda x: x.diff(dim=0, append=1.0), lambda x: np.diff(x, axis=0, append=1.0)),
    ("trapezoid", lambda x: tn.trapezoid(x, dx=0.5, axis=1), lambda x: np.trapezoid(x, dx=0.5, axis=1)),
    ("trapezoid", lambda x: tn.trapz(x, tn.arange(5) ** 2), lambda x: np.trapezoid(x, np.arange(5) ** 2)),
    ("aminmax", lambda x: tn.aminmax(x, dim=1).min, lambda x: x.min(1)),
    ("std_mean", lambda x: tn.std_mean(x, axis=1)[0], lambda x: x.std(1)),
    ("var_mean", lambda x: tn.var_mean(x, dim=1)[0], lambda x: x.var(1, ddof=1)),
    ("softmax", lambda x: x.softmax(0), lambda x: np.exp(x) / np.exp(x).sum(0)),
    ("log_softmax", lambda x: x.log_softmax(dim=-1), lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True))),
]


@pytest.mark.parametrize("k", range(len(MEANINGS)), ids=lambda k: f"{MEANINGS[k][0]}-{k}")
def test_the_numbers_are_those_of_numpy_and_of_each_example(k: int) -> None:
    _, function, oracle = MEANINGS[k]
    found = function(tn.tensor(X))
    assert_allclose(found.numpy(), oracle(X), rtol=1e-12)
    both = tn.vmap(function)(tn.tensor(np.stack([X, -X]))).numpy()
    assert_allclose(both, np.stack([oracle(X), oracle(-X)]), rtol=1e-12)


def test_whole_numbers_and_bools() -> None:
    x = tn.tensor([[True, False], [True, True]])
    assert x.cumsum(0).tolist() == [[1, 0], [2, 1]] and x.cumsum(0).dtype is tn.int64
    assert x.prod(axis=1).tolist() == [0, 1] and tn.count_nonzero(x).item() == 3
    assert tn.cummax(x, 0).values.tolist() == [[True, False], [True, True]]
    assert tn.diff(x).tolist() == [[True], [False]]
    k = tn.tensor([3, 1, 2], dtype=tn.int32)
    assert k.cumprod(0).dtype is tn.int64 and k.cumsum(0, dtype=tn.int32).dtype is tn.int32
    assert k.cummin(0).values.dtype is tn.int32 and k.cummin(0).indices.dtype is tn.int64
    assert k.prod(dtype=tn.float64).dtype is tn.float64 and tn.logcumsumexp(k, 0).dtype is tn.float32
    assert tn.trapezoid(k).item() == 3.5


def test_initial_elements() -> None:
    x = tn.tensor([[1.0, 2.0, 3.0]])
    assert tn.cumulative_sum(x, axis=1, include_initial=True).tolist() == [[0, 1, 3, 6]]
    assert tn.cumulative_prod(x, axis=0, include_initial=True).tolist() == [[1, 1, 1], [1, 2, 3]]


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp"])
def test_no_elements_and_no_axes(name: str) -> None:
    for shape, axis in (((0,), 0), ((0, 3), 0), ((0, 3), 1), ((3, 0), 0)):
        x = tn.tensor(np.zeros(shape), requires_grad=True)
        found = getattr(x, name)(axis)
        assert found.shape == shape
        found.sum().backward()
        assert x.grad is not None and x.grad.shape == shape
    assert getattr(tn.tensor(2.0), name)(0).item() == getattr(tn.tensor(2.0), name)(-1).item() == 2.0
    assert tn.cummax(tn.tensor(2.0), 0).indices.item() == 0


def test_reductions_of_nothing() -> None:
    x = tn.zeros(2, 0)
    assert x.prod(axis=1).tolist() == [1, 1] and x.prod().item() == 1
    assert tn.norm(x).item() == 0 and tn.norm(x, 0.5, 1).tolist() == [0, 0]
    assert tn.nansum(x, 1).tolist() == [0, 0] and math.isnan(tn.nanmean(x).item())
    assert tn.count_nonzero(x).item() == 0
    for order in (INF, -INF):
        with pytest.raises(tn.ShapeError, match="TN802"):
            tn.linalg.vector_norm(x, order, axis=1)


def gradient(function: Function, x: Any) -> Any:
    return tn.grad(lambda x: function(x).sum())(tn.tensor(x)).numpy()


def test_gradients_at_singular_points() -> None:
    zeros = np.zeros(3)
    for order in (0, 0.5, 1, 1.5, 2, 3, INF, -INF):
        assert_array_equal(gradient(lambda x, p=order: tn.norm(x, p), zeros), zeros)
    assert_array_equal(gradient(lambda x: tn.norm(x, INF), np.array([2.0, -2.0, 1.0])), [0.5, -0.5, 0])
    assert_array_equal(gradient(tn.prod, np.array([2.0, 0.0, 3.0])), [0, 6, 0])
    assert_array_equal(gradient(tn.prod, np.array([2.0, 0.0, 0.0])), [0, 0, 0])
    assert_array_equal(gradient(lambda x: x.cumprod(0), np.array([2.0, 0.0, 3.0])), [1, 8, 0])
    assert_array_equal(gradient(lambda x: x.cummax(0).values, np.array([1.0, 3.0, 3.0, 2.0])), [1, 1, 2, 0])
    assert_array_equal(gradient(tn.nansum, np.array([1.0, NAN])), [1, 0])
    h = tn.hessian(tn.prod)(tn.tensor([2.0, 0.0, 0.0])).numpy()
    assert_array_equal(h, [[0, 0, 0], [0, 0, 2], [0, 2, 0]])
    h = tn.hessian(lambda x: x.cumprod(0)[2])(tn.tensor([0.0, 0.0, 5.0])).numpy()
    assert_array_equal(h, [[0, 5, 0], [5, 0, 0], [0, 0, 0]])


def test_a_great_range_does_not_overflow() -> None:
    x = tn.tensor([-1000.0, 0.0, 1000.0, 1000.0])
    assert_allclose(x.logcumsumexp(0).numpy(), [-1000, 0, 1000, 1000 + math.log(2)])
    x = tn.tensor([-INF, -INF, 1.0, INF, 2.0])
    assert x.logcumsumexp(0).tolist() == [-INF, -INF, 1, INF, INF]
    assert_allclose(gradient(lambda x: x.logcumsumexp(0)[-1], np.array([0.0, 800.0, -800.0])), [0, 1, 0])


def test_long_axes() -> None:
    x = np.random.default_rng(1).standard_normal(5000)
    v = tn.tensor(x, requires_grad=True)
    w = np.random.default_rng(2).standard_normal(5000)
    (v.cumsum(0) * tn.tensor(w)).sum().backward()
    assert v.grad is not None
    assert_allclose(v.grad.numpy(), w[::-1].cumsum()[::-1], rtol=1e-9, atol=1e-9)
    y = tn.tensor(x)
    slope = tn.jvp(lambda x: (1 + x / 100).cumprod(0), (y,), (tn.tensor(w),))[1].numpy()
    near = ((1 + (x + 1e-6 * w) / 100).cumprod() - (1 + (x - 1e-6 * w) / 100).cumprod()) / 2e-6
    assert_allclose(slope, near, rtol=1e-5, atol=1e-7)


def test_places() -> None:
    v = tn.tensor([1.0, 2.0, 3.0]).mut()
    before = v.value
    assert v.cumsum_(0) is v and v.tolist() == [1, 3, 6]
    assert v.cumprod_(0).tolist() == [1, 3, 18] and before.tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ["gather", "scatter", "index_select", "index_add", "unfold", "softmax"])
def test_numbers_are_lists_of_one(name: str) -> None:
    x, i = tn.tensor(5.0, requires_grad=True), tn.tensor([0])
    calls: dict[str, Callable[[], Any]] = {
        "gather": lambda: x.gather(-1, i),
        "scatter": lambda: x.scatter(0, i, x * 2),
        "index_select": lambda: x.index_select(0, i),
        "index_add": lambda: x.index_add(0, i, x),
        "unfold": lambda: x.unfold(0, 1, 1),
        "softmax": lambda: x.softmax(0) * x,
    }
    found = calls[name]()
    assert found.shape == ((1,) if name in ("gather", "unfold") else ())
    assert found.item() == {"scatter": 10, "index_add": 10}.get(name, 5)
    found.sum().backward()
    assert x.grad is not None and x.grad.item() == {"scatter": 2, "index_add": 2}.get(name, 1)


ERRORS: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda x: x.cumsum(), tn.ShapeError, "cumsum along which of 2 axes"),
    (lambda x: x.cumsum(2), tn.OutOfRange, "axis 2 is out of range"),
    (lambda x: x.cumsum(0.5), tn.DTypeError, "axis is an int"),
    (lambda x: tn.cumulative_sum(x[0, 0]), tn.ShapeError, "0-dimensional"),
    (lambda x: x.norm("nuc"), tn.DTypeError, "p is a number or 'fro', not 'nuc'"),
    (lambda x: x.norm(x), tn.DTypeError, "the order is a Python number"),
    (lambda x: x.long().norm(), tn.DTypeError, "norm of int64"),
    (lambda x: x.bool().nanmean(), tn.DTypeError, "mean of bool"),
    (lambda x: tn.diff(x, -1), tn.ShapeError, "diff: n is not negative: -1"),
    (lambda x: tn.diff(x[0, 0]), tn.ShapeError, "0-dimensional"),
    (lambda x: tn.trapezoid(x, tn.arange(4)), tn.ShapeError, r"places of shape \[4\] for 3 values along axis 1"),
    (lambda x: tn.trapezoid(x, x, dx=1.0), TypeError, "x and dx"),
    (lambda x: x.index_select(0, tn.tensor([[0]])), tn.ShapeError, "a list of them"),
    (lambda x: x[0, 0].index_select(0, tn.tensor([0, 0])), tn.ShapeError, "2 indices for a 0-dimensional tensor"),
]


@pytest.mark.parametrize("k", range(len(ERRORS)))
def test_wrong_calls_are_refused(k: int) -> None:
    function, error, said = ERRORS[k]
    with pytest.raises(error, match=said):
        function(tn.ones(2, 3))


def test_complex_numbers() -> None:
    z = X[0] + 1j * X[1]
    z[0, 0] = 0
    t = tn.tensor(z)
    assert_allclose(t.cumsum(0).numpy(), z.cumsum(0))
    assert_allclose(t.cumprod(1).numpy(), z.cumprod(1), rtol=1e-12)
    assert_allclose(t.prod(axis=1).numpy(), z.prod(1), rtol=1e-12)
    assert_allclose(t.norm().numpy(), np.linalg.norm(z))
    assert tn.cumulative_prod(t, axis=0, include_initial=True).dtype is tn.complex128
    w = tn.tensor([2.0, 0.0, 3.0], dtype=tn.complex64, requires_grad=True)
    w.prod().real.backward()
    assert w.grad is not None and w.grad.tolist() == [0, 6, 0]
    with pytest.raises(tn.DTypeError, match="cummax is not defined for complex128"):
        t.cummax(0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint64", "float16", "bfloat16"])
def test_narrow_dtypes(dtype: str) -> None:
    d = getattr(tn, dtype)
    x = tn.tensor([[1, 2, 3], [3, 0, 2]]).to(d)
    total = d if d.is_floating else tn.uint64 if dtype.startswith("u") else tn.int64
    assert x.cumsum(1).tolist() == [[1, 3, 6], [3, 3, 5]] and x.cumsum(1).dtype is total
    assert x.cumprod(0).tolist() == [[1, 2, 3], [3, 0, 6]] and x.prod(axis=1).tolist() == [6, 0]
    assert x.cummax(1).values.tolist() == [[1, 2, 3], [3, 3, 3]] and x.cummax(1).values.dtype is d
    assert x.cummin(0).indices.tolist() == [[0, 0, 0], [0, 1, 1]]
    assert tn.count_nonzero(x).item() == 5 and tn.diff(x[1, 1:]).tolist() == [2]
