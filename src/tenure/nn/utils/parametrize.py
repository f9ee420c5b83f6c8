"""Parametrizations: parameters and buffers that are computed from others, at each read.

A parametrized module has a class of its own, in which the name is a property; what it is computed from lies in
``module.parametrizations``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from tenure.errors import DTypeError, ShapeError
from tenure.nn.container import ModuleDict, ModuleList
from tenure.nn.module import Module
from tenure.values.places.parameter import Parameter
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "type_before_parametrizations",
]
M = TypeVar("M", bound=Module)
CACHE: ContextVar[dict[Any, Any] | None] = ContextVar("CACHE", default=None)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in order, and what the first is computed from: ``original``, or several.

    ``original0``, ``original1``, … are there if the ``right_inverse`` of the first gave several. It is made by
    ``register_parametrization``.

    >>> double = nn.Sequential(nn.Identity())
    >>> nn.utils.parametrize.ParametrizationList([double], nn.Parameter(tn.ones(2)))().detach()
    tensor([1., 1.])
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList takes at least one module")
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = no_grad().apply(self._inverse, original.detach(), needed=False)
        self.is_tensor = isinstance(new, Tensor)
        found = [new] if self.is_tensor else list(new) if isinstance(new, list | tuple) else [None]
        self.ntensors = len(found)
        for k, x in enumerate(found):
            if not isinstance(x, Tensor):
                kind = type(new if len(found) == 1 else x).__name__
                raise DTypeError(f"right_inverse returns a tensor or a list of tensors, not a {kind}")
            if self.is_tensor and x.dtype is not original.dtype:
                raise DTypeError(f"right_inverse returned {x.dtype.name} for a tensor of {original.dtype.name}")
            name = "original" if self.is_tensor else f"original{k}"
            hold(self, name, written(original, x) if self.is_tensor else like(original, x))
        if not unsafe:
            refuse_change("a parametrization", no_grad().apply(self), original)

    def _inverse(self, value: Any, *, needed: bool) -> Any:
        """The originals of a value, by the inverses; one that is not there is the identity, unless ``needed``."""
        for module in reversed(list(self)):
            inverse = getattr(module, "right_inverse", None)
            if inverse is None and needed:
                name = type(module).__name__
                raise TypeError(f"the parametrization {name} has no right_inverse, so it takes no value")
            try:
                value = value if inverse is None else inverse(value)
            except NotImplementedError:
                if needed:
                    raise
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Write the originals so that the parametrized tensor is a value, by ``right_inverse`` of each parametrization.

        TypeError where one has none."""
        found: Any = no_grad().apply(self._inverse, value.detach(), needed=True)
        for k, x in enumerate([found] if self.is_tensor else found):
            name = "original" if self.is_tensor else f"original{k}"
            hold(self, name, written(getattr(self, name), x))

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *rest = self
        given = ["original"] if self.is_tensor else [f"original{k}" for k in range(self.ntensors)]
        found: Any = first(*[getattr(self, name) for name in given])
        for module in rest:
            found = module(found)
        return found  # type: ignore[no-any-return]


def written(place: Any, x: Any) -> Any:
    """The place with another value; one of its own where the shape is another, as a place keeps its shape."""
    if place.shape != x.shape or place.dtype is not x.dtype:
        return like(place, x)
    no_grad().apply(place.copy_, x)
    return place


def like(place: Any, x: Any) -> Any:
    """A value as a parameter or a buffer, whichever a place is."""
    return Parameter(x.detach(), place.requires_grad) if isinstance(place, Parameter) else x.detach()


def hold(module: Module, name: str, x: Any) -> None:
    """Keep a parameter or a buffer under a name."""
    if isinstance(x, Parameter) or name in module._buffers:
        setattr(module, name, x)
    else:
        module.register_buffer(name, x)


def refuse_change(what: str, found: Any, original: Tensor) -> None:
    """TN802 for what is no tensor, or another shape or dtype than it stands for."""
    if not isinstance(found, Tensor):
        raise DTypeError(f"{what} gives a tensor, not a {type(found).__name__}")
    if found.shape != original.shape:
        shapes = f"{list(original.shape)} to {list(found.shape)}"
        raise ShapeError(f"{what} changes the shape from {shapes}", help="unsafe=True allows that")
    if found.dtype is not original.dtype:
        dtypes = f"{original.dtype.name} to {found.dtype.name}"
        raise DTypeError(f"{what} changes the dtype from {dtypes}", help="unsafe=True allows that")


