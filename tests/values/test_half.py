"""float16 and bfloat16: stored in 16 bits, computed in float32, and rounded once for each result."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.dtypes import BFLOAT16
from tenure.errors import DTypeError

RNG = np.random.default_rng(3)
HALVES = [tn.float16, tn.bfloat16]
each = pytest.mark.parametrize("dtype", HALVES, ids=str)

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "exp": lambda x, y: x.exp(),
    "tanh": lambda x, y: x.tanh(),
    "sum": lambda x, y: x.sum(),
    "mean along an axis": lambda x, y: x.mean(axis=1),
    "product": lambda x, y: x * y,
    "by a number": lambda x, y: x * 0.1 - 3,
    "quotient": lambda x, y: x / (y * y + 1),
    "matmul": lambda x, y: x @ y.T,
    "softmax": lambda x, y: tn.softmax(x, -1),
    "logsumexp": lambda x, y: x.logsumexp(axis=1),
    "variance": lambda x, y: x.var(axis=0, correction=1),
    "layer norm": lambda x, y: tn.nn.functional.layer_norm(x, (7,)),
    "gelu": lambda x, y: tn.nn.functional.gelu(x),
    "maximum": lambda x, y: tn.maximum(x, y),
    "part": lambda x, y: x[1:3, ::2],
    "picked": lambda x, y: x[[2, 0, 2]],
    "joined": lambda x, y: tn.cat([x, y], 0),
    "choice": lambda x, y: tn.where(x > 0, x, y),
    "erf": lambda x, y: x.erf(),
    "einsum": lambda x, y: tn.einsum("ij,kj->ki", x, y),
}
SEVERAL = {"by a number", "quotient"}
"""Those that are several operations, each rounded."""


def halves(dtype: Any, *shape: int) -> Any:
    return tn.tensor(RNG.standard_normal(shape).astype(np.float32)).to(dtype)


def bits(x: Any) -> Any:
    return x.to(tn.float32).numpy().view(np.uint32)


@each
@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - SEVERAL))
def test_an_operation_is_that_of_float32_rounded_once(name: str, dtype: Any) -> None:
    x, y = halves(dtype, 4, 7), halves(dtype, 4, 7)
    found = FUNCTIONS[name](x, y)
    wanted = FUNCTIONS[name](x.to(tn.float32), y.to(tn.float32)).to(dtype)
    assert found.dtype is dtype
    np.testing.assert_array_equal(bits(found), bits(wanted))


@each
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_have_the_dtype_and_are_close_to_those_of_float32(name: str, dtype: Any) -> None:
    found: list[Any] = []
    x, y = halves(dtype, 4, 7), halves(dtype, 4, 7)
    for kind in (dtype, tn.float32):
        leaves = [tn.tensor(v.to(kind), requires_grad=True) for v in (x, y)]
        out = FUNCTIONS[name](*leaves)
        (out.to(tn.float32) * tn.arange(1.0, out.numel() + 1).reshape(out.shape) / out.numel()).sum().backward()
        found.append([None if v.grad is None else v.grad for v in leaves])
    for g, w in zip(*found, strict=True):
        assert (g is None) == (w is None)
        if g is not None:
            assert g.dtype is dtype
            step = 2.0**-7 if dtype is tn.bfloat16 else 2.0**-10
            np.testing.assert_allclose(g.to(tn.float32).numpy(), w.numpy(), rtol=4 * step, atol=8 * step)


@each
def test_fused_and_op_by_op_give_the_same_bits(dtype: Any) -> None:
    x, y = halves(dtype, 33, 65), halves(dtype, 33, 65)

    def program(x: Any, y: Any) -> Any:
        a = (x * y + 0.1).tanh()
        b = a - a.mean(axis=1, keepdims=True)
        return b.exp() @ y.T

    first = bits(program(x, y))
    for _ in range(4):
        np.testing.assert_array_equal(bits(program(x, y)), first)
    a = (x * y).numpy() if dtype is tn.float16 else (x * y).float().numpy()
    b = (tn.tensor(a).to(dtype) + 0.1).float().numpy()
    a = tn.tensor(b).to(dtype).tanh().float().numpy()
    a = tn.tensor(a).to(dtype)
    b = (a - a.mean(axis=1, keepdims=True)).float().numpy()
    np.testing.assert_array_equal(bits(tn.tensor(b).to(dtype).exp() @ y.T), first)


def every(dtype: Any) -> Any:
    """Every number of a dtype."""
    numbers = np.arange(1 << 16, dtype=np.uint16)
    return numbers.view(BFLOAT16 if dtype is tn.bfloat16 else np.float16)


def meant(x: Any) -> Any:
    """The numbers in float64, by the definition of the format."""
    with np.errstate(invalid="ignore"):  # signalling NaN
        if x.dtype == np.float16:
            return x.astype(np.float64)
        return (x["bfloat16"].astype(np.uint32) << 16).view(np.float32).astype(np.float64)


@each
def test_every_number_goes_through_float32_and_float64(dtype: Any) -> None:
    x = every(dtype)
    for wide in (tn.float32, tn.float64):
        there = tn.tensor(x).to(wide)
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(there.numpy().astype(np.float64), meant(x))
        back = there.to(dtype).to(tn.float64).numpy()
        np.testing.assert_array_equal(back, meant(x))


@each
def test_a_cast_rounds_once_to_the_nearest_and_of_two_to_the_even(dtype: Any) -> None:
    finite = np.unique(meant(every(dtype))[np.isfinite(meant(every(dtype)))])
    low, high = finite[:-1:7], finite[1::7]
    low, high = low[: len(high)], high[: len(low)]
    middle = (low + high) / 2
    for offset in (-1, 0, 1):
        x = middle if offset == 0 else np.nextafter(middle, offset * np.inf)
        found = tn.tensor(x).to(dtype).to(tn.float64).numpy()
        if offset:
            np.testing.assert_array_equal(found, low if offset < 0 else high)
        else:
            assert np.isin(found, [low, high]).all()
            even = meant(every(dtype)[::2])
            assert np.isin(found, even).all()


@each
def test_what_is_too_large_is_infinite_and_nan_stays(dtype: Any) -> None:
    x = tn.tensor(np.array([1e39, -1e39, 3.4e38 if dtype is tn.float16 else 1e300, np.nan])).to(dtype).tolist()
    assert x[:3] == [float("inf"), -float("inf"), float("inf")] and x[3] != x[3]
    assert tn.tensor([1e300, -1e39], dtype=dtype).tolist() == tn.tensor([1e300, -1e39]).tolist() == x[:2]
    whole = tn.tensor([2**20 + 1, -3, 0]).to(dtype).tolist()
    assert whole == [float("inf") if dtype is tn.float16 else float(2**20), -3.0, 0.0]


def test_numpy_arrays_come_in_and_leave_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.array([[1.5, -2.0]], np.float16)
    assert tn.tensor(x).dtype is tn.float16 and tn.from_numpy(x).dtype is tn.float16
    assert tn.tensor(x).numpy().dtype == np.float16
    y = tn.tensor([1.5, 2.0], dtype=tn.bfloat16)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "ml_dtypes", None)
        with pytest.raises(DTypeError, match=r"NumPy has no bfloat16"):
            y.numpy()
    assert y.tolist() == [1.5, 2.0] and y[0].item() == 1.5 and bool(y[0])
    assert repr(y) == "tensor([1.5000, 2.0000], dtype=tenure.bfloat16)"
    again = pickle.loads(pickle.dumps(y))
    assert again.dtype is tn.bfloat16 and again.tolist() == y.tolist()


def test_promotion() -> None:
    a, b = tn.ones(2, dtype=tn.float16), tn.ones(2, dtype=tn.bfloat16)
    assert (a + b).dtype is tn.float32 and (a * 2.5).dtype is tn.float16 and (b + tn.ones(2)).dtype is tn.float32
    assert (a + tn.tensor([1, 2])).dtype is tn.float16 and (b * True).dtype is tn.bfloat16


def test_a_number_is_compared_as_it_would_be_stored() -> None:
    x = tn.tensor([0.1], dtype=tn.bfloat16)
    assert (x == 0.1).tolist() == [True] and (x < 0.1).tolist() == [False]


@each
def test_reading_one_element_of_many_accumulates_in_place(dtype: Any) -> None:
    x = tn.tensor(np.arange(1, 6, dtype=np.float32)).to(dtype)
    leaf = tn.tensor(x, requires_grad=True)
    total = leaf[0] * 1
    for k in (1, 3, 3, 4):
        total = total + leaf[k] * leaf[k]
    total.backward()
    assert leaf.grad is not None and leaf.grad.tolist() == [1.0, 4.0, 0.0, 16.0, 10.0]


@each
def test_random_numbers_are_those_of_float32_rounded(dtype: Any) -> None:
    for draw in (tn.rand, tn.randn):
        tn.manual_seed(3)
        found = draw(5, dtype=dtype)
        tn.manual_seed(3)
        assert found.dtype is dtype and found.tolist() == draw(5).to(dtype).tolist()


@each
def test_a_model_trains(dtype: Any) -> None:
    tn.manual_seed(0)
    model = tn.nn.Sequential(tn.nn.Linear(4, 16), tn.nn.Tanh(), tn.nn.Linear(16, 1)).to(dtype)
    opt = tn.optim.Adam(model.parameters(), lr=0.02)
    x = tn.randn(64, 4).to(dtype)
    y = (x[:, :1] * 2 - x[:, 1:2]).tanh()
    losses = []
    for _ in range(60):
        opt.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert all(p.dtype is dtype for p in model.parameters())


def test_all_of_a_place_is_written_by_a_number() -> None:
    x = tn.Var(tn.zeros(3).half())
    x[:] = 1.5
    assert x.tolist() == [1.5] * 3


def test_a_number_of_bfloat16_leaves_as_float32s():
    for bits in (*range(0, 1 << 16, 97), 0x8000, 0x7F80, 0xFF80, 0x7FFF, 0xFFFF, 1, 0x8001):
        half = tn.tensor(np.uint32(bits << 16).view(np.float32).item(), dtype=tn.bfloat16)
        number, wide = half.item(), half.to(tn.float32).numpy()
        np.testing.assert_array_equal(number, wide)
        assert np.signbit(number) == np.signbit(wide)
        assert (type(number), bool(half)) == (float, bool(wide))


F = tn.nn.functional
WIDE: dict[str, Callable[[Any, Any], Any]] = {
    "layer norm": lambda x, w: F.layer_norm(x, (8,), w),
    "root mean square norm": lambda x, w: F.rms_norm(x, (8,), w),
    "group norm": lambda x, w: F.group_norm(x, 2, w),
    "instance norm": lambda x, w: F.instance_norm(x[None], weight=w[:6]),
    "batch norm": lambda x, w: F.batch_norm(x, None, None, w, training=True),
    "gelu": lambda x, w: F.gelu(x),
    "gelu by tanh": lambda x, w: F.gelu(x, approximate="tanh"),
    "mish": lambda x, w: F.mish(x),
}


@each
@pytest.mark.parametrize("name", WIDE)
def test_what_lies_within_a_layer_is_not_rounded(name: str, dtype: Any) -> None:
    """Its result and its gradient are those of float32, rounded once, where numbers cancel too: rows nearly equal."""
    rows = RNG.normal(size=(6, 8))
    rows[3:] = 0.03 + rows[3:] / 256
    x, g = (tn.tensor(a).to(dtype) for a in (rows, RNG.normal(size=(6, 8))))
    weight = tn.tensor(1 + RNG.normal(size=8) / 8).to(dtype)

    def both(of: Any) -> list[Any]:
        y, slope = tn.vjp(lambda x: WIDE[name](x, weight.to(of)).reshape(6, 8), x.to(of))
        assert y.dtype is of
        return [y, slope(g.to(of))]

    for found, wanted in zip(both(dtype), both(tn.float32), strict=True):
        found, wanted = (np.asarray((a[0] if type(a) is tuple else a).to(tn.float32)) for a in (found, wanted))
        np.testing.assert_allclose(found, wanted, rtol=2**-8 if dtype is tn.bfloat16 else 2**-10, atol=1e-3 * 2**-8)
