"""The elementary functions in LLVM IR: accuracy, special values, and the same bits on every machine."""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
from functools import cache, partial
from pathlib import Path
from statistics import NormalDist
from typing import Any

import mpmath
import numpy as np
import pytest
from llvmlite import ir

from tenure.compile import math as tm
from tenure.compile.math.lanes import Builder, Lanes
from tenure.dtypes import float64
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE
from tests import traits
from tests.compile.machine import Kernels, cpus, load, registers
from tools import minimax

FLOATS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
F64 = Aval((), float64)
PLAIN = [name for name in tm.FUNCTIONS if name in traits.PLAIN]
REAL = [name for name in PLAIN if "f" in TABLE[name].dtypes]
FUNCTIONS = [name for name in REAL if TABLE[name].aval(*[F64] * traits.PLAIN[name]) == F64]
BINARY = [name for name in FUNCTIONS if traits.PLAIN[name] == 2]
UNARY = [name for name in FUNCTIONS if traits.PLAIN[name] == 1 and traits.heavy(TABLE[name])]
LIGHT = [name for name in FUNCTIONS if traits.PLAIN[name] == 1 and not traits.heavy(TABLE[name])]
SHORT_POWERS = {2.0: lambda x: x * x, 3.0: lambda x: x * x * x, 0.5: np.sqrt, -1.0: lambda x: 1 / x}
ULP = 2.0
ULPS = {"lgamma": 3.0, "digamma": 4.0, "polygamma": 4.0, "i0": 4.0, "i1": 4.0, "i0e": 4.0, "i1e": 4.0, "ndtri": 4.0}
CYLINDER = list(tm.cylinder.CYLINDER)
ULPS |= dict.fromkeys(CYLINDER, 5.0)
"""Of those whose terms partly cancel, or whose factors each have an error of their own."""
INF, NAN = math.inf, math.nan
NUMPYS: dict[str, Any] = {
    "mantissa": lambda x: np.frexp(x)[0],
    "exponent": lambda x: np.frexp(np.where(np.isfinite(x), x, 0))[1],
}
"""What NumPy calls by other names."""
CLOSE = {"power", "hypot", "atan2", "exp_product"}
"""Functions of two operands that are not exact."""

mpmath.mp.prec = 100


def scaled_erfc(x: Any) -> Any:
    """exp(x²)·erfc(x); far on the right two terms of its series."""
    if x > 10**6:
        return (1 - 1 / (2 * x * x)) / (x * mpmath.sqrt(mpmath.pi))
    return mpmath.exp(x * x) * mpmath.erfc(x)


def normal_quantile(p: Any) -> Any:
    """By Newton's steps, on the side where the distribution function is small."""
    if p > 0.5:
        return -normal_quantile(1 - p)
    z = mpmath.mpf(NormalDist().inv_cdf(max(float(p), 5e-324)))
    for _ in range(4):
        below = mpmath.erfc(-z / mpmath.sqrt(2)) / 2
        z -= mpmath.log(below / p) * below / mpmath.npdf(z)
    return z


OTHERWISE = {
    "erfcx": scaled_erfc,
    "ndtri": normal_quantile,
    "ndtr": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "exp2": lambda x: mpmath.power(2, x),
    "log2": lambda x: mpmath.log(x, 2),
    "sinc": mpmath.sincpi,
    "lgamma": lambda x: mpmath.loggamma(x).real,
    "i0": lambda x: mpmath.besseli(0, x),
    "i1": lambda x: mpmath.besseli(1, x),
    "i0e": lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)),
    "i1e": lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)),
    "airy_ai": mpmath.airyai,
    "airy_ai_slope": lambda x: mpmath.airyai(x, derivative=1),
}
for _n in (0, 1):
    OTHERWISE[f"bessel_j{_n}"] = partial(mpmath.besselj, _n)
    OTHERWISE[f"bessel_y{_n}"] = partial(mpmath.bessely, _n)
    OTHERWISE[f"modified_bessel_k{_n}"] = partial(mpmath.besselk, _n)
    OTHERWISE[f"scaled_modified_bessel_k{_n}"] = lambda x, n=_n: mpmath.besselk(n, x) * mpmath.exp(x)
