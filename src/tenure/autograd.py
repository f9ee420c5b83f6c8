"""``tn.autograd``: PyTorch's names for gradients of tensors."""

from tenure.values.grad.autograd import backward, grad
from tenure.values.rules.modes import enable_grad, no_grad, set_grad_enabled

__all__ = ["backward", "enable_grad", "grad", "no_grad", "set_grad_enabled"]
