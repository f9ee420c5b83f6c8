"""Functions with a derivative of one's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.values import steps
from tenure.values.arithmetic import detach
from tenure.values.handlers import Handler
from tenure.values.modes import is_grad_enabled, no_grad
from tenure.values.reading import value_of
from tenure.values.sites import here, site
from tenure.values.tensor import Tensor


class custom_vjp:
    """A function whose gradient is given by hand.

        @tn.custom_vjp
        def f(x, y): ...
        f.defvjp(forward, backward)

    ``forward(*args)`` gives ``(result, residuals)``; ``backward(residuals, g)`` gives a tuple with the
    cotangent of each argument, or None for one that has none. It runs once per backward, at that line, on
    values; what it records of ``g`` can be differentiated again, the residuals being constants. The result is
    one tensor.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._forward: Callable[..., Any] | None = None
        self._backward: Callable[..., Any] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Give the rule."""
        self._forward, self._backward = forward, backward

    def __call__(self, *args: Any) -> Any:
        if self._forward is None or self._backward is None:
            raise GradientError(
                f"{self._function.__name__} has no rule", help="give it one with .defvjp(forward, backward)"
            )
        values = [value_of(x) if isinstance(x, Tensor) else x for x in args]
        tracked = [k for k, x in enumerate(values) if isinstance(x, Tensor) and x.requires_grad]
        if not tracked or not is_grad_enabled():
            return self._function(*args)
        with no_grad():
            out, residuals = self._forward(*[detach(x) if isinstance(x, Tensor) else x for x in values])
        if not isinstance(out, Tensor):
            raise DTypeError(f"a custom_vjp function returns one tensor, not {type(out).__name__}", at=site(here()))
        return self._connect(detach(out), [values[k] for k in tracked], tracked, len(values), residuals)

    def _connect(self, out: Any, inputs: list[Any], tracked: list[int], count: int, residuals: Any) -> Any:
        result = steps.mark(out, None, inputs)
        t = result._trace
        handler = t.handlers.setdefault(result._slot, Handler())
        handler.inputs = steps.slots_of(t, inputs)
        avals = [x._aval for x in inputs]
        backward = self._backward
        assert backward is not None

        def rule(g: Any) -> list[Any]:
            found = backward(residuals, g)
            if not isinstance(found, tuple) or len(found) != count:
                raise GradientError(f"the rule of {self._function.__name__} must return a tuple of {count} cotangents")
            return [checked(found[k], aval) for k, aval in zip(tracked, avals, strict=True)]

        handler.rule = rule
        return result


def checked(g: Any, aval: Any) -> Any:
    """A cotangent that a rule returned, if it is like its argument."""
    if g is None:
        return None
    g = value_of(g)
    if g._aval.shape != aval.shape or g._aval.dtype is not aval.dtype:
        raise ShapeError(f"a rule returned a cotangent {g._aval} for an argument {aval}")
    return g
