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


STRICT = "This is not allowed in strict mode"
NO_GRADIENT = ("Output {} of the user-provided function does not require gradients. The outputs must be computed in a"
               " differentiable manner from the input when running in strict mode.")
LINEAR = ("While computing the hessian, found that the jacobian of the user-provided function with respect to input"
          f" {{}} is independent of the input. {STRICT}. You should ensure that your function is twice differentiable"
          " and that the jacobian depends on the inputs (this would be violated by a linear function for example).")
STRATEGY = ('Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs'
            ' than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".')


def _tuple(given: Any, what: str, of: str) -> tuple[bool, tuple[Any, ...]]:
    """Whether there are several tensors, and all of them."""
    several = isinstance(given, tuple)
    found = given if several else (given,)
    for k, x in enumerate(found):
        if not isinstance(x, Tensor):
            one = f"the value at index {k}" if several else f"the given {what}"
            raise TypeError(f"The {what} given to {of} must be either a Tensor or a tuple of Tensors but {one} has type"
                            f" {type(x)}.")
    return several, found


def _prepared(inputs: Tensors, create_graph: bool, of: str) -> tuple[bool, tuple[Any, ...]]:
    """Whether there were several, and the inputs as tensors that require grad."""
    several, given = _tuple(tuple(inputs) if isinstance(inputs, list) else inputs, "inputs", of)
    if create_graph:
        return several, tuple([x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in given])
    return several, tuple([x.detach().clone().requires_grad_() for x in given])


def _called(func: Callable[..., Any], inputs: tuple[Any, ...], strict: bool, of: str) -> tuple[bool, tuple[Any, ...]]:
    """Whether the function has several results, and these."""
    out = func(*inputs)
    many, ys = _tuple(tuple(out) if isinstance(out, list) else out, "outputs of the user-provided function", of)
    return many, _tracked(ys, NO_GRADIENT, strict)


def _tracked(found: tuple[Any, ...], message: str, strict: bool, xs: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    """Tensors, all of which require grad if that is asked for, and depend on one of ``xs`` if these are given."""
    for k, x in enumerate(found if strict else ()):
        if not x.requires_grad or (xs and all(g is None for g in _grad((x.sum(),), xs, None, False))):
            raise RuntimeError(message.format(k))
    return found


def _vectors(v: Tensors, like: tuple[Any, ...]) -> tuple[Any, ...]:
    """Vectors of the shapes of tensors."""
    several = isinstance(v, tuple | list)
    vs = tuple(v) if several else (v,)
    if len(vs) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}.")
    for k, (one, x) in enumerate(zip(vs, like, strict=True)):
        if one.size() != x.size():
            entry = f"Entry {k} in v" if several else "v"
            raise RuntimeError(f"{entry} has invalid size: should be {x.size()} but got {one.size()}.")
    return vs


def _zeros(x: Any, shape: Any = None) -> Any:
    return Tensor._of(zeros(tuple(x.shape) if shape is None else shape, dtype=x._aval.dtype))


def _filled(
    found: tuple[Any, ...], inputs: tuple[Any, ...], create_graph: bool, strict: str | None = None
) -> tuple[Any, ...]:
    """Gradients, zeros for those that there are none of; ``strict`` is the message where that is not allowed."""
    for k, g in enumerate(found):
        if strict is not None and g is None:
            raise RuntimeError(strict.format(k))
    made = [_zeros(x) if g is None else g for g, x in zip(found, inputs, strict=True)]
    return tuple(made if create_graph else [g.detach() for g in made])


def _one(found: tuple[Any, ...], several: bool) -> Any:
    return found if several else found[0]


def _grad(ys: tuple[Any, ...], xs: tuple[Any, ...], vs: Any, create_graph: bool) -> tuple[Any, ...]:
    kept = [k for k, y in enumerate(ys) if y.requires_grad]
    if not kept:
        return (None,) * len(xs)
    chosen = None if vs is None else [vs[k] for k in kept]
    return grad([ys[k] for k in kept], xs, chosen, retain_graph=True, create_graph=create_graph, allow_unused=True)


