"""Elementwise functions: values beside mpmath and NumPy in tails and at special points, dtypes, gradients where they
are singular, and methods of places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn
from tests.compile.test_math import errors, exact_pairs

INF, NAN = float("inf"), float("nan")
FLOATS = ("float32", "float64")
POINTS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, -3.7, 1e-3, 20.0, -20.0, 1e30, -1e30, INF, -INF, NAN]
mp = mpmath.mp


def points(dtype: str, count: int) -> list[Any]:
    return [x.ravel() for x in np.meshgrid(*[np.array(POINTS, dtype)] * count)]


def reals(dtype: str, low: float, high: float) -> Any:
    """Numbers of an open interval: evenly spread, close to both ends, and of all sizes."""
    rng = np.random.default_rng(4)
    small = 10.0 ** rng.uniform(-6, 0, 60) * (high - low) / 2
    x = np.concatenate([rng.uniform(low, high, 120), low + small, high - small, small, -small]).astype(dtype)
    return x[(x > low) & (x < high)]


FORMULAS: dict[str, tuple[Any, Any, tuple[tuple[float, float], ...]]] = {
    "rsqrt": (tn.rsqrt, lambda x: 1 / mp.sqrt(x), ((0, 1e6),)),
    "reciprocal": (tn.reciprocal, lambda x: 1 / x, ((0, 1e6),)),
    "logit": (tn.logit, lambda x: mp.log(x / (1 - x)), ((0, 1),)),
    "sinc": (tn.sinc, mp.sincpi, ((-20, 20),)),
    "deg2rad": (tn.deg2rad, mp.radians, ((-1e3, 1e3),)),
    "rad2deg": (tn.rad2deg, mp.degrees, ((-1e3, 1e3),)),
    "entr": (tn.special.entr, lambda x: -x * mp.log(x), ((0, 50),)),
    "xlogy": (tn.xlogy, lambda x, y: x * mp.log(y), ((-5, 5), (0, 50))),
    "xlog1py": (tn.special.xlog1py, lambda x, y: x * mp.log1p(y), ((-5, 5), (-1, 50))),
    "hypot": (tn.hypot, mp.hypot, ((-1e3, 1e3), (-1, 1))),
    "atan2": (tn.atan2, mp.atan2, ((-1e3, 1e3), (-1, 1))),
    "ldexp": (tn.ldexp, mp.ldexp, ((-2, 2), (-90, 90))),
    "polygamma 1": (lambda x: tn.polygamma(1, x), lambda x: mp.polygamma(1, x), ((0, 50),)),
    "polygamma 1, below 0": (lambda x: tn.polygamma(1, x), lambda x: mp.polygamma(1, x), ((-5.9, -5.1),)),
    "polygamma 2, below 0": (lambda x: tn.polygamma(2, x), lambda x: mp.polygamma(2, x), ((-0.4, -0.1),)),
    "polygamma 9": (lambda x: tn.polygamma(9, x), lambda x: mp.polygamma(9, x), ((0.1, 50),)),
}
"""Functions, the same in many digits, and intervals of their operands."""
ALLOWED = {"polygamma 1": 4.0, "polygamma 1, below 0": 4.0, "polygamma 2, below 0": 8.0, "polygamma 9": 12.0}
"""Units in the last place of float64; of float32 one is enough for those of one operand that go by way of float64."""


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_lose_few_digits(name: str, dtype: str) -> None:
    function, exact, intervals = FORMULAS[name]
    xs = [reals(dtype, low, high) for low, high in intervals]
    rng = np.random.default_rng(1)
    count = min(len(x) for x in xs)
    xs = [rng.permutation(x)[:count] for x in xs]
    if name == "ldexp":
        xs[1] = np.round(xs[1]).astype("int64")
    found = function(*map(tn.tensor, xs)).numpy()
    assert found.dtype == dtype
    with mpmath.workprec(200):
        operands = [[int(v) if x.dtype.kind == "i" else mp.mpf(float(v)) for v in x] for x in xs]
        truth = [exact(*v) for v in zip(*operands, strict=True)]
        high, low = exact_pairs(truth)
    worst = errors(found, high, low)
    assert worst.max() <= ALLOWED.get(name, 3.0), (worst.max(), [x[worst.argmax()] for x in xs])


@pytest.mark.parametrize("dtype", FLOATS)
def test_lgamma_and_digamma_below_zero(dtype: str) -> None:
    x = np.concatenate([reals(dtype, -20, 0), np.array([-1e-30, -1e-3, -30.5], dtype)])
    x = x[np.abs(x - np.round(x)) > 1e-3]
    with mpmath.workprec(200):
        for function, exact in ((tn.lgamma, lambda v: mp.log(abs(mp.gamma(v)))), (tn.digamma, mp.digamma)):
            found, truth = function(tn.tensor(x)).numpy(), [exact(mp.mpf(float(v))) for v in x]
            for a, b, at in zip(found, truth, x, strict=True):
                # Near a root the result has the error of its largest terms.
                assert abs(mp.mpf(float(a)) - b) <= 8 * np.finfo(dtype).eps * max(abs(b), 4 + abs(at)), at
    poles = tn.tensor([0.0, -1.0, -7.0, -INF, INF], dtype=getattr(tn, dtype))
    assert_array_equal(tn.lgamma(poles).numpy(), [INF] * 5)
    assert_array_equal(tn.digamma(poles).numpy(), [-INF, NAN, NAN, NAN, INF])


NUMPYS: dict[str, tuple[int, Callable[..., Any]]] = {
    "ceil": (1, np.ceil),
    "trunc": (1, np.trunc),
    "round": (1, np.rint),
    "frac": (1, lambda x: x - np.trunc(x)),
    "signbit": (1, np.signbit),
    "isinf": (1, np.isinf),
    "isposinf": (1, np.isposinf),
    "isneginf": (1, np.isneginf),
    "nan_to_num": (1, np.nan_to_num),
    "copysign": (2, np.copysign),
    "nextafter": (2, np.nextafter),
    "fmod": (2, np.fmod),
    "fmax": (2, np.fmax),
    "fmin": (2, np.fmin),
    "heaviside": (2, np.heaviside),
    "isclose": (2, np.isclose),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NUMPYS)
@np.errstate(all="ignore")
def test_numpys_results_at_all_points(name: str, dtype: str) -> None:
    count, numpys = NUMPYS[name]
    xs = points(dtype, count)
    found, wanted = getattr(tn, name)(*map(tn.tensor, xs)).numpy(), numpys(*xs)
    assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype


@pytest.mark.parametrize("dtype", FLOATS)
def test_mantissa_and_exponent(dtype: str) -> None:
    info = np.finfo(dtype)
    x = np.concatenate([points(dtype, 1)[0], np.array([info.tiny, info.smallest_subnormal, -info.max], dtype)])
    m, e = tn.frexp(tn.tensor(x))
    assert_array_equal(m.numpy(), np.frexp(x)[0])
    assert e.dtype is tn.int32
    assert_array_equal(e.numpy(), np.where(np.isfinite(x), np.frexp(x)[1], 0))
    finite = np.isfinite(x)
    assert_array_equal(tn.ldexp(m, e).numpy()[finite], x[finite])


def test_isclose_has_tolerances() -> None:
    x, y = tn.tensor([1.0, 1.0, NAN, INF, 0.0]), tn.tensor([1.05, 1.2, NAN, INF, 1e-9])
    assert tn.isclose(x, y).tolist() == [False, False, False, True, True]
    assert tn.isclose(x, y, rtol=0.1, equal_nan=True).tolist() == [True, False, True, True, True]
    assert tn.isclose(x, y, rtol=0.0, atol=0.3).tolist() == [True, True, False, True, True]
    assert tn.isclose(tn.tensor([2**60]), tn.tensor([2**60])).tolist() == [True]
    assert tn.allclose(x[:2], y[:2], rtol=0.2) is True
    assert x.allclose(y) is False


def test_numbers_in_place_of_what_is_not_finite() -> None:
    x = tn.tensor([NAN, INF, -INF, 2.0])
    assert tn.nan_to_num(x, 5.0, neginf=-7.0).tolist() == [5.0, np.finfo("float32").max, -7.0, 2.0]
    assert tn.nan_to_num(x, nan=NAN, posinf=1.0, neginf=0.0).isnan().tolist() == [True, False, False, False]
    assert tn.nan_to_num(tn.tensor([1, 2]), 5.0).tolist() == [1, 2]


def test_decimals() -> None:
    x = tn.tensor([1.2345, -6.789, 1250.0], dtype=tn.float64)
    assert tn.round(x, decimals=2).tolist() == pytest.approx([1.23, -6.79, 1250.0], rel=1e-15)
    assert tn.round(x, decimals=-2).tolist() == [0.0, 0.0, 1200.0]
    assert x.round().tolist() == [1.0, -7.0, 1250.0]


@pytest.mark.parametrize("dtype", [tn.int32, tn.int64])
def test_whole_numbers(dtype: Any) -> None:
    x, y = np.meshgrid(np.array([-17, -4, -1, 0, 1, 6, 2**30], dtype.numpy), np.array([1, 2, 3, 7], dtype.numpy))
    a, b = tn.tensor(x), tn.tensor(y)
    for found, wanted in (
        (a & b, x & y),
        (a | b, x | y),
        (a ^ b, x ^ y),
        (~a, ~x),
        (a << b, x << y),
        (a >> b, x >> y),
        (3 & a, 3 & x),
        (1 << b, np.left_shift(x.dtype.type(1), y)),
        (tn.gcd(a, b), np.gcd(x, y)),
        (tn.lcm(a % 100, b), np.lcm(x % 100, y)),
        (tn.fmod(a, b), np.fmod(x, y)),
        (tn.div(a, b, rounding_mode="floor"), x // y),
        (tn.div(a, b, rounding_mode="trunc"), np.trunc(x / y).astype(x.dtype)),
        (tn.signbit(a), x < 0),
        (tn.ceil(a), x),
        (tn.clamp(a, -2, b), np.minimum(np.maximum(x, -2), y)),
    ):
        assert_array_equal(found.numpy(), wanted)
        assert found.numpy().dtype == wanted.dtype


def test_bits_of_bools_are_logic() -> None:
    a, b = tn.tensor([True, True, False, False]), tn.tensor([True, False, True, False])
    assert (a & b).tolist() == [True, False, False, False]
    assert (a | b).tolist() == [True, True, True, False]
    assert (a ^ True).tolist() == [False, False, True, True]
    assert (~a).tolist() == [False, False, True, True]
    assert (a & tn.tensor([3, 2, 1, 0])).tolist() == [1, 0, 0, 0]


def test_dtypes_of_results() -> None:
    whole, single, double = tn.tensor([1, 2]), tn.tensor([0.5, 2.0]), tn.tensor([0.5], dtype=tn.float64)
    assert tn.tan(whole).dtype is tn.atan2(whole, 2).dtype is tn.rsqrt(whole > 1).dtype is tn.float32
    assert tn.hypot(single, double).dtype is tn.copysign(double, whole).dtype is tn.float64
    assert tn.atan2(single, 1.5).dtype is tn.logaddexp(1, single).dtype is tn.float32
    assert tn.float_power(whole, 2).dtype is tn.float64
    assert tn.bitwise_or(tn.tensor([1], dtype=tn.int32), whole).dtype is tn.int64
    assert tn.div(single, whole, rounding_mode="trunc").dtype is tn.float32


GRADIENTS: list[tuple[str, tuple[float, ...], tuple[float, ...]]] = [
    ("asin", (1.0,), (INF,)),
    ("acos", (-1.0,), (-INF,)),
    ("acosh", (1.0,), (INF,)),
    ("atanh", (1.0,), (INF,)),
    ("erfinv", (1.0,), (INF,)),
    ("log2", (0.0,), (INF,)),
    ("rsqrt", (0.0,), (-INF,)),
    ("reciprocal", (0.0,), (-INF,)),
    ("sinc", (0.0,), (0.0,)),
    ("logit", (0.0,), (INF,)),
    ("logit", (2.0,), (NAN,)),
    ("i0", (0.0,), (0.0,)),
    ("lgamma", (0.0,), (-INF,)),
    ("frac", (2.0,), (1.0,)),
    ("nan_to_num", (INF,), (0.0,)),
    ("nan_to_num", (NAN,), (0.0,)),
    ("nan_to_num", (2.0,), (1.0,)),
    ("hypot", (0.0, 0.0), (NAN, NAN)),
    ("atan2", (0.0, 0.0), (0.0, 0.0)),
    ("copysign", (0.0, 1.0), (0.0, 0.0)),
    ("copysign", (-2.0, 3.0), (-1.0, 0.0)),
    ("fmod", (7.0, -2.0), (1.0, 3.0)),
    ("fmax", (1.0, 1.0), (1.0, 0.0)),
    ("fmin", (1.0, 1.0), (1.0, 0.0)),
    ("fmax", (NAN, 1.0), (0.0, 1.0)),
    ("xlogy", (0.0, 0.0), (0.0, 0.0)),
    ("xlogy", (0.0, 2.0), (float(np.log(2.0)), 0.0)),
    ("logaddexp", (INF, INF), (0.5, 0.5)),
    ("logaddexp", (-INF, 0.0), (0.0, 1.0)),
    ("clamp_min", (1.0, 1.0), (1.0, 0.0)),
    ("clamp_max", (1.0, 1.0), (1.0, 0.0)),
    ("clamp_max", (2.0, 1.0), (0.0, 1.0)),
]
"""Where the slope is infinite, undefined or shared: PyTorch's conventions."""


