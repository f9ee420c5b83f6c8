"""Sparse gradients as ``.grad`` shows them: sparse tensors that can be written."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells import Tensor
from tenure.torch.cells.windows import look
from tenure.torch.names.sparse import SparseTensor
from tenure.values.grad.sparse_place import RowsPlace
from tenure.values.grad.sparse_rows import SparseRows


class SparseGradient(SparseTensor):
    """Rows of a gradient, those of a leaf or those that a hook is given; what writes it writes the leaf's."""

    def __init__(self, rows: SparseRows) -> None:
        self._rows = rows
        self._renew()

    @classmethod
    def at(cls, place: RowsPlace) -> SparseGradient:
        """The gradient of a leaf: one object, as long as the leaf has it."""
        shown: SparseGradient | None = place._shown
        if shown is None:
            shown = place._shown = cls(place.data)
        elif shown._rows._entries is not place._read()._entries:
            shown._rows = place.data
            shown._renew()
        return shown

    def _renew(self) -> SparseGradient:
        at, values = Tensor._of(self._rows._indices()), Tensor._of(self._rows._values())
        super().__init__(at, values, self._rows.shape, self._rows.is_coalesced())
        return self

    data = property(lambda self: self)

    def zero_(self) -> SparseGradient:
        """Write zeros: no row is listed any more."""
        return self._written("zero_")

    def neg_(self) -> SparseGradient:
        """Turn the sign."""
        return self._written("neg_")

    def mul_(self, other: Any) -> SparseGradient:
        """Multiply by a number."""
        return self._written("mul_", other)

    def div_(self, other: Any) -> SparseGradient:
        """Divide by a number."""
        return self._written("div_", other)

    def add_(self, other: Any, *, alpha: Any = 1) -> SparseGradient:
        """Add another sparse tensor."""
        return self._written("add_", other if alpha == 1 else other * alpha)

    def sub_(self, other: Any, *, alpha: Any = 1) -> SparseGradient:
        """Subtract another sparse tensor."""
        return self._written("sub_", other if alpha == 1 else other * alpha)

    def copy_(self, other: Any) -> SparseGradient:
        """Write another sparse tensor."""
        return self._written("copy_", other)

    def clamp_(self, min: Any = None, max: Any = None) -> SparseGradient:
        """Keep every element within bounds that 0 lies within."""
        return self._written("clamp_", min, max)

    def _written(self, name: str, *args: Any) -> SparseGradient:
        getattr(self._rows, name)(*[rows_of(x) if isinstance(x, SparseTensor) else plain(x) for x in args])
        return self._renew()

    __imul__, __itruediv__, __iadd__, __isub__ = mul_, div_, add_, sub_


def plain(x: Any) -> Any:
    """A tensor of the face as a value; anything else as it is."""
    return look(x) if isinstance(x, Tensor) else x


def rows_of(x: Any) -> SparseRows:
    """The rows of a sparse tensor, as a gradient has them: the first axis alone is listed."""
    if isinstance(x, SparseGradient):
        return x._rows.value
    me = x if x.sparse_dim() == 1 else x.to_dense().to_sparse(1)
    return SparseRows(look(me._at).reshape(-1), look(me._all), tuple(me.shape))


SparseTensor._as_rows = rows_of
