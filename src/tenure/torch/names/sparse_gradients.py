"""Sparse gradients, of an embedding with ``sparse=True``: the home library's rows as sparse tensors of the face."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells import Tensor
from tenure.torch.names.sparse import SparseTensor
from tenure.values.grad.sparse_rows import SparseRows


class SparseGradient(SparseTensor):
    """The sparse gradient of a leaf, which is written with it."""

    __module__, __qualname__ = "torch", "Tensor"

    def __init__(self, g: SparseRows, owner: Any) -> None:
        super().__init__(Tensor._of(g._indices()), Tensor._of(g._values()), g._aval.shape, g.is_coalesced())
        self._held, self._owner = g._entries, owner

    def _rows(self) -> SparseRows:
        return SparseRows(self._at[0]._read(), self._all._read(), tuple(self.shape))

    def _write(self, values: Any) -> SparseGradient:
        self._all = values
        if self._owner is not None:
            self._owner.grad = self
            self._held = self._owner._leaf.grad.data.value._entries
        return self

    def mul_(self, other: Any) -> SparseGradient:
        """Product with a number, in place."""
        return self._write(self._all * other)

    def div_(self, other: Any) -> SparseGradient:
        """Quotient by a number, in place."""
        return self._write(self._all / other)

    def zero_(self) -> SparseGradient:
        """Zeros, in place."""
        return self._write(self._all * 0)

    __imul__, __itruediv__ = mul_, div_


def of_rows(g: SparseRows, owner: Any) -> SparseGradient:
    """A home gradient of rows as the face's: one object while the owner has it."""
    known = None if owner is None else owner.__dict__.get("_shown")
    if known is not None and known._held is g._entries:
        return known  # type: ignore[no-any-return]
    found = SparseGradient(g, owner)
    if owner is not None:
        owner.__dict__["_shown"] = found
    return found


Tensor._of_rows = staticmethod(of_rows)  # type: ignore[attr-defined]
