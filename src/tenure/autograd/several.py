"""``tn.autograd.backward``: from several tensors at once. ``Variable``: PyTorch's older name of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, GradientError, shown
from tenure.values.grad.autograd import backward as backward_of_one
from tenure.values.grad.autograd import walk_back
from tenure.values.operations.reading import value_of
from tenure.values.places.var import Var
from tenure.values.rules.levels import refuse_backward
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike, Tensors


def backward(
    tensors: Tensors,
    grad_tensors: ArrayLike | Sequence[ArrayLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: ArrayLike | Sequence[ArrayLike | None] | None = None,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of several tensors to ``.grad`` of every leaf they were computed from, by one walk.

    ``grad_tensors`` are their cotangents, None for a scalar; ``grad_variables`` is an older name. ``inputs``,
    ``retain_graph``, ``create_graph`` and errors as of the method ``backward``. GradientError (TN804) where the
    cotangents are not as many as the tensors.

    >>> w = tn.tensor([2.0, 3.0], requires_grad=True)
    >>> tn.autograd.backward([(w * w).sum(), 2 * w], [None, tn.ones(2)])
    >>> w.grad
    tensor([6., 8.])
    """
    if grad_tensors is not None and grad_variables is not None:
        raise DTypeError("backward: grad_variables is an older name of grad_tensors, and both are given")
    cotangents = grad_variables if grad_tensors is None else grad_tensors
    if isinstance(tensors, Tensor):
        one: Any = cotangents[0] if isinstance(cotangents, tuple | list) and len(cotangents) == 1 else cotangents
        backward_of_one(tensors, one, retain_graph, create_graph, inputs)
        return
    roots = [value_of(y) for y in listed("tensors", tensors)]
    given = [None] * len(roots) if cotangents is None else listed("grad_tensors", cotangents)
    if len(given) != len(roots) or not roots:
        raise GradientError(f"backward: {len(given)} cotangents for {len(roots)} tensors", at=site(here()))
    found = [None if g is None else value_of(g) for g in given]
    for root, g in zip(roots, found, strict=True):
        refuse_backward(root if g is None else g)
    create_graph = flag("create_graph", create_graph)
    keep = create_graph if retain_graph is None else flag("retain_graph", retain_graph)
    walk_back(roots, found, keep, create_graph, inputs)


def listed(argument: str, xs: Any) -> list[Any]:
    """Several tensors as a list, or one."""
    if isinstance(xs, Tensor):
        return [xs]
    if isinstance(xs, str | bytes | dict) or not hasattr(type(xs), "__iter__"):
        raise DTypeError(f"backward: {argument} is a tensor or a list of tensors, not {shown(xs)}")
    return list(xs)


class _IsTensor(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor)


class Variable(metaclass=_IsTensor):
    """PyTorch's older name of a tensor: a call gives a place with the data, every tensor is an instance.

    With ``requires_grad`` the place is a leaf of its own; without, the tensor itself is given back. ``volatile`` has no
    effect.

    >>> tn.autograd.Variable(tn.tensor([1.0]), requires_grad=True).requires_grad
    True
    """

    def __new__(cls, data: ArrayLike, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        """A tensor of the data."""
        if volatile is not None:
            flag("Variable: volatile", volatile)
        if not flag("Variable: requires_grad", requires_grad):
            return data if isinstance(data, Tensor) else value_of(data)
        return Var(value_of(data).detach(), requires_grad=True)
