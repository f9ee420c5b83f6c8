"""Accelerators that are not there: ``torch.mps``, ``torch.xpu``, ``torch.mtia``, ``torch.accelerator``."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import Any, NoReturn

from tenure.torch import virtual

NAMES = [
    "is_available", "is_initialized", "device_count", "current_device", "current_accelerator", "set_device",
    "set_device_index", "current_device_index", "device_index", "synchronize", "empty_cache", "manual_seed",
    "manual_seed_all", "seed", "get_rng_state", "set_rng_state", "memory_allocated", "max_memory_allocated",
    "memory_reserved", "current_allocated_memory", "driver_allocated_memory", "recommended_max_memory",
    "set_per_process_memory_fraction", "current_stream", "stream", "Stream", "Event", "is_bf16_supported",
    "get_device_name", "reset_peak_memory_stats", "device",
]  # fmt: skip
FALSE = {"is_available", "is_initialized", "is_bf16_supported"}
NOTHING = {"empty_cache", "manual_seed", "manual_seed_all", "seed", "reset_peak_memory_stats", "current_accelerator"}
ZERO = {"device_count", "memory_allocated", "max_memory_allocated", "memory_reserved", "current_allocated_memory"}


def _absent(module: str, name: str) -> Any:
    if name in FALSE:
        return lambda *args, **kwargs: False
    if name in NOTHING:
        return lambda *args, **kwargs: None
    if name in ZERO:
        return lambda *args, **kwargs: 0
    if name in ("stream", "device"):
        return contextlib.nullcontext

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(f"torch.{module}.{name}: there is no accelerator; tensors are on the CPU")

    return type(name, (), {"__new__": refuse}) if name[0].isupper() else refuse


mps, xpu, mtia, accelerator = (
    virtual.room(module, lambda name, module=module: _absent(module, name), NAMES)  # type: ignore[misc]
    for module in ("mps", "xpu", "mtia", "accelerator")
)
cpu = virtual.room(
    "cpu",
    lambda name: {"is_available": lambda: True, "device_count": lambda: 1}.get(name, lambda *args, **kwargs: None),
    ["is_available", "device_count", "synchronize", "current_device", "set_device", "stream", "current_stream"],
)


def get_device_module(device: Any = None) -> Any:
    """The module of a device's type, without one that of the CPU; RuntimeError if there is none."""
    name = "cpu" if device is None else str(device).partition(":")[0]
    if name not in ("cpu", "cuda", "mps", "xpu", "mtia"):
        raise RuntimeError(f"Invalid device module: '{name}' is not a registered device module.")
    return cpu if name == "cpu" else import_module("tenure.torch.cuda") if name == "cuda" else globals()[name]
