"""Kernels that go row by row: several reductions of a row, and the elementwise values before, between and after.

    for each row r                                         softmax
        m = max over k of x[r, k]                          phase 0
        for k: e[k] = exp(x[r, k] - m); s = sum of e       phase 1, e in scratch
        for k: y[r, k] = e[k] / s                          phase 2

A member is computed in the first phase in which what it reads is known; what later phases read again comes from its
own row in memory, or from a row of scratch. A sum over all rows goes in items of HEIGHT rows: each GROUP of them is
added up in scratch, row after row, and then added where the result lies.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure.compile.combine import I1, Combine, Together, loops
from tenure.compile.element_types import LLVM, in_memory, widths
from tenure.compile.elements import Emitter
from tenure.compile.index import Affine, Index, address
from tenure.compile.nests import Axis, Turn, along, constant, counted, grouped, least, merge, nest, only, stack
from tenure.compile.plan import Kernel, Member, identity, instruction
from tenure.compile.stored import of_one_form
from tenure.ir.kind import Role
from tenure.ir.program import Program
from tenure.ops.order import GROUP, HEIGHT, LANES

if TYPE_CHECKING:
    from tenure.compile.body import Body


class RowEmitter(Emitter):
    """Knows what of the row is there already: ``singles`` in registers, rows of ``scratch``; and the one index at
    which the kernel's members are."""

    singles: dict[int, ir.Value]
    scratch: dict[int, ir.Value]
    members: dict[int, Member]
    row: Affine

    def at(self, x: int, index: Any) -> Any:
        if x in self.singles:
            return self.singles[x]
        if x in self.scratch:
            key = (x, None)
            if key not in self.memo:
                self.pointers[x] = self.scratch[x]
                live, self.live = self.live, self.width  # a row of scratch is padded
                self.memo[key] = self.load(x, self.row)
                self.live = live
            return self.memo[key]
        return super().at(x, self.members[x].at if x in self.members and x not in self.stored else index)

    def reshaped(self, index: Index, shape: tuple[int, ...], x: int) -> Any:
        if x in self.members and x not in self.stored:
            return self.members[x].at
        return super().reshaped(index, shape, x)


def goes_by_rows(program: Program, kernel: Kernel) -> bool:
    """Whether a kernel is written here; sums over rows by themselves, all of one form, have a faster one."""
    if kernel.domain is None:
        return False
    by_themselves = {m.role for m in kernel.members.values()} == {Role.COLUMN}
    return not (by_themselves and of_one_form(program, kernel.values))


