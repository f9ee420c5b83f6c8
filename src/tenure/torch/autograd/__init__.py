"""``torch.autograd``: gradients, Functions of one's own, modes, and profiles."""

from __future__ import annotations

import importlib
from typing import Any

from tenure.torch import virtual
from tenure.torch.autograd import function, modes
from tenure.torch.autograd.function import Function
from tenure.torch.autograd.gradients import GradcheckError, backward, grad
from tenure.torch.autograd.gradients import gradcheck as _gradcheck
from tenure.torch.autograd.gradients import gradgradcheck as _gradgradcheck
from tenure.torch.autograd.modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from tenure.torch.cells import Tensor
from tenure.torch.cells.anomaly import detect_anomaly, set_detect_anomaly

ROOMS = ("forward_ad", "functional", "graph", "profiler")


class _Kind(type):
    """``isinstance(x, Variable)`` asks for a tensor."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor)


class Variable(metaclass=_Kind):
    """The old name of a tensor: ``Variable(x, requires_grad)`` is x, or a leaf that shares its elements."""

    __module__ = "torch.autograd.variable"

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: Any = None) -> Any:
        if data is None:
            return Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)


set_multithreading_enabled = modes.set_multithreading_enabled
gradcheck, gradgradcheck = _gradcheck, _gradgradcheck
_MODES = "enable_grad inference_mode no_grad set_grad_enabled set_multithreading_enabled"
virtual.room("autograd.grad_mode", lambda name: getattr(modes, name), _MODES.split())
virtual.room("autograd.variable", lambda name: Variable, ["Variable"])
virtual.room("autograd.anomaly_mode", lambda name: globals()[name], ["detect_anomaly", "set_detect_anomaly"])
virtual.room("autograd.gradcheck", lambda name: globals()[name.lstrip("_")], ["GradcheckError", "_gradcheck"])

__all__ = [
    "Function", "GradcheckError", "Variable", "backward", "detect_anomaly", "enable_grad", "forward_ad", "function",
    "functional", "grad", "gradcheck", "gradgradcheck", "graph", "inference_mode", "no_grad", "profiler",
    "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'torch.autograd' has no attribute {name!r}", name=name)
