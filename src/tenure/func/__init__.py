"""Transforms of functions: derivatives of any order, vectorization over examples, and custom rules."""

from tenure.func.checkpointing import checkpoint
from tenure.func.custom import custom_vjp
from tenure.func.custom_forward import custom_jvp
from tenure.func.jacobian import hessian, jacfwd, jacrev
from tenure.func.linear import grad_and_value, linearize
from tenure.func.stateless import functional_call, stack_module_state
from tenure.func.transforms import grad, jvp, value_and_grad, vjp
from tenure.func.vectorize import vmap

__all__ = [
    "checkpoint",
    "custom_jvp",
    "custom_vjp",
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]