class Parametrized:
    """Base class of parametrized modules: assignment of a name goes to its parametrizations."""

    parametrizations: Any

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "parametrizations" and name in vars(self)["_modules"].get("parametrizations", ()):
            if not isinstance(value, Tensor):
                raise DTypeError(f"{name} is parametrized, and is given a {type(value).__name__}, not a tensor")
            self.parametrizations[name].right_inverse(value)
        else:
            super().__setattr__(name, value)


def _property(name: str) -> property:
    def read(self: Any) -> Tensor:
        found: Any = self.parametrizations[name]
        cache = CACHE.get()
        if cache is None:
            return found()  # type: ignore[no-any-return]
        if found not in cache:
            cache[found] = found()
        return cache[found]  # type: ignore[no-any-return]

    return property(read)


def _dress(module: Any) -> None:
    """Give a module the class that its parametrizations need: its own again without any."""
    base, names = type_before_parametrizations(module), list(vars(module)["_modules"].get("parametrizations", ()))
    if not names:
        del module.parametrizations
        module.__class__ = base
        return
    held = {"_base": base, "__module__": base.__module__, **{name: _property(name) for name in names}}
    module.__class__ = type(f"Parametrized{base.__name__}", (Parametrized, base), held)


@checked_first
def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Make a parameter or buffer of a module the result of a parametrization of what it was; returns the module.

    The parametrization is a module. Another one for the same name is applied to the result. ``right_inverse(value)`` of
    a parametrization, if it has one, gives what it is computed from: at registration, and where the name is assigned.
    ValueError for a name that the module does not have; TN802 for a parametrization that changes shape or dtype, unless
    ``unsafe``.

    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        held: Any = module.parametrizations
        if not unsafe:
            now = no_grad().apply(getattr, module, tensor_name)
            found = no_grad().apply(parametrization, now)
            refuse_change("a parametrization", found, now)
            inverse = getattr(parametrization, "right_inverse", None)
            if inverse is not None:
                with suppress(NotImplementedError):
                    refuse_change("right_inverse", no_grad().apply(inverse, found), now)
        held[tensor_name].append(parametrization)
        held[tensor_name].unsafe |= unsafe
        return module
    original = module._parameters.get(tensor_name, module._buffers.get(tensor_name))
    if original is None:
        kind = type(module).__name__
        raise ValueError(f"register_parametrization: {kind} has no parameter or buffer {tensor_name!r}")
    made = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = made
    _dress(module)
    return module


@checked_first
def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrizations, or one of a name.

    >>> nn.utils.parametrize.is_parametrized(nn.Linear(2, 2))
    False
    """
    held = module._modules.get("parametrizations")
    if not isinstance(held, ModuleDict):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


@checked_first
def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a parametrized name a parameter or buffer again, of its present value; returns the module.

    Without ``leave_parametrized`` it is what it was computed from, which has to be one tensor (ValueError). Where the
    shape allows it the parameter is the one that optimizers know. ValueError for a name that is not parametrized.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> type(nn.utils.parametrize.remove_parametrizations(layer, "weight").weight).__name__
    'Parameter'
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} is not parametrized")
    held: Any = module.parametrizations
    made = held[tensor_name]
    if not made.is_tensor and not leave_parametrized:
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} is computed from several tensors: leave_parametrized=False "
            "leaves none of them"
        )
    now = getattr(module, tensor_name)
    if made.is_tensor:
        original = written(made.original, now.detach()) if leave_parametrized else made.original
    else:
        original = Parameter(now.detach()) if now.requires_grad else now.detach()
    del held[tensor_name]
    _dress(module)
    hold(module, tensor_name, original)
    return module


@checked_first
def type_before_parametrizations(module: Module) -> type:
    """The class of a module without its parametrizations.

    >>> nn.utils.parametrize.type_before_parametrizations(nn.Linear(2, 2)).__name__
    'Linear'
    """
    found: type = getattr(type(module), "_base", type(module))
    return found


@contextmanager
def cached() -> Iterator[None]:
    """A context in which each parametrized tensor is computed at its first read only.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> with nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    before = CACHE.get()
    token = CACHE.set({} if before is None else before)
    try:
        yield
    finally:
        CACHE.reset(token)
