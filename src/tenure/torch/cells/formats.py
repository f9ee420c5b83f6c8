"""Memory formats: orders of the axes in memory that programs ask for by name (c10/core/MemoryFormat.h).

The elements stay in C order here; a format is kept as the strides of the result, which decide what can be viewed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tenure.torch.cells.geometry import Layout, follows, layout
from tenure.torch.cells.layout import laid, stored
from tenure.torch.cells.windows import layout as layout_of
from tenure.torch.errors import refuse

ORDERS = {"channels_last": (0, 2, 3, 1), "channels_last_3d": (0, 2, 3, 4, 1)}
"""Axes of each format from the outermost to the innermost."""
_FOLLOWING = """
conv2d conv3d conv_transpose2d conv_transpose3d max_pool2d max_pool3d avg_pool2d avg_pool3d adaptive_avg_pool2d
adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d batch_norm group_norm interpolate upsample pad
pixel_unshuffle pixel_shuffle channel_shuffle roll lp_pool2d
"""
LAYERS = re.compile(
    r"(Lazy)?(Conv|ConvTranspose|BatchNorm)[23]d|(Adaptive)?(Avg|Max)Pool[23]d|GroupNorm|Upsample.*|Pixel.*|ChannelShuffle"
    r"|(Zero|Constant|Reflection|Replication)Pad[23]d"
)
"""Layers of the first kind."""
_POINTWISE = """
relu relu6 elu selu celu silu gelu mish hardswish hardsigmoid hardtanh leaky_relu prelu rrelu softplus softsign
tanhshrink hardshrink softshrink logsigmoid sigmoid tanh threshold dropout alpha_dropout glu local_response_norm
"""
_LAID = """
mse_loss l1_loss smooth_l1_loss huber_loss kl_div binary_cross_entropy binary_cross_entropy_with_logits poisson_nll_loss
gaussian_nll_loss soft_margin_loss hinge_embedding_loss
sort argsort msort index_fill index_put fliplr flipud diff normalize select_scatter slice_scatter diagonal_scatter
"""
_LOSSES = "mse l1 smoothl1 huber kldiv bce bcewithlogits poissonnll gaussiannll softmargin hingeembedding"
LOSSES = frozenset(_LOSSES.split())
"""Losses of an element each, in small letters."""
SUGGESTS = {
    **dict.fromkeys(_FOLLOWING.split(), "following"), **dict.fromkeys(_POINTWISE.split(), "laid"),
    **dict.fromkeys(_LAID.split(), "laid"), **dict.fromkeys(("cat", "concat", "concatenate"), "shared"),
}  # fmt: skip
"""Functions whose result follows its operands: the format of the first that has one, all axes' order, or the format
that all have."""
ACTIVATIONS = frozenset(_POINTWISE.replace("_", "").split())
"""Layers of the second kind, in small letters."""


def name_of(memory_format: Any) -> str:
    """The name of a format; that of what keeps the operand's order for None."""
    return "preserve_format" if memory_format is None else memory_format.name


def is_in(of: Layout, name: str) -> bool:
    """Whether elements lie without gaps in a format."""
    order = ORDERS.get(name)
    if order is None:
        return of.is_contiguous
    if len(of.shape) != len(order):
        return False
    return follows(tuple([of.shape[k] for k in order]), tuple([of.strides[k] for k in order]))


def suggested(of: Layout) -> str:
    """The format that strides look like (``suggest_memory_format``)."""
    for name, order in ORDERS.items():
        if len(order) == len(of.shape) and of.strides[1] != 0:
            least = 0
            for k in reversed(order):
                n, step = of.shape[k], of.strides[k]
                if n == 0 or step < least or (k == 0 and least == of.strides[1]):
                    break
                least = step * max(n, 1)
            else:
                return name
    return "contiguous_format"


def changes(x: Any, memory_format: Any) -> bool:
    """Whether a tensor is to be copied to have a format."""
    return memory_format.name not in ("preserve_format", suggested(layout_of(x)))


def formatted(result: Any, memory_format: Any, operands: Sequence[Any]) -> Any:
    """A new tensor in a format; without one it keeps the order of its operands."""
    name = name_of(memory_format)
    if name == "preserve_format":
        return laid(result, operands)
    return in_order(result, name)


def made_in(result: Any, memory_format: Any) -> Any:
    """A new tensor of no operand in a format."""
    if memory_format is not None and memory_format.name == "preserve_format":
        raise refuse("unsupported memory format Preserve")
    return result if memory_format is None else in_order(result, memory_format.name)


def in_order(result: Any, name: str) -> Any:
    """A new tensor with the strides of a format; RuntimeError where it has other axes."""
    order = ORDERS.get(name)
    if order is not None:
        shape = result._val._aval.shape
        if len(shape) != len(order):
            raise refuse(f"required rank {len(order)} tensor to use {name} format")
        strides, step = [0] * len(shape), 1
        for axis in reversed(order):
            strides[axis] = step
            step *= shape[axis]
        result._layout = layout(shape, tuple(strides))
    return result


def following(result: Any, operands: Sequence[Any]) -> Any:
    """A result in the channels-last format of the first operand that has it; else in C order."""
    for x in operands:
        if getattr(x, "_window", None) is not None or getattr(x, "_layout", None) is not None:
            name = suggested(layout_of(x))
            if name in ORDERS and len(result._val._aval.shape) == len(ORDERS[name]):
                return in_order(result, name)
    return result


def shared(result: Any, operands: Sequence[Any]) -> Any:
    """A result in the format that all operands have; else in C order."""
    for x in operands:
        if getattr(x, "_window", None) is not None or getattr(x, "_layout", None) is not None:
            names = {suggested(layout_of(y)) for y in operands if len(y._aval.shape) == len(result._val._aval.shape)}
            return following(result, operands) if len(names) == 1 else result
    return result


def way_of(layer: str) -> Callable[..., Any] | None:
    """Function that lays the result of a layer of a name as its input or weight, from the result, the layer and its
    input; None for C order always."""
    if layer.lower() in ACTIVATIONS or layer.lower().removesuffix("loss") in LOSSES:
        return as_input
    if layer in ("RNN", "LSTM", "GRU", "MultiheadAttention"):
        return in_time
    return weighed if "Conv" in layer and LAYERS.fullmatch(layer) else in_format if LAYERS.fullmatch(layer) else None


def as_input(result: Any, layer: Any, x: Any = None, *others: Any) -> Any:
    """The result of a layer, with its axes in the order of its input's."""
    return result if x is None or (x._window is None and x._layout is None) else laid(result, (x,))


def in_time(result: Any, layer: Any, *others: Any) -> Any:
    """The result of a layer that computes step by step: a view of that with the batch second, if it comes first."""
    return stored(result, order=(1, 0, 2)) if layer.batch_first and len(result._val._aval.shape) == 3 else result


def in_format(result: Any, layer: Any, x: Any = None, *others: Any) -> Any:
    """The result of a layer in the format of its input."""
    return following(result, (x,))


def weighed(result: Any, layer: Any, x: Any = None, *others: Any) -> Any:
    """The result of a convolution in the format of its input, else of its weight."""
    weight = layer.__dict__["_parameters"].get("weight")
    return following(result, (x, weight))
