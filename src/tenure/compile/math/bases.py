"""Logarithms to the bases 2 and 10.

x = 2ᵉ·m as for the natural logarithm; then e·log 2 + log m, both to the other base, as a sum of two floats, so that a
power of the base has its whole exponent. float32 takes a polynomial of float64 for log₂ m.
"""

from __future__ import annotations

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.logarithm import log_of_sum, normalize, poles, split

__all__ = ["log2", "log10"]


def log2(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The logarithm to the base 2; −∞ at ±0, NaN below (IEEE 754-2019, 9.2)."""
    v = Lanes(b, x.type)
    return poles(v, x, 0.0, _single(v, x, 1.0) if v.single else _double(v, x, (1.0, 0.0), c.LOG2_E))


def log10(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The logarithm to the base 10; −∞ at ±0, NaN below (IEEE 754-2019, 9.2)."""
    v = Lanes(b, x.type)
    two = sum(c.LOG10_2)
    return poles(v, x, 0.0, _single(v, x, two) if v.single else _double(v, x, c.LOG10_2, c.LOG10_E))


def _single(v: Lanes, x: ir.Value, two: float) -> ir.Value:
    """log₂ x times the logarithm of two, rounded once from float64."""
    w = v.wide()
    exponent, _, m = split(w, w.b.fpext(x, w.type))
    f = w.sub(m, 1.0)
    e = w.sub(exponent, 2.0**w.format.fraction + w.format.bias)
    logarithm = w.fma(f, w.horner(f, c.LOG2_MIDDLE), e)
    return w.b.fptrunc(logarithm if two == 1 else w.mul(logarithm, two), v.type)


def _double(v: Lanes, x: ir.Value, two: tuple[float, float], factor: tuple[float, float]) -> ir.Value:
    """e·two + log m · factor; e times the first part of two is exact."""
    normal, added = normalize(v, x)
    exponent, _, m = split(v, normal)
    e = v.sub(exponent, added)
    natural = log_of_sum(v, v.sub(m, 1.0), v.number(0.0))
    fraction, lost = v.two_product(natural, factor[0])
    total, rest = v.two_sum(v.mul(e, two[0]), fraction)
    return v.add(total, v.add(rest, v.fma(e, two[1], v.fma(natural, factor[1], lost))))
