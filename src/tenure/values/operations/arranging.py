"""The same elements in another order of axes, or along them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.errors import ShapeError
from tenure.ops import rearrange
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations import shaping
from tenure.values.operations.axes import check_axis, one_of
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import check_shape, int_of, ints_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes, Shape

ROLL = Operation("roll", rearrange.rolled, "RollBackward0")


def movedim(x: ArrayLike, source: Shape, destination: Shape) -> Tensor:
    """x with some axes at other positions, and the rest in their order. Also called ``moveaxis``.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for one axis twice, or not as many positions.

    >>> tn.movedim(tn.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    x = value_of(x)
    ndim = max(x.ndim, 1)
    from_axes, to_axes = (
        [check_axis(a, ndim, f"movedim: {name}") for a in ints_of(given, f"movedim: {name}")]
        for name, given in (("source", source), ("destination", destination))
    )
    if len(from_axes) != len(to_axes) or len({*from_axes}) != len(from_axes) or len({*to_axes}) != len(to_axes):
        raise ShapeError(f"movedim: axes {from_axes} to positions {to_axes}: as many of each, and each once")
    if not x.ndim:
        return x
    order = [k for k in range(ndim) if k not in from_axes]
    for to, k in sorted(zip(to_axes, from_axes, strict=True)):
        order.insert(to, k)
    return shaping.permute_dims(x, order)


moveaxis = movedim


def swapaxes(x: ArrayLike, axis0: int, axis1: int) -> Tensor:
    """x with two axes exchanged; NumPy's name of ``transpose``. OutOfRange (TN801) for an axis that is not there.

    >>> tn.swapaxes(tn.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return shaping.transpose(x, axis0, axis1)


def swapdims(x: ArrayLike, dim0: int, dim1: int) -> Tensor:
    """x with two axes exchanged, as ``transpose``. OutOfRange (TN801) for an axis that is not there.

    >>> tn.swapdims(tn.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return shaping.transpose(x, dim0, dim1)


def t(x: ArrayLike) -> Tensor:
    """The transposed matrix; a tensor of fewer than two axes itself. ShapeError (TN802) for more than two.

    >>> tn.t(tn.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    x = value_of(x)
    if x.ndim > 2:
        raise ShapeError(f"t of a tensor of shape {list(x.shape)}, which is no matrix", help="x.mT: the last two axes")
    return shaping.transpose(x, 0, 1) if x.ndim == 2 else x


def flipud(x: ArrayLike) -> Tensor:
    """x with the order along the first axis reversed; ShapeError (TN802) without an axis.

    >>> tn.flipud(tn.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    return _flipped("flipud", x, 0)


def fliplr(x: ArrayLike) -> Tensor:
    """x with the order along the second axis reversed; ShapeError (TN802) with fewer than two axes.

    >>> tn.fliplr(tn.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    return _flipped("fliplr", x, 1)


def _flipped(name: str, x: Any, axis: int) -> Tensor:
    x = value_of(x)
    if x.ndim <= axis:
        raise ShapeError(f"{name}: a tensor of shape {list(x.shape)} has no axis {axis}")
    return shaping.flip(x, axis)


def rot90(x: ArrayLike, k: int = 1, dims: Shape = (0, 1)) -> Tensor:
    """x turned k times by 90 degrees in the plane of two axes, from the first to the second.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) unless there are two.

    >>> tn.rot90(tn.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    x = value_of(x)
    plane = [check_axis(a, x.ndim, "rot90: axis") for a in ints_of(dims, "rot90: dims")]
    if len(plane) != 2 or plane[0] == plane[1]:
        raise ShapeError(f"rot90 in the plane of axes {plane}: it has two")
    turns = int_of(k, "rot90: k") % 4
    if turns == 0:
        return x
    if turns == 2:
        return shaping.flip(x, plane)
    return shaping.transpose(shaping.flip(x, plane[1 if turns == 1 else 0]), *plane)


def roll(
    x: ArrayLike, shift: Shape | None = None, axis: Axes = None, *, shifts: Shape | None = None, dims: Axes = None
) -> Tensor:
    """x with elements shifted along axes: those that leave at the end come in at the beginning.

    Without axes x is seen as one row. ``shifts`` and ``dims`` are PyTorch's names. OutOfRange (TN801) for an axis that
    is not there, ShapeError (TN802) unless there is a shift for each axis.

    >>> tn.roll(tn.tensor([1, 2, 3]), 1), tn.roll(tn.tensor([[1, 2], [3, 4]]), shifts=1, dims=0)
    (tensor([3, 1, 2]), tensor([[3, 4],
            [1, 2]]))
    """
    x = value_of(x)
    given, along = one_of(shift, shifts, "roll: shift and shifts"), one_of(axis, dims, "roll: axis and dims")
    if given is None:
        raise TypeError("roll: the shift is missing, as in roll(x, 1)")
    by = ints_of(given, "roll: the shift")
    if along is None or (type(along) in (tuple, list) and not along):
        if len(by) != 1:
            raise ShapeError(f"roll: {len(by)} shifts, and no axes")
        return _rolled(x.reshape(-1), by, (0,)).reshape(x.shape)
    axes = tuple([check_axis(a, x.ndim) for a in ints_of(along, "roll: axis")])
    if len(by) == 1:
        by *= len(axes)
    if len(by) != len(axes):
        raise ShapeError(f"roll: {len(by)} shifts for {len(axes)} axes")
    return _rolled(x, by, axes)


def _rolled(x: Any, shifts: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """x shifted along axes: the shifts are numbers of the step, so that another one is no other program."""
    starts = tuple([-shift % max(x.shape[k], 1) for shift, k in zip(shifts, axes, strict=True)])
    return apply(ROLL, (x,), parameters(("axes",), axes), starts)


def unflatten(x: ArrayLike, dim: int, sizes: Shape) -> Tensor:
    """x with one axis made several; one of their sizes may be -1, and follows from the others.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) if the sizes do not make up that of the axis.

    >>> tn.unflatten(tn.zeros(2, 12), 1, (3, -1)).shape
    (2, 3, 4)
    """
    x = value_of(x)
    k = check_axis(dim, x.ndim, "unflatten: dim")
    wanted, n = list(ints_of(sizes, "unflatten: sizes")), x.shape[k]
    unknown = [j for j, size in enumerate(wanted) if size == -1]
    rest = math.prod(check_shape([size for size in wanted if size != -1]))
    if len(unknown) == 1 and rest and n % rest == 0:
        wanted[unknown[0]] = n // rest
    elif unknown or rest != n or not wanted:
        raise ShapeError(f"unflatten: sizes {wanted} do not make up the {n} of axis {k}")
    return shaping.reshape(x, (*x.shape[:k], *wanted, *x.shape[k + 1 :]))


def ravel(x: ArrayLike) -> Tensor:
    """x in one row, in C order.

    >>> tn.ravel(tn.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return shaping.reshape(x, -1)


def reshape_as(x: ArrayLike, other: ArrayLike) -> Tensor:
    """x in the shape of another tensor; ShapeError (TN802) if that has not as many elements.

    >>> tn.arange(4).reshape_as(tn.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return shaping.reshape(x, value_of(other).shape)


def expand_as(x: ArrayLike, other: ArrayLike) -> Tensor:
    """x broadcast to the shape of another tensor; ShapeError (TN802) if it does not broadcast to that.

    >>> tn.tensor([1, 2]).expand_as(tn.zeros(2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return shaping.broadcast_to(x, value_of(other).shape)
