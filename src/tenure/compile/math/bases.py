"""Logarithms to the bases 2 and 10: the natural one as a sum of two floats, times 1/log 2 or 1/log 10 as another.

So a power of the base has its whole exponent.
"""

from __future__ import annotations

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.logarithm import poles
from tenure.compile.math.power import extended_log
from tenure.compile.math.widened import in_double

__all__ = ["log2", "log10"]


@in_double
def log2(v: Lanes, x: ir.Value) -> ir.Value:
    """The logarithm to the base 2; −∞ at ±0, NaN below (IEEE 754-2019, 9.2)."""
    return _by_base(v, x, *c.LOG2_E)


@in_double
def log10(v: Lanes, x: ir.Value) -> ir.Value:
    """The logarithm to the base 10; −∞ at ±0, NaN below (IEEE 754-2019, 9.2)."""
    return _by_base(v, x, *c.LOG10_E)


def _by_base(v: Lanes, x: ir.Value, factor: float, rest: float) -> ir.Value:
    high, low = extended_log(v, x)
    product, lost = v.two_product(high, factor)
    return poles(v, x, 0.0, v.add(product, v.add(lost, v.fma(high, rest, v.mul(low, factor)))))
