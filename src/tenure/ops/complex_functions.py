"""Elementary functions of complex numbers, by those of their parts.

Branch cuts and signs of zero are those of C99, annex G; the inverse functions go by W. Kahan, Branch cuts for complex
elementary functions (1987). ``a, b`` are the parts of the operand.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan, pi
from math import log as log_of

from tenure.ir.program import TABLE, Value
from tenure.ops.complexes import SPLIT, call, complex_, is_zero, parts, where


def _times_i(z: Value) -> Value:
    a, b = parts(z)
    return complex_(-b, a)


def _times_minus_i(z: Value) -> Value:
    a, b = parts(z)
    return complex_(b, -a)


def both(x: Value, y: Value) -> Value:
    """Conjunction of two conditions."""
    return TABLE["logical_and"](x, y)


def disjunction(x: Value, y: Value) -> Value:
    """Disjunction of two conditions."""
    return TABLE["logical_or"](x, y)


def negation(x: Value) -> Value:
    """Negation of a condition."""
    return TABLE["logical_not"](x)


class Edges:
    """The places at which the parts of a complex number are 0, infinite or NaN. ``loose`` is either of the last two."""

    def __init__(self, a: Value, b: Value) -> None:
        self.a_zero, self.b_zero = call("equal", a, 0.0), call("equal", b, 0.0)
        self.a_high, self.a_low = call("equal", a, inf), call("equal", a, -inf)
        self.a_endless = disjunction(self.a_high, self.a_low)
        self.b_endless = call("equal", call("absolute", b), inf)
        self.a_nan, self.b_nan = call("isnan", a), call("isnan", b)
        self.a_loose, self.b_loose = negation(call("isfinite", a)), negation(call("isfinite", b))
        self.far = disjunction(both(self.a_endless, self.b_loose), both(self.b_endless, self.a_loose))
        """One part is infinite, the other too or NaN."""


def _damped(x: Value, y: Value) -> Value:
    """x · y, where 0 times anything is 0, with the sign of the product."""
    zero = TABLE["logical_or"](call("equal", x, 0.0), call("equal", y, 0.0))

    def bounded(v: Value) -> Value:
        endless = TABLE["logical_and"](zero, TABLE["logical_not"](call("isfinite", v)))
        return where(endless, TABLE["copysign"](v.coerce(1.0), v), v)

    return bounded(x) * bounded(y)


def _exp(z: Value) -> Value:
    a, b = parts(z)
    e, at = call("exp", a), Edges(a, b)
    re, im = e * call("cos", b), e * call("sin", b)
    im = where(both(at.b_zero, negation(call("isfinite", e))), b, im)
    re, im = (where(both(at.a_low, at.b_loose), 0.0, x) for x in (re, im))
    return complex_(where(both(at.a_high, at.b_loose), inf, re), where(both(at.a_high, at.b_loose), nan, im))


def _expm1(z: Value) -> Value:
    a, b = parts(z)
    half, e, at = call("sin", b * 0.5), call("exp", a), Edges(a, b)
    re, im = call("expm1", a) * call("cos", b) - 2.0 * (half * half), e * call("sin", b)
    re = where(both(at.a_zero, at.b_zero), 0.0, re)
    im = where(both(at.b_zero, negation(call("isfinite", e))), b, im)
    re, im = (where(both(at.a_low, at.b_loose), n, x) for n, x in ((-1.0, re), (0.0, im)))
    return complex_(where(both(at.a_high, at.b_loose), inf, re), where(both(at.a_high, at.b_loose), nan, im))


def _log(z: Value) -> Value:
    """The logarithm of |z|, near 1 by what |z|² − 1 is, and the angle."""
    a, b = parts(z)
    p, q = (call("absolute", x) for x in (a, b))
    large, small = TABLE["maximum"](p, q), TABLE["minimum"](p, q)
    near = TABLE["logical_and"](call("greater", large, 0.5), call("less", large, 3.0))
    beside = where(near, large, 1.0)
    close = call("log1p", (beside - 1.0) * (beside + 1.0) + where(near, small * small, 0.0)) * 0.5
    far = call("log", call("hypot", where(near, 1.0, a), where(near, 0.0, b)))
    return complex_(where(near, close, far), TABLE["atan2"](b, a))


def _log1p(z: Value) -> Value:
    a, b = parts(z)
    small = call("less", call("hypot", a, b), 0.5)
    near = call("log1p", where(small, a * (a + 2.0) + b * b, 0.0)) * 0.5
    far = call("log", where(small, 1.0, call("hypot", a + 1.0, b)))
    return complex_(where(small, near, far), TABLE["atan2"](b, a + 1.0))


def _based(function: str, factor: float, inside: bool) -> Callable[..., Value]:
    """A logarithm or a power to another base than e."""

    def rule(z: Value) -> Value:
        if inside:
            return FUNCTIONS[function](complex_(*[x * factor for x in parts(z)]))
        return complex_(*[x * factor for x in parts(FUNCTIONS[function](z))])

    return rule


def _sqrt(z: Value) -> Value:
    a, b = parts(z)
    zero = is_zero(z)
    a = where(zero, 1.0, a)
    size = call("absolute", a)
    t = call("sqrt", size * 0.5 + call("hypot", a, b) * 0.5)
    other = call("absolute", b) / (2.0 * t)
    right = call("greater_equal", a, 0.0)
    endless = call("equal", call("absolute", b), float("inf"))
    re = where(endless, float("inf"), where(right, t, other))
    im = where(endless, b, call("copysign", where(right, other, t), b))
    return complex_(where(zero, 0.0, re), where(zero, b, im))


def _sinh(z: Value) -> Value:
    a, b = parts(z)
    at = Edges(a, b)
    re = where(both(at.a_zero, at.b_loose), a, call("sinh", a) * call("cos", b))
    wide = call("cosh", a)
    im = where(both(at.b_zero, negation(call("isfinite", wide))), b, wide * call("sin", b))
    return complex_(where(both(at.a_endless, at.b_loose), inf, re), im)


def _cosh(z: Value) -> Value:
    a, b = parts(z)
    at = Edges(a, b)
    re = where(both(at.a_endless, at.b_loose), inf, call("cosh", a) * call("cos", b))
    return complex_(re, _damped(call("sinh", a), call("sin", b)))


def _tanh(z: Value) -> Value:
    """Kahan's; beyond 20 the real part is ±1."""
    a, b = parts(z)
    far = call("greater", call("absolute", a), 20.0)
    near, turn = where(far, 0.0, a), where(far, 0.0, b)
    t, s = call("tan", turn), call("sinh", near)
    beta = t * t + 1.0
    below = beta * (s * s) + 1.0
    rho = call("sqrt", s * s + 1.0)
    decay = call("exp", -2.0 * call("absolute", a))
    bounded = where(call("isfinite", b), b, 0.0)
    tail = call("sin", 2.0 * bounded) * decay * 2.0
    at = Edges(a, b)
    re = where(both(at.a_zero, at.b_loose), a, where(far, call("sign", a), beta * rho * s / below))
    im = where(both(at.b_zero, at.a_loose), b, where(far, tail, t / below))
    im = where(both(at.a_endless, negation(at.b_loose)), b * 0.0, im)
    lost = both(at.b_loose, negation(disjunction(at.a_zero, at.a_loose)))
    return complex_(where(lost, nan, re), where(both(at.b_loose, negation(at.a_endless)), nan, im))


