"""Derivatives of sampled functions along axes, by differences of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError, shown
from tenure.values.operations.axes import check_axes, one_of
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.given import int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes


@public
def gradient(
    x: ArrayLike,
    *,
    spacing: float | Sequence[float] | Sequence[ArrayLike] = 1,
    dim: Axes = None,
    edge_order: int = 1,
    axis: Axes = None,
) -> tuple[Tensor, ...]:
    """The derivative along each axis (all by default) of a function whose values are given, of second order inside.

    ``spacing`` is how far apart they are: a number for all axes, one for each, or a list of places for each. At the
    ends differences have order ``edge_order``, 1 or 2. Whole numbers become the default float. ShapeError (TN802) for
    another number of spacings or places, or too few values; ValueError for another order; OutOfRange (TN801) for an
    axis that is not there.

    >>> tn.gradient(tn.tensor([1.0, 4.0, 9.0]))
    (tensor([3., 4., 5.]),)
    """
    x = value_of(x)
    x = x if x._aval.dtype.has_gradient else x.to(dtypes.default_float)
    order = int_of(edge_order, "gradient: edge_order")
    if order not in (1, 2):
        raise ValueError(f"gradient: edge_order is 1 or 2, not {order}")
    axes = check_axes(one_of(axis, dim), len(x._aval.shape))
    found = []
    for k, width in zip(axes, _spacings(spacing, len(axes)), strict=True):
        if x._aval.shape[k] <= order:
            raise ShapeError(f"gradient: {x._aval.shape[k]} values along axis {k}, where {order + 1} are wanted")
        line = x.movedim(k, -1)
        slope = _even(line, width, order) if isinstance(width, int | float) else _uneven(line, width, order)
        found.append(at_users_line(slope.movedim(-1, k)))
    return tuple(found)


def _spacings(spacing: Any, count: int) -> list[Any]:
    """A number, or a list of places, for each axis."""
    if isinstance(spacing, bool | int | float):
        return [number("gradient", "spacing", spacing)] * count
    if not isinstance(spacing, list | tuple):
        raise DTypeError(
            f"gradient: spacing is a number, or a list with one or a tensor for each axis, not {shown(spacing)}"
        )
    if len(spacing) != count:
        raise ShapeError(f"gradient: {len(spacing)} spacings for {count} axes")
    return [number("gradient", "spacing", s) if isinstance(s, bool | int | float) else value_of(s) for s in spacing]


def _even(x: Any, width: float, order: int) -> Any:
    """The slopes along the last axis of values that are equally far apart."""
    inside = (x[..., 2:] - x[..., :-2]) / (2 * width)
    if order == 1:
        first, last = x[..., 1:2] - x[..., :1], x[..., -1:] - x[..., -2:-1]
    else:
        first = -1.5 * x[..., :1] + 2 * x[..., 1:2] - 0.5 * x[..., 2:3]
        last = 1.5 * x[..., -1:] - 2 * x[..., -2:-1] + 0.5 * x[..., -3:-2]
    return concat([first / width, inside, last / width], -1)


def _uneven(x: Any, places: Any, order: int) -> Any:
    """The slopes along the last axis of values at given places, by parabolas through three neighbours."""
    size = x._aval.shape[-1]
    if places._aval.shape != (size,):
        raise ShapeError(f"gradient: places of shape {list(places._aval.shape)} for {size} values")
    places = places if places._aval.dtype.has_gradient else places.to(dtypes.default_float)
    step = places[1:] - places[:-1]
    rise = (x[..., 1:] - x[..., :-1]) / step
    left, right = step[:-1], step[1:]
    inside = (right * rise[..., :-1] + left * rise[..., 1:]) / (left + right)
    first, last = rise[..., :1], rise[..., -1:]
    if order == 2:
        first = first + (first - rise[..., 1:2]) * (step[:1] / (step[:1] + step[1:2]))
        last = last + (last - rise[..., -2:-1]) * (step[-1:] / (step[-1:] + step[-2:-1]))
    return concat([first, inside, last], -1)
