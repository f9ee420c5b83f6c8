"""Fusion of a layer with the batch normalization behind it, for evaluation."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

from tenure.errors import ShapeError
from tenure.nn.module import Module
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.rules.modes import no_grad
from tenure.values.trace.blame import checked_first

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]
M = TypeVar("M", bound=Module)


def _statistics(function: str, layer: Any, bn: Any) -> tuple[Any, ...]:
    """Statistics and parameters of a batch normalization; ValueError outside of evaluation."""
    if layer.training or bn.training:
        raise ValueError(f"{function}: both are in training: call eval() first")
    if bn.running_mean is None or bn.running_var is None:
        raise ValueError(f"{function}: the normalization has no running statistics")
    return bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias


@checked_first
def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """A convolution that computes what another and the batch normalization behind it do; both in evaluation.

    A copy with other weights and a bias; ``transpose`` for transposed convolutions, which are of one group. ValueError
    in training, or without running statistics.

    >>> conv, bn = nn.Conv1d(2, 3, 1).eval(), nn.BatchNorm1d(3).eval()
    >>> x = tn.ones(1, 2, 4)
    >>> bool(((nn.utils.fuse_conv_bn_eval(conv, bn)(x) - bn(conv(x))).abs() < 1e-6).all())
    True
    """
    mean, variance, eps, w, b = _statistics("fuse_conv_bn_eval", conv, bn)
    fused: Any = deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, mean, variance, eps, w, b, transpose)
    return fused  # type: ignore[no-any-return]


@checked_first
@no_grad()
def fuse_conv_bn_weights(
    conv_w: ArrayLike,
    conv_b: ArrayLike | None,
    bn_rm: ArrayLike,
    bn_rv: ArrayLike,
    bn_eps: float,
    bn_w: ArrayLike | None,
    bn_b: ArrayLike | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a convolution fused with a batch normalization, from theirs and the running statistics.

    Shapes: conv_w (out, in, …), or (in, out, …) with ``transpose``; all others (out,).

    >>> w, b = nn.utils.fuse_conv_bn_weights(tn.ones(1, 1, 1), None, tn.ones(1), tn.ones(1), 0.0, None, None)
    >>> w.tolist(), b.tolist()
    ([[[1.0]]], [-1.0])
    """
    weight = value_of(conv_w)
    scale, bias = _scaled(conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    shape = [1] * weight.ndim
    shape[1 if transpose else 0] = -1
    return _made(weight * scale.reshape(shape), conv_w), _made(bias, conv_w, conv_b, new=conv_b is None)


@checked_first
def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """A linear layer that computes what another and the batch normalization behind it do; both in evaluation.

    A copy with another weight and a bias. ValueError in training, or without running statistics; ShapeError (TN802)
    where the numbers of features differ.

    >>> layer, bn = nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval()
    >>> x = tn.ones(4, 2)
    >>> bool(((nn.utils.fuse_linear_bn_eval(layer, bn)(x) - bn(layer(x))).abs() < 1e-6).all())
    True
    """
    own, given, fused = linear, _statistics("fuse_linear_bn_eval", linear, bn), deepcopy(linear)
    features, channels = (getattr(m, name, None) for m, name in ((own, "out_features"), (bn, "num_features")))
    if features is None or channels not in (features, 1):
        raise ShapeError(f"fuse_linear_bn_eval: a layer of {features} features, a normalization of {channels}")
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, *given)
    return fused


@checked_first
@no_grad()
def fuse_linear_bn_weights(
    linear_w: ArrayLike,
    linear_b: ArrayLike | None,
    bn_rm: ArrayLike,
    bn_rv: ArrayLike,
    bn_eps: float,
    bn_w: ArrayLike | None,
    bn_b: ArrayLike | None,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a linear layer fused with a batch normalization, from theirs and the running statistics.

    Shapes: linear_w (out, in); all others (out,) or (1,).

    >>> w, b = nn.utils.fuse_linear_bn_weights(tn.ones(1, 1), None, tn.ones(1), tn.ones(1), 0.0, tn.ones(1), tn.ones(1))
    >>> w.tolist(), b.tolist()
    ([[1.0]], [0.0])
    """
    scale, bias = _scaled(linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    return (
        _made(value_of(linear_w) * scale.unsqueeze(-1), linear_w),
        _made(bias, linear_w, linear_b, new=linear_b is None),
    )


def _scaled(bias: Any, mean: Any, variance: Any, eps: float, weight: Any, shift: Any) -> tuple[Tensor, Tensor]:
    """The factors of the outputs, and the bias behind the normalization."""
    scale = 1.0 / (value_of(variance) + eps).sqrt()
    scale = scale if weight is None else scale * value_of(weight)
    moved = (value_of(mean) * -1.0 if bias is None else value_of(bias) - value_of(mean)) * scale
    return scale, moved if shift is None else moved + value_of(shift)


def _made(x: Tensor, weight: Any, bias: Any = None, *, new: bool = False) -> Parameter:
    """A parameter of the dtype of another, which requires grad as that does; a new bias does not, as in PyTorch."""
    like = weight if bias is None else bias
    return Parameter(x.detach().to(value_of(like).dtype), bool(getattr(like, "requires_grad", False)) and not new)