"""What mpmath has not by the name of the primitive."""
EXACT = {name: OTHERWISE.get(name) or getattr(mpmath, name) for name in UNARY}
# Beyond these the result is a constant, an infinity or 0, which special values cover.
RANGE = {"exp": 760.0, "expm1": 760.0, "tanh": 60.0, "erf": 12.0, "ndtr": 40.0, "sigmoid": 760.0}
RANGE |= {"sinh": 712.0, "cosh": 712.0, "exp2": 1080.0, "i0": 712.0, "i1": 712.0, "i0e": 1e4, "i1e": 1e4}
RANGE |= dict.fromkeys(CYLINDER, 300.0) | {"airy_ai": 80.0, "airy_ai_slope": 80.0}
DOMAIN = {
    **dict.fromkeys(("log", "log2", "log10", "lgamma", "digamma"), (0.0, INF)),
    **dict.fromkeys([name for name in CYLINDER if "_y" in name or "_k" in name], (0.0, INF)),
    **dict.fromkeys(("atanh", "erfinv"), (-1.0, 1.0)),
    "log1p": (-1.0, INF),
    "erfc": (-7.0, 28.0),
    "erfcx": (-26.0, INF),
    "ndtri": (0.0, 1.0),
    "acosh": (1.0, INF),
    "asin": (-1.0, 1.0),
    "acos": (-1.0, 1.0),
}
"""Open intervals outside of which there is no finite result."""
SLOW = {"erfinv", "ndtri", "lgamma", "digamma", "i0", "i1", "i0e", "i1e", *CYLINDER}
"""Of these mpmath computes fewer in the same time."""


@cache
def kernels(dtype: str, width: int = 8, cpu: str = "host") -> Kernels:
    emitters: dict[str, Any] = {name: (tm.FUNCTIONS[name], traits.PLAIN[name]) for name in FUNCTIONS}
    emitters["uniform"] = (uniform, 2)
    return Kernels(emitters, dtype, width, cpu)


def uniform(b: ir.IRBuilder, x: Any, y: Any) -> Any:
    """x to the power of the first lane of y, as a scalar."""
    if isinstance(y.type, ir.VectorType):
        y = b.extract_element(y, ir.Constant(ir.IntType(32), 0))
    return tm.pow_uniform(b, x, y)