@pytest.mark.parametrize(("name", "at", "slopes"), GRADIENTS)
def test_gradients_at_singular_points(name: str, at: tuple[float, ...], slopes: tuple[float, ...]) -> None:
    leaves = [tn.tensor([x], dtype=tn.float64, requires_grad=True) for x in at]
    getattr(tn, name)(*leaves).sum().backward()
    assert_array_equal([x.grad.item() for x in leaves], slopes)


def test_a_bound_that_is_a_number_leaves_the_gradient_at_the_bound() -> None:
    x = tn.tensor([-2.0, -1.0, 0.0, 1.0, 2.0], requires_grad=True)
    tn.clip(x, -1.0, 1.0).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert tn.clip(x.detach(), 1.0, -1.0).tolist() == [-1.0] * 5
    assert tn.clip(tn.tensor([1.0, NAN]), min=NAN).isnan().all()


IN_PLACE = [name for name in dir(tn.Var) if name.endswith("_") and not name.startswith("_")]


@pytest.mark.parametrize("name", ["tan_", "rsqrt_", "lgamma_", "clamp_min_", "round_", "atan2_", "polygamma_", "fix_"])
def test_methods_of_places_write_the_result(name: str) -> None:
    x = tn.tensor([[0.25, 1.5], [2.0, 0.75]])
    arguments = {"clamp_min_": (1.0,), "atan2_": (x + 1,), "polygamma_": (1,)}.get(name, ())
    v = x.mut()
    before = v.value
    assert getattr(v, name)(*arguments) is v
    assert v.tolist() == getattr(x, name[:-1])(*arguments).tolist()
    assert before.tolist() == x.tolist()
    assert name in IN_PLACE
    with pytest.raises(tn.WriteError, match="TN594"):
        getattr(x, name)(*arguments)


def test_shifts_of_places() -> None:
    v = tn.tensor([1, 2]).mut()
    v <<= 3
    assert v.tolist() == [8, 16]
    v >>= 1
    assert v.bitwise_xor_(5).tolist() == [1, 13]
