"""Mixed precision: which functions take their operands in the dtype of ``torch.autocast("cpu")``, and which in float32.

The lists are PyTorch's for a CPU. Functions ask by one attribute whether autocast is on; layers are told once, when it
is switched on for the first time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tenure.torch.cells import Tensor
from tenure.values.operations.casting import to
from tenure.values.tensor.tensor import Tensor as Value

_LOWER = """
matmul mm bmm addmm addbmm baddbmm chain_matmul multi_dot matrix_power tensordot einsum inner vecdot linear
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d scaled_dot_product_attention prelu
"""
_FULL = """
binary_cross_entropy binary_cross_entropy_with_logits mse_loss cosine_embedding_loss nll_loss hinge_embedding_loss
poisson_nll_loss cross_entropy l1_loss smooth_l1_loss huber_loss margin_ranking_loss soft_margin_loss
triplet_margin_loss multi_margin_loss ctc_loss kl_div multilabel_margin_loss
grid_sample avg_pool3d max_pool3d max_pool3d_with_indices adaptive_avg_pool3d adaptive_max_pool3d
adaptive_max_pool3d_with_indices fractional_max_pool2d fractional_max_pool3d max_unpool1d max_unpool2d max_unpool3d
polar prod quantile nanquantile cdist trace view_as_complex stft fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2
fftn ifftn rfftn irfftn cholesky cholesky_ex cholesky_inverse cholesky_solve inv inv_ex inverse pinverse lu_solve
orgqr ormqr geqrf householder_product qr svd svdvals eig eigh eigvals eigvalsh cond matrix_rank solve triangular_solve
lstsq tensorinv tensorsolve
"""
LOWER = frozenset(_LOWER.split())
"""Functions whose operands are of the lower dtype."""
FULL = frozenset(_FULL.split())
"""Functions whose operands are of float32."""
LOWER_LAYERS = (
    "Linear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d MultiheadAttention PReLU RNN LSTM"
    " RNNCell"
)
GATED_LAYERS = "GRU GRUCell LSTMCell"
"""Layers whose products are of the lower dtype, and whose state is of its own."""
FULL_LAYERS = (
    "BCELoss BCEWithLogitsLoss MSELoss CosineEmbeddingLoss NLLLoss HingeEmbeddingLoss PoissonNLLLoss CrossEntropyLoss"
    " L1Loss SmoothL1Loss HuberLoss MarginRankingLoss SoftMarginLoss TripletMarginLoss MultiMarginLoss CTCLoss"
    " KLDivLoss MultiLabelMarginLoss AvgPool3d MaxPool3d AdaptiveAvgPool3d AdaptiveMaxPool3d FractionalMaxPool2d"
    " FractionalMaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d ReflectionPad1d ReflectionPad2d ReplicationPad1d"
    " ReplicationPad2d ReplicationPad3d"
)


class Autocast:
    """The lower dtype while autocast is on, else None."""

    __slots__ = ("dtype", "is_told")

    def __init__(self) -> None:
        self.dtype: Any = None
        self.is_told = False


AUTOCAST = Autocast()


def lowered(*xs: Any) -> tuple[Any, ...]:
    """Operands in autocast's dtype, those that are floats of 32 bits or fewer."""
    return tuple([cast(x, AUTOCAST.dtype) for x in xs])


def raised(*xs: Any) -> tuple[Any, ...]:
    """Operands in float32, those that are floats of fewer bits."""
    return tuple([cast(x, "float32") for x in xs])


def rounded(x: Any) -> tuple[Any]:
    """An operand of the values that autocast's dtype holds, in its own dtype."""
    return (cast(cast(x, AUTOCAST.dtype), x._aval.dtype) if isinstance(x, Value) else x,)


def cast(x: Any, dtype: Any) -> Any:
    """A value, or a tensor, in a dtype, if it is a float of 32 bits or fewer."""
    if not isinstance(x, Value) or x._aval.dtype.kind not in "fh" or x._aval.dtype.name == "float64":
        return x
    return Tensor._of(to(x._read(), dtype)) if isinstance(x, Tensor) else to(x, dtype)


def widest(*xs: Any) -> tuple[Any, ...]:
    """Operands in the widest of their dtypes, if they are floats of 32 bits or fewer."""
    wide = any(isinstance(x, Value) and x._aval.dtype.name == "float32" for x in xs)
    return raised(*xs) if wide else xs


def of_parts(change: Callable[..., tuple[Any, ...]], x: Any) -> Any:
    """An argument changed, or the parts of one that is a tuple or a list."""
    if not isinstance(x, tuple | list):
        return change(x)[0]
    parts = [of_parts(change, part) for part in x]
    return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)


def tell(nn: Any) -> None:
    """Let the layers of ``torch.nn`` follow autocast from now on."""
    if not AUTOCAST.is_told:
        AUTOCAST.is_told = True
        for names, follow in ((LOWER_LAYERS, in_lower), (GATED_LAYERS, with_lower_weights), (FULL_LAYERS, in_full)):
            for name in names.split():
                cls = getattr(nn, name)
                cls.forward = follow(cls.forward)


def with_lower_weights(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a layer with parameters, of which it takes copies in the lower dtype under autocast; its input is
    rounded to that dtype, and keeps its own."""

    @functools.wraps(forward)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if AUTOCAST.dtype is None:
            return forward(self, *args, **kwargs)
        held = [(m._parameters, dict(m._parameters)) for m in self.modules()]
        if args:
            args = of_parts(rounded, args[0]), *args[1:]
        try:
            for parameters, own in held:
                parameters.update(zip(own, lowered(*own.values()), strict=True))
            return forward(self, *args, **kwargs)
        finally:
            for parameters, own in held:
                parameters.update(own)

    return call


def in_lower(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a layer whose parameters and arguments are of the lower dtype under autocast."""
    inner = with_lower_weights(forward)

    @functools.wraps(forward)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if AUTOCAST.dtype is None:
            return forward(self, *args, **kwargs)
        return inner(self, *of_parts(lowered, args), **{k: of_parts(lowered, x) for k, x in kwargs.items()})

    return call


def in_full(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a layer whose operands are of float32 under autocast."""

    @functools.wraps(forward)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if AUTOCAST.dtype is None:
            return forward(self, *args, **kwargs)
        return forward(self, *raised(*args), **kwargs)

    return call