def any_bits(dtype: str, count: int, seed: int = 0) -> Any:
    """Bit patterns of every sign, exponent and leading digits, the lower ones at random."""
    bits = np.finfo(dtype).bits
    unsigned = f"u{bits // 8}"
    rows = np.linspace(0, 2.0**bits, count, endpoint=False).astype(unsigned)
    lower = np.random.default_rng(seed).integers(0, 2**bits // count, count, dtype=unsigned)
    return (rows + lower).view(dtype)


def samples(name: str, dtype: str, count: int) -> Any:
    """Arguments at which the named function is finite and not constant: of all sizes, usual ones, and near 1."""
    rng = np.random.default_rng(len(name))
    limit = RANGE.get(name, float(np.finfo(dtype).max))
    usual = rng.normal(0, 3, count) * 10.0 ** rng.uniform(-3, 2, count)
    near_one = 1 + rng.normal(0, 1, count) * 2.0 ** rng.uniform(-20, 0, count)
    x = np.concatenate([any_bits(dtype, count), usual.astype(dtype), near_one.astype(dtype)])
    x = x[np.isfinite(x) & (np.abs(x) <= limit)]
    low, high = DOMAIN.get(name, (-INF, INF))
    x = np.abs(x) if low == 0 else x
    return x[(x > low) & (x < high)]


def exact_pairs(values: list[Any]) -> tuple[Any, Any]:
    """True values as sums of two floats."""
    high = np.array([float(v) for v in values])
    low = np.array([float(v - h) if math.isfinite(h) else 0.0 for v, h in zip(values, high.tolist(), strict=True)])
    return high, low


def swing(name: str, x: Any) -> Any:
    """The size of an oscillating function beside its zeros, else 0."""
    size = np.maximum(np.abs(x).astype(float), 1)
    if name.startswith(("bessel_j", "bessel_y")):
        return np.sqrt(2 / np.pi / size)
    if name.startswith("airy"):
        return np.where(x < 0, size ** (0.25 if name.endswith("slope") else -0.25) / np.sqrt(np.pi), 0)
    return np.zeros(x.shape)


def errors(found: Any, high: Any, low: Any = 0.0, *, size: Any = 0.0) -> Any:
    """The distance from high + low (float64) in units in the last place of the format of `found`, of a size at least.

    Infinity, and all beyond, counts as the power of two that follows the largest float.
    """
    info = np.finfo(found.dtype)
    exponent = np.frexp(np.maximum(np.abs(high), size))[1] - 1
    inside = np.isfinite(high) & (exponent < info.maxexp)
    unit = np.where(inside, np.maximum(exponent, info.minexp), info.maxexp - 1) - info.nmant
    with np.errstate(over="ignore"):
        top = np.ldexp(1.0, info.maxexp - unit)
        distance = np.clip(np.ldexp(found.astype(float), -unit), -top, top)
        distance -= np.clip(np.where(inside, np.ldexp(high, -unit), np.copysign(top, high)), -top, top)
        return np.abs(distance - np.where(inside, np.ldexp(low, -unit), 0.0))


@pytest.mark.parametrize("name", UNARY)
def test_float64_against_mpmath(name: str) -> None:
    few = 1 if os.environ.get("TENURE_FUZZ") else 4
    x = samples(name, "float64", 7000 // few // (20 if name in SLOW else 1))
    truth = [EXACT[name](mpmath.mpf(v)) for v in x.tolist()]
    worst = errors(kernels("float64")(name, x), *exact_pairs(truth), size=swing(name, x))
    assert worst.max() <= ULPS.get(name, ULP), (x[worst.argmax()], worst.max())


@pytest.mark.parametrize("x", [6381956970095103.0 * 2.0**797, 5.319372648326541e255, math.ldexp(1.0, 1023), 1e22])
def test_sin_and_cos_next_to_multiples_of_half_pi(x: float) -> None:
    """The first is the float64 nearest to one of all (Muller, Elementary Functions, 11.3)."""
    for name in ("sin", "cos"):
        for sign in (1, -1):
            found = kernels("float64")(name, np.array([sign * x]))
            assert errors(found, *exact_pairs([EXACT[name](mpmath.mpf(sign * x))])) <= 1, name


def float64_reference(name: str, x: Any) -> Any:
    x = x.astype("float64")
    if name in ("erf", "erfc"):
        return np.array([getattr(math, name)(v) for v in x.tolist()])
    if name == "sigmoid":
        return 1 / (1 + np.exp(-x))
    known = hasattr(np, name) and name not in SLOW | {"sinc"}
    return getattr(np, name)(x) if known else kernels("float64")(name, x)


@pytest.mark.parametrize("name", UNARY)
def test_float32_against_float64(name: str) -> None:
    x = samples(name, "float32", 1 << 16)
    with np.errstate(over="ignore"):
        worst = errors(kernels("float32")(name, x), float64_reference(name, x), size=swing(name, x))
    assert worst.max() <= ULP, (x[worst.argmax()], worst.max())


@pytest.mark.parametrize("dtype", FLOATS)
def test_power_against_mpmath(dtype: str) -> None:
    rng = np.random.default_rng(0)
    info, count = np.finfo(dtype), 2000
    x = np.abs(np.concatenate([rng.normal(0, 3, count), 2.0 ** rng.uniform(info.minexp, info.maxexp - 1, count)]))
    x = np.concatenate([x, 1 + rng.normal(0, 1, count) * 2.0 ** rng.uniform(-22, -1, count)]).astype(dtype)
    x = np.where(x > 0, x, 1).astype(dtype)
    # Exponents that use the whole range of results, and some common ones.
    size = np.maximum(np.abs(np.log2(x.astype(float))), 1e-6)
    y = (rng.uniform(-1.02, 1.02, x.size) * info.maxexp / size).astype(dtype)
    y[::3] = rng.normal(0, 3, y[::3].size)
    truth = [mpmath.power(mpmath.mpf(a), mpmath.mpf(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    worst = errors(kernels(dtype)("power", x, y), *exact_pairs(truth))
    assert worst.max() <= ULP, (x[worst.argmax()], y[worst.argmax()], worst.max())


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_exponential_of_a_product_takes_what_its_rounding_loses(dtype: str) -> None:
    rng, limit = np.random.default_rng(7), math.log(float(np.finfo(dtype).max))
    x = rng.uniform(-1, 1, 4000) * math.sqrt(2 * limit)
    y = np.concatenate([-x[:1000], -0.5 * x[1000:2000], rng.uniform(-1, 1, 2000) * limit / np.abs(x[2000:])])
    x, y = x.astype(dtype), y.astype(dtype)
    truth = [mpmath.exp(mpmath.mpf(a) * mpmath.mpf(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    worst = errors(kernels(dtype)("exp_product", x, y), *exact_pairs(truth))
    assert worst.max() <= ULP, (x[worst.argmax()], y[worst.argmax()], worst.max())


SPECIAL: dict[str, list[tuple[float, float]]] = {
    "exp": [(NAN, NAN), (INF, INF), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0), (1e30, INF), (-1e30, 0.0)],
    "expm1": [(NAN, NAN), (INF, INF), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0), (1e30, INF), (-1e30, -1.0)],
    "log": [(NAN, NAN), (INF, INF), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, NAN), (-INF, NAN), (-1e-30, NAN)],
    "log1p": [(NAN, NAN), (INF, INF), (-1.0, -INF), (0.0, 0.0), (-0.0, -0.0), (-2.0, NAN), (-INF, NAN)],
    "tanh": [(NAN, NAN), (INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0), (100.0, 1.0), (-100.0, -1.0)],
    "sin": [(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0)],
    "cos": [(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 1.0), (-0.0, 1.0), (1e-20, 1.0)],
    "erf": [(NAN, NAN), (INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0), (30.0, 1.0), (-30.0, -1.0)],
    "ndtr": [(NAN, NAN), (INF, 1.0), (-INF, 0.0), (0.0, 0.5), (-0.0, 0.5), (9.0, 1.0), (1e30, 1.0), (-1e30, 0.0)],
    "sigmoid": [(NAN, NAN), (INF, 1.0), (-INF, 0.0), (0.0, 0.5), (-0.0, 0.5), (1e30, 1.0), (-1e30, 0.0)],
    "exp2": [(NAN, NAN), (INF, INF), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0), (10.0, 1024.0), (-3.0, 0.125), (1e30, INF)],
    "log2": [(NAN, NAN), (INF, INF), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, NAN), (8.0, 3.0), (2.0**-99, -99.0)],
    "log10": [(NAN, NAN), (INF, INF), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, NAN), (1e6, 6.0), (1e10, 10.0)],
    "tan": [(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0)],
    "asin": [(NAN, NAN), (1.5, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0), (1.0, math.pi / 2), (-1.0, -math.pi / 2)],
    "acos": [(NAN, NAN), (1.5, NAN), (INF, NAN), (1.0, 0.0), (-1.0, math.pi), (0.0, math.pi / 2)],
    "atan": [(NAN, NAN), (INF, math.pi / 2), (-INF, -math.pi / 2), (0.0, 0.0), (-0.0, -0.0), (1.0, math.pi / 4)],
    "sinh": [(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0), (1e30, INF), (-1e30, -INF)],
    "cosh": [(NAN, NAN), (INF, INF), (-INF, INF), (0.0, 1.0), (-0.0, 1.0), (-1e30, INF)],
    "asinh": [(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0)],
    "acosh": [(NAN, NAN), (INF, INF), (1.0, 0.0), (0.5, NAN), (-1.0, NAN), (-3.0, NAN), (-INF, NAN)],
    "atanh": [(NAN, NAN), (1.0, INF), (-1.0, -INF), (1.5, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0)],
    "sinc": [(NAN, NAN), (INF, NAN), (0.0, 1.0), (-0.0, 1.0), (1e-20, 1.0), (0.5, 2 / math.pi), (1e20, 0.0)],
    "erfc": [(NAN, NAN), (INF, 0.0), (-INF, 2.0), (0.0, 1.0), (-0.0, 1.0), (30.0, 0.0), (-30.0, 2.0)],
    "erfinv": [(NAN, NAN), (1.0, INF), (-1.0, -INF), (1.5, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0)],
    "lgamma": [(NAN, NAN), (INF, INF), (-INF, INF), (0.0, INF), (-0.0, INF), (1.0, 0.0), (2.0, 0.0), (-3.0, INF)],
    "digamma": [(NAN, NAN), (INF, INF), (-INF, NAN), (0.0, -INF), (-0.0, INF), (-3.0, NAN)],
    "i0": [(NAN, NAN), (INF, INF), (-INF, INF), (0.0, 1.0), (-0.0, 1.0), (1e30, INF)],
    "i1": [(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0), (-1e30, -INF)],
    "i0e": [(NAN, NAN), (INF, 0.0), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0)],
    "i1e": [(NAN, NAN), (INF, 0.0), (-INF, -0.0), (0.0, 0.0), (-0.0, -0.0)],
    "bessel_j0": [(NAN, NAN), (INF, 0.0), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0)],
    "bessel_j1": [(NAN, NAN), (INF, 0.0), (-INF, -0.0), (0.0, 0.0), (-0.0, -0.0)],
    **{f"bessel_y{n}": [(NAN, NAN), (INF, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN)] for n in (0, 1)},
    **{
        f"{way}modified_bessel_k{n}": [(NAN, NAN), (INF, 0.0), (0.0, INF), (-0.0, INF), (-1.0, NAN), (-INF, NAN)]
        for way in ("", "scaled_")
        for n in (0, 1)
    },
    "airy_ai": [(NAN, NAN), (INF, 0.0), (-INF, 0.0), (1e30, 0.0)],
    "airy_ai_slope": [(NAN, NAN), (INF, -0.0), (-INF, NAN)],
    "sqrt": [(NAN, NAN), (INF, INF), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0), (-1.0, NAN), (4.0, 2.0)],
    "floor": [(NAN, NAN), (INF, INF), (-INF, -INF), (-0.0, -0.0), (-0.5, -1.0), (1e30, 1e30)],
    "sign": [(NAN, NAN), (INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, 0.0)],
    "absolute": [(NAN, NAN), (INF, INF), (-INF, INF), (-0.0, 0.0), (-2.0, 2.0)],
}


