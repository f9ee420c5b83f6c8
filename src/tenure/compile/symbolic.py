"""The half of an emitter that deals in indices, and the tracer that stops there.

``Tracer`` follows a lowering rule without emitting: which stored values it reads, at which addresses.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from tenure.compile.index import ZERO, Affine, Index, Read, Unseen, address, loop, reshaped
from tenure.ir.aval import Aval
from tenure.ir.program import Program
from tenure.ops.move import broadcast_to, reshape


class Except:
    """Values of a set, and some more, without others: no copy, which for each of n values would take n²."""

    __slots__ = ("base", "more", "without")

    def __init__(self, base: Container[int], without: Container[int], more: Container[int] = ()) -> None:
        self.base, self.without, self.more = base, without, more

    def __contains__(self, v: object) -> bool:
        return (v in self.base or v in self.more) and v not in self.without


class Symbolic:
    """The half of an emitter that deals in indices. ``stored`` are the values that lie in buffers."""

    def __init__(self, program: Program, stored: Container[int]) -> None:
        self.program = program
        self.stored = stored
        self.memo: dict[Any, Any] = {}

    def aval(self, x: int) -> Aval:
        """The facts known of a value."""
        return self.program.aval(x)

    def shape(self, x: int) -> tuple[int, ...]:
        """The shape of a value."""
        return self.program.aval(x).shape

    def broadcast(self, index: Index, x: int) -> Index:
        """The index of an operand that broadcasts to the result."""
        shape = self.shape(x)
        return tuple([i if n != 1 else ZERO for i, n in zip(index[len(index) - len(shape) :], shape, strict=True)])

    def address(self, index: Index, shape: tuple[int, ...]) -> Affine:
        """The position in C order."""
        return address(index, shape)

    def reshaped(self, index: Index, shape: tuple[int, ...], x: int) -> Any:
        """The index of an operand whose elements are those of the result in another shape."""
        found = reshaped(index, shape, self.shape(x))
        if found is not None:
            return found
        if x not in self.stored:
            raise Unseen(x)
        return address(index, shape)

    def read(self, x: int, index: Index, wrap: int = 0) -> Affine:
        """The element of an integer value, as part of an index."""
        known = self.known(x, index, wrap)
        if known is not None:
            return known
        if x not in self.stored and x >= len(self.program.inputs):
            self.trace_read(x, index)
        return Affine(reads=((Read(x, tuple(index), wrap), 1),))

    def known(self, x: int, index: Index, wrap: int) -> Affine | None:
        """The element of what is one number, or 0, 1, 2, … along an axis: it need not be read."""
        n = len(self.program.inputs)
        seen: Index | None = tuple(index)
        while x >= n and seen is not None:
            at = self.program.instructions[x - n]
            if at.primitive.traits.number is not None:
                value = int(at.primitive.traits.number(**at.params))
                return Affine(constant=value + wrap if value < 0 else value)
            if at.primitive.traits.counts:
                return seen[0]
            if at.primitive not in (reshape, broadcast_to):
                return None
            x = at.operands[0]
            seen = (
                self.broadcast(seen, x)
                if at.primitive is broadcast_to
                else reshaped(seen, at.aval.shape, self.shape(x))
            )
        return None

    def trace_read(self, x: int, index: Index) -> None:
        """Make sure that the element can be seen."""
        self.at(x, index)

    def at(self, x: int, index: Any) -> Any:
        """The element of a value: read if it is stored, computed if it is not."""
        key = (x, index)
        if key not in self.memo:
            self.memo[key] = self._at(x, index)
        return self.memo[key]

    def _at(self, x: int, index: Any) -> Any:
        if x in self.stored:
            where = index if isinstance(index, Affine) else address(index, self.shape(x))
            return self.load(x, where)
        at = self.program.instructions[x - len(self.program.inputs)]
        return at.primitive.lower.element(self, index, *at.operands, **at.params)

    def load(self, x: int, where: Affine) -> Any:
        """Read a stored element."""
        raise NotImplementedError


class Tracer(Symbolic):
    """Follows rules without emitting; ``forms`` are the address sums met, ``reads`` the stored values, ``places``
    these with the addresses at which they are read."""

    def __init__(self, program: Program, stored: Container[int]) -> None:
        super().__init__(program, stored)
        self.forms: set[Affine] = set()
        self.reads: set[int] = set()
        self.places: set[tuple[int, Affine]] = set()

    def load(self, x: int, where: Affine) -> Any:
        self.reads.add(x)
        self.places.add((x, where))
        self.see(where)

    def see(self, form: Affine) -> None:
        """Note a sum whose value is needed, and the sums within."""
        self.forms.add(form)
        for read, _ in form.reads:
            self.at(read.value, read.index)

    def position(self, i: Affine) -> None:
        """The value of an index as a number."""
        self.see(i)

    def coincide(self, i: Affine, j: Affine, size: int, itemsize: int) -> None:
        """Whether two indices are equal."""
        self.see(i)
        self.see(j)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def unmerged(program: Program, stored: Container[int], v: int) -> int:
    """The value whose shape a loop nest over an elementwise value has: its own, or that of what it is in order.

    ``(x[:, None] + y).reshape(-1)`` has an axis that no index splits again: its elements are computed in the shape
    before, and stored in that order.
    """
    x, n = v, len(program.inputs)
    while x >= n and (x == v or x not in stored):
        at = program.instructions[x - n]
        if not at.primitive.lower.inline:
            break
        try:
            shape = program.aval(x).shape
            Tracer(program, Except(stored, (v,))).at(x, tuple([loop(k) for k in range(len(shape))]))
        except Unseen:
            if not at.primitive.traits.in_order:
                break
            x = at.operands[0]
        else:
            return x
    return v
