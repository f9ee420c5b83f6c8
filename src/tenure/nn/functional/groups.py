"""Normalization within an example: group, root mean square, and local response normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.dtypes import finfo, float32
from tenure.errors import DTypeError, ShapeError
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.layer import sizes_of
from tenure.ops import totals
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import norms
from tenure.values.operations.reading import value_of
from tenure.values.operations.reductions import MOMENTS
from tenure.values.tensor.composite import HALVES, composite
from tenure.values.trace.given import int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes, Shape


def group_norm(
    input: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Group normalization: (x - mean) / √(variance + eps) · weight + bias, over the channels of each group together.

    Shapes: input (batch, channels, …), weight and bias (channels,); the result has that of the input. The variance
    divides by n. ShapeError (TN802) if the groups do not divide the channels, or a shape does not fit. Source: Wu, He,
    arXiv:1803.08494.

    >>> F.group_norm(tn.tensor([[1.0, 3.0, 4.0, 8.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    operands = tuple([value_of(p) for p in (input, weight, bias) if p is not None])
    groups = int_of(num_groups, "group_norm: num_groups")
    params = parameters(("groups", "weighted", "shifted"), groups, weight is not None, bias is not None)
    return apply(GROUP_NORM, operands, params, (float(number("group_norm", "eps", eps)),))


def _group_norm(x: Any, *given: Any, groups: int, weighted: bool, shifted: bool) -> Any:
    *given, eps = given  # type: ignore[assignment]
    if x.ndim < 2:
        raise ShapeError(f"group_norm of an input of shape {list(x.shape)}, which has no axis of channels")
    count, channels, *rest = x.shape
    if groups < 1 or channels % groups:
        raise ShapeError(f"group_norm of {channels} channels in {groups} groups", help="the groups divide the channels")
    for name, p in zip(["weight"] * weighted + ["bias"] * shifted, given, strict=True):
        if tuple(p.shape) != (channels,):
            raise ShapeError(f"group_norm of {channels} channels: {name} has shape {list(p.shape)}")
    size = channels // groups
    for n in rest:
        size *= n
    away, _, spread = apply(MOMENTS, (x.reshape(count, groups, size),), (("axes", (2,)),))
    out = (away * (1.0 / (spread + eps).sqrt())).reshape(*x.shape)
    shape = (1, channels, *[1] * len(rest))
    if weighted:
        out = out * given[0].reshape(*shape)
    return out + given[-1].reshape(*shape) if shifted else out


GROUP_NORM = composite("group_norm", _group_norm, "NativeGroupNormBackward0", wide=True)


def rms_norm(
    input: ArrayLike, normalized_shape: Shape, weight: ArrayLike | None = None, eps: float | None = None
) -> Tensor:
    """Root mean square normalization: x / √(mean of x² + eps) · weight over the last axes.

    Their sizes are ``normalized_shape``; ``eps`` is by default that of the dtype, of float32 for one of two bytes, in
    which it is computed. ShapeError (TN802) if the input does not
    end in that shape, or weight has another. Source: Zhang, Sennrich, NeurIPS 2019.

    >>> F.rms_norm(tn.tensor([[3.0, 4.0]]), 2)
    tensor([[0.8485, 1.1314]])
    """
    operands = tuple([value_of(p) for p in (input, weight) if p is not None])
    dtype = operands[0].dtype
    if not dtype.is_floating:
        raise DTypeError(f"rms_norm of {dtype.name}", help="cast first: x.to(tn.float32)")
    small = finfo(float32 if dtype in HALVES else dtype).eps if eps is None else float(number("rms_norm", "eps", eps))
    return apply(RMS_NORM, operands, parameters(("shape",), sizes_of(normalized_shape)), (float(small),))


def _rms_norm(x: Any, *given: Any, shape: tuple[int, ...]) -> Any:
    *weights, eps = given
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(f"rms_norm over {list(shape)} of an input of shape {list(x.shape)}")
    for weight in weights:
        if tuple(weight.shape) != shape:
            raise ShapeError(f"rms_norm over {list(shape)}: weight has shape {list(weight.shape)}")
    mean = (x * x).mean(axis=tuple(range(x.ndim - len(shape), x.ndim)), keepdims=True)
    out = x * (1.0 / (mean + eps).sqrt())
    return out * weights[0] if weights else out


RMS_NORM = composite("rms_norm", _rms_norm, wide=True)


@named_by_caller
def normalize(
    input: ArrayLike,
    p: float = 2.0,
    dim: Axes = 1,
    eps: float = 1e-12,
    *,
    axis: Axes = None,
) -> Tensor:
    """Vectors along an axis divided by their p-norms, or by ``eps`` where those are less, in the shape of the input.

    DTypeError (TN802) unless it is floating; OutOfRange (TN801) for an axis that is not there.

    >>> F.normalize(tn.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    x = value_of(input)
    least = float(number("normalize", "eps", eps))
    return x / norms.norm(x, p, dim if axis is None else axis, True).clamp_min(least)


def local_response_norm(
    input: ArrayLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Local response normalization: x / (k + alpha · mean of x² over ``size`` channels around)^beta.

    Channels are the second axis; beyond the first and the last one zeros count. Of an even size, one channel more lies
    before. ShapeError (TN802) for fewer than three axes, or a size below 1. Source: Krizhevsky, Sutskever, Hinton,
    NeurIPS 2012.

    >>> F.local_response_norm(tn.ones(1, 2, 1), 2, alpha=1.0, beta=1.0)
    tensor([[[0.6667],
             [0.5000]]])
    """
    name, size = "local_response_norm", int_of(size, "local_response_norm: size")
    numbers = tuple([float(number(name, of, x)) for of, x in (("alpha", alpha), ("beta", beta), ("k", k))])
    return apply(LOCAL_RESPONSE, (value_of(input),), parameters(("size",), size), numbers)


def _local_response_norm(x: Any, alpha: Any, beta: Any, k: Any, *, size: int) -> Any:
    if x.ndim < 3:
        raise ShapeError(f"local_response_norm of an input of shape {list(x.shape)}, which has fewer than three axes")
    if size < 1:
        raise ShapeError(f"local_response_norm over {size} channels")
    total = apply_one(AROUND, x * x, (("axis", 1), ("before", size // 2), ("behind", (size - 1) // 2)))
    return x / (total * (1.0 / size) * alpha + k) ** beta


AROUND = Operation("local_response_norm", totals.around)
LOCAL_RESPONSE = composite("local_response_norm", _local_response_norm)