def same(found: Any, wanted: Any) -> Any:
    """Equal, zeros by their signs, NaN to NaN."""
    equal = (found == wanted) & (np.signbit(found) == np.signbit(wanted))
    return equal | (np.isnan(found) & np.isnan(wanted))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, dtype: str) -> None:
    x, wanted = (np.array(column, dtype) for column in zip(*SPECIAL[name], strict=True))
    found = kernels(dtype)(name, x)
    assert same(found, wanted).all(), list(zip(x, found, wanted, strict=True))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh", "sin", "tan", "asin", "atan", "sinh", "asinh", "atanh"])
def test_tiny_arguments_are_their_own_results(name: str, dtype: str) -> None:
    info = np.finfo(dtype)
    tiny = np.array([info.smallest_subnormal, info.tiny, 3 * info.smallest_subnormal, 1e-30], dtype)
    x = np.concatenate([tiny, -tiny])
    assert (kernels(dtype)(name, x) == x).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_powers_of_the_base_have_whole_logarithms(dtype: str) -> None:
    info, run = np.finfo(dtype), kernels(dtype)
    twos = np.arange(info.minexp - info.nmant, info.maxexp)
    assert (run("log2", np.ldexp(np.ones(1, dtype), twos).astype(dtype)) == twos).all()
    assert (run("exp2", twos.astype(dtype)) == np.ldexp(np.ones(1, dtype), twos)).all()
    tens = np.arange(int(np.log10(float(info.max))) + 1)
    assert (run("log10", np.array([float(f"1e{n}") for n in tens], dtype)) == tens).all()


