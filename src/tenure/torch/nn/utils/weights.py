"""Weights that a hook computes before each call: weight and spectral normalization; fused layers."""

from __future__ import annotations

import copy
from typing import Any

from tenure.torch.cautions import NORMED, caution
from tenure.torch.cells import Parameter, Tensor
from tenure.torch.nn import functional as F
from tenure.values.operations.norms import vector_norm
from tenure.values.rules.modes import no_grad


def _norms(v: Any, dim: int | None) -> Any:
    value = v._read()
    if dim is None or dim == -1:
        return Tensor._of(vector_norm(value.reshape(-1)))
    axes = tuple([k for k in range(value.ndim) if k != dim % value.ndim])
    return Tensor._of((value * value).sum(axis=axes, keepdims=True).sqrt())


class WeightNorm:
    """Hook: weight = g · v / ‖v‖."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Any) -> Any:
        """The weight."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / _norms(v, self.dim))

    def remove(self, module: Any) -> None:
        """Let the weight be a parameter again."""
        weight = self.compute_weight(module)
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.detach().clone()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """A module whose weight is a norm, ``weight_g``, times a direction, ``weight_v``."""
    caution(NORMED, kind=FutureWarning)
    if any(isinstance(h, WeightNorm) and h.name == name for h in module._forward_pre_hooks.values()):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(_norms(weight.detach(), dim).clone()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach().clone()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def _removed(module: Any, name: str, kind: type, what: str) -> Any:
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            hook.remove(module)  # type: ignore[attr-defined]
            del module._forward_pre_hooks[number]
            return module
    raise ValueError(f"{what} of '{name}' not found in {module}")


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """A module whose weight is a parameter again."""
    return _removed(module, name, WeightNorm, "weight_norm")


class SpectralNorm:
    """Hook: weight = original / σ, the largest singular value by power iteration."""

    def __init__(self, name: str, iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, iterations, dim, eps

    def _matrix(self, weight: Any) -> Any:
        if self.dim != 0:
            weight = weight.permute(self.dim, *[d for d in range(weight.dim()) if d != self.dim])
        return weight.reshape(weight.size(0), -1)

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Any:
        """The weight."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = self._matrix(weight)
        if do_power_iteration:
            no_grad().apply(self._iterate, matrix, u, v)
            u, v = u.clone(), v.clone()
        return weight / (u * (matrix @ v)).sum()

    def _iterate(self, matrix: Any, u: Any, v: Any) -> None:
        for _ in range(self.n_power_iterations):
            v.copy_(F.normalize(matrix.t() @ u, dim=0, eps=self.eps))
            u.copy_(F.normalize(matrix @ v, dim=0, eps=self.eps))

    def remove(self, module: Any) -> None:
        """Let the weight be a parameter again."""
        weight = no_grad().apply(self.compute_weight, module, False)
        for name in (self.name, f"{self.name}_u", f"{self.name}_v", f"{self.name}_orig"):
            delattr(module, name)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """A module whose weight, ``weight_orig``, is divided by its largest singular value."""
    if dim is None:
        dim = 1 if "Transpose" in type(module).__name__ else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    matrix = no_grad().apply(hook._matrix, weight)
    u = F.normalize(matrix.new_empty(matrix.size(0)).normal_(0, 1), dim=0, eps=eps)
    v = F.normalize(matrix.new_empty(matrix.size(1)).normal_(0, 1), dim=0, eps=eps)
    del module._parameters[name]
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """A module whose weight is a parameter again."""
    return _removed(module, name, SpectralNorm, "spectral_norm")


def _fused_weights(
    weight: Any, bias: Any, mean: Any, variance: Any, eps: float, bn_weight: Any, bn_bias: Any, axis: int
) -> tuple[Any, Any]:
    scale = (variance + eps) ** -0.5
    if bn_weight is not None:
        scale = scale * bn_weight
    shift = -mean * scale if bias is None else (bias - mean) * scale
    shape = [1] * weight.dim()
    shape[axis] = -1
    return weight * scale.reshape(shape), shift if bn_bias is None else shift + bn_bias


def fuse_conv_bn_weights(
    conv_w: Any, conv_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any, transpose: bool = False
) -> tuple[Any, Any]:
    """Weight and bias of a convolution that does what it and the normalization behind it do in evaluation."""
    given = (conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)
    weight, bias = no_grad().apply(_fused_weights, *given)
    return Parameter(weight, conv_w.requires_grad), Parameter(bias, conv_w.requires_grad)


def _fused(layer: Any, bn: Any, axis: int) -> Any:
    made = copy.deepcopy(layer)
    given = (layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, axis)
    weight, bias = no_grad().apply(_fused_weights, *given)
    made.weight, made.bias = Parameter(weight), Parameter(bias)
    return made


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A convolution that does what it and the normalization behind it do in evaluation."""
    return _fused(conv, bn, 1 if transpose else 0)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """An affine map that does what it and the normalization behind it do in evaluation."""
    return _fused(linear, bn, 0)


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters are not initialized: they have some numbers."""
    return module_cls(*args, **kwargs)


