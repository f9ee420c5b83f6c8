"""``torch.cuda``: not available, said as PyTorch's build for the CPU says it."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any, NoReturn

from tenure.torch import virtual
from tenure.torch.cuda import amp

ABSENT = "Torch not compiled with CUDA enabled"
default_generators: tuple[Any, ...] = ()
has_half = False
_initialized = False


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def is_current_stream_capturing() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def _zero(*args: Any, **kwargs: Any) -> int:
    return 0


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError(ABSENT)


memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = _zero
memory_cached = max_memory_cached = utilization = _zero
empty_cache = manual_seed = manual_seed_all = seed = seed_all = ipc_collect = reset_peak_memory_stats = _nothing
reset_max_memory_allocated = reset_max_memory_cached = _record_memory_history = set_sync_debug_mode = _nothing
synchronize = current_device = set_device = get_device_name = get_device_capability = get_device_properties = _refuse
current_stream = default_stream = init = initial_seed = get_rng_state = set_rng_state = mem_get_info = _refuse
memory_summary = memory_stats = current_blas_handle = set_per_process_memory_fraction = graph = _refuse
get_arch_list = get_rng_state_all = list
set_rng_state_all = _nothing


def set_stream(stream: Any) -> None:
    """Nothing: there are no streams."""


@contextlib.contextmanager
def stream(stream: Any) -> Iterator[None]:
    """Context of a stream: there are none."""
    yield


@contextlib.contextmanager
def device(device: Any, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Context of a device, or of a range of a profile: there is none."""
    yield


device_of = device


def _absent(name: str, **members: Any) -> Any:
    return type(name, (), {"__new__": _refuse, "__module__": "torch.cuda", **members})


Event, Stream, CUDAGraph, ExternalStream = (_absent(n) for n in ("Event", "Stream", "CUDAGraph", "ExternalStream"))
OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch.cuda"})
CudaError = type("CudaError", (RuntimeError,), {"__module__": "torch.cuda"})
_LEGACY = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
for _name in _LEGACY:
    globals()[f"{_name}Tensor"] = _absent(f"{_name}Tensor")
virtual.room(
    "cuda.nvtx", lambda name: device if name == "range" else _nothing, ["range_push", "range_pop", "mark", "range"]
)
virtual.room("cuda.random", lambda name: globals()[name], ["manual_seed", "manual_seed_all", "seed", "get_rng_state"])
virtual.room("cuda.memory", lambda name: globals()[name], ["empty_cache", "memory_allocated", "memory_reserved"])
virtual.room("cuda.streams", lambda name: globals()[name], ["Stream", "Event"])
nvtx = importlib.import_module("tenure.torch.cuda.nvtx")
__all__ = ["amp", "device_count", "is_available"]