@pytest.mark.parametrize(("dtype", "last"), [("float32", 88.72283172607422), ("float64", 709.782712893384)])
def test_exp_overflows_where_it_must(dtype: str, last: float) -> None:
    x = np.array([last, np.nextafter(np.dtype(dtype).type(last), np.dtype(dtype).type(INF))], dtype)
    for name in ("exp", "expm1"):
        found = kernels(dtype)(name, x)
        assert np.isfinite(found[0]), name
        assert np.isinf(found[1]), name


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_normal_distribution_underflows_where_it_must(dtype: str) -> None:
    x = -np.linspace(*((12.5, 14.3) if dtype == "float32" else (37.0, 38.6)), 400).astype(dtype)
    worst = errors(kernels(dtype)("ndtr", x), *exact_pairs([EXACT["ndtr"](mpmath.mpf(v)) for v in x.tolist()]))
    assert worst.max() <= ULP, (x[worst.argmax()], worst.max())
    assert kernels(dtype)("ndtr", x)[-1] == 0


@pytest.mark.parametrize("dtype", FLOATS)
def test_exp_and_sigmoid_underflow_gradually(dtype: str) -> None:
    info = np.finfo(dtype)
    last = math.log(float(info.tiny)) - math.log(2) * info.nmant
    x = np.array([last + 0.2, last - 1.5], dtype)
    for name in ("exp", "sigmoid"):
        assert (kernels(dtype)(name, x) == np.array([info.smallest_subnormal, 0])).all(), name


