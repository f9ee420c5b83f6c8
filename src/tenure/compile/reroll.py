"""Equal repetitions of a program run as one native loop: what a Python loop recorded turn by turn.

    f a b; g b c; f c d; g d e; f e h; g h i      becomes      for each turn k of 3: f on T[k][0:2]; g on T[k][2:4]

T is a constant that says which entries of the table each turn is about. So the code of a program is as long as the
turn of its loop, not as the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from llvmlite import ir

from tenure.compile.nests import constant, counted

POINTER, I32, I64 = ir.PointerType(), ir.IntType(32), ir.IntType(64)
FEWEST = 3
"""Turns that are worth a loop."""
LONGEST = 128
"""Kernels of a turn, at most."""


class Repetition(NamedTuple):
    """``turns`` times the kernels from ``start`` on, ``period`` in each turn."""

    start: int
    period: int
    turns: int


def repetitions(codes: Sequence[object]) -> Iterator[Repetition]:
    """Parts of a sequence, in order, that repeat themselves, and what lies between them as turns of one."""
    start = at = 0
    while at < len(codes):
        found = longest(codes, at)
        if found.turns < FEWEST:
            at += 1
            continue
        if start < at:
            yield Repetition(start, at - start, 1)
        yield found
        start = at = at + found.period * found.turns
    if start < at:
        yield Repetition(start, at - start, 1)


def longest(codes: Sequence[object], at: int) -> Repetition:
    """The repetition that covers most from a place on; of those that cover the same, that of the shortest turn."""
    best = Repetition(at, 1, 1)
    for period in range(1, min(LONGEST, (len(codes) - at) // FEWEST) + 1):
        if codes[at] == codes[at + period]:
            end = at + period
            while end < len(codes) and codes[end] == codes[end - period]:
                end += 1
            found = Repetition(at, period, (end - at) // period)
            if found.turns >= FEWEST and found.period * found.turns > best.period * best.turns:
                best = found
    return best


def looped(
    b: ir.IRBuilder,
    table: ir.Value,
    room: ir.Value,
    turns: Sequence[Sequence[Sequence[int]]],
    run: Sequence[Callable[[], None]],
    first: ir.Value,
    around: Callable[[int, ir.Value], AbstractContextManager[None]],
) -> None:
    """Run kernel after kernel, turn after turn from ``first`` on; each finds in ``room`` the addresses at its entries
    of the table. ``around(place, turn)`` is entered around the code of the kernel at a place of the turn."""
    flat = [[slot for entries in turn for slot in entries] for turn in turns]
    content = ir.ArrayType(I32, len(flat) * len(flat[0]))
    known = ir.GlobalVariable(b.module, content, b.module.get_unique_name("turns"))
    known.initializer = ir.Constant(content, [slot for turn in flat for slot in turn])
    known.global_constant, known.linkage = True, "internal"

    def turn(k: ir.Value, _: list[ir.Value]) -> list[ir.Value]:
        here = b.gep(known, [b.mul(k, constant(len(flat[0])))], source_etype=I32)
        before = 0
        for place, (kernel, entries) in enumerate(zip(run, turns[0], strict=True)):
            with around(place, k):
                for argument in range(len(entries)):
                    slot = b.load(b.gep(here, [constant(before + argument)], source_etype=I32), typ=I32)
                    address = b.load(b.gep(table, [b.zext(slot, I64)], source_etype=POINTER), typ=POINTER)
                    b.store(address, b.gep(room, [constant(argument)], source_etype=POINTER))
                kernel()
            before += len(entries)
        return []

    counted(b, first, constant(len(flat)), 1, turn)
