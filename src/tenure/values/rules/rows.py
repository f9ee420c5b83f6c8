"""Rows: recorded steps as a table, in interned blocks.

    sin −1; sum 0; | backward 1                         is the path of two blocks,
    rules (input, sin, sum), slots (−1, 0)    and       rules (gradient,), slots (1,)

A row is a rule and the slots that it reads: slot k ≥ 0 is the k-th result of the trace, slot −1−k its k-th input. A
trace appends rows; where it must be known (a run, a backward), its rows become a block behind the path so far. Equal
blocks behind one path are one object, found by comparing them, so that a path stands for a program.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from tenure.ir import likes
from tenure.ir.aval import Aval
from tenure.values.rules.guard import guarded
from tenure.values.rules.rules import GENERAL, SAME, Key, Level, Rule, Slots

FIRST_LOOK = 256
"""Number of operations after which the period of a trace is looked for, and then after each doubling."""
LONGEST = 16384
"""Operations at which a trace is cut in any case: behind its next backward, if there have been some."""


def look_after(size: int) -> int:
    """The size of a trace at which its period, or the next backward, is looked for next."""
    if size >= LONGEST:
        return size + 1
    look = FIRST_LOOK
    while look <= size:
        look *= 2
    return look


COUNTS = {"programs": 0, "rows": 0, "rules": 0, "runs": 0}
"""Counts, for tests and benchmarks: programs built, rows of the paths that are kept, rules made, runs."""


def count(what: str) -> None:
    """Count an event."""
    COUNTS[what] += 1


class Step:
    """A row as an object: ``first`` is its first result slot, ``scalar`` the place of its first number, ``open`` the
    innermost vmapped call behind it."""

    __slots__ = ("args", "first", "open", "rule", "scalar")

    def __init__(self, rule: Rule, args: Slots, first: int, scalar: int, open: Level | None) -> None:
        self.rule = rule
        self.args = args
        self.first = first
        self.scalar = scalar
        self.open = open

    @property
    def expand(self) -> Callable[..., None]:
        """Function by which the step becomes primitives."""
        return self.rule.expand

    @property
    def params(self) -> Any:
        """Static parameters."""
        return self.rule.params

    @property
    def avals(self) -> list[Aval]:
        """Avals of its results."""
        return [kind.aval for kind in self.rule.kinds]

    @property
    def level(self) -> Level | None:
        """Vmapped call of whose example its results are."""
        return self.rule.level


class _Before:
    """Counts before the first block."""

    results = inputs = scalars = rows = size = 0
    open: Level | None = None
    tracked = False


_BEFORE: Any = _Before()


def counted(rules: tuple[Rule, ...]) -> tuple[int, int, int, bool, bool]:
    """Counts of the results, inputs and operations of some rows; whether a gradient flows to one of the results, and
    whether a vmapped call begins or ends."""
    return (
        sum([len(rule.kinds) for rule in rules]),
        sum([rule.inputs for rule in rules]),
        sum([rule.size for rule in rules]),
        any(rule.tracked for rule in rules),
        any(rule.open is not SAME for rule in rules),
    )


class Path:
    """Rows of a trace from its begin: those of the ``parent``, and a block of its own.

    ``results``, ``inputs``, ``scalars`` count those of all of it, ``rows`` and ``size`` its rows and operations;
    ``tracked`` says whether a gradient flows to any result.
    ``next`` has the blocks that came behind it, ``likely`` the last of them. ``own`` are rules that depend on it: of
    steps whose results depend on more than kinds. ``fixed`` are the numbers of its block: a value while it is
    specialized, else ``GENERAL``; ``special`` picks those values and has them, () as long as nobody has come again,
    None if there are none. ``plans`` are programs of traces that end here and what else is known of it, ``recent``
    the last that ran, behind whether it saves residuals, ``history``
    what is known of its results, and ``made`` are those of its block, as ``Results`` has them. A trace is ``cut`` so
    many rows behind it, where a ``period`` of so many results ends; behind so many rows as ``limit`` the recorder looks
    whether it is to be cut. ``code`` is the hash of its form, once asked for.
    """

    code: int | None
    cut: int | None
    history: History | None
    period: int | None
    save: bool | None
    __slots__ = (
        "baked", "code", "cut", "fixed", "history", "inputs", "likely", "limit", "made", "next", "open", "own",
        "parent", "period", "plans", "recent", "results", "rows", "rules", "save", "scalars", "size", "slots",
        "special", "stamp", "tracked",
    )  # fmt: skip

    def __init__(self, parent: Path | None, rules: tuple[Rule, ...], slots: Slots, numbers: Sequence[Any]) -> None:
        self.parent = parent
        self.rules = rules
        self.slots = slots
        self.next: dict[tuple[tuple[Rule, ...], Slots], Path] = {}
        self.likely: Path | None = None
        self.own: dict[Key, Rule] = {}
        self.plans: dict[Any, Any] = {}
        self.recent: tuple[Any, Any] | None = None
        self.baked: dict[Path, None] = {}
        self.cut, self.period = None, None
        if parent is not None and parent.cut:
            self.cut, self.period = max(0, parent.cut - len(rules)), parent.period
        self.save, self.history, self.stamp, self.code = None, None, 0, None
        self.made: list[tuple[Step, int]] | None = None
        self.fixed: list[Any] = list(numbers)
        if 0.0 in self.fixed or (total := sum(self.fixed)) != total:  # 0.0 equals −0.0, and NaN nothing
            self.fixed = [GENERAL if type(x) is float and (x == 0.0 or x != x) else x for x in numbers]
        likes.untracked(self.fixed, rules, slots)
        self.special: tuple[Any, ...] | None = ()
        before = parent or _BEFORE
        results, inputs, size, tracked, opens = counted(rules)
        self.scalars: int = before.scalars + len(self.fixed)
        self.rows: int = before.rows + len(rules)
        self.open: Level | None = before.open
        for rule in rules if opens else ():
            self.open = self.open if rule.open is SAME else rule.open
        self.tracked: bool = before.tracked or tracked
        self.results: int = before.results + results
        self.inputs: int = before.inputs + inputs
        self.size: int = before.size + size
        self.limit = look_after(self.size) - self.size if self.cut is None else self.cut

    def forget(self) -> None:
        """Forget the programs, and what else was kept of this path."""
        self.plans.clear()
        self.recent = None  # last, as another thread takes it from the plans

    @guarded
    def _specialize(self) -> None:
        at = [k for k, value in enumerate(self.fixed) if value is not GENERAL]
        pick = itemgetter(*at) if at else None
        self.special = None if pick is None else (pick, pick(self.fixed))

    def follow(self, rules: Sequence[Rule], slots: Sequence[int], numbers: Sequence[Any]) -> Path:
        """The path with a block of rows behind it, in which these numbers stand."""
        block, read = tuple(rules), tuple(slots)
        found = self.likely
        if found is None or found.rules != block or found.slots != read:
            key = block, read
            found = self.next.get(key)
            if found is None:
                new = Path(self, block, read, numbers)
                likes.untracked(key)
                found = self.next.setdefault(key, new)
                COUNTS["rows"] += len(block)
                if found is new:  # else another thread was first, and its numbers may be others
                    self.likely = found
                    return found
            self.likely = found
        found.admit(numbers)
        return found

    def admit(self, numbers: Sequence[Any]) -> None:
        """Note the numbers of this visit; a position that meets a second value becomes an input for good."""
        if self.special == ():  # the second visit
            self._specialize()
        special = self.special  # another thread may replace it meanwhile
        if special and special[0](numbers) != special[1]:
            met = zip(self.fixed, numbers, strict=True)
            self.generalize([k for k, (value, x) in enumerate(met) if value is not GENERAL and value != x])

    @guarded
    def generalize(self, places: Sequence[int]) -> None:
        """Turn scalar positions into inputs for good. The programs that took them for constants are dropped before
        another thread with another number may pass."""
        for k in places:
            self.fixed[k] = GENERAL
        for end in list(self.baked):
            end.forget()
        self.baked.clear()
        self._specialize()

    def goes_on_from(self, start: Path) -> bool:
        """Whether this is a path, or goes on from it."""
        at: Path | None = self
        while at is not None and at.rows > start.rows:
            at = at.parent
        return at is start

    def rows_of(self) -> Iterator[tuple[Rule, Slots]]:
        """Rows of its own block: each rule with the slots that it reads."""
        at = 0
        for rule in self.rules:
            yield rule, self.slots[at : at + rule.arity]
            at += rule.arity

    def blocks(self, start: Path | None = None) -> list[Path]:
        """Paths from the first one, or the one behind ``start``, to this one."""
        out: list[Path] = []
        path: Path | None = self
        while path is not None and path is not start:
            out.append(path)
            path = path.parent
        out.reverse()
        return out

    def steps(self, start: Path | None = None) -> list[Step]:
        """Steps from the first one, or the one behind ``start``, to its end."""
        return [step for path in self.blocks(start) for step in steps_of(path)]


def steps_of(path: Path) -> Iterator[Step]:
    """Steps of a path's own block."""
    before = path.parent or _BEFORE
    first, scalar, open = before.results, before.scalars, before.open
    at, slots = 0, path.slots
    for rule in path.rules:
        end = at + rule.arity
        open = open if rule.open is SAME else rule.open
        yield Step(rule, slots[at:end], first, scalar, open)
        at, first, scalar = end, first + len(rule.kinds), scalar + len(rule.numbers)