def grid(dtype: str) -> tuple[Any, Any]:
    """Pairs: special ones with each other, random bits, usual sizes, and small whole numbers."""
    info, rng = np.finfo(dtype), np.random.default_rng(1)
    special = [0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5, 7.0, 0.1, 1e30, 2.0**24, 2.0**53, 1 - 2.0**-20]
    special += [float(info.tiny), float(info.smallest_subnormal), float(info.max), INF]
    one = np.array([NAN, *special, *(-v for v in special)], dtype)
    x, y = (v.ravel() for v in np.meshgrid(one, one))
    whole = rng.integers(-50, 50, 4096), rng.integers(-9, 9, 4096)
    usual = rng.normal(0, 5, 4096), rng.normal(0, 2, 4096)
    bits = any_bits(dtype, 4096), rng.permutation(any_bits(dtype, 4096, 1))
    return tuple(np.concatenate([a, *(p[i].astype(dtype) for p in (whole, usual, bits))]) for i, a in enumerate((x, y)))


def rounded_down(x: Any, y: Any) -> Any:
    """NumPy's quotient; beside an infinite number that of the array API, which is not rounded."""
    ans = np.floor_divide(x, y)
    return ans if x.dtype.kind in "iu" else np.where(np.isinf(x) | np.isinf(y), np.divide(x, y), ans)


def numpys(name: str) -> Any:
    """NumPy's function for a primitive of two operands."""
    own = {"quotient": np.floor_divide, "floor_divide": rounded_down}
    return own.get(name) or NUMPYS.get(name) or getattr(np, name)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [name for name in BINARY if name not in CLOSE])
def test_arithmetic_has_numpys_bits(name: str, dtype: str) -> None:
    x, y = grid(dtype)
    with np.errstate(all="ignore"):
        wanted = numpys(name)(x, y)
    found = kernels(dtype)(name, x, y)
    bad = ~same(found, wanted)
    assert not bad.any(), (x[bad][:3], y[bad][:3], found[bad][:3], wanted[bad][:3])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LIGHT)
