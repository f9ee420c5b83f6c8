"""Attention, and the layer of a transformer's encoder, with PyTorch's names and layouts of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError, ShapeError
from tenure.nn import functional, init
from tenure.nn.functional.layer import shares
from tenure.nn.linear import Linear
from tenure.nn.module import Module
from tenure.nn.normalize import LayerNorm
from tenure.nn.regularize import Dropout
from tenure.values.operations.arithmetic import where
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class MultiheadAttention(Module):
    """Multi-head attention: in ``num_heads`` parts of the features, each projected from query, key and value.

    Shapes: query (L, N, E), key and value (S, N, E), with ``batch_first`` the batch in front, or without it.
    Gives the output in the shape of the query and, with ``need_weights``, what each position attends to
    (N, L, S), averaged over heads unless ``average_attn_weights=False``. In a bool mask, unlike that of
    ``functional.scaled_dot_product_attention``, True takes no part, as in PyTorch; a position that
    sees no key attends to none: zeros, to which ``out_proj`` adds its bias. Owns ``in_proj_weight`` (3 · E, E),
    ``in_proj_bias`` and ``out_proj``. Source: Vaswani et al., NeurIPS 2017.

    >>> x = tn.ones(5, 2, 8)
    >>> out, weights = nn.MultiheadAttention(8, num_heads=2)(x, x, x)
    >>> out.shape, weights.shape
    ((5, 2, 8), (2, 5, 5))
    """

    in_proj_bias: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of num_heads {num_heads}")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.in_proj_weight = Parameter(zeros(3 * embed_dim, embed_dim, dtype=dtype))
        self.register_parameter("in_proj_bias", Parameter(zeros(3 * embed_dim, dtype=dtype)) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        init.xavier_uniform_(self.in_proj_weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)

    def forward(
        self,
        query: Tensor,
        key: ArrayLike,
        value: ArrayLike,
        key_padding_mask: ArrayLike | None = None,
        need_weights: bool = True,
        attn_mask: ArrayLike | None = None,
        average_attn_weights: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the weights or None. Masks: padding (N, S), attention (L, S) or (N · heads, L, S)."""
        need_weights = flag("need_weights", need_weights)
        average_attn_weights = flag("average_attn_weights", average_attn_weights)
        q, k, v = (self._batched(name, x) for name, x in (("query", query), ("key", key), ("value", value)))
        q, k, v = (self._heads(x, part) for part, x in enumerate((q, k, v)))
        n, length, count = q.shape[0], q.shape[2], k.shape[2]
        scores = (q * (1.0 / math.sqrt(self.head_dim))) @ k.mT
        if attn_mask is not None:
            mask = value_of(attn_mask)
            scores = _masked(scores, mask.reshape(n, self.num_heads, length, count) if mask.ndim == 3 else mask)
        if key_padding_mask is not None:
            scores = _masked(scores, value_of(key_padding_mask).reshape(n, 1, 1, count))
        masked = attn_mask is not None or key_padding_mask is not None
        weights = shares(scores) if masked else functional.softmax(scores, -1)
        weights = functional.dropout(weights, self.dropout, self.training)
        mixed = (weights @ v).permute(0, 2, 1, 3).reshape(n, length, self.embed_dim)
        out = self.out_proj(mixed)
        if average_attn_weights:
            weights = weights.mean(axis=1)
        if len(query.shape) == 2:
            return out[0], weights[0] if need_weights else None
        return out if self.batch_first else out.transpose(0, 1), weights if need_weights else None

    def _batched(self, name: str, x: Any) -> Any:
        """The input as (batch, length, features), from either layout."""
        x = value_of(x)
        if x.ndim not in (2, 3) or x.shape[-1] != self.embed_dim:
            raise ShapeError(
                f"attention: {name} has shape {list(x.shape)}, where 2 or 3 axes are expected,"
                f" the last of size {self.embed_dim}"
            )
        if x.ndim == 2:
            return x.unsqueeze(0)
        return x if self.batch_first else x.transpose(0, 1)

    def _heads(self, x: Any, part: int) -> Any:
        """The projection to query, key or value (part 0, 1, 2): (batch, heads, length, features of a head)."""
        rows = slice(part * self.embed_dim, (part + 1) * self.embed_dim)
        bias = None if self.in_proj_bias is None else self.in_proj_bias[rows]
        y = functional.linear(x, self.in_proj_weight[rows], bias)
        return y.reshape(*x.shape[:2], self.num_heads, self.head_dim).permute(0, 2, 1, 3)


def _masked(scores: Any, mask: Any) -> Any:
    """Scores without the positions that a bool mask excludes, or with a float mask added."""
    if mask.dtype.kind == "b":
        return where(mask, -math.inf, scores)
    if not mask.dtype.is_floating:
        raise DTypeError(f"attention: a mask of dtype {mask.dtype.name}", help="a mask is bool or floating")
    return scores + mask


class TransformerEncoderLayer(Module):
    """Encoder layer of a transformer: self-attention and two affine maps, each with dropout, skip and normalization.

    ``norm_first`` normalizes what goes into each part, else what comes out of the sum. ``activation`` is
    "relu", "gelu" or a function. Shapes and bool masks as in ``MultiheadAttention``.

    >>> nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)(tn.ones(5, 2, 8)).shape
    (5, 2, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        named: dict[str, Callable[[Tensor], Tensor]] = {"relu": functional.relu, "gelu": functional.gelu}
        if isinstance(activation, str) and activation not in named:
            raise ValueError(f"activation is 'relu', 'gelu' or a function, not {activation!r}")
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first, dtype=dtype)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, dtype=dtype)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = named[activation] if isinstance(activation, str) else activation

    def forward(
        self, src: ArrayLike, src_mask: ArrayLike | None = None, src_key_padding_mask: ArrayLike | None = None
    ) -> Tensor:
        """The encoded input, in its shape."""
        x = value_of(src)
        masks = src_mask, src_key_padding_mask
        if self.norm_first:
            x = x + self._attend(self.norm1(x), *masks)
            return x + self._feed(self.norm2(x))
        x = self.norm1(x + self._attend(x, *masks))
        return self.norm2(x + self._feed(x))

    def _attend(self, x: Tensor, mask: Any, padding: Any) -> Tensor:
        return self.dropout1(
            self.self_attn(x, x, x, key_padding_mask=padding, need_weights=False, attn_mask=mask)[0]
        )

    def _feed(self, x: Tensor) -> Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))
