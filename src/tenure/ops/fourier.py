"""Fourier transforms along an axis: many short vectors side by side (``compile.routines.butterflies``), others by
pocketfft, which is called (``runtime.fourier``).

    fft x              Σ x_j w^(jk), w = exp(−2πi/n); ``inverse`` with the conjugate of w
    rfft x             that of real numbers, of which the second half is the conjugate of the first, and left out
    irfft x            the real numbers of such a half, by the conjugate of w; of an ``odd`` or an even number

Each is multiplied by ``factor``. The transpose of each is again one of them: of a real result the gradient of a complex
number is ∂/∂re + i ∂/∂im, so that of ``fft`` is the transform by the conjugate of w.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log2, prod
from typing import Any

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.extents import called
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.batching import shift_axes
from tenure.ops.complexes import COMPLEX, complex_, conjugate, each_part
from tenure.ops.declare import REALS, primitive
from tenure.ops.lowering import Routine
from tenure.ops.move import concat, pad, reshape
from tenure.ops.pointwise import multiply
from tenure.ops.promote import as_type, floating

BLOCK, LANES = 1 << 14, 16
"""Elements of a task, and vectors of which a task has a multiple, as they are transformed together."""
SIDE_BY_SIDE, FEW, SHORT = 8, 4, 4096
"""Vectors of float32 in a block, how many pay, and the largest length of those that have radices."""
LINE = 64
"""Bytes of a number of as many vectors."""
TASKS, ALONE = 16, 1 << 18
"""The most tasks that have room of their own, and the work up to which there is one."""
WHY = "it has a fast plan for every length, prime ones too, and keeps it from call to call"


def _check(name: str, x: Aval, axis: int, kinds: str) -> None:
    if x.dtype.kind not in kinds:
        raise DTypeError(f"{name} is not defined for {x.dtype.name}")
    if x.shape[axis] < 1:
        raise ShapeError(f"{name}: axis {axis} of shape {list(x.shape)} has no element")


def _resized(x: Aval, axis: int, n: int, dtype: DType) -> Aval:
    return Aval((*x.shape[:axis], n, *x.shape[axis + 1 :]), dtype)


def _fft_aval(x: Aval, *, axis: int, inverse: bool, factor: float) -> Aval:
    _check("fft", x, axis, "c")
    return x.with_shape(x.shape)


def _rfft_aval(x: Aval, *, axis: int, factor: float) -> Aval:
    _check("rfft", x, axis, "f")
    return _resized(x, axis, x.shape[axis] // 2 + 1, COMPLEX[x.dtype])


def _irfft_aval(x: Aval, *, axis: int, odd: bool, factor: float) -> Aval:
    _check("irfft", x, axis, "c")
    n = 2 * (x.shape[axis] - 1) + odd
    if n < 1:
        raise ShapeError(f"irfft: an axis of {n} elements")
    return _resized(x, axis, n, x.dtype.parts)


def _numbers(
    ans: Aval, xs: Sequence[Aval], *, axis: int, factor: float, inverse: bool = True, odd: bool = False
) -> list[int]:
    """The numbers of the routine: vectors of a group go along the axes behind the transformed one, or before it."""
    x = xs[0]
    groups, vectors, radices = _form(ans, x, axis)
    n, m, size, out = x.shape[axis], ans.shape[axis], x.dtype.itemsize, ans.dtype.itemsize
    behind = prod(x.shape[axis + 1 :])
    form = [groups, n * vectors * size, m * vectors * out, vectors, size, out, vectors * size, vectors * out]
    if behind == 1:
        form = [1, 0, 0, vectors, n * size, m * out, size, out]
    bits = struct.unpack("q", struct.pack("d", factor))[0]
    if radices:
        lanes = SIDE_BY_SIDE * 8 // max(size, out)
        return [*form, n, m, lanes, int(not inverse), bits, radices, _tasks(ans, x, axis), _room(ans, x, axis)]
    block = -(-max(BLOCK // max(n, m), 1) // LANES) * LANES if vectors >= LANES and max(n, m) < BLOCK else 1
    return [*form, n, m, block, int(not inverse), bits, 0, 1, 0]


def _form(ans: Aval, x: Aval, axis: int) -> tuple[int, int, int]:
    """Groups of vectors, the vectors of each, and the radices of a transform side by side; else 0."""
    groups, vectors = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    if vectors == 1:
        groups, vectors = 1, groups
    return groups, vectors, 0 if vectors < FEW else called(_radices, _length(ans, x, axis))


def _length(ans: Aval, x: Aval, axis: int) -> int:
    """The size of the complex transform, half of that of real numbers; 0 of an odd number of these."""
    if x.dtype.is_complex and ans.dtype.is_complex:
        return x.shape[axis]
    n = (ans if x.dtype.is_complex else x).shape[axis]
    return 0 if n % 2 else n // 2


def _radices(n: int) -> int:
    """The radices of a short transform whose length has no larger ones, four bits each, the first one last; else 0.

    Fours are fastest; of an odd number of twos three are one radix.
    """
    twos, rest = _exponent(n, 2), [radix for radix in (3, 5, 7) for _ in range(_exponent(n, radix))]
    eight = twos % 2 if twos > 1 else 0
    factors = [*rest[::-1], *[4] * ((twos - 3 * eight) // 2), *[8] * eight, *[2] * (twos == 1)]
    return sum(radix << 4 * k for k, radix in enumerate(factors)) if prod(factors) == n and 1 < n <= SHORT else 0


def _exponent(n: int, radix: int) -> int:
    return 1 + _exponent(n // radix, radix) if n and n % radix == 0 else 0


def _tasks(ans: Aval, x: Aval, axis: int) -> int:
    groups, vectors, _ = _form(ans, x, axis)
    return min(TASKS, groups * -(-vectors // SIDE_BY_SIDE)) if _work(ans, [x]) > ALONE else 1


def _room(ans: Aval, x: Aval, axis: int) -> int:
    """The bytes of a block's lanes; the roots and the list of places have no more."""
    return LINE * (_length(ans, x, axis) + 1)


