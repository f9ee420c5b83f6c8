"""Whole numbers stay exact: each public function, of large ones, gives what Python's give, in each executor."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.interp.interp import interpret
from tenure.values.operations import names
from tenure.values.places import written
from tenure.values.run import plan
from tests.ops.indexed import as_array
from tests.traits import EVERY
from tests.values.whole_shapes import SHAPES

Array = Any
RNG = np.random.default_rng(3)
SHAPE = (3, 4)
WIDE = ("int32", "int64")
NARROW = ("int16", "uint32", "uint64")
ROWS = np.array([2, 0, 2])
J = RNG.integers(0, 3, SHAPE)
MASK = RNG.integers(0, 2, SHAPE).astype(bool)


def words(text: str) -> set[str]:
    return set(text.split())


def large(dtype: str, seed: int, shape: tuple[int, ...] = SHAPE) -> Array:
    """Odd numbers that no float of the default width holds (of 64 bits, that no float holds), of each sign there is."""
    rng, bits = np.random.default_rng(seed), 8 * np.dtype(dtype).itemsize
    if dtype[0] == "u":
        return rng.integers(2**bits // 64, 2**bits, shape, dtype) | np.ones((), dtype)
    low = {16: 2**11, 32: 2**25, 64: 2**54}[bits]
    return (rng.integers(low, 2 ** (bits - 2), shape) | 1).astype(dtype) * rng.choice([-1, 1], shape).astype(dtype)


def whole(x: Array) -> Array:
    """As Python's integers, which never round or wrap."""
    return np.asarray(x).astype(object)


