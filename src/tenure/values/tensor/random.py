"""Random tensors: recorded as pure functions of a seed and an operation number (see ``ops.philox``)."""

from __future__ import annotations

from math import prod, sqrt
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, ShapeError
from tenure.ops import philox, random
from tenure.ops.promote import Operation
from tenure.values.grad.vmapped import select
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import to_dtype
from tenure.values.operations.complexes import view_as_complex
from tenure.values.operations.creation import check_device, leaf, wrap
from tenure.values.operations.factories import like
from tenure.values.operations.generator import Generator, chosen_or_default
from tenure.values.rules.levels import drawing
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_number, check_shape, chosen, int_of, shape_of
from tenure.values.trace.record import RECORDER

if TYPE_CHECKING:
    from tenure.values.places.var import Var
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Shape

UNIFORM = Operation("rand", random.uniform)
NORMAL = Operation("randn", random.normal)
INTEGERS = Operation("randint", random.integers)


def _drawn(
    fn: Operation,
    size: tuple[Any, ...],
    dtype: DTypeLike | None,
    requires_grad: bool,
    generator: Generator | None,
    device: str | None,
) -> Tensor:
    check_device(device)
    target = _floating(fn.name, dtype)
    if target.kind == "h":
        wide = recorded_draw(fn, shape_of(size, target), (("dtype", target.parts),), generator)
        return leaf(to_dtype(wide, target), requires_grad)
    if target.is_complex:
        parts = recorded_draw(fn, (*shape_of(size, target), 2), (("dtype", target.parts),), generator)
        z = view_as_complex(parts)
        return leaf(z * sqrt(0.5) if fn is NORMAL else z, requires_grad)
    return leaf(recorded_draw(fn, shape_of(size, target), (("dtype", target),), generator), requires_grad)


def recorded_draw(
    fn: Operation, shape: tuple[int, ...], params: Any, generator: Generator | None, numbers: tuple[int, ...] = ()
) -> Tensor:
    """One random operation, of numbers behind those of the generator; inside vmapped functions for each example that is
    to have numbers of its own."""
    levels = drawing(RECORDER.vmap)
    whole = (*[level.count for level in levels], *shape)
    x = apply(fn, (), (("shape", whole), *params), (*chosen_or_default(generator).take(), *numbers))
    for level in levels:
        x = select(x, 0, level)
    return x


def _floating(name: str, dtype: DTypeLike | None) -> DType:
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    if not target.has_gradient:
        raise DTypeError(
            f"{name} draws floats, not {target.name}", help="for whole numbers: tn.randint(low, high, size)"
        )
    return target


@overload
def rand(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
    generator: Generator | None = None, shape: Shape | None = None, size: Shape | None = None,
) -> Var: ...
@overload
def rand(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None, shape: Shape | None = None, size: Shape | None = None,
) -> Tensor: ...
def rand(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None, shape: Shape | None = None, size: Shape | None = None,
) -> Tensor:
    """Uniform random numbers of [0, 1), of a shape given as ints, as one sequence or by name; float32 unless given.

    DTypeError (TN802) for a dtype that is not floating.

    >>> x = tn.rand(2, 3)
    >>> x.shape, bool((x >= 0).all() & (x < 1).all())
    ((2, 3), True)
    """
    sizes = sizes if shape is None and size is None else chosen("rand", sizes, shape, size)
    return _drawn(UNIFORM, sizes, dtype, requires_grad, generator, device)


@overload
def randn(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
    generator: Generator | None = None, shape: Shape | None = None, size: Shape | None = None,
) -> Var: ...
@overload
def randn(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None, shape: Shape | None = None, size: Shape | None = None,
) -> Tensor: ...
def randn(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None, shape: Shape | None = None, size: Shape | None = None,
) -> Tensor:
    """Standard normal random numbers, of a shape given as ints, as one sequence or by name; float32 unless given.

    DTypeError (TN802) for a dtype that is not floating.

    >>> tn.randn(2, 3).shape
    (2, 3)
    """
    sizes = sizes if shape is None and size is None else chosen("randn", sizes, shape, size)
    return _drawn(NORMAL, sizes, dtype, requires_grad, generator, device)


@overload
def rand_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
    generator: Generator | None = None,
) -> Var: ...
@overload
def rand_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor: ...
def rand_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Uniform random numbers of [0, 1) in the shape and dtype of x.

    DTypeError (TN802) for a dtype that is not floating.

    >>> tn.rand_like(tn.zeros(2, 3)).shape
    (2, 3)
    """
    x = like(x)
    return _drawn(UNIFORM, (x.shape,), x.dtype if dtype is None else dtype, requires_grad, generator, device)


@overload
def randn_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
    generator: Generator | None = None,
) -> Var: ...
@overload
def randn_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor: ...
def randn_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Standard normal random numbers in the shape and dtype of x.

    DTypeError (TN802) for a dtype that is not floating.

    >>> tn.randn_like(tn.zeros(2, 3)).shape
    (2, 3)
    """
    x = like(x)
    return _drawn(NORMAL, (x.shape,), x.dtype if dtype is None else dtype, requires_grad, generator, device)


def randint(
    low: int,
    high: int | tuple[int, ...] | list[int] | None = None,
    size: Shape | None = None,
    *,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Random whole numbers of [low, high), or of [0, low) as ``randint(high, size)``; int64 unless given.

    ShapeError (TN802) for an empty range.

    >>> x = tn.randint(1, 7, (100,))
    >>> x.shape, bool((x >= 1).all() & (x <= 6).all())
    ((100,), True)
    """
    if size is None and isinstance(high, list | tuple):
        low, high, size = 0, low, high
    if high is None:
        low, high = 0, low
    if size is None:
        raise TypeError("randint needs a size, as in randint(0, 10, (3,))")
    check_device(device)
    first, end = (int_of(x, f"randint: {name}") for name, x in (("low", low), ("high", high)))
    target = dtypes.int64 if dtype is None else as_dtype(dtype)
    shift = 2**63 if target is dtypes.uint64 and end > 2**63 else 0
    if not -(2**63) <= first - shift < end - shift <= 2**63:
        raise ShapeError(f"randint: [{first}, {end}) is empty or not within {target.name if shift else 'int64'}")
    for number in (first, end - 1):
        check_number("randint", number, target)
    count = (end - first + 2**63) % 2**64 - 2**63  # of all numbers it is 0
    out = recorded_draw(INTEGERS, check_shape(size, dtypes.int64), (), generator, (first - shift, count))
    out = out if dtype is None else out.to(target)
    return out + shift if shift else out


@public
def randperm(
    n: int, *, dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None
) -> Tensor:
    """The numbers 0 … n - 1 in random order: a value of shape (n,), int64 unless given; drawn at once.

    ShapeError (TN802) for a negative number.

    >>> sorted(tn.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    check_device(device)
    (n,) = check_shape((n,), dtypes.int64)
    number = chosen_or_default(generator).take()
    levels = drawing(RECORDER.vmap)
    shape = (*[level.count for level in levels], n)
    keys = philox.lanes(*number, 2 * prod(shape)).view(np.uint64).reshape(shape)
    out = wrap(np.argsort(keys, kind="stable").astype(np.int64, copy=False))
    for level in levels:
        out = select(out, 0, level)
    return out if dtype is None else out.to(as_dtype(dtype))