def _asinh(z: Value) -> Value:
    a, b = parts(z)
    s = _sqrt(complex_(b + 1.0, -a))
    t = _sqrt(complex_(1.0 - b, a))
    (p, q), (u, v) = parts(s), parts(t)
    at = Edges(a, b)
    re, im = call("asinh", p * v - u * q), TABLE["atan2"](b, p * u - q * v)
    upright = both(at.b_endless, call("isfinite", a))
    re = where(both(at.b_endless, negation(at.a_endless)), TABLE["copysign"](a.coerce(inf), a), re)
    im = where(upright, TABLE["copysign"](b.coerce(pi / 2), b), im)
    return complex_(re, where(both(at.b_zero, at.a_nan), b, im))


def _acosh(z: Value) -> Value:
    a, b = parts(z)
    (p, q), (u, v) = parts(_sqrt(complex_(a - 1.0, b))), parts(_sqrt(complex_(a + 1.0, b)))
    re, im = call("asinh", p * u + q * v), 2.0 * TABLE["atan2"](q, u)
    at = Edges(a, b)
    corner = TABLE["copysign"](where(at.a_low, 0.75 * pi, a.coerce(pi / 4)), b)
    re = where(at.far, inf, where(both(at.a_zero, at.b_nan), nan, re))
    im = where(both(at.a_endless, at.b_endless), corner, where(both(at.a_zero, at.b_nan), pi / 2, im))
    return complex_(re, where(at.a_nan, nan, im))


