"""Sums, means, variances and normalizations of rows that are hard to sum: no less exact than NumPy's pairwise sums."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder
from tenure.nn import functional as F

DTYPES = ["float32", "float64"]
LENGTHS = [100, 1000, 4099, 65536]
WAYS: dict[str, Any] = {"compiled": compiled, "op by op": stepwise, "reference": interpret}
each = pytest.mark.parametrize("dtype", DTYPES)


def rows(n: int, dtype: str) -> Iterator[tuple[str, Any]]:
    """Rows whose roundings have one sign, that cancel, or whose parts differ in size."""
    rng = np.random.default_rng(n)
    sign = np.where(np.arange(n) % 2, -1.0, 1.0)
    noise = rng.standard_normal(n)
    for value in (0.1, 1 / 3, 123.456, 1e-30, 7e8):
        yield f"equal to {value}", np.full(n, value, dtype)
    yield "alternating", (sign * 0.1).astype(dtype)
    yield "alternating, with noise", (sign * 1e4 + noise).astype(dtype)
    yield "in pairs of signs", (np.where(np.arange(n) % 4 < 2, -1e4, 1e4) + noise).astype(dtype)
    yield "large offset", (1e6 + noise).astype(dtype)
    yield "ascending", np.sort(noise).astype(dtype)
    yield "descending powers", np.sort(np.exp(3 * noise))[::-1].astype(dtype)
    yield "one large element", np.r_[1e8, np.full(n - 1, 0.1)].astype(dtype)


def bound(x: Any, error: float) -> float:
    """What an error may be: thrice the one of NumPy, or five units of rounding of the sizes that are summed."""
    unit = float(np.finfo(x.dtype).eps) / 2
    return 3 * error + 5 * unit * math.fsum(np.abs(x).astype(float))


def summed(x: Any, axes: tuple[int, ...], run: Any) -> Any:
    b = Builder()
    v = b.input(Aval(x.shape, tn.dtypes.as_dtype(x.dtype)))
    return run(b.extract([v.id], [b.emit(TABLE["reduce_sum"], [v], {"axes": axes}).id]))([x])[0]


@each
@pytest.mark.parametrize("way", WAYS)
def test_sums_along_any_axes(dtype: str, way: str) -> None:
    for n in LENGTHS:
        for name, x in rows(n, dtype):
            exact = math.fsum(x.astype(float))
            limit = bound(x, abs(float(np.sum(x)) - exact))
            columns = np.ascontiguousarray(np.broadcast_to(x[:, None], (n, 3)))
            middle = np.ascontiguousarray(np.broadcast_to(columns, (2, n, 3)))
            for y, axes in ((x, (0,)), (np.tile(x, (2, 1)), (1,)), (columns, (0,)), (middle, (1,))):
                for found in summed(y, axes, WAYS[way]).ravel():
                    assert abs(float(found) - exact) <= limit, (name, n, axes)


@each
def test_equal_elements_are_summed_to_some_units_of_rounding(dtype: str) -> None:
    for n in (65536, 100_000, 1 << 20):
        x = np.full(n, 0.1, dtype)
        exact = math.fsum(x.astype(float))
        for found in (tn.tensor(x).sum(), tn.tensor(x.reshape(-1, 2)).sum(axis=0).sum()):
            assert abs(found.item() / exact - 1) <= 4 * np.finfo(dtype).eps


@each
def test_variance_far_from_zero(dtype: str) -> None:
    offset = 1e6 if dtype == "float32" else 1e15
    for n in (64, 1000, 20_000):
        x = (offset + np.random.default_rng(n).standard_normal(n)).astype(dtype)
        shifted = [float(v) - offset for v in x]
        mean = math.fsum(shifted) / n
        exact = math.fsum([(v - mean) ** 2 for v in shifted]) / n
        t = tn.tensor(x)
        columns = tn.tensor(np.ascontiguousarray(np.broadcast_to(x[:, None], (n, 2))))
        for found in (t.var(axis=0), columns.var(axis=0)[1], t.std(axis=0) ** 2):
            assert abs(found.item() / exact - 1) <= 30 * np.finfo(dtype).eps


@each
@pytest.mark.parametrize("value", [123.456, 0.1, 1e6 + 0.3, -7e-9])
def test_equal_elements_have_no_spread(dtype: str, value: float) -> None:
    for n in (2, 63, 100, 1000, 5000):
        x = tn.tensor(np.full((n, n % 5 + 2), value, dtype), requires_grad=True)
        turned = x.T
        for found in (x.var(axis=0), x.std(axis=0), turned.var(axis=1), turned.std(axis=1)):
            assert not found.detach().numpy().any(), n
        turned.std(axis=1).sum().backward()
        assert x.grad is not None and not x.grad.numpy().any()


@each
@pytest.mark.parametrize("value", [123.456, 0.1, 1e6 + 0.3])
def test_normalizing_equal_elements_gives_zero(dtype: str, value: float) -> None:
    for n in (63, 100, 1000, 5000):
        x = np.full((3, n), value, dtype)
        assert not F.layer_norm(tn.tensor(x), (n,)).numpy().any()
        assert not F.layer_norm(tn.tensor(x.reshape(3, n, 1)), (n, 1)).numpy().any()
        assert not F.batch_norm(tn.tensor(x.T), None, None, training=True).numpy().any()
        maps = tn.tensor(x.T[:, :, None] + np.zeros(4, dtype))
        assert not F.batch_norm(maps, None, None, training=True).numpy().any()


def test_running_statistics_far_from_zero() -> None:
    x = (1e6 + np.random.default_rng(2).standard_normal((500, 3))).astype(np.float32)
    mean, var = tn.zeros(3).mut(), tn.zeros(3).mut()
    F.batch_norm(tn.tensor(x), mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean.numpy(), x.astype(float).mean(0), rtol=2e-7)
    np.testing.assert_allclose(var.numpy(), x.astype(float).var(0, ddof=1), rtol=1e-5)


def test_derivatives_of_the_variance() -> None:
    """The mean is no constant: the second derivative is 2 (1 - 1 / n) / n on the diagonal, beside it -2 / n²."""
    for value in (np.array([1e6, 1e6 + 1, 1e6 - 3]), np.full(3, 0.1)):
        x = tn.tensor(value)
        n = len(value)
        slope = tn.grad(lambda x: x.var(axis=0))(x).numpy()
        np.testing.assert_allclose(slope, 2 * (value - value.mean()) / n, atol=1e-9)
        want = 2 * (np.eye(n) - 1 / n) / n
        np.testing.assert_allclose(tn.hessian(lambda x: x.var(axis=0))(x).numpy(), want, atol=1e-9)


@each
def test_softmax_and_logsumexp_of_equal_elements(dtype: str) -> None:
    for n in (1000, 65536):
        x = tn.tensor(np.full(n, 0.7, dtype))
        eps = float(np.finfo(dtype).eps)
        assert abs(x.logsumexp(axis=0).item() - (float(x.numpy()[0]) + math.log(n))) <= 4 * eps * math.log(n)
        assert abs(F.softmax(x, 0).numpy().max() * n - 1) <= 4 * eps


@each
def test_gradients_of_what_repeats_are_sums_as_exact(dtype: str) -> None:
    """The gradient of a bias is a sum over all rows."""
    n = 65536
    for shape in ((n, 2), (2, n)):
        bias = tn.tensor(np.zeros((1, 2) if shape[0] == n else (2, 1), dtype), requires_grad=True)
        ((tn.tensor(np.zeros(shape, dtype)) + bias) * 0.1).sum().backward()
        assert bias.grad is not None
        exact = math.fsum([float(np.dtype(dtype).type(0.1))] * n)
        assert np.abs(bias.grad.numpy().astype(float) / exact - 1).max() <= 4 * np.finfo(dtype).eps
