"""Parser of indices: from the index in brackets to entries, starts and index arrays.

A basic index (ints, slices, None, …) becomes a static ``spec`` and its starts (see ``ops.index``), so that ``x[i]``
in a loop is one recorded step whatever i is. With arrays, masks or tensors in it, it becomes a ``Selection``.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from tenure.dtypes import int64
from tenure.errors import DTypeError, OutOfRange, ShapeError, VmapError, shown
from tenure.ir import likes
from tenure.ir.aval import Aval
from tenure.ops.declare import broadcast_shapes
from tenure.ops.index import Entry, Spec, ends_with_int
from tenure.values.native.hits import coded
from tenure.values.operations.creation import wrap
from tenure.values.operations.masks import positions, wrong_mask
from tenure.values.trace import given, record

SMALL = 64
"""Size up to which an index tensor with known values is checked when recorded."""
Basic = tuple[tuple[Entry, ...], tuple[int, ...]]
"""Basic index: its spec and the starts."""


class Selection(NamedTuple):
    """Advanced index (see ``ops.advanced``): ``lead`` is the shape in which the indexed tensor is seen."""

    spec: Spec
    starts: tuple[int, ...]
    arrays: tuple[Any, ...]
    at: int
    unique: bool
    lead: tuple[int, ...] | None

    @property
    def params(self) -> tuple[tuple[str, Any], ...]:
        """Static parameters of a recorded step."""
        return (("spec", self.spec), ("at", self.at), ("unique", self.unique), ("lead", self.lead))


def parse(key: Any, shape: tuple[int, ...]) -> Basic:
    """Spec and starts of a basic index; TN801 out of range, TN802 for what is no index."""
    entries = key if type(key) is tuple else (key,)
    given = sum([e is not None and e is not Ellipsis for e in entries])
    entries = complete(entries, given, len(shape))
    spec: list[Entry] = []
    starts: list[int] = []
    axis = 0
    for e in entries:
        if e is None:
            spec.append("+")
        elif e is Ellipsis:
            rest = len(shape) - given
            spec.extend([":"] * rest)
            axis += rest
        else:
            part, start = entry(e, axis, shape[axis])
            spec.append(part)
            if start is not None:
                starts.append(start)
            axis += 1
    return tuple(spec), tuple(starts)


def complete(entries: tuple[Any, ...], given: int, ndim: int) -> tuple[Any, ...]:
    """Entries with one Ellipsis among them, for the axes that the others do not take."""
    dots = sum([e is Ellipsis for e in entries])
    if given > ndim:
        raise OutOfRange(f"{given} indices for a tensor of {ndim} dimensions")
    if dots > 1:
        raise OutOfRange("an index may have only one Ellipsis (…)")
    return entries if dots else (*entries, Ellipsis)


def entry(e: Any, axis: int, size: int) -> tuple[Entry, int | None]:
    """Entry and start of an int or a slice on an axis."""
    if type(e) is slice:
        if e.start is None and e.stop is None and e.step is None:
            return ":", None
        try:
            start, stop, step = e.indices(size)
        except ValueError:
            raise ShapeError("the step of a slice is not zero") from None
        except TypeError:
            raise DTypeError(f"a slice is made of ints, not {shown(e)}") from None
        except VmapError as error:
            error.help = "x[i + tn.arange(n)] gives n elements from i on, where i differs from example to example"
            raise
        if (start, step) == (0, 1) and stop == size:
            return ":", None
        return (len(range(start, stop, step)), step), start
    try:
        i = int_of(e)
    except TypeError:
        raise DTypeError(
            f"{shown(e)} of type {type(e).__name__} is no index for axis {axis}",
            help="an index is an int, a slice, None, …, a mask, or integers in a tensor; convert a float with int(…)",
        ) from None
    if not -size <= i < size:
        raise OutOfRange(f"index {i} is out of range for axis {axis} of size {size}")
    return "i", i + size if i < 0 else i


def int_of(e: Any) -> int:
    """Python int of an index; a bool is none."""
    if isinstance(e, bool | np.bool_):
        raise TypeError
    return operator.index(e)


PLAIN = frozenset((int, type(None), type(...)))
BOUND = frozenset((int, type(None)))
Known = tuple[tuple[tuple[str, Spec], ...], tuple[int, ...], bool]
"""Parsed basic index: the parameters of a step, the starts, and whether an int is the last of its entries."""
PARSED = likes.Bounded()


@coded
def exact(key: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...] | None:
    """Exact cache key of a tuple of ints, slices of ints, None and …; None for any other index."""
    parts: list[Any] = [shape]
    for e in key:
        kind = type(e)
        if kind is slice:
            if not {type(e.start), type(e.stop), type(e.step)} <= BOUND:
                return None
            parts += (slice, e.start, e.stop, e.step)
        elif kind in PLAIN:
            parts.append(e)
        else:
            return None
    return tuple(parts)


def remembered(key: Any, shape: tuple[int, ...]) -> Known | None:
    """Cached ``parse`` of a basic index of plain ints, slices, None and …; None for any other index."""
    known = exact(key if type(key) is tuple else (key,), shape)
    if known is None:
        return None
    found = PARSED.get(known)
    if found is None:
        spec, starts = parse(key, shape)
        pair = "spec", spec
        found = PARSED.keep(known, ((pair,), starts, ends_with_int(spec)))
        likes.untracked(known, found, pair, *found[:2], spec, *spec)
    return found  # type: ignore[no-any-return]


def is_basic(key: Any) -> bool:
    """Whether an index has no array, mask or tensor in it."""
    if type(key) is not tuple:
        return not is_array(key)
    return not any(map(is_array, key))


def is_array(e: Any) -> bool:
    """Whether an entry is an index array: a mask, an array or list, a tensor."""
    return isinstance(e, list | tuple | np.ndarray | bool | np.bool_ | record._Tensor)


class Mask(NamedTuple):
    """Boolean entry: a tensor of bools; it takes as many axes as it has."""

    tensor: Any


class Constant(NamedTuple):
    """Constant index array, written by the user: it is checked when recorded, by its least and largest number where
    these are known."""

    tensor: Any
    ends: tuple[int, int] | None = None


def entries_of(key: Any) -> list[Any]:
    """Entries of an index; arrays and lists as index tensors, bools as masks, single whole numbers as ints."""
    return [_entry_of(e) if is_array(e) else e for e in (key if type(key) is tuple else (key,))]


def _entry_of(e: Any) -> Any:
    if isinstance(e, record._Tensor):
        x = e._read()
        return Mask(x) if x._aval.dtype.kind == "b" else whole(x)
    if isinstance(e, bool | np.bool_):
        return Mask(wrap(np.array(bool(e))))
    if isinstance(e, list | tuple):
        if e and set(map(type, e)) == {int} and -(2**63) <= min(e) <= max(e) < 2**63:
            return Constant(wrap(np.array(e, np.int64), Aval((len(e),), int64)), (min(e), max(e)))
        e = given.to_array(e, None)
        e = e if e.size else e.astype(np.int64)
    given.refuse_array(e)
    if e.dtype.kind == "b":
        return Mask(wrap(np.array(e)))
    if e.dtype.kind not in "iu":
        raise not_whole(e.dtype.name)
    if e.dtype == np.uint64 and e.size and e.max() > np.iinfo(np.int64).max:
        raise OutOfRange(f"index {int(e.max())} is out of range for any axis")
    return Constant(wrap(e.astype(np.int64, order="C"))) if e.ndim else int(e)


def whole(x: Any) -> Any:
    """Index tensor of whole numbers."""
    if x._aval.dtype.kind not in "iu":
        raise not_whole(x._aval.dtype.name)
    return x


def not_whole(dtype: str) -> DTypeError:
    """TN802 for an index array of another dtype."""
    return DTypeError(
        f"an index of dtype {dtype}", help="an index tensor is of integers, a mask of bools; cast it: .to(tn.int64)"
    )


def axes_of(e: Any) -> int:
    """Number of axes that an entry takes."""
    if e is None or e is Ellipsis:
        return 0
    return len(e.tensor._aval.shape) if type(e) is Mask else 1


class Reader:
    """Reader of the entries of an advanced index."""

    def __init__(self, shape: tuple[int, ...], flat: bool) -> None:
        self.shape = shape
        self.flat = flat
        self.spec: list[Any] = []
        self.starts: list[int] = []
        self.arrays: list[Any] = []
        self.lead: list[int] = []
        self.axis = self.shown = 0
        self.first: int | None = None
        self.gap = self.parted = False
        self.unique = True

    def read(self, entries: list[Any]) -> Selection:
        """Selection of the entries."""
        given = sum([axes_of(e) for e in entries])
        for e in complete(tuple(entries), given, len(self.shape)):
            if e is Ellipsis:
                self.gap = self.first is not None
                for _ in range(len(self.shape) - given):
                    self.keep(":", 1)
            elif e is None:
                self.keep("+", 0)
            elif type(e) is Mask:
                self.meet()
                self.mask(e.tensor)
            elif type(e) is Constant:
                self.array(e.tensor, e.tensor._data, e.ends)
            elif isinstance(e, record._Tensor):
                self.array(e, e._data if e._aval.size <= SMALL else None)
            else:
                self.plain(e)
        at = 0 if self.parted or self.first is None else self.first
        lead = tuple(self.lead)
        return Selection(
            tuple(self.spec),
            tuple(self.starts),
            tuple(self.arrays),
            at,
            self.unique,
            None if lead == self.shape else lead,
        )

    def keep(self, part: Any, axes: int) -> None:
        """Entry that gives an axis of the result."""
        self.gap = self.first is not None
        self.spec.append(part)
        self.shown += 1
        if axes:
            self.lead.append(self.shape[self.axis])
            self.axis += 1

    def plain(self, e: Any) -> None:
        """Int or slice."""
        part, start = entry(e, self.axis, self.shape[self.axis])
        if start is not None:
            self.starts.append(start)
        if part != "i":
            self.keep(part, 1)
            return
        self.meet()
        self.spec.append(part)
        self.lead.append(self.shape[self.axis])
        self.axis += 1

    def meet(self) -> None:
        """Entry whose axes join the block: it lies where the first of them does, if they are neighbours."""
        self.parted = self.parted or self.gap
        self.first = self.shown if self.first is None else self.first

    def array(self, x: Any, values: Any, ends: tuple[int, int] | None = None) -> None:
        """Index array; known values, of which the least and the largest may be known, are checked now."""
        size = self.shape[self.axis]
        if type(values) is np.ndarray and (ends is None or not -size <= ends[0] <= ends[1] < size):
            check_now(values, self.axis, size)
        self.meet()
        self.unique = self.unique and not x._aval.shape
        self.select(x, size)
        self.axis += 1

    def select(self, array: Any, size: int) -> None:
        """Index array for an axis of some size."""
        self.spec.append("a")
        self.arrays.append(array)
        self.lead.append(size)

    def mask(self, mask: Any) -> None:
        """Positions of a mask, as index arrays for its axes or (``flat``) one for all of them, seen as one."""
        shape = mask._aval.shape
        sizes = self.shape[self.axis : self.axis + len(shape)]
        if shape != sizes:
            raise wrong_mask(shape, sizes, self.axis)
        found = positions(mask, self.flat or not shape)
        if len(found) == 1:
            total = 1
            for n in shape:
                total *= n
            self.select(found[0], total)
        else:
            for i, n in zip(found, shape, strict=True):
                self.select(i, n)
        self.axis += len(shape)


def select(key: Any, shape: tuple[int, ...], flat: bool = False) -> Selection:
    """Selection of an index with arrays, masks or tensors. Masks are read now, as the shape depends on them."""
    found = Reader(shape, flat).read(entries_of(key))
    if len([x for x in found.arrays if x._aval.shape]) > 1:
        try:
            broadcast_shapes([x._aval.shape for x in found.arrays], "index arrays")
        except ShapeError as error:
            error.help = "all index arrays go together, element by element; for every combination use tn.ix_"
            raise
    return found


def single_mask(key: Any, shape: tuple[int, ...]) -> tuple[Any, int] | None:
    """Mask that is the only index array, with its first axis; None for any other index."""
    entries = entries_of(key)
    masks = [e for e in entries if type(e) is Mask]
    plain = [e for e in entries if type(e) is not Mask]
    if len(masks) != 1 or not masks[0].tensor._aval.shape:
        return None
    if any(e is not Ellipsis and not (type(e) is slice and e == slice(None)) for e in plain):
        return None
    before, given = 0, sum([axes_of(e) for e in entries])
    for e in complete(tuple(entries), given, len(shape)):
        if type(e) is Mask:
            break
        before += len(shape) - given if e is Ellipsis else 1
    mask = masks[0].tensor
    sizes = shape[before : before + len(mask._aval.shape)]
    if mask._aval.shape != sizes:
        raise wrong_mask(mask._aval.shape, sizes, before)
    return mask, before


def check_now(array: Any, axis: int, size: int) -> None:
    """TN801 at the line that indexes, for known values."""
    bad = (array < -size) | (array >= size)
    if bad.any():
        raise OutOfRange(f"index {int(array[bad].flat[0])} is out of range for axis {axis} of size {size}")
