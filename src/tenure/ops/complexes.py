"""Complex numbers: their parts, and by these every primitive that computes with them.

A complex value is never computed with as such. ``SPLIT`` says of a primitive what it is in real and imaginary parts;
its derivatives, batching and kernels are then those of the parts, and its gradients PyTorch's: of a real result L,
∂L/∂re + i ∂L/∂im. What is not in the table is not defined for complex numbers, as in the array API standard.

``a, b`` and ``c, d`` are the parts of the operands. Branch cuts and signs of zero are those of C99, annex G; the
inverse functions go by W. Kahan, Branch cuts for complex elementary functions (1987).
"""

from __future__ import annotations

from collections.abc import Callable
from math import log as log_of
from typing import Any

from tenure import dtypes
from tenure.errors import DTypeError, following
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Value
from tenure.ops.batching import aligned
from tenure.ops.declare import REALS, broadcast_shapes, linear, unbroadcast
from tenure.ops.lowering import Element
from tenure.ops.selection import unselected_like

COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
"""The complex dtype whose parts are of a real one."""


def _part(name: str, k: int) -> Any:
    def element(e: Any, index: Any, x: int) -> Any:
        return e.part(e.at(x, e.broadcast(index, x)), e.aval(x).dtype, k)

    def aval(x: Aval) -> Aval:
        if not x.dtype.is_complex:
            raise DTypeError(f"{name} is not defined for {x.dtype.name}")
        return x.with_dtype(x.dtype.parts)

    def transpose(g: Value, x: Value) -> Value:
        return complex_(g, unselected_like(g)) if k == 0 else complex_(unselected_like(g), g)

    return linear(
        name,
        batch=aligned,
        lower=Element(element, alike=True),
        aval=aval,
        ref=lambda np, x: np.array(x.imag if k else x.real),
        transpose=(transpose,),
        dtypes="c",
        samples=lambda rng, dtype: [((REALS(rng, (2, 3), dtype),), {})],
    )


def _joined_aval(x: Aval, y: Aval) -> Aval:
    if x.dtype is not y.dtype or x.dtype not in COMPLEX:
        raise DTypeError(f"complex: parts of dtypes {x.dtype.name} and {y.dtype.name} need a cast to one of floats")
    return Aval(broadcast_shapes([x.shape, y.shape], "complex"), COMPLEX[x.dtype])


def _joined_element(e: Any, index: Any, x: int, y: int) -> Any:
    dtype = COMPLEX[e.aval(x).dtype]
    return e.complex(e.at(x, e.broadcast(index, x)), e.at(y, e.broadcast(index, y)), dtype)


def _joined(np: Any, x: Any, y: Any) -> Any:
    x, y = np.broadcast_arrays(x, y)
    out = np.empty(x.shape, np.result_type(x.dtype, np.complex64))
    out.real, out.imag = x, y
    return out


real = _part("real", 0)
imag = _part("imag", 1)
complex_ = linear(
    "complex",
    batch=aligned,
    lower=Element(_joined_element, alike=True),
    aval=_joined_aval,
    ref=_joined,
    transpose=(lambda g, x, y: unbroadcast(real(g), x), lambda g, x, y: unbroadcast(imag(g), y)),
    argnums=(0, 1),
    dtypes="f",
    samples=lambda rng, dtype: [((REALS(rng, (2, 3), dtype), REALS(rng, (3,), dtype)), {})],
)
"""The complex number of a real and an imaginary part."""

Pair = tuple[Value, Value]


def parts(z: Value) -> Pair:
    """The real and the imaginary part."""
    return real(z), imag(z)


def _call(name: str, *xs: Value | float, **params: Any) -> Value:
    first = _first(xs)
    return TABLE[name](*[first.coerce(x) for x in xs], **params)


def _first(xs: tuple[Value | float, ...]) -> Value:
    """The first of them that is no plain number."""
    return following(x for x in xs if isinstance(x, Value))


def _where(c: Value, x: Value | float, y: Value | float) -> Value:
    like = _first((x, y))
    return TABLE["where"](c, like.coerce(x), like.coerce(y))


def _times_i(z: Value) -> Value:
    a, b = parts(z)
    return complex_(-b, a)


def _times_minus_i(z: Value) -> Value:
    a, b = parts(z)
    return complex_(b, -a)


def _each(name: str) -> Callable[..., Value]:
    """A linear primitive of one operand, on both parts."""

    def rule(z: Value, **params: Any) -> Value:
        return complex_(*[TABLE[name](x, **params) for x in parts(z)])

    return rule


def _both(name: str) -> Callable[..., Value]:
    """A primitive that is linear in two operands together: both parts of both."""

    def rule(z: Value, w: Value, *rest: Value, **params: Any) -> Value:
        (a, b), (c, d) = parts(z), parts(w)
        return complex_(TABLE[name](a, c, *rest, **params), TABLE[name](b, d, *rest, **params))

    return rule