class RowKernel:
    """A kernel while it is written."""

    def __init__(self, body: Body, kernel: Kernel) -> None:
        assert kernel.domain is not None
        self.body, self.b, self.program = body, body.b, body.program
        self.shape, self.cut = kernel.domain
        self.members = kernel.members
        self.kept = set(kernel.values)
        self.n = prod(self.shape[self.cut :])
        whole, single = identity(self.shape), identity(self.shape[: self.cut])
        self.whole = address(whole, self.shape)
        self.single = address(single, self.shape[: self.cut])
        self.inner = address(whole[self.cut :], self.shape[self.cut :])
        forms = kernel.forms | {self.whole, self.single}
        self.axes = merge(self.shape, range(self.cut, len(self.shape)), forms)
        self.outer = merge(self.shape, range(self.cut), forms)
        self.phases = {v: m.phase for v, m in self.members.items()}
        self.last = max(self.phases.values())
        self.lanes = min(LANES, 1 << (self.n - 1).bit_length())
        avals = [self.program.aval(v) for v, m in self.members.items() if m.role is not Role.SINGLE]
        self.width = min(self.lanes, widths(avals, body.bits))
        self.scratch = {v: self.room(v) for v in self.members if self.needs_room(v)}
        summed = [v for v, m in self.members.items() if m.role is Role.COLUMN and self.combine(v).grouped]
        self.sums = {v: self.room(v) for v in summed}
        self.singles: dict[int, ir.Value] = {}
        self.variables: dict[int, Any] = {}

    def needs_room(self, v: int) -> bool:
        """Whether a later phase reads a row that is not stored."""
        if self.members[v].role is not Role.ROW or v in self.kept:
            return False
        return any(v in m.reads and self.phases[u] > self.phases[v] for u, m in self.members.items())

    def room(self, v: int) -> ir.Value:
        """A row of scratch, with room for whole vectors."""
        return stack(self.b, ir.ArrayType(in_memory(self.program.aval(v).dtype), -(-self.n // LANES) * LANES))

    def emit(self) -> None:
        """All rows; items are steps of the first outer axis, or blocks of rows where something runs over them."""
        columns = [v for v, m in self.members.items() if m.role is Role.COLUMN]
        if columns:
            self.blocks(columns)
        elif not self.outer:
            self.row()
        else:
            first, *rest = self.outer
            self.body.items = first.size

            def step(i: ir.Value, _: list[Any]) -> list[Any]:
                self.variables[first.name] = i
                nest(self.b, rest, self.variables, self.row)
                return []

            counted(self.b, self.body.first, self.body.last, 1, step)

    def blocks(self, columns: list[int]) -> None:
        """Rows in blocks of HEIGHT, and of GROUP within them."""
        b = self.b
        axis = self.outer[0] if self.outer else Axis(-1, 1)
        self.body.items = -(-axis.size // HEIGHT)

        def row(i: ir.Value, _: list[Any]) -> list[Any]:
            self.variables[axis.name] = i
            self.row()
            return []

        def block(k: ir.Value, _: list[Any]) -> list[Any]:
            start = b.mul(k, constant(HEIGHT))
            stop = least(b, b.add(start, constant(HEIGHT)), constant(axis.size))

            def group(i: ir.Value, _: list[Any]) -> list[Any]:
                counted(b, i, least(b, b.add(i, constant(GROUP)), stop), 1, row)
                for v, room in self.sums.items():
                    self.add_group(v, room, self.results(v, k))
                return []

            for v in columns:
                self.clear(v, self.results(v, k))
            for v, room in self.sums.items():
                self.clear(v, room)
            counted(b, start, stop, GROUP, group)
            return []

        counted(b, self.body.first, self.body.last, 1, block)

    def results(self, v: int, block: ir.Value) -> ir.Value:
        """The address of a block's results."""
        at = self.b.mul(block, constant(self.n))
        return self.b.gep(self.body.pointer(v), [at], source_etype=in_memory(self.program.aval(v).dtype))

    def clear(self, v: int, start: ir.Value) -> None:
        """Neutral elements in a row of sums."""
        t = in_memory(self.program.aval(v).dtype)
        number = ir.Constant(t, self.combine(v).neutral)

        def step(i: ir.Value, _: list[Any]) -> list[Any]:
            self.b.store(number, self.b.gep(start, [i], source_etype=t))
            return []

        counted(self.b, constant(0), constant(self.n), 1, step)

    def combine(self, v: int) -> Combine:
        """The step of a reduction."""
        at = instruction(self.program, v)
        return Combine(self.b, at.primitive.lower.operation, at.aval.dtype)

    def row(self) -> None:
        """One row, phase after phase."""
        self.singles = {}
        for phase in range(self.last + 1):
            self.compute_singles(phase)
            members = [v for v, p in self.phases.items() if p == phase and self.members[v].role is not Role.SINGLE]
            if members:
                self.loop(phase, members)

    def emitter(self, phase: int, at: ir.Value | None, width: int, live: int) -> RowEmitter:
        """An emitter that computes what the phase computes and reads what earlier ones have."""
        here = {v for v, p in self.phases.items() if p >= phase and v not in self.singles}
        later = {v: p for v, p in self.scratch.items() if self.phases[v] < phase}
        variables = self.variables if at is None else {**self.variables, **along(self.b, self.axes, at)}
        lane = None if at is None else self.axes[-1].name
        e = self.body.emitter(here, variables, lane, width, live, RowEmitter)
        assert isinstance(e, RowEmitter)
        e.singles, e.scratch, e.members, e.row = self.singles, later, self.members, self.inner
        return e

    def compute_singles(self, phase: int) -> None:
        """The values of which there is one in the row."""
        e = self.emitter(phase, None, 1, 1)
        for v, m in self.members.items():
            if m.role is Role.SINGLE and self.phases[v] == phase:
                x = e.at(v, m.at)
                self.singles[v] = x
                self.keep_single(e, v, x)

    def keep_single(self, e: Emitter, v: int, x: ir.Value) -> None:
        """Store a single element if anybody else reads it."""
        if v in self.kept:
            e.store(x, self.body.pointer(v), self.single, self.program.aval(v).dtype)

    def loop(self, phase: int, members: list[int]) -> None:
        """The pass of one phase over the row."""
        folds = [v for v in members if self.members[v].role is Role.FOLD]
        parts = self.lanes // self.width if folds else 1
        step = parts * self.width
        most = -(-self.n // step)
        turns = loops([self.program.aval(v).dtype for v in folds], step, parts, most, self.body.bits)
        combines, types = [self.combine(v) for v in folds], [self.type(v) for v in folds]
        together = Together(combines, types, parts, turns)

        def piece(turn: int, at: ir.Value, live: int, carried: list[Any]) -> list[Any]:
            """Up to ``step`` elements, those of a turn."""
            found: dict[int, list[Any]] = {v: [] for v in folds}
            for u in range(turn * parts // turns, min((turn + 1) * parts // turns, -(-live // self.width))):
                i = self.b.add(at, constant(u * self.width)) if u else at
                e = self.emitter(phase, i, self.width, min(self.width, live - u * self.width))
                elements = {v: self.element(e, v) for v in members}
                for v, x in elements.items():
                    self.put(e, v, x)
                    if v in found:
                        found[v].append(x)
            return together.step(carried, list(found.values()))

        ends = constant(0), constant(self.n)
        merge = together.merge if together.grouped else None
        each: list[Turn] = [(partial(piece, turn), together.start) for turn in range(turns)]
        found = grouped(self.b, ends, self.n, step, most, each, together.closed, merge)
        e = self.emitter(0, None, 1, 1)
        for v, total in zip(folds, together.totals(found), strict=True):
            self.singles[v] = total
            self.keep_single(e, v, total)

    def type(self, v: int) -> ir.Type:
        """Vectors of a member's elements."""
        one = LLVM[self.program.aval(v).dtype.name]
        return ir.VectorType(one, self.width) if self.width > 1 else one

    def element(self, e: RowEmitter, v: int) -> ir.Value:
        """The elements of a member at the emitter's place; of a reduction's operand, neutral in dead lanes."""
        kind, index = self.members[v].role, self.members[v].at
        if kind is Role.ROW:
            return e.splat(e.at(v, index))
        x = e.splat(e.at(instruction(self.program, v).operands[0], index))
        if kind is Role.FOLD and e.live < e.width:
            mask = ir.Constant(ir.VectorType(I1, e.width), [int(k < e.live) for k in range(e.width)])
            x = self.b.select(mask, x, self.combine(v).start(x.type))
        return x

    def put(self, e: RowEmitter, v: int, x: ir.Value) -> None:
        """Store elements where they are kept, once all are computed: they may lie where another member reads."""
        dtype = self.program.aval(v).dtype
        if self.members[v].role is Role.COLUMN:
            self.add_row(e, v, x)
        elif v in self.kept and self.members[v].role is Role.ROW:
            e.store(x, self.body.pointer(v), self.whole, dtype)
        elif v in self.scratch:
            live, e.live = e.live, e.width
            e.store(x, self.scratch[v], self.inner, dtype)
            e.live = live

    def add_row(self, e: RowEmitter, v: int, x: ir.Value) -> None:
        """One row more in the sums of its group, or in the results of its block."""
        start = self.sums.get(v)
        if start is None:
            first = self.variables[self.outer[0].name] if self.outer else constant(0)
            start = self.results(v, self.b.udiv(first, constant(HEIGHT)))
        e.pointers[v] = start
        total = self.combine(v).serial([e.load(v, self.inner), x])
        e.store(total, start, self.inner, self.program.aval(v).dtype)

    def add_group(self, v: int, room: ir.Value, results: ir.Value) -> None:
        """The sums of a group added to the results of its block, and cleared."""
        combine, dtype = self.combine(v), self.program.aval(v).dtype

        def piece(at: ir.Value, live: int, _: list[Any]) -> list[Any]:
            e = self.emitter(self.last, at, self.width, live)
            rows = []
            for start in (results, room):
                e.pointers[v] = start
                rows.append(e.load(v, self.inner))
            e.store(combine.serial(rows), results, self.inner, dtype)
            e.store(combine.start(self.type(v)), room, self.inner, dtype)
            return []

        grouped(self.b, (constant(0), constant(self.n)), self.n, self.width, 1, [(piece, [])], only, None)
