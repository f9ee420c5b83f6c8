"""Completion of leaves: the moment of a backward from which nothing more comes to a leaf.

    a = w * v; b = a * v; b.backward()        v is complete behind the gradient of a, as w is

Nodes act from young to old, so a leaf is complete behind the oldest operation that reads it. Its hooks run there, and
its gradient is in ``.grad`` when a hook of an older result looks.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from operator import itemgetter
from typing import Any

from tenure.values.grad.gradients import add, by_leaf
from tenure.values.grad.handlers import accumulated, run_hooks
from tenure.values.grad.units import TraceUnit, path_of
from tenure.values.rules import paths
from tenure.values.rules.graph import Leaf, Out, RowLeaf, Source

Rank = tuple[float, float]
"""Number of a unit and a slot in it, as of handlers."""
LATE: Rank = (-1.0, -1.0)
"""Rank of a leaf that is read where ranks are not those of the program: by doubles, or by what threads share."""


class Completion:
    """The leaves that a walk reaches, the next to be complete last. The walk holds it, so it does not hold the walk."""

    def __init__(self, walk: Any) -> None:
        self.sources: dict[Leaf, dict[Leaf, None]] = {}
        self.ranks: dict[Leaf, Rank] = {}
        for source in walk.leaves:
            self.reads(walk, source, (inf, inf))
        self.look(walk)
        self.left = sorted(self.ranks.items(), key=itemgetter(1), reverse=True)[::-1]  # equal ones as they are read

    def reads(self, walk: Any, source: Source, rank: Rank) -> None:
        """Note that an operation of a rank reads a leaf."""
        if not isinstance(source, Leaf) or not (walk.accumulate or walk.is_wanted(source)):
            return
        leaf = source.of if isinstance(source, RowLeaf) else source
        self.sources.setdefault(leaf, {})[source] = None
        if leaf not in self.ranks or rank < self.ranks[leaf]:
            self.ranks.pop(leaf, None)
            self.ranks[leaf] = rank

    def look(self, walk: Any) -> None:
        """Look at all units that the walk comes to, from young to old."""
        slots: dict[Any, set[int]] = {}
        heap: list[tuple[float, int, Any]] = []

        def come(of: Any, slot: int) -> None:
            if of not in slots:
                slots[of] = set()
                heappush(heap, (-walk.unit(of).number, len(slots), of))
            slots[of].add(slot)

        for of, (_, cts) in list(walk.units.items()):
            for slot in cts:
                come(of, slot)
        while heap:
            of = heappop(heap)[2]
            unit = walk.unit(of)
            late = of.twins or (of.segments if isinstance(unit, TraceUnit) else of.trace)
            for slot, at in last_reads(unit, of, slots[of]):
                source = walk.source(unit, slot)
                if isinstance(source, Out):
                    if source.segment is not None:
                        come(source.segment, source.slot)
                else:
                    self.reads(walk, source, LATE if late else (unit.number, at))

    def before(self, walk: Any, rank: Rank) -> None:
        """Finish the leaves that are complete before a handler of that rank acts: not what younger units read that
        wait still, as a double acts with the rank of its result in the unit where it stands."""
        if walk.waiting:
            rank = max(rank, (-walk.waiting[0][0], inf))
        while self.left and self.left[-1][1] > rank:
            self.finish(walk, self.left.pop()[0])

    def finish(self, walk: Any, leaf: Leaf) -> None:
        """Run the hooks of a complete leaf around the sum of its gradient."""
        if leaf in walk.before:
            walk.settle(leaf)
        mine = {s: walk.leaves.pop(s) for s in self.sources[leaf] if s in walk.leaves}
        for at, g in by_leaf(mine, run_hooks).items():
            g = run_hooks(at.hooks, g)
            if not walk.accumulate:
                walk.ended[at] = g
                continue
            add(at, g)
            walk.hooked[at] = None
            accumulated(at)

    def rest(self, walk: Any) -> None:
        """Finish what is left, at the end of the walk."""
        self.before(walk, (LATE[0] - 1, 0.0))


def last_reads(unit: Any, of: Any, roots: set[int]) -> list[tuple[int, float]]:
    """Sources behind some results of a unit, each with the oldest result between that reads it; the youngest of these
    first, and in the order of operands."""
    left = {d for r in roots for d in unit.deps(r)}
    path = path_of(of)
    made, oldest = paths.steps(path), dict.fromkeys([d for d in left if d in roots], 0)
    for slot in sorted(paths.ancestors(path, roots), reverse=True):
        step = made[slot][0]
        for a in step.args:
            if a in left and a != slot:
                oldest.pop(a, None)
                oldest[a] = slot
    return [*oldest.items(), *[(d, -1.0) for d in left if d not in oldest]]