def _product(name: str) -> Callable[..., Value]:
    """A primitive that is linear in each of two operands."""

    def rule(z: Value, w: Value, **params: Any) -> Value:
        (a, b), (c, d) = parts(z), parts(w)

        def times(x: Value, y: Value) -> Value:
            return TABLE[name](x, y, **params)

        return complex_(times(a, c) - times(b, d), times(a, d) + times(b, c))

    return rule


def _divide(z: Value, w: Value) -> Value:
    """R. L. Smith's division: no square of a part overflows."""
    (a, b), (c, d) = parts(z), parts(w)
    wide = TABLE["greater_equal"](_call("absolute", c), _call("absolute", d))
    p, q = _where(wide, c, d), _where(wide, d, c)
    r = q / p
    below = p + q * r
    return complex_(_where(wide, a + b * r, a * r + b) / below, _where(wide, b - a * r, b * r - a) / below)


def _zero(z: Value) -> Value:
    a, b = parts(z)
    return TABLE["logical_and"](_call("equal", a, 0.0), _call("equal", b, 0.0))


def _absolute(z: Value) -> Value:
    """|z|, whose gradient at 0 is 0."""
    a, b = parts(z)
    zero = _zero(z)
    return _where(zero, 0.0, _call("hypot", _where(zero, 1.0, a), _where(zero, 0.0, b)))


def _sign(z: Value) -> Value:
    a, b = parts(z)
    zero = _zero(z)
    size = _call("hypot", _where(zero, 1.0, a), _where(zero, 0.0, b))
    return complex_(_where(zero, 0.0, a / size), _where(zero, 0.0, b / size))


def _scaled(e: Value, direction: Value, b: Value) -> Value:
    """e · direction, where that is 0 for b = 0 though e is infinite."""
    still = TABLE["logical_and"](_call("equal", b, 0.0), TABLE["logical_not"](_call("isfinite", e)))
    return _where(still, b, e * _where(still, 1.0, direction))


def _exp(z: Value) -> Value:
    a, b = parts(z)
    e = _call("exp", a)
    gone = _call("equal", e, 0.0)
    b = _where(gone, 0.0, b)
    return complex_(e * _call("cos", b), _scaled(e, _call("sin", b), b))


def _expm1(z: Value) -> Value:
    a, b = parts(z)
    half = _call("sin", b * 0.5)
    e = _call("exp", a)
    return complex_(_call("expm1", a) * _call("cos", b) - 2.0 * (half * half), _scaled(e, _call("sin", b), b))


def _angle(z: Value) -> Value:
    a, b = parts(z)
    return TABLE["atan2"](b, a)


def _log(z: Value) -> Value:
    a, b = parts(z)
    return complex_(_call("log", _call("hypot", a, b)), TABLE["atan2"](b, a))


def _log1p(z: Value) -> Value:
    a, b = parts(z)
    small = _call("less", _call("hypot", a, b), 0.5)
    near = _call("log1p", _where(small, a * (a + 2.0) + b * b, 0.0)) * 0.5
    far = _call("log", _where(small, 1.0, _call("hypot", a + 1.0, b)))
    return complex_(_where(small, near, far), TABLE["atan2"](b, a + 1.0))


def _based(function: str, factor: float, inside: bool) -> Callable[..., Value]:
    """A logarithm or a power to another base than e."""

    def rule(z: Value) -> Value:
        if inside:
            return SPLIT[function](complex_(*[x * factor for x in parts(z)]))
        return complex_(*[x * factor for x in parts(SPLIT[function](z))])

    return rule


def _sqrt(z: Value) -> Value:
    a, b = parts(z)
    zero = _zero(z)
    a = _where(zero, 1.0, a)
    size = _call("absolute", a)
    t = _call("sqrt", size * 0.5 + _call("hypot", a, b) * 0.5)
    other = _call("absolute", b) / (2.0 * t)
    right = _call("greater_equal", a, 0.0)
    endless = _call("equal", _call("absolute", b), float("inf"))
    re = _where(endless, float("inf"), _where(right, t, other))
    im = _where(endless, b, _call("copysign", _where(right, other, t), b))
    return complex_(_where(zero, 0.0, re), _where(zero, b, im))


def _sinh(z: Value) -> Value:
    a, b = parts(z)
    return complex_(
        _scaled_by(_call("sinh", a), _call("cos", b)), _scaled(_call("cosh", a), _call("sin", b), b)
    )


def _scaled_by(x: Value, direction: Value) -> Value:
    """x · direction, where 0 · anything is 0."""
    still = _call("equal", x, 0.0)
    return x * _where(TABLE["logical_and"](still, TABLE["logical_not"](_call("isfinite", direction))), 1.0, direction)


def _cosh(z: Value) -> Value:
    a, b = parts(z)
    s = _call("sinh", a)
    return complex_(_call("cosh", a) * _call("cos", b), _scaled(s, _scaled_by(_call("sin", b), s * 0.0 + 1.0), b))


