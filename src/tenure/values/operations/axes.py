"""Arguments that name axes: as ints, under either of the names ``axis`` and ``dim``."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.typing import Axes

NOT_GIVEN: Any = object()
"""Default of an argument for which None is a valid value."""


def check_axis(axis: Any, ndim: int, what: str = "axis") -> int:
    """A non-negative axis; TN801 outside the dimensions, TN802 for what is no int."""
    if type(axis) is not int:
        if isinstance(axis, bool):
            raise DTypeError(f"{what} is an int, not {shown(axis)}")
        try:
            axis = operator.index(axis)
        except TypeError:
            raise DTypeError(f"{what} is an int, not {shown(axis)}") from None
    if not -ndim <= axis < ndim:
        raise OutOfRange(f"{what} {axis} is out of range for a tensor of {ndim} dimensions")
    return axis + ndim if axis < 0 else axis  # type: ignore[no-any-return]


def check_dim(axis: Any, ndim: int) -> int:
    """A non-negative axis, as PyTorch counts them: what has none is a list of one for 0 and -1."""
    return 0 if ndim == 0 and type(axis) is int and axis in (0, -1) else check_axis(axis, ndim)


def is_axis(x: Any) -> bool:
    """Whether an argument can be one axis or several."""
    return x is None or {int, *map(type, x if isinstance(x, tuple | list) else (x,))} == {int}


def check_axes(axis: Axes, ndim: int) -> tuple[int, ...]:
    """Ascending, distinct, non-negative axes; all of them for None. 0 and -1 are taken, as in PyTorch, where there is
    none."""
    if axis is None or (ndim == 0 and type(axis) is int and axis in (0, -1)):
        return tuple(range(ndim))
    if isinstance(axis, tuple | list):
        if ndim == 0 and len(axis) == 1:
            return check_axes(axis[0], 0)
        axes = sorted([check_axis(a, ndim) for a in axis])
        if len(set(axes)) < len(axes):
            raise ShapeError(f"an axis is named twice in {shown(list(axis))}")
        return tuple(axes)
    return (check_axis(axis, ndim),)


def reduction(axis: Axes, ndim: int, keepdims: bool, keepdim: bool = False) -> tuple[Any, ...]:
    """Parameters of a reduction over axes; cached for the usual calls."""
    if axis is None or type(axis) is int:
        try:
            found = _REDUCTIONS.get((axis, ndim, keepdims, keepdim))
        except TypeError:  # an object without a hash is no flag
            found = None
        if found is not None:
            return found
        keeps = kept(keepdims, keepdim)
        made = _REDUCTIONS[axis, ndim, keepdims, keepdim] = (("axes", check_axes(axis, ndim)), ("keepdims", keeps))
        return made
    return (("axes", check_axes(axis, ndim)), ("keepdims", kept(keepdims, keepdim)))


_REDUCTIONS: dict[tuple[int | None, int, bool, bool], tuple[Any, ...]] = {}


def kept(keepdims: Any, keepdim: Any) -> bool:
    """Value of ``keepdims`` or ``keepdim``."""
    if keepdims is False and keepdim is False:
        return False
    return flag("keepdims", keepdims) or flag("keepdim", keepdim)


def one_of(x: Any, y: Any, names: str = "axis and dim") -> Any:
    """An argument under either of its names."""
    if x is not None and y is not None:
        raise TypeError(f"{names} are two names of one argument: give one of them")
    return y if x is None else x