def _space(ans: Aval, xs: Sequence[Aval], *, axis: int, **params: Any) -> int:
    x = xs[0]
    return LINE + (1 + _tasks(ans, x, axis)) * _room(ans, x, axis) if _form(ans, x, axis)[2] else 0


def _work(ans: Aval, xs: Sequence[Aval]) -> int:
    return int(max(ans.size, xs[0].size) * 3 * log2(max(ans.size, xs[0].size, 2)))


@dataclass(frozen=True, slots=True)
class Transform(Routine):
    """The routine of a transform, which calls pocketfft for lengths without radices and for few vectors."""

    def library(self, ans: Aval, xs: Sequence[Aval], params: Mapping[str, Any]) -> str | None:
        return None if _form(ans, xs[0], params["axis"])[2] else self.host


def _routine(name: str) -> Routine:
    return Transform(name, _numbers, _work, _space, host=f"pocketfft {name}", why=WHY)


def _scaled(y: Any, factor: float) -> Any:
    return y if factor == 1 else y * y.real.dtype.type(factor)


def _fft(np: Any, x: Any, *, axis: int, inverse: bool, factor: float) -> Any:
    y = np.fft.ifft(x, axis=axis, norm="forward") if inverse else np.fft.fft(x, axis=axis)
    return _scaled(y, factor)


def _irfft(np: Any, x: Any, *, axis: int, odd: bool, factor: float) -> Any:
    n = 2 * (x.shape[axis] - 1) + odd
    return _scaled(np.fft.irfft(x, n, axis=axis, norm="forward"), factor)


def _samples(*names: str) -> Callable[..., Any]:
    def samples(rng: Any, dtype: DType) -> Any:
        cases = (((1,), 0, 1.0), ((5,), 0, 0.5), ((4, 6), 1, 1.0), ((6, 3), 0, 2.0), ((0, 4), 1, 1.0))
        for shape, axis, factor in cases:
            for flag in (False, True) if names else (False,):
                if flag or "odd" not in names or shape[axis] > 1:
                    given = dict.fromkeys(names, flag)
                    yield (REALS(rng, shape, dtype),), {"axis": axis, "factor": factor, **given}

    return samples


