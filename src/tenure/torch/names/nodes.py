"""Names of the graph's operations as PyTorch prints them: ``grad_fn=<AddmmBackward0>``.

PyTorch names a node after the function that made it, and where a function is made of others, after the last of these.
"""

from __future__ import annotations

import weakref
from typing import Any

from tenure.torch.cells import Tensor, wrap
from tenure.torch.cells.windows import described
from tenure.values.tensor.tensor import Tensor as Value

LAST = """
square:Pow outer:Mul ger:Mul column_stack:Cat hstack:Cat vstack:Cat dstack:Cat row_stack:Cat cartesian_prod:Stack
combinations:Stack diagflat:DiagEmbed flipud:Flip fliplr:Flip matrix_exp:LinalgMatrixExp msort:Sort
take_along_dim:Gather true_divide:Div inverse:LinalgInvEx pinverse:LinalgPinv lu_solve:LinalgLuSolve matrix_power:Mm
cross:LinalgCross logdet:Where absolute:Abs negative:Neg deg2rad:Deg2Rad rad2deg:Rad2Deg log1p:Log1P subtract:Sub
multiply:Mul divide:Div clip:Clamp arccos:Acos arcsin:Asin arctan:Atan arctan2:Atan2 arccosh:Acosh arcsinh:Asinh
arctanh:Atanh fix:Trunc concat:Cat concatenate:Cat relu6:Hardtanh selu:Elu celu:Celu softmin:Softmax softsign:Div
tanhshrink:Sub normalize:Div unfold:Im2Col fold:Col2Im prelu:PreluKernel rrelu:RreluWithNoise
group_norm:NativeGroupNorm layer_norm:NativeLayerNorm batch_norm:NativeBatchNorm logsigmoid:LogSigmoid
conv1d:Convolution conv2d:Convolution conv3d:Convolution conv_transpose1d:Convolution conv_transpose2d:Convolution
conv_transpose3d:Convolution avg_pool2d:AvgPool2D avg_pool3d:AvgPool3D max_pool2d:MaxPool2DWithIndices
max_pool3d:MaxPool3DWithIndices adaptive_max_pool2d:AdaptiveMaxPool2D adaptive_max_pool3d:AdaptiveMaxPool3D
max_unpool2d:MaxUnpool2D max_unpool3d:MaxUnpool3D fractional_max_pool2d:FractionalMaxPool2D
fractional_max_pool3d:FractionalMaxPool3D local_response_norm:Div dropout:Mul dropout1d:Mul dropout2d:Mul rms_norm:Mul
multilabel_soft_margin_loss:Mean tile:Repeat nanmean:Div linalg.cholesky:LinalgCholeskyEx linalg.eigvals:LinalgEig
linalg.eigvalsh:LinalgEigh linalg.inv:LinalgInvEx linalg.lu_factor:LinalgLuFactorEx
linalg.matrix_norm:LinalgVectorNorm linalg.norm:LinalgVectorNorm linalg.solve:LinalgSolveEx linalg.svdvals:LinalgSvd
linalg.vander:Cat linalg.vecdot:Vdot qr:LinalgQr svd:LinalgSvd det:LinalgDet slogdet:LinalgSlogdet cholesky:Cholesky
pairwise_distance:Norm1 special.ndtr:Mul1 special.i0e:SpecialI0E special.i1e:SpecialI1E pixel_shuffle:PixelShuffle
pixel_unshuffle:PixelUnshuffle
"""
"""The last function of those that a function is made of, in PyTorch's spelling."""
DEPENDING = """
sum mean prod norm matmul where einsum tensordot kron inner linear cross_entropy nll_loss l1_loss mse_loss kl_div pad
interpolate upsample quantile nanquantile repeat_interleave corrcoef cov diff gradient stft istft cosine_similarity
bilinear embedding_bag ctc_loss gaussian_nll_loss hinge_embedding_loss cosine_embedding_loss
margin_ranking_loss poisson_nll_loss triplet_margin_loss triplet_margin_with_distance_loss max_pool1d avg_pool1d
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d max_unpool1d
multi_head_attention_forward scaled_dot_product_attention linear_cross_entropy instance_norm alpha_dropout
feature_alpha_dropout dropout3d trapezoid trapz cumulative_trapezoid grid_sample clone lp_pool1d lp_pool2d lp_pool3d
gumbel_softmax fft
"""
KEPT = frozenset(DEPENDING.split())
"""Functions whose node depends on their arguments: the home library's name stays."""
_LAST = dict(word.split(":") for word in LAST.split())
SPACES = {"linalg": "Linalg", "special": "Special"}


def node(name: str, places: frozenset[str]) -> str | None:
    """Name of the node of a function; None where it depends on the arguments."""
    space = next((p for p in SPACES if p in places), None)
    own = _LAST.get(f"{space}.{name}" if space else name)
    if own is None:
        if name in KEPT or "fft" in places or "masked" in places or name.endswith("_copy"):
            return None
        own = SPACES.get(space or "", "") + "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    return f"{own[:-1]}Backward1" if own in ("Mul1", "Norm1") else f"{own}Backward0"


def noted(value: Any, name: str) -> Any:
    """Tensor of a differentiable result, which prints with the name of its node."""
    x = Tensor._of(value)
    x.__dict__["_node"] = weakref.ref(value), name
    return x


def name_of(x: Any) -> str | None:
    """Name of the node of a tensor, unless another value has been written to it since."""
    found = x.__dict__.get("_node")
    held = None if found is None else described(x)
    if found is not None and held is not None and found[0]() is held and held._kind.tracked:
        return found[1]  # type: ignore[no-any-return]
    return None


def each(x: Any, name: str | None) -> Any:
    """A part of a result."""
    return noted(x, name) if name is not None and type(x) is Value and x._kind.tracked else wrap(x)


def renamed(out: Any, name: str) -> Any:
    """The tensors of a result, which print with the name of their node from now on."""
    for x in out if isinstance(out, tuple | list) else (out,):
        if isinstance(x, Tensor) and x._window is None and x._leaf is None and x.requires_grad:
            x.__dict__["_node"] = weakref.ref(x._val), name
    return out
