"""Writes of several places at once, as an optimizer's step makes them."""

from __future__ import annotations

from threading import get_ident
from typing import Any

from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.native.hits import coded
from tenure.values.places.loans import LENDING, UPDATING, WATCHERS
from tenure.values.places.parameter import Parameter
from tenure.values.rules.levels import refuse_writing
from tenure.values.trace import record


@coded
def refuse_writes(places: list[Any]) -> None:
    """TN503 or TN506 where a loan forbids to write one of the places, TN382 where one has been moved away."""
    held = LENDING or (UPDATING and get_ident() not in UPDATING)
    for place in places:
        if held or place._loans is not None or place._ties is not None:
            place._refuse_write()


@coded
def become(places: list[Any], values: tuple[Any, ...]) -> None:
    """Write new values of their shapes and dtypes to places; they are leaves where the places are."""
    for place, value in zip(places, values, strict=True):
        if WATCHERS:
            for watch in WATCHERS:
                watch(place, place._read())
        if value._kind.level is not None:
            refuse_writing(place._home, value)
        place._keep(value)


@coded
def gradients_of(places: list[Any]) -> list[Any] | None:
    """Values of the gradients of places, where each of them has one that needs no look, and all are of one class,
    dense or sparse; else None."""
    try:
        found = [p._leaf.grad._val for p in places]
    except AttributeError:
        return None
    kinds = {*map(type, found)}
    return found if len(kinds) == 1 and kinds <= {record._Tensor, SparseRows} else None


@coded
def are_held(places: list[Any]) -> bool:
    """Whether of some places each that modules once held is held by one now."""
    return not any(isinstance(p, Parameter) and p.is_orphan() for p in places)
