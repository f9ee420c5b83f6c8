"""Results of a custom rule in the graph: one marked tensor, from whose cotangent the rule makes those of its inputs.

    y, z = forward(x)   outside the graph
    whole = mark(concat(y, z), x);  y, z = parts of whole
"""

from __future__ import annotations

from collections.abc import Sequence
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
    result."""

    __slots__ = ("avals", "dtype", "is_one", "values")

    def __init__(self, values: Sequence[Any], name: str) -> None:
        self.values, self.is_one = values, len(values) == 1
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
        handler.residuals = Residuals(kept)
        own = {id(y): part for y, part in zip(self.values, parts, strict=True)}
        read = begun.was_read(t)
        if handler.residuals.place(t, begun, inputs, own, constants if read else None):
            handler.unknown = "a tensor made of what forward read"
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

    def cotangents(self, g: Any) -> list[Any]:
        """The cotangents of the results, from that of the one; zeros for what is not floating."""
        if self.is_one:
            return [g]
        zeros = [None if aval.dtype.has_gradient else steps.fill(aval, 0) for aval in self.avals]
        return self.parted(g, zeros)


def checked(g: Any, aval: Any) -> Any:
    """A cotangent that a rule returned, if it is like its argument."""
    if g is None:
        return None
    g = value_of(g)
    if g._aval.shape != aval.shape or g._aval.dtype is not aval.dtype:
        raise ShapeError(f"a rule returned a cotangent {g._aval} for an argument {aval}")
    return g
