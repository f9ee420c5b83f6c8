"""``tn.autograd.functional``: PyTorch's older names for derivatives of functions, over those of ``tn.func``.

``inputs`` is one tensor or a tuple of them, and what concerns them is returned in their form. Without ``create_graph``
nothing that is returned has a graph. ``strict``, ``vectorize`` and the strategies are accepted: what does not depend on
an input has zeros, and all rows are computed at once.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import ShapeError, shown
from tenure.func import jacobian as jacobians
from tenure.func import transforms, tree
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.factories import ones_like
from tenure.values.operations.shaping import reshape
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.given import flag

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
Function = Callable[..., Any]
Tensors = Tensor | Sequence[Tensor]


@checked_first
def jacobian(
    func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian of a function: for each result and input of the result's shape and then the input's.

    >>> tn.autograd.functional.jacobian(lambda x: x * x, tn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    numbers, xs = _given("jacobian", inputs, create_graph, strict)
    flag("vectorize", vectorize)
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"jacobian: strategy is 'reverse-mode' or 'forward-mode', not {strategy!r}")
    made = jacobians.jacfwd if strategy == "forward-mode" else jacobians.jacrev
    return _kept(made(func, numbers)(*xs), create_graph)


@checked_first
def hessian(
    func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives of a function whose result has one element, else ShapeError (TN802).

    >>> tn.autograd.functional.hessian(lambda x: (x * x).sum(), tn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 2.]])
    """
    numbers, xs = _given("hessian", inputs, create_graph, strict)
    flag("vectorize", vectorize)
    if outer_jacobian_strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"hessian: a strategy is 'reverse-mode' or 'forward-mode', not {outer_jacobian_strategy!r}")
    return _kept(jacobians.hessian(_single(func), numbers)(*xs), create_graph)


@checked_first
def vjp(
    func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of a function, and the product of ``v``, of the result's form, with its Jacobian.

    ``v`` may be left out where the result is one element; else ShapeError (TN802).

    >>> tn.autograd.functional.vjp(lambda x: (x * x).sum(), tn.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """
    numbers, xs = _given("vjp", inputs, create_graph, strict)
    out, pull = transforms.vjp(func, *xs)
    found = pull(_vector(v, out, "result"))
    return _kept((out, _formed(found, numbers)), create_graph)  # type: ignore[no-any-return]


@checked_first
def jvp(
    func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of a function, and the product of its Jacobian with ``v``, of the form of the inputs.

    ``v`` may be left out where the input is one element; else ShapeError (TN802).

    >>> tn.autograd.functional.jvp(lambda x: x * x, tn.tensor([1.0, 2.0]), tn.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    numbers, xs = _given("jvp", inputs, create_graph, strict)
    v = _vector(v, _formed(xs, numbers), "input")
    return _kept(transforms.jvp(func, xs, _several(v)), create_graph)  # type: ignore[no-any-return]


@checked_first
def vhp(
    func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of a function of one element, and the product of ``v`` with its second derivatives, by reverse mode.

    Errors as in ``hessian`` and ``jvp``.

    >>> tn.autograd.functional.vhp(lambda x: (x * x).sum(), tn.tensor([1.0, 2.0]), tn.ones(2))
    (tensor(5.), tensor([2., 2.]))
    """
    numbers, xs = _given("vhp", inputs, create_graph, strict)
    v = _vector(v, _formed(xs, numbers), "input")
    gradient = transforms.grad(_single(func), range(len(xs)))
    found = transforms.vjp(gradient, *xs)[1](_several(v))
    return _kept((func(*xs), _formed(found, numbers)), create_graph)  # type: ignore[no-any-return]


@checked_first
def hvp(
    func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of a function of one element, and the product of its second derivatives with ``v``, by forward mode.

    Errors as in ``hessian`` and ``jvp``.

    >>> tn.autograd.functional.hvp(lambda x: (x * x).sum(), tn.tensor([1.0, 2.0]), tn.ones(2))
    (tensor(5.), tensor([2., 2.]))
    """
    numbers, xs = _given("hvp", inputs, create_graph, strict)
    v = _vector(v, _formed(xs, numbers), "input")
    gradient = transforms.grad(_single(func), range(len(xs)))
    _, found = transforms.jvp(gradient, xs, _several(v))
    return _kept((func(*xs), _formed(found, numbers)), create_graph)  # type: ignore[no-any-return]


def _given(name: str, inputs: Any, create_graph: bool, strict: bool) -> tuple[Any, tuple[Tensor, ...]]:
    """The numbers of the arguments, one or a tuple, and the inputs."""
    flag("strict", strict)
    create_graph, several = flag("create_graph", create_graph), isinstance(inputs, tuple | list)
    xs = tuple(inputs) if several else (inputs,)
    for k, x in enumerate(xs):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: inputs are a tensor or a tuple of tensors; number {k} is {shown(x)}")
    return tuple(range(len(xs))) if several else 0, xs if create_graph else tuple([detach(x) for x in xs])


def _several(v: Any) -> tuple[Any, ...]:
    return tuple(v) if isinstance(v, tuple | list) else (v,)


def _formed(found: Any, numbers: Any) -> Any:
    """The parts of the inputs: a tuple, or the only one."""
    return found[0] if isinstance(numbers, int) else tuple(found)


def _vector(v: Any, like: Any, what: str) -> Any:
    """The factor of a product; ones where it is left out."""
    if v is not None:
        return tuple(v) if isinstance(v, list) else v
    if not isinstance(like, Tensor) or like.numel() != 1:
        message = f"v may be left out only where the {what} is one tensor with one element"
        raise ShapeError(message, at=site(here()))
    return ones_like(like)


def _single(func: Function) -> Function:
    """A function whose result is a scalar."""

    def scalar(*xs: Tensor) -> Tensor:
        out = func(*xs)
        if not isinstance(out, Tensor) or out.numel() != 1:
            shape = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
            raise ShapeError(f"the function's result has one element, not {shape}", at=site(here()))
        return reshape(out, ())

    return scalar


def _kept(found: Any, create_graph: bool) -> Any:
    return found if create_graph else tree.map_leaves(lambda x: detach(x) if isinstance(x, Tensor) else x, found)
