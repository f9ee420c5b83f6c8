"""Brackets: reading and writing by index, each one recorded step (``keys`` says what an index means)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.ops import index, promote, select
from tenure.ops.promote import Operation
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import keys, masks
from tenure.values.operations.axes import one_of
from tenure.values.operations.reading import value_of, written_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace import record

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Index

GETITEM = Operation("getitem", lambda x, *s, spec: index.getitem(x, *promote.whole(s), spec=spec), "SelectBackward0")
SLICE = Operation("slice", lambda x, *s, spec: index.getitem(x, *promote.whole(s), spec=spec), "SliceBackward0")
SETITEM = Operation("setitem", promote.overwritten, "CopySlices")
INDEX = Operation("index", select.chosen, "IndexBackward0")
PUT = Operation("put", select.placed, "IndexPutBackward0")
MASKED = Operation("masked", select.masked, "MaskedFillBackward0")
TAKE_ALONG = Operation("take_along_axis", select.along, "GatherBackward0")
FILLED = Operation("masked_fill", select.filled, "MaskedFillBackward0")
NUMBERS = (bool, int, float)


def getitem(x: ArrayLike, key: Index) -> Tensor:
    """x[key]: a value with the selected elements, in the graph.

    ``key`` is any index of NumPy: ints, slices, ``...``, None, index arrays, masks, or a tuple of them. OutOfRange
    (TN801) for an index outside its axis: at once where it is an int, when the result is read where it is a tensor.
    """
    x = value_of(x)
    shape = x._aval.shape
    if type(key) is int and shape:
        size = shape[0]
        if not -size <= key < size:
            raise OutOfRange(f"index {key} is out of range for axis 0 of size {size}")
        return apply_one(GETITEM, x, first_index(len(shape)), key + size if key < 0 else key)
    known = keys.remembered(key, shape)
    if known is not None:
        params, starts, one = known
        return apply(GETITEM if one else SLICE, (x,), params, starts)
    if isinstance(key, record._Tensor):
        of = key._read()
        if of._aval.dtype.kind in "iu" and shape and of._aval.shape:
            params = rows_index(x, of)
            return apply(INDEX, (x, of), params, ())
        if masks.leading_mask(of, shape) is not None:
            return apply(INDEX, (x, *masks.positions(of, True)), masked_rows(shape, len(of._aval.shape)), ())
    if not keys.is_basic(key):
        chosen = keys.select(key, shape, flat=True)
        if chosen.arrays:
            return apply(INDEX, (x, *chosen.arrays), chosen.params, chosen.starts)
        return apply_basic(x, chosen.spec, chosen.starts)
    return apply_basic(x, *keys.parse(key, shape))


def rows_index(x: Any, of: Any) -> tuple[Any, ...]:
    """Parameters of x at an index tensor of whole numbers for the first axis; known values are checked now."""
    if type(of._data) is np.ndarray and of._aval.size <= keys.SMALL:
        keys.check_now(of._data, 0, x._aval.shape[0])
    return _rows_index(len(x._aval.shape))


@cache
def _rows_index(ndim: int) -> tuple[Any, ...]:
    return keys.Selection(("a", *[":"] * (ndim - 1)), (), (), 0, False, None).params


@lru_cache(maxsize=4096)
def masked_rows(shape: tuple[int, ...], taken: int, flat: bool = True) -> tuple[Any, ...]:
    """Parameters of x at a mask over its first ``taken`` axes, which are seen as one where they are ``flat``."""
    lead = (prod(shape[:taken]), *shape[taken:]) if flat and taken > 1 else None
    axes = 1 if flat else taken
    spec = ("a",) * axes + (":",) * (len(shape) - taken)
    return keys.Selection(spec, (), (), 0, True, lead).params


def apply_basic(x: Any, spec: index.Spec, starts: tuple[int, ...]) -> Tensor:
    """Basic index that has been parsed and checked, applied."""
    return apply(GETITEM if index.ends_with_int(spec) else SLICE, (x,), (("spec", spec),), starts)


@cache
def first_index(ndim: int) -> tuple[Any, ...]:
    """Parameters of x[int]."""
    return (("spec", ("i", *[":"] * (ndim - 1))),)


def fitting(x: Any, v: Any) -> Any:
    """Value to be written into x; 0 and 1 are bools for a tensor of bools."""
    if type(v) is complex and x._aval.dtype.is_complex:
        v = np.array(v, x._aval.dtype.numpy)
    v = written_of(v, x._aval.dtype)
    return v == 1 if type(v) is int and v in (0, 1) and x._aval.dtype.kind == "b" else v


def written(x: Any, key: Any, v: Any) -> Tensor:
    """New value of a place after ``x[key] = v``: x with v at x[key]. The last of equal indices stands."""
    v, shape = fitting(x, v), x._aval.shape
    known = keys.remembered(key, shape)
    if known is not None:
        params, starts, _ = known
    elif isinstance(key, record._Tensor) and (mask := masks.leading_mask(key, shape)) is not None:
        if alike(v, mask._aval.ndim, len(shape)):
            return at_users_line(put_masked(x, mask, 0, v))
        return at_users_line(put_rows(x, mask, v))
    elif keys.is_basic(key):
        spec, starts = keys.parse(key, shape)
        params = (("spec", spec),)
    else:
        mask = keys.single_mask(key, shape)
        if mask is not None and alike(v, mask[0]._aval.ndim, len(shape) - mask[1]):
            return at_users_line(put_masked(x, *mask, v))
        chosen = keys.select(key, shape)
        if chosen.arrays:
            return at_users_line(put(x, chosen, v, "set"))
        params, starts = (("spec", chosen.spec),), chosen.starts
    return written_at(x, params, starts, v)


def written_at(x: Any, params: Any, starts: tuple[int, ...], v: Any) -> Tensor:
    """``written`` at a basic index that has been parsed, of a number or a value."""
    h = apply(SETITEM, (x,), params, (v, *starts)) if type(v) in NUMBERS else apply(SETITEM, (x, v), params, starts)
    return at_users_line(h)


def put(x: Any, chosen: keys.Selection, v: Any, way: str) -> Tensor:
    """x with a number or value written at an advanced index: set, added, …"""
    params = (("way", way), *chosen.params)
    if type(v) in NUMBERS:
        return apply(PUT, (x, *chosen.arrays), params, (v, *chosen.starts))
    return apply(PUT, (x, *chosen.arrays, v), params, chosen.starts)


def put_rows(x: Any, mask: Any, v: Any) -> Tensor:
    """x with a number or value written where a mask over its first axes holds; the mask is read."""
    params = (("way", "set"), *masked_rows(x._aval.shape, len(mask._aval.shape), False))
    operands = (x, *masks.positions(mask, False))
    return apply(PUT, operands, params, (v,)) if type(v) in NUMBERS else apply(PUT, (*operands, v), params)


def put_masked(x: Any, mask: Any, before: int, v: Any) -> Tensor:
    """x with v where a mask over its axes from ``before`` on holds; the mask is not read."""
    params = (("before", before),)
    return apply(MASKED, (x, mask), params, (v,)) if type(v) in NUMBERS else apply(MASKED, (x, mask, v), params)


def combine_masked(x: Any, mask: Any, before: int, v: Any, function: Callable[[Any, Any], Any]) -> Tensor:
    """x with ``function(x, v)`` where a mask over its axes from ``before`` on holds."""
    behind = len(x._aval.shape) - before - mask._aval.ndim
    if type(v) not in NUMBERS and len(v._aval.shape) > behind:
        cut = len(v._aval.shape) - behind - 1
        v = v.reshape((*v._aval.shape[:cut], *[1] * mask._aval.ndim, *v._aval.shape[cut + 1 :]))
    new = function(x, v)
    if new._aval.shape != x._aval.shape:
        raise ShapeError(f"a value of shape {list(v._aval.shape)} for what a mask selects of {list(x._aval.shape)}")
    return apply(FILLED, (x, mask.reshape((*mask._aval.shape, *[1] * behind)), new))


def alike(v: Any, taken: int, rest: int) -> bool:
    """Whether a value is constant over the elements that a mask of ``taken`` axes selects, ``rest`` axes from the end
    on: it has no axis along them, or one of size 1."""
    if type(v) in NUMBERS:
        return True
    shape, behind = v._aval.shape, rest - taken
    return len(shape) <= behind or shape[len(shape) - behind - 1] == 1


def split(
    x: ArrayLike,
    sizes: int | Sequence[int] | None = None,
    dim: int = 0,
    *,
    axis: int | None = None,
    split_size_or_sections: int | Sequence[int] | None = None,
) -> tuple[Tensor, ...]:
    """x in parts along an axis: of one size (the last may be smaller), or of the given sizes.

    ``split_size_or_sections`` is PyTorch's name of ``sizes``. ShapeError (TN802) if the sizes do not sum to that of the
    axis, OutOfRange (TN801) if there is no such axis.

    >>> tn.split(tn.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    x = value_of(x)
    if split_size_or_sections is not None:
        sizes = one_of(sizes, split_size_or_sections, "split: sizes and split_size_or_sections")
    axis, size = _axis(x, dim if axis is None else one_of(axis, dim or None))
    parts = _parts(sizes if type(sizes) is int else _sizes(sizes), size, axis, x.ndim)
    return tuple([apply_one(SLICE, x, params, start) for params, start in parts])


def split_with_sizes(x: ArrayLike, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """x in parts of the given sizes along an axis; PyTorch's name of ``split`` with several sizes.

    >>> tn.split_with_sizes(tn.arange(5), [2, 3])
    (tensor([0, 1]), tensor([2, 3, 4]))
    """
    if not isinstance(split_sizes, list | tuple):
        raise DTypeError(f"split_with_sizes: the sizes are a list of ints, not {shown(split_sizes)}")
    return split(x, split_sizes, dim)


def chunk(x: ArrayLike, chunks: int, dim: int = 0, *, axis: int | None = None) -> tuple[Tensor, ...]:
    """x in at most so many parts of one size (the last may be smaller) along an axis.

    ShapeError (TN802) for a number below 1, OutOfRange (TN801) for an axis that is not there.

    >>> tn.chunk(tn.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if not is_int(chunks):
        raise DTypeError(f"chunk: the number of parts is an int, not {shown(chunks)}")
    if chunks < 1:
        raise ShapeError(f"chunk: into {chunks} parts")
    x = value_of(x)
    axis, size = _axis(x, dim if axis is None else one_of(axis, dim or None))
    return tuple(
        [apply_one(SLICE, x, params, start) for params, start in _parts(max(1, -(-size // chunks)), size, axis, x.ndim)]
    )


def _sizes(sizes: Any) -> int | tuple[int, ...]:
    """Size, or list of sizes, as Python's ints."""
    several = isinstance(sizes, list | tuple)
    if not all(map(is_int, sizes if several else (sizes,))):
        raise DTypeError(f"split: a size, or a list of sizes, is made of ints, not {shown(sizes)}")
    return tuple([operator.index(n) for n in sizes]) if several else operator.index(sizes)


def is_int(x: Any) -> bool:
    """Whether an argument is an int, as Python or NumPy has it."""
    return hasattr(type(x), "__index__") and not isinstance(x, bool | np.ndarray | record._Tensor)


def _axis(x: Any, dim: int) -> tuple[int, int]:
    """Non-negative axis and its size."""
    shape = x._aval.shape
    if type(dim) is not int:
        if not is_int(dim):
            raise DTypeError(f"axis is an int, not {shown(dim)}")
        dim = operator.index(dim)
    if not -len(shape) <= dim < len(shape):
        raise OutOfRange(f"axis {dim} is out of range for a tensor of {len(shape)} dimensions")
    return dim % len(shape), shape[dim]


@cache
def _parts(sizes: int | tuple[int, ...], size: int, axis: int, ndim: int) -> list[tuple[Any, int]]:
    """Parameters and start of each part."""
    if isinstance(sizes, int):
        if sizes < 1:
            raise ShapeError(f"split: into parts of size {sizes}")
        sizes = tuple([min(sizes, size - k) for k in range(0, size, sizes)]) or (0,)
    if sum(sizes) != size or min(sizes, default=0) < 0:
        raise ShapeError(f"split: sizes {list(sizes)} do not make up the {size} of axis {axis}")
    parts, start = [], 0
    for n in sizes:
        parts.append(((("spec", tuple([(n, 1) if k == axis else ":" for k in range(ndim)])),), start))
        start += n
    return parts


def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int = -1) -> Tensor:
    """The elements of x at integer indices along one axis; along the others both broadcast together.

    Element […, k] of the result is x[…, indices[…, k]] for the last axis. OutOfRange (TN801), when the result is read,
    for an index outside the axis.

    >>> x = tn.tensor([[10, 20], [30, 40]])
    >>> tn.take_along_axis(x, tn.tensor([[1], [0]]), axis=1)
    tensor([[20],
            [30]])
    """
    x, indices = value_of(x), value_of(indices)
    if axis is None:
        raise ShapeError(
            f"take_along_axis: along which of {len(x._aval.shape)} axes?",
            help="give axis=…; NumPy's axis=None is take_along_axis(x.flatten(), indices.flatten(), 0)",
        )
    at, _ = _axis(x, axis)
    return apply(TAKE_ALONG, (x, indices), (("axis", at),))
