"""Movement: the same elements in another arrangement. All linear. Also arrays made from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import copysign
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, PARTIAL, UNSIGNED, Primitive
from tenure.ir.program import Value
from tenure.ir.traits import MOVES, Traits, always, shaped
from tenure.ops.batching import in_front, prefix, shift_axes, without_operands
from tenure.ops.convert import number_in
from tenure.ops.declare import REALS, claim, linear, primitive, unbroadcast
from tenure.ops.lowering import Pieces, Write, moving
from tenure.ops.pointwise import EVERY

Shape = tuple[int, ...]


def _cases(*cases: tuple[Shape, dict[str, Any]]) -> Any:
    def samples(rng: Any, dtype: DType) -> Any:
        for shape, params in cases:
            yield (REALS(rng, shape, dtype),), params

    return samples


def _reshape_aval(x: Aval, *, shape: Shape) -> Aval:
    out = x.with_shape(shape)
    if out.size != x.size:
        raise ShapeError(
            f"cannot reshape {list(x.shape)} ({x.size} elements) to {list(shape)} ({out.size} elements)",
            help="the number of elements must stay the same; one size may be -1",
        )
    return out


reshape: Primitive = linear(
    "reshape",
    batch=prefix("shape", lambda count: count),
    lower=moving(lambda e, index, x, *, shape: e.at(x, e.reshaped(index, shape, x))),
    aval=_reshape_aval,
    ref=lambda np, x, *, shape: np.reshape(x, shape),
    transpose=(lambda g, x, *, shape: reshape(g, shape=x.shape),),
    traits=Traits(preserves=always, in_order=True, extents=shaped),
    dtypes=EVERY,
    samples=_cases(((2, 3), {"shape": (3, 2)}), ((), {"shape": (1, 1)}), ((4,), {"shape": (2, 1, 2)})),
)


def _permuted(of: Primitive, batched: Sequence[bool], x: Value, *, order: Shape) -> Value:
    return of(x, order=(0, *[k + 1 for k in order]))


permute: Primitive = linear(
    "permute",
    batch=_permuted,
    lower=moving(lambda e, index, x, *, order: e.at(x, tuple([index[order.index(k)] for k in range(len(order))]))),
    aval=lambda x, *, order: x.with_shape(tuple([x.shape[k] for k in order])),
    ref=lambda np, x, *, order: np.transpose(x, order),
    transpose=(lambda g, x, *, order: permute(g, order=tuple([order.index(k) for k in range(len(order))])),),
    traits=MOVES,
    dtypes=EVERY,
    samples=_cases(((2, 3), {"order": (1, 0)}), ((2, 3, 4), {"order": (2, 0, 1)}), ((), {"order": ()})),
)


def _broadcast_aval(x: Aval, *, shape: Shape) -> Aval:
    lead = len(shape) - x.ndim
    if lead < 0 or any(n not in (1, shape[lead + k]) for k, n in enumerate(x.shape)):
        raise ShapeError(
            f"shape {list(x.shape)} does not broadcast to {list(shape)}",
            help="axes are matched from the last; only axes of size 1 are repeated",
        )
    return x.with_shape(shape)


def _broadcast(of: Primitive, batched: Sequence[bool], x: Value, *, shape: Shape) -> Value:
    return of(in_front(x, len(shape)), shape=(x.shape[0], *shape))


broadcast_to = linear(
    "broadcast_to",
    batch=_broadcast,
    lower=moving(lambda e, index, x, *, shape: e.at(x, e.broadcast(index, x))),
    aval=_broadcast_aval,
    ref=lambda np, x, *, shape: np.broadcast_to(x, shape),
    transpose=(lambda g, x, *, shape: unbroadcast(g, x),),
    traits=Traits(preserves=always, extents=shaped),
    dtypes=EVERY,
    samples=_cases(((3,), {"shape": (2, 3)}), ((2, 1), {"shape": (4, 2, 3)}), ((), {"shape": (2,)})),
)


def _concat_aval(*xs: Aval, axis: int) -> Aval:
    first = xs[0]
    for x in xs[1:]:
        if x.dtype is not first.dtype:
            raise DTypeError(f"concat: dtypes {first.dtype.name} and {x.dtype.name} need a cast")
        rest = [k for k in range(first.ndim) if k != axis]
        if x.ndim != first.ndim or any(x.shape[k] != first.shape[k] for k in rest):
            raise ShapeError(
                f"concat: shapes {list(first.shape)} and {list(x.shape)} differ outside axis {axis}",
                help="every axis but the one joined must agree",
            )
    return first.with_shape((*first.shape[:axis], sum(x.shape[axis] for x in xs), *first.shape[axis + 1 :]))


def _concat_transpose(g: Value, *xs: Value, axis: int) -> list[Value]:
    lengths = [x.shape[axis] for x in xs]
    starts = accumulate(lengths, initial=0)
    return [crop(g, axis, start, length) for start, length in zip(starts, lengths, strict=False)]


def crop(x: Value, axis: int, start: int, length: int) -> Value:
    """A contiguous piece of one axis."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = (-start, start + length - x.shape[axis])
    return pad(x, widths=tuple(widths))


