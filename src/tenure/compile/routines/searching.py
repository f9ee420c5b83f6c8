"""Binary search: where keys would go among sorted ones.

    buffers  sorted keys, keys, result (int64)
    numbers  sorted rows (1, or one for each row of keys), their length, rows of keys, their length, 1 for behind equals

Eight searches go at a time, without branches, so that they wait for memory together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I64, POINTER, TASK, at, least, load, repeat, share, started, store

LANES, BLOCK = 8, 1 << 12


FLOATS: dict[Any, tuple[ir.Type, ir.Type, int]] = {
    "f32": (ir.FloatType(), ir.IntType(32), 0x7FC00000),
    "f64": (ir.DoubleType(), I64, 0x7FF8 << 48),
}
"""Floats, their bits, and the bits of NaN."""


def emit(module: ir.Module, name: str, which: int | str) -> None:
    """Add the search among signed keys of so many bits, or among floats."""
    t = FLOATS[which][0] if which in FLOATS else ir.IntType(which)
    task = emit_blocks(module, f"{name}.blocks", t)
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    buffers, numbers = function.args
    context = stack(b, ir.ArrayType(POINTER, 2))
    store(b, buffers, context, 0)
    store(b, numbers, context, 1)
    total = b.mul(load(b, numbers, 2), load(b, numbers, 3))
    share(b, task, context, b.udiv(b.add(total, constant(BLOCK - 1)), constant(BLOCK)))
    b.ret(constant(0))


def emit_blocks(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """The task that searches for blocks of all keys."""
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    known, keys, out = (load(b, buffers, k, POINTER) for k in range(3))
    lists, n, rows, m, behind = (load(b, numbers, k) for k in range(5))
    stop = least(b, b.mul(last, constant(BLOCK)), b.mul(rows, m))
    start = b.mul(first, constant(BLOCK))
    lists = b.select(b.icmp_signed(">", lists, constant(1)), n, constant(0))
    whole = b.add(start, b.and_(b.sub(stop, start), constant(-LANES)))
    with b.if_else(b.icmp_signed("!=", behind, constant(0))) as (after, before):
        for side, sign in ((after, "<="), (before, "<")):
            with side:
                for first, last, width in ((start, whole, LANES), (whole, stop, 1)):
                    search = Search(b, t, known, keys, out, n, m, lists, sign, width)
                    counted(b, first, last, width, search)
    b.ret_void()
    return function


def key_of(b: ir.IRBuilder, start: ir.Value, i: ir.Value, t: ir.Type) -> ir.Value:
    """The signed key of an element: of a float, its bits so that NaN is the largest and both zeros are equal."""
    x = load(b, start, i, t)
    for kind, bits, nan in FLOATS.values():
        if kind == t:
            whole = b.bitcast(b.fadd(x, ir.Constant(t, 0.0)), bits)
            whole = b.select(b.fcmp_unordered("uno", x, x), ir.Constant(bits, nan), whole)
            sign = b.ashr(whole, ir.Constant(bits, bits.width - 1))
            return b.xor(whole, b.lshr(sign, ir.Constant(bits, 1)))
    return x


@dataclass(frozen=True)
class Search:
    """A search for several keys at once, those at an index and behind it. The sorted keys of a row begin ``step`` after
    those of the row before; a key's place is behind those that are ``sign`` it."""

    b: ir.IRBuilder
    key: ir.Type
    known: ir.Value
    keys: ir.Value
    out: ir.Value
    n: ir.Value
    m: ir.Value
    step: ir.Value
    sign: str
    width: int

    def __call__(self, i: ir.Value, _: list[Any]) -> list[Any]:
        b, key, n = self.b, self.key, self.n
        places = [b.add(i, constant(k)) for k in range(self.width)]
        wanted = [key_of(b, self.keys, place, key) for place in places]
        lists = [at(b, self.known, b.mul(b.udiv(place, self.m), self.step), key) for place in places]

        def before(k: int, position: ir.Value) -> ir.Value:
            return b.icmp_signed(self.sign, key_of(b, lists[k], position, key), wanted[k])

        def halve(held: list[Any]) -> list[Any]:
            """A half of the length is left, from the base or from its middle on: a sum, as LLVM makes a branch of a
            choice."""
            length, *bases = held
            half = b.lshr(length, constant(1))
            last = b.sub(half, constant(1))
            found = [b.sext(before(k, b.add(base, last)), I64) for k, base in enumerate(bases)]
            moved = [b.add(base, b.and_(half, x)) for base, x in zip(bases, found, strict=True)]
            return [b.sub(length, half), *moved]

        def more(held: list[Any]) -> ir.Value:
            return b.icmp_signed(">", held[0], constant(1))

        _, *bases = repeat(b, more, halve, [n, *[constant(0)] * self.width])
        with b.if_else(b.icmp_signed(">", n, constant(0))) as (some, none):
            with some:
                for k, base in enumerate(bases):
                    store(b, b.add(base, b.zext(before(k, base), I64)), self.out, places[k])
            with none:
                for place in places:
                    store(b, constant(0), self.out, place)
        return []
