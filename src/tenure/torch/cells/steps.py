"""Steps from a tensor to a view of it: how a value is seen through one, and how a part is put back.

A step has the view's values (``see``), the base's new value with other elements in the view (``put``), and the view's
layout, which begins ``offset`` elements behind the base. It is made once for a layout, and says the same of every
tensor with that layout. Values are home operations, so both directions are in the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.errors import following
from tenure.ops.promote import parameters
from tenure.torch.cells.geometry import Layout
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import complexes, indexing, lookup, repeating, replacing, shaping
from tenure.values.operations.creation import wrap
from tenure.values.operations.reinterpreting import strided
from tenure.values.trace.given import check_shape

ORDER, SHAPE, SPEC = ("order",), ("shape",), ("spec",)
"""Names of parameters."""


class Step:
    """A step from a tensor to its view."""

    __slots__ = ("function", "layout", "offset", "params", "starts")
    repeats = False
    """Whether the view may show an element of the base more than once."""
    recasts = False
    """Whether the view's elements are of another kind than the base's."""
    in_graph = True
    """Whether the base's gradient is the view's too."""

    def __init__(
        self, layout: Layout, offset: int = 0, function: Any = None, params: Any = (), starts: tuple[int, ...] = ()
    ) -> None:
        self.layout = layout
        self.offset = offset
        self.function = function
        self.params = params
        self.starts = starts

    def see(self, x: Any) -> Any:
        """Value of the view in one of the base: that of an operation, if the step is one."""
        return apply(self.function, (x,), self.params, self.starts)

    def put(self, x: Any, v: Any) -> Any:
        """Value of the base with v in the view."""
        raise NotImplementedError


class Index(Step):
    """A basic index: ints, slices, new axes; ``is_whole`` if it takes all axes as they are. It remembers the steps to
    parts of its part (``after``)."""

    __slots__ = ("after", "base", "is_whole")

    def __init__(self, base: Layout, params: Any, starts: tuple[int, ...], one: bool) -> None:
        at = base.indexed(params[0][1], starts)
        super().__init__(at.layout, at.offset, indexing.GETITEM if one else indexing.SLICE, params, starts)
        self.is_whole = all(entry == ":" for entry in params[0][1])
        self.base = base
        self.after: dict[Index, Index | None] = {}

    def put(self, x: Any, v: Any) -> Any:
        return indexing.written_at(x, self.params, self.starts, v)

    def to(self, inner: Index) -> Index | None:
        """Step to a part of the part, in one; None where one of them makes axes."""
        if inner not in self.after:
            self.after[inner] = joined(self, inner)
        return self.after[inner]


def joined(outer: Index, inner: Index) -> Index | None:
    """Step of an index of what another index takes."""
    first, second = outer.params[0][1], inner.params[0][1]
    if "+" in first or "+" in second:
        return None
    spec: list[Any] = []
    starts: list[int] = []
    begins, behind, entries = iter(outer.starts), iter(inner.starts), iter(second)
    for entry in first:
        start, stride = (0, 1) if entry == ":" else (following(begins), 1 if entry == "i" else entry[1])
        then = ":" if entry == "i" else following(entries)
        spec.append(entry if then == ":" else then if then == "i" else (then[0], then[1] * stride))
        if then != ":":
            start += following(behind) * stride
        if spec[-1] != ":":
            starts.append(start)
    return index(outer.base, tuple(spec), tuple(starts))


def index(base: Layout, spec: Any, starts: tuple[int, ...]) -> Index:
    """Step of an index that has been parsed."""
    return Index(base, parameters(SPEC, spec), starts, "i" in spec)


def row(base: Layout, k: int) -> Index:
    """Step of one index of the first axis."""
    return Index(base, indexing.first_index(len(base.shape)), (k,), True)


class Permute(Step):
    """Axes in another order."""

    __slots__ = ("back",)

    def __init__(self, base: Layout, order: Sequence[int]) -> None:
        super().__init__(base.permuted(order), 0, shaping.PERMUTE, parameters(ORDER, tuple(order)))
        self.back = parameters(ORDER, tuple([order.index(k) for k in range(len(order))]))

    def put(self, x: Any, v: Any) -> Any:
        return apply_one(shaping.PERMUTE, v, self.back)


class Reshape(Step):
    """The same elements in another shape."""

    __slots__ = ()

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, 0, shaping.RESHAPE, parameters(SHAPE, check_shape(layout.shape)))

    def put(self, x: Any, v: Any) -> Any:
        return shaping.reshape(v, x._aval.shape)


class Expand(Step):
    """Broadcast to a shape. What is written through it is the same in all copies of an element."""

    __slots__ = ()
    repeats = True

    def __init__(self, base: Layout, shape: Sequence[int]) -> None:
        super().__init__(base.expanded(shape), 0, shaping.BROADCAST, parameters(SHAPE, check_shape(tuple(shape))))

    def put(self, x: Any, v: Any) -> Any:
        shape, to = x._aval.shape, self.layout.shape
        new = len(to) - len(shape)
        key = [0] * new + [slice(0, 1) if n == 1 else slice(None) for n in shape]
        return indexing.getitem(v, tuple(key)) if all(to) else x


class Component(Step):
    """The real or the imaginary parts. They lie in every other number: the geometry is that of the complex elements, so
    writes of the one and of the other count as writes of the same element."""

    __slots__ = ("is_real",)

    def __init__(self, base: Layout, is_real: bool) -> None:
        super().__init__(base)
        self.is_real = is_real

    def see(self, x: Any) -> Any:
        return complexes.real(x) if self.is_real else complexes.imag(x)

    def put(self, x: Any, v: Any) -> Any:
        if self.is_real:
            return complexes.complex(v, complexes.imag(x))
        return complexes.complex(complexes.real(x), v)


class Conjugate(Step):
    """The complex conjugates."""

    __slots__ = ()

    def see(self, x: Any) -> Any:
        return complexes.conj(x)

    def put(self, x: Any, v: Any) -> Any:
        return complexes.conj(v)


class Diagonal(Step):
    """A diagonal of two axes."""

    __slots__ = ("axes", "shift")

    def __init__(self, base: Layout, offset: int, first: int, second: int) -> None:
        at = base.diagonal(offset, first, second)
        super().__init__(at.layout, at.offset)
        self.shift = offset
        self.axes = first, second

    def see(self, x: Any) -> Any:
        return lookup.diagonal(x, self.shift, *self.axes)

    def put(self, x: Any, v: Any) -> Any:
        return replacing.diagonal_scatter(x, v, self.shift, *self.axes)


class Scattered(Step):
    """A step whose part is put back element by element, where the view shows each."""

    __slots__ = ()
    repeats = True

    def put(self, x: Any, v: Any) -> Any:
        shape = x._aval.shape
        numbers = self.see(wrap(np.arange(x._aval.size).reshape(shape)))
        flat = indexing.written(shaping.reshape(x, (-1,)), numbers, v)
        return shaping.reshape(flat, shape)


class Unfold(Scattered):
    """The windows of a size along an axis, which may overlap."""

    __slots__ = ("axis", "size", "step")

    def __init__(self, base: Layout, axis: int, size: int, step: int) -> None:
        super().__init__(base.unfolded(axis, size, step))
        self.axis, self.size, self.step = axis, size, step

    def see(self, x: Any) -> Any:
        return repeating.unfold(x, self.axis, self.size, self.step)


class Strided(Scattered):
    """Elements of an owner at an offset and strides (``as_strided``), as its own layout has them in memory."""

    __slots__ = ("numbers",)

    def __init__(self, base: Layout, layout: Layout, offset: int) -> None:
        super().__init__(layout, offset)
        found = strided(layout.shape, layout.strides, offset)
        if not base.is_contiguous:
            back = np.empty(base.size, np.int64)
            back[strided(base.shape, base.strides).reshape(-1)] = np.arange(base.size)
            found = back[found]
        self.numbers = found

    def see(self, x: Any) -> Any:
        found = indexing.getitem(shaping.reshape(x, (-1,)), wrap(self.numbers.reshape(-1)))
        return shaping.reshape(found, self.layout.shape)
