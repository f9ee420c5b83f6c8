"""Pauses of a long program: which kernels it pauses before, and the code with which it goes on there.

    main: k0; k1; k2        becomes        main: if at ≤ 1: k0, k1; if at ≤ 2: pause; k2

The kernels between two pauses are a part; parts are numbered from 1. ``word``, in the packed numbers, says where to go
on: part · 2³² + turn, and 0 in a program that has not begun. A program of few milliseconds has no pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from llvmlite import ir

from tenure.compile.nests import constant
from tenure.compile.reroll import Repetition
from tenure.runtime.pauses import PAUSED

I32, I64 = ir.IntType(32), ir.IntType(64)
LONG = 10e6
"""Nanoseconds of work, as ``parallelize`` estimates it, between two pauses."""


class Pauses:
    """``part`` gives each kernel its part; ``every`` the kernels that begin one, each in so many turns of its loop."""

    def __init__(self, times: Sequence[float], loops: Sequence[Repetition]) -> None:
        self.loops = loops
        self.part: list[int] = []
        self.every: dict[int, int] = {}
        since = 0.0
        for start, period, turns in loops:
            turn = sum(times[start : start + period])
            long = turns > 1 and since + turn * turns >= LONG
            for k in range(start, start + period):
                if since >= LONG or (long and k == start):
                    self.every[k] = max(1, int(LONG / turn)) if long and turn else 1
                    since = 0.0
                self.part.append(1 + len(self.every))
                since += times[k]
            self.part += self.part[-period:] * (turns - 1)
            since += 0.0 if long else turn * (turns - 1)

    @contextmanager
    def begin(self, b: ir.IRBuilder, word: ir.Value) -> Iterator[None]:
        """Read where to go on; around the code for the beginning alone."""
        self.b, self.word = b, word
        if not self.every:
            yield
            return
        self.at, self.turn = b.alloca(I64), b.alloca(I64)
        known = b.load(word, typ=I64)
        b.store(b.lshr(known, constant(32)), self.at)
        b.store(b.and_(known, constant(2**32 - 1)), self.turn)
        with b.if_then(b.icmp_unsigned("==", known, constant(0))):
            yield

    def around(self, loop: Repetition) -> tuple[ir.Value, Callable[[int, ir.Value], AbstractContextManager[None]]]:
        """The turn to begin a loop with, and what is around the code of its kernels, by their place in the turn."""
        return self._first_turn(loop), lambda place, turn: self.kernel(loop.start + place, turn)

    def _first_turn(self, loop: Repetition) -> ir.Value:
        """The turn of a loop to begin with: the last one is over if the program goes on behind the loop."""
        if not self.every:
            return constant(0)
        b, kernels = self.b, range(loop.start, loop.start + loop.period)
        at, turn = b.load(self.at, typ=I64), b.load(self.turn, typ=I64)
        inside = any(k in self.every for k in kernels)
        goes_on = constant(0)
        if inside:
            first = min(self.part[k] for k in kernels if k in self.every)
            goes_on = b.select(b.icmp_unsigned(">=", at, constant(first)), turn, constant(0))
        behind = b.icmp_unsigned(">", at, constant(max(self.part[k] for k in kernels)))
        return b.select(behind, constant(loop.turns), goes_on)

    @contextmanager
    def kernel(self, k: int, turn: ir.Value | None = None) -> Iterator[None]:
        """Around the code of a kernel, in a turn of its loop."""
        if not self.every:
            yield
            return
        b = self.b
        if k in self.every:
            self.pause(k, constant(0) if turn is None else turn)
        with b.if_then(b.icmp_unsigned("<=", b.load(self.at, typ=I64), constant(self.part[k]))):
            yield

    def pause(self, k: int, turn: ir.Value) -> None:
        """Pause before a kernel, unless the program goes on here or later."""
        b, here = self.b, constant(self.part[k])
        at = b.load(self.at, typ=I64)
        due = b.icmp_unsigned("==", at, constant(0))
        if self.every[k] > 1:
            due = b.and_(due, b.icmp_unsigned("==", b.urem(turn, constant(self.every[k])), constant(0)))
        with b.if_then(due, likely=False):
            b.store(b.or_(b.shl(here, constant(32)), turn), self.word)
            with b.if_then(b.icmp_unsigned("!=", b.call(interrupted(b.module), []), ir.Constant(I32, 0)), likely=False):
                b.ret(constant(PAUSED))
        with b.if_then(b.icmp_unsigned("==", at, here), likely=False):
            b.store(constant(0), self.at)


def interrupted(module: ir.Module) -> ir.Function:
    """The declaration of ``runtime.pauses.address``."""
    found = module.globals.get("interrupted")
    return found if found is not None else ir.Function(module, ir.FunctionType(I32, []), "interrupted")
