"""Results of a custom rule in the graph: one marked tensor, from whose cotangent the rule makes those of its inputs.

    y, z = forward(x)   outside the graph
    whole = mark(concat(y, z), x);  y, z = parts of whole

A rule may ask which results a cotangent came to. Each part is then a result of a rule of its own, which passes the
cotangent on and notes that it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError
from tenure.values.grad import steps
from tenure.values.grad.handlers import Handler
from tenure.values.grad.residuals import Beginning, Residuals
from tenure.values.operations import shaping
from tenure.values.operations.arithmetic import detach, to_dtype
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import here, site


class Results:
    """Values that ``forward`` gave, flat. Those that are floating have a gradient, as one tensor: so a rule has one
    result. A rule that ``asks`` is given None for those that no cotangent came to; ``came`` has the others, None where
    that is not known."""

    __slots__ = ("asks", "avals", "came", "dtype", "is_one", "name", "values")

    def __init__(self, values: Sequence[Any], name: str, asks: bool = False) -> None:
        self.values, self.is_one, self.name, self.asks = values, len(values) == 1, name, asks
        self.came: set[int] | None = None
        self.avals = [y._aval for y in values]
        kinds = [aval.dtype for aval in self.avals if aval.dtype.has_gradient]
        if not kinds:
            raise DTypeError(f"no result of {name} is floating, so none has a gradient", at=site(here()))
        self.dtype = kinds[0] if self.is_one or all(kind is kinds[0] for kind in kinds) else dtypes.float64

    def connected(
        self, begun: Beginning, inputs: Sequence[Any], constants: Sequence[Any], kept: list[Any], keeps: bool
    ) -> tuple[Handler, list[Any], bool]:
        """The handler that waits for its rule, the results in the graph of ``inputs``, and whether ``forward`` has read
        values; ``kept`` are residuals, and with ``keeps`` a gradient needs them, or something else that is kept."""
        plain = [detach(y) if y._kind.tracked else y for y in self.values]
        whole, (_, *slots) = steps.marked(self.joined(plain), None, inputs, keeps)
        t = whole._trace
        handler = t.handlers.get(whole._slot) or t.handlers.setdefault(whole._slot, Handler())
        handler.inputs, handler.keeps = tuple(slots), keeps
        parts = self.parted(whole, plain)
        if self.asks and not self.is_one:
            handler.note = self.read
            parts = [self.noting(k, y) if y._kind.tracked else y for k, y in enumerate(parts)]
        handler.residuals = Residuals(kept)
        own = {id(y): part for y, part in zip(self.values, parts, strict=True)}
        read = begun.was_read(t)
        if handler.residuals.place(t, begun, inputs, own, constants if read else None):
            handler.unknown = "a tensor made of what forward read"
        self.values = ()
        return handler, parts, read

    def joined(self, values: list[Any]) -> Any:
        """The floating results as one tensor."""
        if self.is_one:
            return values[0]
        moving = [y for y in values if y._aval.dtype.has_gradient]
        return shaping.concat([to_dtype(shaping.reshape(y, -1), self.dtype) for y in moving])

    def parted(self, whole: Any, others: list[Any]) -> list[Any]:
        """The results out of that one; those that are not floating are as given."""
        if self.is_one:
            return [whole]
        out, start = [], 0
        for aval, other in zip(self.avals, others, strict=True):
            end = start + aval.size
            if not aval.dtype.has_gradient:
                out.append(other)
                continue
            out.append(to_dtype(shaping.reshape(whole[start:end], *aval.shape), aval.dtype))
            start = end
        return out

    def noting(self, k: int, part: Any) -> Any:
        """A result that notes if a cotangent comes to it."""
        y, (_, slot) = steps.marked(detach(part), None, [part], False)
        handler = y._trace.handlers.setdefault(y._slot, Handler())
        handler.name, handler.inputs, handler.residuals = self.name, (slot,), Residuals([])
        handler.rule, handler.note = passed_on, partial(self.noted, k)
        return y

    def noted(self, k: int, notes: dict[Any, set[int]]) -> None:
        """Note that a cotangent came to a result."""
        notes.setdefault(self, set()).add(k)

    def read(self, notes: dict[Any, set[int]]) -> None:
        """Read the notes of a walk, before the rule is called."""
        self.came = notes.get(self, set())

    def cotangents(self, g: Any) -> list[Any]:
        """The cotangents of the results, from that of the one; zeros for what is not floating, or None if asked."""
        if self.is_one:
            return [g]
        came, self.came = self.came, None
        if came is not None:
            return [y if k in came else None for k, y in enumerate(self.parted(g, [None] * len(self.avals)))]
        zeros = [None if aval.dtype.has_gradient else steps.fill(aval, 0) for aval in self.avals]
        return self.parted(g, zeros)


def passed_on(g: Any, _: Sequence[Any]) -> list[Any]:
    """Rule of a result that only notes."""
    return [g]


def checked(g: Any, aval: Any) -> Any:
    """A cotangent that a rule returned, if it is like its argument."""
    if g is None:
        return None
    g = value_of(g)
    if g._aval.shape != aval.shape or g._aval.dtype is not aval.dtype:
        raise ShapeError(f"a rule returned a cotangent {g._aval} for an argument {aval}")
    return g
