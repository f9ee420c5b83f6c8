"""One step of a reduction, on scalars or vectors: neutral elements, NaN, and the tree over lanes.

A float max or min is a plain compare and select, which loses NaN, beside one flag that remembers it: one unordered
compare serves two vectors. The flag is turned into NaN where a result leaves the registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from llvmlite import ir

from tenure.dtypes import DType

I1, I32 = ir.IntType(1), ir.IntType(32)


class Combine:
    """add, multiply, max or min of a dtype, emitted at the end of ``b``; bools are i1 or i8."""

    def __init__(self, b: ir.IRBuilder, operation: str, dtype: DType) -> None:
        self.b = b
        self.operation = operation
        self.real = dtype.kind == "f"
        self.bool = dtype.kind == "b"
        self.signed = dtype.kind == "i"
        self.bits = 8 * dtype.itemsize

    @property
    def flagged(self) -> bool:
        """Whether NaN is kept in a flag of its own."""
        return self.real and self.operation in ("max", "min")

    @property
    def grouped(self) -> bool:
        """Whether it matters how elements are grouped: sums and products are rounded."""
        return self.real and self.operation in ("add", "multiply")

    @property
    def neutral(self) -> float | int:
        """The neutral element of a reduction: it changes no other element, not even −0.0."""
        if self.operation == "add":
            return -0.0 if self.real else 0
        if self.operation == "multiply":
            return 1.0 if self.real else 1
        low = self.operation == "max"
        if self.real:
            return float("-inf") if low else float("inf")
        if self.bool:
            return 0 if low else 1
        least = -(2 ** (self.bits - 1)) if self.signed else 0
        return least if low else least + 2**self.bits - 1

    def start(self, t: ir.Type) -> ir.Constant:
        """The neutral element in every lane."""
        return same(t, self.neutral)

    def empty(self, t: ir.Type) -> ir.Constant:
        """The reduction of nothing."""
        nothing = int(self.operation == "multiply")
        return same(t, float(nothing) if self.real else nothing)

    def plain(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x combined with y; a max or min loses NaN, and of equal ones takes the second."""
        b, largest = self.b, self.operation == "max"
        if self.operation == "add":
            return b.fadd(x, y) if self.real else b.add(x, y)
        if self.operation == "multiply":
            return b.fmul(x, y) if self.real else b.mul(x, y)
        if self.bool:
            return b.or_(x, y) if largest else b.and_(x, y)
        sign = ">" if largest else "<"
        compare = b.fcmp_ordered if self.real else b.icmp_signed if self.signed else b.icmp_unsigned
        return b.select(compare(sign, x, y), x, y)

    def serial(self, xs: Sequence[ir.Value]) -> ir.Value:
        """All of them, one after the other; NaN where any is."""
        total = xs[0]
        for x in xs[1:]:
            total = self.plain(total, x)
        if not self.flagged:
            return total
        return self.b.select(self.unordered(xs), same(total.type, float("nan")), total)

    def unordered(self, xs: Sequence[ir.Value]) -> ir.Value:
        """Lanes in which any of them is NaN."""
        found: Any = None
        for k in range(0, len(xs), 2):
            nan = self.b.fcmp_unordered("uno", xs[k], xs[min(k + 1, len(xs) - 1)])
            found = nan if found is None else self.b.or_(found, nan)
        return found

    def held(self, t: ir.Type, parts: int) -> list[ir.Value]:
        """The initial carried values: vectors of lanes, and the flag."""
        flag = [same(ir.VectorType(I1, t.count) if isinstance(t, ir.VectorType) else I1, 0)]
        return [self.start(t)] * parts + (flag if self.flagged else [])

    def step(self, held: Sequence[ir.Value], xs: Sequence[ir.Value]) -> list[ir.Value]:
        """One vector more for each of the first carried ones."""
        out = list(held)
        for k, x in enumerate(xs):
            out[k] = self.plain(held[k], x)
        if self.flagged:
            out[-1] = self.b.or_(out[-1], self.unordered(xs))
        return out

    def closed(self, held: Sequence[ir.Value]) -> list[ir.Value]:
        """The result of a group of pieces: one number where it matters how elements are grouped."""
        return [self.total(held)] if self.grouped else list(held)

    def joined(self, turns: Sequence[Sequence[ir.Value]]) -> list[ir.Value]:
        """The carried values of the loops over the lanes' parts, as those of one loop."""
        if not self.flagged:
            return [x for held in turns for x in held]
        flag = turns[0][-1]
        for held in turns[1:]:
            flag = self.b.or_(flag, held[-1])
        return [*[x for held in turns for x in held[:-1]], flag]

    def merge(self, held: Sequence[ir.Value], later: Sequence[ir.Value]) -> list[ir.Value]:
        """The combination of two groups."""
        size = len(held) - self.flagged
        out = [self.plain(x, y) for x, y in zip(held[:size], later[:size], strict=True)]
        return [*out, self.b.or_(held[-1], later[-1])] if self.flagged else out

    def total(self, held: Sequence[ir.Value]) -> ir.Value:
        """Lanes k and k + half, half after half; NaN where the flag says so. Of one number, that number."""
        parts = list(held[:-1] if self.flagged else held)
        while len(parts) > 1:
            half = len(parts) // 2
            parts = [self.plain(parts[k], parts[k + half]) for k in range(half)]
        x = parts[0]
        if isinstance(x.type, ir.VectorType):
            width = x.type.count
            while width > 1:
                width //= 2
                x = self.plain(*[piece(self.b, x, start, width) for start in (0, width)])
            x = self.b.extract_element(x, ir.Constant(I32, 0))
        if not self.flagged:
            return x
        return self.b.select(any_lane(self.b, held[-1]), ir.Constant(x.type, float("nan")), x)


