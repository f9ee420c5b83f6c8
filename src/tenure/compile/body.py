"""The function of a kernel while it is written: ``void kernel(ptr table, i64 first, i64 last)``.

It computes the items [first, last). ``table`` holds the address of every stored value. Items are what threads share
out: blocks of a flat loop, or steps of the outer axes; which thread computes an item changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from llvmlite import ir

from tenure.compile.elements import Emitter
from tenure.compile.math.lanes import Builder
from tenure.compile.nests import BLOCK, Axis, constant, counted, nest, vectorized
from tenure.compile.plan import Kernel, Plan
from tenure.compile.symbolic import Except

POINTER = ir.PointerType()
I64 = ir.IntType(64)
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
LARGE = 1 << 15
"""Elements read and written from which a kernel is shared out."""
ENOUGH = 64
"""Items from which no more axes are taken to share out."""
PIECES = 16


class Body:
    """The function of a kernel while it is written: its builder, the table's pointers, and how many items it has."""

    def __init__(self, module: ir.Module, name: str, plan: Plan, slots: dict[int, int], bits: int) -> None:
        self.plan = plan
        self.program = plan.program
        self.slots = slots
        self.bits = bits
        self.function = ir.Function(module, SIGNATURE, name)
        self.b = Builder(self.function.append_basic_block("entry"), bits)
        self.first, self.last = self.function.args[1], self.function.args[2]
        self.pointers: dict[int, ir.Value] = {}
        self.parts: list[Body] = []
        self.extents: dict[int, int] = {}
        """Bytes of what the table has besides the program's values."""
        self.kernel: Kernel | None = None
        self.items = 0
        self.work = 0

    def pointer(self, v: int) -> ir.Value:
        """The buffer of a stored value, loaded in the entry block."""
        if v not in self.pointers:
            table = self.function.args[0]
            with self.b.goto_entry_block():
                at = self.b.gep(table, [constant(self.slots[v])], source_etype=POINTER)
                self.pointers[v] = self.b.load(at, typ=POINTER)
        return self.pointers[v]

    @property
    def touched(self) -> set[int]:
        """The stored values whose buffers it has asked for; rows of scratch are none of them."""
        return {v for v in self.pointers if v >= 0}.union(*[part.touched for part in self.parts])

    def emitter(
        self,
        hidden: set[int],
        variables: dict[int, ir.Value],
        lane: int | None,
        width: int,
        live: int | None = None,
        kind: type[Emitter] = Emitter,
    ) -> Emitter:
        """An emitter at the builder's place; ``hidden`` values are computed here, not read."""
        stored = Except(self.plan.stored, hidden)
        return kind(self.program, stored, self.b, Pointers(self), dict(variables), lane, width, live)

    def part(self, name: str) -> Body:
        """Another function, which this one calls."""
        body = Body(self.function.module, f"{self.function.name}.{name}", self.plan, self.slots, self.bits)
        body.function.linkage = "internal"
        self.parts.append(body)
        return body

    def claim(self, count: int) -> tuple[ir.Value, ir.Value]:
        """The next ``count`` items of the kernel: from where to where this call computes them."""
        b, before = self.b, self.items
        self.items += count
        if not before:
            return self.first, smaller(b, self.last, count)
        first = b.sub(self.first, constant(before))
        return larger(b, first, 0), smaller(b, b.sub(self.last, constant(before)), count)

    def once(self, body: Callable[[], None]) -> None:
        """One item."""
        first, last = self.claim(1)
        with self.b.if_then(self.b.icmp_signed("<", first, last)):
            body()

    def parallel(
        self,
        axes: list[Axis],
        width: int,
        body: Callable[[dict[int, Any], int | None, int], None],
        block: int = BLOCK,
        before: Callable[[dict[int, Any]], None] = lambda variables: None,
        rest: Callable[[dict[int, Any], int], None] | None = None,
    ) -> None:
        """The loop nest over all axes, vectors along the last; ``before`` comes in front of each loop of vectors.

        ``rest`` computes what whole rows have beyond their vectors, if it is not done element by element. Items run
        along the first axes, as many as it takes to have enough of them, and blocks of the last one.
        """
        b = self.b
        variables: dict[int, Any] = {}
        if not axes:
            self.once(lambda: body({}, None, 1))
            return
        lane = axes[-1]
        width = width if lane.size >= width else 1
        shared, sizes, whole = shares(axes, block)

        def row(start: ir.Value, stop: ir.Value) -> None:
            def step(i: ir.Value, w: int) -> None:
                body({**variables, lane.name: i}, lane.name, w)

            before(variables)
            partial = None if rest is None or not whole else lambda i: rest({**variables, lane.name: i}, lane.name)
            vectorized(b, start, stop, width, step, partial)

        def item(i: ir.Value, _: list[Any]) -> list[Any]:
            *counters, part = unravel(b, i, sizes)
            variables.update(zip([axis.name for axis in shared], counters, strict=True))
            start = constant(0) if whole else b.mul(part, constant(block))
            stop = constant(lane.size) if whole else smaller(b, b.add(start, constant(block)), lane.size)
            nest(b, axes[len(shared) : -1], variables, lambda: row(start, stop))
            return []

        first, last = self.claim(prod(sizes))
        if len(axes) == 1:
            row(b.mul(first, constant(block)), smaller(b, b.mul(last, constant(block)), lane.size))
        else:
            counted(b, first, last, 1, item)