def test_exact_functions_have_numpys_bits(name: str, dtype: str) -> None:
    x = any_bits(dtype, 1 << 16)
    with np.errstate(invalid="ignore"):
        assert same(kernels(dtype)(name, x), numpys(name)(x)).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_power_has_the_standards_special_values(dtype: str) -> None:
    x, y = grid(dtype)
    with np.errstate(all="ignore"):
        wanted = np.power(x, y)
        close = np.abs(kernels(dtype)("power", x, y) - wanted) <= 4 * np.spacing(np.abs(wanted))
    found = kernels(dtype)("power", x, y)
    bad = ~(same(found, wanted) | close)
    assert not bad.any(), (x[bad][:3], y[bad][:3], found[bad][:3], wanted[bad][:3])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("width", [1, 8])
def test_a_uniform_exponent_takes_the_short_forms(width: int, dtype: str) -> None:
    x = any_bits(dtype, 1 << 12)
    run = kernels(dtype, width)
    for exponent in (2.0, 3.0, 0.5, -1.0, 1.7, 0.0, NAN):
        y = np.full_like(x, exponent)
        with np.errstate(all="ignore"):
            wanted = SHORT_POWERS[exponent](x) if exponent in SHORT_POWERS else run("power", x, y)
        assert same(run("uniform", x, y), wanted).all(), exponent


def test_a_constant_exponent_leaves_no_branch() -> None:
    type_ = ir.VectorType(ir.FloatType(), 8)
    function = ir.Function(ir.Module(), ir.FunctionType(type_, [type_]), "f")
    b = ir.IRBuilder(function.append_basic_block())
    b.ret(tm.pow_uniform(b, function.args[0], ir.Constant(ir.FloatType(), 2.0)))
    assert len(function.blocks) == 1


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("width", [1, 8])
def test_integers_have_numpys_results(width: int, dtype: str) -> None:
    info, rng = np.iinfo(dtype), np.random.default_rng(2)
    signed = info.min < 0
    names = [name for name in PLAIN if "i" in TABLE[name].dtypes and name != "power"]
    emitters: dict[str, Any] = {n: (partial(tm.FUNCTIONS[n], signed=signed), traits.PLAIN[n]) for n in names}
    run = Kernels(emitters | {"power": (tm.pow, 2)}, dtype, width)
    ends = np.array([info.min, info.max, info.min + 1, 0, 1, 2, info.max - 1, -1 if signed else 3], dtype)
    x, y = (v.ravel() for v in np.meshgrid(ends, ends))
    x = np.concatenate([x, rng.integers(info.min, info.max, 4096, dtype, endpoint=True)])
    y = np.concatenate([y, rng.integers(info.min, info.max, 2048, dtype, endpoint=True)])
    y = np.concatenate([y, rng.integers(-9 if signed else 0, 9, 2048).astype(dtype)])
    with np.errstate(all="ignore"):
        for name in names:
            operands = (x, y)[: traits.PLAIN[name]]
            assert (run(name, *operands) == numpys(name)(*operands)).all(), name
        exponents = (np.abs(y.astype(float)) % 70).astype(dtype)
        assert (run("power", x, exponents) == np.power(x, exponents)).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_same_bits_at_every_width_and_on_every_machine(dtype: str) -> None:
    x, y = grid(dtype)
    large = np.random.default_rng(3).normal(0, 1, x.size) * 10.0 ** np.linspace(0, 37, x.size)
    hashes: dict[str, set[str]] = {}
    for cpu in cpus():
        for width in (1, 4, 8, 16):
            run = kernels(dtype, width, cpu)
            for name in FUNCTIONS:
                found = [run(name, x, y)] if name in BINARY else [run(name, x), run(name, large.astype(dtype))]
                digest = hashlib.sha256(b"".join(a.tobytes() for a in found)).hexdigest()
                hashes.setdefault(name, set()).add(digest)
    assert {name: len(found) for name, found in hashes.items() if len(found) > 1} == {}


