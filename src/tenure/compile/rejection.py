"""Random numbers by rejection in native code: what ``ops.rejection`` says, in all lanes until each accepts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure.compile import philox
from tenure.compile.math.exponential import exp
from tenure.compile.math.gamma import lgamma
from tenure.compile.math.inverse import acos
from tenure.compile.math.lanes import Builder, Lanes, outlined
from tenure.compile.math.logarithm import log, log1p
from tenure.compile.math.trigonometric import cos
from tenure.compile.philox import I64, Words, block, from_pair, from_word
from tenure.ops.rejection import DRAW, FEW, MOST_DRAWS, NARROW, SMALL

if TYPE_CHECKING:
    from tenure.compile.elements import Emitter

Numbers = list[Any]
Attempt = Callable[[ir.Value, Numbers], tuple[Numbers, ir.Value]]
Source = tuple[Any, Any, Any]
"""The seed, the number of the operation, and that of the element."""


def words(w: Words, source: Source, draw: Any) -> list[Any]:
    """The four words of a draw; the draw is a number of all lanes."""
    seed, number, position = source
    return block(w, seed, number, w.op("or_", position, w.e.b.shl(draw, ir.Constant(I64, DRAW))))


def pairs(w: Words, source: Source, draw: Any) -> tuple[Any, Any]:
    """Two uniform float64 of [0, 1)."""
    a, b, c, d = words(w, source, draw)
    return from_pair(w, a, b), from_pair(w, c, d)


def until_accepted(v: Lanes, active: ir.Value, held: Sequence[Any], attempt: Attempt) -> Numbers:
    """``attempt(draw, held)`` gives new numbers and which of them are rejected; each of the active lanes keeps the
    first that are not."""
    b, before = v.b, v.b.block
    loop, done = b.append_basic_block("draw.loop"), b.append_basic_block("draw.done")
    b.cbranch(v.any(active), loop, done)
    b.position_at_end(loop)
    draw, waiting = b.phi(I64), b.phi(active.type)
    kept = [b.phi(v.type) for _ in held]
    found, rejected = attempt(draw, list(kept))
    new = [b.select(waiting, x, old) for x, old in zip(found, kept, strict=True)]
    still, further = b.and_(waiting, rejected), b.add(draw, ir.Constant(I64, 1))
    end = b.block
    starts = [ir.Constant(I64, 0), active, *held]
    for phi, start, after in zip([draw, waiting, *kept], starts, [further, still, *new], strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(after, end)
    more = b.and_(v.any(still), b.icmp_unsigned("<", further, ir.Constant(I64, MOST_DRAWS)))
    b.cbranch(more, loop, done)
    b.position_at_end(done)
    out = []
    for x, start in zip(new, held, strict=True):
        phi = b.phi(v.type)
        phi.add_incoming(start, before)
        phi.add_incoming(x, end)
        out.append(phi)
    return out


def yes(v: Lanes) -> ir.Value:
    """True in every lane."""
    bit = ir.IntType(1)
    if not isinstance(v.type, ir.VectorType):
        return ir.Constant(bit, 1)
    return ir.Constant(ir.VectorType(bit, v.type.count), [1] * v.type.count)


def gamma(w: Words, source: Source, alpha: ir.Value, *, logarithm: bool) -> ir.Value:
    """The gamma distribution of a concentration and rate 1, or the logarithm of such numbers."""
    v = Lanes(w.e.b, alpha.type)
    b, below = v.b, v.compare("<", alpha, 1.0)
    d = v.sub(v.select(below, v.add(alpha, 1.0), alpha), 1 / 3)
    c = v.div(1.0, v.call("sqrt", v.mul(9.0, d)))

    def attempt(draw: ir.Value, held: Numbers) -> tuple[Numbers, ir.Value]:
        if v.single:
            u0, u1, u, boost = (from_word(w, x) for x in words(w, source, draw))
        else:
            twice = b.shl(draw, ir.Constant(I64, 1))
            (u0, u1), (u, boost) = (pairs(w, source, b.or_(twice, ir.Constant(I64, k))) for k in range(2))
        radius = v.call("sqrt", v.mul(-2.0, log(b, v.sub(1.0, u0))))
        z = v.mul(radius, cos(b, v.mul(2 * math.pi, u1)))
        t = v.mul(c, z)
        rest = v.mul(t, v.add(3.0, v.mul(t, v.add(3.0, t))))
        most = v.add(v.mul(v.mul(0.5, z), z), v.mul(d, v.sub(v.mul(3.0, log1p(b, t)), rest)))
        low = v.compare(">=", log(b, v.sub(1.0, u)), most)
        return [t, boost], b.or_(v.compare("<=", t, -1.0), low)

    t, boost = until_accepted(v, yes(v), [v.number(0.0)] * 2, attempt)
    power = v.div(log(b, v.sub(1.0, boost)), alpha)
    if logarithm:
        whole = v.add(log(b, d), v.mul(3.0, log1p(b, t)))
        return v.add(whole, v.select(below, power, 0.0))
    up = v.add(1.0, t)
    x = v.mul(d, v.mul(v.mul(up, up), up))
    return v.at_least(v.select(below, v.mul(x, exp(b, power)), x), v.format.smallest_normal)


def log_factorial_rest(v: Lanes, x: ir.Value) -> ir.Value:
    """log x! − (x·log x − x), a function of its own in each module."""
    lanes = f"v{x.type.count}" if isinstance(x.type, ir.VectorType) else ""
    name = f"tenure.factorial.{lanes}"
    function = v.b.module.globals.get(name)
    if function is None:
        function = outlined(v.b.module, ir.FunctionType(x.type, [x.type]), name)
        inner = Lanes(Builder(function.append_basic_block("entry"), v.registers), x.type)
        inner.b.ret(_log_factorial_rest(inner, function.args[0]))
    return v.b.call(function, [x])


def _log_factorial_rest(v: Lanes, x: ir.Value) -> ir.Value:
    """By Stirling's series from 16 on."""
    b, far, near = v.b, v.at_least(x, float(SMALL)), v.at_most(x, float(SMALL))
    inverse = v.div(1.0, far)
    square = v.mul(inverse, inverse)
    tail = v.sub(1 / 12, v.mul(square, v.sub(1 / 360, v.mul(square, v.sub(1 / 1260, v.mul(square, 1 / 1680))))))
    factorial = lgamma(b, v.add(v.at_least(near, 0.0), 1.0))
    small = v.add(v.sub(factorial, v.mul(near, log(b, v.at_least(near, 1.0)))), near)
    large = v.add(v.mul(0.5, log(b, v.mul(2 * math.pi, far))), v.mul(inverse, tail))
    return v.select(v.compare("<", x, float(SMALL)), small, large)


