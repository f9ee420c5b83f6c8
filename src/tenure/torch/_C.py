"""``torch._C``: a few names of PyTorch's extension that programs ask for."""

from __future__ import annotations

import contextlib
from typing import Any

from tenure.torch.autograd.modes import is_grad_enabled
from tenure.torch.cells import Tensor as TensorBase
from tenure.torch.names.overriding import DisableTorchFunctionSubclass, unasked


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


_log_api_usage_once = _jit_set_profiling_executor = _jit_set_profiling_mode = _jit_set_nvfuser_enabled = _nothing
_jit_override_can_fuse_on_gpu = _jit_override_can_fuse_on_cpu = _jit_set_texpr_fuser_enabled = _nothing
_get_tracing_state = _nothing
DisableTorchFunction = DisableTorchFunctionSubclass
_disabled_torch_function_impl = unasked
_ExcludeDispatchKeyGuard = contextlib.nullcontext
_is_grad_enabled = is_grad_enabled


def _are_functorch_transforms_active() -> bool:
    return False


class DispatchKeySet:
    """Keys of PyTorch's dispatcher, which is not here: sets of names."""

    def __init__(self, *keys: str) -> None:
        self.keys = frozenset(keys)

    def __or__(self, other: DispatchKeySet) -> DispatchKeySet:
        return DispatchKeySet(*self.keys, *other.keys)

    def has(self, key: str) -> bool:
        """Whether a key is among them."""
        return key in self.keys


class _Keys(type):
    """A key is its name."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return name


class DispatchKey(metaclass=_Keys):
    """Keys of PyTorch's dispatcher, which is not here."""


__all__ = ["DispatchKey", "DispatchKeySet", "TensorBase"]