def _weighted(x: Value, axis: int, n: int, weight: float) -> Value:
    """The first half of a Hermitian vector of n; what stands for a conjugate in the second half too, times a weight."""
    m = x.shape[axis]
    alone = int(n % 2 == 0)
    made = x.builder.full
    sizes = ((1, 1.0), (m - 1 - alone, weight), (alone, 1.0))
    pieces = [made((size,), number, x.dtype.parts) for size, number in sizes if size]
    weights = reshape(concat(*pieces, axis=0), shape=(m, *[1] * (x.ndim - 1 - axis)))
    return each_part(lambda part: multiply(part, weights), x)


def _of_tangent(dxs: Sequence[Value | None], of: Primitive, params: Mapping[str, Any]) -> Value:
    dx = dxs[0]
    assert dx is not None
    return of(dx, **params)


fft: Primitive = primitive(
    "fft",
    aval=_fft_aval,
    ref=_fft,
    vjp=lambda g, ans, x, *, axis, inverse, factor: [fft(g, axis=axis, inverse=not inverse, factor=factor)],
    jvp=lambda dxs, ans, x, **params: _of_tangent(dxs, fft, params),
    argnums=(0,),
    dtypes="c",
    samples=_samples("inverse"),
    lower=_routine("c2c"),
    batch=shift_axes("axis"),
)

rfft: Primitive = primitive(
    "rfft",
    aval=_rfft_aval,
    ref=lambda np, x, *, axis, factor: _scaled(np.fft.rfft(x, axis=axis), factor),
    vjp=lambda g, ans, x, *, axis, factor: [
        irfft(_weighted(g, axis, x.shape[axis], 0.5), axis=axis, odd=x.shape[axis] % 2 == 1, factor=factor)
    ],
    jvp=lambda dxs, ans, x, **params: _of_tangent(dxs, rfft, params),
    argnums=(0,),
    dtypes="f",
    samples=_samples(),
    lower=_routine("r2c"),
    batch=shift_axes("axis"),
)

irfft: Primitive = primitive(
    "irfft",
    aval=_irfft_aval,
    ref=_irfft,
    vjp=lambda g, ans, x, *, axis, odd, factor: [
        _weighted(rfft(g, axis=axis, factor=factor), axis, ans.shape[axis], 2.0)
    ],
    jvp=lambda dxs, ans, x, **params: _of_tangent(dxs, irfft, params),
    argnums=(0,),
    dtypes="c",
    samples=_samples("odd"),
    lower=_routine("c2r"),
    batch=shift_axes("axis"),
)


def resized(x: Value, axis: int, n: int) -> Value:
    """x with an axis cut off, or filled up with zeros, to n elements."""
    more = n - x.shape[axis]
    return x if not more else pad(x, widths=tuple([(0, more if k == axis else 0) for k in range(x.ndim)]))


def as_complex(x: Value) -> Value:
    """Real numbers as complex ones of the same precision."""
    if x.dtype.is_complex:
        return x
    x = wide(x)
    return complex_(x, x.builder.full(x.shape, 0.0, x.dtype))


def wide(x: Value) -> Value:
    """Real numbers as float32 or float64: those whose transforms there are."""
    x = floating(x)
    return as_type(x, x.dtype.parts) if x.dtype.kind == "h" else x


def transform(
    x: Value, *, kind: str, axes: tuple[int, ...], sizes: tuple[int, ...], inverse: bool, factor: float
) -> Value:
    """A transform along axes, of which the last is the real one: "c2c", "r2c" or "c2r". ``sizes`` are those of the
    longer side of each."""
    if not axes:
        return as_complex(x)
    *others, last = zip(axes, sizes, strict=True)
    if kind == "r2c":
        x = rfft(resized(wide(x), *last), axis=last[0], factor=factor)
        x = conjugate(x) if inverse else x
        others, rest = others[::-1], 1.0
    elif kind == "c2r":
        x, rest = as_complex(x), 1.0
    else:
        x, rest, others = as_complex(x), factor, [*others, last]
    for k, (axis, n) in enumerate(others):
        x = fft(resized(x, axis, n), axis=axis, inverse=inverse, factor=rest if k == len(others) - 1 else 1.0)
    if kind != "c2r":
        return x
    axis, n = last
    x = resized(x, axis, n // 2 + 1)
    return irfft(x if inverse else conjugate(x), axis=axis, odd=n % 2 == 1, factor=factor)
