"""Handlers of cotangents during a backward: hooks, retained gradients, custom rules."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.runtime.bracket import Bracketed, bracket
from tenure.values.grad import steps
from tenure.values.operations.arithmetic import detach
from tenure.values.rules import paths
from tenure.values.rules.graph import Hook, Leaf, Out
from tenure.values.rules.modes import MODE, MODES, current_mode
from tenure.values.rules.sites import here, site
from tenure.values.trace.handles import standing
from tenure.values.trace.record import RECORDER

_numbers = itertools.count()


class RemovableHandle(Bracketed):
    """Registration of a hook, from ``register_hook``; ``remove()`` removes the hook."""

    __slots__ = ("_endings", "_hooks", "_number")

    def __init__(self, hooks: dict[int, Hook], fn: Hook) -> None:
        self._hooks = hooks
        self._number = next(_numbers)
        hooks[self._number] = fn

    def remove(self) -> None:
        """Remove the hook."""
        self._hooks.pop(self._number, None)

    def _opening(self) -> Any:
        return (), (), ((self._hooks.pop, self._number, None),)


class Handler:
    """Handlers of one result's cotangent: hooks in their order, then a custom rule if there is one.

    ``keep(g)`` retains what the hooks leave; ``rule(g, residuals)`` gives cotangents for ``inputs``, the slots that
    the result was computed from, and ``keeps`` values for that, the ``residuals``; ``name`` is that of its function.
    ``note`` is told the notes of a walk before the rule is called. ``unknown`` names a residual of which is not known
    how it depends on the inputs. A result that is a cotangent made of one has the error as its ``refuse``. The handler
    of a double has the ``rank`` of the result that it is ``of``, to which the cotangents of doubles of earlier walks go
    on.
    """

    __slots__ = (
        "hooks", "inputs", "keep", "keeps", "name", "note", "of", "rank", "refuse", "residuals", "rule", "unknown",
    )  # fmt: skip

    def __init__(self) -> None:
        self.hooks: dict[int, Hook] = {}
        self.keep: Callable[[Any], None] | None = None
        self.rule: Callable[[Any, Sequence[Any]], Sequence[Any]] | None = None
        self.inputs: tuple[int, ...] = ()
        self.keeps = False
        self.residuals: Any = None
        self.name = ""
        self.of: Out | None = None
        self.rank: tuple[float, int] | None = None
        self.unknown: str | None = None
        self.refuse: Callable[[], Exception] | None = None
        self.note: Callable[[dict[Any, set[int]]], None] | None = None

    @property
    def is_rule(self) -> bool:
        """Whether it is a custom rule and nothing else."""
        return not (self.rule is None or self.hooks or self.keep or self.of or self.refuse or self.residuals is None)

    def like(self, other: Handler) -> None:
        """Copy the handlers of another result, for its double."""
        self.hooks, self.keep, self.rule, self.keeps = other.hooks, other.keep, other.rule, other.keeps
        self.name, self.unknown, self.refuse, self.note = other.name, other.unknown, other.refuse, other.note

    def apply_hooks(self, g: Any) -> Any:
        """Cotangent after the hooks."""
        g = run_hooks(self.hooks, g)
        if self.keep is not None:
            self.keep(g)
        return g

    def cotangents(self, g: Any, t: Any) -> list[Any]:
        """Cotangents of the inputs; in the graph of a trace, if one is given."""
        assert self.rule is not None
        if self.residuals is None:
            return list(self.rule(g, ()))
        inside, outer = MODES[t is not None, current_mode().eager], MODE.get()
        return bracket(inside.enter, ((MODE.set, outer),), self._cotangents, g, t)  # type: ignore[no-any-return]

    def _cotangents(self, g: Any, t: Any) -> list[Any]:
        assert self.rule is not None
        if t is None:
            return list(self.rule(g, self.residuals.living()))
        rules = RECORDER.rules
        found, left = bracket(((rules.append, False),), ((rules.pop,),), self._connected, g, t)
        return [None if gx is None else self.guarded(gx, g, left or severed(gx, g, t), t) for gx in found]

    def _connected(self, g: Any, t: Any) -> tuple[Sequence[Any], bool]:
        """Cotangents in the graph of a trace, and whether an array was made there from a tensor with a graph."""
        assert self.rule is not None
        found = self.rule(g, self.residuals.connected(t))
        return found, RECORDER.rules[-1]

    def guarded(self, gx: Any, g: Any, left: bool, t: Any) -> Any:
        """Cotangent guarded by TN804: its dependence on the inputs, or, where it has left the graph, on g is
        unknown."""
        if self.unknown is None and not left:
            return gx
        upstream = [gx, *[standing(t, s) for s in self.inputs], *([g] if left else [])]
        out = steps.mark(detach(gx), None, upstream)
        handler = out._trace.handlers.setdefault(out._slot, Handler())
        handler.inputs = steps.slots_of(out._trace, upstream)
        handler.refuse = partial(undetermined, self.name, self.unknown or "what the rule took out of the graph")
        return out

    def apply_rule(self, g: Any, t: Any, notes: dict[Any, set[int]]) -> dict[int, Any]:
        """Cotangents of the inputs by a custom rule, by their slots; ``notes`` are those of the walk."""
        if self.note is not None:
            self.note(notes)
        out: dict[int, Any] = {}
        for slot, gx in zip(self.inputs, self.cotangents(g, t), strict=True):
            if gx is not None:
                out[slot] = out[slot] + gx if slot in out else gx
        return out


def severed(gx: Any, g: Any, t: Any) -> bool:
    """Whether a cotangent is computed from another outside the graph."""
    if gx._trace is not t or not g._kind.tracked:
        return False
    if g._trace is not t:
        return t.bound.get(id(g)) not in t.deps(gx._slot)
    if set(t.deps(g._slot)) <= set(t.deps(gx._slot)):
        return False
    return g._slot in paths.behind(t.point(), gx._slot)


def undetermined(name: str, what: str) -> GradientError:
    """TN804: a gradient of a gradient passes numbers that have left the graph."""
    return GradientError(
        f"the gradient of {name} is differentiated, and depends on its arguments in a way that is not known, by {what}",
        at=site(here()),
        help="let the rule and its forward compute with tensors, without .numpy() or .item()",
    )


class After:
    """Hook of a leaf that is called with its place once the gradient has been added; among the others it is silent. It
    lets the place go, unless it ``keeps`` it."""

    __slots__ = ("fn", "place")

    def __init__(self, fn: Callable[[Any], Any], place: Any, keeps: bool = False) -> None:
        self.fn = fn
        self.place = (lambda: place) if keeps else weakref.ref(place)

    def __call__(self, g: Any) -> None:
        """Leave the gradient as it is."""

    def run(self) -> None:
        """Call the function, if there still is a place; what it returns is not looked at."""
        place = self.place()
        if place is not None:
            self.fn(place)


class Finally:
    """Hook of leaves that is called once a backward has added to all leaves; among the others it is silent."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run

    def __call__(self, g: Any) -> None:
        """Leave the gradient as it is."""


def finished(leaves: Iterable[Leaf]) -> None:
    """Run the hooks that wait for all leaves of a backward, each once."""
    found = {fn: None for leaf in leaves for fn in list(leaf.hooks.values()) if type(fn) is Finally}
    for fn in found:
        fn.run()


def accumulated(leaf: Leaf) -> None:
    """Run the hooks of a leaf whose gradient has been added."""
    for fn in list(leaf.hooks.values()):
        if type(fn) is After:
            fn.run()


def run_hooks(hooks: dict[int, Hook], g: Any) -> Any:
    """Gradient after hooks: each sees it as a value; its result, if any, replaces the gradient."""
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
    """Handler of a differentiable result, made on first request."""
    if not x._kind.tracked:
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
