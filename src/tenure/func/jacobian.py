"""Jacobians and Hessians (jacrev, jacfwd, hessian), by vmap over cotangents or tangents.

The function is called once; only its derivative goes over the basis. So a Jacobian is one program.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Literal, overload

from tenure.errors import DTypeError
from tenure.func import tree
from tenure.func.signatures import Function, P, Transformed
from tenure.func.tangents import pulled, pushed
from tenure.func.transforms import closed, marked, numbered, recording
from tenure.func.vectorize import check_chunk, vmap
from tenure.ops.selection import NONE
from tenure.values.grad import steps
from tenure.values.operations import shaping
from tenure.values.operations.arithmetic import to_dtype, where
from tenure.values.operations.comparison import equal
from tenure.values.operations.ranges import arange
from tenure.values.operations.reading import value_of
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

Rows = Callable[[Any, list[Any]], list[Any]]


@overload
def jacrev(
    func: Callable[[Tensor], Tensor], argnums: Literal[0] = 0, has_aux: Literal[False] = False, *,
    chunk_size: int | None = None,
) -> Transformed[[Tensor], Tensor]: ...
@overload
def jacrev(
    func: Callable[Concatenate[Tensor, P], Tensor], argnums: int = 0, has_aux: Literal[False] = False, *,
    chunk_size: int | None = None,
) -> Transformed[Concatenate[Tensor, P], Tensor]: ...
@overload
def jacrev(
    func: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, *,
    chunk_size: int | None = None,
) -> Transformed[P, Any]: ...
@checked_first
def jacrev(
    func: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, *, chunk_size: int | None = None
) -> Any:
    """A function that returns the Jacobian of ``func``, by reverse mode: a backward per element of the result, at once.

    For a result of shape r and an argument of shape a it has shape r + a. Where ``func`` returns a nested list, tuple
    or dict, the Jacobian has its form, and in place of each tensor the form of the argument, or for several
    ``argnums`` a tuple of these. With ``has_aux``, ``func`` returns a pair, and so does this: the Jacobian of the
    first, and the second. TN802 if an argument or a result is not floating. Cheaper than ``jacfwd`` where the
    result is smaller than the argument. ``chunk_size`` is accepted, as in ``vmap``.

    >>> tn.jacrev(lambda x: x * x)(tn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    check_chunk(chunk_size)
    return _jacobian(func, argnums, has_aux, "jacrev", _backward_rows)


@overload
def jacfwd(
    func: Callable[[Tensor], Tensor], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Transformed[[Tensor], Tensor]: ...
@overload
def jacfwd(
    func: Callable[Concatenate[Tensor, P], Tensor], argnums: int = 0, has_aux: Literal[False] = False
) -> Transformed[Concatenate[Tensor, P], Tensor]: ...
@overload
def jacfwd(
    func: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Transformed[P, Any]: ...
@checked_first
def jacfwd(func: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Any:
    """A function that returns the Jacobian of ``func``, by forward mode: a tangent per element of the argument.

    Forms as in ``jacrev``. GradientError (TN804) where a ``custom_vjp`` rule that is not linear in its cotangent, or a
    backward hook of a module, lies on the way.

    >>> tn.jacfwd(lambda x: x * x)(tn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    return _jacobian(func, argnums, has_aux, "jacfwd", _forward_rows)


@overload
def hessian(
    func: Callable[[Tensor], Tensor], argnums: Literal[0] = 0
) -> Transformed[[Tensor], Tensor]: ...
@overload
def hessian(
    func: Callable[Concatenate[Tensor, P], Tensor], argnums: int = 0
) -> Transformed[Concatenate[Tensor, P], Tensor]: ...
@overload
def hessian(
    func: Callable[P, Any], argnums: int | Sequence[int] = 0
) -> Transformed[P, Any]: ...
@checked_first
def hessian(func: Function, argnums: int | Sequence[int] = 0) -> Any:
    """A function that returns the second derivatives of ``func``: ``jacfwd`` of ``jacrev``.

    For a scalar result and one argument of shape a they have shape a + a; for trees and several ``argnums`` the form
    of a Jacobian of one. Errors as in ``jacrev`` and ``jacfwd``.

    >>> tn.hessian(lambda x: (x * x).sum())(tn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 2.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def _jacobian(func: Function, argnums: int | Sequence[int], has_aux: bool, name: str, rows: Rows) -> Function:
    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        tracked = is_grad_enabled()
        numbers = numbered(argnums, args, name)

        def inside() -> Any:
            given = list(args)
            marks: list[Any] = []
            for k in numbers:
                given[k], own = marked(args[k], f"{name}: argument {k}")
                marks += own
            raw = func(*given, **kwargs)
            out, aux = raw if has_aux else (raw, None)
            form = tuple([args[k] for k in numbers])
            found = []
            for y in tree.tensors(out, f"{name}: the result"):
                parts = tree.rebuild(form, iter(rows(_floating(y, name), marks)))
                found.append(parts[0] if isinstance(argnums, int) else parts)
            result = tree.rebuild(out, iter(found))
            return closed((result, aux) if has_aux else result, marks, tracked)

        return recording(inside)

    return wrapped


def _floating(y: Any, name: str) -> Any:
    value = value_of(y)
    if not value.dtype.has_gradient:
        raise DTypeError(f"{name}: the function returned {value.dtype.name}, not a float", at=site(here()))
    return value


def basis(like: Any) -> Any:
    """The unit tensors of a shape, one above the other: never in memory where they are only multiplied with. Each
    selects one element (``ops.selection``)."""
    n = math.prod(like.shape)
    number = arange(n)
    units = equal(shaping.reshape(number, n, 1), number)
    return shaping.reshape(to_dtype(where(units, 1.0, NONE), like.dtype), n, *like.shape)


def _backward_rows(y: Any, marks: list[Any]) -> list[Any]:
    """The derivatives of one result with respect to each mark."""
    if y.shape == ():
        return pulled([y], [None], marks, True)
    rows = vmap(lambda g: pulled([y], [value_of(g)], marks, True, raw=True))(basis(y))
    return [shaping.reshape(r, *y.shape, *x.shape) for r, x in zip(rows, marks, strict=True)]


def _forward_rows(y: Any, marks: list[Any]) -> list[Any]:
    out = []
    for x in marks:
        if x.shape == ():
            out.append(pushed([y], [x], [steps.ones(x._aval)])[0])
        else:
            columns = vmap(lambda t, x=x: pushed([y], [x], [t])[0], out_axes=-1)(basis(x))
            out.append(shaping.reshape(columns, *y.shape, *x.shape))
    return out
