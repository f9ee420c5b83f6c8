"""erf: an odd series near 0; beyond, 1 − 2^h with h a polynomial for log₂ erfc (after N. Juffa's erff)."""

from __future__ import annotations

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.exponential import exp2_unscaled
from tenure.compile.math.lanes import Lanes

__all__ = ["erf"]


def erf(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The error function 2/√π · ∫₀ˣ exp(−t²) dt."""
    v = Lanes(b, x.type)
    size = v.fabs(x)
    series, tail, power = (
        (c.ERF_SINGLE, c.ERFC_SINGLE, c.EXP2_COARSE) if v.single else (c.ERF_DOUBLE, c.ERFC_DOUBLE, c.EXP2_FINE)
    )
    near = v.fma(x, v.horner(v.mul(x, x), series), x)
    h = v.horner(v.sub(v.at_most(size, 4.0 if v.single else 6.0), 1.0), tail)
    p, scale = exp2_unscaled(v, h, power)
    far = v.copysign(v.fma(v.neg(p), scale, 1.0), x)
    return v.select(v.compare("<", size, c.SPLIT_SINGLE if v.single else c.SPLIT_DOUBLE), near, far)
