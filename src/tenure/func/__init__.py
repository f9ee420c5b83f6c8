"""Transforms of functions: derivatives of any order, vectorization over examples, and custom rules."""

from tenure.func.checkpointing import checkpoint
from tenure.func.custom import custom_vjp
from tenure.func.jacobian import hessian, jacfwd, jacrev
from tenure.func.stateless import functional_call
from tenure.func.transforms import grad, jvp, value_and_grad, vjp
from tenure.func.vectorize import vmap

__all__ = [
    "checkpoint",
    "custom_vjp",
    "functional_call",
    "grad",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
]
