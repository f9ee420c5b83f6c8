"""``tn.autograd``: PyTorch's names for gradients of tensors."""

from tenure.autograd import functional
from tenure.autograd.several import Variable, backward
from tenure.func.checking import gradcheck, gradgradcheck
from tenure.func.function import Function
from tenure.values.grad.autograd import grad
from tenure.values.places.anomaly import detect_anomaly, set_detect_anomaly
from tenure.values.rules.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
