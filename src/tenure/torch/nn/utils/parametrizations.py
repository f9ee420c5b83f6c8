"""``torch.nn.utils.parametrizations``: norms and orthogonality of weights, by the home library's modules."""

from __future__ import annotations

from typing import Any

from tenure.nn.utils.orthogonality import _Orthogonal
from tenure.nn.utils.parametrizations import _SpectralNorm, _WeightNorm
from tenure.torch.nn.mirror import marked
from tenure.torch.nn.module import Module
from tenure.torch.nn.utils.parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]
_WEIGHT, _SPECTRAL, _ORTHOGONAL = (
    marked(home, home.__name__, Module) for home in (_WeightNorm, _SpectralNorm, _Orthogonal)
)


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """A module whose weight is a direction times a norm, each a parameter."""
    made: Any = _WEIGHT(-1 if dim is None else dim)
    return register_parametrization(module, name, made, unsafe=True)


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """A module whose weight is divided by its largest singular value."""
    weight = getattr(module, name)
    if dim is None:
        dim = 1 if "Transpose" in type(module).__name__ else 0
    made: Any = _SPECTRAL(weight._read().detach(), n_power_iterations, dim, eps)
    return register_parametrization(module, name, made)


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """A module whose weight is an orthogonal matrix."""
    weight = getattr(module, name)
    kind = orthogonal_map or ("householder" if weight.shape[-2] != weight.shape[-1] else "matrix_exp")
    made: Any = _ORTHOGONAL(weight._read().detach(), kind, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
