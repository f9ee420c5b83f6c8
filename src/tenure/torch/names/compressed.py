"""Sparse matrices by compressed rows (CSR): where each row begins among the columns and values."""

from __future__ import annotations

from typing import Any

from tenure.torch.cautions import COMPRESSED, INVARIANTS, caution
from tenure.torch.devices import PUBLIC, check_device
from tenure.torch.errors import refuse
from tenure.torch.names.making import as_tensor
from tenure.torch.names.sparse import SparseTensor

WIDTH = 80
"""Characters of a line that is printed."""


class CompressedRows(SparseTensor):
    """A sparse matrix whose values are listed row by row."""

    __module__, __qualname__ = "torch", "Tensor"
    is_sparse, is_sparse_csr = False, True
    layout = PUBLIC["sparse_csr"]

    def __init__(self, begins: Any, columns: Any, values: Any, size: Any) -> None:
        counts = begins[1:] - begins[:-1]
        rows = (begins[:1] * 0 + 1).cumsum(0)[:0] if not len(counts) else counts.new_tensor(range(len(counts)))
        at = rows.repeat_interleave(counts)
        super().__init__(at.new_zeros((2, len(at))), values, size, True)
        self._at[0], self._at[1] = at, columns
        self._begins, self._columns = begins, columns

    def _with(self, values: Any) -> CompressedRows:
        return CompressedRows(self._begins, self._columns, values, self.shape)

    def crow_indices(self) -> Any:
        """Number of values in front of each row, and of all."""
        return self._begins

    def col_indices(self) -> Any:
        """The column of each value."""
        return self._columns

    def indices(self) -> Any:
        """Refused: rows are compressed."""
        raise refuse("indices expected sparse coordinate tensor layout but got SparseCsr")

    def to_sparse_coo(self) -> SparseTensor:
        """The matrix with an index for each value."""
        return SparseTensor(self._at, self._all, self.shape, True)

    def to_sparse(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """``to_sparse_coo``."""
        return self.to_sparse_coo()

    def to_sparse_csr(self, dense_dim: Any = None) -> CompressedRows:
        """The matrix."""
        return self

    def coalesce(self) -> SparseTensor:
        """The matrix with an index for each value, each once."""
        return self.to_sparse_coo()

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """The matrix with its axes exchanged, with an index for each value."""
        return self.to_sparse_coo().transpose(dim0, dim1).coalesce()

    def __reduce__(self) -> Any:
        return CompressedRows, (self._begins, self._columns, self._all.detach(), tuple(self.shape))

    def __repr__(self) -> str:
        text = ""
        for name, x in (("crow_indices", self._begins), ("col_indices", self._columns), ("values", self._all.detach())):
            text += f"{',' if text else 'tensor('}{chr(10) + ' ' * 7 if text else ''}{name}="
            text += repr(x).replace("\n", "\n" + " " * (8 + len(name)))
        last = len(text) - text.rfind("\n") + 1
        for said in (f"size={tuple(self.shape)}", f"nnz={self._nnz()}", "layout=torch.sparse_csr"):
            new = last + len(said) + 2 >= WIDTH
            text += (",\n" + " " * 7 if new else ", ") + said
            last = 7 + len(said) if new else last + len(said) + 2
        return text + ")"


def sparse_csr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Any = None, *, dtype: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, check_invariants: Any = None,
) -> Any:  # fmt: skip
    """A sparse matrix of values in columns, row by row."""
    check_device(device)
    if check_invariants is None:
        caution(INVARIANTS, once=True)
    caution(COMPRESSED, once=True)
    begins, columns, given = as_tensor(crow_indices), as_tensor(col_indices), as_tensor(values, dtype=dtype)
    if size is None:
        size = (len(begins) - 1, int(columns.max()) + 1 if len(columns) else 0)
    if len(size) != 2 or len(begins) != size[0] + 1:
        raise refuse(f"crow_indices.shape[-1] must be equal to nrows + 1 = {size[0] + 1}, but got {len(begins)}")
    found = CompressedRows(begins, columns, given.detach() if requires_grad else given, size)
    return found.requires_grad_() if requires_grad else found


def to_sparse_csr(x: Any, dense_dim: Any = None) -> CompressedRows:
    """A matrix, dense or sparse, by compressed rows."""
    caution(COMPRESSED, once=True)
    coo = (x if isinstance(x, SparseTensor) else x.to_sparse()).coalesce()
    if coo.dim() != 2:
        raise refuse("Only tensors with two sparse dimensions can be converted to the SparseCsr layout, got "
                     f"self with {coo.dim()} sparse dimensions.")
    begins = coo._at.new_zeros(coo.shape[0] + 1)
    begins[1:] = coo._at[0].bincount(minlength=coo.shape[0]).cumsum(0)
    return CompressedRows(begins, coo._at[1].clone(), coo._all, coo.shape)


SparseTensor.to_sparse_csr = to_sparse_csr  # type: ignore[attr-defined]