def wrapped(x: Array, dtype: Any) -> Array:
    """Python's integers modulo 2^bits."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        return np.asarray(x, dtype)
    return as_array(np.ravel(x), np.shape(x), dtype)


def each(f: Callable[..., Any], *xs: Array) -> Array:
    return np.frompyfunc(f, len(xs), 1)(*xs)


def scattered(f: Callable[..., Any]) -> Callable[..., Array]:
    """A write at ``J`` along axis 0, of all elements in C order."""

    def write(x: Array, y: Array, *rest: Any) -> Array:
        out = x.copy()
        for i in np.ndindex(*SHAPE):
            out[J[i], i[1]] = f(out[J[i], i[1]], y[i])
        return out

    return write


def at_rows(f: Callable[..., Any]) -> Callable[..., Array]:
    def write(x: Array, y: Array) -> Array:
        out = x.copy()
        for k, i in enumerate(ROWS):
            out[i] = f(out[i], y[k])
        return out

    return write


def mean_with(x: Array, y: Array, with_self: bool) -> Array:
    total, count = (x * with_self).astype(object), np.full(SHAPE, int(with_self))
    for i in np.ndindex(*SHAPE):
        total[J[i], i[1]] += y[i]
        count[J[i], i[1]] += 1
    return np.where(count == 0, x, total // np.maximum(count, 1))


def segments(f: Callable[..., Any]) -> Callable[..., Array]:
    return lambda x, y: np.array([f(f(x[0], x[2]), x[2] * 0) if f is add else f(x[0], x[2]), x[1]], object)


def add(x: Any, y: Any) -> Any:
    return x + y


def total_of(x: Array, **axis: Any) -> Array:
    return x.sum(dtype=object, **axis)


def taken(x: Array, y: Array) -> Array:
    return np.take_along_axis(x, J, 0)


def towards_zero(n: int, m: int) -> int:
    """The quotient rounded towards 0."""
    return abs(n) // abs(m) * (1 if (n < 0) == (m < 0) else -1)


CASES: dict[str, list[tuple[Callable[..., Any], Callable[..., Array]]]] = {
    "bitwise_and": [
        (lambda x, y: tn.bitwise_and(x, y), lambda x, y: each(operator.and_, x, y)),
        (lambda x, y: x & 16777217, lambda x, y: each(lambda n: n & 16777217, x)),
    ],
    "bitwise_or": [
        (lambda x, y: tn.bitwise_or(x, y), lambda x, y: each(operator.or_, x, y)),
    ],
    "bitwise_xor": [
        (lambda x, y: tn.bitwise_xor(x, y), lambda x, y: each(operator.xor, x, y)),
    ],
    "bitwise_not": [
        (lambda x, y: ~x, lambda x, y: each(operator.invert, x)),
    ],
    "bitwise_left_shift": [
        (lambda x, y: x << 3, lambda x, y: each(lambda n: n << 3, x)),
        (lambda x, y: x << 99, lambda x, y: x * 0),
    ],
    "bitwise_right_shift": [
        (lambda x, y: x >> 3, lambda x, y: each(lambda n: n >> 3, x)),
        (lambda x, y: x >> 99, lambda x, y: each(lambda n: -1 if n < 0 else 0, x)),
    ],
    "ceil": [
        (lambda x, y: tn.ceil(x), lambda x, y: x),
    ],
    "trunc": [
        (lambda x, y: tn.trunc(x), lambda x, y: x),
    ],
    "round": [
        (lambda x, y: tn.round(x), lambda x, y: x),
    ],
    "adjoint": [(lambda x, y: tn.adjoint(x), lambda x, y: x.T)],
    "conj": [(lambda x, y: tn.conj(x), lambda x, y: x)],
    "real": [(lambda x, y: tn.real(x), lambda x, y: x)],
    "frac": [
        (lambda x, y: tn.frac(x), lambda x, y: x * 0),
    ],
    "positive": [
        (lambda x, y: tn.positive(x), lambda x, y: x),
    ],
    "clamp_max": [
        (lambda x, y: tn.clamp_max(x, y), lambda x, y: each(min, x, y)),
    ],
    "clamp_min": [
        (lambda x, y: tn.clamp_min(x, y), lambda x, y: each(max, x, y)),
    ],
    "fmax": [
        (lambda x, y: tn.fmax(x, y), lambda x, y: each(max, x, y)),
    ],
    "fmin": [
        (lambda x, y: tn.fmin(x, y), lambda x, y: each(min, x, y)),
    ],
    "fmod": [
        (lambda x, y: tn.fmod(x, y), lambda x, y: each(lambda n, m: n - towards_zero(n, m) * m, x, y)),
    ],
    "divide": [
        (lambda x, y: tn.divide(x, y, rounding_mode="trunc"), lambda x, y: each(towards_zero, x, y)),
        (lambda x, y: tn.divide(x, y, rounding_mode="floor"), lambda x, y: x // y),
    ],
    "gcd": [
        (lambda x, y: tn.gcd(x, y), lambda x, y: each(math.gcd, x, y)),
    ],
    "lcm": [
        (lambda x, y: tn.lcm(x % 40001, y % 3001), lambda x, y: each(math.lcm, x % 40001, y % 3001)),
    ],
    "heaviside": [
        (lambda x, y: tn.heaviside(x, y), lambda x, y: each(lambda n: int(n > 0), x)),
    ],
    "nan_to_num": [
        (lambda x, y: tn.nan_to_num(x, 1.5), lambda x, y: x),
    ],
    "rsub": [
        (lambda x, y: tn.rsub(x, y, alpha=3), lambda x, y: y - 3 * x),
    ],
    "abs": [(lambda x, y: tn.abs(x), lambda x, y: each(abs, x))],
    "add": [
        (lambda x, y: tn.add(x, y), lambda x, y: x + y),
        (lambda x, y: tn.add(x, y, alpha=3), lambda x, y: x + 3 * y),
        (lambda x, y: x + 16777217, lambda x, y: x + 16777217),
    ],
    "addcmul": [
        (lambda x, y: tn.addcmul(x, y, 3), lambda x, y: x + y * 3),
        (lambda x, y: tn.addcmul(x, y, y, value=2), lambda x, y: x + 2 * y * y),
    ],
    "amax": [(lambda x, y: tn.amax(x, 1), lambda x, y: x.max(1))],
    "amin": [(lambda x, y: tn.amin(x, 0), lambda x, y: x.min(0))],
    "arange": [
        (lambda x, y: tn.arange(2**53 + 1, 2**53 + 9, 2), lambda x, y: np.arange(2**53 + 1, 2**53 + 9, 2)),
        (lambda x, y: tn.arange(-(2**62), -(2**62) + 5), lambda x, y: np.arange(-(2**62), -(2**62) + 5)),
    ],
    "argmax": [(lambda x, y: tn.argmax(x, 1), lambda x, y: x.argmax(1))],
    "argmin": [(lambda x, y: tn.argmin(x), lambda x, y: x.argmin())],
    "as_tensor": [(lambda x, y: tn.as_tensor(x.numpy()), lambda x, y: x)],
    "asarray": [(lambda x, y: tn.asarray(x.tolist(), dtype=x.dtype), lambda x, y: x)],
    "astype": [
        (lambda x, y: tn.astype(x, "int64"), lambda x, y: x),
        (lambda x, y: tn.astype(x, "int32"), lambda x, y: wrapped(x, "int32")),
        (lambda x, y: tn.astype(x, "float64"), lambda x, y: np.array(x, "float64")),
    ],
    "broadcast_to": [(lambda x, y: tn.broadcast_to(x, (2, *SHAPE)), lambda x, y: np.broadcast_to(x, (2, *SHAPE)))],
    "cat": [(lambda x, y: tn.cat([x, y], None), lambda x, y: np.concatenate([x, y], None))],
    "concat": [
        (lambda x, y: tn.concat([x, y]), lambda x, y: np.concatenate([x, y])),
        (lambda x, y: tn.concat([x, y[0]], axis=None), lambda x, y: np.concatenate([x, y[0]], axis=None)),
        (lambda x, y: tn.concat([x, y], dim=1), lambda x, y: np.concatenate([x, y], 1)),
    ],
    "chunk": [(lambda x, y: tn.chunk(x, 2)[1], lambda x, y: x[2:])],
    "clip": [
        (lambda x, y: tn.clip(x, -16777217, 16777219), lambda x, y: np.minimum(np.maximum(x, -16777217), 16777219)),
        (lambda x, y: tn.clip(x, y, None), lambda x, y: np.maximum(x, y)),
    ],
    "compress": [(lambda x, y: tn.compress([True, False, True], x, 0), lambda x, y: x[[0, 2]])],
    "detach": [(lambda x, y: tn.detach(x), lambda x, y: x)],
    "diagonal": [(lambda x, y: tn.diagonal(x), lambda x, y: np.diagonal(x))],
    "equal": [(lambda x, y: tn.equal(x, x + 1), lambda x, y: x == x + 1), (lambda x, y: x == x, lambda x, y: x == x)],
    "expand_dims": [(lambda x, y: tn.expand_dims(x), lambda x, y: x[None])],
    "flatten": [(lambda x, y: tn.flatten(x), lambda x, y: x.reshape(-1))],
    "flip": [(lambda x, y: tn.flip(x, 1), lambda x, y: x[:, ::-1])],
    "floor": [(lambda x, y: tn.floor(x), lambda x, y: x)],
    "floor_divide": [
        (lambda x, y: x // y, lambda x, y: x // y),
        (lambda x, y: x // 3, lambda x, y: x // 3),
        (lambda x, y: 2**30 // y, lambda x, y: 2**30 // y),
        (lambda x, y: tn.floor_divide(x, -7), lambda x, y: x // -7),
    ],
    "from_dlpack": [(lambda x, y: tn.from_dlpack(x.numpy().copy()), lambda x, y: x)],
    "frombuffer": [
        (lambda x, y: tn.frombuffer(bytearray(x.numpy().tobytes()), dtype=x.dtype), lambda x, y: x.reshape(-1))
    ],
    "from_numpy": [(lambda x, y: tn.from_numpy(x.numpy()), lambda x, y: x)],
    "full": [(lambda x, y: tn.full((2,), 2**62 + 1), lambda x, y: np.full(2, 2**62 + 1))],
    "full_like": [(lambda x, y: tn.full_like(x, 2**30 + 1), lambda x, y: np.full(SHAPE, 2**30 + 1))],
    "gather": [(lambda x, y: tn.gather(x, 0, tn.tensor(J)), lambda x, y: np.take_along_axis(x, J, 0))],
    "greater": [(lambda x, y: x + 1 > x, lambda x, y: x + 1 > x)],
    "greater_equal": [(lambda x, y: x >= x + 1, lambda x, y: x >= x + 1)],
    "index_add": [
        (lambda x, y: tn.index_add(x, 0, tn.tensor(ROWS), y), at_rows(add)),
        (lambda x, y: tn.index_add(x, 0, tn.tensor(ROWS), y, alpha=5), at_rows(lambda u, v: u + 5 * v)),
    ],
    "index_copy": [(lambda x, y: tn.index_copy(x, 0, tn.tensor(ROWS), y), at_rows(lambda u, v: v))],
    "index_fill": [(lambda x, y: tn.index_fill(x, 0, tn.tensor(ROWS), 2**30 + 1), at_rows(lambda u, v: 2**30 + 1))],
    "index_reduce": [
        (lambda x, y: tn.index_reduce(x, 0, tn.tensor(ROWS), y, "prod"), at_rows(lambda u, v: u * v)),
        (lambda x, y: tn.index_reduce(x, 0, tn.tensor(ROWS), y, "amin"), at_rows(np.minimum)),
    ],
    "index_select": [(lambda x, y: tn.index_select(x, 0, tn.tensor(ROWS)), lambda x, y: x[ROWS])],
    "lerp": [(lambda x, y: tn.lerp(x, y, 2), lambda x, y: x + 2 * (y - x))],
    "less": [(lambda x, y: x < x + 1, lambda x, y: x < x + 1)],
    "less_equal": [(lambda x, y: x + 1 <= x, lambda x, y: x + 1 <= x)],
    "linspace": [
        (
            lambda x, y: tn.linspace(2**24 + 1, 2**24 + 5, 5, dtype=x.dtype),
            lambda x, y: np.arange(2**24 + 1, 2**24 + 6),
        )
    ],
    "masked_fill": [(lambda x, y: tn.masked_fill(x, MASK, 2**30 + 1), lambda x, y: np.where(MASK, 2**30 + 1, x))],
    "masked_select": [(lambda x, y: tn.masked_select(x, tn.tensor(MASK)), lambda x, y: x[MASK])],
    "matmul": [
        (lambda x, y: x @ y.mT, lambda x, y: x @ y.T),
        (lambda x, y: tn.matmul(x, y[0]), lambda x, y: x @ y[0]),
    ],
    "matrix_transpose": [(lambda x, y: tn.matrix_transpose(x), lambda x, y: x.T)],
    "max": [
        (lambda x, y: tn.max(x), lambda x, y: x.max()),
        (lambda x, y: tn.max(x, dim=1).values, lambda x, y: x.max(1)),
    ],
    "maximum": [(lambda x, y: tn.maximum(x, y), np.maximum), (lambda x, y: tn.maximum(x, x + 1), lambda x, y: x + 1)],
    "min": [
        (lambda x, y: tn.min(x, axis=0), lambda x, y: x.min(0)),
        (lambda x, y: tn.min(x, dim=0).values, lambda x, y: x.min(0)),
    ],
    "minimum": [(lambda x, y: tn.minimum(x, y), np.minimum), (lambda x, y: tn.minimum(x, x - 1), lambda x, y: x - 1)],
    "move": [(lambda x, y: tn.move(x + 0), lambda x, y: x)],
    "multiply": [(lambda x, y: tn.multiply(x, y), lambda x, y: x * y), (lambda x, y: 3 * x, lambda x, y: 3 * x)],
    "negative": [(lambda x, y: -x, lambda x, y: -x)],
    "not_equal": [(lambda x, y: x != x + 1, lambda x, y: x != x + 1)],
    "ones_like": [(lambda x, y: tn.ones_like(x) + x, lambda x, y: x + 1)],
    "pad": [(lambda x, y: tn.pad(x, [(1, 0), (0, 2)]), lambda x, y: np.pad(x, [(1, 0), (0, 2)]))],
    "permute_dims": [(lambda x, y: tn.permute_dims(x, 1, 0), lambda x, y: x.T)],
    "pow": [
        (lambda x, y: x**3, lambda x, y: x**3),
        (lambda x, y: x ** tn.tensor([0, 1, 2, 5]), lambda x, y: x ** np.array([0, 1, 2, 5], object)),
    ],
    "put_along_axis": [
        (lambda x, y: tn.put_along_axis(x, tn.tensor(J), y, 0), scattered(lambda u, v: v)),
        (lambda x, y: tn.put_along_axis(x, tn.tensor(J), 2**30 + 1, 0), scattered(lambda u, v: 2**30 + 1)),
    ],
    "relu": [(lambda x, y: tn.relu(x), lambda x, y: np.maximum(x, 0))],
    "remainder": [
        (lambda x, y: x % y, lambda x, y: x % y),
        (lambda x, y: x % 7, lambda x, y: x % 7),
        (lambda x, y: tn.remainder(x, -(2**24) - 1), lambda x, y: x % (-(2**24) - 1)),
    ],
    "reshape": [(lambda x, y: tn.reshape(x, 2, 6), lambda x, y: x.reshape(2, 6))],
    "scatter": [
        (lambda x, y: tn.scatter(x, 0, tn.tensor(J), y), scattered(lambda u, v: v)),
        (lambda x, y: tn.scatter(x, 0, tn.tensor(J), value=2**30 + 1), scattered(lambda u, v: 2**30 + 1)),
        (lambda x, y: tn.scatter(x, 0, tn.tensor(J), y, reduce="add"), scattered(add)),
    ],
    "scatter_add": [(lambda x, y: tn.scatter_add(x, 0, tn.tensor(J), y), scattered(add))],
    "scatter_reduce": [
        (lambda x, y: tn.scatter_reduce(x, 0, tn.tensor(J), y, "prod"), scattered(lambda u, v: u * v)),
        (lambda x, y: tn.scatter_reduce(x, 0, tn.tensor(J), y, "amax"), scattered(max)),
        (lambda x, y: tn.scatter_reduce(x, 0, tn.tensor(J), y, "amin"), scattered(min)),
        (
            lambda x, y: tn.scatter_reduce(x // 8, 0, tn.tensor(J), y // 8, "mean"),
            lambda x, y: mean_with(x // 8, y // 8, True),
        ),
        (
            lambda x, y: tn.scatter_reduce(x // 8, 0, tn.tensor(J), y // 8, "mean", include_self=False),
            lambda x, y: mean_with(x // 8, y // 8, False),
        ),
    ],
    "segment_max": [(lambda x, y: tn.segment_max(x, tn.tensor([0, 1, 0])), segments(np.maximum))],
    "segment_min": [(lambda x, y: tn.segment_min(x, tn.tensor([0, 1, 0])), segments(np.minimum))],
    "segment_prod": [(lambda x, y: tn.segment_prod(x, tn.tensor([0, 1, 0])), segments(lambda u, v: u * v))],
    "segment_sum": [(lambda x, y: tn.segment_sum(x, tn.tensor([0, 1, 0])), segments(add))],
    "sign": [(lambda x, y: tn.sign(x), lambda x, y: each(lambda n: (n > 0) - (n < 0), x))],
    "split": [(lambda x, y: tn.split(x, 2)[0], lambda x, y: x[:2])],
    "square": [(lambda x, y: tn.square(x), lambda x, y: x * x)],
    "squeeze": [(lambda x, y: tn.squeeze(x[:1]), lambda x, y: x[0])],
    "stack": [(lambda x, y: tn.stack([x, y], 1), lambda x, y: np.stack([x, y], 1))],
    "subtract": [
        (lambda x, y: x - y, lambda x, y: x - y),
        (lambda x, y: tn.subtract(x, y, alpha=3), lambda x, y: x - 3 * y),
        (lambda x, y: 5 - x, lambda x, y: 5 - x),
    ],
    "sum": [
        (lambda x, y: tn.sum(x // 16), lambda x, y: total_of(x // 16)),
        (lambda x, y: x.sum(1), lambda x, y: total_of(x, axis=1)),
    ],
    "take": [(lambda x, y: tn.take(x, tn.tensor(ROWS), axis=0), lambda x, y: x[ROWS])],
    "take_along_axis": [(lambda x, y: tn.take_along_axis(x, tn.tensor(J), 0), taken)],
    "take_along_dim": [(lambda x, y: tn.take_along_dim(x, tn.tensor(J), 0), taken)],
    "tensor": [(lambda x, y: tn.tensor(x.tolist(), dtype=x.dtype), lambda x, y: x)],
    "transpose": [(lambda x, y: tn.transpose(x, 0, 1), lambda x, y: x.T)],
    "unsqueeze": [(lambda x, y: tn.unsqueeze(x, 0), lambda x, y: x[None])],
    "vmap": [(lambda x, y: tn.vmap(lambda r: r * 3 + 1)(x), lambda x, y: x * 3 + 1)],
    "where": [
        (lambda x, y: tn.where(tn.tensor(MASK), x, y), lambda x, y: np.where(MASK, x, y)),
        (lambda x, y: tn.where(tn.tensor(MASK), x, 16777217), lambda x, y: np.where(MASK, x, 16777217)),
    ],
    "zeros_like": [(lambda x, y: tn.zeros_like(x) - x, lambda x, y: -x)],
}
"""Calls on tensors x and y of large whole numbers, and the same of Python's integers."""
CASES |= SHAPES
TO_FLOATS = words("addcdiv cos divide erf exp expm1 log log1p logsumexp mean segment_mean sigmoid sin sqrt std tanh")
TO_FLOATS |= words("acos acosh asin asinh atan atan2 atanh copysign cosh deg2rad digamma erfc erfinv exp2 float_power")
TO_FLOATS |= words("frexp hypot i0 ldexp lgamma log10 log2 logaddexp logaddexp2 logit nextafter polygamma rad2deg")
TO_FLOATS |= words("cumulative_trapezoid log_softmax logcumsumexp nanmean norm softmax std_mean trapezoid var_mean")
TO_FLOATS |= words("corrcoef cov dist gradient renorm")
TO_FLOATS |= words("angle complex imag istft polar stft view_as_complex view_as_real")
TO_FLOATS |= words("histc histogram histogramdd nanquantile quantile")
TO_FLOATS |= words("cdist logspace reciprocal rsqrt sinc sinh tan true_divide var xlogy")
TO_FLOATS |= words("cholesky cholesky_inverse cholesky_solve det inverse logdet lu_solve lu_unpack matrix_exp")
TO_FLOATS |= words("matrix_power")
TO_FLOATS |= words("geqrf orgqr ormqr pinverse qr slogdet svd")
"""Functions of real numbers: whole ones become floats, or are refused."""
TO_BOOLS = words("all allclose any isclose isfinite isinf isnan isneginf isposinf logical_and logical_not logical_or")
TO_BOOLS |= words("isreal logical_xor signbit")
OF_INDICES = words("argwhere ix_ nonzero ravel_multi_index tril_indices triu_indices unravel_index")
OF_SHAPES = words("__array_namespace_info__ broadcast_shapes is_complex is_floating_point is_tensor numel result_type")
OF_SHAPES |= words("is_nonzero is_signed")
MADE = words("empty empty_like eye ones rand rand_like randint randn randn_like randperm zeros")
MADE |= words("bartlett_window blackman_window hamming_window hann_window kaiser_window")
MADE |= words("BoolTensor DoubleTensor FloatTensor IntTensor LongTensor")
MADE |= words("bernoulli binomial multinomial normal poisson randint_like")
"""Small numbers, or random ones."""
EXECUTORS: dict[str, Any] = {"tiered": None, "interpreted": interpret, "compiled": compile_program}


