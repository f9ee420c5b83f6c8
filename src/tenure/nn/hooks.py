"""Hooks: functions called with a module's call, or with a gradient that passes it.

They receive values, which cannot be written; a returned value replaces the received one.
With a hook for gradients, arguments and results pass marks whose rule is the hook.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import DTypeError, GradientError
from tenure.func.rules import checked
from tenure.values.grad import steps
from tenure.values.grad.handlers import Handler, RemovableHandle
from tenure.values.operations.arithmetic import detach
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import check_methods

Gradients = list[Any]


class Hooks:
    """Hooks of one module, in the order of registration. ``before`` and ``after`` hold pairs of a
    function and whether it takes keyword arguments too."""

    __slots__ = ("after", "back", "back_first", "before")

    def __init__(self) -> None:
        self.before: dict[int, Any] = {}
        self.after: dict[int, Any] = {}
        self.back_first: dict[int, Any] = {}
        self.back: dict[int, Any] = {}

    def copy(self) -> Hooks:
        """The same functions, registered for another module."""
        twin = Hooks()
        for which in self.__slots__:
            setattr(twin, which, dict(getattr(self, which)))
        return twin

    def call(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``module.forward`` with everything around it."""
        for fn, with_kwargs in list(self.before.values()):
            if with_kwargs:
                found = fn(module, values(args), kwargs)
                args, kwargs = (args, kwargs) if found is None else found
            else:
                found = fn(module, values(args))
                args = args if found is None else found if isinstance(found, tuple) else (found,)
        listens = (self.back or self.back_first) and is_grad_enabled()
        watch = Watch(module, self) if listens else None
        if watch is not None:
            args = watch.arguments(args)
        out = module.forward(*args, **kwargs)
        for fn, with_kwargs in list(self.after.values()):
            found = fn(module, values(args), kwargs, out) if with_kwargs else fn(module, values(args), out)
            out = out if found is None else found
        return out if watch is None else watch.results(out)


def values(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments as hooks see them: places give their value of this moment."""
    return tuple([x._read() if isinstance(x, Tensor) else x for x in args])


def register(hooks: dict[int, Any], entry: Any, prepend: bool = False) -> RemovableHandle:
    """Add a hook, at the end or in front; the handle takes it away again."""
    others = dict(hooks)
    handle = RemovableHandle(hooks, entry)
    if prepend:
        for number, other in others.items():
            del hooks[number]
            hooks[number] = other
    return handle


class Hooked:
    """Hooks of a module: the methods that register them."""

    _hooks: Hooks | None = None

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each ``forward``; what it returns, if anything, are the arguments.

        With ``with_kwargs`` it is ``hook(module, args, kwargs)`` and returns both."""
        return register(self._own_hooks().before, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each ``forward``; what it returns, if anything, is the output.

        With ``with_kwargs`` it is ``hook(module, args, kwargs, output)``."""
        return register(self._own_hooks().after, (hook, with_kwargs), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when a backward comes to the results of a call.

        What it returns, if anything, takes the place of ``grad_output``, a tuple with None for what has no gradient.
        """
        return register(self._own_hooks().back_first, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when a backward has the gradients of the arguments of a call.

        These are the positional ones. What it returns, if anything, takes the place of ``grad_input``.
        """
        return register(self._own_hooks().back, hook, prepend)

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            object.__setattr__(self, "_hooks", Hooks())
        assert self._hooks is not None
        return self._hooks


check_methods(Hooked, "register_forward_pre_hook", "register_forward_hook")
check_methods(Hooked, "register_full_backward_pre_hook", "register_full_backward_hook")


class Watch:
    """One call of a module through which a gradient may pass: gradients of results first, then of arguments."""

    __slots__ = ("hooks", "module", "outputs", "reaches")

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module = module
        self.hooks = hooks
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
            for fn in list(self.hooks.back_first.values()):
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
        for fn in list(self.hooks.back.values()):
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
