"""Gradients of tensors: ``backward`` and ``grad`` of several, and ``gradcheck``."""

from __future__ import annotations

import re
from typing import Any

from tenure.errors import TenureError
from tenure.func import checking
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.cells.anomaly import looked_at
from tenure.torch.cells.autograd import Shown
from tenure.torch.cells.silent import refuse_rewritten
from tenure.torch.errors import refuse, translated
from tenure.torch.names.graphs import GradientEdge, tensor_of
from tenure.values.grad import autograd as home
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.shaping import stack
from tenure.values.rules.modes import enable_grad


def _listed(xs: Any) -> list[Any]:
    return [tensor_of(x) for x in ([xs] if isinstance(xs, Tensor | GradientEdge) or xs is None else xs)]


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of ``outputs``, weighted by ``grad_outputs``, with respect to ``inputs``."""
    ys, xs = _listed(outputs), _listed(inputs)
    gs = None if grad_outputs is None else _listed(grad_outputs)
    if not xs:
        raise ValueError("grad requires non-empty inputs.")
    if is_grads_batched:
        options = {"allow_unused": allow_unused, "materialize_grads": materialize_grads, "create_graph": create_graph}
        return _batched(ys, xs, gs or [], options)
    check(ys, xs, gs)
    if allow_unused is False and materialize_grads:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False.")
    try:
        with looked_at():
            found = home.grad(
                refuse_rewritten(unwrap(ys)), unwrap(xs), None if gs is None else unwrap(gs), retain_graph,
                create_graph, allow_unused=True, materialize_grads=materialize_grads,
            )  # fmt: skip
    except TenureError as error:
        raise translated(error) from None
    finally:
        Shown.last = None, None
    found = tuple([None if nowhere(x) else g for x, g in zip(xs, found, strict=True)])
    missing = [k for k, g in enumerate(found) if g is None]
    if missing and not allow_unused:
        raise refuse(
            f"The differentiated Tensor at index {missing[0]} appears to not have been used in the graph. Set"
            " allow_unused=True if this is the desired behavior."
        )
    return tuple([Tensor._sparse(g) if isinstance(g, SparseRows) else wrap(g) for g in found])


def nowhere(x: Any) -> bool:
    """Whether a tensor requires a gradient that goes nowhere: a view taken outside the graph."""
    return bool(x._leaf is None and x.is_leaf and x.requires_grad)


def check(ys: list[Any], xs: list[Any], gs: list[Any] | None) -> None:
    """Raise PyTorch's error for outputs, inputs and weights that have no gradient or do not fit."""
    for k, y in enumerate(ys):
        if not y.requires_grad or nowhere(y):
            raise RuntimeError(f"element {k} of tensors does not require grad and does not have a grad_fn")
        if (gs is None or gs[k] is None) and y.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if gs is not None and gs[k] is not None and gs[k].shape != y.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{k}] has a shape of {gs[k].shape} and output[{k}] has a shape of "
                f"{y.shape}."
            )
    if not all(x.requires_grad for x in xs):
        raise RuntimeError("One of the differentiated Tensors does not require grad")


def _batched(ys: list[Any], xs: list[Any], gs: list[Any], options: dict[str, Any]) -> tuple[Any, ...]:
    """Gradients for each of a batch of weights, one after the other."""
    rows = [grad(ys, xs, [g[k] for g in gs], retain_graph=True, **options) for k in range(len(gs[0]))]
    found = []
    for column in zip(*rows, strict=True):
        found.append(None if column[0] is None else wrap(stack([c._read() for c in column])))
    return tuple(found)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of several tensors to ``.grad`` of every leaf that they were computed from."""
    ys = _listed(tensors)
    gs = _listed(grad_variables if grad_tensors is None else grad_tensors)
    gs = gs + [None] * (len(ys) - len(gs))
    if inputs is not None and not len(_listed(inputs)):
        raise RuntimeError("`inputs` argument to `torch.autograd.backward` cannot be empty.")
    if len(ys) == 1:
        ys[0].backward(gs[0], retain_graph, create_graph, None if inputs is None else _listed(inputs))
        return
    for y, g in zip(ys, gs, strict=True):
        if g is None and y.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
    terms = [y.reshape(()) if g is None else enable_grad().apply(_weighted, y, g) for y, g in zip(ys, gs, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = enable_grad().apply(total.__add__, term)
    total.backward(None, retain_graph, create_graph, inputs)


def _weighted(y: Any, g: Any) -> Any:
    return (y * g).sum()


MISMATCH = re.compile(r"^.*gradcheck: the Jacobian of result (\d+) by input (\d+):")


class GradcheckError(RuntimeError):
    """A gradient that differs from the differences of its function."""

    __module__ = "torch.autograd.gradcheck"


def checked(which: Any) -> Any:
    """``gradcheck`` or ``gradgradcheck`` of a function of tensors."""

    def check(
        func: Any, inputs: Any, *args: Any, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
        raise_exception: bool = True, **options: Any,
    ) -> bool:  # fmt: skip
        given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
        more = {"grad_outputs": args[0]} if args and args[0] is not None else {}
        try:
            return bool(which(
                lambda *xs: unwrap(func(*wrap(xs))), unwrap(tuple(given)), **unwrap(more), eps=eps, atol=atol,
                rtol=rtol, **options,
            ))  # fmt: skip
        except (TenureError, RuntimeError) as error:
            if not raise_exception:
                return False
            said = MISMATCH.sub(r"Jacobian mismatch for output \1 with respect to input \2,", str(error))
            raise GradcheckError(said) from None

    check.__name__ = which.__name__
    return check


gradcheck = checked(checking.gradcheck)
gradgradcheck = checked(checking.gradgradcheck)
