"""Indexed updates of values: ``x.at[i].set(v)``."""

from __future__ import annotations

from typing import Any

from tenure.values import arithmetic, indexing
from tenure.values.reading import value_of


class At:
    """``x.at``: index it to choose what an update changes."""

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        self._x = x

    def __getitem__(self, key: Any) -> AtIndex:
        return AtIndex(value_of(self._x), key)


class AtIndex:
    """``x.at[key]``: each method gives x with the selected elements changed, as a new value in the graph."""

    __slots__ = ("_key", "_x")

    def __init__(self, x: Any, key: Any) -> None:
        self._x = x
        self._key = key

    def get(self) -> Any:
        """x[key]."""
        return indexing.getitem(self._x, self._key)

    def set(self, v: Any) -> Any:
        """x with v at key."""
        return indexing.written(self._x, self._key, v)

    def add(self, v: Any) -> Any:
        """x with v added at key."""
        return self.set(self.get() + v)

    def multiply(self, v: Any) -> Any:
        """x multiplied by v at key."""
        return self.set(self.get() * v)

    def divide(self, v: Any) -> Any:
        """x divided by v at key."""
        return self.set(self.get() / v)

    def min(self, v: Any) -> Any:
        """x with the smaller of itself and v at key."""
        return self.set(arithmetic.minimum(self.get(), v))

    def max(self, v: Any) -> Any:
        """x with the larger of itself and v at key."""
        return self.set(arithmetic.maximum(self.get(), v))