def public_functions() -> set[str]:
    """Public functions of a tensor or of numbers, each by its first name."""
    found = set()
    for name in dir(tn):
        f = getattr(tn, name)
        ours = (getattr(f, "__module__", None) or "tenure.values").startswith("tenure.values")
        if inspect.isroutine(f) and ours and name not in (*names.__all__, *written.__all__):
            found.add(name)
    return found


def test_no_function_is_left_out() -> None:
    modes = words("explain get_printoptions get_rng_state initial_seed is_grad_enabled manual_seed seed")
    modes |= words("get_default_dtype set_printoptions set_rng_state must_inplace strict")
    told = CASES.keys() | TO_FLOATS | OF_SHAPES | TO_BOOLS | OF_INDICES | MADE | modes
    assert public_functions() - told == set()
    assert told - {"vmap"} - modes - public_functions() == set()


def dtypes_for(name: str) -> tuple[str, ...]:
    """The wide dtypes, and of the narrow ones one by the name of what is called; all of them in the full sweep."""
    return (*WIDE, *(NARROW if EVERY else NARROW[len(name) % len(NARROW) :][:1]))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", CASES)
def test_large_numbers(name: str, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if EXECUTORS[executor] is not None:
        monkeypatch.setattr(plan, "EXECUTOR", EXECUTORS[executor])
    for dtype in dtypes_for(name) if EVERY or executor == "tiered" else WIDE:
        for case in CASES[name]:
            check_large_numbers(case, dtype, 2 if executor == "tiered" else 1)


def check_large_numbers(case: Any, dtype: str, calls: int) -> None:
    a, b = large(dtype, 1), large(dtype, 2)
    call, oracle = case
    for _ in range(calls):
        x, y = tn.tensor(a), tn.tensor(b)
        try:
            found = call(x, y).numpy()
        except tn.DTypeError as error:  # of its constants
            assert dtype in NARROW
            assert "does not fit in" in str(error) or "no dtype holds both uint64 and int64" in str(error)
            return
        with np.errstate(over="ignore"):
            expected = oracle(whole(a), whole(b))
        assert found.dtype.kind in ("i", "u", "b") or found.dtype == np.asarray(expected).dtype
        assert_array_equal(found, wrapped(expected, found.dtype))


@pytest.mark.parametrize("dtype", [*WIDE, *NARROW, "bool"])
def test_floor_keeps_the_dtype(dtype: str) -> None:
    x = tn.tensor(np.array([[1, 0], [1, 1]]).astype(dtype))
    for found in (tn.floor(x), x.floor(), x.mut().floor_().value, tn.vmap(tn.floor)(x)):
        assert found.dtype == x.dtype
        assert_array_equal(found.numpy(), x.numpy())
    assert tn.floor(tn.tensor([16777217])).item() == 16777217


def test_ranges_count_exactly() -> None:
    big = 2**53 + 1
    for start, stop, step in ((0, big, 2**52), (0, -big, -(2**52)), (5, 2, 1), (0, 10, 3), (2**62, 0, -(2**60))):
        assert tn.arange(start, stop, step).numpy().tolist() == list(range(start, stop, step))
    found = tn.linspace(2**53 + 1, 2**53 + 5, 5, dtype=tn.int64).numpy().tolist()
    assert found == list(range(2**53 + 1, 2**53 + 6))
    assert tn.linspace(0, -5, 3, dtype=tn.int32).numpy().tolist() == [0, -3, -5]
    assert tn.linspace(1, 9, 4, dtype=tn.int64, endpoint=False).numpy().tolist() == [1, 3, 5, 7]


def test_joining() -> None:
    x, y = tn.tensor([[1, 2], [3, 4]]), tn.tensor([5, 6, 7])
    assert tn.concat([x, y], axis=None).numpy().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert tn.cat([x, tn.tensor(9)], axis=None).numpy().tolist() == [1, 2, 3, 4, 9]
    assert tn.concat([x, x]).shape == tn.concat([x, x], dim=0).shape == (4, 2)
    w = tn.Var(tn.tensor([[1.0, 2.0]]), requires_grad=True)
    (tn.concat([w, w[0]], axis=None) * tn.arange(4.0)).sum().backward()
    assert w.grad is not None
    assert w.grad.numpy().tolist() == [[2, 4]]
    for call in (lambda: tn.stack([x, x], axis=None), lambda: tn.stack([x, x], dim=None)):
        with pytest.raises(tn.DTypeError, match="axis is an int"):
            call()
    for function in (tn.concat, tn.stack):
        with pytest.raises(TypeError, match="two names"):
            function([x, x], axis=0, dim=1)
