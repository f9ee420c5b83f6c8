"""Runs a traced program and says which reads saw a write through another name, and which loops a change of what
they go over."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from checking.programs import Program

__all__ = ["Event", "Run", "Useless", "events", "run", "runs"]


LIMIT = 300
"""How many events a program has before it is stopped: some loops feed themselves."""


class _TooLong(Exception):
    pass


@dataclass(frozen=True, order=True)
class Event:
    """Something seen: the line (or lines, through a call) of the write, that of the read, and what kind it is of.

    `cause` reads as: what is written, how the two names are related, which of them is read, through a call or not.
    """

    cause: str
    writes: tuple[int, ...]
    read: int


class Useless(Exception):
    """A program that does not run."""


@dataclass
class _Binding:
    """When a name was bound, and when the oldest of the names was that its value was taken from, one by one."""

    time: int
    since: int
    relation: str


@dataclass
class _Write:
    time: int
    name: str
    binding: _Binding
    part: Any
    lines: tuple[int, ...]
    kind: str


@dataclass(eq=False)
class _Loop:
    value: Any
    name: str
    line: int
    changed: _Write | None = None


class _Tracer:
    def __init__(self) -> None:
        self.clock = itertools.chain(range(1, LIMIT), _stop())
        self.bindings: dict[str, _Binding] = {}
        self.writes: list[_Write] = []
        self.loops: list[_Loop] = []
        self.calls: list[tuple[str, int]] = []
        self.found: set[Event] = set()
        self.carried: set[Event] = set()
        self.reached: set[int] = set()

    def bind(self, name: str, value: Any, line: int, relation: str, of: str) -> None:
        if relation == "argument":
            return
        time = since = next(self.clock)
        if relation in ("alias", "view") and of in self.bindings:
            since = self.bindings[of].since
        self.bindings[name] = _Binding(time, since, relation)

    def call(self, name: str, line: int) -> None:
        self.calls.append((name, line))

    def returned(self) -> None:
        self.calls.pop()

    def write(self, name: str, part: Any, line: int, resizes: bool) -> None:
        lines: tuple[int, ...] = (line,)
        if self.calls:
            name, outer = self.calls[-1]
            lines = line, outer
        self.reached.update(lines)
        kind = "array" if isinstance(part, np.ndarray) else type(part).__name__
        write = _Write(next(self.clock), name, self.bindings[name], part, lines, kind)
        self.writes.append(write)
        for loop in self.loops:
            if resizes and loop.value is part:
                loop.changed = write

    def read(self, name: str, value: Any, line: int) -> None:
        if self.calls:
            return
        binding = self.bindings[name]
        for write in self.writes:
            if write.time < binding.since or write.name == name or not _overlap(write.part, value):
                continue
            older = binding.time < write.binding.time
            relation = write.binding.relation if older else binding.relation
            which = "the first name read" if older else "the second name read"
            through = ", through a call" if len(write.lines) > 1 else ""
            seen = self.found if write.time > binding.time else self.carried
            seen.add(Event(f"{write.kind}, {relation}, {which}{through}", write.lines, line))

    def iterate(self, name: str, value: Any, items: Iterator[Any], line: int) -> Iterator[Any]:
        loop = _Loop(value, name, line)
        self.loops.append(loop)
        try:
            while True:
                if loop.changed is not None:
                    self.saw(loop)
                try:
                    item = next(items)
                except StopIteration:
                    return
                yield item
        finally:
            self.loops.remove(loop)

    def saw(self, loop: _Loop) -> None:
        write = loop.changed
        assert write is not None
        through = ", through a call" if len(write.lines) > 1 else ""
        other = "" if write.name == loop.name else ", by another name"
        self.found.add(Event(f"{write.kind}, resized while iterated{other}{through}", write.lines, loop.line))


def _overlap(part: Any, value: Any) -> bool:
    if isinstance(part, np.ndarray):
        return isinstance(value, np.ndarray) and np.shares_memory(part, value)
    return part is value


@dataclass(frozen=True)
class Run:
    """One run: what happened, the lines of writes that it came to, what it printed, whether it came to its end.

    `carried` are reads through a name that was bound after the write, to what an older name refers to.
    """

    events: set[Event]
    carried: set[Event]
    reached: set[int]
    printed: str
    ended: bool


def events(program: Program) -> set[Event]:
    """What happens in a program, whichever way its conditions turn out."""
    return {event for one in runs(program) for event in one.events}


def runs(program: Program) -> list[Run]:
    """A run for each way in which the conditions may turn out."""
    return [run(program, flags) for flags in itertools.product((True, False), repeat=program.flags)]


def run(program: Program, flags: Sequence[bool]) -> Run:
    """The program, run with these conditions."""
    tracer = _Tracer()
    code = compile("\n".join(program.traced), "<program>", "exec")
    ended, out = False, io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(code, {"np": np, "_t": tracer, "flags": flags})
        ended = True
    except _TooLong:
        pass
    except RuntimeError as error:
        if "during iteration" not in str(error):
            raise Useless(str(error)) from error
    except Exception as error:
        raise Useless(str(error)) from error
    return Run(tracer.found, tracer.carried, tracer.reached, out.getvalue(), ended)


def _stop() -> Iterator[int]:
    raise _TooLong
    yield 0
