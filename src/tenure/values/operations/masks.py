"""Masks as indices: the positions of their true elements, for which a mask is read."""

from __future__ import annotations

from typing import Any

from tenure.dtypes import int64
from tenure.errors import MaskError, ShapeError, VmapError, following
from tenure.ir.aval import Aval
from tenure.values.operations import boundary
from tenure.values.operations.creation import standing
from tenure.values.rules.rules import kind_of


def leading_mask(key: Any, shape: tuple[int, ...]) -> Any:
    """The value of a tensor of bools that fits the first axes of a shape; None for any other tensor."""
    of = key._read()
    taken = of._aval.shape
    return of if of._aval.dtype.kind == "b" and taken and taken == shape[: len(taken)] else None


def wrong_mask(shape: tuple[int, ...], sizes: tuple[int, ...], axis: int) -> MaskError:
    """TN802 for a mask that does not fit the axes that it stands for."""
    k = following(k for k, (m, n) in enumerate(zip(shape, sizes, strict=True)) if m != n)
    return MaskError(
        f"a mask of shape {list(shape)} for axes of sizes {list(sizes)}: they differ in axis {axis + k}",
        help="a mask takes as many axes as it has, and agrees with each; to mask rows, use one bool for each row",
    )


def positions(mask: Any, flat: bool) -> tuple[Any, ...]:
    """Positions of a mask's true elements, in C order: an index tensor for each axis, or (``flat``) one in all. The
    mask is read."""
    known: dict[bool, tuple[Any, ...]] | None = getattr(mask, "_positions", None)
    if known is None:
        known = mask._positions = {}
    flat = flat or len(mask._aval.shape) == 1
    found = known.get(flat)
    if found is None:
        found = known[flat] = tuple([_positioned(i) for i in _nonzero(mask, flat)])
    return found


def _nonzero(mask: Any, flat: bool) -> tuple[Any, ...]:
    try:
        array = boundary.array_alone(mask)
    except VmapError as error:
        error.message = "how many elements a mask selects differs from example to example inside a vmapped function"
        error.help = "tn.where(mask, x, 0) keeps the shape; x[mask] = v and x.at[mask].set(v) need not count them"
        raise
    if not flat and not array.ndim:
        raise ShapeError("nonzero of a 0-dimensional tensor: it has no axis", help="use bool(x), or x.reshape(1)")
    found: tuple[Any, ...] = (array.reshape(-1) if flat and array.ndim != 1 else array).nonzero()
    return found


def _positioned(i: Any) -> Any:
    array = i if i.flags.c_contiguous else i.copy()
    return standing(array, kind_of(Aval(array.shape, int64)))
