"""Order of a row by the digits of its keys, the last digit first: each pass keeps the order of equal digits.

    keys                build: pairs of a key, as a number without sign, and its index
    pairs               where a small part is wanted: those whose first digits leave them no place in it are left out
    pairs by digit 0    count the digits, add up where each begins, move every pair there
    …                   bits that all pairs have in common are no part of a digit where that spares one

A long row has digits of up to WIDE bits, a short one of up to NARROW. Each of these steps goes over CHUNKS parts of a
long row, which threads share: a pair's place does not depend on who moves it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I64, POINTER, ROW, TASK, at, larger, least, load, repeat, share, started, store
from tenure.ops.order import BINS, CHUNKS, LONG, NARROW, PARTLY, WIDE

VOID, BIT = ir.VoidType(), ir.IntType(1)
KEYS, COUNT, SOURCE, TARGET, TABLES, SHIFT, MASK, PART, VARYING, WORDS = range(10)
"""Words of the context of a step: addresses of the keys, of the pairs, of where they go and of CHUNKS tables of the
digits; the number of pairs, the bits behind a digit, its largest value, the pairs of a chunk, and the address of a word
for each chunk of the bits in which its keys differ from the first."""
ADDRESSES = KEYS, SOURCE, TARGET, TABLES, VARYING
CLEARED = 8
"""Digits whose counts are cleared at a time."""


class Radix:
    """The functions of the order of keys of so many bits; ``narrow``: of keys that differ in the last 32 alone."""

    def __init__(self, module: ir.Module, name: str, bits: int, narrow: bool = False) -> None:
        self.module, self.name = module, name
        self.key, self.bits = ir.IntType(bits), 32 if narrow else bits
        self.pair: ir.Type = I64 if self.bits == 32 else ir.VectorType(I64, 2)

    # -- pairs

    def joined(self, b: ir.IRBuilder, key: ir.Value, i: ir.Value) -> ir.Value:
        """A pair of a key and an index. A key is a number without sign from here on, if its sign counts at all."""
        if self.key.width != self.bits:
            return b.or_(b.shl(key, constant(32)), i)
        key = b.xor(key, ir.Constant(self.key, -(1 << (self.bits - 1))))
        if self.bits == 32:
            return b.or_(b.shl(b.zext(key, I64), constant(32)), i)
        pair = b.insert_element(ir.Constant(self.pair, ir.Undefined), key, constant(0))
        return b.insert_element(pair, i, constant(1))

    def index(self, b: ir.IRBuilder, start: ir.Value, i: ir.Value) -> ir.Value:
        """The index of a pair in memory."""
        if self.bits == 32:
            return b.and_(load(b, start, i), constant(2**32 - 1))
        return load(b, start, b.add(b.shl(i, constant(1)), constant(1)))

    def digit(self, b: ir.IRBuilder, words: list[ir.Value], i: ir.Value) -> ir.Value:
        """The digit of a pair of the source."""
        place = i if self.bits == 32 else b.shl(i, constant(1))
        return b.and_(b.lshr(load(b, words[SOURCE], place), words[SHIFT]), words[MASK])

    # -- steps, each a task over chunks

    def words(self, b: ir.IRBuilder, context: ir.Value) -> list[ir.Value]:
        """The words of a context."""
        return [load(b, context, k, POINTER if k in ADDRESSES else I64) for k in range(WORDS)]

    def task(
        self, name: str, chunk: Callable[[ir.IRBuilder, list[ir.Value], ir.Value, ir.Value, ir.Value], None]
    ) -> ir.Function:
        """The task that goes over chunks: of each the number, the first pair and where it ends."""
        function, b = started(self.module, f"{self.name}.{name}", TASK)
        context, first, last = function.args
        words = self.words(b, context)

        def each(c: ir.Value, _: list[Any]) -> list[Any]:
            start = least(b, b.mul(c, words[PART]), words[COUNT])
            chunk(b, words, c, start, least(b, b.add(start, words[PART]), words[COUNT]))
            return []

        counted(b, first, last, 1, each)
        b.ret_void()
        return function

    def build(self, b: ir.IRBuilder, words: list[ir.Value], c: ir.Value, start: ir.Value, stop: ir.Value) -> None:
        """Make the pairs."""

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            pair = self.joined(b, load(b, words[KEYS], i, self.key), i)
            b.store(pair, at(b, words[SOURCE], i, self.pair), align=8)
            return []

        counted(b, start, stop, 1, one)

    def count(self, b: ir.IRBuilder, words: list[ir.Value], c: ir.Value, start: ir.Value, stop: ir.Value) -> None:
        """Count the digits."""
        table = at(b, words[TABLES], b.mul(c, constant(BINS)))
        none = ir.Constant(ir.VectorType(I64, CLEARED), None)

        def clear(i: ir.Value, _: list[Any]) -> list[Any]:
            b.store(none, at(b, table, i), align=8)
            return []

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            digit = self.digit(b, words, i)
            store(b, b.add(load(b, table, digit), constant(1)), table, digit)
            return []

        counted(b, constant(0), b.add(words[MASK], constant(1)), CLEARED, clear)
        counted(b, start, stop, 1, one)

    def move(self, b: ir.IRBuilder, words: list[ir.Value], c: ir.Value, start: ir.Value, stop: ir.Value) -> None:
        """Move every pair to the next place of its digit."""
        table = at(b, words[TABLES], b.mul(c, constant(BINS)))

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            digit = self.digit(b, words, i)
            place = load(b, table, digit)
            pair = b.load(at(b, words[SOURCE], i, self.pair), typ=self.pair, align=8)
            b.store(pair, at(b, words[TARGET], place, self.pair), align=8)
            store(b, b.add(place, constant(1)), table, digit)
            return []

        counted(b, start, stop, 1, one)

    # -- a row

    def emit_row(self) -> ir.Function:
        """``void row(keys, n, start, length, out, room, differs)``: the order of one row whose keys differ in these
        bits."""
        steps = {name: self.task(name, getattr(self, name)) for name in ("build", "count", "move")}
        select = self.emit_select(steps["count"])
        kind = ir.FunctionType(VOID, [*ROW.args, I64])
        function, b = started(self.module, self.name, kind)
        keys, n, start, length, out, room, differs = function.args
        context = stack(b, ir.ArrayType(I64, WORDS))
        pairs = at(b, room, b.select(is_long(b, n), constant(CHUNKS * BINS), constant(1 << NARROW)))
        second = at(b, pairs, n, self.pair)
        for k, x in ((KEYS, keys), (SOURCE, pairs), (TARGET, second), (TABLES, room), (COUNT, n)):
            store(b, x, context, k)
        share(b, steps["build"], context, chunked(b, context))
        before = b.block
        few = b.icmp_signed("<", b.mul(length, constant(PARTLY)), n)
        long = b.icmp_signed(">=", n, constant(PARTLY * 256))
        with b.if_then(b.and_(few, long)):
            found = b.call(select, [context, start, length, differs])
            inside = b.block
        left = b.phi(I64)
        left.add_incoming(start, before)
        left.add_incoming(found, inside)
        self.sort(b, context, steps, differs)
        source = load(b, context, SOURCE, POINTER)

        def give(i: ir.Value, _: list[Any]) -> list[Any]:
            store(b, self.index(b, source, b.add(left, i)), out, i)
            return []

        counted(b, constant(0), length, 1, give)
        b.ret_void()
        return function

    def at_bit(self, b: ir.IRBuilder, context: ir.Value, bit: ir.Value, width: ir.Value) -> None:
        """Note a digit."""
        store(b, b.add(bit, constant(32)) if self.bits == 32 else bit, context, SHIFT)
        store(b, b.sub(b.shl(constant(1), width), constant(1)), context, MASK)

    def sort(self, b: ir.IRBuilder, context: ir.Value, steps: dict[str, ir.Function], differs: ir.Value) -> None:
        """Sort the pairs of a context by all bits in which they differ."""
        chunks, tables = chunked(b, context), load(b, context, TABLES, POINTER)
        first, end = bits_of(b, differs)
        long, span = is_long(b, load(b, context, COUNT)), b.sub(end, first)
        most = b.select(long, constant(WIDE), constant(NARROW))
        width = up(b, span, larger(b, up(b, span, most), constant(1)))

        def more(held: list[Any]) -> ir.Value:
            return b.icmp_signed("<", held[0], end)

        def digit(held: list[Any]) -> list[Any]:
            (bit,) = held
            self.at_bit(b, context, bit, width)
            share(b, steps["count"], context, chunks)
            self.begin(b, tables, load(b, context, MASK), chunks)
            share(b, steps["move"], context, chunks)
            exchange(b, context)
            return [b.add(bit, width)]

        repeat(b, more, digit, [first])

    def begin(self, b: ir.IRBuilder, tables: ir.Value, mask: ir.Value, chunks: ir.Value) -> None:
        """Put the first place of each digit, of each chunk, where their number was."""

        def entry(place: ir.Value, held: list[Any]) -> list[Any]:
            number = load(b, tables, place)
            store(b, held[0], tables, place)
            return [b.add(held[0], number)]

        def several(d: ir.Value, held: list[Any]) -> list[Any]:
            def chunk(c: ir.Value, held: list[Any]) -> list[Any]:
                return entry(b.add(b.mul(c, constant(BINS)), d), held)

            return counted(b, constant(0), chunks, 1, chunk, held)

        count = b.add(mask, constant(1))
        with b.if_else(b.icmp_signed(">", chunks, constant(1))) as (long, short):
            with long:
                counted(b, constant(0), count, 1, several, [constant(0)])
            with short:
                counted(b, constant(0), count, 1, entry, [constant(0)])

    # -- a part of a row

    def emit_select(self, count: ir.Function) -> ir.Function:
        """``i64 select(context, start, length, differs)``: keep the pairs that may lie in a part of the sorted row, in
        their order; gives where the part begins among them.

        Digit by digit from the first on: while the part lies in one bin only the pairs of that bin are kept, and once
        it lies in several those of these bins.
        """
        kind = ir.FunctionType(I64, [POINTER, I64, I64, I64])
        function, b = started(self.module, f"{self.name}.select", kind)
        context, start, length, differs = function.args
        first, end = bits_of(b, differs)

        def more(held: list[Any]) -> ir.Value:
            return b.and_(b.icmp_signed(">", held[0], first), held[2])

        def level(held: list[Any]) -> list[Any]:
            bit, start, _ = held
            left = b.sub(bit, first)
            width = least(b, left, constant(NARROW))
            bit = b.sub(bit, width)
            self.at_bit(b, context, bit, width)
            return [bit, *self.narrow(b, context, count, start, length)]

        b.ret(repeat(b, more, level, [end, start, BIT(1)])[1])
        return function

    def narrow(
        self, b: ir.IRBuilder, context: ir.Value, count: ir.Function, start: ir.Value, length: ir.Value
    ) -> tuple[ir.Value, ir.Value]:
        """Keep the pairs of the bins of one digit in which the part lies; where it begins among them, and whether it is
        one bin."""
        chunks = chunked(b, context)
        share(b, count, context, chunks)
        words, stop = self.words(b, context), b.add(start, length)

        def bin_(d: ir.Value, held: list[Any]) -> list[Any]:
            total, low, below, high, above = held

            def chunk(c: ir.Value, sums: list[Any]) -> list[Any]:
                return [b.add(sums[0], load(b, words[TABLES], b.add(b.mul(c, constant(BINS)), d)))]

            (end,) = counted(b, constant(0), chunks, 1, chunk, [total])
            begins = b.and_(b.icmp_signed("<=", total, start), b.icmp_signed("<", start, end))
            ends = b.and_(b.icmp_signed("<", total, stop), b.icmp_signed("<=", stop, end))
            lows = b.select(begins, d, low), b.select(begins, total, below)
            return [end, *lows, b.select(ends, d, high), b.select(ends, end, above)]

        count_ = b.add(words[MASK], constant(1))
        _, low, below, high, above = counted(b, constant(0), count_, 1, bin_, [constant(0)] * 5)

        def keep(i: ir.Value, held: list[Any]) -> list[Any]:
            digit = self.digit(b, words, i)
            pair = b.load(at(b, words[SOURCE], i, self.pair), typ=self.pair, align=8)
            b.store(pair, at(b, words[TARGET], held[0], self.pair), align=8)
            inside = b.icmp_unsigned("<=", b.sub(digit, low), b.sub(high, low))
            return [b.add(held[0], b.zext(inside, I64))]

        counted(b, constant(0), words[COUNT], 1, keep, [constant(0)])
        store(b, b.sub(above, below), context, COUNT)
        exchange(b, context)
        return b.sub(start, below), b.icmp_signed("==", low, high)


def chunked(b: ir.IRBuilder, context: ir.Value) -> ir.Value:
    """The number of chunks of the pairs of a context, which notes how many each has."""
    count = load(b, context, COUNT)
    chunks = b.select(is_long(b, count), constant(CHUNKS), constant(1))
    store(b, up(b, count, chunks), context, PART)
    return chunks


def is_long(b: ir.IRBuilder, count: ir.Value) -> ir.Value:
    """Whether so many pairs are shared out, and have wide digits."""
    return b.icmp_signed(">=", count, constant(LONG))


def exchange(b: ir.IRBuilder, context: ir.Value) -> None:
    """Go on from where the pairs have gone."""
    source, target = load(b, context, SOURCE), load(b, context, TARGET)
    store(b, target, context, SOURCE)
    store(b, source, context, TARGET)


def bits_of(b: ir.IRBuilder, differs: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The first bit that is set in a word, and the one behind the last; 0 and 0 if there is none."""
    zero = b.icmp_signed("==", differs, constant(0))
    counts = []
    for name in ("cttz", "ctlz"):
        name = f"llvm.{name}.i64"
        function = b.module.globals.get(name) or ir.Function(b.module, ir.FunctionType(I64, [I64, BIT]), name)
        counts.append(b.call(function, [differs, BIT(0)]))
    return b.select(zero, constant(0), counts[0]), b.sub(constant(64), counts[1])


def up(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """x / y, rounded up."""
    return b.udiv(b.add(x, b.sub(y, constant(1))), y)

