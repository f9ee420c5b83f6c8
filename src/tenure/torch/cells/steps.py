"""Steps from a tensor to a view of it: how a value is seen through one, and how a part is put back.

A step has the view's values (``see``), the base's new value with other elements in the view (``put``), and the view's
geometry (``of``). All are home operations, so both directions are in the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.torch.cells.geometry import Geometry
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import complexes, indexing, lookup, repeating, replacing, shaping
from tenure.values.operations.creation import wrap


class Step:
    """A step from a tensor to its view."""

    __slots__ = ()

    def see(self, x: Any) -> Any:
        """Value of the view in one of the base."""
        raise NotImplementedError

    def put(self, x: Any, v: Any) -> Any:
        """Value of the base with v in the view."""
        raise NotImplementedError

    def of(self, base: Geometry) -> Geometry:
        """Geometry of the view."""
        raise NotImplementedError


class Index(Step):
    """A basic index: ints, slices, new axes."""

    __slots__ = ("function", "params", "starts")

    def __init__(self, params: Any, starts: tuple[int, ...], one: bool) -> None:
        self.params = params
        self.starts = starts
        self.function = indexing.GETITEM if one else indexing.SLICE

    @classmethod
    def at(cls, spec: Any, starts: tuple[int, ...]) -> Index:
        """Index that has been parsed."""
        return cls((("spec", spec),), starts, "i" in spec)

    def see(self, x: Any) -> Any:
        return apply(self.function, (x,), self.params, self.starts)

    def put(self, x: Any, v: Any) -> Any:
        return apply(indexing.SETITEM, (x, v), self.params, self.starts)

    def of(self, base: Geometry) -> Geometry:
        return base.indexed(self.params[0][1], self.starts)


class Permute(Step):
    """Axes in another order."""

    __slots__ = ("order",)

    def __init__(self, order: Sequence[int]) -> None:
        self.order = tuple(order)

    def see(self, x: Any) -> Any:
        return apply_one(shaping.PERMUTE, x, (("order", self.order),))

    def put(self, x: Any, v: Any) -> Any:
        inverse = tuple([self.order.index(k) for k in range(len(self.order))])
        return apply_one(shaping.PERMUTE, v, (("order", inverse),))

    def of(self, base: Geometry) -> Geometry:
        return base.permuted(self.order)


class Reshape(Step):
    """The same elements in another shape. ``to`` is the view's geometry, where it is known already."""

    __slots__ = ("shape", "to")

    def __init__(self, shape: tuple[int, ...], to: Geometry | None = None) -> None:
        self.shape = shape
        self.to = to

    def see(self, x: Any) -> Any:
        return shaping.reshape(x, self.shape)

    def put(self, x: Any, v: Any) -> Any:
        return shaping.reshape(v, x._aval.shape)

    def of(self, base: Geometry) -> Geometry:
        found = self.to or base.viewed(self.shape)
        assert found is not None
        return found


class Expand(Step):
    """Broadcast to a shape. What is written through it is the same in all copies of an element."""

    __slots__ = ("shape",)

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def see(self, x: Any) -> Any:
        return shaping.broadcast_to(x, self.shape)

    def put(self, x: Any, v: Any) -> Any:
        shape = x._aval.shape
        new = len(self.shape) - len(shape)
        key = [0] * new + [slice(0, 1) if n == 1 else slice(None) for n in shape]
        return indexing.getitem(v, tuple(key)) if all(self.shape) else x

    def of(self, base: Geometry) -> Geometry:
        return base.expanded(self.shape)


class Component(Step):
    """The real or the imaginary parts. They lie in every other number: the geometry is that of the complex elements, so
    writes of the one and of the other count as writes of the same element."""

    __slots__ = ("is_real",)

    def __init__(self, is_real: bool) -> None:
        self.is_real = is_real

    def see(self, x: Any) -> Any:
        return complexes.real(x) if self.is_real else complexes.imag(x)

    def put(self, x: Any, v: Any) -> Any:
        if self.is_real:
            return complexes.complex(v, complexes.imag(x))
        return complexes.complex(complexes.real(x), v)

    def of(self, base: Geometry) -> Geometry:
        return base


class Conjugate(Step):
    """The complex conjugates."""

    __slots__ = ()

    def see(self, x: Any) -> Any:
        return complexes.conj(x)

    def put(self, x: Any, v: Any) -> Any:
        return complexes.conj(v)

    def of(self, base: Geometry) -> Geometry:
        return base


class Diagonal(Step):
    """A diagonal of two axes."""

    __slots__ = ("axes", "offset")

    def __init__(self, offset: int, first: int, second: int) -> None:
        self.offset = offset
        self.axes = first, second

    def see(self, x: Any) -> Any:
        return lookup.diagonal(x, self.offset, *self.axes)

    def put(self, x: Any, v: Any) -> Any:
        return replacing.diagonal_scatter(x, v, self.offset, *self.axes)

    def of(self, base: Geometry) -> Geometry:
        return base.diagonal(self.offset, *self.axes)


class Scattered(Step):
    """A step whose part is put back element by element, where the view shows each."""

    __slots__ = ()

    def put(self, x: Any, v: Any) -> Any:
        shape = x._aval.shape
        numbers = self.see(wrap(np.arange(x._aval.size).reshape(shape)))
        flat = indexing.written(shaping.reshape(x, (-1,)), numbers, v)
        return shaping.reshape(flat, shape)


class Unfold(Scattered):
    """The windows of a size along an axis, which may overlap."""

    __slots__ = ("axis", "size", "step")

    def __init__(self, axis: int, size: int, step: int) -> None:
        self.axis, self.size, self.step = axis, size, step

    def see(self, x: Any) -> Any:
        return repeating.unfold(x, self.axis, self.size, self.step)

    def of(self, base: Geometry) -> Geometry:
        return base.unfolded(self.axis, self.size, self.step)


class Strided(Scattered):
    """Elements of an owner at an offset and strides (``as_strided``)."""

    __slots__ = ("to",)

    def __init__(self, to: Geometry) -> None:
        self.to = to

    def see(self, x: Any) -> Any:
        offset, shape, strides = self.to
        numbers = np.full(shape, offset)
        for axis, (n, step) in enumerate(zip(shape, strides, strict=True)):
            numbers += (np.arange(n) * step).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        return indexing.getitem(shaping.reshape(x, (-1,)), wrap(numbers))

    def of(self, base: Geometry) -> Geometry:
        return self.to