class Results(Sequence[tuple[Step, int]]):
    """The results of a path in their order: the step of each, with its place among the step's."""

    __slots__ = ("blocks", "ends", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blocks = path.blocks()
        self.ends = [block.results for block in self.blocks]

    def __len__(self) -> int:
        return self.path.results

    def __getitem__(self, slot: Any) -> Any:
        block = self.blocks[bisect_right(self.ends, slot)]
        return made_in(block)[slot - (block.parent or _BEFORE).results]

    def __iter__(self) -> Iterator[tuple[Step, int]]:
        return chain.from_iterable(map(made_in, self.blocks))


def made_in(block: Path) -> list[tuple[Step, int]]:
    """The results of a path's own block, as ``Results`` has them; kept once somebody has asked."""
    if block.made is None:
        block.made = [(step, k) for step in steps_of(block) for k in range(len(step.rule.kinds))]
    return block.made


class History:
    """Knowledge of a path, and of those that go on from it: the aval of each input and whether a gradient flows to it,
    the sources behind a result, and the results consumed with the first slot of the gradient that did it: by the first
    ``walked`` of the ``gradients``. It covers so many ``results``."""

    __slots__ = ("gradients", "inputs", "reach", "results", "spent", "walked")

    def __init__(self) -> None:
        self.inputs: list[tuple[Aval, bool]] = []
        self.gradients: list[Step] = []
        self.reach: dict[int, Slots] = {}
        self.results = 0
        self.spent: dict[int, int] = {}
        self.walked = 0
        likes.untracked(self.inputs, self.gradients, self)

    @guarded
    def extend(self, path: Path, after: Path) -> bool:
        """Go on with the steps behind a path, unless another one has gone on with others."""
        if self.results != after.results or len(self.inputs) != after.inputs:
            return False
        for block in path.blocks(after):
            if block.inputs != (block.parent or _BEFORE).inputs:
                self.inputs += [rule.params for rule in block.rules if rule.inputs]
            if any(map(_consumes, block.rules)):
                found = [step for step in steps_of(block) if step.rule.consumes]
                likes.untracked(*found)
                self.gradients += found
        self.results = path.results
        return True


_consumes = attrgetter("consumes")


def history_of(path: Path) -> History:
    """Knowledge of the results of a path; it may go beyond them."""
    at: Path | None = path
    while at is not None and at.history is None:
        at = at.parent
    found = at.history if at is not None else None
    if found is None or at is None or not (at is path or found.extend(path, at)):
        found = History()
        found.extend(path, ROOT)
    path.history = found
    return found


def below(path: Path) -> Iterator[Path]:
    """Paths behind this one, parents before children."""
    stack = list(path.next.values())
    while stack:
        at = stack.pop()
        yield at
        stack += at.next.values()


def prune(root: Path, most: int) -> int:
    """Keep the paths at whose ends traces ended last, as many as have this number of rows; returns how many rows
    remain."""
    order = list(below(root))
    alive, rows = {root}, 0
    for end in sorted(order, key=attrgetter("stamp"), reverse=True):
        blocks: list[Path] = []
        path: Path | None = end
        while path is not None and path not in alive:
            blocks.append(path)
            path = path.parent
        more = sum([len(path.rules) for path in blocks])
        if rows and rows + more > most:
            break
        alive.update(blocks)
        rows += more
    for path in [root, *order]:
        path.likely = None
        if path.next:
            path.next = {k: child for k, child in path.next.copy().items() if child in alive}
    return rows


ROOT = Path(None, (), (), ())
"""Begin of every path."""
