"""Modules whose parameters are not initialized."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from tenure.errors import DTypeError, shown
from tenure.nn.module import Module
from tenure.values.operations.generator import default_generator
from tenure.values.rules.modes import no_grad
from tenure.values.trace.blame import checked_first

M = TypeVar("M", bound=Module)


@checked_first
def skip_init(module_cls: Callable[..., M], *args: Any, **kwargs: Any) -> M:
    """The module ``module_cls(*args, **kwargs)`` with zeros for parameters and buffers, where a state dict follows.

    No random numbers are drawn. DTypeError (TN802) for what is no class of modules; TypeError for one that takes no
    ``device``.

    >>> nn.utils.skip_init(nn.Linear, 2, 1).weight.detach()
    tensor([[0., 0.]])
    """
    if not isinstance(module_cls, type) or not issubclass(module_cls, Module):
        raise DTypeError(f"skip_init: module_cls is a class of modules, not {shown(module_cls)}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise TypeError(f"skip_init: {module_cls.__name__} takes no device, so PyTorch could not make it so")
    generator = default_generator()
    before = generator.get_state()
    module: Any = module_cls(*args, **kwargs)
    generator.set_state(before)
    no_grad().apply(clear, [*module.parameters(), *module.buffers()])
    return module  # type: ignore[no-any-return]


def clear(places: list[Any]) -> None:
    """Set places to zero."""
    for place in places:
        place.zero_()