def _acos(z: Value) -> Value:
    a, b = parts(z)
    (p, q), (u, v) = parts(_sqrt(complex_(1.0 - a, -b))), parts(_sqrt(complex_(a + 1.0, b)))
    re, im = 2.0 * TABLE["atan2"](p, u), call("asinh", u * q - v * p)
    at = Edges(a, b)
    re = where(both(at.a_zero, at.b_nan), pi / 2, where(at.a_nan, nan, re))
    re = where(both(at.a_endless, at.b_endless), where(at.a_low, 0.75 * pi, a.coerce(pi / 4)), re)
    return complex_(re, where(at.far, TABLE["copysign"](b.coerce(inf), -b), im))


def _atanh(z: Value) -> Value:
    """By the half plane of positive real parts; far from 0 the real part is that of 1 / z."""
    a, b = parts(z)
    size = call("hypot", a, b)
    far = call("greater", size, 1e10)
    side = TABLE["copysign"](a.coerce(1.0), a)
    a, b = a * side, b * side
    x, y = where(far, 0.0, a), where(far, 0.0, b)
    near = call("log1p", 4.0 * x / ((1.0 - x) * (1.0 - x) + y * y)) * 0.25
    turn = -0.5 * TABLE["atan2"](-2.0 * y, (1.0 - x) * (x + 1.0) - y * y)
    ahead = where(call("equal", size, inf), 0.0, a / size / size)
    right = TABLE["copysign"](b.coerce(pi / 2), b)
    re, im = where(far, ahead, near) * side, where(far, right, turn) * side
    at = Edges(a, b)
    re = where(both(at.b_nan, disjunction(at.a_zero, at.a_endless)), side * 0.0, re)
    return complex_(re, where(at.b_nan, nan, im))


def _turned(name: str) -> Callable[..., Value]:
    """A circular function by the hyperbolic one: f(z) = −i h(iz)."""
    return lambda z: _times_minus_i(FUNCTIONS[name](_times_i(z)))


def _power(z: Value, w: Value) -> Value:
    zero, none = is_zero(z), is_zero(w)
    one = complex_(*[where(zero, n, x) for n, x in zip((1.0, 0.0), parts(z), strict=True)])
    re, im = parts(_exp(SPLIT["multiply"](w, _log(one))))
    at_zero = TABLE["cast"](none, dtype=re.dtype)
    return complex_(where(zero, at_zero, re), where(zero, 0.0, im))


def _sigmoid(z: Value) -> Value:
    """1 / (1 + e^−z), or e^z / (1 + e^z): that of them whose exponential does not overflow."""
    a, b = parts(z)
    left = call("less", a, 0.0)
    p, q = parts(_exp(complex_(-call("absolute", a), where(left, b, -b))))
    top = complex_(where(left, p, 1.0), where(left, q, 0.0))
    return SPLIT["divide"](top, complex_(p + 1.0, q))


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "exp": _exp,
    "expm1": _expm1,
    "exp2": _based("exp", log_of(2), inside=True),
    "log": _log,
    "log1p": _log1p,
    "log2": _based("log", 1 / log_of(2), inside=False),
    "log10": _based("log", 1 / log_of(10), inside=False),
    "sqrt": _sqrt,
    "sigmoid": _sigmoid,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "sin": _turned("sinh"),
    "cos": lambda z: _cosh(_times_i(z)),
    "tan": _turned("tanh"),
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
    "asin": _turned("asinh"),
    "acos": _acos,
    "atan": _turned("atanh"),
    "power": _power,
}
"""Of a primitive's name: the primitive on a complex operand."""
