"""A program run in pieces, each handing over the results that it has, while the next one runs.

    a = f(x); b = g(a)        becomes, for whoever waits for a,        a = f(x) ┊ b = g(a)

Values that a later piece reads are stored between them; those that only move elements are made once more. The bits are
those of the whole. Whoever waits is told in the thread that runs, and takes the arrays: it records nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tenure.compile.ahead import made_ready
from tenure.compile.tiers import Tiered
from tenure.interp.interp import Arrays, Poison
from tenure.ir.kind import Cost
from tenure.ir.program import Instruction, Program

Groups = tuple[tuple[int, ...], ...]
"""Result slots, or numbers of outputs, in groups that are wanted one after the other."""


class Asked(threading.local):
    """The trace, in this thread, whose run is asked to hand over groups of slots early, and who is told."""

    trace: Any = None
    groups: Groups = ()
    told: Callable[[int, list[Any]], None] | None = None


ASKED = Asked()


class Piece:
    """Part of a program: what it reads of the values so far, the numbers among these last, and what it gives."""

    __slots__ = ("drops", "executable", "gives", "numbers", "takes")

    def __init__(self, program: Program, body: list[int], gives: list[int], arrays: int) -> None:
        n, made = len(program.inputs), program.instructions
        inside = {n + k for k in body}
        reads = {v for k in body for v in made[k].operands} | set(gives)
        taken = sorted(reads - inside)
        self.takes = [v for v in taken if not arrays <= v < n]
        self.numbers = [v for v in taken if arrays <= v < n]
        order = [*self.takes, *self.numbers, *[n + k for k in body]]
        at = {v: k for k, v in enumerate(order)}
        rows = [made[k] for k in body]
        rows = [Instruction(r.application, tuple([at[v] for v in r.operands]), r.origin) for r in rows]
        self.gives = gives
        self.drops: list[int] = []
        """Values that nobody reads behind it: their buffers may be written."""
        inputs = tuple([program.aval(v) for v in order[: len(order) - len(body)]])
        self.executable = Tiered(made_ready(Program(inputs, rows, tuple([at[v] for v in gives]))))


class Pieces:
    """Executable of a program in pieces, by the groups of its outputs: all others are of the last piece."""

    __slots__ = ("arrays", "groups", "named", "pieces", "program")

    def __init__(self, program: Program, groups: Groups, numbers: int, named: Groups) -> None:
        self.program, self.groups, self.named = program, groups, named
        self.arrays = len(program.inputs) - numbers
        self.pieces = self._cut()

    def state(self) -> str:
        """The way in which it runs."""
        return f"in {len(self.pieces)} pieces"

    def _cut(self) -> list[Piece]:
        """The pieces."""
        n, rows, outputs = len(self.program.inputs), self.program.instructions, self.program.outputs
        bodies: list[list[int]] = []
        have: set[int] = set(range(n))
        early = [[outputs[k] for k in group] for group in self.groups]
        for wanted in (*early, list(outputs)):
            bodies.append(sorted(self._behind(wanted, have)))
            have |= {n + k for k in bodies[-1]}
        stored: list[list[int]] = [[] for _ in bodies]
        home = {n + k: i for i, body in enumerate(bodies) for k in body}
        given = set(outputs)
        for i, body in enumerate(bodies):
            again, todo = set(body), [v for k in body for v in rows[k].operands]
            while todo:
                v = todo.pop()
                if v < n or home[v] == i or v - n in again:
                    continue
                if v not in given and self._moves(v):
                    again.add(v - n)
                    todo += rows[v - n].operands
                else:
                    stored[home[v]].append(v)
            bodies[i] = sorted(again)
        for v in given:
            stored[home.get(v, len(bodies) - 1)].append(v)
        both = zip(bodies, stored, strict=True)
        found = [Piece(self.program, body, sorted(set(kept)), self.arrays) for body, kept in both]
        last = {v: piece for piece in found for v in piece.takes if v >= n and v not in given}
        for v, piece in last.items():
            piece.drops.append(v)
        return found

    def _behind(self, wanted: Iterable[int], have: set[int]) -> set[int]:
        """Instructions that some values need, besides those that there are."""
        n, rows, found, todo = len(self.program.inputs), self.program.instructions, set[int](), list(wanted)
        while todo:
            v = todo.pop()
            if v not in have and v - n not in found:
                found.add(v - n)
                todo += rows[v - n].operands
        return found

    def _moves(self, v: int) -> bool:
        """Whether a value only moves elements, or is made of nothing."""
        at = self.program.instructions[v - len(self.program.inputs)]
        return not at.operands or at.primitive.lower.cost is Cost.FREE

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        run = getattr(arrays, "code", None)
        if type(run) is not Going:
            run = Going(self, arrays, numbers)
            if type(arrays) is Arrays:
                arrays.code = run
        return run()


class Going:
    """A run of a program in pieces; called again after an interrupt it goes on."""

    def __init__(self, whole: Pieces, arrays: list[Any], numbers: Sequence[Any]) -> None:
        self.whole = whole
        self.values: dict[int, Any] = dict(enumerate([*arrays, *numbers]))
        self.piece = 0
        self.present: Arrays | None = None

    def __call__(self, arrays: Any = None, numbers: Any = ()) -> list[Any]:
        whole, values = self.whole, self.values
        while self.piece < len(whole.pieces):
            at = whole.pieces[self.piece]
            if self.present is None:
                self.present = Arrays([values[v] for v in at.takes])
                for v in at.drops:
                    del values[v]
            bad = next((x for x in self.present if type(x) is Poison), None)
            given = [bad] * len(at.gives) if bad is not None else None
            given = given or at.executable(self.present, [values[v] for v in at.numbers])
            values.update(zip(at.gives, given, strict=True))
            self.present, self.piece = None, self.piece + 1
            if self.piece <= len(whole.groups) and ASKED.told is not None:
                outputs = whole.program.outputs
                ASKED.told(self.piece - 1, [values[outputs[k]] for k in whole.groups[self.piece - 1]])
        return [values[v] for v in whole.program.outputs]


def in_pieces(plan: Any) -> None:
    """Let a plan run in the pieces that are asked for, if its program can be cut so."""
    groups, executable = ASKED.groups, plan.executable
    if type(executable) is Pieces and executable.named == groups:
        return
    at = {slot: k for k, slot in enumerate(plan.slots)}
    if type(executable) in (Tiered, Pieces) and all(s in at for group in groups for s in group):
        found = tuple([tuple([at[s] for s in group]) for group in groups])
        plan.executable = Pieces(executable.program, found, len(plan.numbers), groups)
