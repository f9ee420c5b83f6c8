"""``torch.overrides``: objects that say themselves what a function of them is, by ``__torch_function__``."""

from __future__ import annotations

from typing import Any

from tenure.torch.absent import refused
from tenure.torch.cells import Tensor
from tenure.torch.names.namespace import named
from tenure.torch.names.overriding import IGNORED, answered, overriding

__all__ = [
    "get_default_nowrap_functions", "get_ignored_functions", "handle_torch_function", "has_torch_function",
    "is_tensor_like",
]  # fmt: skip


def has_torch_function(relevant_args: Any) -> bool:
    """Whether one of some arguments is to be asked."""
    return bool(overriding(tuple(relevant_args)))


def has_torch_function_unary(x: Any) -> bool:
    """Whether an argument is to be asked."""
    return bool(overriding((x,)))


def has_torch_function_variadic(*args: Any) -> bool:
    """Whether one of some arguments is to be asked."""
    return bool(overriding(args))


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a tensor, or says how to handle functions of tensors."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def get_ignored_functions() -> set[Any]:
    """The functions that ask no arguments."""
    return {named(name) for name in IGNORED}


def get_default_nowrap_functions() -> set[Any]:
    """None: attributes that are no tensors of the subclass are not asked for."""
    return set()


def handle_torch_function(public_api: Any, relevant_args: Any, *args: Any, **kwargs: Any) -> Any:
    """The answer of the relevant arguments to a function; TypeError where none of them has one."""
    return answered(public_api, overriding(tuple(relevant_args)), args, kwargs)


TorchFunctionMode = refused("library", "TorchFunctionMode")
