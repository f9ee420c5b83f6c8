"""The arithmetic of an optimizer on sparse gradients: one recorded step for each parameter, which writes rows alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np

from tenure.ops import complexes, move, pointwise
from tenure.ops.advanced import add_rows, take_rows
from tenure.ops.promote import Operation, parameters
from tenure.ops.rows import along, united
from tenure.optim.rule import Options, cast, ordered
from tenure.runtime.bracket import at_once
from tenure.values.grad import steps
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.native.hits import apply
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.places.shared import Shared
from tenure.values.places.updates import become, refuse_writes
from tenure.values.tensor.tensor import Tensor

PARTS = complexes.real, complexes.imag
NO_TENSORS = (False,) * 16
NAMES = ("kept", "tensors", "options", "padded", "united")


class RowRule:
    """``function(g, kept, numbers, **options)`` gives what is added to rows of a parameter, and the list of what is
    added to those that are kept for them. It is handed rows of gradients, values of a program under construction.

    A row that is listed twice comes once, as its sum, unless the formula is ``linear``.
    """

    def __init__(self, name: str, function: Callable[..., tuple[Any, list[Any]]], linear: bool = False) -> None:
        self.function = function
        self.linear = linear
        self.operation = Operation(name, self._written)
        self.additions = Operation(f"{name}_added", self._all_added)

    def __call__(
        self,
        places: Sequence[Any],
        grads: Sequence[SparseRows],
        kept: Sequence[Sequence[Any]],
        numbers: tuple[Any, ...],
        options: Options,
        also: Sequence[tuple[Any, ...]] = (),
    ) -> None:
        """Write the ``places`` and the places that are kept for each, as ``Rule`` does; to Shareds it is added."""
        columns, shared = [*map(list, zip(places, *kept, strict=True))], []
        if True in map(isinstance, places, repeat(Shared)):
            pairs = list(zip(columns, grads, strict=True))
            shared = [(column, g) for column, g in pairs if isinstance(column[0], Shared)]
            columns = [column for column in columns if not isinstance(column[0], Shared)]
            grads = [g for column, g in pairs if not isinstance(column[0], Shared)]
        written = [*chain.from_iterable(columns)]
        refuse_writes(written)
        given: tuple[Any, ...] = ()
        tensors, scalars = NO_TENSORS[: len(numbers)], numbers
        if not {float}.issuperset(map(type, numbers)):
            tensors = tuple([isinstance(n, Tensor) for n in numbers])
            given = tuple([n for n in numbers if isinstance(n, Tensor)])
            scalars = tuple([float(n) for n in numbers if not isinstance(n, Tensor)])
        new: tuple[Any, ...] = ()
        for column, g in zip(columns, grads, strict=True):
            index, rows, padded, is_united = g._entries
            params = parameters(NAMES, len(kept), tensors, options, padded, is_united)
            operands = [column[0], index, rows.detach() if rows._kind.tracked else rows, *column[1:], *given]
            new += steps.update(self.operation, operands, params, scalars, column)
        at_once((*also, (become, written, new)))
        if shared:
            params = parameters(("tensors", "options"), tensors, options)
            for column, g in shared:
                self._add(column, g, given, params, scalars)

    def _add(self, column: Sequence[Any], g: SparseRows, given: Any, params: Any, scalars: tuple[float, ...]) -> None:
        """Add to rows of a Shared, and of those that are kept for it; each row is written once. Shapes are those of the
        index, however many of its rows are equal."""
        index, rows, *_ = g._packed()
        named, where = np.unique(array_of(index), return_inverse=True)
        padded = np.concatenate([named, named[:1].repeat(len(where) - len(named))])
        held = [place.read(padded) for place in column[1:]]
        added: Any = apply(self.additions, (rows.detach(), wrap(where), *held, *given), params, scalars)
        for place, x in zip(column, added if type(added) is tuple else (added,), strict=True):
            place._add_to(named, array_of(x)[: len(named)])

    def _written(
        self, p: Any, index: Any, g: Any, *xs: Any,
        kept: int, tensors: tuple[bool, ...], options: Options, padded: bool, united: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        """The new values of a parameter and of what is kept for it."""
        held = xs[:kept]
        numbers = ordered(self.operation.name, xs[kept:], tensors)
        if not p.shape[0] or not index.shape[0]:
            return (p, *held)
        at, g, live = self._found(index, g, p.shape[0], padded, united)
        added, others = self._added(g, [take_rows(k, at) for k in held], numbers, dict(options))
        new = [added, *others]
        if live is not None:
            new = [pointwise.where(along(live, x), x, x.coerce(0)) for x in new]
        return tuple([add_rows(x, v, at) for x, v in zip((p, *held), new, strict=True)])

    def _all_added(
        self, g: Any, where: Any, *xs: Any, tensors: tuple[bool, ...], options: Options
    ) -> tuple[Any, ...]:  # fmt: skip
        """Additions to rows of a parameter and to those that are kept for it; ``where`` says which gradients are of one
        row."""
        g = add_rows(move.broadcast_to(g.coerce(0), shape=g.shape), g, where)
        end = len(xs) - len(tensors)
        numbers = ordered(self.operation.name, xs[end:], tensors)
        added, others = self._added(g, list(xs[:end]), numbers, dict(options))
        return (added, *others)

    def _found(self, index: Any, g: Any, count: int, padded: bool, is_united: bool) -> tuple[Any, Any, Any]:
        """The index to write at, the rows for it, and the mask of those that count, if not all do."""
        live = None
        if not (self.linear or is_united):
            g, live = united(index, g)
        if padded:
            inside = pointwise.not_equal(index, index.coerce(count))
            live = inside if live is None else pointwise.logical_and(live, inside)
            index = pointwise.where(inside, index, index.coerce(0))
        return index, g, live

    def _added(self, g: Any, kept: list[Any], numbers: list[Any], options: dict[str, Any]) -> tuple[Any, list[Any]]:
        """Additions to rows; of complex ones part by part."""
        if not g.dtype.is_complex:
            return self.function(g, kept, cast(numbers, g.dtype), **options)
        halves = [self._added(part(g), [part(k) for k in kept], numbers, options) for part in PARTS]
        (x, xs), (y, ys) = halves
        return complexes.complex_(x, y), [complexes.complex_(a, b) for a, b in zip(xs, ys, strict=True)]
