"""var, std and logsumexp: numbers, edges, gradients, and whose meaning a call has."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tenure as tn

X = np.array([[1.0, 2.0, 4.0], [0.5, -3.0, 8.0]])


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize(
    ("given", "axis", "ddof", "keep"),
    [
        ({"axis": 0}, 0, 0, False),
        ({"axis": (0, 1), "keepdims": True}, (0, 1), 0, True),
        ({"dim": 1}, 1, 1, False),
        ({"dim": -1, "keepdim": True}, 1, 1, True),
        ({"dim": None}, None, 1, False),
        ({"dim": 1, "correction": 0}, 1, 0, False),
        ({"correction": 1}, None, 1, False),
        ({"axis": 1, "correction": 1.5}, 1, 1.5, False),
        ({"unbiased": False}, None, 0, False),
        ({"dim": 0, "unbiased": True}, 0, 1, False),
    ],
)
def test_whose_divisor(name: str, given: dict[str, Any], axis: Any, ddof: float, keep: bool) -> None:
    wanted = getattr(np, name)(X, axis=axis, ddof=ddof, keepdims=keep)
    for found in (getattr(tn.tensor(X), name)(**given), getattr(tn, name)(tn.tensor(X), **given)):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-14)


def test_a_call_with_two_meanings_is_refused() -> None:
    x = tn.tensor(X)
    with pytest.raises(TypeError, match=r"var\(\) divides by n in NumPy and by n - 1 in PyTorch"):
        x.var()
    with pytest.raises(TypeError, match=r"axis=0 \(n in the divisor\) or dim=0"):
        x.std(0)
    with pytest.raises(TypeError, match="give one of them"):
        x.var(axis=0, dim=0)
    with pytest.raises(TypeError, match="give one of them"):
        x.var(correction=1, unbiased=True)
    with pytest.raises(tn.OutOfRange, match="TN801: axis 2 is out of range"):
        x.var(axis=2)
    with pytest.raises(tn.DTypeError, match="TN802: var of int64"):
        tn.arange(3).std(dim=0)


def test_spreads_of_too_few() -> None:
    one, none = tn.ones(1), tn.zeros(0)
    assert math.isnan(one.var(dim=0).item())
    assert one.var(axis=0).item() == 0
    assert math.isnan(none.var(axis=0).item())
    assert math.isinf(tn.tensor([1.0, 2.0]).var(axis=0, correction=3).item())


def test_a_spread_of_nothing_has_gradient_zero() -> None:
    x = tn.tensor([2.0, 2.0, 2.0], requires_grad=True)
    x.std(dim=0).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_a_spread_far_from_zero_is_exact() -> None:
    x = tn.tensor([1e8 + 1, 1e8, 1e8 - 1], dtype=tn.float64)
    assert x.var(dim=0).item() == 1.0


def test_logsumexp() -> None:
    x = tn.tensor(X)
    np.testing.assert_allclose(tn.logsumexp(x, axis=1).numpy(), np.log(np.exp(X).sum(1)), rtol=1e-14)
    assert x.logsumexp(dim=0, keepdim=True).shape == (1, 3)
    assert x.logsumexp().item() == pytest.approx(math.log(np.exp(X).sum()))
    assert tn.tensor([1000.0, 1000.0]).logsumexp(0).item() == pytest.approx(1000 + math.log(2))
    inf = math.inf
    rows = tn.tensor([[-inf, -inf], [inf, 1.0], [-inf, 1.0], [math.nan, 1.0]])
    assert rows.logsumexp(1).tolist()[:3] == [-inf, inf, 1.0]
    assert math.isnan(rows.logsumexp(1)[3].item())
    assert tn.zeros(2, 0).logsumexp(1).tolist() == [-inf, -inf]
    assert tn.tensor([0, 0]).logsumexp().dtype is tn.float32


def test_the_gradient_of_logsumexp_is_softmax() -> None:
    x = tn.tensor(X, requires_grad=True)
    x.logsumexp(dim=1).sum().backward()
    e = np.exp(X)
    np.testing.assert_allclose(x.grad.numpy(), e / e.sum(1, keepdims=True), rtol=1e-14)


@pytest.mark.parametrize("function", [lambda x: x.var(dim=0), lambda x: x.std(axis=0), lambda x: x.logsumexp(0)])
def test_second_derivatives(function: Any) -> None:
    at = np.array([0.5, -1.0, 2.0])
    found = tn.hessian(function)(tn.tensor(at)).numpy()
    step = 1e-5
    for k in range(3):
        d = step * np.eye(3)[k]
        up, down = (tn.grad(function)(tn.tensor(at + s)).numpy() for s in (d, -d))
        np.testing.assert_allclose(found[k], (up - down) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("size", [1e30, 1e38])
def test_moments_that_overflow_are_infinite_and_others_are_not_nan(size: float) -> None:
    x = tn.tensor([size] * 300 + [-size] * 7 + [3 * size] * 50)
    assert x.var(correction=1).item() == x.std(correction=1).item() == math.inf
    assert tn.full((300,), size).var(correction=0).item() == 0
    assert tn.grad(lambda x: x.var(correction=0))(tn.full((300,), size)).tolist() == [0] * 300


def test_the_sigmoid_of_complex_numbers_far_left_is_0() -> None:
    x = tn.tensor([complex(-math.inf, 0), -800 + 2j, complex(math.inf, 0), 800 + 2j, 0])
    assert x.sigmoid().tolist() == [0, 0, 1, 1, 0.5]


def test_counts_are_nan_in_a_range_that_is_not_finite() -> None:
    for odd in (math.nan, math.inf):
        x = tn.tensor([1.0, odd, 2.0])
        assert all(math.isnan(n) for n in tn.histc(x, 3).tolist())
        assert tn.histc(x, 2, 0, 3).tolist() == [1, 1]


def test_elementary_functions() -> None:
    x = tn.tensor([0.0, 1.0])
    assert x.erf().tolist() == pytest.approx([0, math.erf(1)])
    assert x.sigmoid().tolist() == pytest.approx([0.5, 1 / (1 + math.exp(-1))])
    assert tn.expm1(x).tolist() == pytest.approx([0, math.e - 1])
    assert tn.log1p(tn.tensor([0, 1])).tolist() == pytest.approx([0, math.log(2)])
    v = x.mut()
    assert v.sigmoid_().expm1_() is v
    assert v[0].item() == pytest.approx(math.expm1(0.5))
