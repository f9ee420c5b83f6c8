"""What each primitive means, a second time: element by element, in plain Python.

Independent of the declarations and of the NumPy functions that they use, so that a wrong ``ref`` shows.
"""

from __future__ import annotations

import bisect
import cmath
import math
import operator
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import mpmath
import numpy as np

from tests.ops import indexed
from tests.ops.indexed import as_array

Array = np.ndarray[Any, Any]
Index = tuple[int, ...]
Scalar = Any


def elementwise(f: Callable[..., Scalar], result: Any = None) -> Callable[..., Array]:
    """A function of Python numbers, over broadcast arrays."""

    def over(*xs: Array) -> Array:
        wide = np.broadcast_arrays(*xs)
        values = [f(*[w[i].item() for w in wide]) for i in np.ndindex(wide[0].shape)]
        return as_array(values, wide[0].shape, result or xs[-1].dtype)

    return over


def divide(x: float, y: float) -> float:
    if y != 0:
        return x / y
    return math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1, y)


def floor_divide(x: Scalar, y: Scalar) -> Scalar:
    if not isinstance(y, int) and (y == 0 or math.isinf(x) or math.isinf(y)):
        return divide(x, y)
    return x // y


def quotient(x: Scalar, y: Scalar) -> Scalar:
    if y == 0 and not isinstance(y, int):
        return divide(x, y)
    return x // y


def remainder(x: Scalar, y: Scalar) -> Scalar:
    if y == 0 and not isinstance(y, int):
        return math.nan
    return x % y


def power(x: Scalar, y: Scalar) -> Scalar:
    """C99's pow; modulo 2⁶⁴ for integers."""
    if isinstance(x, int):
        return pow(x, y, 1 << 64)
    odd = math.isfinite(y) and y % 2 == 1
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and odd else math.inf
    except ValueError:
        if x == 0:
            return math.copysign(math.inf, x) if odd else math.inf
        return math.nan


def short_power(x: float, y: float) -> float:
    """The forms that an exponent of rank 0 takes."""
    forms = {
        1.0: lambda: x,
        2.0: lambda: x * x,
        3.0: lambda: x * x * x,
        0.5: lambda: sqrt(x),
        -1.0: lambda: divide(1.0, x),
    }
    return forms[y]()


def sign(x: Scalar) -> Scalar:
    return x if x != x else (x > 0) - (x < 0)


def floor(x: float) -> float:
    return math.copysign(math.floor(x), x) if math.isfinite(x) else x


def exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def in_many_digits(function: Callable[..., Any]) -> Callable[..., float]:
    """A function of floats, rounded once."""

    def rounded(*xs: float) -> float:
        with mpmath.workprec(200):
            return float(function(*map(mpmath.mpf, xs)))

    return rounded


def expm1(x: float) -> float:
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def sigmoid_slope(x: float) -> float:
    return math.exp(-abs(x)) / (1 + math.exp(-abs(x))) ** 2


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x))) if x == x else x


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x > -700 or x != x else exp(x)


def log(x: float) -> float:
    return -math.inf if x == 0 else math.log(x) if x > 0 else math.nan


def log1p(x: float) -> float:
    return -math.inf if x == -1 else math.log1p(x) if x > -1 else math.nan


def sqrt(x: float) -> float:
    return x if x == 0 else math.sqrt(x) if x > 0 else math.nan


