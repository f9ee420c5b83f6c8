"""Multi-head attention as a layer, with PyTorch's names and layouts of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.dtypes import DTypeLike
from tenure.nn import init
from tenure.nn.backends import SDPBackend, sdpa_kernel
from tenure.nn.functional.attention import Masks, Projections, attend, averaged, check_hint, projected
from tenure.nn.linear import Linear
from tenure.nn.module import Module
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.trace.given import flag

__all__ = ["MultiheadAttention", "SDPBackend", "sdpa_kernel"]

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class MultiheadAttention(Module):
    """Multi-head attention: in ``num_heads`` parts of the features, each projected from query, key and value.

    Shapes: query (L, N, E), key (S, N, kdim) and value (S, N, vdim), with ``batch_first`` the batch in front, or
    without it. Gives the output in the shape of the query and, with ``need_weights``, what each position attends to
    (N, L, S), averaged over heads unless ``average_attn_weights=False``. In a bool mask, unlike that of
    ``functional.scaled_dot_product_attention``, True takes no part, as in PyTorch; a position that
    sees no key attends to none: zeros, to which ``out_proj`` adds its bias. ``add_bias_kv`` appends a key and a value
    that are learned, ``add_zero_attn`` ones of zeros. Owns ``in_proj_weight`` (3 · E, E), or ``q_proj_weight``,
    ``k_proj_weight`` and ``v_proj_weight`` where sizes differ, ``in_proj_bias``, ``bias_k``, ``bias_v`` and
    ``out_proj``. Source: Vaswani et al., NeurIPS 2017.

    >>> x = tn.ones(5, 2, 8)
    >>> out, weights = nn.MultiheadAttention(8, num_heads=2)(x, x, x)
    >>> out.shape, weights.shape
    ((5, 2, 8), (2, 5, 5))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if num_heads < 1 or embed_dim % num_heads or embed_dim < 1:
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of num_heads {num_heads}")
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        alike = self.kdim == self.vdim == embed_dim
        shapes = {"in_proj_weight": (3 * embed_dim, embed_dim) if alike else None}
        for name, size in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            shapes[f"{name}_proj_weight"] = None if alike else (embed_dim, size)
        shapes["in_proj_bias"] = (3 * embed_dim,) if bias else None  # type: ignore[assignment]
        for name in ("bias_k", "bias_v"):
            shapes[name] = (1, 1, embed_dim) if add_bias_kv else None  # type: ignore[assignment]
        for name, shape in shapes.items():
            self.register_parameter(name, None if shape is None else Parameter(zeros(shape, dtype=dtype)))
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        for name, p in self._parameters.items():
            if p is not None and name.endswith("weight"):
                init.xavier_uniform_(p)
            elif p is not None and name != "in_proj_bias":
                init.xavier_normal_(p)
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
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the weights or None. Masks: padding (N, S), attention (L, S) or (N · heads, L, S).

        ``is_causal`` says that ``attn_mask``, which it needs, is the causal one. ShapeError (TN802) where shapes do not
        fit, DTypeError (TN802) for a mask that is neither bool nor floating.
        """
        need_weights = flag("need_weights", need_weights)
        average_attn_weights = flag("average_attn_weights", average_attn_weights)
        check_hint(is_causal, attn_mask)
        masks = Masks(key_padding_mask, attn_mask)
        inputs = value_of(query), value_of(key), value_of(value)
        chance = self.dropout if self.training else 0.0
        form = (inputs, self._projections(), masks, chance)
        out, weights = attend(*form, batch_first=self.batch_first, zero=self.add_zero_attn)
        return out, averaged(weights, average_attn_weights) if need_weights else None

    def _projections(self) -> Projections:
        own = self._parameters
        separate = tuple([own[f"{name}_proj_weight"] for name in "qkv"])
        bias = None if self.in_proj_bias is None else value_of(self.in_proj_bias)
        inner = projected(separate if self.in_proj_weight is None else self.in_proj_weight, bias, self.embed_dim)
        out = (self.out_proj.weight, self.out_proj.bias)
        more = [None if p is None else value_of(p) for p in (self.bias_k, self.bias_v)]
        return Projections(inner, out, more, self.num_heads)
