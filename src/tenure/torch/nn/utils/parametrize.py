"""``torch.nn.utils.parametrize``: parameters of a module that are computed from others.

A parametrized module is of a class of its own, in which the name is a property; what it is computed from lies in
``module.parametrizations``.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from tenure.torch.cells import Parameter, Tensor
from tenure.torch.nn.containers import ModuleDict, ModuleList
from tenure.values.rules.modes import no_grad

_CACHE: ContextVar[dict[Any, Any] | None] = ContextVar("parametrizations", default=None)


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Context in which each parametrized tensor is computed once."""
    token = _CACHE.set({} if _CACHE.get() is None else _CACHE.get())
    try:
        yield
    finally:
        _CACHE.reset(token)


class ParametrizationList(ModuleList):
    """Parametrizations of one tensor, applied one after the other, and the tensors that they start from."""

    __module__ = "torch.nn.utils.parametrize"

    def __init__(self, modules: Any, original: Any, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        with contextlib.suppress(NotImplementedError):
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    new = no_grad().apply(module.right_inverse, new)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            _register(self, "original", original if new is original else _with(original, new))
        else:
            for k, x in enumerate(new):
                is_parameter = isinstance(original, Parameter)
                _register(self, f"original{k}", Parameter(x, original.requires_grad) if is_parameter else x)
        if not unsafe:
            z = no_grad().apply(self)
            if z.dtype != original.dtype or z.shape != original.shape:
                raise ValueError(
                    "Registering a parametrization may not change the shape or dtype of the tensor, unless `unsafe`"
                    f" flag is enabled.\noriginal: {original.shape}, {original.dtype}\nnow: {z.shape}, {z.dtype}"
                )

    def originals(self) -> list[Any]:
        """The tensors that the result is computed from."""
        return [self.original] if self.is_tensor else [getattr(self, f"original{k}") for k in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Write the originals so that the result is a value, as far as the parametrizations can."""
        no_grad().apply(self._assign, value)

    def _assign(self, value: Any) -> None:
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(
                    f"parametrization {type(module).__name__} does not implement right_inverse. Assigning to a"
                    " parametrized tensor needs it."
                )
            value = module.right_inverse(value)
        for x, new in zip(self.originals(), [value] if self.is_tensor else value, strict=True):
            x.data.copy_(new)

    def forward(self) -> Any:
        """The result of the last parametrization."""
        first, *others = self
        x = first(*self.originals())
        for module in others:
            x = module(x)
        return x


def _with(original: Any, new: Any) -> Any:
    original.data = new.detach()
    return original


def _register(owner: Any, name: str, x: Any) -> None:
    (owner.register_parameter if isinstance(x, Parameter) else owner.register_buffer)(name, x)


def _property(name: str) -> property:
    def read(self: Any) -> Any:
        cache = _CACHE.get()
        if cache is None:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in cache:
            cache[key] = self.parametrizations[name]()
        return cache[key]

    return property(read, lambda self, value: self.parametrizations[name].right_inverse(value))


def _dressed(module: Any) -> None:
    """Give a module a class of its own, which names can be put into."""
    if getattr(type(module), "_is_dressed", False):
        return
    base = type(module)

    def refuse(self: Any) -> Any:
        raise RuntimeError("Serialization of parametrized modules is only supported through state_dict().")

    space: dict[str, Any] = {"_is_dressed": True, "__getstate__": refuse, "_bare": base, "__module__": base.__module__}
    space["__setattr__"] = _set
    space["__deepcopy__"] = _copied
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), space)
    module.parametrizations = ModuleDict()


def _set(self: Any, name: str, value: Any) -> None:
    if isinstance(vars(type(self)).get(name), property):
        if isinstance(value, Parameter):
            raise KeyError(f"attribute '{name}' already exists")
        vars(type(self))[name].__set__(self, value)
    else:
        super(type(self), self).__setattr__(name, value)


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    kind: Any = type(self)
    twin = kind.__new__(kind)
    memo[id(self)] = twin
    twin.__dict__.update({k: copy.deepcopy(v, memo) for k, v in self.__dict__.items()})
    own = {k: v for k, v in vars(kind).items() if k not in ("__dict__", "__weakref__")}
    twin.__class__ = type(kind.__name__, (kind._bare,), own)
    return twin


def register_parametrization(module: Any, tensor_name: str, parametrization: Any, *, unsafe: bool = False) -> Any:
    """Let a parameter or buffer be what a module computes of it; the module."""
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        held = module.parametrizations[tensor_name]
        if hasattr(parametrization, "right_inverse"):
            held.right_inverse_value = None
            old = held()
            new = no_grad().apply(parametrization.right_inverse, old)
            held.append(parametrization)
            del held.__dict__["right_inverse_value"]
            if held.is_tensor and len(held) == 1:
                held.original.data.copy_(new)
        else:
            held.append(parametrization)
        return module
    original = module._parameters.get(tensor_name)
    original = module._buffers.get(tensor_name) if original is None else original
    if original is None:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name"
                         f" '{tensor_name}'")
    made = ParametrizationList([parametrization], original, unsafe=unsafe)
    delattr(module, tensor_name)
    _dressed(module)
    module.parametrizations[tensor_name] = made
    setattr(type(module), tensor_name, _property(tensor_name))
    return module


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether a module, or a tensor of it, is parametrized."""
    held = vars(module).get("_modules", {}).get("parametrizations")
    if held is None or not isinstance(held, ModuleDict):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Let a tensor be a parameter or buffer again: with its present value, or the original; the module."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    held = module.parametrizations[tensor_name]
    original = held.originals()[0]
    if leave_parametrized:
        value = no_grad().apply(held).detach().clone()
        if held.is_tensor and value.shape == original.shape:
            original.data = value
        else:
            original = Parameter(value, original.requires_grad) if isinstance(original, Parameter) else value
    elif not held.is_tensor:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in"
                         " terms of a sequence of tensors.")
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        base = type(module)._bare
        module._modules.pop("parametrizations", None)
        module.__class__ = base
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Any) -> type:
    """The class of a module without its parametrizations."""
    return type(module)._bare if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Any, to_module: Any, tensor_name: str | None = None) -> Any:
    """Let another module have the parametrizations of one; the other."""
    for name in [tensor_name] if tensor_name is not None else list(from_module.parametrizations):
        for module in from_module.parametrizations[name]:
            register_parametrization(to_module, name, module)
    return to_module
