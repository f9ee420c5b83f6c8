"""The gamma distribution: integrals of its density, and of the density's derivatives by the concentration.

With t = x·eʷ the derivative of a quantile is ∓∫ exp(a·w − x·(eʷ − 1))·B(log x + w − ψ(a)) dw over w < 0, or, as both
together are 0, over w > 0; of the two the one whose exponent falls from 0 on. B is a polynomial (``ops.implicit``), 1
where the density itself is integrated: then the two together are 1 / (x·f).
The integral is a sum over equal steps of s with |w| = exp(s − e⁻ˢ) / rate (Takahasi and Mori, 1974).
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir

from tenure.compile.math.exponential import exp, expm1
from tenure.compile.math.gamma import digamma, lgamma, polygamma
from tenure.compile.math.lanes import DOUBLE, I32, Lanes
from tenure.compile.math.logarithm import log
from tenure.ops.implicit import COARSE, FINE, cumulants, nodes

__all__ = ["gamma_slope", "gammainc"]

I64 = ir.IntType(64)


def gamma_slope(b: ir.IRBuilder, a: ir.Value, x: ir.Value, *, n: int, logarithm: bool) -> ir.Value:
    """−(∂ⁿF/∂aⁿ) / f of the gamma distribution of concentration a at x, or of its logarithm. It branches."""
    v = Lanes(b, a.type)
    if not v.single:
        return _gamma_slope(v, a, x, n, logarithm, FINE)
    w = v.wide()
    return b.fptrunc(_gamma_slope(w, b.fpext(a, w.type), b.fpext(x, w.type), n, logarithm, COARSE), v.type)


def gammainc(b: ir.IRBuilder, a: ir.Value, x: ir.Value, *, upper: bool) -> ir.Value:
    """The distribution function of the gamma distribution of concentration a at x, or 1 less it; NaN below 0, and where
    a and x are both 0 or both infinite. It branches."""
    v = Lanes(b, a.type)
    if not v.single:
        return _gammainc(v, a, x, upper, FINE)
    w = v.wide()
    return b.fptrunc(_gammainc(w, b.fpext(a, w.type), b.fpext(x, w.type), upper, COARSE), v.type)


def _gammainc(v: Lanes, a: ir.Value, x: ir.Value, upper: bool, step: float) -> ir.Value:
    b = v.b
    y = log(b, x)
    integral, lower = _tail(v, a, x, y, 0, step)
    share = v.mul(integral, exp(b, v.sub(v.sub(v.mul(a, y), x), lgamma(b, a))))
    below, above = (v.add(share, 1.0), share) if upper else (v.neg(share), v.sub(1.0, share))
    inside = v.select(lower, below, above)
    none, all_ = (1.0, 0.0) if upper else (0.0, 1.0)
    at_start = b.or_(v.compare("==", x, 0.0), v.compare("==", a, math.inf))
    at_end = b.or_(v.compare("==", a, 0.0), v.compare("==", x, math.inf))
    ans = v.select(at_start, none, v.select(at_end, all_, inside))
    outside = b.or_(b.or_(v.compare("<", a, 0.0), v.compare("<", x, 0.0)), b.and_(at_start, at_end))
    return v.select(b.or_(outside, v.unordered(v.add(a, x))), math.nan, ans)


class _Terms:
    """Numbers of lanes with Python's operators, for formulas that serve the meaning too."""

    def __init__(self, v: Lanes, x: Any) -> None:
        self.v, self.x = v, x

    def __add__(self, other: _Terms) -> _Terms:
        return _Terms(self.v, self.v.add(self.x, other.x))

    def __mul__(self, other: Any) -> _Terms:
        return _Terms(self.v, self.v.mul(self.x, other.x if isinstance(other, _Terms) else float(other)))

    __rmul__ = __mul__


def _gamma_slope(
    v: Lanes, a: ir.Value, x: ir.Value, n: int, logarithm: bool, step: float
) -> ir.Value:
    y = x if logarithm else log(v.b, x)
    ans, _ = _tail(v, a, exp(v.b, x) if logarithm else x, y, n, step)
    return ans if logarithm else v.mul(ans, x)


def _tail(
    v: Lanes, a: ir.Value, size: ir.Value, y: ir.Value, n: int, step: float
) -> tuple[ir.Value, ir.Value]:
    """The integral at ``size``, whose logarithm is y, and whether it goes over w < 0."""
    b = v.b
    lower = v.compare("<", size, v.select(v.compare("<", a, 1.0), 1.5, a))
    rate = v.add(v.fabs(v.sub(a, size)), v.call("sqrt", size))
    below = v.select(v.b.or_(v.compare("<", a, 1.0), v.compare("<", a, rate)), a, rate)
    side = v.select(lower, -1.0, 1.0)
    scale = v.div(side, v.select(lower, below, rate))
    start = v.sub(y, digamma(b, a)) if n else y
    more = {k: _Terms(v, v.neg(polygamma(b, a, k))) for k in range(1, n)}

    def term(node: ir.Value, weight: ir.Value, total: ir.Value) -> ir.Value:
        w = v.mul(node, scale)
        density = exp(b, v.fma(a, w, v.neg(v.mul(size, expm1(b, w)))))
        share = cumulants(_Terms(v, v.add(start, w)), more.__getitem__, n).x if n else v.number(1.0)
        return v.fma(v.mul(weight, density), share, total)

    return v.mul(summed(v, *nodes(step), term), scale), lower


def summed(v: Lanes, points: list[float], weights: list[float], term: Any) -> ir.Value:
    """``total = term(point, weight, total)`` from 0 on."""
    b, size, one = v.b, len(points), DOUBLE.float
    start = table(v, f"nodes.{size}", [*points, *weights])
    before, loop, done = b.block, b.append_basic_block("sum.loop"), b.append_basic_block("sum.done")
    b.branch(loop)
    b.position_at_end(loop)
    k, total = b.phi(I64), b.phi(v.type)
    places = k, b.add(k, ir.Constant(I64, size))
    found = [b.load(b.gep(start, [at], source_etype=one), typ=one) for at in places]
    grown, further = term(*[everywhere(v, x) for x in found], total), b.add(k, ir.Constant(I64, 1))
    for phi, first, after in ((k, ir.Constant(I64, 0), further), (total, v.number(0.0), grown)):
        phi.add_incoming(first, before)
        phi.add_incoming(after, b.block)
    b.cbranch(b.icmp_unsigned("<", further, ir.Constant(I64, size)), loop, done)
    b.position_at_end(done)
    return grown


def everywhere(v: Lanes, x: ir.Value) -> ir.Value:
    """A number in all lanes."""
    if not isinstance(v.type, ir.VectorType):
        return x
    one = v.b.insert_element(ir.Constant(v.type, ir.Undefined), x, ir.Constant(I32, 0))
    return v.b.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32, v.type.count), [0] * v.type.count))


def table(v: Lanes, name: str, numbers: list[float]) -> ir.Value:
    """Numbers in memory, once in a module."""
    found = v.b.module.globals.get(name)
    if found is None:
        t = ir.ArrayType(DOUBLE.float, len(numbers))
        found = ir.GlobalVariable(v.b.module, t, name)
        found.initializer, found.global_constant, found.linkage = ir.Constant(t, numbers), True, "internal"
    return found
