"""Reductions along axes that are not the last: all rows of a block into its row of results.

    for each block of 64 rows, and strip of columns          for each 4 blocks, of narrow rows
        out = neutral                                            a0 … a3 = neutral
        for each 8 rows r: for each vector c:                    for each 8 rows: b0 … b3 = neutral
            out[c] = out[c] + (x[r, c] + … + x[r + 7, c])            for r in 8: b0 += x[r]; … b3 += x[192 + r]
                                                                     a0 += b0; … a3 += b3
                                                                 out = a0 … a3

A strip of results stays in the first level of cache. Of narrow rows the results stay in registers, several blocks at
once, as each is a chain of dependent additions. Several reductions over the same rows go side by side.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure.compile.combine import Combine
from tenure.compile.element_types import LLVM, widths
from tenure.compile.elements import Emitter
from tenure.compile.folds import BLOCKS, operand_forms, result_address
from tenure.compile.nests import Axis, constant, counted, grouped, guarded, merge, nest, only
from tenure.compile.plan import identity, instruction
from tenure.ops.order import GROUP

if TYPE_CHECKING:
    from tenure.compile.kernels import Body

STRIP = 2048
NARROW = 64
CHAINS = 8
"""Vectors of results held in registers."""


class ColumnKernel:
    """Reductions over rows while they are written: ``values`` of one shape and dtype, of operands of one shape."""

    def __init__(self, body: Body, values: list[int]) -> None:
        self.body, self.b, self.values = body, body.b, values
        program, at = body.program, instruction(body.program, values[0])
        made = [instruction(program, v) for v in values]
        self.operands, run = [m.operands[0] for m in made], at.params["axes"]
        shape, self.dtype = program.aval(self.operands[0]).shape, at.aval.dtype
        self.out = result_address(at, shape)
        forms = set().union(*[operand_forms(body, x) for x in self.operands])
        self.combines = [Combine(body.b, m.primitive.lower.operation, self.dtype) for m in made]
        self.index = identity(shape)
        self.outer = merge(shape, range(run[0]), forms | {self.out})
        self.inner = merge(shape, range(run[-1] + 1, len(shape)), forms | {self.out})
        reduced = merge(shape, run, forms)
        self.axis = reduced[0] if reduced else Axis(-1, prod(shape[k] for k in run))
        self.block = at.params.get("block", 0) or self.axis.size
        self.blocks = -(-self.axis.size // self.block) if self.block else 1
        width = widths([at.aval], body.bits)
        self.lane = self.inner[-1]
        self.width = min(width, 1 << (self.lane.size - 1).bit_length())

    def emit(self) -> None:
        """All items: (outer, block or some of them, strip), of which the last varies fastest."""
        narrow = len(self.inner) == 1 and self.lane.size <= NARROW and self.axis.size > 0
        group = max(CHAINS // (-(-self.lane.size // self.width) * len(self.values)), 1) if narrow else 1
        groups = -(-self.blocks // group)
        strips = -(-self.lane.size // STRIP) if len(self.inner) == 1 else 1
        first = self.outer[0] if self.outer else Axis(-1, 1)
        self.body.items = first.size * groups * strips

        def item(k: ir.Value, _: list[Any]) -> list[Any]:
            k, strip = self.parted(k, strips)
            k, which = self.parted(k, groups)
            variables: dict[int, Any] = {first.name: k}
            if narrow:
                nest(self.b, self.outer[1:], variables, lambda: self.narrow(variables, which, group))
            else:
                variables[BLOCKS] = which
                nest(self.b, self.outer[1:], variables, lambda: self.wide(variables, strip, strips))
            return []

        counted(self.b, self.body.first, self.body.last, 1, item)

    def parted(self, k: ir.Value, size: int) -> tuple[ir.Value, ir.Value]:
        """Quotient and remainder."""
        if size == 1:
            return k, constant(0)
        return self.b.udiv(k, constant(size)), self.b.urem(k, constant(size))

    def emitter(self, variables: dict[int, Any], row: ir.Value | None, column: ir.Value, live: int) -> Emitter:
        """An emitter for some columns."""
        found = {**variables, self.lane.name: column}
        if row is not None:
            found[self.axis.name] = row
        return self.body.emitter(set(), found, self.lane.name, self.width, live)

    def elements(self, variables: dict[int, Any], row: ir.Value, column: ir.Value, live: int) -> list[ir.Value]:
        """Elements of one row of each operand."""
        e = self.emitter(variables, row, column, live)
        return [e.splat(e.at(x, self.index)) for x in self.operands]

    def number(self, number: float | int) -> ir.Constant:
        """A number in every lane."""
        return self.emitter({}, None, constant(0), self.width).splat(ir.Constant(LLVM[self.dtype.name], number))

    def neutral(self) -> list[ir.Value]:
        """The initial value of each reduction."""
        return [self.number(c.neutral) for c in self.combines]

    def store(self, xs: list[ir.Value], variables: dict[int, Any], column: ir.Value, live: int) -> None:
        """Write results."""
        e = self.emitter(variables, None, column, live)
        for v, x in zip(self.values, xs, strict=True):
            e.store(x, self.body.pointer(v), self.out, self.dtype)

    def ends(self, block: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The rows of a block."""
        start = self.b.mul(block, constant(self.block))
        end, n = self.b.add(start, constant(self.block)), constant(self.axis.size)
        return start, n if self.blocks == 1 else self.b.select(self.b.icmp_signed("<", end, n), end, n)

    # -- wide rows

    def wide(self, variables: dict[int, Any], strip: ir.Value, strips: int) -> None:
        """A strip of a block, or the whole of it where columns take several loops."""
        if self.axis.size == 0:
            nothing = [c.empty(self.number(0).type) for c in self.combines]
            self.each_column(variables, strip, strips, lambda c, live: self.store(nothing, variables, c, live))
            return
        neutral = self.neutral()
        self.each_column(variables, strip, strips, lambda c, live: self.store(neutral, variables, c, live))
        start, stop = self.ends(variables[BLOCKS])

        def rows(r: ir.Value, count: int, _: list[Any]) -> list[Any]:
            self.each_column(variables, strip, strips, lambda c, live: self.add_rows(variables, r, count, c, live))
            return []

        grouped(self.b, (start, stop), self.axis.size, GROUP, 1, [(rows, [])], only, None)

    def each_column(self, variables: dict[int, Any], strip: ir.Value, strips: int, body: Any) -> None:
        """Full vectors of a strip, then the rest of the row where the strip is the last."""
        size, b = self.lane.size, self.b
        rest = size % self.width

        def line() -> None:
            start, stop, last = constant(0), constant(size - rest), ir.Constant(ir.IntType(1), 1)
            if strips > 1:
                start = b.mul(strip, constant(STRIP))
                end = b.add(start, constant(STRIP))
                last = b.icmp_signed(">=", end, stop)
                stop = b.select(last, stop, end)

            def vector(c: ir.Value, _: list[Any]) -> list[Any]:
                body(c, self.width)
                return []

            def tail(_: Any) -> list[Any]:
                body(constant(size - rest), rest)
                return []

            counted(b, start, stop, self.width, vector)
            if rest:
                guarded(b, last, [], tail)

        nest(b, self.inner[:-1], variables, line)

    def add_rows(self, variables: dict[int, Any], r: ir.Value, count: int, c: ir.Value, live: int) -> None:
        """Several rows more in some results."""
        e = self.emitter(variables, None, c, live)
        held = [e.load(v, self.out) for v in self.values]
        rows = [self.elements(variables, self.b.add(r, constant(k)), c, live) for k in range(count)]
        totals = []
        for combine, first, *others in zip(self.combines, held, *rows, strict=True):
            totals.append(combine.serial([first, combine.serial(others)] if combine.grouped else [first, *others]))
        self.store(totals, variables, c, live)

    # -- narrow rows

    def narrow(self, variables: dict[int, Any], which: ir.Value, group: int) -> None:
        """Some blocks side by side where all are whole, else one after the other."""
        b = self.b
        first = b.mul(which, constant(group))
        if group == 1:
            self.side_by_side(variables, [first])
            return
        blocks = [b.add(first, constant(k)) for k in range(group)]
        end = b.mul(b.add(first, constant(group)), constant(self.block))
        whole = b.icmp_signed("<=", end, constant(self.axis.size))

        def together(_: Any) -> list[Any]:
            self.side_by_side(variables, blocks)
            return []

        def single(k: ir.Value, _: list[Any]) -> list[Any]:
            self.side_by_side(variables, [k])
            return []

        last = b.add(first, constant(group))
        last = b.select(b.icmp_signed("<", last, constant(self.blocks)), last, constant(self.blocks))
        guarded(b, whole, [], together)
        counted(b, b.select(whole, last, first), last, 1, single)

    def side_by_side(self, variables: dict[int, Any], blocks: list[ir.Value]) -> None:
        """Blocks whose results are all in registers; they have as many rows as the first."""
        start, stop = self.ends(blocks[0])
        size = self.lane.size
        parts = [(k, min(self.width, size - k)) for k in range(0, size, self.width)]
        places = [(k, c, live) for k in range(len(blocks)) for c, live in parts]

        count = len(self.values)
        combines = self.combines * len(places)

        def joined(held: list[Any], later: list[Any]) -> list[Any]:
            return [combine.serial(pair) for combine, *pair in zip(combines, held, later, strict=True)]

        def row(r: ir.Value, _: int, held: list[Any]) -> list[Any]:
            found: list[ir.Value] = []
            for k, c, live in places:
                at = self.b.add(r, constant(k * self.block)) if k else r
                found += self.elements(variables, at, constant(c), live)
            return joined(held, found)

        most = min(self.block, self.axis.size)
        rounded = any(combine.grouped for combine in self.combines)
        held = self.neutral() * len(places)
        ends = (start, stop)
        found = grouped(self.b, ends, self.axis.size, 1, most, [(row, held)], only, joined if rounded else None)
        for n, (k, c, live) in enumerate(places):
            self.store(found[n * count : (n + 1) * count], {**variables, BLOCKS: blocks[k]}, constant(c), live)
