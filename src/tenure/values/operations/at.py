"""Indexed updates of values: ``x.at[i].set(v)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, shown
from tenure.values.operations import arithmetic, factories, indexing, keys
from tenure.values.operations.reading import value_of, written_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.spelling import in_plain_names

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Index


@in_plain_names
class At:
    """Indexed updates of a value, as ``x.at``: an index chooses the elements.

    >>> tn.zeros(3).at[1].set(5.0)
    tensor([0., 5., 0.])
    """

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        self._x = x

    def __getitem__(self, key: Index) -> AtIndex:
        return AtIndex(value_of(self._x), key)


@in_plain_names
class AtIndex:
    """Updates of selected elements, as ``x.at[key]``: each method gives a new value, in the graph.

    Where indices repeat, ``set`` keeps the last in C order, and all of them count for the others (TN803). OutOfRange
    (TN801) for an index outside its axis; ShapeError (TN802) where v does not broadcast to the selected elements.

    >>> tn.zeros(3).at[[0, 0]].add(1.0)
    tensor([2., 0., 0.])
    """

    __slots__ = ("_key", "_x")

    def __init__(self, x: Tensor, key: Any) -> None:
        self._x = x
        self._key = key

    def get(self) -> Tensor:
        """The selected elements, x[key]."""
        return at_users_line(indexing.getitem(self._x, self._key))

    def set(self, v: ArrayLike) -> Tensor:
        """x with v at key; the last of equal indices stands."""
        return indexing.written(self._x, self._key, v)

    def apply(self, function: Callable[[Tensor], ArrayLike]) -> Tensor:
        """x with ``function(x[key])`` at key: read once and written once, whatever repeats."""
        if not callable(function):
            raise DTypeError(f"apply: the function is called, and {shown(function)} cannot be")
        return self.set(function(self.get()))

    def add(self, v: ArrayLike) -> Tensor:
        """x with v added at key, once for each time that it is selected."""
        return self._combined("add", v, arithmetic.add)

    def multiply(self, v: ArrayLike) -> Tensor:
        """x multiplied by v at key, once for each time that it is selected."""
        return self._combined("multiply", v, arithmetic.multiply)

    def divide(self, v: ArrayLike) -> Tensor:
        """x divided by v at key; where indices repeat, by the product of all."""
        if keys.is_basic(self._key) or not self._x.dtype.has_gradient:
            return self._combined("divide", v, arithmetic.divide)
        if keys.single_mask(self._key, self._x.shape) is not None:
            return self._combined("divide", v, arithmetic.divide)
        return self._x / AtIndex(factories.ones_like(self._x), self._key).multiply(v)

    def min(self, v: ArrayLike) -> Tensor:
        """x with the smallest of itself and every v at key. The smallest share the gradient equally."""
        return self._combined("min", v, arithmetic.minimum)

    def max(self, v: ArrayLike) -> Tensor:
        """x with the largest of itself and every v at key. The largest share the gradient equally."""
        return self._combined("max", v, arithmetic.maximum)

    def _combined(self, way: str, v: Any, function: Callable[[Any, Any], Any]) -> Tensor:
        """Read, combine and write elements that an index selects once each: a basic index, or a mask with a scalar."""
        x, key = self._x, self._key
        if keys.is_basic(key):
            return self.set(function(self.get(), v))
        v = written_of(v, x._aval.dtype)
        mask = keys.single_mask(key, x.shape)
        if mask is not None and indexing.alike(v, mask[0].ndim, x.ndim - mask[1]):
            return at_users_line(indexing.combine_masked(x, *mask, v, function))
        chosen = keys.select(key, x.shape)
        if not chosen.arrays or way == "divide":
            return self.set(function(self.get(), v))
        return at_users_line(indexing.put(x, chosen, v, way))
