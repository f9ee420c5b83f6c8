"""Weights of modules as matrices, their norms, and the older functions that normalize them before each call."""

from __future__ import annotations

from typing import Any, TypeVar

from tenure.errors import DTypeError, OutOfRange, shown
from tenure.nn.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tenure.nn.functional.groups import normalize
from tenure.nn.module import Module
from tenure.values.operations.norms import norm
from tenure.values.places.parameter import Parameter
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.random import randn
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]
M = TypeVar("M", bound=Module)
MOST_ITERATIONS = 10_000
"""The most steps of a power iteration at one read: far beyond what moves the result."""


def weight_of(function: str, module: Module, name: str) -> Any:
    """The tensor of a module under a name; ValueError where there is none."""
    if not isinstance(module, Module):
        raise DTypeError(f"{function}: module is a Module, not {shown(module)}")
    found = getattr(module, name, None)
    if not isinstance(found, Tensor):
        raise ValueError(f"{function}: {type(module).__name__} has no parameter or buffer {name!r}")
    return found


def norms_of(weight: Tensor, dim: int) -> Tensor:
    """The norms over all axes but one, which keep their place, or the norm of all (-1)."""
    if dim == -1:
        return norm(weight)
    return norm(weight, dim=tuple([k for k in range(weight.ndim) if k != dim % weight.ndim]), keepdim=True)


def normed(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """The weight of direction v and length g."""
    return v * (g / norms_of(v, dim))


def outputs_of(module: Module) -> int:
    """The axis of outputs of a module's weight."""
    return 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0


def matrix_of(weight: Tensor, dim: int) -> Tensor:
    """A weight as a matrix, one axis in front."""
    return (weight.movedim(dim, 0) if dim else weight).flatten(1)


class Computed:
    """Hook that computes a weight before each call, from parameters whose names begin with its own."""

    parts: tuple[str, ...]

    def __init__(self, name: str) -> None:
        self.name = name

    def weight(self, module: Any, train: bool) -> Any:
        """The weight."""
        raise NotImplementedError

    def __call__(self, module: Any, args: Any) -> None:
        """Compute the weight for a call."""
        setattr(module, self.name, self.weight(module, module.training))

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again."""
        now = no_grad().apply(self.weight, module, False)
        for name in (self.name, *[f"{self.name}_{part}" for part in self.parts]):
            delattr(module, name)
        setattr(module, self.name, Parameter(now.detach()))


def install(module: Any, hook: Computed) -> None:
    """Compute a weight now and before each call; RuntimeError for a second hook on one name."""
    if any(type(fn) is type(hook) and fn.name == hook.name for fn, _ in module._own_hooks().before.values()):
        raise ValueError(f"{type(hook).__name__}: {hook.name!r} of {type(module).__name__} has such a hook already")
    module.register_forward_pre_hook(hook)


def uninstall(module: Any, kind: type[Computed], function: str, name: str) -> None:
    """Take such a hook away; ValueError where there is none."""
    hooks = module._own_hooks().before
    for number, (fn, _) in hooks.items():
        if isinstance(fn, kind) and fn.name == name:
            fn.remove(module)
            del hooks[number]
            return
    raise ValueError(f"{function}: {name!r} of {type(module).__name__} is not computed so")


class WeightNorm(Computed):
    """The weight of a direction and a length."""

    parts = ("g", "v")

    def __init__(self, name: str, dim: int) -> None:
        super().__init__(name)
        self.dim = dim

    def weight(self, module: Any, train: bool) -> Any:
        """The weight."""
        return normed(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)


@checked_first
def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Make a weight g · v / |v| before each call, with parameters ``weight_g`` and ``weight_v``; returns the module.

    The older form of ``parametrizations.weight_norm``, with its arguments; ``module.weight`` is that of the last call.

    >>> layer = nn.utils.weight_norm(nn.Linear(2, 3))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight_g', 'weight_v']
    """
    weight, axis = weight_of("weight_norm", module, name), -1 if dim is None else dim
    if axis != -1 and not -weight.ndim <= axis < weight.ndim:
        raise OutOfRange(f"weight_norm: dim {axis} of a weight of shape {list(weight.shape)}")
    hook, value = WeightNorm(name, axis), weight.detach()
    install(module, hook)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norms_of(value, axis)))
    module.register_parameter(f"{name}_v", Parameter(value))
    hook(module, ())
    return module


@checked_first
def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make a weight that ``weight_norm`` computes a parameter again; returns the module.

    ValueError for another weight.

    >>> layer = nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(2, 3)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    uninstall(module, WeightNorm, "remove_weight_norm", name)
    return module


class SpectralNorm(Computed):
    """The weight divided by its spectral norm, which a power iteration finds."""

    parts = ("u", "v", "orig")

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__(name)
        self.n_power_iterations, self.dim, self.eps = n_power_iterations, dim, eps

    def iterate(self, matrix: Any, u: Any, v: Any) -> None:
        """Go on with the power iteration."""
        for _ in range(self.n_power_iterations):
            v.copy_(normalize(matrix.mT @ u, dim=0, eps=self.eps))
            u.copy_(normalize(matrix @ v, dim=0, eps=self.eps))

    def weight(self, module: Any, train: bool) -> Any:
        """The weight; in training the power iteration goes on."""
        u, v, weight = (getattr(module, f"{self.name}_{part}") for part in self.parts)
        matrix = matrix_of(weight, self.dim)
        if train:
            no_grad().apply(self.iterate, matrix, u, v)
        return weight / (u.detach() * (matrix @ v.detach())).sum()


@checked_first
def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Make a weight one of spectral norm 1 before each call, of the parameter ``weight_orig``; returns the module.

    The older form of ``parametrizations.spectral_norm``, with its arguments and errors.

    >>> layer = nn.utils.spectral_norm(nn.Linear(2, 3))
    >>> [name for name, _ in layer.named_parameters()], [name for name, _ in layer.named_buffers()]
    (['bias', 'weight_orig'], ['weight_u', 'weight_v'])
    """
    weight, axis = weight_of("spectral_norm", module, name), outputs_of(module) if dim is None else dim
    if not -weight.ndim <= axis < weight.ndim:
        raise OutOfRange(f"spectral_norm: dim {axis} of a weight of shape {list(weight.shape)}")
    if not 1 <= n_power_iterations <= MOST_ITERATIONS:
        raise ValueError(
            f"spectral_norm: n_power_iterations is from 1 to {MOST_ITERATIONS}, and {n_power_iterations} is not"
        )
    install(module, SpectralNorm(name, n_power_iterations, axis % weight.ndim, eps))
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for part, size in zip(("u", "v"), matrix_of(weight.detach(), axis % weight.ndim).shape, strict=True):
        module.register_buffer(f"{name}_{part}", normalize(randn(size, dtype=weight.dtype), dim=0, eps=eps))
    return module


@checked_first
def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make a weight that ``spectral_norm`` computes a parameter again; returns the module. ValueError for another one.

    >>> layer = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 3)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    uninstall(module, SpectralNorm, "remove_spectral_norm", name)
    return module
