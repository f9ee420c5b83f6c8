"""``torch.autograd.functional``: derivatives of functions of tensors, by gradients of their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.func import jvp as home_jvp
from tenure.torch.autograd.gradients import grad
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.values.operations.factories import zeros
from tenure.values.operations.shaping import stack
from tenure.values.rules.modes import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
Tensors = Any


def _prepared(inputs: Tensors, create_graph: bool) -> tuple[bool, tuple[Any, ...]]:
    """Whether there were several, and the inputs as tensors that require grad."""
    several = isinstance(inputs, tuple | list)
    given = tuple(inputs) if several else (inputs,)
    for k, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"The inputs given to the function must be either a Tensor or a tuple of Tensors but the value at index"
                f" {k} has type {type(x)}."
            )
    if create_graph:
        return several, tuple([x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in given])
    return several, tuple([x.detach().clone().requires_grad_() for x in given])


def _called(func: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[bool, tuple[Any, ...]]:
    out = func(*inputs)
    several = isinstance(out, tuple | list)
    return several, tuple(out) if several else (out,)


def _zeros(x: Any, shape: Any = None) -> Any:
    return Tensor._of(zeros(tuple(x.shape) if shape is None else shape, dtype=x._aval.dtype))


def _filled(found: tuple[Any, ...], inputs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    made = [_zeros(x) if g is None else g for g, x in zip(found, inputs, strict=True)]
    return tuple(made if create_graph else [g.detach() for g in made])


def _one(found: tuple[Any, ...], several: bool) -> Any:
    return found if several else found[0]


@enable_grad()
def vjp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function, and the product of a vector with its Jacobian."""
    several, xs = _prepared(inputs, create_graph)
    many, ys = _called(func, xs)
    if v is None and (len(ys) > 1 or ys[0].numel() != 1):
        raise RuntimeError("The vector v can only be None if the user-provided function returns a single Tensor with a"
                           " single element.")
    vs = None if v is None else tuple(v) if isinstance(v, tuple | list) else (v,)
    found = _filled(_grad(ys, xs, vs, create_graph), xs, create_graph)
    out = ys if create_graph else tuple([y.detach() for y in ys])
    return _one(out, many), _one(found, several)


def _grad(ys: tuple[Any, ...], xs: tuple[Any, ...], vs: Any, create_graph: bool) -> tuple[Any, ...]:
    kept = [k for k, y in enumerate(ys) if y.requires_grad]
    if not kept:
        return (None,) * len(xs)
    chosen = None if vs is None else [vs[k] for k in kept]
    return grad([ys[k] for k in kept], xs, chosen, retain_graph=True, create_graph=create_graph, allow_unused=True)


@enable_grad()
def jacobian(
    func: Any, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian of a function: for each result and input, of the result's shape and then the input's."""
    several, xs = _prepared(inputs, create_graph)
    many, ys = _called(func, xs)
    rows = []
    for y in ys:
        flat = y.reshape(-1)
        parts = []
        for k in range(flat.numel()):
            parts.append(_filled(_grad((flat[k],), xs, None, create_graph), xs, create_graph))
        row = []
        for j, x in enumerate(xs):
            shape = (*y.shape, *x.shape)
            if parts:
                row.append(Tensor._of(stack([p[j]._read() for p in parts])).reshape(shape))
            else:
                row.append(_zeros(x, shape))
        rows.append(tuple(row))
    found = tuple([_one(row, several) for row in rows])
    return _one(found, many)


def hessian(
    func: Any, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Hessian of a function with one result of one element."""
    several = isinstance(inputs, tuple | list)

    def gradient(*xs: Any) -> Any:
        y = func(*xs)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise RuntimeError("The function given to hessian should return a single Tensor with a single element.")
        found = _grad((y.reshape(()),), xs, None, True)
        made = tuple([_zeros(x) if g is None else g for g, x in zip(found, xs, strict=True)])
        return made if several else made[0]

    return jacobian(gradient, inputs, create_graph=create_graph, strict=strict)


def jvp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function, and the product of its Jacobian with a vector."""
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    if v is None:
        if len(given) > 1 or given[0].numel() != 1:
            raise RuntimeError("The vector v can only be None if the input to the user-provided function is a single"
                               " Tensor with a single element.")
        v = wrap(unwrap(given[0]) * 0 + 1)
    vs = tuple(v) if isinstance(v, tuple | list) else (v,)
    xs = given if create_graph else tuple([x.detach() for x in given])
    out, tangent = home_jvp(lambda *home: unwrap(func(*wrap(home))), tuple(unwrap(xs)), tuple(unwrap(vs)))
    return wrap(out), wrap(tangent)


@enable_grad()
def vhp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function of one element, and the product of a vector with its Hessian."""
    several, xs = _prepared(inputs, create_graph)
    y = func(*xs)
    found = _grad((y.reshape(()),), xs, None, True)
    gs = tuple([_zeros(x) if g is None else g for g, x in zip(found, xs, strict=True)])
    vs = (_zeros(xs[0]) + 1,) if v is None else tuple(v) if isinstance(v, tuple | list) else (v,)
    product = _filled(_grad(gs, xs, vs, create_graph), xs, create_graph)
    return y if create_graph else y.detach(), _one(product, several)


def hvp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function of one element, and the product of its Hessian with a vector."""
    return vhp(func, inputs, v, create_graph, strict)
