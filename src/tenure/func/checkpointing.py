"""Checkpoints: blocks whose values are computed again for the gradient, not stored."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, overload

from tenure.func.signatures import Function, P, R, Transformed
from tenure.values.grad import steps
from tenure.values.trace.blame import checked_first
from tenure.values.trace.record import RECORDER


@overload
def checkpoint(f: Callable[P, R]) -> Transformed[P, R]: ...
@overload
def checkpoint(f: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...
@checked_first
def checkpoint(f: Function, *args: Any, **kwargs: Any) -> Any:
    """A function that returns what ``f`` returns, and whose gradient keeps only what comes into ``f``.

    Arguments, and whatever else ``f`` reads from outside, are kept as the values that they were: they are not read
    again. ``f`` is called once; its operations, random numbers with the same numbers, are done once more where a
    gradient needs them. With arguments it is called at once, as PyTorch's ``checkpoint(f, x)``.

    >>> w = tn.tensor([1.0, 2.0], requires_grad=True)
    >>> tn.checkpoint(lambda x: (x * x) * x)(w).sum().backward()
    >>> w.grad
    tensor([ 3., 12.])
    """

    def inside(*args: Any, **kwargs: Any) -> Any:
        t = steps.block(None, True)
        try:
            return f(*args, **kwargs)
        finally:
            if not (t.busy or t.done):
                steps.block(t, False)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return RECORDER.hold_open(inside, *args, **kwargs)

    return wrapped(*args, **kwargs) if args or kwargs else wrapped