def deviance(v: Lanes, x: ir.Value, mean: ir.Value) -> ir.Value:
    """x·log(x / mean) + mean − x, without the difference of large terms."""
    away = v.sub(x, mean)
    return v.select(v.compare("==", x, 0.0), mean, v.sub(v.mul(x, log1p(v.b, v.div(away, mean))), away))


def in_double(function: Callable[..., ir.Value]) -> Callable[..., ir.Value]:
    """A distribution of float64 lanes for both formats; whole numbers are exact in both."""

    def both(w: Words, source: Source, *xs: ir.Value) -> ir.Value:
        v = Lanes(w.e.b, xs[0].type)
        if not v.single:
            return function(w, source, v, *xs)
        wide = v.wide()
        return w.e.b.fptrunc(function(w, source, wide, *[w.e.b.fpext(x, wide.type) for x in xs]), v.type)

    return both


def hat(v: Lanes, w: Words, source: Source, draw: ir.Value, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Of a draw of transformed rejection its place under the hat, the height there, and the distance from the edge."""
    u, height = pairs(w, source, draw)
    u, height = v.sub(u, 0.5), v.sub(1.0, height)
    edge = v.sub(0.5, v.fabs(u))
    return v.mul(v.add(v.div(v.mul(2.0, a), edge), b), u), height, edge


def level(v: Lanes, height: Any, scale: Any, a: Any, b: Any, edge: Any) -> ir.Value:
    """The logarithm of the density that a draw needs."""
    return log(v.b, v.div(v.mul(height, scale), v.add(v.div(a, v.mul(edge, edge)), b)))


def gone_through(v: Lanes, w: Words, source: Source, active: Any, first: Any, ratio: Any) -> ir.Value:
    """The count at which the distribution function passes a uniform number, from the probability of 0 and the ratio of
    that of k to that of k − 1."""
    b, (u, _) = v.b, pairs(w, source, ir.Constant(I64, 0))

    def attempt(draw: ir.Value, held: Numbers) -> tuple[Numbers, ir.Value]:
        k, p, total = held
        following = v.add(k, 1.0)
        p = v.mul(p, ratio(following))
        grown = v.add(total, p)
        return [following, p, grown], b.and_(v.compare(">=", u, grown), v.compare("<", k, 400.0))

    active = b.and_(active, v.compare(">=", u, first))
    return until_accepted(v, active, [v.number(0.0), first, first], attempt)[0]


@in_double
def poisson(w: Words, source: Source, v: Lanes, rate: ir.Value) -> ir.Value:
    """Poisson counts, as floats."""
    builder, few = v.b, v.compare("<", rate, FEW)
    counts = gone_through(v, w, source, few, exp(builder, v.neg(rate)), lambda k: v.div(rate, k))
    mean = v.select(few, FEW, rate)
    b = v.add(0.931, v.mul(2.53, v.call("sqrt", mean)))
    a = v.sub(v.mul(0.02483, b), 0.059)
    limit, scale = v.sub(0.9277, v.div(3.6224, v.sub(b, 2.0))), v.add(1.1239, v.div(1.1328, v.sub(b, 3.4)))

    def attempt(draw: ir.Value, held: Numbers) -> tuple[Numbers, ir.Value]:
        place, height, edge = hat(v, w, source, draw, a, b)
        k = v.call("floor", v.add(v.add(place, mean), 0.43))
        chance = v.sub(v.neg(log_factorial_rest(v, k)), deviance(v, k, mean))
        unlikely = v.compare(">", level(v, height, scale, a, b, edge), chance)
        slow = builder.not_(builder.and_(v.compare(">=", edge, 0.07), v.compare("<=", height, limit)))
        corner = builder.and_(v.compare("<", edge, 0.013), v.compare(">", height, edge))
        bad = builder.or_(builder.or_(v.compare("<", k, 0.0), corner), unlikely)
        return [k], builder.and_(slow, bad)

    return until_accepted(v, v.compare(">=", rate, FEW), [counts], attempt)[0]


@in_double
def binomial(w: Words, source: Source, v: Lanes, count: ir.Value, probability: ir.Value) -> ir.Value:
    """Binomial counts, as floats."""
    builder, whole = v.b, v.call("floor", count)
    turned = v.compare(">", probability, 0.5)
    p = v.select(turned, v.sub(1.0, probability), probability)
    odds, few, enough = v.div(p, v.sub(1.0, p)), *[v.compare(sign, v.mul(whole, p), FEW) for sign in ("<", ">=")]
    first = exp(builder, v.mul(whole, log1p(builder, v.neg(p))))

    def ratio(k: ir.Value) -> ir.Value:
        return v.mul(v.div(v.at_least(v.add(v.sub(whole, k), 1.0), 0.0), k), odds)

    counts = gone_through(v, w, source, few, first, ratio)
    n, p = v.select(few, 4 * FEW, whole), v.select(few, 0.5, p)
    mean, rest = v.mul(n, p), v.mul(n, v.sub(1.0, p))
    spread = v.call("sqrt", v.mul(mean, v.sub(1.0, p)))
    b = v.add(1.15, v.mul(2.53, spread))
    a = v.add(v.sub(v.mul(0.0248, b), 0.0873), v.mul(0.01, p))
    limit, scale = v.sub(0.92, v.div(4.2, b)), v.mul(v.add(2.83, v.div(5.1, b)), spread)

    def height_at(k: ir.Value) -> ir.Value:
        other = v.sub(n, k)
        parts = v.sub(v.neg(log_factorial_rest(v, k)), log_factorial_rest(v, other))
        return v.sub(v.sub(parts, deviance(v, k, mean)), deviance(v, other, rest))

    top = height_at(v.call("floor", v.mul(v.add(n, 1.0), p)))

    def attempt(draw: ir.Value, held: Numbers) -> tuple[Numbers, ir.Value]:
        place, height, edge = hat(v, w, source, draw, a, b)
        k = v.call("floor", v.add(v.add(place, mean), 0.5))
        outside = builder.or_(v.compare("<", k, 0.0), v.compare(">", k, n))
        slow = builder.not_(builder.and_(v.compare(">=", edge, 0.07), v.compare("<=", height, limit)))
        unlikely = v.compare(">", level(v, height, scale, a, b, edge), v.sub(height_at(k), top))
        return [k], builder.or_(outside, builder.and_(slow, unlikely))

    many = until_accepted(v, enough, [counts], attempt)[0]
    return v.select(turned, v.sub(whole, many), many)


@in_double
def von_mises(w: Words, source: Source, v: Lanes, kappa: ir.Value) -> ir.Value:
    """Angles of [−π, π] around 0."""
    b = v.b
    wide, wanted = v.compare("<", kappa, NARROW), kappa
    kappa = v.select(wide, wanted, NARROW)
    width = v.select(wide, 1.0, v.call("sqrt", v.div(NARROW, v.select(wide, 1.0, wanted))))
    root = v.call("sqrt", v.add(1.0, v.mul(v.mul(4.0, kappa), kappa)))
    r = v.call("sqrt", v.add(1.0, root))
    share = v.div(v.mul(2.0, r), v.mul(v.add(1.0, root), v.add(r, math.sqrt(2))))
    rho = v.mul(share, kappa)
    square = v.add(1.0, v.mul(rho, rho))
    inverse, height = v.div(v.mul(2.0, rho), square), v.div(square, v.mul(2.0, share))

    def attempt(draw: ir.Value, held: Numbers) -> tuple[Numbers, ir.Value]:
        twice = b.shl(draw, ir.Constant(I64, 1))
        (u0, u1), (u2, _) = (pairs(w, source, b.or_(twice, ir.Constant(I64, k))) for k in range(2))
        z, u1 = cos(b, v.mul(math.pi, u0)), v.sub(1.0, u1)
        cosine = v.div(v.add(inverse, z), v.add(1.0, v.mul(z, inverse)))
        c = v.mul(height, v.sub(1.0, v.mul(cosine, inverse)))
        angle = acos(b, v.at_least(v.at_most(cosine, 1.0), -1.0))
        low = v.compare("<=", v.mul(c, v.sub(2.0, c)), u1)
        rejected = b.and_(low, v.compare("<", v.sub(v.add(log(b, v.div(c, u1)), 1.0), c), 0.0))
        return [v.select(v.compare("<", u2, 0.5), v.neg(angle), angle)], rejected

    return v.mul(until_accepted(v, v.compare(">=", wanted, 0.0), [v.number(0.0)], attempt)[0], width)


DISTRIBUTIONS: dict[str, Callable[..., ir.Value]] = {
    "gamma": gamma, "poisson": poisson, "binomial": binomial, "von_mises": von_mises
}  # fmt: skip


def element(
    e: Emitter, name: str, seed: ir.Value, number: ir.Value, position: ir.Value, *xs: ir.Value, **params: Any
) -> ir.Value:
    """The element of a random stream at a position; of a distribution with parameters, for their elements."""
    if name not in DISTRIBUTIONS:
        return philox.element(e, name, seed, number, position, **params)
    seed, number, position, *xs = e.level(seed, number, position, *xs)  # type: ignore[assignment]
    return DISTRIBUTIONS[name](Words(e), (seed, number, position), *xs, **params)
