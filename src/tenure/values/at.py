"""Indexed updates of values: ``x.at[i].set(v)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.errors import DTypeError, shown
from tenure.values import arithmetic, creation, indexing, keys
from tenure.values.reading import value_of, written_of
from tenure.values.sites import at_users_line
from tenure.values.spelling import in_plain_names


@in_plain_names
class At:
    """``x.at``: index it to choose what an update changes."""

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        self._x = x

    def __getitem__(self, key: Any) -> AtIndex:
        return AtIndex(value_of(self._x), key)


@in_plain_names
class AtIndex:
    """``x.at[key]``: each method gives x with the selected elements changed, as a new value in the graph.

    Where indices repeat, ``set`` keeps the last in C order, and all of them count for the others (TN803).
    """

    __slots__ = ("_key", "_x")

    def __init__(self, x: Any, key: Any) -> None:
        self._x = x
        self._key = key

    def get(self) -> Any:
        """x[key]."""
        return indexing.getitem(self._x, self._key)

    def set(self, v: Any) -> Any:
        """x with v at key; the last of equal indices stands."""
        return indexing.written(self._x, self._key, v)

    def apply(self, function: Callable[[Any], Any]) -> Any:
        """x with ``function(x[key])`` at key: read once and written once, whatever repeats."""
        if not callable(function):
            raise DTypeError(f"apply: the function is called, and {shown(function)} cannot be")
        return self.set(function(self.get()))

    def add(self, v: Any) -> Any:
        """x with v added at key, once for each time that it is selected."""
        return self._combined("add", v, arithmetic.add)

    def multiply(self, v: Any) -> Any:
        """x multiplied by v at key, once for each time that it is selected."""
        return self._combined("multiply", v, arithmetic.multiply)

    def divide(self, v: Any) -> Any:
        """x divided by v at key; where indices repeat, by the product of all."""
        if keys.is_basic(self._key) or not self._x.dtype.is_floating:
            return self._combined("divide", v, arithmetic.divide)
        if keys.single_mask(self._key, self._x.shape) is not None:
            return self._combined("divide", v, arithmetic.divide)
        return self._x / AtIndex(creation.ones_like(self._x), self._key).multiply(v)

    def min(self, v: Any) -> Any:
        """x with the smallest of itself and every v at key. The smallest share the gradient equally."""
        return self._combined("min", v, arithmetic.minimum)

    def max(self, v: Any) -> Any:
        """x with the largest of itself and every v at key. The largest share the gradient equally."""
        return self._combined("max", v, arithmetic.maximum)

    def _combined(self, way: str, v: Any, function: Callable[[Any, Any], Any]) -> Any:
        """A basic index, or a mask with one v for all, meets no element twice: it is read and written."""
        x, key = self._x, self._key
        if keys.is_basic(key):
            return self.set(function(self.get(), v))
        v = written_of(v)
        mask = keys.single_mask(key, x.shape)
        if mask is not None and indexing.alike(v, mask[0].ndim, x.ndim - mask[1]):
            return at_users_line(indexing.combine_masked(x, *mask, v, function))
        chosen = keys.select(key, x.shape)
        if not chosen.arrays or way == "divide":
            return self.set(function(self.get(), v))
        return at_users_line(indexing.put(x, chosen, v, way))
