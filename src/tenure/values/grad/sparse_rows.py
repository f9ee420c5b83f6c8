"""Sparse gradients: some rows of a tensor whose others are zero.

    index = [2, 5, 2]      rows = [a, b, c]      stand for zeros with a + c in row 2 and b in row 5

Every operation here costs what the listed rows cost, but for ``to_dense`` and the sum with a tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self, overload

import numpy as np

from tenure.devices import sparse_coo
from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError, GradientError, OutOfRange, ShapeError, shown
from tenure.ir.aval import Aval
from tenure.values.grad.sparse_form import Form, text
from tenure.values.operations.at import AtIndex
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.operations.factories import zeros
from tenure.values.operations.norms import vector_norm
from tenure.values.operations.reading import value_of
from tenure.values.operations.scattering import segment_sum
from tenure.values.operations.shaping import concat
from tenure.values.rules.sites import here, site
from tenure.values.trace import record
from tenure.values.trace.given import check_shape, number
from tenure.values.trace.spelling import write_to_a_value

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand, Shape


class Entries(NamedTuple):
    """Listed rows: ``index`` (n,) and ``rows`` (n, …). Where they are ``padded``, an index equal to the number of all
    rows stands for nothing; where they are ``united``, the index rises, names no row twice and lists no padding."""

    index: Any
    rows: Any
    padded: bool = False
    united: bool = False

    def mapped(self, function: Callable[[Any], Any]) -> Entries:
        """The same index with other rows."""
        return self._replace(rows=function(self.rows))


new_entries: Callable[[tuple[Any, ...]], Entries] = partial(tuple.__new__, Entries)
"""Entries of all four parts: as the class, without its defaults and their time."""


class SparseRows(Form):
    """Some rows of a tensor whose others are zero, as PyTorch's sparse gradients: a value, and no Tensor.

    ``SparseRows(indices, values, shape)`` has values (n, …) in the rows at the indices (n,) or (1, n) of a tensor of a
    shape; a row that is named twice is the sum. It is what ``.grad`` of a leaf shows that was used by rows with
    ``sparse=True``; there it can be written, too. OutOfRange (TN801) for a row outside, TN802 for what does not fit.

    >>> g = tn.SparseRows([2, 0, 2], [[1.0], [2.0], [3.0]], (4, 1))
    >>> g.coalesce().indices(), g.coalesce().values()
    (tensor([[0, 2]]), tensor([[2.],
            [4.]]))
    """

    __slots__ = ("_entries",)
    __array_ufunc__ = None
    is_sparse = True
    _entries: Entries

    def __init__(self, indices: ArrayLike, values: ArrayLike, shape: Shape) -> None:
        index, rows = value_of(indices), value_of(values)
        if index.dtype.kind not in "iu":
            raise DTypeError(f"SparseRows: indices of dtype {index.dtype.name}", help="indices are integers")
        index, sizes = index.long().reshape(-1), check_shape(shape)
        if not sizes or rows.shape != (*index.shape, *sizes[1:]):
            raise ShapeError(
                f"SparseRows: {index.shape[0]} indices and values of shape {list(rows.shape)} in {list(sizes)}"
            )
        outside = [i for i in array_of(index).tolist() if not 0 <= i < sizes[0]]
        if outside:
            raise OutOfRange(f"SparseRows: index {outside[0]} is out of range for axis 0 of size {sizes[0]}")
        self._aval, self._entries = Aval(sizes, rows._aval.dtype), Entries(index, rows)

    @classmethod
    def of(cls, aval: Aval, entries: Entries) -> SparseRows:
        """Rows of a tensor of an aval."""
        out = object.__new__(SparseRows)
        out._aval, out._entries = aval, entries
        return out

    def _with(self, function: Callable[[Any], Any]) -> SparseRows:
        return SparseRows.of(self._aval, self._entries.mapped(function))

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows through the values: with ``create_graph`` alone."""
        return bool(self._entries.rows.requires_grad)

    @property
    def value(self) -> SparseRows:
        """The rows at this moment."""
        return SparseRows.of(self._aval, self._entries)

    # -- what it lists

    def is_coalesced(self) -> bool:
        """Whether the index rises and names no row twice."""
        return self._entries.united

    def coalesce(self) -> SparseRows:
        """The same with each row named once, in order, and the sums of its values. Reads the index."""
        if self._entries.united:
            return self.value
        index, rows, *_ = self._packed()
        named, where = np.unique(array_of(index), return_inverse=True)
        sums = segment_sum(rows, wrap(where.reshape(-1)), len(named))
        return SparseRows.of(self._aval, Entries(wrap(named), sums, united=True))

    def gathered(self) -> SparseRows:
        """The same with each row named once, padded to a power of two, so that a sum that grows keeps its shape for a
        while. Reads the index."""
        index, rows, *_ = self._packed()
        named, where = np.unique(array_of(index), return_inverse=True)
        room = np.full(1 << max(len(named) - 1, 0).bit_length(), self.shape[0], np.int64)
        room[: len(named)] = named
        sums = segment_sum(rows, wrap(where.reshape(-1)), len(room))
        return SparseRows.of(self._aval, Entries(wrap(room), sums, padded=True))

    def _packed(self) -> Entries:
        """The rows without padding."""
        entries = self._entries
        if not entries.padded:
            return entries
        array = array_of(entries.index)
        (kept,) = np.nonzero(array != self.shape[0])
        return Entries(wrap(array[kept]), entries.rows[wrap(kept)])

    def indices(self) -> Tensor:
        """The rows that are listed (1, n). GradientError (TN804) before ``coalesce()``."""
        self._refuse_repeated("indices")
        return self._indices()

    def values(self) -> Tensor:
        """The values of the rows that are listed (n, …). GradientError (TN804) before ``coalesce()``."""
        self._refuse_repeated("values")
        return self._values()

    def _refuse_repeated(self, name: str) -> None:
        if not self._entries.united:
            raise GradientError(
                f"{name}() of rows some of which may be listed twice",
                at=site(here()),
                help=f"coalesce first: g.coalesce().{name}(); or g._{name}() for them as they are",
            )

    def _indices(self) -> Tensor:
        return self._packed().index.reshape(1, -1)  # type: ignore[no-any-return]

    def _values(self) -> Tensor:
        return self._packed().rows  # type: ignore[no-any-return]

    def _nnz(self) -> int:
        return int(self._packed().rows.shape[0])

    # -- other forms

    def to_dense(self) -> Tensor:
        """A tensor with all rows: a value of its own, in the graph of the values if they have one."""
        return self.__radd__(zeros(self.shape, dtype=self.dtype))  # type: ignore[no-any-return]

    def detach(self) -> SparseRows:
        """The same rows without a graph."""
        return self._with(lambda rows: rows.detach())

    def clone(self) -> SparseRows:
        """The same rows."""
        return self.value

    def cpu(self) -> SparseRows:
        """The same rows: there is one device."""
        return self.value

    def to(self, dtype: DTypeLike) -> SparseRows:
        """The rows in another dtype."""
        rows = self._entries.rows.to(dtype)
        return SparseRows.of(Aval(self.shape, rows.dtype), self._entries._replace(rows=rows))

    def norm(self, p: float = 2.0) -> Tensor:
        """The norm of order ``p`` of all elements; rows that are listed twice count as their sum. Reads the index."""
        return vector_norm(self.coalesce()._entries.rows, p)

    def sum(self) -> Tensor:
        """The sum of all elements."""
        return self._values().sum()

    def clamp(self, min: float | None = None, max: float | None = None) -> SparseRows:
        """The same with every listed element within bounds that 0 lies within. Reads the index."""
        low, high = (0 if x is None else number("clamp", name, x) for name, x in (("min", min), ("max", max)))
        if not low <= 0 <= high:
            raise ValueError(f"clamp of sparse rows: the others are zero, which is not within {min} and {max}")
        return self.coalesce()._with(lambda rows: rows.clamp(min, max))

    clip = clamp

    # -- arithmetic

    def __neg__(self) -> SparseRows:
        return self._with(lambda rows: -rows)

    def __mul__(self, other: Operand) -> SparseRows:
        return self._with(lambda rows: rows * scalar(other, "mul"))

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> SparseRows:
        return self._with(lambda rows: rows / scalar(other, "div"))

    @overload
    def __add__(self, other: SparseRows) -> SparseRows: ...
    @overload
    def __add__(self, other: Tensor) -> Tensor: ...
    def __add__(self, other: Any) -> SparseRows | Tensor:
        if not isinstance(other, SparseRows):
            return self.__radd__(other)  # type: ignore[no-any-return]
        self._refuse_unlike(other)
        (i, x, padded, _), (j, y, also, _) = self._entries, other._entries
        return SparseRows.of(self._aval, Entries(concat([i, j]), concat([x, y]), padded or also))

    @overload
    def __sub__(self, other: SparseRows) -> SparseRows: ...
    @overload
    def __sub__(self, other: Tensor) -> Tensor: ...
    def __sub__(self, other: Any) -> SparseRows | Tensor:
        return self + -other  # type: ignore[no-any-return]

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, record._Tensor):
            return NotImplemented
        base: Any = value_of(other)
        self._refuse_unlike(base)
        index, rows, *_ = self._packed()
        return AtIndex(base, index).add(rows)

    def __rsub__(self, other: Any) -> Any:
        return (-self).__radd__(other)

    mul, multiply, div, divide, neg, add, sub = __mul__, __mul__, __truediv__, __truediv__, __neg__, __add__, __sub__

    def _refuse_unlike(self, other: Any) -> None:
        if other._aval.shape != self.shape or other._aval.dtype is not self.dtype:
            mine, others = (f"{x._aval.dtype.name}{list(x._aval.shape)}" for x in (self, other))
            raise ShapeError(f"sparse rows of {mine} and {others} do not go together", at=site(here()))

    # -- writes: of the gradient of a leaf, as .grad shows it

    def _update(self, new: Any) -> Self:
        raise write_to_a_value()

    def zero_(self) -> Self:
        """Write zeros: no row is listed any more."""
        index, rows, *_ = self._entries
        return self._update(SparseRows.of(self._aval, Entries(index[:0], rows[:0], united=True)))

    def mul_(self, other: Operand) -> Self:
        """Multiply by a number."""
        return self._update(self * other)

    def div_(self, other: Operand) -> Self:
        """Divide by a number."""
        return self._update(self / other)

    def neg_(self) -> Self:
        """Turn the sign."""
        return self._update(-self)

    def add_(self, other: Any) -> Self:
        """Add other rows."""
        return self._update(self + other)

    def sub_(self, other: Any) -> Self:
        """Subtract other rows."""
        return self._update(self - other)

    def clamp_(self, min: float | None = None, max: float | None = None) -> Self:
        """Keep every element within bounds that 0 lies within. Reads the index."""
        return self._update(self.clamp(min, max))

    def copy_(self, other: Any) -> Self:
        """Write other rows."""
        return self._update(other)

    multiply_, divide_, clip_ = mul_, div_, clamp_
    __imul__, __itruediv__, __iadd__, __isub__ = mul_, div_, add_, sub_

    def __setitem__(self, key: Any, v: Any) -> None:
        raise TypeError("sparse rows are not written by index: .to_dense() is a tensor")

    # -- refusals

    def numpy(self) -> NoReturn:
        """Refusal: there is no array of sparse rows; TypeError."""
        raise TypeError("sparse rows are no array: take .to_dense(), or .coalesce() and its indices() and values()")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.numpy()

    def __len__(self) -> int:
        return self.shape[0]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"sparse rows have no attribute {name!r}: .to_dense() is a tensor", name=name, obj=self)

    def __copy__(self) -> SparseRows:
        return self.value

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseRows:
        return self.detach()

    def __reduce__(self) -> Any:
        index, rows, _, united = self._packed()
        given = array_of(index).copy(), array_of(rows.detach()).copy(), self.shape, united
        return rows_again, (*given, self.dtype.name)

    def __repr__(self) -> str:
        index, rows, *_ = self._packed()
        first, second = (text(array_of(x)) for x in (index.reshape(1, -1), rows.detach()))
        values = f"values={second}".replace("\n", "\n" + " " * len("values="))
        said = [f"size={self.shape}", f"nnz={rows.shape[0]}"]
        said += [] if self.dtype.name in ("float32", "complex64") else [f"dtype={self.dtype!r}"]
        said += [f"layout={sparse_coo}"]
        said += [f"grad_fn=<{rows._grad_fn_name()}>"] if rows.requires_grad else []
        lines = [f"indices={first}", values, ", ".join(said)]
        return "tensor(" + ",\n".join(lines).replace("\n", "\n" + " " * len("tensor(")) + ")"


def scalar(x: Any, name: str) -> Any:
    """A number, or a tensor of one, by which rows are multiplied or divided."""
    if isinstance(x, record._Tensor):
        x = value_of(x)
        if x._aval.shape == ():
            return x
    elif type(x) in (bool, int, float, complex) or isinstance(x, np.number):
        return x
    said = f"a tensor of shape {list(x._aval.shape)}" if isinstance(x, record._Tensor) else shown(x)
    raise TypeError(f"{name}: sparse rows and a number, not {said}: .to_dense() is a tensor")


def rows_again(index: Any, rows: Any, shape: tuple[int, ...], united: bool, dtype: str) -> SparseRows:
    """Rows from what was pickled."""
    values = wrap(rows).to(dtype)
    return SparseRows.of(Aval(shape, values.dtype), Entries(wrap(index), values, united=united))


def joined(x: Any, y: Any) -> Any:
    """Sum of two gradients: sparse where both are."""
    return x + y if isinstance(x, SparseRows) or not isinstance(y, SparseRows) else y.__radd__(x)
