"""Whole numbers as floats, and quotients of floats: a narrow whole number over a constant is a product, with its bits.

With a + b = 1/c, a float and its rest, x · a + (x · b), rounded once, is within x/c · 2⁻⁴⁷ of x/c before it is rounded
(float32; 2⁻¹⁰⁵ of float64). x/c is no midpoint of two floats, for a midpoint times c has more digits than x, and where
the odd part C of c has at most 21 bits (50) it is farther from each than that: |x · 2ˢ − M · C| is at least 1.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from llvmlite import ir

from tenure.compile.math.lanes import Lanes, element, unsigned

EXACT = 1 << 24
NARROW = 16
"""Bits of x, at most."""
ODD = {4: 21, 8: 50}
"""Bits of the odd part of the divisor, by the size of a float."""
RANGE = Fraction(1, 1 << 60), Fraction(1 << 60)
"""Divisors that are far from the ends of the range of floats."""


def as_float(b: Any, x: ir.Value, target: ir.Type) -> ir.Value:
    """A whole number as a float; a constant stays one."""
    if isinstance(x, ir.Constant) and isinstance(x.constant, int) and abs(x.constant) < EXACT:
        return ir.Constant(target, float(x.constant))
    return b.uitofp(x, target) if unsigned(element(x.type)) else b.sitofp(x, target)


def quotient(b: Any, x: ir.Value, y: ir.Value) -> ir.Value:
    """x / y of two values of one type, rounded to nearest."""
    parts = reciprocal(number_of(y), 4 if element(x.type) == ir.FloatType() else 8) if is_narrow(x) else None
    if parts is None:
        return b.fdiv(x, y)
    v = Lanes(b, x.type)
    return v.fma(x, parts[0], v.mul(x, parts[1]))


def is_narrow(x: ir.Value) -> bool:
    """Whether a float is a whole number of few bits by the instruction that makes it."""
    made = isinstance(x, ir.CastInstr) and x.opname in ("uitofp", "sitofp")
    return made and element(x.operands[0].type).width <= NARROW


def number_of(y: ir.Value) -> float | None:
    """The number that a constant is in all lanes; None for what is computed."""
    if not isinstance(y, ir.Constant):
        return None
    lanes = {k.constant for k in y.constant} if isinstance(y.type, ir.VectorType) else {y.constant}
    return float(lanes.pop()) if len(lanes) == 1 else None


def reciprocal(c: float | None, size: int) -> tuple[float, float] | None:
    """1/c as a float of a size in bytes and its rest; None where the product would not have the quotient's bits."""
    if c is None or not np.isfinite(c) or not RANGE[0] < c < RANGE[1]:
        return None
    kind = np.float32 if size == 4 else np.float64
    exact = Fraction(float(kind(c)))
    odd = exact.numerator >> ((exact.numerator & -exact.numerator).bit_length() - 1)
    if odd.bit_length() > ODD[size]:
        return None
    first = float(kind(float(1 / exact)))
    return first, float(kind(float(1 / exact - Fraction(first))))
