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
matmul mm bmm mv addmm addbmm baddbmm addmv chain_matmul multi_dot tensordot einsum linear conv1d conv2d conv3d
conv_transpose1d conv_transpose2d conv_transpose3d scaled_dot_product_attention bilinear inner
"""
_FULL = """
avg_pool3d binary_cross_entropy binary_cross_entropy_with_logits grid_sample polar prod quantile nanquantile stft cdist
trace view_as_complex cholesky inverse pinverse mse_loss cosine_embedding_loss nll_loss hinge_embedding_loss
poisson_nll_loss cross_entropy l1_loss smooth_l1_loss huber_loss margin_ranking_loss soft_margin_loss
triplet_margin_loss multi_margin_loss ctc_loss kl_div multilabel_margin_loss
"""
LOWER = frozenset(_LOWER.split())
"""Functions whose operands are of the lower dtype."""
FULL = frozenset(_FULL.split())
"""Functions whose operands are of float32."""
LOWER_LAYERS = (
    "Linear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d MultiheadAttention"
)
FULL_LAYERS = (
    "BCELoss BCEWithLogitsLoss MSELoss CosineEmbeddingLoss NLLLoss HingeEmbeddingLoss PoissonNLLLoss CrossEntropyLoss"
    " L1Loss SmoothL1Loss HuberLoss MarginRankingLoss SoftMarginLoss TripletMarginLoss MultiMarginLoss CTCLoss"
    " KLDivLoss MultiLabelMarginLoss"
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


def cast(x: Any, dtype: Any) -> Any:
    """A value, or a tensor, in a dtype, if it is a float of 32 bits or fewer."""
    if not isinstance(x, Value) or x._aval.dtype.kind not in "fh" or x._aval.dtype.name == "float64":
        return x
    return Tensor._of(to(x._read(), dtype)) if isinstance(x, Tensor) else to(x, dtype)


def tell(nn: Any) -> None:
    """Let the layers of ``torch.nn`` follow autocast from now on."""
    if not AUTOCAST.is_told:
        AUTOCAST.is_told = True
        for names, follow in ((LOWER_LAYERS, in_lower), (FULL_LAYERS, in_full)):
            for name in names.split():
                cls = getattr(nn, name)
                cls.forward = follow(cls.forward)


def in_lower(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a layer with parameters, of which it takes copies in the lower dtype under autocast."""

    @functools.wraps(forward)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if AUTOCAST.dtype is None:
            return forward(self, *args, **kwargs)
        held = [(m._parameters, dict(m._parameters)) for m in self.modules()]
        try:
            for parameters, own in held:
                parameters.update(zip(own, lowered(*own.values()), strict=True))
            return forward(self, *lowered(*args), **dict(zip(kwargs, lowered(*kwargs.values()), strict=True)))
        finally:
            for parameters, own in held:
                parameters.update(own)

    return call


def in_full(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a loss, whose operands are of float32 under autocast."""

    @functools.wraps(forward)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if AUTOCAST.dtype is None:
            return forward(self, *args, **kwargs)
        return forward(self, *raised(*args), **kwargs)

    return call