def shares(axes: list[Axis], block: int) -> tuple[list[Axis], list[int], bool]:
    """The axes to share out and how many steps each has, then those of the last axis, and if that one stays whole."""
    shared = leading(axes[:-1])
    sizes = [axis.size for axis in shared]
    whole = prod(sizes) >= ENOUGH or len(shared) < len(axes) - 1 or axes[-1].size <= block
    return shared, [*sizes, 1 if whole else -(-axes[-1].size // block)], whole


def leading(axes: list[Axis]) -> list[Axis]:
    """The first axes, up to enough steps to share out."""
    k, count = 0, 1
    while k < len(axes) and count < ENOUGH:
        count *= axes[k].size
        k += 1
    return axes[:k]


def unravel(b: ir.IRBuilder, i: ir.Value, sizes: list[int]) -> list[ir.Value]:
    """The counters of nested loops of these sizes, from the number of a step."""
    counters = []
    for n in reversed(sizes[1:]):
        counters.append(b.urem(i, constant(n)))
        i = b.udiv(i, constant(n))
    return [i, *reversed(counters)]


def smaller(b: ir.IRBuilder, x: ir.Value, n: int) -> ir.Value:
    """The smaller of two numbers."""
    return b.select(b.icmp_signed("<", x, constant(n)), x, constant(n))


def larger(b: ir.IRBuilder, x: ir.Value, n: int) -> ir.Value:
    """The larger of two numbers."""
    return b.select(b.icmp_signed(">", x, constant(n)), x, constant(n))


def is_large(body: Body) -> bool:
    """Whether a kernel by itself is worth to be shared out."""
    return body.items > 1 and body.work > LARGE


def launch(b: ir.IRBuilder, body: Body, table: ir.Value, shared: bool) -> None:
    """Call a kernel, shared out or not."""
    if shared:
        share_out(b, body.function, table, constant(body.items))
    else:
        b.call(body.function, [table, constant(0), constant(max(body.items, 1))])


def share_out(b: ir.IRBuilder, function: ir.Value, table: ir.Value, items: ir.Value) -> None:
    """Call a kernel on the threads."""
    signature = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64, I64])
    parallel = b.module.globals.get("parallel") or ir.Function(b.module, signature, "parallel")
    few = b.icmp_signed("<", items, constant(PIECES))
    b.call(parallel, [function, table, items, b.select(few, items, constant(PIECES))])


class Pointers(dict[int, Any]):
    """The table's pointers, loaded when first used."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body

    def __missing__(self, v: int) -> ir.Value:
        return self.body.pointer(v)
