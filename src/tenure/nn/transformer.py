"""Transformers: the layers of their encoders and decoders, and stacks of them, with PyTorch's names of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike
from tenure.errors import ShapeError, shown
from tenure.nn import functional, init
from tenure.nn.attention import MultiheadAttention
from tenure.nn.container import ModuleList
from tenure.nn.linear import Linear
from tenure.nn.module import Module
from tenure.nn.normalize import LayerNorm
from tenure.nn.regularize import Dropout
from tenure.values.operations.creation import check_device
from tenure.values.operations.diagonals import triu
from tenure.values.operations.factories import full
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import MOST_BYTES, flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

Activation = Callable[["Tensor"], "Tensor"]


class _Layer(Module):
    """Base of layers: attention to oneself and, of a decoder, to the encoder's result, and two affine maps.

    Each part has dropout, a skip connection and a normalization.
    """

    parts: int
    """The number of parts."""

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
        named: dict[str, Activation] = {"relu": functional.relu, "gelu": functional.gelu}
        if not callable(activation) and (not isinstance(activation, str) or activation not in named):
            raise ValueError(f"activation is 'relu', 'gelu' or a function, not {shown(activation)}")
        form = (d_model, nhead)
        options: dict[str, Any] = {"dropout": dropout, "bias": bias, "batch_first": batch_first, "dtype": dtype}
        self.self_attn = MultiheadAttention(*form, **options)
        if self.parts == 3:
            self.multihead_attn = MultiheadAttention(*form, **options)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, dtype=dtype)
        self.norm_first = norm_first
        for k in range(1, self.parts + 1):
            setattr(self, f"norm{k}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
        for k in range(1, self.parts + 1):
            setattr(self, f"dropout{k}", Dropout(dropout))
        self.activation: Activation = named[activation] if isinstance(activation, str) else activation

    def _with(self, k: int, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """x and part k of it, normalized before or behind."""
        norm, dropout = self._modules[f"norm{k}"], self._modules[f"dropout{k}"]
        if self.norm_first:
            return x + dropout(part(norm(x)))  # type: ignore[no-any-return]
        return norm(x + dropout(part(x)))  # type: ignore[no-any-return]

    def _feed(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


def _attended(layer: MultiheadAttention, x: Tensor, to: Any, padding: Any, mask: Any, is_causal: bool) -> Tensor:
    masks: dict[str, Any] = {"key_padding_mask": padding, "attn_mask": mask, "is_causal": is_causal}
    return layer(x, to, to, need_weights=False, **masks)[0]


class TransformerEncoderLayer(_Layer):
    """Encoder layer of a transformer: self-attention and two affine maps, each with dropout, skip and normalization.

    ``norm_first`` normalizes what goes into each part, else what comes out of the sum. ``activation`` is
    "relu", "gelu" or a function. Shapes and bool masks as in ``MultiheadAttention``.

    >>> nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)(tn.ones(5, 2, 8)).shape
    (5, 2, 8)
    """

    parts = 2

    def forward(
        self,
        src: ArrayLike,
        src_mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The encoded input, in its shape. ``is_causal`` says that ``src_mask``, which it needs, is the causal one."""
        masks = (src_key_padding_mask, src_mask, is_causal)
        x = self._with(1, value_of(src), lambda y: _attended(self.self_attn, y, y, *masks))
        return self._with(2, x, self._feed)


