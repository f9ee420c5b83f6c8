"""Tables of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.dtypes import DTypeLike
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.places.parameter import Parameter
from tenure.values.rules.modes import no_grad

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class Embedding(Module):
    """Table of vectors: the rows of ``weight`` (num_embeddings, embedding_dim) at given indices.

    Owns ``weight``, which starts normal; the row ``padding_idx`` starts at zero and gets no gradient.
    TN801, when the result is read, for an index outside the rows.

    >>> nn.Embedding(10, 4)(tn.tensor([1, 2, 1])).shape
    (3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = within(padding_idx, num_embeddings)
        self.weight = Parameter(zeros(num_embeddings, embedding_dim, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            no_grad().apply(self.weight.__setitem__, self.padding_idx, 0.0)

    def forward(self, input: ArrayLike) -> Tensor:
        """The rows at indices (…): (…, embedding_dim)."""
        return functional.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes, and the row that stands for nothing."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class EmbeddingBag(Module):
    """Sums, means or maxima of rows of ``weight`` (num_embeddings, embedding_dim), one for each bag of indices.

    Owns ``weight``, which starts normal; the row ``padding_idx`` starts at zero, counts for nothing and gets no
    gradient. See ``functional.embedding_bag``.

    >>> nn.EmbeddingBag(10, 4)(tn.tensor([[1, 2, 1], [0, 0, 3]])).shape
    (2, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        mode: str = "mean",
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"mode is 'sum', 'mean' or 'max', not {mode!r}")
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.mode = mode
        self.include_last_offset = include_last_offset
        self.padding_idx = within(padding_idx, num_embeddings)
        self.weight = Parameter(zeros(num_embeddings, embedding_dim, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            no_grad().apply(self.weight.__setitem__, self.padding_idx, 0.0)

    def forward(
        self, input: ArrayLike, offsets: ArrayLike | None = None, per_sample_weights: ArrayLike | None = None
    ) -> Tensor:
        """The rows (bags, embedding_dim) of bags of indices (bags, n), or (n,) with ``offsets``."""
        return functional.embedding_bag(
            input,
            self.weight,
            offsets,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The sizes, the way and the row that stands for nothing."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}, mode={self.mode!r}{padding}"


def within(padding_idx: int | None, rows: int) -> int | None:
    """The row that stands for nothing, counted from the first one."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ValueError(f"padding_idx {padding_idx} is not within the {rows} rows")
    return padding_idx % rows
