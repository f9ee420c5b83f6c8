"""Tensors as sets: each element once, membership, difference.

The shape of a result depends on the values, which are read: from where sorted elements change follows how many there
are of each. All else is recorded as by any other operation, so the gradient of an element goes to its first appearance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tenure.ops import sets, sorting
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import arranging, indexing, lookup, masks
from tenure.values.operations.axes import check_axis
from tenure.values.operations.boundary import array_alone, array_of
from tenure.values.operations.creation import tensor, wrap
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

IN_ORDER = Operation("unique", sets.in_order, "UniqueBackward0")
CHANGES = Operation("unique", sets.changes)
PLACED = Operation("unique", sets.placed)
KEYS = Operation("unique", lambda x: sorting.keys(x, name="unique"))
CONTAINED = Operation("isin", sorting.contained)


class UniqueAll(NamedTuple):
    """Distinct elements, the index of the first of each, which of them each element is, and their numbers."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """Distinct elements and their numbers."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """Distinct elements, and which of them each element is."""

    values: Tensor
    inverse_indices: Tensor


class Distinct:
    """The distinct parts of a tensor along its first axis, in order or where equal ones are neighbours.

    ``order`` has the indices that sort them, unless they stay as they are; ``starts`` the positions, in that order, of
    the first of each.
    """

    def __init__(self, x: Any, consecutive: bool = False) -> None:
        self.size = x._aval.shape[0]
        self.order: Any = None
        if consecutive:
            self.rows, changed = x, apply_one(CHANGES, x, ())
        elif len(x._aval.shape) == 1 and not is_complex(x):
            self.rows, self.order, changed = apply_one(IN_ORDER, x, ())
        else:
            known = x if is_complex(x) else apply_one(KEYS, x, ())
            self.order = wrap(lexicographic(array_alone(known)))
            self.rows = lookup.take(x, self.order, 0)
            changed = apply_one(CHANGES, self.rows, ())
        if changed._kind.level is None:
            array_of(changed)  # in one run with the sorted elements, which are read later
        (self.starts,) = masks.positions(changed, True)

    @property
    def values(self) -> Tensor:
        """The distinct parts."""
        return lookup.take(self.rows, self.starts, 0)

    @property
    def counts(self) -> Tensor:
        """The number of each."""
        return tensor(self._counts())

    @property
    def indices(self) -> Tensor:
        """The index of the first of each."""
        return self.starts if self.order is None else lookup.take(self.order, self.starts, 0)

    def inverse(self, shape: tuple[int, ...]) -> Tensor:
        """The number, among the distinct parts, of each part."""
        counts = self._counts()
        numbers = tensor(np.repeat(np.arange(len(counts)), counts))
        if self.order is None:
            return numbers.reshape(shape)
        return apply(PLACED, (self.order, numbers), parameters(("shape",), shape))

    def _counts(self) -> np.ndarray[Any, Any]:
        return np.diff(array_alone(self.starts), append=self.size)


def is_complex(x: Any) -> bool:
    """Whether elements are pairs of numbers, ordered by the first that differs."""
    return x._aval.dtype.kind not in "biu" and not x._aval.dtype.is_floating


def lexicographic(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The indices (int64) that sort rows of keys, or of complex numbers, by the first that differs."""
    parts = np.stack([rows.real, rows.imag], -1) if np.iscomplexobj(rows) else rows
    columns = parts.reshape(len(rows), -1).T if parts.size else parts[:0]
    order = np.lexsort(columns[::-1]) if len(columns) else np.arange(len(rows))
    return order.astype(np.int64, copy=False)