def _concat_samples(rng: Any, dtype: DType) -> Any:
    for axis, shapes in ((0, ((2, 3), (1, 3))), (1, ((2, 1), (2, 0), (2, 4))), (0, ((3,),))):
        yield tuple(REALS(rng, s, dtype) for s in shapes), {"axis": axis}


concat = linear(
    "concat",
    batch=shift_axes("axis"),
    lower=Pieces(),
    aval=_concat_aval,
    ref=lambda np, *xs, axis: np.concatenate(xs, axis=axis),
    transpose=(_concat_transpose,),
    argnums=None,
    dtypes=EVERY,
    samples=_concat_samples,
)


def _pad_aval(x: Aval, *, widths: Sequence[tuple[int, int]]) -> Aval:
    shape = tuple([lo + n + hi for n, (lo, hi) in zip(x.shape, widths, strict=True)])
    if any(n < 0 for n in shape):
        raise ShapeError(f"pad: widths {list(widths)} take more than there is from shape {list(x.shape)}")
    return x.with_shape(shape)


def _pad(np: Any, x: Any, *, widths: Sequence[tuple[int, int]]) -> Any:
    """Zeros around; then a negative width crops, into the zeros of the other end where it must."""
    if any(n > 0 for pair in widths for n in pair):
        x = np.pad(x, [(max(lo, 0), max(hi, 0)) for lo, hi in widths])
    return x[tuple([slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(x.shape, widths, strict=True)])]


def _padded_place(e: Any, index: Any, x: Any, *, widths: Sequence[tuple[int, int]]) -> Any:
    return tuple([i + max(lo, 0) for i, (lo, _) in zip(index, widths, strict=True)])


def _padded_part(shape: Shape, *, widths: Sequence[tuple[int, int]]) -> tuple[Shape, Shape]:
    inner = tuple([n + min(lo, 0) + min(hi, 0) for n, (lo, hi) in zip(shape, widths, strict=True)])
    return tuple([max(n, 0) for n in inner]), tuple([max(-lo, 0) for lo, _ in widths])


pad: Primitive = linear(
    "pad",
    batch=prefix("widths", lambda count: (0, 0)),
    lower=Write(_padded_place, value=0, base=None, ordered=False, part=_padded_part),
    aval=_pad_aval,
    ref=_pad,
    transpose=(lambda g, x, *, widths: pad(g, widths=tuple([(-lo, -hi) for lo, hi in widths])),),
    dtypes=EVERY,
    samples=_cases(
        ((3,), {"widths": ((1, 2),)}), ((2, 3), {"widths": ((0, 1), (-1, 0))}), ((0,), {"widths": ((2, 0),)})
    ),
)


def _flipped(e: Any, index: Any, x: Any, *, axes: Shape) -> Any:
    turned = [i * -1 + (n - 1) if k in axes else i for k, (i, n) in enumerate(zip(index, e.shape(x), strict=True))]
    return e.at(x, tuple(turned))


flip: Primitive = linear(
    "flip",
    batch=shift_axes("axes"),
    lower=moving(_flipped),
    aval=lambda x, *, axes: x.with_shape(x.shape),
    ref=lambda np, x, *, axes: np.flip(x, axes),
    transpose=(lambda g, x, *, axes: flip(g, axes=axes),),
    traits=MOVES,
    dtypes=EVERY,
    samples=_cases(((3,), {"axes": (0,)}), ((2, 3), {"axes": (0, 1)}), ((2, 3), {"axes": (1,)})),
)
full = primitive(
    "full",
    batch=without_operands,
    lower=moving(lambda e, index, *, shape, value, dtype: e.constant(value, dtype)),
    aval=lambda *, shape, value, dtype: Aval(shape, dtype),
    ref=lambda np, *, shape, value, dtype: np.full(shape, number_in(np, value, dtype)),
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    zeros=((), lambda found, *, value, **params: PARTIAL if value == 0 and copysign(1, value.real) < 0 else UNSIGNED),
    traits=Traits(number=lambda *, shape, value, dtype: value, extents=shaped),
    dtypes=EVERY,
    samples=lambda rng, dtype: [((), {"shape": s, "value": 2, "dtype": dtype}) for s in ((), (2, 3), (0,))],
)


def _iota_aval(*, length: int, dtype: DType) -> Aval:
    claim("iota", dtype, "iuf")
    return Aval((length,), dtype)


def _iota_extents(shape: Any, *, length: int, dtype: DType) -> dict[str, Any]:
    return {"length": shape and shape[0], "dtype": dtype}


iota = primitive(
    "iota",
    batch=without_operands,
    lower=moving(lambda e, index, *, length, dtype: e.cast(e.position(index[0]), dtype, dtypes.int64)),
    aval=_iota_aval,
    ref=lambda np, *, length, dtype: np.arange(length, dtype=dtype.numpy),
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    traits=Traits(counts=True, extents=_iota_extents),
    dtypes="iuf",
    samples=lambda rng, dtype: [((), {"length": n, "dtype": dtype}) for n in (0, 1, 5)],
)
