"""Parametrizations of weights: by direction and length, with spectral norm 1, orthogonal."""

from __future__ import annotations

from typing import Any, TypeVar

from tenure.errors import OutOfRange, ShapeError, shown
from tenure.nn.functional.groups import normalize
from tenure.nn.module import Module
from tenure.nn.utils.orthogonality import MAPS, _Orthogonal
from tenure.nn.utils.parametrize import register_parametrization
from tenure.nn.utils.weights import MOST_ITERATIONS, matrix_of, normed, norms_of, outputs_of, weight_of
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.random import randn
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]
M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    """A weight g · v / |v|: length g and direction v, the norm over all axes but one, or over all (-1)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight."""
        return normed(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The length and the direction of a weight."""
        return norms_of(weight, self.dim), weight


@checked_first
def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Make a weight g · v / |v|, with parameters g, its length, and v, its direction; returns the module.

    The norm is over all axes but ``dim``, or over all where it is None or -1. In ``module.parametrizations`` the
    parameters are ``original0`` and ``original1``; a state dict of the older ``nn.utils.weight_norm`` can be loaded.
    ValueError for a name that the module does not have. Source: Salimans, Kingma, NeurIPS 2016.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> layer.parametrizations.weight.original0.shape
    (3, 1)
    """
    weight = weight_of("weight_norm", module, name)
    axis = -1 if dim is None else dim
    if axis != -1 and not -weight.ndim <= axis < weight.ndim:
        raise OutOfRange(f"weight_norm: dim {axis} of a weight of shape {list(weight.shape)}")
    register_parametrization(module, name, _WeightNorm(axis), unsafe=True)

    def older(module: Any, given: dict[str, Any], prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in given for key in old):
            for k, key in enumerate(old):
                given[f"{prefix}parametrizations.{name}.original{k}"] = given.pop(key)

    module.register_load_state_dict_pre_hook(older)
    return module


class _SpectralNorm(Module):
    """A weight divided by its spectral norm, which a power iteration finds; it goes on in training, at each read."""

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        self.dim, self.eps, self.n_power_iterations = dim, eps, n_power_iterations
        if weight.ndim > 1:
            matrix = matrix_of(weight.detach(), dim)
            for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                self.register_buffer(name, normalize(randn(size, dtype=weight.dtype), dim=0, eps=eps))
            self.iterate(matrix, 15)

    @no_grad()
    def iterate(self, matrix: Tensor, count: int) -> None:
        """Steps of the power iteration."""
        for _ in range(count):
            self._u.copy_(normalize(matrix @ self._v, dim=0, eps=self.eps))
            self._v.copy_(normalize(matrix.mH @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with spectral norm 1."""
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = matrix_of(weight, self.dim)
        if self.training:
            self.iterate(matrix, self.n_power_iterations)
        u, v = self._u.detach(), self._v.detach()
        return weight / (u.conj() * (matrix @ v)).sum()  # type: ignore[no-any-return]

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself, which is taken for one that is to be divided."""
        return value


@checked_first
def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Make a weight one of spectral norm 1, by division; returns the module.

    ``dim`` is the axis of outputs: 1 for transposed convolutions, else 0. In training each read takes
    ``n_power_iterations`` steps of the power iteration, at most 10,000; ``eps`` is the least norm. ValueError for a
    name that the module does not have, or another number of steps; OutOfRange (TN801) for an axis that is not there.
    Source: Miyato et al., ICLR 2018.

    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4), n_power_iterations=50)
    >>> bool((tn.linalg.svdvals(layer.weight)[0] - 1).abs() < 1e-3)
    True
    """
    weight = weight_of("spectral_norm", module, name)
    axis = outputs_of(module) if dim is None else dim
    if not -weight.ndim <= axis < weight.ndim:
        raise OutOfRange(f"spectral_norm: dim {axis} of a weight of shape {list(weight.shape)}")
    if not 1 <= n_power_iterations <= MOST_ITERATIONS:
        raise ValueError(
            f"spectral_norm: n_power_iterations is from 1 to {MOST_ITERATIONS}, and {n_power_iterations} is not"
        )
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, axis % weight.ndim, eps))
    return module


@checked_first
def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Make a weight an orthogonal matrix (of more columns than rows, with orthonormal rows); returns the module.

    ``orthogonal_map`` makes it of the parameter: "matrix_exp" (by default for square and complex ones), "cayley" or
    "householder". With ``use_trivialization`` the parameter is relative to the weight at registration, or as last
    assigned; without, assignment is for "householder" alone. ValueError for another map or a name that the module does
    not have; ShapeError (TN802) for what is no matrix. Source: Lezcano-Casado, NeurIPS 2019.

    >>> w = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)).weight
    >>> bool(((w @ w.T - tn.eye(3)).abs() < 1e-5).all())
    True
    """
    weight = weight_of("orthogonal", module, name)
    if weight.ndim < 2:
        raise ShapeError(f"orthogonal: {name} of shape {list(weight.shape)} is no matrix")
    by = orthogonal_map
    if by is None:
        square = weight.shape[-2] == weight.shape[-1]
        by = "matrix_exp" if square or weight.is_complex() else "householder"
    if by not in MAPS:
        raise ValueError(f"orthogonal: orthogonal_map is one of {', '.join(MAPS)}, not {shown(by)}")
    if by == "householder" and weight.is_complex():
        raise ValueError("orthogonal: orthogonal_map 'householder' is for real weights")
    register_parametrization(module, name, _Orthogonal(weight, by, use_trivialization), unsafe=True)
    return module
