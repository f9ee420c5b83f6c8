"""Hooks of every module, by PyTorch's names. They run before a module's own, in the order of registration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.nn.hooks import REGISTRATION, everywhere
from tenure.nn.module import Module
from tenure.values.grad.handlers import RemovableHandle
from tenure.values.trace.blame import checked_first

__all__ = [
    "Module",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


@checked_first
def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before ``forward`` of every module; it may return other arguments."""
    return everywhere("before", (hook, False))


@checked_first
def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after ``forward`` of every module; it may return another output.

    The options are those of ``Module.register_forward_hook``."""
    return everywhere("after", (hook, with_kwargs, always_call))


@checked_first
def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` when a backward comes to the results of a call of any module."""
    return everywhere("back_first", hook)


@checked_first
def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when a backward has the gradients of a call of any module."""
    return everywhere("back", hook)


@checked_first
def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, param)`` when any module is given a parameter; it may return another one."""
    return _registration("parameter", hook)


@checked_first
def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when any module is given a buffer; it may return another one."""
    return _registration("buffer", hook)


@checked_first
def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, child)`` when any module is given a child; it may return another one."""
    return _registration("module", hook)


def _registration(kind: str, hook: Callable[..., Any]) -> RemovableHandle:
    return RemovableHandle(REGISTRATION, (kind, hook))  # type: ignore[arg-type]
