"""Functions with a derivative of one's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from tenure.errors import DTypeError, GradientError, ShapeError, following
from tenure.func import tree
from tenure.func.vectorize import vmap
from tenure.runtime.bracket import bracket
from tenure.values import steps
from tenure.values.arithmetic import detach
from tenure.values.handlers import Handler
from tenure.values.levels import deeper
from tenure.values.modes import is_grad_enabled, no_grad
from tenure.values.reading import value_of
from tenure.values.record import RECORDER
from tenure.values.sites import here, site
from tenure.values.tensor import Tensor
from tenure.values.trie import Level
from tenure.values.vmapped import select, waits_outside, widen


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
        level = innermost(values)
        if level is not None and waits_outside([values[k] for k in tracked], level):
            return self._of_all(values, level)
        given = [detach(x) if isinstance(x, Tensor) else x for x in values]
        out, residuals = no_grad().apply(self._forward, *given)
        if not isinstance(out, Tensor):
            raise DTypeError(f"a custom_vjp function returns one tensor, not {type(out).__name__}", at=site(here()))
        return self._connect(detach(out), [values[k] for k in tracked], tracked, len(values), residuals)

    def _of_all(self, values: list[Any], level: Level) -> Any:
        """The result for one example of a vmapped call, where the gradient will be that of all examples: the
        function and its rule are applied to all, and one is taken out."""
        assert self._forward is not None and self._backward is not None
        own = [isinstance(x, Tensor) and innermost([x]) is level for x in values]
        wide = list(widen([x for x, has in zip(values, own, strict=True) if has], level))
        twin = rule_of_all(self._function, self._forward, self._backward, own)
        call = RECORDER.vmap
        while call is not None and call.level is not level:
            call = call.outer
        given = [wide.pop(0) if has else x for x, has in zip(values, own, strict=True)]
        put, outer = vars(RECORDER).__setitem__, None if call is None else call.outer
        outside = twin("error" if call is None else call.randomness)
        out = bracket(((put, "vmap", outer),), ((put, "vmap", RECORDER.vmap),), outside, *given)
        return select(out, 0, level)

    def _connect(self, out: Any, inputs: list[Any], tracked: list[int], count: int, residuals: Any) -> Any:
        result = steps.mark(out, None, inputs)
        t = result._trace
        handler = t.handlers.setdefault(result._slot, Handler())
        handler.inputs = steps.slots_of(t, inputs)
        avals = [x._aval for x in inputs]
        backward = self._backward
        assert backward is not None

        def rule(g: Any) -> list[Any]:
            found = returned(backward(residuals, g), count, self._function)
            return [checked(found[k], aval) for k, aval in zip(tracked, avals, strict=True)]

        handler.rule = rule
        return result


def innermost(values: list[Any]) -> Level | None:
    """The vmapped call of whose example some values are."""
    found: Level | None = None
    for x in values:
        node = getattr(x, "_node", None)
        if node is not None:
            found = deeper(found, node.level)
    return found


class Form:
    """Nested residuals without their tensors."""

    __slots__ = ("others", "tree")

    def __init__(self, residuals: Any, leaves: list[Any]) -> None:
        self.tree = tree.rebuild(residuals, iter([None] * len(leaves)))
        self.others = [HERE if isinstance(x, Tensor) else x for x in leaves]

    def filled(self, tensors: list[Any]) -> Any:
        """The residuals with such tensors."""
        given = iter(tensors)
        return tree.rebuild(self.tree, iter([following(given) if x is HERE else x for x in self.others]))


HERE: Final = object()
"""Stands for a tensor."""


def rule_of_all(f: Any, forward: Any, backward: Any, own: list[bool]) -> Callable[[str], custom_vjp]:
    """A function and its rule for all examples of those arguments that have an axis of them in front."""
    axes = tuple([0 if has else None for has in own])

    def made(randomness: str) -> custom_vjp:
        all_of = custom_vjp(vmap(f, axes, randomness=randomness))
        functools.update_wrapper(all_of, f)
        kept: list[Any] = []

        def first(*xs: Any) -> Any:
            def one(*xs: Any) -> Any:
                out, residuals = forward(*xs)
                leaves = tree.leaves(residuals)
                kept[:] = [Form(residuals, leaves)]
                return out, [x for x in leaves if isinstance(x, Tensor)]

            out, tensors = vmap(one, axes, randomness=randomness)(*xs)
            return out, (*kept, tensors)

        def back(given: Any, g: Any) -> Any:
            form, tensors = given
            missing: list[int] = []

            def one(tensors: Any, g: Any) -> Any:
                cotangents = returned(backward(form.filled(tensors), g), len(own), f)
                missing[:] = [k for k, c in enumerate(cotangents) if c is None]
                return [c for c in cotangents if c is not None]

            wide = iter(vmap(one, randomness=randomness)(tensors, g))
            each = [None if k in missing else following(wide) for k in range(len(own))]
            return tuple([c if c is None or has else c.sum(axis=0) for c, has in zip(each, own, strict=True)])

        all_of.defvjp(first, back)
        return all_of

    return made


def returned(found: Any, count: int, f: Any) -> tuple[Any, ...]:
    """The cotangents that a rule returned."""
    if not isinstance(found, tuple) or len(found) != count:
        raise GradientError(f"the rule of {f.__name__} must return a tuple of {count} cotangents")
    return found


def checked(g: Any, aval: Any) -> Any:
    """A cotangent that a rule returned, if it is like its argument."""
    if g is None:
        return None
    g = value_of(g)
    if g._aval.shape != aval.shape or g._aval.dtype is not aval.dtype:
        raise ShapeError(f"a rule returned a cotangent {g._aval} for an argument {aval}")
    return g
