"""Functions with a tangent given by the user; cotangents are those of its transpose."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic

from tenure.errors import GradientError, ShapeError, following
from tenure.func import tree
from tenure.func.custom import custom_vjp
from tenure.func.signatures import P, R
from tenure.func.transforms import vjp
from tenure.values.grad import steps
from tenure.values.operations.reading import value_of
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first


class custom_jvp(Generic[P, R]):
    """A function with a tangent of one's own.

        @tn.custom_jvp
        def f(x, y): ...
        f.defjvp(rule)

    ``rule(primals, tangents)`` gives ``(result, tangent)`` for tuples of arguments and their tangents; a tangent has
    the form of what it belongs to (of what is not floating, None), and is linear in those of the arguments. Reverse
    mode transposes it, so one rule serves both modes, and vmap. Arguments and result may be nested lists, tuples and
    dicts. For second derivatives what the rule records is differentiated. GradientError (TN804) for a function without
    a rule; ShapeError (TN802) for a tangent of another form than the result.

    >>> @tn.custom_jvp
    ... def double(x):
    ...     return 2 * x
    >>> double.defjvp(lambda primals, tangents: (2 * primals[0], 100 * tangents[0]))
    >>> tn.grad(lambda x: double(x).sum())(tn.tensor([1.0, 2.0]))
    tensor([100., 100.])
    """

    @checked_first
    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._inner: Any = custom_vjp(function)
        self._rule: Callable[..., Any] | None = None
        self._inner.defvjp(self._forward, self._backward)

    @checked_first
    def defjvp(self, rule: Callable[..., Any]) -> None:
        """Set the rule."""
        self._rule = rule

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
            """The result of the function."""
            return self._function(*args, **kwargs)

    else:

        def __call__(self, *args: Any) -> Any:
            if self._rule is None:
                raise GradientError(f"{self._function.__name__} has no rule", help="give it one with .defjvp(rule)")
            return self._inner(*args)

    def _forward(self, *args: Any) -> Any:
        return self._function(*args), args  # type: ignore[call-arg]

    def _backward(self, args: tuple[Any, ...], g: Any) -> tuple[Any, ...]:
        """The transpose of the tangents, at the arguments."""
        leaves = tree.leaves(args)
        moving = [value_of(x) if isinstance(x, Tensor) and x.dtype.has_gradient else None for x in leaves]

        def push(*tangents: Any) -> Any:
            given = iter(tangents)
            filled = tree.rebuild(args, iter([None if x is None else following(given) for x in moving]))
            assert self._rule is not None
            _, out = self._rule(args, filled)
            if tree.form(out) != tree.form(g):
                name = self._function.__name__
                raise ShapeError(f"the rule of {name} gave a tangent of another form than the result")
            return [y for y, c in zip(tree.leaves(out), tree.leaves(g), strict=True) if c.dtype.has_gradient]

        _, pull = vjp(push, *[steps.fill(x._aval, 0) for x in moving if x is not None])
        found = iter(pull([c for c in tree.leaves(g) if c.dtype.has_gradient]))
        return tuple(tree.rebuild(args, iter([None if x is None else following(found) for x in moving])))
