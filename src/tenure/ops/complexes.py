"""Complex numbers: their parts, and by these every primitive that computes with them.

A complex value is never computed with as such. ``SPLIT`` says of a primitive what it is in real and imaginary parts;
its derivatives, batching and kernels are then those of the parts, and its gradients PyTorch's: of a real result L,
∂L/∂re + i ∂L/∂im. What is not in the table is not defined for complex numbers, as in the array API standard.

``a, b`` and ``c, d`` are the parts of the operands.
"""

from __future__ import annotations

from collections.abc import Callable
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


def call(name: str, *xs: Value | float, **params: Any) -> Value:
    like = first(xs)
    return TABLE[name](*[like.coerce(x) for x in xs], **params)


def first(xs: tuple[Value | float, ...]) -> Value:
    """The first of them that is no plain number."""
    return following(x for x in xs if isinstance(x, Value))


def where(c: Value, x: Value | float, y: Value | float) -> Value:
    like = first((x, y))
    return TABLE["where"](c, like.coerce(x), like.coerce(y))


def _each(name: str) -> Callable[..., Value]:
    """A linear primitive of one operand, on both parts."""

    def rule(z: Value, **params: Any) -> Value:
        return each_part(lambda x: TABLE[name](x, **params), z)

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
    wide = TABLE["greater_equal"](call("absolute", c), call("absolute", d))
    p, q = where(wide, c, d), where(wide, d, c)
    r = q / p
    below = p + q * r
    return complex_(where(wide, a + b * r, a * r + b) / below, where(wide, b - a * r, b * r - a) / below)


def is_zero(z: Value) -> Value:
    a, b = parts(z)
    return TABLE["logical_and"](call("equal", a, 0.0), call("equal", b, 0.0))


def _absolute(z: Value) -> Value:
    """|z|, whose gradient at 0 is 0."""
    a, b = parts(z)
    zero = is_zero(z)
    return where(zero, 0.0, call("hypot", where(zero, 1.0, a), where(zero, 0.0, b)))


def _sign(z: Value) -> Value:
    a, b = parts(z)
    zero = is_zero(z)
    size = call("hypot", where(zero, 1.0, a), where(zero, 0.0, b))
    return complex_(where(zero, 0.0, a / size), where(zero, 0.0, b / size))


def _equal(z: Value, w: Value) -> Value:
    (a, b), (c, d) = parts(z), parts(w)
    return TABLE["logical_and"](TABLE["equal"](a, c), TABLE["equal"](b, d))


def _not_equal(z: Value, w: Value) -> Value:
    return TABLE["logical_not"](_equal(z, w))


def _quantified(name: str, join: str) -> Callable[..., Value]:
    def rule(z: Value) -> Value:
        return TABLE[join](*[TABLE[name](x) for x in parts(z)])

    return rule


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
    "convolve": _product("convolve"),
    "spread": _product("spread"),
    "filters": _product("filters"),
    "overlap": _each("overlap"),
    "reduce_sum": _each("reduce_sum"),
    "block_sum": _each("block_sum"),
    "cumsum": _each("cumsum"),
    "scatter_add": _both("scatter_add"),
    "add_along": _both("add_along"),
    "absolute": _absolute,
    "sign": _sign,
    "equal": _equal,
    "not_equal": _not_equal,
    "isnan": _quantified("isnan", "logical_or"),
    "isfinite": _quantified("isfinite", "logical_and"),
    "round": _each("round"),
}
"""Of a primitive's name: the primitive on complex operands. ``complex_functions`` has the elementary functions."""