def _tanh(z: Value) -> Value:
    """Kahan's; beyond 20 the real part is ±1."""
    a, b = parts(z)
    far = _call("greater", _call("absolute", a), 20.0)
    near, turn = _where(far, 0.0, a), _where(far, 0.0, b)
    t, s = _call("tan", turn), _call("sinh", near)
    beta = t * t + 1.0
    below = beta * (s * s) + 1.0
    rho = _call("sqrt", s * s + 1.0)
    decay = _call("exp", -2.0 * _call("absolute", a))
    bounded = _where(_call("isfinite", b), b, 0.0)
    tail = _call("sin", 2.0 * bounded) * decay * 2.0
    return complex_(
        _where(far, _call("sign", a), beta * rho * s / below),
        _where(far, tail, t / below),
    )


def _asinh(z: Value) -> Value:
    a, b = parts(z)
    s = SPLIT["sqrt"](complex_(b + 1.0, -a))
    t = SPLIT["sqrt"](complex_(1.0 - b, a))
    (p, q), (u, v) = parts(s), parts(t)
    return complex_(_call("asinh", p * v - u * q), TABLE["atan2"](b, p * u - q * v))


def _acosh(z: Value) -> Value:
    a, b = parts(z)
    (p, q), (u, v) = parts(SPLIT["sqrt"](complex_(a - 1.0, b))), parts(SPLIT["sqrt"](complex_(a + 1.0, b)))
    return complex_(_call("asinh", p * u + q * v), 2.0 * TABLE["atan2"](q, u))


def _acos(z: Value) -> Value:
    a, b = parts(z)
    (p, q), (u, v) = parts(SPLIT["sqrt"](complex_(1.0 - a, -b))), parts(SPLIT["sqrt"](complex_(a + 1.0, b)))
    return complex_(2.0 * TABLE["atan2"](p, u), _call("asinh", u * q - v * p))


def _atanh(z: Value) -> Value:
    """By the half plane of positive real parts."""
    a, b = parts(z)
    side = _call("copysign", _where(_call("isfinite", a), a * 0.0 + 1.0, 1.0), a)
    a, b = a * side, b * side
    re = _call("log1p", 4.0 * a / ((1.0 - a) * (1.0 - a) + b * b)) * 0.25
    im = -0.5 * TABLE["atan2"](-2.0 * b, (1.0 - a) * (a + 1.0) - b * b)
    return complex_(re * side, im * side)


def _turned(name: str) -> Callable[..., Value]:
    """A circular function by the hyperbolic one: f(z) = −i h(iz)."""
    return lambda z: _times_minus_i(SPLIT[name](_times_i(z)))


def _power(z: Value, w: Value) -> Value:
    zero, none = _zero(z), _zero(w)
    one = complex_(*[_where(zero, n, x) for n, x in zip((1.0, 0.0), parts(z), strict=True)])
    re, im = parts(SPLIT["exp"](SPLIT["multiply"](w, SPLIT["log"](one))))
    at_zero = TABLE["cast"](none, dtype=re.dtype)
    return complex_(_where(zero, at_zero, re), _where(zero, 0.0, im))


def _equal(z: Value, w: Value) -> Value:
    (a, b), (c, d) = parts(z), parts(w)
    return TABLE["logical_and"](TABLE["equal"](a, c), TABLE["equal"](b, d))


def _not_equal(z: Value, w: Value) -> Value:
    return TABLE["logical_not"](_equal(z, w))


def _quantified(name: str, join: str) -> Callable[..., Value]:
    def rule(z: Value) -> Value:
        return TABLE[join](*[TABLE[name](x) for x in parts(z)])

    return rule


def _sigmoid(z: Value) -> Value:
    a, b = parts(SPLIT["exp"](SPLIT["negative"](z)))
    one = complex_(a * 0.0 + 1.0, b * 0.0)
    return _divide(one, complex_(a + 1.0, b))


def conjugate(z: Value) -> Value:
    """The conjugate; of a real value that value."""
    return complex_(real(z), -imag(z)) if z.dtype.is_complex else z


def each_part(function: Callable[[Value], Value], z: Value) -> Value:
    """A function of real values, of both parts."""
    return complex_(*[function(x) for x in parts(z)])


SPLIT: dict[str, Callable[..., Value]] = {
    "add": _both("add"),
    "subtract": _both("subtract"),
    "negative": _each("negative"),
    "multiply": _product("multiply"),
    "divide": _divide,
    "matmul": _product("matmul"),
    "matmul_transposed": _product("matmul_transposed"),
    "reduce_sum": _each("reduce_sum"),
    "block_sum": _each("block_sum"),
    "scatter_add": _both("scatter_add"),
    "add_along": _both("add_along"),
    "absolute": _absolute,
    "sign": _sign,
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
    "cos": lambda z: SPLIT["cosh"](_times_i(z)),
    "tan": _turned("tanh"),
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
    "asin": _turned("asinh"),
    "acos": _acos,
    "atan": _turned("atanh"),
    "power": _power,
    "equal": _equal,
    "not_equal": _not_equal,
    "isnan": _quantified("isnan", "logical_or"),
    "isfinite": _quantified("isfinite", "logical_and"),
    "round": _each("round"),
}
"""Of a primitive's name: the primitive on complex operands."""
