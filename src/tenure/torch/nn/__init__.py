"""``torch.nn``: modules, layers, and the functions they are made of; a layer class is made at its first use."""

from __future__ import annotations

import importlib
from typing import Any

from tenure import nn as home_nn
from tenure.torch.nn import mirror, parameter
from tenure.torch.nn.module import Module
from tenure.torch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from tenure.torch.nn.rooms import ROOM_OF

ROOMS = ("attention", "common_types", "functional", "init", "modules", "parallel", "utils")
__all__ = [
    "Buffer", "Module", "Parameter", "UninitializedBuffer", "UninitializedParameter", "factory_kwargs", "parameter",
    *[name for name in ROOM_OF if name[0] != "_"], *ROOMS,
]  # fmt: skip


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The options device, dtype and memory_format among keyword arguments, those of ``factory_kwargs`` included."""
    if kwargs is None:
        return {}
    unexpected = kwargs.keys() - {"device", "dtype", "memory_format", "factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for key in ("device", "dtype", "memory_format"):
        if key in kwargs:
            if key in found:
                raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
            found[key] = kwargs[key]
    return found


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "DataParallel":
        return importlib.import_module(f"{__name__}.parallel").DataParallel
    try:
        found = globals()[name] = mirror.named(name)
    except AttributeError:
        raise AttributeError(f"module 'torch.nn' has no attribute {name!r}", name=name) from None
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *[name for name in dir(home_nn) if name[0].isupper()]})
