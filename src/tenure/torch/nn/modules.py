"""``torch.nn.modules``: PyTorch's places of layer classes."""

from __future__ import annotations

import importlib
from typing import Any

from tenure.torch import virtual
from tenure.torch.nn import functional
from tenure.torch.nn.calls import everywhere
from tenure.torch.nn.mirror import named
from tenure.torch.nn.module import Module
from tenure.torch.nn.registry import GLOBAL_REGISTRATION, RemovableHandle
from tenure.torch.nn.rooms import ROOMS
from tenure.torch.nn.saving import _IncompatibleKeys

__path__: list[str] = []


def _tupled(n: int) -> Any:
    def parse(x: Any) -> Any:
        return tuple(x) if hasattr(x, "__iter__") else (x,) * n

    return parse


def _registration(kind: str) -> Any:
    def register(hook: Any) -> RemovableHandle:
        hooks = GLOBAL_REGISTRATION[kind]
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        return handle

    return register


_UTILS = {
    "_single": _tupled(1), "_pair": _tupled(2), "_triple": _tupled(3), "_quadruple": _tupled(4), "_ntuple": _tupled,
    "consume_prefix_in_state_dict_if_present": None, "_reverse_repeat_tuple": None,
}  # fmt: skip
_HOOKS = {
    **{f"register_module_{kind}_registration_hook": _registration(kind) for kind in ("parameter", "buffer", "module")},
    "register_module_forward_hook": everywhere("_forward_hooks"),
    "register_module_forward_pre_hook": everywhere("_forward_pre_hooks"),
    "register_module_full_backward_hook": everywhere("_backward_hooks"),
    "register_module_full_backward_pre_hook": everywhere("_backward_pre_hooks"),
}


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take a prefix off the keys of a state_dict, in place."""
    for key in [k for k in state_dict if k.startswith(prefix)]:
        state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is not None:
        for key in list(metadata):
            if key.startswith(prefix):
                metadata[key[len(prefix) :]] = metadata.pop(key)


def _reverse_repeat_tuple(t: Any, n: int) -> Any:
    return tuple(x for x in reversed(t) for _ in range(n))


_UTILS |= {
    "consume_prefix_in_state_dict_if_present": consume_prefix_in_state_dict_if_present,
    "_reverse_repeat_tuple": _reverse_repeat_tuple,
}


def _get_activation_fn(activation: str) -> Any:
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return getattr(functional, activation)


def _layer(name: str) -> Any:
    return _get_activation_fn if name == "_get_activation_fn" else named(name)


virtual.rooms("nn.modules", {room: names for room, names in ROOMS.items() if room != "module"}, _layer)
_MODULE = {"Module": Module, "_IncompatibleKeys": _IncompatibleKeys, **_HOOKS}
virtual.room("nn.modules.module", _MODULE.__getitem__, _MODULE)
virtual.room("nn.modules.utils", _UTILS.__getitem__, _UTILS)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name in ROOMS or name == "utils":
        return importlib.import_module(f"{__name__}.{name}")
    return named(name)
