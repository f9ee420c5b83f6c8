"""linearize, grad_and_value: other forms of derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tenure.func import tree
from tenure.func.signatures import Function, R
from tenure.func.tangents import pulled
from tenure.func.transforms import check_tangents, closed, marked, recording, value_and_grad
from tenure.values.grad import steps
from tenure.values.operations.reading import value_of
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.trace.blame import checked_first
from tenure.values.trace.record import RECORDER


@checked_first
def linearize(func: Callable[..., R], *primals: Any) -> tuple[R, Callable[..., R]]:
    """The pair ``(func(*primals), push)``, where ``push(*tangents)`` returns J · tangents: ``func`` is called once.

    Tangents have the form, shapes and dtypes of the primals, else TN802. ``push`` may be called any number of times. It
    is the transpose of reverse mode, so a ``custom_vjp`` rule on the way has to be linear in its cotangent.

    >>> y, push = tn.func.linearize(lambda x: x * x, tn.tensor([1.0, 2.0]))
    >>> push(tn.tensor([1.0, 10.0]))
    tensor([ 2., 40.])
    """
    tracked = is_grad_enabled()

    def inside() -> Any:
        args, marks = marked(primals, "an argument of linearize")
        raw = func(*args)
        outs = [value_of(y) for y in tree.tensors(raw, "the result")]
        cotangents = [steps.mark(steps.fill(y._aval, 0), None) for y in outs]
        linear = pulled(outs, cotangents, marks, True)
        return closed(raw, marks, tracked), marks, cotangents, linear, len(RECORDER.trace.handles)

    result, marks, cotangents, linear, end = recording(inside)

    def push(*tangents: Any) -> Any:
        given = [value_of(t) for t in tree.tensors(tangents, "the tangents")]
        check_tangents(marks, given)
        pairs = [(g, t) for g, t in zip(linear, given, strict=True) if g._kind.tracked]
        create = all(g._trace is RECORDER.trace for g, _ in pairs)
        tracks, ends = is_grad_enabled(), [*marks, *cotangents]

        def back() -> Any:
            found = pulled([g for g, _ in pairs], [t for _, t in pairs], cotangents, create)
            return closed(found, ends, tracks, end)

        return tree.rebuild(result, iter(recording(back)))

    return result, push


@checked_first
def grad_and_value(func: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that returns the pair ``(gradient, func(*args))``: ``value_and_grad`` in PyTorch's order.

    With ``has_aux`` the second is the pair that ``func`` returns. Errors as of ``value_and_grad``.

    >>> tn.func.grad_and_value(lambda x: (x * x).sum())(tn.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """
    both: Any = value_and_grad(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return gradient, value

    return wrapped
