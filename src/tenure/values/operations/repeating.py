"""The same elements several times: repetition, combination, windows that overlap."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import rearrange
from tenure.ops.declare import broadcast_shapes as together
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations import indexing, lookup, shaping
from tenure.values.operations.axes import check_axis, check_dim
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_shape, flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Shape

TILE = Operation("tile", rearrange.tiled, "RepeatBackward0")
INTERLEAVE = Operation("repeat_interleave", rearrange.interleaved, "RepeatInterleaveBackward0")
UNFOLD = Operation("unfold", rearrange.windows, "UnfoldBackward0")


def tile(x: ArrayLike, *repetitions: Shape, dims: Shape | None = None) -> Tensor:
    """x repeated as a whole: so often along each of the last axes, and along new ones in front.

    The numbers are given as ints or as one sequence (``dims`` in PyTorch). ShapeError (TN802) for a negative number.

    >>> tn.tile(tn.tensor([1, 2]), (2, 2))
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    x = value_of(x)
    return apply_one(TILE, x, parameters(("counts",), _counts("tile", x, repetitions, dims)))


def _counts(name: str, x: Any, given: tuple[Any, ...], dims: Any) -> tuple[int, ...]:
    """Numbers of repetitions; the result has a size that is possible."""
    if dims is not None:
        if given:
            raise TypeError(f"{name}: the repetitions are given twice")
        given = (dims,)
    counts = check_shape(given[0] if len(given) == 1 else given)
    sizes = (*[1] * (len(counts) - x.ndim), *x.shape)
    behind = (*[1] * (len(sizes) - len(counts)), *counts)
    check_shape([n * count for n, count in zip(sizes, behind, strict=True)], x.dtype)
    return counts


def tiled(x: ArrayLike, *sizes: Shape, repeats: Shape | None = None, axis: int | None = None) -> Tensor:
    """x repeated as a whole, so often along each axis, as in PyTorch; with ``axis``, the array API's ``tn.repeat``.

    ShapeError (TN802) for fewer numbers than there are axes.

    >>> tn.tensor([1, 2]).repeat(2)
    tensor([1, 2, 1, 2])
    """
    if axis is not None:
        if len(sizes) + (repeats is not None) != 1:
            raise TypeError("repeat: with axis there is one argument more, repeats")
        return repeat(x, sizes[0] if sizes else repeats, axis=axis)  # type: ignore[arg-type]
    x = value_of(x)
    counts = _counts("repeat", x, sizes, repeats)
    if len(counts) < x.ndim:
        raise ShapeError(
            f"repeat: {len(counts)} numbers for a tensor of shape {list(x.shape)}",
            help="there is one for each axis; repeat_interleave(n, dim) repeats each element",
        )
    return apply_one(TILE, x, parameters(("counts",), counts))


@public
def repeat(x: ArrayLike, repeats: int | ArrayLike, *, axis: int | None = None) -> Tensor:
    """x with each part along an axis repeated, as in the array API; of the flattened x without one.

    ``repeats`` is a number, or a list with one for each part, which is read. ShapeError (TN802) for a list of another
    length or a negative number. (The method ``x.repeat(2, 2)`` is PyTorch's, and repeats x as a whole, as ``tile``.)

    >>> tn.repeat(tn.tensor([1, 2]), 2), tn.repeat(tn.tensor([1, 2]), tn.tensor([0, 3]))
    (tensor([1, 1, 2, 2]), tensor([2, 2, 2]))
    """
    return _interleaved("repeat", x, repeats, axis)


