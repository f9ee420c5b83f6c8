"""erf. In float32 by parts, each with a polynomial of its own about its middle, whose coefficients a lane picks; in
float64 an odd series near 0, and beyond 1 − 2^h with h a polynomial for log₂ erfc (after N. Juffa's erff)."""

from __future__ import annotations

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.exponential import exp2_unscaled
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.tables import SIZE, pick

__all__ = ["erf"]


def erf(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The error function 2/√π · ∫₀ˣ exp(−t²) dt."""
    v = Lanes(b, x.type)
    return by_parts(v, x) if v.single else near_and_far(v, x)


def by_parts(v: Lanes, x: ir.Value) -> ir.Value:
    """erf(m + r) = (r + r·p(r)) + erf(m) for |x| = m + r, where m is the nearest multiple of PART."""
    size = v.at_most(v.fabs(x), (SIZE - 0.75) * c.PART)
    rounded = v.fma(size, 1 / c.PART, v.format.magic)
    r = v.fma(v.sub(rounded, v.format.magic), -c.PART, size)
    first, *rest = [pick(v, row, v.bits(rounded)) for row in c.ERF_PARTS]
    p = rest.pop()
    while rest:
        p = v.fma(p, r, rest.pop())
    return v.copysign(v.add(v.fma(p, r, r), first), x)


def near_and_far(v: Lanes, x: ir.Value) -> ir.Value:
    """Both forms, of which each lane takes one."""
    size = v.fabs(x)
    near = v.fma(x, v.horner(v.mul(x, x), c.ERF_DOUBLE), x)
    h = v.horner(v.sub(v.at_most(size, 6.0), 1.0), c.ERFC_DOUBLE)
    p, scale = exp2_unscaled(v, h, c.EXP2_FINE)
    far = v.copysign(v.fma(v.neg(p), scale, 1.0), x)
    return v.select(v.compare("<", size, c.SPLIT_DOUBLE), near, far)