def sweep(name: str, width: int = 16) -> Any:
    """A function of the first float32 bit pattern and their number: the largest error and where it is.

    The reference is the function itself in float64, whose accuracy other tests show.
    """
    i32 = ir.IntType(32)
    singles, doubles, patterns = (ir.VectorType(t, width) for t in (ir.FloatType(), ir.DoubleType(), i32))
    module = ir.Module()
    signature = ir.FunctionType(ir.VoidType(), [i32, i32, doubles.as_pointer(), singles.as_pointer()])
    kernel = ir.Function(module, signature, "sweep")
    start, count, worst_out, where_out = kernel.args
    b = Builder(kernel.append_basic_block(), registers("host"))
    entry, loop, done = b.block, b.append_basic_block(), b.append_basic_block()
    b.branch(loop)
    b.position_at_end(loop)
    i, worst, where = b.phi(i32), b.phi(doubles), b.phi(singles)
    first = b.insert_element(ir.Constant(patterns, ir.Undefined), b.add(start, i), ir.Constant(i32, 0))
    splat = b.shuffle_vector(first, ir.Constant(patterns, ir.Undefined), ir.Constant(patterns, [0] * width))
    x = b.bitcast(b.add(splat, ir.Constant(patterns, list(range(width)))), singles)
    error = emitted_error(b, tm.FUNCTIONS[name], x, doubles)
    larger = Lanes(b, doubles).compare(">", error, worst)
    after = ((i, ir.Constant(i32, 0), b.add(i, ir.Constant(i32, width))),)
    after += ((worst, Lanes(b, doubles).number(0.0), b.select(larger, error, worst)),)
    after += ((where, Lanes(b, singles).number(0.0), b.select(larger, x, where)),)
    for phi, begin, following in after:
        phi.add_incoming(begin, entry)
        phi.add_incoming(following, b.block)
    b.cbranch(b.icmp_unsigned("<", after[0][2], count), loop, done)
    b.position_at_end(done)
    b.store(after[1][2], worst_out, align=8)
    b.store(after[2][2], where_out, align=4)
    b.ret_void()
    engine = load(module)

    def run(start: int, count: int) -> tuple[float, float]:
        found, at = np.zeros(width), np.zeros(width, "float32")
        types = (ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p)
        address = engine.get_function_address("sweep")
        ctypes.CFUNCTYPE(None, *types)(address)(start, count, found.ctypes.data, at.ctypes.data)
        return float(found.max()), float(at[found.argmax()])

    return run


def emitted_error(b: ir.IRBuilder, emit: Any, x: Any, doubles: Any) -> Any:
    """`errors` in IR; a NaN on one side only counts as 10⁹."""
    v = Lanes(b, doubles)
    found, truth = b.fpext(emit(b, x), doubles), emit(b, b.fpext(x, doubles))
    exponent = v.from_bits(b.and_(v.bits(truth), v.whole(0x7FF << 52)))
    unit = v.mul(v.at_most(v.at_least(exponent, 2.0**-126), 2.0**127), 2.0**-23)
    found_bounded, truth_bounded = (v.at_least(v.at_most(z, 2.0**128), -(2.0**128)) for z in (found, truth))
    error = v.div(v.fabs(v.sub(found_bounded, truth_bounded)), unit)
    both = v.select(v.unordered(truth), 0.0, error)
    return v.select(b.xor(v.unordered(found), v.unordered(truth)), 1e9, both)


@pytest.mark.parametrize("name", UNARY)
def test_float32_over_all_bit_patterns(name: str) -> None:
    run = sweep(name)
    if os.environ.get("TENURE_FUZZ"):
        worst, where = max(run(part << 28, 1 << 28) for part in range(16))
    else:
        # A stretch about 1, and about −1.
        worst, where = max(run(start, 1 << 18) for start in (0x3F700000, 0xBF700000))
    assert worst <= ULP, (where, worst)


@pytest.mark.skipif(not os.environ.get("TENURE_FUZZ"), reason="takes a minute and a half; `make fuzz` runs it")
def test_the_constants_are_those_of_the_tool() -> None:
    assert Path(minimax.TARGET).read_text(encoding="utf-8") == minimax.source()
