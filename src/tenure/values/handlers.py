"""Those who act on a cotangent when a backward passes: hooks, retained gradients, custom rules."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.runtime.bracket import Bracketed
from tenure.values.graph import Hook, Out
from tenure.values.record import RECORDER

_numbers = itertools.count()


class RemovableHandle(Bracketed):
    """What ``register_hook`` returns; ``remove()`` takes the hook away again."""

    __slots__ = ("_endings", "_hooks", "_number")

    def __init__(self, hooks: dict[int, Hook], fn: Hook) -> None:
        self._hooks = hooks
        self._number = next(_numbers)
        hooks[self._number] = fn

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._number, None)

    def _opening(self) -> Any:
        return (), (), ((self._hooks.pop, self._number, None),)


class Handler:
    """What happens to the cotangent of one result: hooks in their order, then a custom rule if there is one.

    ``keep(g)`` retains what the hooks leave; ``rule(g)`` gives cotangents for ``inputs``, the slots that the
    result was computed from.
    """

    __slots__ = ("hooks", "inputs", "keep", "rule")

    def __init__(self) -> None:
        self.hooks: dict[int, Hook] = {}
        self.keep: Callable[[Any], None] | None = None
        self.rule: Callable[[Any], Sequence[Any]] | None = None
        self.inputs: tuple[int, ...] = ()

    def apply_hooks(self, g: Any) -> Any:
        """The cotangent as the hooks leave it."""
        g = run_hooks(self.hooks, g)
        if self.keep is not None:
            self.keep(g)
        return g

    def apply_rule(self, g: Any) -> dict[int, Any]:
        """The cotangents of the inputs."""
        assert self.rule is not None
        out: dict[int, Any] = {}
        for slot, gx in zip(self.inputs, self.rule(g), strict=True):
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
