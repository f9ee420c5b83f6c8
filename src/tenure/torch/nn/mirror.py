"""Layers of the face: one class for each home layer, made by one mechanism.

    tenure.nn.Linear(Module)       ──▶   torch.nn.Linear(torch.nn.Module, tenure.nn.Linear)
    tenure.nn.GRU(RNNBase(Module)) ──▶   torch.nn.GRU(torch.nn.RNNBase, tenure.nn.GRU)

A face class inherits from its base in PyTorch, then from the home class, whose code it runs. Its public methods, those
of the home class's bases included, take and give tensors (``crossing``): home code inside has values. Called with
values, they are home code's own calls.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from tenure import nn as home_nn
from tenure.errors import TenureError
from tenure.nn.lazy import Lazy
from tenure.nn.module import Module as HomeModule
from tenure.torch.cells import Tensor
from tenure.torch.cells.formats import way_of
from tenure.torch.crossings import flattened, given
from tenure.torch.devices import check_device
from tenure.torch.dtypes import Defaults, float32
from tenure.torch.errors import plainly, translated
from tenure.torch.names.arguments import reduction_of
from tenure.torch.names.mixing import layer
from tenure.torch.nn import containers, written
from tenure.torch.nn.module import LAYER, Module, begun
from tenure.torch.nn.places import faced
from tenure.torch.nn.registry import ADOPT
from tenure.torch.nn.rooms import HOMES, OLD, PARENT, ROOM_OF

BY_HAND: dict[str, type] = {
    "Module": Module,
    **{of.__name__: of for of in (containers.Sequential, containers.ModuleList, containers.ModuleDict)},
    **{of.__name__: of for of in (containers.ParameterList, containers.ParameterDict)},
}
"""Classes that have no layer code to run."""


@functools.cache
def named(name: str) -> type:
    """The class of ``torch.nn`` of a name, also of the hidden ones of its modules; AttributeError without one."""
    name = OLD.get(name, name)
    if name in BY_HAND:
        return BY_HAND[name]
    if name == "NonDynamicallyQuantizableLinear":
        return type(name, (named("Linear"),), {"__module__": "torch.nn.modules.linear"})
    if name == "LazyModuleMixin":
        return marked(Lazy, name, Module)
    if name in HOMES:
        room, _, which = HOMES[name].partition(".")
        home = getattr(importlib.import_module(f"tenure.nn.{room}"), which)
    else:
        home = getattr(home_nn, name)
    if not isinstance(home, type) or not issubclass(home, HomeModule):
        raise AttributeError(name)
    return marked(home, name, named(PARENT[name]) if name in PARENT else Module)


def marked(home: type, name: str, parent: type) -> type:
    """The face class of a home class, below another one of the face."""
    space = flattened(home, HomeModule, way_of(name))
    for of in reversed(home.__mro__):
        if "__init__" in vars(of) and issubclass(of, HomeModule) and of is not HomeModule:
            space["__init__"] = constructor(vars(of)["__init__"])
        space.update(written.METHODS.get(of.__name__, {}))
    space.update(written.METHODS.get(name, {}))
    if "forward" in space:
        space["forward"] = layer(name, space["forward"])
    if "_built" in space:
        space["__init__"] = followed(space["__init__"], space["_built"])
    becomes = getattr(home, "cls_to_become", None)
    if becomes is not None:
        space["cls_to_become"] = named(becomes.__name__)
    cls = type(name, (parent, home), space)
    cls.__module__ = f"torch.nn.modules.{ROOM_OF.get(name, 'module')}"
    return cls


def constructor(init: Callable[..., None]) -> Callable[..., None]:
    """``__init__`` of a face class: registries, then the home layer's constructor, which fills them."""

    named_here = list(inspect.signature(init).parameters)
    last = named_here.index("dtype") if "dtype" in named_here else 0
    on_device = "device" in named_here

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        begun(self)
        if kwargs.get("size_average") is not None or kwargs.get("reduce") is not None:
            reduction_of(kwargs.get("size_average"), kwargs.get("reduce"), None)
        if on_device:
            check_device(kwargs.get("device"))
        if len(args) < last and kwargs.get("dtype") is None and Defaults.float is not float32:
            kwargs["dtype"] = Defaults.float
        try:
            init(self, *[told(a) for a in args], **{k: told(v) for k, v in kwargs.items()})
        except TenureError as error:
            raise translated(error) from None
        except ValueError as error:
            raise plainly(error) from None
        self.__dict__.pop("_non_persistent", None)

    return __init__


def followed(init: Callable[..., None], then: Callable[[Any], None]) -> Callable[..., None]:
    """A constructor, and what is done behind it."""

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        then(self)

    return __init__


def told(x: Any) -> Any:
    """An argument as a home constructor takes it: tensors as they are, since buffers keep the object."""
    return x if isinstance(x, Tensor) else given(x)


def adopt(module: Any) -> Any:
    """A home module, made by home code, as one of the face: the same object, with tensors for its places."""
    held = dict(module.__dict__)
    module.__class__ = named(type(module).__name__)
    begun(module)
    hidden = held.pop("_non_persistent", set())
    held.pop("_hooks", None)
    module.__dict__["_non_persistent_buffers_set"] = set(hidden)
    for which in ("_parameters", "_buffers"):
        module.__dict__[which] = {name: faced(x) for name, x in held.pop(which).items()}
    module.__dict__["_modules"] = {
        name: m if m is None or isinstance(m, Module) else adopt(m) for name, m in held.pop("_modules").items()
    }
    module.__dict__.update(held)
    if hasattr(type(module), "_built"):
        module._built()
    return module


ADOPT.append(adopt)
LAYER.append(named)