@enable_grad()
def vjp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function, and the product of a vector with its Jacobian."""
    several, xs = _prepared(inputs, create_graph, "vjp")
    many, ys = _called(func, xs, strict, "vjp")
    if v is None and (len(ys) > 1 or ys[0].numel() != 1):
        raise RuntimeError("The vector v can only be None if the user-provided function returns a single Tensor with a"
                           " single element.")
    vs = None if v is None else _vectors(v, ys)
    apart = f"The output of the user-provided function is independent of input {{}}. {STRICT}."
    found = _filled(_grad(ys, xs, vs, create_graph), xs, create_graph, apart if strict else None)
    out = ys if create_graph else tuple([y.detach() for y in ys])
    return _one(out, many), _one(found, several)


@enable_grad()
def jacobian(
    func: Any, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian of a function: for each result and input, of the result's shape and then the input's."""
    _check_strategy(strategy, vectorize)
    several, xs = _prepared(inputs, create_graph, "jacobian")
    many, ys = _called(func, xs, strict, "jacobian")
    if strict and vectorize:
        raise RuntimeError("torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported"
                           " together. Please either set `strict=False` or `vectorize=False`.")
    rows = []
    for i, y in enumerate(ys):
        apart = f"Output {i} of the user-provided function is independent of input {{}}. {STRICT}." if strict else None
        flat = y.reshape(-1)
        parts = []
        for k in range(flat.numel()):
            part = _filled(_grad((flat[k],), xs, None, create_graph), xs, create_graph, apart)
            linear = f"The jacobian of the user-provided function is independent of input {{}}. {STRICT} when"
            parts.append(_tracked(part, f"{linear} create_graph=True.", strict and create_graph, xs))
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


def _check_strategy(strategy: str, vectorize: bool) -> None:
    assert strategy in ("forward-mode", "reverse-mode"), STRATEGY
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError("Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly"
                                  " implemented for `vectorize=True`.")


def hessian(
    func: Any, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Hessian of a function with one result of one element."""
    several = isinstance(inputs, tuple | list)

    def gradient(*xs: Any) -> Any:
        made = _gradient(func, xs, strict, "hessian")[1]
        return made if several else made[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def _gradient(func: Any, xs: tuple[Any, ...], strict: bool, of: str) -> tuple[Any, tuple[Any, ...]]:
    """The result of a function, of one element, and its gradients as a part of the graph."""
    many, (y, *_) = _called(func, xs, strict, of)
    if many:
        raise RuntimeError(f"The function given to {of} should return a single Tensor")
    if y.numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {of} should contain a single element")
    found = _filled(_grad((y.reshape(()),), xs, None, True), xs, True)
    return y, _tracked(found, LINEAR, strict, xs)


@enable_grad()
def jvp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function, and the product of its Jacobian with a vector."""
    _, given = _prepared(inputs, create_graph, "jvp")
    if v is None and (len(given) > 1 or given[0].numel() != 1):
        raise RuntimeError("The vector v can only be None if the input to the user-provided function is a single Tensor"
                           " with a single element.")
    vs = (wrap(unwrap(given[0].detach()) * 0 + 1),) if v is None else _vectors(v, given)
    if strict:
        return _by_two_gradients(func, given, vs, create_graph)
    xs = given if create_graph else tuple([x.detach() for x in given])
    out, tangent = home_jvp(lambda *home: unwrap(func(*wrap(home))), tuple(unwrap(xs)), tuple(unwrap(vs)))
    return wrap(out), wrap(tangent)


def _by_two_gradients(func: Any, xs: tuple[Any, ...], vs: tuple[Any, ...], create_graph: bool) -> Any:
    """``jvp`` where each result is to depend on the inputs: a vector u times the Jacobian is linear in u."""
    many, ys = _called(func, xs, True, "jvp")
    us = tuple([_zeros(y).requires_grad_() for y in ys])
    rows = _filled(_grad(ys, xs, us, True), xs, True)
    found = _filled(_grad(rows, us, vs, create_graph), us, create_graph)
    linear = f"The jacobian of the user-provided function is independent of input {{}}. {STRICT} when"
    _tracked(found, f"{linear} create_graph=True.", create_graph, xs)
    return _one(ys if create_graph else tuple([y.detach() for y in ys]), many), _one(found, many)


@enable_grad()
def vhp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function of one element, and the product of a vector with its Hessian."""
    return _by_hessian(func, inputs, v, create_graph, strict, "vhp")


@enable_grad()
def hvp(func: Any, inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The result of a function of one element, and the product of its Hessian with a vector."""
    return _by_hessian(func, inputs, v, create_graph, strict, "hvp")


def _by_hessian(func: Any, inputs: Tensors, v: Tensors, create_graph: bool, strict: bool, of: str) -> Any:
    """The result, and the product of a vector with the Hessian, which is symmetric."""
    several, xs = _prepared(inputs, create_graph, of)
    if v is None and (len(xs) > 1 or xs[0].numel() != 1):
        raise RuntimeError("The vector v can only be None if the input to the user-provided function is a single Tensor"
                           " with a single element.")
    y, gs = _gradient(func, xs, strict, of)
    vs = (_zeros(xs[0]) + 1,) if v is None else _vectors(v, xs)
    apart = f"The hessian of the user-provided function is independent of input {{}}. {STRICT}."
    product = _filled(_grad(gs, xs, vs, create_graph), xs, create_graph, apart if strict else None)
    return y if create_graph else y.detach(), _one(product, several)
