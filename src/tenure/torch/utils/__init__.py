"""``torch.utils``: data loading, checkpoints, trees, timers."""

from __future__ import annotations

import importlib
from typing import Any

from tenure.torch import virtual
from tenure.torch.nn.registry import RemovableHandle

ROOMS = (
    "_pytree", "benchmark", "checkpoint", "cpp_extension", "data", "dlpack", "hooks", "mobile_optimizer", "model_zoo",
    "tensorboard",
)  # fmt: skip
virtual.room("utils.hooks", lambda name: RemovableHandle, ["RemovableHandle"])
__all__ = ["checkpoint", "data", "swap_tensors"]


def swap_tensors(t1: Any, t2: Any) -> None:
    """Swap the contents of two tensors, and whatever else they hold."""
    for name in ("_val", "_leaf", "_window", "_layout"):
        a, b = getattr(t1, name, None), getattr(t2, name, None)
        setattr(t1, name, b)
        setattr(t2, name, a)


def __getattr__(name: str) -> Any:
    if name not in ROOMS:
        raise AttributeError(f"module 'torch.utils' has no attribute {name!r}", name=name)
    return importlib.import_module(f"{__name__}.{name}")
