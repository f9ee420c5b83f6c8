"""Disjoint parts of one array, each an array of its own that is written in place while the whole has no holder.

whole = [array]                        the list is the one that holds the whole, and all its lots share the list
part = carve(whole, array[3:])         an array of the same memory, whose base is a Lot
unshared(part.base)                    whether only the list holds the whole: then whose part it is may write it
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

__all__ = ["Lot", "carve", "has_views", "is_sole", "unshared"]

Array = np.ndarray[Any, Any]


class Lot:
    """Base of a part's array: it keeps the list with the whole alive."""

    __slots__ = ("__array_interface__", "whole")

    def __init__(self, view: Array, whole: list[Array]) -> None:
        self.__array_interface__ = view.__array_interface__
        self.whole = whole


def carve(whole: list[Array], view: Array) -> Array:
    """View of the whole as an array of its own, which keeps the list and not the whole."""
    return np.asarray(Lot(view, whole))


def is_sole(arrays: list[Array], k: int) -> bool:
    """Whether a list holds the only reference to its array."""
    return getrefcount(arrays[k]) == SOLE


def unshared(base: Any) -> bool:
    """Whether an array with this base may be written by its only holder."""
    return base is None or (type(base) is Lot and is_sole(base.whole, 0))


def has_views(keeper: Any) -> bool:
    """Whether arrays lie in ``keeper.lot``, which has no other holder."""
    return keeper.lot is not None and getrefcount(keeper.lot) > KEPT


def _count(arrays: list[Array], k: int) -> int:
    return getrefcount(arrays[k])


SOLE = _count([np.empty(1)], 0)
"""Reference count of an array that only a list of arrays holds."""


class _Keeper:
    __slots__ = ("lot",)
    lot: Any

    def __init__(self) -> None:
        self.lot = Lot(np.empty(1), [])


def _kept() -> int:
    keeper = _Keeper()
    return getrefcount(keeper.lot)


KEPT = _kept()
"""Reference count of a lot that only an attribute holds."""
