"""Parameters, buffers and children of a module by name: what an assignment registers, and the walks over them.

Home layers register home places in their constructors; each becomes a tensor of the face as it comes in (``faced``).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from tenure.nn.module import Module as HomeModule
from tenure.torch.cells import Parameter, Tensor
from tenure.torch.nn.places import faced, is_parameter, typename

REGISTRIES = ("_parameters", "_buffers", "_modules")
GLOBAL_REGISTRATION: dict[str, dict[int, Any]] = {"parameter": {}, "buffer": {}, "module": {}}
ADOPT: list[Callable[[Any], Any]] = []
"""The function that makes a face module of a home one (``mirror.adopt``)."""


class Registry:
    """Methods of a module that register, find and list what it holds."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    def register_parameter(self, name: str, param: Any) -> None:
        """Add a parameter under a name; None reserves the name."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        param = faced(param)
        checked_name(self, "parameter", name, self._parameters)
        if param is not None and not is_parameter(param):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To"
                f" express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = replaced("parameter", self, name, param)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Add a buffer: a tensor of the module that is no parameter; None reserves the name."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        tensor = faced(tensor)
        checked_name(self, "buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = replaced("buffer", self, name, tensor)
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name: str, module: Any) -> None:
        """Add a child under a name; None reserves the name."""
        if module is not None and not isinstance(module, HomeModule):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {typename(name)}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = replaced("module", self, name, adopted(module))

    def register_module(self, name: str, module: Any) -> None:
        """Add a child under a name; ``add_module``."""
        self.add_module(name, module)

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__
        value = value if type(value) in (int, str, bool, float, tuple) else adopted(faced(value))
        if is_parameter(value):
            if "_parameters" not in held:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            removed(self, name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif name in held.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, None)
        elif isinstance(value, HomeModule):
            if "_modules" not in held:
                raise AttributeError("cannot assign module before Module.__init__() call")
            removed(self, name, "_parameters", "_buffers")
            self._modules[name] = replaced("module", self, name, value)
        elif name in held.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif name in held.get("_buffers", ()) or getattr(value, "_is_buffer", False):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)"
            )
        if name in self._buffers:
            self._buffers[name] = replaced("buffer", self, name, value)
        else:
            removed(self, name, "_parameters", "_modules")
            self.register_buffer(name, value, getattr(value, "persistent", True))

    def __delattr__(self, name: str) -> None:
        for which in REGISTRIES:
            if name in self.__dict__.get(which, ()):
                del self.__dict__[which][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        found = {*object.__dir__(self), *self._parameters, *self._buffers, *self._modules}
        return sorted(key for key in found if not key[:1].isdigit())

    def _named_members(
        self, get: Callable[[Any], Any], prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, x in get(module):
                if x is None or id(x) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(x))
                yield (f"{path}.{name}" if path else name), x

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of the module and of all below it, shared ones once."""
        for _, p in self.named_parameters(recurse=recurse):
            yield p

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Names and parameters."""
        return self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of the module and of all below it."""
        for _, b in self.named_buffers(recurse=recurse):
            yield b

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Names and buffers."""
        return self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def children(self) -> Iterator[Any]:
        """The modules held directly."""
        for _, module in self.named_children():
            yield module

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """Names and modules held directly."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self, remove_duplicate: bool = True) -> Iterator[Any]:
        """The module itself and all below it, parents first, each once, or as often as it is held."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Names and modules: the module itself (named ``prefix``) and all below it."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)


def adopted(value: Any) -> Any:
    """A home module as one of the face; anything else as it is."""
    if isinstance(value, HomeModule) and not isinstance(value, Registry):
        return ADOPT[0](value)
    return value


def checked_name(module: Any, kind: str, name: Any, registered: Any) -> None:
    """Raise PyTorch's error for a name that cannot be registered."""
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
    if "." in name:
        raise KeyError(f'{kind} name can\'t contain "."')
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""')
    if name not in registered and hasattr(module, name):
        raise KeyError(f"attribute '{name}' already exists")


def removed(module: Any, name: str, *registries: str) -> None:
    """Remove a name from the attributes and some registries of a module."""
    held = module.__dict__
    held.pop(name, None)
    for which in registries:
        held.get(which, {}).pop(name, None)
    held.get("_non_persistent_buffers_set", set()).discard(name)


def replaced(kind: str, module: Any, name: str, value: Any) -> Any:
    """The value, or what a hook on every registration returns for it."""
    for hook in tuple(GLOBAL_REGISTRATION[kind].values()):
        found = hook(module, name, value)
        value = value if found is None else found
    return value


class RemovableHandle:
    """Handle of a registered hook: ``remove()`` takes it away again."""

    __module__ = "torch.utils.hooks"
    _next = 0

    def __init__(self, hooks: dict[int, Any], *, extra_dict: Any = None) -> None:
        self._hooks = hooks if not hasattr(hooks, "__weakref__") else weakref.proxy(hooks)
        self.id = RemovableHandle._next
        RemovableHandle._next += 1
        others = [] if extra_dict is None else extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self._others = others

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self.id, None)
        for other in self._others:
            other.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
