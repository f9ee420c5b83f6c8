"""grad, value_and_grad, vjp, jvp: functions from functions.

The function is called once on marked copies of its arguments; its recorded steps are differentiated in the same
trace by one step. Inside a transform a read of a value computes it and leaves the trace open, so functions
may print, branch and loop on values. Results are differentiable in turn, to any order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Literal, overload

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.func import tree
from tenure.func.signatures import Aux, Function, P, R, Transformed, X
from tenure.func.tangents import pulled, pushed
from tenure.values.grad import steps
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.reading import value_of
from tenure.values.rules.modes import enable_grad, is_grad_enabled
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.record import RECORDER


def recording(function: Callable[[], Any]) -> Any:
    """The results of a function, called with the trace kept open and gradients tracked."""
    return enable_grad().apply(RECORDER.hold_open, function)


def marked(argument: Any, what: str) -> tuple[Any, list[Any]]:
    """The argument with its tensors as sources of gradients, and these."""
    marks = []
    for x in tree.tensors(argument, what):
        value = value_of(x)
        if not value.dtype.has_gradient:
            raise DTypeError(
                f"{what} has dtype {value.dtype.name}: only floating tensors can be differentiated",
                at=site(here()),
                help="give floats, or name other arguments with argnums=…",
            )
        marks.append(steps.mark(value, None))
    return tree.rebuild(argument, iter(marks)), marks


def numbered(argnums: int | Sequence[int], args: Sequence[Any], name: str) -> list[int]:
    """The arguments that are differentiated, by number; TN801 for one that is not there."""
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for k in numbers:
        if not -len(args) <= k < len(args):
            raise OutOfRange(f"{name}: argnums={k} of a call with {len(args)} positional arguments", at=site(here()))
    return numbers


def closed(out: Any, marks: Sequence[Any], tracked: bool, end: int | None = None) -> Any:
    """A result without its dependence on the marks of this transform, whose function has ended before slot ``end``."""

    def close(x: Any) -> Any:
        if not isinstance(x, Tensor) or not x.requires_grad:
            return x
        value = steps.close(value_of(x), marks, end)
        return value if tracked else detach(value)

    return tree.map_leaves(close, out)


def check_scalar(out: Any, what: str) -> Any:
    """The result of a function whose gradient is asked for."""
    if not isinstance(out, Tensor):
        raise DTypeError(f"{what}: the function returned {type(out).__name__}, not a tensor", at=site(here()))
    if out.shape != ():
        raise ShapeError(
            f"{what}: the function returned shape {list(out.shape)}, not a scalar",
            at=site(here()),
            help="reduce it (.sum(), .mean()), or use tn.vjp for a function with many results",
        )
    if not out.dtype.has_gradient:
        raise DTypeError(f"{what}: the function returned {out.dtype.name}, not a float", at=site(here()))
    return value_of(out)


@overload
def value_and_grad(
    func: Callable[[Tensor], Tensor], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Transformed[[Tensor], tuple[Tensor, Tensor]]: ...
@overload
def value_and_grad(
    func: Callable[Concatenate[X, P], Tensor], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Transformed[Concatenate[X, P], tuple[Tensor, X]]: ...
@overload
def value_and_grad(
    func: Callable[Concatenate[X, P], tuple[Tensor, Aux]], argnums: Literal[0] = 0, *, has_aux: Literal[True]
) -> Transformed[Concatenate[X, P], tuple[tuple[Tensor, Aux], X]]: ...
@overload
def value_and_grad(
    func: Callable[P, Tensor], argnums: tuple[int, ...] | list[int], has_aux: Literal[False] = False
) -> Transformed[P, tuple[Tensor, tuple[Any, ...]]]: ...
@overload
def value_and_grad(
    func: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Transformed[P, Any]: ...
@checked_first
def value_and_grad(func: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Any:
    """A function that returns the pair ``(func(*args), gradient)``.

    ``func`` returns a scalar tensor (with ``has_aux``, a pair of it and anything else). The gradient is with respect to
    argument ``argnums`` (a tensor or a nested list, tuple or dict of tensors) and has its form; for several argnums, a
    tuple. Arguments are borrowed, not changed. TN802 if ``func`` returns no floating scalar; OutOfRange (TN801) for an
    argument that is not there.

    >>> tn.value_and_grad(lambda x: (x * x).sum())(tn.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        tracked = is_grad_enabled()
        numbers = numbered(argnums, args, "grad")

        def inside() -> Any:
            given = list(args)
            marks: list[Any] = []
            for k in numbers:
                given[k], more = marked(args[k], f"argument {k}")
                marks += more
            result = func(*given, **kwargs)
            out = check_scalar(result[0] if has_aux else result, "grad")
            grads = iter(closed(pulled([out], [None], marks, True), marks, tracked))
            trees = tuple([tree.rebuild(args[k], grads) for k in numbers])
            value = closed((out, result[1]) if has_aux else out, marks, tracked)
            return value, trees[0] if isinstance(argnums, int) else trees

        return recording(inside)

    return wrapped


@overload
def grad(
    func: Callable[[Tensor], Tensor], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Transformed[[Tensor], Tensor]: ...
@overload
def grad(
    func: Callable[Concatenate[X, P], Tensor], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Transformed[Concatenate[X, P], X]: ...
@overload
def grad(
    func: Callable[Concatenate[X, P], tuple[Tensor, Aux]], argnums: Literal[0] = 0, *, has_aux: Literal[True]
) -> Transformed[Concatenate[X, P], tuple[X, Aux]]: ...
@overload
def grad(
    func: Callable[P, Tensor], argnums: tuple[int, ...] | list[int], has_aux: Literal[False] = False
) -> Transformed[P, tuple[Any, ...]]: ...
@overload
def grad(
    func: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Transformed[P, Any]: ...
@checked_first
def grad(func: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Any:
    """A function that returns the gradient of ``func``, a function with a scalar result; see ``value_and_grad``.

    With ``has_aux`` it returns (gradient, aux). TN802 if ``func`` returns no floating scalar; OutOfRange (TN801) for an
    argument that is not there.

    >>> tn.grad(lambda x: (x * x).sum())(tn.tensor([1.0, 2.0]))
    tensor([2., 4.])
    """
    both = value_and_grad(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


@overload
def vjp(
    func: Callable[..., R], *primals: Any, has_aux: Literal[False] = False
) -> tuple[R, Callable[[Any], tuple[Any, ...]]]: ...
@overload
def vjp(
    func: Callable[..., tuple[R, Aux]], *primals: Any, has_aux: Literal[True]
) -> tuple[R, Callable[[Any], tuple[Any, ...]], Aux]: ...
@checked_first
def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The pair ``(func(*primals), pull)``, where ``pull(cotangent)`` returns Jᵀ · cotangent: reverse mode.

    That is the tuple of cotangents of the primals. The cotangent has the form, shapes and dtypes of the result, else
    TN802. ``pull`` may be called any number of times. With ``has_aux``, ``func`` returns a pair, of which the second is
    the third here.

    >>> y, pull = tn.vjp(lambda x: x * x, tn.tensor([1.0, 2.0]))
    >>> pull(tn.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    tracked = is_grad_enabled()

    def inside() -> Any:
        args, marks = marked(primals, "an argument of vjp")
        raw, aux = _parted(func(*args), has_aux, "vjp")
        outs = [value_of(y) for y in tree.tensors(raw, "the result")]
        return closed((raw, aux), marks, tracked), marks, outs, len(RECORDER.trace.handles)

    (result, aux), marks, outs, end = recording(inside)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        given = [value_of(g) for g in tree.tensors(cotangent, "the cotangent")]
        if len(given) != len(outs):
            raise ShapeError(f"{len(given)} cotangents for {len(outs)} results", at=site(here()))
        create = all(y._trace is RECORDER.trace or not y._kind.tracked for y in outs)
        tracks = is_grad_enabled()
        grads = recording(lambda: closed(pulled(outs, given, marks, create), marks, tracks, end))
        return tuple(tree.rebuild(primals, iter(grads)))

    return (result, pull, aux) if has_aux else (result, pull)


def _parted(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """The result of a function, and what it returns beside it, if it does."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"{name}: with has_aux the function returns a pair, not {shown(result)}")
    return result


@overload
def jvp(
    func: Callable[..., R], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: Literal[False] = False
) -> tuple[R, R]: ...
@overload
def jvp(
    func: Callable[..., tuple[R, Aux]], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: Literal[True]
) -> tuple[R, R, Aux]: ...
@checked_first
def jvp(func: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> Any:
    """The pair ``(func(*primals), J · tangents)``, the value and the directional derivative: forward mode.

    ``tangents`` have the form, shapes and dtypes of ``primals``, else TN802; the second result has those of the first.
    With ``has_aux``, ``func`` returns a pair, of which the second is the third here.

    >>> tn.jvp(lambda x: x * x, [tn.tensor([1.0, 2.0])], [tn.tensor([1.0, 10.0])])
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    tracked = is_grad_enabled()

    def inside() -> Any:
        args, marks = marked(tuple(primals), "an argument of jvp")
        given = [value_of(t) for t in tree.tensors(tuple(tangents), "the tangents")]
        check_tangents(marks, given)
        raw, aux = _parted(func(*args), has_aux, "jvp")
        outs = [value_of(y) for y in tree.tensors(raw, "the result")]
        moved = pushed(outs, marks, [steps.settle(t) for t in given])
        found = raw, tree.rebuild(raw, iter(moved)), aux
        return tuple([closed(x, marks, tracked) for x in (found if has_aux else found[:2])])

    return recording(inside)


def check_tangents(primals: Sequence[Any], tangents: Sequence[Any]) -> None:
    """TN802 unless each tangent is like its primal."""
    if len(primals) != len(tangents):
        raise ShapeError(f"{len(tangents)} tangents for {len(primals)} arguments", at=site(here()))
    for x, t in zip(primals, tangents, strict=True):
        if x.shape != t.shape:
            raise ShapeError(f"a tangent of shape {list(t.shape)} for {list(x.shape)}", at=site(here()))
        if x.dtype is not t.dtype:
            raise DTypeError(f"a tangent of {t.dtype.name} for {x.dtype.name}", at=site(here()))