def periodic(f: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: f(x) if math.isfinite(x) else math.nan


def larger(x: Scalar, y: Scalar) -> Scalar:
    return x if x != x or x > y else y


def smaller(x: Scalar, y: Scalar) -> Scalar:
    return x if x != x or x < y else y


def cast(x: Array, *, dtype: Any) -> Array:
    numbers = [short_float(v[0]) if x.dtype.kind == "V" else v for v in x.ravel().tolist()]
    if dtype.kind != "c" and x.dtype.kind == "c":
        numbers = [v != 0 if dtype.kind == "b" else v.real for v in numbers]
    if dtype.name == "bfloat16":
        bits = np.array([short_bits(float(v)) for v in numbers], np.uint16)
        return bits.view(dtype.numpy).reshape(x.shape)
    if dtype.kind in "iu" and x.dtype.kind not in "biu":
        least, most = dtype.range
        numbers = [0 if math.isnan(v) else int(min(max(v, least), most)) for v in numbers]
    to = {"b": bool, "i": int, "u": int, "f": float, "h": float, "c": complex}[dtype.kind]
    with np.errstate(over="ignore"):
        return as_array([to(v) for v in numbers], x.shape, dtype.numpy)


def short_float(bits: int) -> float:
    """The number of a bfloat16, the upper half of a float32."""
    return float(struct.unpack("<f", struct.pack("<I", bits << 16))[0])


def short_bits(x: float) -> int:
    """The bfloat16 nearest to a number, of two the even one."""
    if math.isfinite(x):
        unit = 2.0 ** (max(math.frexp(x)[1], -125) - 8)
        nearest = round(x / unit) * unit  # to even
        x = math.copysign(math.inf if abs(nearest) >= 2.0**128 else nearest, x)
    return int(struct.unpack("<I", struct.pack("<f", x))[0]) >> 16


def along(x: Array, axes: Index) -> Iterator[tuple[Index, list[Scalar]]]:
    """Each place of a reduction, with what is reduced to it, in C order."""
    kept = [k for k in range(x.ndim) if k not in axes]
    for at in np.ndindex(*[x.shape[k] for k in kept]):
        place = dict(zip(kept, at, strict=True))
        inner = np.ndindex(*[x.shape[k] for k in axes])
        yield (
            at,
            [x[tuple(place[k] if k in place else i[axes.index(k)] for k in range(x.ndim))].item() for i in inner],
        )


def reduction(f: Callable[[list[Scalar]], Scalar], result: Any = None) -> Callable[..., Array]:
    def over(x: Array, *, axes: Index = (), axis: int | None = None) -> Array:
        axes = axes if axis is None else (axis,)
        shape = tuple(n for k, n in enumerate(x.shape) if k not in axes)
        return as_array([f(values) for _, values in along(x, axes)], shape, result or x.dtype)

    return over


def blocked(f: Callable[[list[Scalar]], Scalar]) -> Callable[..., Array]:
    def over(x: Array, *, axes: Index, block: int) -> Array:
        shape = [n for k, n in enumerate(x.shape) if k not in axes]
        n = math.prod(x.shape[k] for k in axes)
        found = [f(values[k : k + block]) for _, values in along(x, axes) for k in range(0, n, block)]
        return np.moveaxis(as_array(found, (*shape, -(-n // block)), x.dtype), -1, axes[-1] - len(axes) + 1)

    return over


def total(values: list[Scalar]) -> Scalar:
    finite = all(math.isfinite(v) for v in values)
    return math.fsum(values) if finite and values and isinstance(values[0], float) else sum(values)


def product(values: list[Scalar]) -> Scalar:
    return math.prod(values, start=1.0 if values and isinstance(values[0], float) else 1)


def running(f: Callable[[list[Scalar]], Scalar]) -> Callable[..., Array]:
    """A function of all beginnings of an axis, or of all ends."""

    def over(x: Array, *, axis: int, reverse: bool = False, exclusive: bool = False) -> Array:
        turned = np.moveaxis(x, axis, -1)
        found = []
        for _, values in along(turned, (x.ndim - 1,)):
            values = values[::-1] if reverse else values
            row = [f(values[: k + (not exclusive)]) for k in range(len(values))]
            found += row[::-1] if reverse else row
        return np.moveaxis(as_array(found, turned.shape, x.dtype), -1, axis)

    return over


def recurrence(a: Array, b: Array, *, axis: int, reverse: bool) -> Array:
    a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    found = []
    for (_, factors), (_, terms) in zip(along(a, (a.ndim - 1,)), along(b, (b.ndim - 1,)), strict=True):
        row, last = [], 0.0
        for x, y in list(zip(factors, terms, strict=True))[:: -1 if reverse else 1]:
            last = x * last + y
            row.append(last)
        found += row[::-1] if reverse else row
    return np.moveaxis(as_array(found, a.shape, a.dtype), -1, axis)


def best(better: Callable[[Scalar, Scalar], bool]) -> Callable[[list[Scalar]], int]:
    """The position of the first NaN, else of the first of the best."""

    def at(values: list[Scalar]) -> int:
        found = 0
        for k, v in enumerate(values):
            if v != v:
                return k
            if better(v, values[found]):
                found = k
        return found

    return at


def pick(at: Callable[[list[Scalar]], int]) -> Callable[[list[Scalar]], Scalar]:
    return lambda values: values[at(values)]


def matmul(x: Array, y: Array, selects: int = 0, marks: bool = False) -> Array:
    """Terms with a factor −0.0 of a marked operand do not count; an element without terms is −0.0 if asked."""
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    shape = (*batch, x.shape[-2], y.shape[-1])
    xb, yb = np.broadcast_to(x, batch + x.shape[-2:]), np.broadcast_to(y, batch + y.shape[-2:])
    values = []
    for *b, i, j in np.ndindex(shape):
        pairs = [(xb[(*b, i, k)].item(), yb[(*b, k, j)].item()) for k in range(x.shape[-1])]
        kept = [
            u * v
            for u, v in pairs
            if not (selects & 1 and str(u) == "-0.0") and not (selects & 2 and str(v) == "-0.0")
        ]
        values.append(total(kept) if kept or not marks else -0.0)
    return as_array(values, shape, x.dtype)


def moved(shape: Callable[..., Index], source: Callable[..., Index | None], fill: Scalar = 0) -> Callable[..., Array]:
    """Movement by where each element of the result comes from; None for nowhere."""

    def over(x: Array, **params: Any) -> Array:
        out = shape(x.shape, **params)
        at = [source(i, x.shape, **params) for i in np.ndindex(out)]
        return as_array([fill if i is None else x[i].item() for i in at], out, x.dtype)

    return over


def linear_index(i: Index, shape: Index) -> int:
    flat = 0
    for k, n in zip(i, shape, strict=True):
        flat = flat * n + k
    return flat


def unflatten(flat: int, shape: Index) -> Index:
    out = []
    for n in reversed(shape):
        flat, k = divmod(flat, n)
        out.append(k)
    return tuple(reversed(out))


def pad_source(i: Index, shape: Index, widths: Any) -> Index | None:
    at = tuple(k - lo for k, (lo, _) in zip(i, widths, strict=True))
    return at if all(0 <= k < n for k, n in zip(at, shape, strict=True)) else None


def concat(*xs: Array, axis: int) -> Array:
    pieces = [(x, k) for x in xs for k in range(x.shape[axis])]
    shape = (*xs[0].shape[:axis], len(pieces), *xs[0].shape[axis + 1 :])
    values = []
    for i in np.ndindex(shape):
        x, k = pieces[i[axis]]
        values.append(x[(*i[:axis], k, *i[axis + 1 :])].item())
    return as_array(values, shape, xs[0].dtype)


def selected(shape: Index, spec: Any, starts: Iterable[Any]) -> tuple[Index, list[Index]]:
    """The shape of a basic index, and which elements it selects, in C order."""
    begin = iter([int(s) for s in starts])
    axes: list[tuple[bool, list[int]]] = []  # is it an axis of the result, and which positions
    rest = list(shape)
    new: list[int] = []
    for entry in spec:
        if entry == "+":
            new.append(len(axes))
            axes.append((True, [-1]))
            continue
        size = rest.pop(0)
        if entry == "i":
            axes.append((False, [next(begin)]))
        elif entry == ":":
            axes.append((True, list(range(size))))
        else:
            length, step = entry
            start = next(begin)
            axes.append((True, [start + k * step for k in range(length)]))
    assert not rest
    out = tuple(len(at) for shown, at in axes if shown)
    places = []
    for i in np.ndindex(*[len(at) for _, at in axes]):
        places.append(tuple(at[k] for n, (k, (_, at)) in enumerate(zip(i, axes, strict=True)) if n not in new))
    return out, places


def getitem(x: Array, *starts: Any, spec: Any) -> Array:
    shape, places = selected(x.shape, spec, starts)
    return as_array([x[at].item() for at in places], shape, x.dtype)


def written(combine: Callable[[Scalar, Scalar], Scalar]) -> Callable[..., Array]:
    def over(x: Array, v: Array, *starts: Any, spec: Any) -> Array:
        elements = {i: x[i].item() for i in np.ndindex(x.shape)}
        for at, new in zip(selected(x.shape, spec, starts)[1], v.ravel().tolist(), strict=True):
            elements[at] = combine(elements[at], new)
        return as_array(elements.values(), x.shape, x.dtype)

    return over


def take_along(x: Array, index: Array) -> Array:
    return as_array([x[(*i[:-1], int(index[i]))].item() for i in np.ndindex(index.shape)], index.shape, x.dtype)


def add_along(x: Array, v: Array, index: Array) -> Array:
    elements = {i: x[i].item() for i in np.ndindex(x.shape)}
    for i in np.ndindex(index.shape):
        elements[(*i[:-1], int(index[i]) % x.shape[-1])] += v[i].item()
    return as_array(elements.values(), x.shape, x.dtype)


def repeated(i: Index, old: Index, shape: Index) -> Index:
    return tuple(0 if n == 1 else k for k, n in zip(i[len(i) - len(old) :], old, strict=True))


def chained(x: Array, g: Array) -> Array:
    """The product, whose zeros are +0.0, but where g is −0.0: that stays."""
    product, (_, wide) = elementwise(operator.mul)(x, g), np.broadcast_arrays(x, g)
    kept = [-0.0 if str(h) == "-0.0" else abs(p) if p == 0 else p for p, h in zip(product.flat, wide.flat, strict=True)]
    return as_array(kept, product.shape, product.dtype)



def order(keys: Array, start: Array, *, length: int) -> Array:
    n, first = keys.shape[-1], min(max(int(start), 0), keys.shape[-1] - length)
    rows = [sorted(range(n), key=row.__getitem__) for row in keys.reshape(-1, n).tolist()]
    return np.array([row[first : first + length] for row in rows], np.int64).reshape(*keys.shape[:-1], length)


def search(known: Array, keys: Array, *, behind: bool) -> Array:
    find, out = bisect.bisect_right if behind else bisect.bisect_left, np.zeros(keys.shape, np.int64)

    def place(x: float) -> tuple[bool, float]:
        return (True, 0.0) if x != x else (False, x)  # NaN is behind all numbers

    for i in np.ndindex(keys.shape):
        row = known[i[:-1] if known.ndim > 1 else ()].tolist()
        out[i] = find([place(x) for x in row], place(keys[i].item()))
    return out


EXACT: dict[str, Callable[..., Array]] = {
    "add": elementwise(operator.add),
    "subtract": elementwise(operator.sub),
    "distance": elementwise(lambda x, y: 0.0 if x == y else x - y),
    "multiply": elementwise(operator.mul),
    "chain": chained,
    "unselected": elementwise(lambda g: str(g) == "-0.0", bool),
    "divide": elementwise(divide),
    "floor_divide": elementwise(floor_divide),
    "quotient": elementwise(quotient),
    "remainder": elementwise(remainder),
    "negative": elementwise(operator.neg),
    "absolute": elementwise(abs),
    "sign": elementwise(sign),
    "floor": elementwise(floor),
    "sqrt": elementwise(sqrt),
    "maximum": elementwise(larger),
    "minimum": elementwise(smaller),
    "equal": elementwise(operator.eq, bool),
    "not_equal": elementwise(operator.ne, bool),
    "less": elementwise(operator.lt, bool),
    "less_equal": elementwise(operator.le, bool),
    "greater": elementwise(operator.gt, bool),
    "greater_equal": elementwise(operator.ge, bool),
    "logical_and": elementwise(lambda x, y: x and y, bool),
    "logical_or": elementwise(lambda x, y: x or y, bool),
    "logical_xor": elementwise(lambda x, y: x is not y, bool),
    "logical_not": elementwise(lambda x: not x, bool),
    "isnan": elementwise(cmath.isnan, bool),
    "isfinite": elementwise(cmath.isfinite, bool),
    "where": elementwise(lambda c, x, y: x if c else y),
    "cast": cast,
    "again": elementwise(lambda x: x),
    "mark": elementwise(lambda x: x),
    "replace": elementwise(lambda x, v: v),
    "reduce_max": reduction(pick(best(operator.gt))),
    "reduce_min": reduction(pick(best(operator.lt))),
    "cummax": running(pick(best(operator.ge))),
    "cummin": running(pick(best(operator.le))),
    "block_max": blocked(pick(best(operator.gt))),
    "block_min": blocked(pick(best(operator.lt))),
    "argmax": reduction(best(operator.gt), np.int64),
    "argmin": reduction(best(operator.lt), np.int64),
    "reshape": moved(lambda s, shape: shape, lambda i, s, shape: unflatten(linear_index(i, shape), s)),
    "permute": moved(
        lambda s, order: tuple(s[k] for k in order),
        lambda i, s, order: tuple(i[order.index(k)] for k in range(len(s))),
    ),
    "broadcast_to": moved(lambda s, shape: shape, repeated),
    "pad": moved(lambda s, widths: tuple(lo + n + hi for n, (lo, hi) in zip(s, widths, strict=True)), pad_source),
    "flip": moved(
        lambda s, axes: s,
        lambda i, s, axes: tuple(s[k] - 1 - n if k in axes else n for k, n in enumerate(i)),
    ),
    "concat": concat,
    "full": lambda *, shape, value, dtype: as_array([value] * math.prod(shape), shape, dtype.numpy),
    "iota": lambda *, length, dtype: as_array(range(length), (length,), dtype.numpy),
    "getitem": getitem,
    "setitem": written(lambda old, new: new),
    "additem": written(operator.add),
    "take_along": take_along,
    "order": order,
    "search": search,
    **indexed.EXACT,
}
"""Those whose result is one of the operands, or rounded once."""

CLOSE: dict[str, Callable[..., Array]] = {
    "power": elementwise(power),
    "exp": elementwise(exp),
    "log": elementwise(log),
    "tanh": elementwise(math.tanh),
    "erf": elementwise(math.erf),
    "ndtr": elementwise(in_many_digits(lambda x: mpmath.ncdf(max(min(x, 1e4), -1e4)))),
    "exp_product": elementwise(in_many_digits(lambda x, y: mpmath.exp(x * y))),
    "sigmoid": elementwise(sigmoid),
    "sigmoid_slope": elementwise(sigmoid_slope),
    "softplus_slope": elementwise(sigmoid),
    "softplus": elementwise(softplus),
    "expm1": elementwise(expm1),
    "log1p": elementwise(log1p),
    "sin": elementwise(periodic(math.sin)),
    "cos": elementwise(periodic(math.cos)),
    "reduce_sum": reduction(total),
    "block_sum": blocked(total),
    "reduce_prod": reduction(product),
    "block_prod": blocked(product),
    "cumsum": running(total),
    "cumprod": running(product),
    "recurrence": recurrence,
    "matmul": matmul,
    "matmul_transposed": lambda x, y: matmul(x, np.swapaxes(y, -1, -2)),
    "add_along": add_along,
    "add_one_along": add_along,
    **indexed.CLOSE,
}
"""Those whose last bits depend on how they are computed."""
