"""``torch.func``: transforms of functions, those of the home library over functions of tensors."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from tenure import func as home
from tenure.errors import TenureError
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.errors import translated
from tenure.torch.nn.utils.swapping import replaced
from tenure.values.operations.shaping import stack

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "stack_module_state", "vjp", "vmap",
]  # fmt: skip


def inside(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors as one of values."""

    @functools.wraps(f, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        return unwrap(plain(f(*wrap(args), **wrap(kwargs))))

    return call


def plain(x: Any) -> Any:
    """Dicts of a subclass as plain ones, of which home code knows the form."""
    if isinstance(x, dict) and type(x) is not dict:
        return {k: plain(v) for k, v in x.items()}
    return type(x)([plain(v) for v in x]) if type(x) in (tuple, list) else x


def outside(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of values as one of tensors."""

    @functools.wraps(f, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return wrap(f(*unwrap(plain(args)), **unwrap(plain(kwargs))))
        except TenureError as error:
            raise translated(error) from None

    return call


def grad(func: Any, argnums: Any = 0, has_aux: bool = False) -> Any:
    """Function of the gradient."""
    return outside(home.grad(inside(func), argnums, has_aux=has_aux))


def grad_and_value(func: Any, argnums: Any = 0, has_aux: bool = False) -> Any:
    """Function of the gradient and the value."""
    return outside(home.grad_and_value(inside(func), argnums, has_aux=has_aux))


def vmap(
    func: Any, in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Any:
    """Function of a batch, from one of an example."""
    return outside(home.vmap(inside(func), in_dims=in_dims, out_dims=out_dims, randomness=randomness))


def jacrev(func: Any, argnums: Any = 0, *, has_aux: bool = False, chunk_size: Any = None,
           _preallocate_and_copy: bool = False) -> Any:  # fmt: skip
    """Function of the Jacobian, by reverse mode."""
    return outside(home.jacrev(inside(func), argnums, has_aux=has_aux))


def jacfwd(func: Any, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error") -> Any:
    """Function of the Jacobian, by forward mode."""
    return outside(home.jacfwd(inside(func), argnums, has_aux=has_aux))


def hessian(func: Any, argnums: Any = 0) -> Any:
    """Function of the Hessian."""
    return outside(home.hessian(inside(func), argnums))


def vjp(func: Any, *primals: Any, has_aux: bool = False) -> Any:
    """The value, and the function from its cotangent to those of the arguments."""
    if has_aux:
        out, pull, aux = home.vjp(inside(func), *unwrap(plain(primals)), has_aux=True)
        return wrap(out), outside(pull), wrap(aux)
    out, pull = home.vjp(inside(func), *unwrap(plain(primals)))
    return wrap(out), outside(pull)


def jvp(func: Any, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value, and the derivative along tangents."""
    given = unwrap(plain(tuple(primals))), unwrap(plain(tuple(tangents)))
    return wrap(home.jvp(inside(func), *given, has_aux=True) if has_aux else home.jvp(inside(func), *given))


def linearize(func: Any, *primals: Any) -> Any:
    """The value, and the function from tangents to derivatives."""
    out, push = home.linearize(inside(func), *unwrap(plain(primals)))
    return wrap(out), outside(push)


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: Any = None, *, tie_weights: bool = True,
    strict: bool = False,
) -> Any:  # fmt: skip
    """The result of a module with other tensors in place of parameters and buffers, for this call."""
    dicts = parameter_and_buffer_dicts
    given: dict[str, Any] = dicts if isinstance(dicts, dict) else {}
    for part in () if isinstance(dicts, dict) else dicts:
        if given.keys() & part.keys():
            raise ValueError(f"{sorted(given.keys() & part.keys())} appeared in multiple dictionaries; behavior of"
                             " functional call is ambiguous")
        given.update(part)
    with replaced(module, given, tie_weights, strict):
        return module(*(args if isinstance(args, tuple) else () if args is None else (args,)), **(kwargs or {}))


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models, each stacked along a new first axis."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")

    def stacked(which: str) -> dict[str, Any]:
        found = [dict(getattr(m, which)()) for m in models]
        return {
            name: Tensor._of(stack([f[name]._read().detach() for f in found])).requires_grad_(x.requires_grad)
            for name, x in found[0].items()
        }

    return stacked("named_parameters"), stacked("named_buffers")


def functionalize(func: Any, *, remove: str = "mutations") -> Any:
    """The function: writes of tensors are values underneath in any case."""
    return func


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Let layers of batch normalization keep no running statistics."""
    for m in root.modules():
        if "track_running_stats" in vars(m):
            m.running_mean = m.running_var = m.num_batches_tracked = None
            m.track_running_stats = False
    return root


def make_functional(model: Any, disable_autograd_tracking: bool = False) -> Any:
    """A model as a function of its parameters, and these."""
    names = [name for name, _ in model.named_parameters()]
    twin = copy.deepcopy(model)

    def call(params: Any, *args: Any, **kwargs: Any) -> Any:
        return functional_call(twin, dict(zip(names, params, strict=True)), args, kwargs)

    return call, tuple(model.parameters())
