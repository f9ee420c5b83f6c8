"""The same elements in another shape or order."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import move, promote
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.axes import NOT_GIVEN, check_axes, check_axis, one_of
from tenure.values.operations.groups import joined, many
from tenure.values.operations.reading import value_of
from tenure.values.trace import record
from tenure.values.trace.given import MOST_AXES, check_shape, chosen, flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes, Shape

RESHAPE = Operation("reshape", move.reshape, "ViewBackward0")
PERMUTE = Operation("permute_dims", move.permute, "PermuteBackward0")
TRANSPOSE = Operation("transpose", move.permute, "TransposeBackward0")
BROADCAST = Operation("broadcast_to", move.broadcast_to, "ExpandBackward0")
CONCAT = Operation("concat", promote.join, "CatBackward0")
STACK = Operation("stack", promote.pile, "StackBackward0")
FLIP = Operation("flip", move.flip, "FlipBackward0")
PAD = Operation("pad", move.pad, "ConstantPadNdBackward0")
SQUEEZE = Operation("squeeze", move.reshape, "SqueezeBackward0")
UNSQUEEZE = Operation("unsqueeze", move.reshape, "UnsqueezeBackward0")
AXIS, ORDER, SHAPE = ("axis",), ("order",), ("shape",)
"""Names of parameters."""


def _sizes(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape


def reshape(x: ArrayLike, *sizes: Shape, shape: Shape | None = None, copy: bool | None = None) -> Tensor:
    """x in another shape with as many elements, in C order; one size may be -1, and follows from the others.

    The shape is given as ints, as one sequence or by name. ``copy`` is the array API's: a value is its own copy.
    ShapeError (TN802) if the number of elements differs.

    >>> tn.reshape(tn.arange(6), 2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    x = value_of(x)
    if shape is not None:
        sizes = chosen("reshape", sizes, shape, None)
    if copy is not None:
        flag("reshape: copy", copy)
    sizes = _sizes(sizes)
    for n in sizes:
        if type(n) is not int or n < 0:
            break
    else:
        if len(sizes) <= MOST_AXES:
            return apply_one(RESHAPE, x, parameters(SHAPE, sizes))
    shape = x._aval.shape
    for n in (*shape, *sizes):
        if type(n) is not int:
            return apply_one(RESHAPE, x, _filled(shape, sizes))
    return apply_one(RESHAPE, x, _known(shape, sizes))


def _filled(shape: tuple[int, ...], sizes: tuple[Any, ...]) -> tuple[tuple[str, Any], ...]:
    """The parameters of a reshape with its missing size."""
    unknown = [k for k, n in enumerate(sizes) if isinstance(n, int) and n == -1]
    if not unknown:
        return (("shape", check_shape(sizes)),)
    if len(unknown) > 1:
        raise ShapeError(f"reshape: only one size may be -1, not {shown(list(sizes))}")
    rest, size = math.prod(check_shape([n for k, n in enumerate(sizes) if k not in unknown])), math.prod(shape)
    if rest == 0 or size % rest:
        raise ShapeError(f"cannot reshape {list(shape)} ({size} elements) to {list(sizes)}")
    return parameters(SHAPE, check_shape([size // rest if k in unknown else n for k, n in enumerate(sizes)]))


_known = lru_cache(maxsize=4096)(_filled)
"""The same of plain ints, found again: as quick as a shape that is given whole."""


def flatten(x: ArrayLike, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """x with the axes from start_dim to end_dim (inclusive) made one.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) where the range is empty.

    >>> tn.flatten(tn.zeros(2, 3, 4), 1).shape
    (2, 12)
    """
    x = value_of(x)
    shape = x._aval.shape
    if not shape:
        return apply_one(RESHAPE, x, (("shape", (1,)),))
    a, b = check_axis(start_dim, len(shape)), check_axis(end_dim, len(shape))
    if a > b:
        raise ShapeError(f"flatten: start_dim {start_dim} lies behind end_dim {end_dim}")
    joined = (*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :])
    return apply_one(RESHAPE, x, parameters(SHAPE, joined))


def permute_dims(x: ArrayLike, *order: Shape, axes: Shape | None = None, dims: Shape | None = None) -> Tensor:
    """x with its axes in the given order: axis k of the result is axis order[k] of x. Also called ``permute``.

    The axes are given as ints, as one sequence or by name (``dims`` is PyTorch's). OutOfRange (TN801) for an axis
    that is not there, ShapeError (TN802) unless each is named once.

    >>> tn.permute_dims(tn.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = value_of(x)
    if axes is not None or dims is not None:
        order = chosen("permute_dims", order, axes, dims)
    ndim, order = len(x._aval.shape), _sizes(order)
    for a in order:
        if type(a) is not int:
            order = tuple([check_axis(a, ndim) for a in order])
            break
    return apply_one(PERMUTE, x, _ordered(ndim, order))


permute = permute_dims


@lru_cache(maxsize=4096)
def _ordered(ndim: int, axes: tuple[int, ...]) -> Any:
    """Parameters of a permutation."""
    order = tuple([check_axis(a, ndim) for a in axes])
    if len(order) != ndim or len(set(order)) != ndim:
        raise ShapeError(f"permute_dims: {list(order)} is no order of {ndim} axes")
    return parameters(ORDER, order)


def transpose(x: ArrayLike, dim0: int, dim1: int) -> Tensor:
    """x with two axes exchanged; OutOfRange (TN801) for an axis that is not there.

    >>> tn.transpose(tn.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    x = value_of(x)
    ndim = len(x._aval.shape)
    if not (ndim or check_axes(dim0, 0) or check_axes(dim1, 0)):
        return x
    a, b = check_axis(dim0, ndim), check_axis(dim1, ndim)
    order = list(range(ndim))
    order[a], order[b] = order[b], order[a]
    return apply_one(TRANSPOSE, x, parameters(ORDER, tuple(order)))


def matrix_transpose(x: ArrayLike) -> Tensor:
    """x with its last two axes exchanged; ShapeError (TN802) where there are fewer than two.

    >>> tn.matrix_transpose(tn.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    x = value_of(x)
    if len(x._aval.shape) < 2:
        raise ShapeError(f"matrix_transpose needs two axes, and there are {len(x._aval.shape)}")
    return transpose(x, -2, -1)


def broadcast_to(x: ArrayLike, shape: Shape) -> Tensor:
    """x repeated along axes of size 1, and along new ones in front, until it has a shape.

    ShapeError (TN802) if another axis has not the size that is asked for.

    >>> tn.broadcast_to(tn.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return apply_one(BROADCAST, value_of(x), parameters(SHAPE, check_shape(shape)))


def expand(x: ArrayLike, *sizes: Shape) -> Tensor:
    """``broadcast_to`` with -1 for a size to keep, as in PyTorch.

    >>> tn.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    x = value_of(x)
    wanted = _sizes(sizes)
    lead = len(wanted) - len(x._aval.shape)
    kept = [
        x._aval.shape[k - lead] if isinstance(n, int) and n == -1 and k >= lead else n for k, n in enumerate(wanted)
    ]
    return broadcast_to(x, kept)


def squeeze(x: ArrayLike, axis: Axes = None, *, dim: Axes = None) -> Tensor:
    """x without axes of size 1: the named ones, or all.

    ShapeError (TN802) if a named axis has another size, OutOfRange (TN801) if it is not there.

    >>> tn.squeeze(tn.zeros(1, 3, 1)).shape, tn.squeeze(tn.zeros(1, 3, 1), 0).shape
    ((3,), (3, 1))
    """
    x = value_of(x)
    shape = x._aval.shape
    axis = one_of(axis, dim)
    if axis is None:
        drop = {k for k, n in enumerate(shape) if n == 1}
    else:
        drop = set(check_axes(axis, len(shape)))
        if any(shape[k] != 1 for k in drop):
            raise ShapeError(f"squeeze: axis {axis} of shape {list(shape)} has not size 1")
    return apply_one(SQUEEZE, x, parameters(SHAPE, tuple([n for k, n in enumerate(shape) if k not in drop])))


def expand_dims(x: ArrayLike, axis: Shape = NOT_GIVEN, *, dim: Shape = NOT_GIVEN) -> Tensor:
    """x with a new axis of size 1 at a position (0 by default), or at several. Also called ``unsqueeze``.

    OutOfRange (TN801) for what is no position of the result, ShapeError (TN802) for one twice.

    >>> tn.expand_dims(tn.zeros(3), 1).shape, tn.unsqueeze(tn.zeros(3), (0, 2)).shape
    ((3, 1), (1, 3, 1))
    """
    x = value_of(x)
    shape, at = x._aval.shape, _along(axis, dim)
    if type(at) in (tuple, list):
        new = check_axes(at, len(shape) + len(at))
        sizes = list(shape)
        for k in new:
            sizes.insert(k, 1)
        return apply_one(UNSQUEEZE, x, parameters(SHAPE, check_shape(tuple(sizes))))
    k = check_axis(at, len(shape) + 1)
    return apply_one(UNSQUEEZE, x, parameters(SHAPE, (*shape[:k], 1, *shape[k:])))


unsqueeze = expand_dims


def concat(
    tensors: Sequence[ArrayLike], axis: int | None = NOT_GIVEN, *, dim: int | None = NOT_GIVEN
) -> Tensor:
    """Tensors joined along an axis (0 by default). Also called ``cat``.

    Dtypes are promoted; ``axis=None`` flattens the tensors first. ShapeError (TN802) if the other axes do not agree.

    >>> tn.concat([tn.tensor([1, 2]), tn.tensor([3])])
    tensor([1, 2, 3])
    """
    xs = several("concat", tensors)
    at = _along(axis, dim)
    if at is None:
        xs, at = tuple([reshape(x, -1) for x in xs]), 0
    ndim = len(xs[0]._aval.shape)
    if ndim == 0:
        raise ShapeError("concat: 0-dimensional tensors have no axis to join", help="use stack, or axis=None")
    k = check_axis(at, ndim)
    params = parameters(AXIS, k)
    return joined(CONCAT, params, k, xs) if many(CONCAT, params, xs, k) else apply(CONCAT, xs, params)


cat = concatenate = concat


def stack(tensors: Sequence[ArrayLike], axis: int = NOT_GIVEN, *, dim: int = NOT_GIVEN) -> Tensor:
    """Tensors of one shape along a new axis (0 by default); ShapeError (TN802) if the shapes differ.

    >>> tn.stack([tn.tensor([1, 2]), tn.tensor([3, 4])], axis=1)
    tensor([[1, 3],
            [2, 4]])
    """
    xs = several("stack", tensors)
    k = check_axis(_along(axis, dim), len(xs[0]._aval.shape) + 1)
    params = parameters(AXIS, k)
    return joined(STACK, params, k, xs) if many(STACK, params, xs) else apply(STACK, xs, params)


def _along(axis: Any, dim: Any) -> Any:
    """Axis under either of its names, 0 without both; None is a valid value."""
    if axis is NOT_GIVEN:
        return 0 if dim is NOT_GIVEN else dim
    return axis if dim is NOT_GIVEN else one_of(axis, dim)


def several(name: str, tensors: Sequence[Any]) -> tuple[Tensor, ...]:
    several = type(tensors) in (list, tuple)
    if not several and (not hasattr(type(tensors), "__iter__") or isinstance(tensors, str | bytes | dict)):
        raise DTypeError(f"{name} takes a list of tensors, not {shown(tensors)}")
    xs = tuple([value_of(x) for x in tensors])
    if not xs:
        raise ShapeError(f"{name}: there is no tensor to join")
    return xs


def of_tensors(given: Sequence[Any]) -> bool:
    """Whether a list holds tensors, and is none itself."""
    return any(isinstance(x, record._Tensor) for x in given)


def flip(x: ArrayLike, *positional: Axes, axis: Axes = None, dims: Axes = None) -> Tensor:
    """x with the order of elements reversed along axes (all by default); OutOfRange (TN801) for one that is not there.

    The axes are given as ints or as one sequence. ``dims`` is PyTorch's name of ``axis``.

    >>> tn.flip(tn.tensor([1, 2, 3]))
    tensor([3, 2, 1])
    """
    x = value_of(x)
    if positional:
        axis = one_of(axis, positional[0] if len(positional) == 1 else positional)
    return apply_one(FLIP, x, (("axes", check_axes(one_of(axis, dims), len(x._aval.shape))),))


def pad(x: ArrayLike, widths: Sequence[tuple[int, int]]) -> Tensor:
    """x with zeros around: for each axis a pair (before, after); a negative width crops.

    ShapeError (TN802) unless there is a pair for each axis.

    >>> tn.pad(tn.tensor([1, 2]), [(1, 2)])
    tensor([0, 1, 2, 0, 0])
    """
    x = value_of(x)
    try:
        pairs = tuple([(operator.index(a), operator.index(b)) for a, b in widths])
    except (TypeError, ValueError):
        raise DTypeError(
            f"pad: widths is a list of pairs of ints, not {shown(widths)}",
            help="give (before, after) for each axis, as in tn.pad(x, [(1, 1), (0, 2)])",
        ) from None
    if len(pairs) != len(x._aval.shape):
        raise ShapeError(f"pad: {len(pairs)} pairs of widths for {len(x._aval.shape)} axes")
    return apply_one(PAD, x, (("widths", pairs),))
