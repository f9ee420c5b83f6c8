"""Tables of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tenure.dtypes import DTypeLike
from tenure.errors import ShapeError
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.rules.modes import no_grad
from tenure.values.trace.blame import public
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class Table(Module):
    """Base of layers that own a table ``weight`` (num_embeddings, embedding_dim), of which they take rows."""

    weight: Parameter

    def _build(
        self, rows: int, size: int, padding_idx: int | None, max_norm: float | None, norm_type: float,
        by_frequency: bool, sparse: bool, weight: Any, freeze: bool, dtype: DTypeLike | None,
    ) -> None:  # fmt: skip
        self.num_embeddings, self.embedding_dim = rows, size
        self.padding_idx = within(padding_idx, rows)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = by_frequency, sparse
        if weight is None:
            self.weight = Parameter(zeros(rows, size, dtype=dtype))
            self.reset_parameters()
        else:
            value = value_of(weight)
            if value.shape != (rows, size):
                raise ShapeError(f"_weight has shape {list(value.shape)}, where {[rows, size]} is expected")
            self.weight = Parameter(value)
        if flag("_freeze", freeze):
            self.weight.requires_grad_(False)

    def reset_parameters(self) -> None:
        """Start anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            no_grad().apply(self.weight.__setitem__, self.padding_idx, 0.0)

    def _shown(self) -> str:
        """The sizes, and what is not the default."""
        defaults = {"max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False, "sparse": False}
        said = [f"{k}={getattr(self, k)}" for k, default in defaults.items() if getattr(self, k) != default]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *said])


class Embedding(Table):
    """Table of vectors: the rows of ``weight`` (num_embeddings, embedding_dim) at given indices.

    Owns ``weight``, which starts normal; the row ``padding_idx`` starts at zero and gets no gradient. ``max_norm``,
    ``norm_type``, ``scale_grad_by_freq`` and ``sparse`` as in ``functional.embedding``; with ``max_norm`` a call
    writes the weight. TN801, when the result is read, for an index outside the rows.

    >>> nn.Embedding(10, 4)(tn.tensor([1, 2, 1])).shape
    (3, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
        _weight: ArrayLike | None = None, _freeze: bool = False, device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_device(device)
        form = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, _freeze, dtype)
        self._build(num_embeddings, embedding_dim, *form)

    @classmethod
    @public
    def from_pretrained(
        cls, embeddings: ArrayLike, freeze: bool = True, padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    ) -> Self:  # fmt: skip
        """A layer that owns a place with the rows of a matrix, which is no leaf if ``freeze``.

        ShapeError (TN802) for what is no matrix.

        >>> nn.Embedding.from_pretrained(tn.tensor([[1.0, 2.0], [3.0, 4.0]]))(tn.tensor([1]))
        tensor([[3., 4.]])
        """
        rows, size = matrix("from_pretrained", embeddings)
        form = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)
        return cls(rows, size, *form)

    def forward(self, input: ArrayLike) -> Tensor:
        """The rows at indices (…): (…, embedding_dim)."""
        form = (self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)
        return functional.embedding(input, self.weight, self.padding_idx, *form)

    def extra_repr(self) -> str:
        """The sizes, the row that stands for nothing, and what is not the default."""
        sizes = f"{self.num_embeddings}, {self.embedding_dim}"
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return sizes + padding + self._shown()[len(sizes) :]


class EmbeddingBag(Table):
    """Sums, means or maxima of rows of ``weight`` (num_embeddings, embedding_dim), one for each bag of indices.

    Owns ``weight``, which starts normal; the row ``padding_idx`` starts at zero, counts for nothing and gets no
    gradient. The other arguments as in ``functional.embedding_bag``; with ``max_norm`` a call writes the weight.

    >>> nn.EmbeddingBag(10, 4)(tn.tensor([[1, 2, 1], [0, 0, 3]])).shape
    (2, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
        _weight: ArrayLike | None = None, include_last_offset: bool = False, padding_idx: int | None = None,
        device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_device(device)
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"mode is 'sum', 'mean' or 'max', not {mode!r}")
        self.mode, self.include_last_offset = mode, include_last_offset
        form = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, False, dtype)
        self._build(num_embeddings, embedding_dim, *form)

    @classmethod
    @public
    def from_pretrained(
        cls, embeddings: ArrayLike, freeze: bool = True, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:  # fmt: skip
        """A layer that owns a place with the rows of a matrix, which is no leaf if ``freeze``.

        ShapeError (TN802) for what is no matrix.

        >>> nn.EmbeddingBag.from_pretrained(tn.tensor([[1.0, 2.0], [3.0, 4.0]]))(tn.tensor([[0, 1]]))
        tensor([[2., 3.]])
        """
        rows, size = matrix("from_pretrained", embeddings)
        form = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        layer = cls(rows, size, *form)
        layer.weight.requires_grad_(not flag("freeze", freeze))
        return layer

    def forward(
        self, input: ArrayLike, offsets: ArrayLike | None = None, per_sample_weights: ArrayLike | None = None
    ) -> Tensor:
        """The rows (bags, embedding_dim) of bags of indices (bags, n), or (n,) with ``offsets``."""
        return functional.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The sizes, the way, the row that stands for nothing, and what is not the default."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self._shown()}, mode={self.mode!r}{padding}"


def matrix(name: str, x: Any) -> tuple[int, int]:
    """The sizes of a matrix; ShapeError (TN802) for what is none."""
    shape = value_of(x).shape
    if len(shape) != 2:
        raise ShapeError(f"{name}: embeddings have shape {list(shape)}; they are (count, size)")
    return shape[0], shape[1]


def within(padding_idx: int | None, rows: int) -> int | None:
    """The row that stands for nothing, counted from the first one."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ValueError(f"padding_idx {padding_idx} is not within the {rows} rows")
    return padding_idx % rows
