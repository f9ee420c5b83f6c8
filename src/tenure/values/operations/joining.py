"""Tensors joined to one, and one parted into several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tenure.errors import OutOfRange, ShapeError
from tenure.ops import rearrange
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import indexing, shaping
from tenure.values.operations.axes import check_axis, one_of
from tenure.values.operations.boundary import array_of
from tenure.values.operations.groups import joined, many
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import int_of, ints_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

MOST_PARTS = 2**16
"""Number of parts, most of them empty, that an axis of fewer elements is split into."""
BLOCK_DIAG = Operation("block_diag", rearrange.blocks, "BlockDiagBackward0")


def _row(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape or (1,)


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) > 1 else (1, *_row(shape))


def _deep(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) > 2 else (*_rows(shape), 1)


def _columns(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) > 1 else (*_row(shape), 1)


def _joining(name: str, axis: int, lead: Any) -> Operation:
    """Join of tensors along an axis, each in the shape that ``lead`` makes of its own."""

    def function(*xs: Any) -> Any:
        return rearrange.joined_as(*xs, axis=axis if name != "hstack" or xs[0].ndim > 1 else 0, lead=lead, name=name)

    return Operation(name, function, "CatBackward0")


HSTACK, VSTACK, DSTACK, COLUMNS = (
    _joining(name, axis, lead)
    for name, axis, lead in zip(
        ("hstack", "vstack", "dstack", "column_stack"), (1, 0, 2, 1), (_row, _rows, _deep, _columns), strict=True
    )
)


def hstack(tensors: Sequence[ArrayLike]) -> Tensor:
    """Tensors side by side: joined along the second axis, or along the only one.

    ShapeError (TN802) if the other axes do not agree.

    >>> tn.hstack([tn.tensor([1, 2]), tn.tensor([3])])
    tensor([1, 2, 3])
    """
    xs = shaping.several("hstack", tensors)
    return joined(HSTACK, (), 0 if len(xs[0]._aval.shape) < 2 else 1, xs) if many(HSTACK, (), xs) else apply(HSTACK, xs)


def vstack(tensors: Sequence[ArrayLike]) -> Tensor:
    """Tensors one below the other: joined along the first axis, where a tensor of one axis is a row.

    Also called ``row_stack``. ShapeError (TN802) if the other axes do not agree.

    >>> tn.vstack([tn.tensor([1, 2]), tn.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    xs = shaping.several("vstack", tensors)
    return joined(VSTACK, (), 0, xs) if many(VSTACK, (), xs) else apply(VSTACK, xs)


row_stack = vstack


def dstack(tensors: Sequence[ArrayLike]) -> Tensor:
    """Tensors one behind the other: joined along the third axis, as ``atleast_3d`` has it.

    ShapeError (TN802) if the other axes do not agree.

    >>> tn.dstack([tn.tensor([1, 2]), tn.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    xs = shaping.several("dstack", tensors)
    return joined(DSTACK, (), 2, xs) if many(DSTACK, (), xs) else apply(DSTACK, xs)


def column_stack(tensors: Sequence[ArrayLike]) -> Tensor:
    """Tensors side by side: joined along the second axis, where a tensor of one axis is a column.

    ShapeError (TN802) if the other axes do not agree.

    >>> tn.column_stack([tn.tensor([1, 2]), tn.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    xs = shaping.several("column_stack", tensors)
    return joined(COLUMNS, (), 1, xs) if many(COLUMNS, (), xs) else apply(COLUMNS, xs)


def block_diag(*tensors: ArrayLike) -> Tensor:
    """Matrices along the diagonal of a matrix that is zero elsewhere; a tensor of one axis is a row.

    ShapeError (TN802) for one of more than two axes, or none at all.

    >>> tn.block_diag(tn.tensor([[1, 2]]), tn.tensor([[3], [4]]))
    tensor([[1, 2, 0],
            [0, 0, 3],
            [0, 0, 4]])
    """
    return apply(BLOCK_DIAG, shaping.several("block_diag", tensors))


def _at_least(shape: Any, tensors: tuple[Any, ...]) -> Any:
    """One tensor, or several, each with axes of size 1 more where it has too few."""
    if len(tensors) == 1 and not (type(tensors[0]) in (list, tuple) and shaping.of_tensors(tensors[0])):
        x = value_of(tensors[0])
        return shaping.reshape(x, shape(x.shape)) if shape(x.shape) != x.shape else x
    several = tensors[0] if len(tensors) == 1 else tensors
    return tuple([_at_least(shape, (x,)) for x in several])


def atleast_1d(*tensors: ArrayLike) -> Tensor | tuple[Tensor, ...]:
    """A tensor with one axis at least; a tuple of several.

    >>> tn.atleast_1d(tn.tensor(5))
    tensor([5])
    """
    return _at_least(_row, tensors)  # type: ignore[no-any-return]


def atleast_2d(*tensors: ArrayLike) -> Tensor | tuple[Tensor, ...]:
    """A tensor with two axes at least, the new ones in front; a tuple of several.

    >>> tn.atleast_2d(tn.tensor([5, 6]))
    tensor([[5, 6]])
    """
    return _at_least(_rows, tensors)  # type: ignore[no-any-return]


def atleast_3d(*tensors: ArrayLike) -> Tensor | tuple[Tensor, ...]:
    """A tensor with three axes at least: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1); a tuple of several.

    >>> tn.atleast_3d(tn.tensor([5, 6])).shape
    (1, 2, 1)
    """
    return _at_least(_deep, tensors)  # type: ignore[no-any-return]


def unbind(x: ArrayLike, dim: int = 0, *, axis: int | None = None) -> tuple[Tensor, ...]:
    """The parts of x along an axis, each without it. Also called ``unstack``.

    OutOfRange (TN801) for an axis that is not there.

    >>> tn.unbind(tn.tensor([[1, 2], [3, 4]]), 1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    x = value_of(x)
    if axis is not None:
        dim = one_of(axis, dim or None)
    k = check_axis(dim, x.ndim)
    return tuple([_taken(x, k, n) for n in range(x.shape[k])])


def _taken(x: Any, axis: int, index: int) -> Tensor:
    """The part at an index of an axis, which is gone."""
    params = parameters(("spec",), tuple(["i" if j == axis else ":" for j in range(x.ndim)]))
    return apply_one(indexing.GETITEM, x, params, index)


def unstack(x: ArrayLike, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts of x along an axis, each without it; the array API's name of ``unbind``.

    OutOfRange (TN801) for an axis that is not there.

    >>> tn.unstack(tn.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    return unbind(x, axis)


def tensor_split(
    x: ArrayLike,
    indices_or_sections: int | ArrayLike | None = None,
    dim: int = 0,
    *,
    indices: ArrayLike | None = None,
    sections: int | None = None,
) -> tuple[Tensor, ...]:
    """x in so many parts along an axis, whose sizes differ by one at most, or parted in front of indices.

    Indices in a tensor are read. ShapeError (TN802) for less than one part, OutOfRange (TN801) for an axis that is not
    there.

    >>> tn.tensor_split(tn.arange(5), 2), tn.tensor_split(tn.arange(5), (1, 3))
    ((tensor([0, 1, 2]), tensor([3, 4])), (tensor([0]), tensor([1, 2]), tensor([3, 4])))
    """
    given = [g for g in (indices_or_sections, indices, sections) if g is not None]
    if len(given) != 1:
        raise TypeError("tensor_split: give the number of sections, or the indices in front of which to part")
    return _parted("tensor_split", x, given[0], dim)


def _parted(name: str, x: Any, where: Any, dim: int) -> tuple[Tensor, ...]:
    x = value_of(x)
    k = check_axis(dim, x.ndim, f"{name}: axis")
    n = x.shape[k]
    if not indexing.is_int(where) and not isinstance(where, list | tuple):
        where = array_of(value_of(where)).tolist()
    if indexing.is_int(where):
        count = int_of(where, f"{name}: the number of parts")
        if not 1 <= count <= max(n, MOST_PARTS):
            raise ShapeError(f"{name}: into {count} parts")
        ends = [(n // count) * j + min(j, n % count) for j in range(1, count)]
    else:
        ends = [slice(i).indices(n)[1] for i in ints_of(where, f"{name}: the indices")]
    starts = [0, *ends]
    whole: list[Any] = [slice(None)] * k
    return tuple([x[(*whole, slice(a, b))] for a, b in zip(starts, [*ends, n], strict=True)])


def hsplit(x: ArrayLike, indices_or_sections: int | ArrayLike) -> tuple[Tensor, ...]:
    """x in parts side by side: along the second axis, or along the only one.

    As ``tensor_split``, but into equal parts: ShapeError (TN802) if a number of parts does not divide the size.

    >>> tn.hsplit(tn.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    x = value_of(x)
    return _equally("hsplit", x, indices_or_sections, 1 if x.ndim > 1 else 0, 1)


def vsplit(x: ArrayLike, indices_or_sections: int | ArrayLike) -> tuple[Tensor, ...]:
    """x in parts one below the other: along the first axis, of two at least.

    As ``tensor_split``, but into equal parts: ShapeError (TN802) if a number of parts does not divide the size.

    >>> tn.vsplit(tn.arange(4).reshape(2, 2), 2)
    (tensor([[0, 1]]), tensor([[2, 3]]))
    """
    return _equally("vsplit", x, indices_or_sections, 0, 2)


def dsplit(x: ArrayLike, indices_or_sections: int | ArrayLike) -> tuple[Tensor, ...]:
    """x in parts one behind the other: along the third axis.

    As ``tensor_split``, but into equal parts: ShapeError (TN802) if a number of parts does not divide the size.

    >>> tn.dsplit(tn.arange(4).reshape(1, 2, 2), 2)[1]
    tensor([[[1],
             [3]]])
    """
    return _equally("dsplit", x, indices_or_sections, 2, 3)


def _equally(name: str, x: Any, where: Any, axis: int, least: int) -> tuple[Tensor, ...]:
    x = value_of(x)
    if x.ndim < least:
        raise ShapeError(f"{name}: a tensor of shape {list(x.shape)}, where {least} axes at least are wanted")
    if indexing.is_int(where) and int(where) > 0 and x.shape[axis] % int(where):
        raise ShapeError(f"{name}: {where} equal parts of the {x.shape[axis]} of axis {axis}")
    return _parted(name, x, where, axis)


def narrow(x: ArrayLike, dim: int, start: int, length: int) -> Tensor:
    """A contiguous part of x along an axis: so many elements from ``start``, which may count from the end.

    OutOfRange (TN801) for a part that is not there.

    >>> tn.narrow(tn.arange(5), 0, 1, 2)
    tensor([1, 2])
    """
    x = value_of(x)
    k, first = check_axis(dim, x.ndim, "narrow: dim"), int_of(start, "narrow: start")
    count, n = int_of(length, "narrow: length"), x.shape[k]
    if not -n <= first <= n or count < 0 or (first + n if first < 0 else first) + count > n:
        raise OutOfRange(f"narrow: {count} from {first} on is out of range for axis {k} of size {n}")
    first += n if first < 0 else 0
    spec = tuple([(count, 1) if j == k else ":" for j in range(x.ndim)])
    return apply_one(indexing.SLICE, x, parameters(("spec",), spec), first if count else 0)


def select(x: ArrayLike, dim: int, index: int) -> Tensor:
    """The part of x at an index along an axis, which is gone. OutOfRange (TN801) for an index outside it.

    >>> tn.select(tn.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    x = value_of(x)
    k, i = check_axis(dim, x.ndim, "select: dim"), int_of(index, "select: index")
    if not -x.shape[k] <= i < x.shape[k]:
        raise OutOfRange(f"select: index {i} is out of range for axis {k} of size {x.shape[k]}")
    return _taken(x, k, i % x.shape[k])