@public
def repeat_interleave(
    x: ArrayLike, repeats: int | ArrayLike | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """x with each part along an axis repeated; of the flattened x without one. PyTorch's name of ``repeat``.

    Of one list alone, the number of each part as often as it says. ``output_size`` must be the size that follows.
    ShapeError (TN802) for a list of another length or a negative number.

    >>> tn.repeat_interleave(tn.tensor([1, 2]), 2), tn.repeat_interleave(tn.tensor([0, 3]))
    (tensor([1, 1, 2, 2]), tensor([1, 1, 1]))
    """
    if repeats is None:
        counts = value_of(x)
        x, repeats, dim = np.arange(counts.numel()), counts, 0
    found = _interleaved("repeat_interleave", x, repeats, dim)
    size = found.shape[0 if dim is None else dim] if found.shape else 1
    if output_size is not None and int_of(output_size, "repeat_interleave: output_size") != size:
        raise ShapeError(f"repeat_interleave: output_size is {output_size}, and the result has size {size}")
    return found


def _interleaved(name: str, x: Any, repeats: Any, axis: int | None) -> Tensor:
    x = value_of(x)
    x = x.reshape(-1) if axis is None and x.ndim != 1 else x
    k = check_axis(0 if axis is None else axis, x.ndim)
    if not indexing.is_int(repeats):
        counts = array_of(value_of(repeats))
        if counts.dtype.kind not in "iu":
            raise DTypeError(f"{name}: repeats of dtype {counts.dtype}", help="repeats are ints")
        if counts.size != 1:
            if counts.ndim != 1 or len(counts) != x.shape[k]:
                raise ShapeError(f"{name}: repeats of shape {list(counts.shape)} for {x.shape[k]} parts along axis {k}")
            if counts.min(initial=0) < 0:
                raise ShapeError(f"{name}: repeats are not negative: {counts.min()}")
            check_shape((*x.shape[:k], sum(counts.tolist()), *x.shape[k + 1 :]), x.dtype)
            return lookup.take(x, np.repeat(np.arange(len(counts)), counts), k)
        repeats = counts.item()
    count = int_of(repeats, f"{name}: repeats")
    if count < 0:
        raise ShapeError(f"{name}: repeats are not negative: {count}")
    check_shape((*x.shape[:k], x.shape[k] * count, *x.shape[k + 1 :]), x.dtype)
    return apply_one(INTERLEAVE, x, parameters(("axis", "count"), k, count))


def unfold(x: ArrayLike, dimension: int, size: int, step: int) -> Tensor:
    """The parts of some size along an axis, one every ``step`` elements, the elements of each as a last axis.

    ShapeError (TN802) for a size that the axis has not, or a step below 1.

    >>> tn.arange(5).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3],
            [3, 4]])
    """
    x = value_of(x)
    if not x.ndim:
        return unfold(x.reshape(1), check_dim(dimension, 0), size, step)[0]
    k, size, step = check_axis(dimension, x.ndim), int_of(size, "unfold: size"), int_of(step, "unfold: step")
    if not 0 <= size <= x.shape[k] or not 1 <= step < 2**63:
        raise ShapeError(f"unfold: parts of size {size}, one every {step}, of the {x.shape[k]} of axis {k}")
    return apply_one(UNFOLD, x, parameters(("axis", "size", "step"), k, size, step))


@public
def broadcast_shapes(*shapes: Shape) -> tuple[int, ...]:
    """The shape that tensors of some shapes have when they are broadcast together.

    ShapeError (TN802) if they do not broadcast.

    >>> tn.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    return together([check_shape(shape) for shape in shapes], "broadcast_shapes")


def broadcast_tensors(*tensors: ArrayLike) -> tuple[Tensor, ...]:
    """Tensors broadcast to the shape that they have together. Also called ``broadcast_arrays``.

    ShapeError (TN802) if they do not broadcast.

    >>> x, y = tn.broadcast_tensors(tn.zeros(2, 1), tn.zeros(3))
    >>> x.shape, y.shape
    ((2, 3), (2, 3))
    """
    xs = [value_of(x) for x in (tensors[0] if len(tensors) == 1 and type(tensors[0]) in (list, tuple) else tensors)]  # type: ignore[union-attr]
    shape = together([x.shape for x in xs], "broadcast_tensors")
    return tuple([x if x.shape == shape else shaping.broadcast_to(x, shape) for x in xs])


broadcast_arrays = broadcast_tensors


def meshgrid(*tensors: ArrayLike, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid, one tensor for each, of lists of numbers along its axes.

    With ``indexing="ij"`` axis k of the grid is that of list k, with ``"xy"`` the first two are exchanged. TypeError
    for more than one list without it, as it is "xy" in the array API and "ij" in PyTorch. ShapeError (TN802) for a
    list of more than one axis.

    >>> tn.meshgrid(tn.tensor([1, 2]), tn.tensor([3, 4]), indexing="ij")
    (tensor([[1, 1],
            [2, 2]]), tensor([[3, 4],
            [3, 4]]))
    """
    several = tensors[0] if len(tensors) == 1 and type(tensors[0]) in (list, tuple) else tensors
    xs = [value_of(x) for x in several]  # type: ignore[union-attr]
    if indexing is None and len(xs) > 1:
        raise TypeError('meshgrid is indexing="xy" in the array API and indexing="ij" in PyTorch: give one of them')
    if indexing is not None and (type(indexing) is not str or indexing not in ("ij", "xy")):
        raise DTypeError(f'meshgrid: indexing is "ij" or "xy", not {shown(indexing)}')
    for x in xs:
        if x.ndim > 1:
            raise ShapeError(f"meshgrid: a tensor of shape {list(x.shape)}, where a list of numbers is wanted")
    if indexing == "xy" and len(xs) > 1:
        found = _grid([xs[1], xs[0], *xs[2:]], (1, 0, *range(2, len(xs))))
        return (found[1], found[0], *found[2:])
    return tuple(_grid(xs, tuple(range(len(xs)))))


def _grid(xs: Sequence[Any], order: tuple[int, ...]) -> list[Tensor]:
    """Lists along the axes of a grid, each over all of it."""
    shape = tuple([x.numel() for x in xs])
    check_shape(shape)
    return [
        shaping.broadcast_to(x.reshape([-1 if k == j else 1 for j in range(len(xs))]), shape) for k, x in enumerate(xs)
    ]


def cartesian_prod(*tensors: ArrayLike) -> Tensor:
    """Every combination of one element of each list, in order: a row for each; of one list, the list itself.

    ShapeError (TN802) for a list of more than one axis.

    >>> tn.cartesian_prod(tn.tensor([1, 2]), tn.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    if len(tensors) == 1:
        return meshgrid(tensors[0])[0]
    if not tensors:
        raise ShapeError("cartesian_prod: there is no list to combine")
    return shaping.stack([x.reshape(-1) for x in meshgrid(*tensors, indexing="ij")], 1)


@public
def combinations(x: ArrayLike, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of r elements of a list, in order, each once (or more often): a row for each.

    ShapeError (TN802) for more than one axis, or r below 1.

    >>> tn.combinations(tn.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    x, r = value_of(x), int_of(r, "combinations: r")
    if x.ndim != 1 or r < 1:
        raise ShapeError(f"combinations of {r} elements of a tensor of shape {list(x.shape)}: a list is wanted")
    again, n = flag("with_replacement", with_replacement), x.numel()
    check_shape((math.comb(n + r - 1 if again and n else n, r), r), x.dtype)
    choose = itertools.combinations_with_replacement if again else itertools.combinations
    found = np.fromiter(itertools.chain.from_iterable(choose(range(n), r)), np.int64)
    return lookup.take(x, tensor(found.reshape(-1, r)), 0)
