"""Gradients that pass a call of a module: arguments and results are marked, and the rule of a mark is the hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import DTypeError, GradientError
from tenure.values.grad import steps
from tenure.values.grad.by_rule import checked
from tenure.values.grad.handlers import Handler
from tenure.values.operations.arithmetic import detach
from tenure.values.tensor.tensor import Tensor

Gradients = list[Any]


def values(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments as hooks see them: places give their value of this moment."""
    return tuple([x._read() if isinstance(x, Tensor) else x for x in args])


class Watch:
    """One call of a module through which a gradient may pass: gradients of results first, then of arguments."""

    __slots__ = ("first", "last", "module", "outputs", "reaches")

    def __init__(self, module: Any, first: list[Any], last: list[Any]) -> None:
        self.module = module
        self.first, self.last = first, last
        self.outputs: tuple[Any, ...] = ()
        self.reaches = False

    def arguments(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, those with a gradient marked."""
        args = values(args)
        tracked = [k for k, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
        self.reaches = bool(tracked)

        def act(gs: Gradients) -> Sequence[Any]:
            given: Gradients = [None] * len(args)
            for k, g in zip(tracked, gs, strict=True):
                given[k] = g
            found = self.run(tuple(given))
            return [found[k] for k in tracked]

        return marked(args, tracked, act)

    def results(self, out: Any) -> Any:
        """The result of forward with its gradients marked: a tensor, or a tuple or list of them."""
        outs = values((out,)) if isinstance(out, Tensor) else values(tuple(out)) if type(out) in (tuple, list) else ()
        tracked = [k for k, x in enumerate(outs) if isinstance(x, Tensor) and x.requires_grad]

        def act(gs: Gradients) -> Sequence[Any]:
            given: Gradients = [None] * len(outs)
            for k, g in zip(tracked, gs, strict=True):
                given[k] = g
            self.outputs = tuple(given)
            for fn in self.first:
                self.outputs = replaced(self.outputs, fn(self.module, self.outputs), "grad_output")
            if not self.reaches:
                self.run((None,))
            return [self.outputs[k] for k in tracked]

        if not tracked:
            return out
        found = marked(outs, tracked, act)
        return found[0] if isinstance(out, Tensor) else type(out)(found)

    def run(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients of the arguments behind the hooks."""
        for fn in self.last:
            inputs = replaced(inputs, fn(self.module, inputs, self.outputs), "grad_input")
        return inputs


def replaced(gradients: tuple[Any, ...], found: Any, what: str) -> tuple[Any, ...]:
    """The gradients that a hook returned in place of those it saw, or those."""
    if found is None:
        return gradients
    new = tuple(found) if isinstance(found, tuple | list) else (found,)
    if len(new) != len(gradients):
        raise GradientError(f"a hook returned {len(new)} gradients for the {len(gradients)} of {what}")
    for g, old in zip(new, gradients, strict=True):
        if g is not None and not isinstance(g, Tensor):
            raise DTypeError(f"a hook returned {type(g).__name__}, not a tensor or None")
        if g is not None and old is None:
            raise GradientError(f"a hook returned a gradient where {what} has none")
    return new


def marked(xs: tuple[Any, ...], tracked: list[int], act: Callable[[Gradients], Sequence[Any]]) -> tuple[Any, ...]:
    """The same values; ``act`` sees the gradients of the tracked ones, all at once, and what it gives goes on.

    A backward reaches the first mark last: each other keeps what it got and passes the first a zero, so that the
    first is reached whichever of them are.
    """
    if not tracked:
        return xs
    out = list(xs)
    held: dict[int, Any] = {}
    given = [xs[k] for k in tracked]
    avals = [x._aval for x in given]

    def first(g: Any, _: Sequence[Any]) -> Sequence[Any]:
        held[0] = g
        found = act([held.pop(n, None) for n in range(len(given))])
        return [checked(gx, aval) for gx, aval in zip(found, avals, strict=True)]

    def later(n: int) -> Callable[[Any, Sequence[Any]], Sequence[Any]]:
        def rule(g: Any, _: Sequence[Any]) -> Sequence[Any]:
            held[n] = g
            return [steps.fill(avals[0], 0)]

        return rule

    for n, k in enumerate(tracked):
        behind = given if n == 0 else [out[tracked[0]]]
        h = out[k] = steps.mark(detach(given[n]), None, behind)
        handler = h._trace.handlers.setdefault(h._slot, Handler())
        handler.inputs = steps.slots_of(h._trace, behind)
        handler.rule = first if n == 0 else later(n)
    return tuple(out)
