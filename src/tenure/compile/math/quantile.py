"""The inverse of erf and the quantile of the normal distribution, by the rational approximations of M. J. Wichura's
algorithm AS 241 (Applied Statistics 37, 1988); erfinv of float64 with a step of Newton's from there."""

from __future__ import annotations

import math
from collections.abc import Callable

from llvmlite import ir

from tenure.compile.math.error import erf
from tenure.compile.math.exponential import exp
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.logarithm import log
from tenure.compile.math.normal import erfc
from tenure.compile.math.widened import in_double

__all__ = ["erfinv", "ndtri"]

CENTRAL_NUMERATOR = (
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946,
    45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227,
)  # fmt: skip
CENTRAL_DENOMINATOR = (
    1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751,
    21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854,
)  # fmt: skip
MIDDLE_NUMERATOR = (
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045,
    1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
)  # fmt: skip
MIDDLE_DENOMINATOR = (
    1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851,
    0.14810397642748008, 0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-09,
)  # fmt: skip
FAR_NUMERATOR = (
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487,
    0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-05, 2.0103343992922881e-07,
)  # fmt: skip
FAR_DENOMINATOR = (
    1.0, 0.599832206555888, 0.1369298809227358, 0.014875361290850615,
    0.0007868691311456133, 1.8463183175100548e-05, 1.421511758316446e-07, 2.0442631033899397e-15,
)  # fmt: skip


def erfinv(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The number whose erf is x; ±∞ at ±1, NaN beyond. Of float32 the quantile is exact enough as it is."""
    v = Lanes(b, x.type)
    if not v.single:
        return _erfinv(v, x, _one_step)
    w = v.wide()
    return b.fptrunc(_erfinv(w, b.fpext(x, w.type), lambda v, size, y: y), v.type)


def _erfinv(v: Lanes, x: ir.Value, refined: Callable[..., ir.Value]) -> ir.Value:
    size = v.fabs(x)
    y = v.mul(_normal_quantile(v, v.mul(size, 0.5), v.fma(size, -0.5, 0.5)), math.sqrt(0.5))
    ans = refined(v, size, y)
    ans = v.select(v.compare("<", size, 1e-8), v.mul(size, math.sqrt(math.pi) / 2), ans)
    ends = v.select(v.compare("==", size, 1.0), math.inf, math.nan)
    return v.copysign(v.select(v.compare("<", size, 1.0), ans, ends), x)


def _one_step(v: Lanes, size: ir.Value, y: ir.Value) -> ir.Value:
    """y after a step of Newton's, on the tail's own digits where y is large."""
    beyond = v.sub(1.0, size)
    inner = v.compare("<", size, 0.5)
    error = v.select(inner, v.sub(erf(v.b, y), size), v.sub(beyond, erfc(v.b, y)))
    slope = exp(v.b, v.neg(v.mul(y, y)))
    return v.fma(v.div(error, slope), -math.sqrt(math.pi) / 2, y)


@in_double
def ndtri(v: Lanes, x: ir.Value) -> ir.Value:
    """The quantile of x of the standard normal distribution; −∞ and ∞ at 0 and 1, NaN beyond."""
    away, beyond = v.sub(x, 0.5), v.sub(1.0, x)
    low = v.compare("<", x, 0.5)
    tail = v.select(low, x, beyond)
    ans = _normal_quantile(v, v.fabs(away), tail)
    ends = v.select(v.compare("==", tail, 0.0), math.inf, math.nan)
    ans = v.select(v.compare(">", tail, 0.0), ans, ends)
    return v.select(low, v.neg(ans), ans)


def _normal_quantile(v: Lanes, q: ir.Value, tail: ir.Value) -> ir.Value:
    """The quantile of ½ + q = 1 − tail."""
    r = v.fma(v.neg(q), q, 0.180625)
    central = v.div(v.mul(v.horner(r, CENTRAL_NUMERATOR), q), v.horner(r, CENTRAL_DENOMINATOR))
    root = v.call("sqrt", v.neg(log(v.b, tail)))
    far = v.compare(">", root, 5.0)
    s = v.sub(root, v.select(far, 5.0, 1.6))
    numerator, denominator = v.number(0.0), v.number(0.0)
    for k in reversed(range(8)):
        numerator = v.fma(numerator, s, v.select(far, FAR_NUMERATOR[k], MIDDLE_NUMERATOR[k]))
        denominator = v.fma(denominator, s, v.select(far, FAR_DENOMINATOR[k], MIDDLE_DENOMINATOR[k]))
    return v.select(v.compare("<=", q, 0.425), central, v.div(numerator, denominator))