def unique(
    x: ArrayLike,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Tensor | tuple[Tensor, ...]:
    """The distinct elements of x in order, as in PyTorch; along an axis its distinct parts, by the first that differs.

    With ``return_inverse`` also which of them each element is, with ``return_counts`` how many there are of each; they
    are in order also with ``sorted=False``, which asks for any. Each NaN is distinct. Reads x, on which the number
    depends. OutOfRange (TN801) for an axis that is not there.

    >>> tn.unique(tn.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    flag("unique: sorted", sorted)
    found: Tensor | tuple[Tensor, ...] = _distinct("unique", x, False, return_inverse, return_counts, dim)
    return found


def unique_consecutive(
    x: ArrayLike, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Tensor | tuple[Tensor, ...]:
    """The elements of x that differ from the one before, as in PyTorch; along an axis its parts. See ``tn.unique``.

    >>> tn.unique_consecutive(tn.tensor([3, 3, 1, 3]))
    tensor([3, 1, 3])
    """
    found: Tensor | tuple[Tensor, ...] = _distinct("unique_consecutive", x, True, return_inverse, return_counts, dim)
    return found


def _distinct(name: str, x: Any, consecutive: bool, inverse: Any, counts: Any, dim: Any) -> Any:
    x = value_of(x)
    k = None if dim is None else check_axis(dim, x.ndim)
    rows = x.reshape(-1) if k is None else arranging.movedim(x, k, 0)
    found = Distinct(rows, consecutive)
    out = [found.values if k is None else arranging.movedim(found.values, 0, k)]
    if flag(f"{name}: return_inverse", inverse):
        out.append(found.inverse(x.shape if k is None else (found.size,)))
    if flag(f"{name}: return_counts", counts):
        out.append(found.counts)
    return out[0] if len(out) == 1 else tuple(out)


def unique_all(x: ArrayLike) -> UniqueAll:
    """The distinct elements of x in order, with indices, inverse and counts, as in the array API.

    ``indices`` has where in the flattened x the first of each is, ``inverse_indices`` which of them each element is.
    Each NaN is distinct. Reads x, on which their number depends.

    >>> tn.unique_all(tn.tensor([3, 1, 3])).indices
    tensor([1, 0])
    """
    x = value_of(x)
    found = Distinct(x.reshape(-1))
    return UniqueAll(found.values, found.indices, found.inverse(x.shape), found.counts)


def unique_counts(x: ArrayLike) -> UniqueCounts:
    """The distinct elements of x in order, and how many there are of each. Reads x.

    >>> tn.unique_counts(tn.tensor([3, 1, 3])).counts
    tensor([1, 2])
    """
    found = Distinct(value_of(x).reshape(-1))
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: ArrayLike) -> UniqueInverse:
    """The distinct elements of x in order, and which of them each element is. Reads x.

    >>> tn.unique_inverse(tn.tensor([3, 1, 3])).inverse_indices
    tensor([1, 0, 1])
    """
    x = value_of(x)
    found = Distinct(x.reshape(-1))
    return UniqueInverse(found.values, found.inverse(x.shape))


def unique_values(x: ArrayLike) -> Tensor:
    """The distinct elements of x in order. Reads x, on which their number depends.

    >>> tn.unique_values(tn.tensor([3, 1, 3]))
    tensor([1, 3])
    """
    return Distinct(value_of(x).reshape(-1)).values


def isin(
    elements: ArrayLike, test_elements: ArrayLike, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element is one of some others, or with ``invert`` whether it is none. No NaN is one.

    ``assume_unique`` makes no difference.

    >>> tn.isin(tn.tensor([1, 2, 3]), tn.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    flag("isin: assume_unique", assume_unique)
    x, test = (tensor(y) if type(y) in (bool, int, float) else value_of(y) for y in (elements, test_elements))
    return apply(CONTAINED, (x, test), parameters(("invert",), flag("isin: invert", invert)))


def setdiff1d(x: ArrayLike, y: ArrayLike, assume_unique: bool = False) -> Tensor:
    """The distinct elements of x that are not in y, in order. Reads both, on which their number depends.

    With ``assume_unique`` the elements of x in their own order, as in NumPy.

    >>> tn.setdiff1d(tn.tensor([3, 1, 2, 3]), tn.tensor([1]))
    tensor([2, 3])
    """
    flat = value_of(x).reshape(-1)
    found = flat if flag("setdiff1d: assume_unique", assume_unique) else unique_values(flat)
    return indexing.getitem(found, isin(found, y, invert=True))
