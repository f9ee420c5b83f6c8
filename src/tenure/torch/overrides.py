"""``torch.overrides``: tensors of other classes are not dispatched on, so nothing is overridden."""

from __future__ import annotations

from typing import Any

from tenure.torch.absent import refused

__all__ = ["get_ignored_functions", "handle_torch_function", "has_torch_function", "is_tensor_like"]


def has_torch_function(relevant_args: Any) -> bool:
    """False."""
    return False


has_torch_function_unary = has_torch_function


def has_torch_function_variadic(*args: Any) -> bool:
    """False."""
    return False


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a tensor, or says how to handle functions of tensors."""
    return hasattr(type(inp), "__torch_function__") or hasattr(inp, "_window")


def get_ignored_functions() -> set[Any]:
    """None."""
    return set()


def handle_torch_function(public_api: Any, relevant_args: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of the function."""
    return public_api(*args, **kwargs)


TorchFunctionMode = refused("library", "TorchFunctionMode")