class Together:
    """Several reductions side by side: what they carry is one list."""

    def __init__(self, combines: list[Combine], types: list[ir.Type], parts: int, turns: int) -> None:
        self.combines = combines
        states = [c.held(t, parts // turns) for c, t in zip(combines, types, strict=True)]
        self.start = [x for state in states for x in state]
        """The values that a turn begins with."""
        self.sizes = [len(state) for state in states]
        whole = [parts + c.flagged for c in combines]
        self.closed_sizes = [1 if c.grouped else n for c, n in zip(combines, whole, strict=True)]

    @property
    def grouped(self) -> bool:
        """Whether it matters how elements are grouped."""
        return any(c.grouped for c in self.combines)

    def step(self, carried: list[Any], xs: Sequence[Sequence[ir.Value]]) -> list[Any]:
        """A piece more for each."""
        states = split(carried, self.sizes)
        return [y for c, held, x in zip(self.combines, states, xs, strict=True) for y in c.step(held, x)]

    def closed(self, turns: list[list[Any]]) -> list[Any]:
        """The result of a group of pieces."""
        states = zip(*[split(carried, self.sizes) for carried in turns], strict=True)
        return [x for c, held in zip(self.combines, states, strict=True) for x in c.closed(c.joined(held))]

    def merge(self, held: list[Any], later: list[Any]) -> list[Any]:
        """The combination of two groups."""
        pairs = zip(self.combines, split(held, self.closed_sizes), split(later, self.closed_sizes), strict=True)
        return [x for c, one, other in pairs for x in c.merge(one, other)]

    def totals(self, carried: list[Any]) -> list[ir.Value]:
        """The results."""
        return [c.total(held) for c, held in zip(self.combines, split(carried, self.closed_sizes), strict=True)]


LONG = 8
"""Steps of a loop that are worth one more loop."""


def loops(dtypes: Sequence[DType], lanes: int, parts: int, steps: int, bits: int) -> int:
    """The number of loops over the parts of the lanes, one after the other, so that what each carries, a number of each
    dtype in each lane, and what it computes fit into registers of so many bits: with two sums in one loop a step moved
    more to and from the stack than it added. Each lane's order stays, and so do the bits."""
    turns, most = 1, (32 if bits == 512 else 16) * 5 // 8
    while len(dtypes) * parts > most * turns and turns < parts:
        turns *= 2
    registers = sum(-(-lanes * 8 * dtype.itemsize // bits) for dtype in dtypes)
    return 2 if turns == 1 < parts and len(dtypes) > 1 and steps >= LONG and registers > most else turns


def split(xs: list[Any], sizes: list[int]) -> list[list[Any]]:
    """A list in parts."""
    starts = accumulate(sizes, initial=0)
    return [xs[start : start + size] for start, size in zip(starts, sizes, strict=False)]


def same(t: ir.Type, number: float | int) -> ir.Constant:
    """A number in every lane."""
    return ir.Constant(t, [number] * t.count if isinstance(t, ir.VectorType) else number)


def piece(b: ir.IRBuilder, x: ir.Value, start: int, width: int) -> ir.Value:
    """Neighbouring lanes of a vector."""
    lanes = ir.Constant(ir.VectorType(I32, width), list(range(start, start + width)))
    return b.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), lanes)


def any_lane(b: ir.IRBuilder, flags: ir.Value) -> ir.Value:
    """Whether any of the flags is set."""
    if not isinstance(flags.type, ir.VectorType):
        return flags
    word = ir.IntType(flags.type.count)
    return b.icmp_unsigned("!=", b.bitcast(flags, word), ir.Constant(word, 0))
