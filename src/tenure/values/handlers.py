"""Those who act on a cotangent when a backward passes: hooks, retained gradients, custom rules."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.values import steps
from tenure.values.arithmetic import detach
from tenure.values.graph import Hook, Out
from tenure.values.modes import set_grad_enabled
from tenure.values.record import RECORDER

_numbers = itertools.count()


class RemovableHandle:
    """What ``register_hook`` returns; ``remove()`` takes the hook away again."""

    __slots__ = ("_hooks", "_number")

    def __init__(self, hooks: dict[int, Hook], fn: Hook) -> None:
        self._hooks = hooks
        self._number = next(_numbers)
        hooks[self._number] = fn

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._number, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *args: object) -> None:
        self.remove()


class Handler:
    """What happens to the cotangent of one result: hooks in their order, then a custom rule if there is one.

    ``keep(g)`` retains what the hooks leave; ``rule(g, residuals)`` gives cotangents for ``inputs``, the slots that
    the result was computed from, and ``keeps`` values for that, the ``residuals``. Of some it is ``unknown`` how they
    depend on the inputs: this gives the error. ``refuse`` is it where the result is a cotangent made of those.
    """

    __slots__ = ("hooks", "inputs", "keep", "keeps", "refuse", "residuals", "rule", "unknown")

    def __init__(self) -> None:
        self.hooks: dict[int, Hook] = {}
        self.keep: Callable[[Any], None] | None = None
        self.rule: Callable[[Any, Sequence[Any]], Sequence[Any]] | None = None
        self.inputs: tuple[int, ...] = ()
        self.keeps = False
        self.residuals: Any = None
        self.unknown: Callable[[], Exception] | None = None
        self.refuse: Callable[[], Exception] | None = None

    def like(self, other: Handler) -> None:
        """Act as another one, of the double of its result."""
        self.hooks, self.keep, self.rule, self.keeps = other.hooks, other.keep, other.rule, other.keeps
        self.unknown, self.refuse = other.unknown, other.refuse

    def apply_hooks(self, g: Any) -> Any:
        """The cotangent as the hooks leave it."""
        g = run_hooks(self.hooks, g)
        if self.keep is not None:
            self.keep(g)
        return g

    def cotangents(self, g: Any, t: Any) -> list[Any]:
        """The cotangents of the inputs; in the graph of a trace, if one is given."""
        assert self.rule is not None
        if self.residuals is None:
            return list(self.rule(g, ()))
        with set_grad_enabled(t is not None):
            if t is None:
                return list(self.rule(g, self.residuals.values))
            found = self.rule(g, self.residuals.connected(t))
            return list(found) if self.unknown is None else [self.guarded(gx, t) for gx in found]

    def guarded(self, g: Any, t: Any) -> Any:
        """A cotangent that depends on the inputs in a way that is unknown."""
        if g is None:
            return None
        upstream = (g, *[t.handles[s] if s >= 0 else t.inputs[~s] for s in self.inputs])
        out = steps.mark(detach(g), None, upstream)
        handler = out._trace.handlers.setdefault(out._slot, Handler())
        handler.inputs, handler.refuse = steps.slots_of(out._trace, upstream), self.unknown
        return out

    def apply_rule(self, g: Any, t: Any) -> dict[int, Any]:
        """The cotangents of the inputs, by their slots."""
        out: dict[int, Any] = {}
        for slot, gx in zip(self.inputs, self.cotangents(g, t), strict=True):
            if gx is not None:
                out[slot] = out[slot] + gx if slot in out else gx
        return out


def run_hooks(hooks: dict[int, Hook], g: Any) -> Any:
    """Each hook sees the gradient as a value; what it returns, if anything, takes its place."""
    for fn in list(hooks.values()):
        result = fn(g)
        if result is None:
            continue
        given = getattr(result, "_aval", None)
        if given is None:
            raise DTypeError(f"a hook returned {type(result).__name__}, not a tensor or None")
        if given.shape != g._aval.shape:
            raise ShapeError(f"a hook returned shape {list(given.shape)} for a gradient of {list(g._aval.shape)}")
        if given.dtype is not g._aval.dtype:
            raise DTypeError(f"a hook returned {given.dtype.name} for a gradient of {g._aval.dtype.name}")
        g = result
    return g


def handler_of(x: Any) -> Handler:
    """The handler of a differentiable result, made when first asked for."""
    if not x._deps:
        raise GradientError("this tensor does not require grad, so no gradient will ever pass it")
    t = x._trace
    if t is not None and t is not RECORDER.trace:
        RECORDER.compute(x)
        t = x._trace
    if t is not None:
        return t.handlers.setdefault(x._slot, Handler())  # type: ignore[no-any-return]
    source = x._src
    if isinstance(source, Out) and source.segment is not None:
        return source.segment.handlers.setdefault(source.slot, Handler())  # type: ignore[no-any-return]
    raise GradientError("the graph of this tensor was consumed by backward(): no gradient will pass it again")
