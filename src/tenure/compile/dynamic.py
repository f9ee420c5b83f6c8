"""Elements at run-time indices: rules of lowering over extents and strides that only the call knows.

An index is a number in a register (``Dynamic``) in place of a sum of loop variables; so are the sizes that a rule asks
for. The arithmetic is the emitter's, so a rule gives the bits that it gives in specialised code.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure import dtypes
from tenure.compile.element_types import in_memory
from tenure.compile.elements import Emitter
from tenure.compile.nests import constant
from tenure.dtypes import DType


class Scattered(Exception):
    """The elements of a vector do not lie side by side."""


class Dynamic:
    """A whole number known at the run, with the arithmetic that rules do on indices and sizes; ``lane`` says that the
    neighbours that are computed at once lie along it, each one further: so it is not multiplied."""

    __slots__ = ("b", "lane", "value")

    def __init__(self, b: ir.IRBuilder, value: ir.Value, lane: bool = False) -> None:
        self.b, self.value, self.lane = b, value, lane

    def _with(self, other: Dynamic | int) -> ir.Value:
        return constant(other) if isinstance(other, int) else other.value

    def __add__(self, other: Dynamic | int) -> Dynamic:
        lane = self.lane or (isinstance(other, Dynamic) and other.lane)
        return Dynamic(self.b, self.b.add(self.value, self._with(other)), lane)

    def __sub__(self, other: Dynamic | int) -> Dynamic:
        return Dynamic(self.b, self.b.sub(self.value, self._with(other)), self.lane)

    def __mul__(self, other: Dynamic | int) -> Dynamic:
        if isinstance(other, int) and other == 1:
            return self
        if self.lane:
            raise Scattered
        return Dynamic(self.b, self.b.mul(self.value, self._with(other)))


Extents = tuple[Dynamic, ...]


class DynamicEmitter(Emitter):
    """Reads operands of the ``shapes`` and ``strides`` (in elements; 0 along axes of size 1) of a generic kernel."""

    def __init__(
        self, program: Any, b: Any, pointers: dict[int, ir.Value], shapes: Any, strides: Any, width: int
    ) -> None:
        super().__init__(program, set(pointers), b, pointers, {}, None, width)
        self.shapes: dict[int, Extents] = shapes
        self.strides: dict[int, Extents] = strides

    def shape(self, x: int) -> Any:
        return self.shapes[x]

    def broadcast(self, index: Any, x: int) -> Any:
        return index[len(index) - len(self.shapes[x]) :]

    def address(self, index: Any, shape: Any) -> Any:
        total = Dynamic(self.b, constant(0))
        for i, n in zip(index, shape, strict=True):
            total = total * n + i
        return total

    def reshaped(self, index: Any, shape: Any, x: int) -> Any:
        whole = self.address(index, shape)
        if whole.lane:
            raise Scattered
        rest, out = whole.value, list[Dynamic]()
        for n in reversed(self.shapes[x]):
            out.append(Dynamic(self.b, self.b.urem(rest, n.value)))
            rest = self.b.udiv(rest, n.value)
        return tuple(reversed(out))

    def read(self, x: int, index: Any, wrap: Any = 0) -> Any:
        if any(i.lane for i in index) and self.width > 1:
            raise Scattered
        found = self.cast(self.at(x, index), dtypes.int64, self.aval(x).dtype)
        if isinstance(wrap, Dynamic):
            below = self.b.icmp_signed("<", found, constant(0))
            found = self.b.select(below, self.b.add(found, wrap.value), found)
        return Dynamic(self.b, found)

    def at(self, x: int, index: Any) -> Any:
        lane = bool(index) and index[-1].lane
        where = Dynamic(self.b, constant(0))
        for k, (i, stride) in enumerate(zip(index, self.strides[x], strict=True)):
            if not (lane and k == len(index) - 1):
                where = where + i * stride
            elif stride.lane:
                where = where + i
        return self.fetch(self.pointers[x], where.value, self.aval(x).dtype, where.lane)

    def along_lanes(self, where: Dynamic) -> None:
        """Refuse to store a vector at an address that is not that of neighbours."""
        if self.width > 1 and not where.lane:
            raise Scattered

    def fetch(self, pointer: ir.Value, where: ir.Value, dtype: DType, lane: bool = False) -> ir.Value:
        """The element at an address, or neighbours from there."""
        t = in_memory(dtype)
        wide = ir.VectorType(t, self.width) if lane and self.width > 1 else t
        raw = self.b.load(self.b.gep(pointer, [where], source_etype=t), typ=wide, align=dtype.itemsize)
        return self.from_memory(raw, dtype)

    def put(self, x: ir.Value, pointer: ir.Value, where: ir.Value, dtype: DType) -> None:
        """Store an element, or neighbours, at an address."""
        t = in_memory(dtype)
        x = self.splat(x)
        if dtype.kind == "b":
            x = self.b.zext(x, ir.VectorType(t, self.width) if self.width > 1 else t)
        self.b.store(x, self.b.gep(pointer, [where], source_etype=t), align=dtype.itemsize)

    def position(self, i: Any) -> Any:
        if not i.lane or self.width == 1:
            return i.value
        steps = ir.Constant(ir.VectorType(ir.IntType(64), self.width), list(range(self.width)))
        return self.b.add(self.splat(i.value), steps)

    def coincide(self, i: Any, j: Any, size: Any, itemsize: int) -> Any:
        return self.compare("==", self.position(i), self.position(j))