class TransformerDecoderLayer(_Layer):
    """Decoder layer of a transformer: self-attention, attention to the encoder's result, and two affine maps.

    Each has dropout, a skip connection and a normalization, as in ``TransformerEncoderLayer``.

    >>> nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)(tn.ones(5, 2, 8), tn.ones(7, 2, 8)).shape
    (5, 2, 8)
    """

    parts = 3

    def forward(
        self, tgt: ArrayLike, memory: ArrayLike, tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None, tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None, tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """The decoded input, in its shape; ``memory`` is the encoder's result."""
        own = (tgt_key_padding_mask, tgt_mask, tgt_is_causal)
        other = (memory_key_padding_mask, memory_mask, memory_is_causal)
        x = self._with(1, value_of(tgt), lambda y: _attended(self.self_attn, y, y, *own))
        x = self._with(2, x, lambda y: _attended(self.multihead_attn, y, memory, *other))
        return self._with(3, x, self._feed)


def _copies(layer: Any, count: Any) -> ModuleList[Any]:
    if not isinstance(layer, Module):
        raise TypeError(f"a layer is a Module, not {shown(layer)}")
    if int_of(count, "num_layers") < 0:
        raise ShapeError(f"num_layers is not negative, and {count} is")
    if count * max(sum(p.nbytes for p in layer.parameters()), 1024) > MOST_BYTES:
        raise ShapeError(f"num_layers {count}: there is no memory for so many layers")
    return ModuleList([deepcopy(layer) for _ in range(count)])


class TransformerEncoder(Module):
    """Stack of ``num_layers`` copies of an encoder layer, and a normalization behind, if it is given.

    ``enable_nested_tensor`` and ``mask_check`` have no effect: a padded batch stays one.

    >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)
    >>> nn.TransformerEncoder(layer, num_layers=2)(tn.ones(5, 2, 8)).shape
    (5, 2, 8)
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor = flag("enable_nested_tensor", enable_nested_tensor)
        self.mask_check = flag("mask_check", mask_check)

    def forward(
        self,
        src: ArrayLike,
        mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The result of the last layer, in the shape of the input; ``is_causal`` None leaves it to the mask."""
        x: Tensor = value_of(src)
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=is_causal or False)
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Stack of ``num_layers`` copies of a decoder layer, and a normalization behind, if it is given.

    >>> layer = nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
    >>> nn.TransformerDecoder(layer, num_layers=2)(tn.ones(5, 2, 8), tn.ones(7, 2, 8)).shape
    (5, 2, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, tgt: ArrayLike, memory: ArrayLike, tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None, tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None, tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """The result of the last layer, in the shape of ``tgt``; ``memory`` is the encoder's result."""
        x: Tensor = value_of(tgt)
        masks: dict[str, Any] = {
            "tgt_mask": tgt_mask, "memory_mask": memory_mask, "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask, "tgt_is_causal": tgt_is_causal or False,
            "memory_is_causal": memory_is_causal,
        }  # fmt: skip
        for layer in self.layers:
            x = layer(x, memory, **masks)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """Transformer: an encoder and a decoder of ``d_model`` features, each normalized behind its last layer.

    Shapes: source (S, N, E), target (T, N, E), with ``batch_first`` the batch in front, or without it; the result has
    the shape of the target. ``custom_encoder`` and ``custom_decoder`` are modules in place of them. ShapeError
    (TN802) where the shapes do not fit. Source: Vaswani et al., NeurIPS 2017.

    >>> net = nn.Transformer(8, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> net(tn.ones(5, 2, 8), tn.ones(4, 2, 8)).shape
    (4, 2, 8)
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = functional.relu, custom_encoder: Module | None = None,
        custom_decoder: Module | None = None, layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        form = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        if custom_encoder is None:
            layer = TransformerEncoderLayer(d_model, nhead, *form)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(
                TransformerDecoderLayer(d_model, nhead, *form), num_decoder_layers, norm()
            )
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Start anew: matrices uniform, by Glorot's rule."""
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(
        self, src: ArrayLike, tgt: ArrayLike, src_mask: ArrayLike | None = None, tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None, src_key_padding_mask: ArrayLike | None = None,
        tgt_key_padding_mask: ArrayLike | None = None, memory_key_padding_mask: ArrayLike | None = None,
        src_is_causal: bool | None = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """The result of the decoder, in the shape of the target."""
        x, y = value_of(src), value_of(tgt)
        batch = 0 if self.batch_first else 1
        if x.ndim != y.ndim or (x.ndim == 3 and x.shape[batch] != y.shape[batch]):
            raise ShapeError(f"Transformer: src of shape {list(x.shape)} and tgt of shape {list(y.shape)}")
        for name, z in (("src", x), ("tgt", y)):
            if z.ndim not in (2, 3) or z.shape[-1] != self.d_model:
                wanted = f"2 or 3 axes are expected, the last of size {self.d_model}"
                raise ShapeError(f"Transformer: {name} has shape {list(z.shape)}, where {wanted}")
        memory = self.encoder(x, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        masks: dict[str, Any] = {
            "tgt_mask": tgt_mask, "memory_mask": memory_mask, "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask, "tgt_is_causal": tgt_is_causal,
            "memory_is_causal": memory_is_causal,
        }  # fmt: skip
        found: Tensor = self.decoder(y, memory, **masks)
        return found

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, device: str | None = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """The causal mask (sz, sz): -∞ above the diagonal, where a later position would be seen, else 0.

        >>> nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        check_device(device)
        size = int_of(sz, "generate_square_subsequent_mask: sz")
        return triu(full((size, size), -math.inf, dtype=dtype), 1)
