"""Sorting, and the first elements in order. NaN is behind all numbers, and −0.0 equals 0.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, overload

from tenure.errors import OutOfRange, ShapeError
from tenure.ops import sorting
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.axes import check_axes, check_axis, is_axis, one_of
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

SORT = Operation("sort", sorting.part, "SortBackward0")
ARGSORT = Operation("argsort", sorting.arg_part)
TOPK = Operation("topk", lambda x, **params: sorting.part(x, name="topk", **params), "TopkBackward0")
KTH = Operation("kthvalue", sorting.one, "KthvalueBackward0")


class Ordered(NamedTuple):
    """Elements in order, or one of them, and their indices (int64): the result of PyTorch's functions of order."""

    values: Tensor
    indices: Tensor


def rows_of(x: Any, axis: Any) -> tuple[Any, int, bool]:
    """A tensor with an axis to sort along: that axis, and whether it was made for a 0-dimensional tensor, of which 0
    and -1 are axes, as in PyTorch."""
    x = value_of(x)
    ndim = len(x._aval.shape)
    if not ndim and check_axes(axis, 0) == ():
        return x.reshape(1), 0, True
    return x, check_axis(axis, ndim), False


@overload
def sort(x: ArrayLike, *, axis: int, descending: bool = False, stable: bool = True) -> Tensor: ...
@overload
def sort(x: ArrayLike, *, dim: int, descending: bool = False, stable: bool = True) -> Ordered: ...
def sort(
    x: ArrayLike,
    *positional: Any,
    axis: int | None = None,
    dim: int | None = None,
    descending: bool = False,
    stable: bool = True,
) -> Tensor | Ordered:
    """The elements of x in order along an axis, those that are equal in the order that they have in x.

    ``axis=`` has the array API's meaning: the sorted tensor. ``dim=`` has PyTorch's: a pair (values, indices). With
    ``descending`` the largest is the first, and NaN before it. The gradient goes to where an element came from.
    OutOfRange (TN801) for an axis that is not there, TypeError for neither name.

    >>> x = tn.tensor([3, 1, 2])
    >>> tn.sort(x, axis=0)
    tensor([1, 2, 3])
    >>> tn.sort(x, dim=0).indices
    tensor([1, 2, 0])
    """
    if positional or (axis is None and dim is None):
        at = repr(positional[0]) if positional and is_axis(positional[0]) else "-1"
        raise TypeError(
            "sort gives the sorted tensor in the array API and a pair (values, indices) in PyTorch: "
            f"write axis={at} or dim={at}"
        )
    flag("sort: stable", stable)
    rows, k, single = rows_of(x, one_of(axis, dim))
    length = rows._aval.shape[k]
    names = ("axis", "length", "descending")
    values, indices = apply_one(SORT, rows, parameters(names, k, length, flag("descending", descending)))
    if single:
        values, indices = values.reshape(()), indices.reshape(())
    return values if dim is None else Ordered(values, indices)


def argsort(
    x: ArrayLike,
    axis: int | None = None,
    descending: bool = False,
    *,
    stable: bool = True,
    dim: int | None = None,
) -> Tensor:
    """The indices (int64) that sort x along an axis (the last by default); of equal elements the first comes first.

    With ``descending`` the largest is the first, and NaN before it. OutOfRange (TN801) for an axis that is not there.

    >>> tn.argsort(tn.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    flag("argsort: stable", stable)
    at = one_of(axis, dim)
    rows, k, single = rows_of(x, -1 if at is None else at)
    names = ("axis", "length", "descending")
    found = apply_one(ARGSORT, rows, parameters(names, k, rows._aval.shape[k], flag("descending", descending)))
    return found.reshape(()) if single else found


def msort(x: ArrayLike) -> Tensor:
    """The elements of x in order along the first axis, as in PyTorch.

    OutOfRange (TN801) for a 0-dimensional tensor.

    >>> tn.msort(tn.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    x = value_of(x)
    return sort(x, axis=check_axis(0, x.ndim))


def topk(x: ArrayLike, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Ordered:
    """The k largest elements of x along an axis, or smallest, and their indices, in order, as in PyTorch.

    Of equal elements the first are taken, and NaN counts as the largest. They are in order also with ``sorted=False``,
    which asks for any. OutOfRange (TN801) for an axis that is not there, and for more elements than it has.

    >>> tn.topk(tn.tensor([3, 1, 2]), 2)
    Ordered(values=tensor([3, 2]), indices=tensor([0, 2]))
    """
    flag("topk: sorted", sorted)
    rows, at, single = rows_of(x, dim)
    count, size = int_of(k, "topk: k"), rows._aval.shape[at]
    if not 0 <= count <= size:
        raise OutOfRange(f"topk: {count} elements of the {size} along axis {at}")
    names = ("axis", "length", "descending")
    values, indices = apply_one(TOPK, rows, parameters(names, at, count, flag("largest", largest)))
    if single and count:
        values, indices = values.reshape(()), indices.reshape(())
    return Ordered(values, indices)


def kthvalue(x: ArrayLike, k: int, dim: int = -1, keepdim: bool = False) -> Ordered:
    """The k-th smallest element of x along an axis, counted from 1, and its index, as in PyTorch.

    Of equal elements the first is the smaller one. OutOfRange (TN801) for an axis that is not there, and for a k that
    it has not.

    >>> tn.kthvalue(tn.tensor([3, 1, 2]), 2)
    Ordered(values=tensor(2), indices=tensor(2))
    """
    rows, at, single = rows_of(x, dim)
    count, size = int_of(k, "kthvalue: k"), rows._aval.shape[at]
    if not 1 <= count <= size:
        raise OutOfRange(f"kthvalue: element {count} in order of the {size} along axis {at}")
    keeps = flag("keepdim", keepdim) and not single
    return Ordered(*apply_one(KTH, rows, parameters(("axis", "keepdims"), at, keeps), count - 1))


def nonempty(name: str, x: Any, axis: int) -> None:
    """ShapeError (TN802) for an axis without elements."""
    if not x._aval.shape[axis]:
        raise ShapeError(f"{name} over an axis of size 0 has no value: shape {list(x._aval.shape)}, axis {axis}")
