"""The ends of a loop's rounds: objects that no round leaves in a cell are not certain behind it."""

from collections.abc import Collection, Iterator, Set

from tenure.check.graph import Graph
from tenure.check.state import State
from tenure.check.values import Holder, Value

__all__ = ["Rounds"]

_Cells = dict[Holder, Value]


class Rounds:
    """The cells at the ends of the rounds of each loop of a body, by the block that a round starts at.

    `held`: the states behind loops that have not had a round yet, with the block that follows; `base`: the number that
    the body's blocks are counted from, `calling`: the block that calls it in a loop.
    """

    def __init__(self, graph: Graph, base: int, calling: int | None) -> None:
        self.graph, self.base, self.calling = graph, base, calling
        self.ends: dict[int, dict[int, _Cells]] = {}
        self.held: dict[int, tuple[int, State]] = {}

    def handed_on(self, at: int, state: State, pending: Set[int]) -> Iterator[tuple[int, State]]:
        """The states that a block hands to those that follow, and those behind loops with no round to wait for."""
        loops = self.graph.loops
        for following in self.graph.blocks[at].succs:
            given = state if at not in loops or following in loops[at] else self._behind(at, following, state)
            if given is not None:
                if following in loops:
                    if at in loops[following]:
                        self.ends.setdefault(following, {})[at] = dict(given.cells)
                    given = self._next_round(following, given)
                yield following, given
        for head in [head for head in self.held if pending.isdisjoint(loops[head])]:
            yield self.held.pop(head)

    def _next_round(self, head: int, state: State) -> State:
        """A state at the next round of a loop, in which nothing is made yet.

        What the last round made was made in this round of the loop around it.
        """
        blocks = {block + self.base for block in self.graph.loops[head]}
        if not any(block in blocks for block in state.fresh.values()):
            return state
        outer = self.graph.around.get(head)
        around = self.calling if outer is None else outer + self.base
        state = state.copy()
        made = {obj: around if block in blocks else block for obj, block in state.fresh.items()}
        state.fresh = {obj: block for obj, block in made.items() if block is not None}
        return state

    def _behind(self, head: int, following: int, state: State) -> State | None:
        """The state behind a loop, None before its first round: a reader takes it that there is one."""
        ends = self.ends.get(head)
        if ends is None:
            self.held[head] = following, state.copy()
            return None
        self.held.pop(head, None)
        first, *others = ends.values()
        doubted = {}
        for holder, value in state.cells.items():
            if first.get(holder) is not value and value:
                doubtful = _doubtful(value, [end.get(holder, ()) for end in (first, *others)])
                if doubtful is not value:
                    doubted[holder] = doubtful
        if doubted:
            state = state.copy()
            for holder, value in doubted.items():
                state.cells[holder] = value
        return state


def _doubtful(value: Value, ends: Collection[Value]) -> Value:
    """A value behind a loop: objects that no round leaves there are not certain."""
    if any(end is value or not end for end in ends):
        return value
    left = {ref.obj for end in ends for ref in end}
    if all(ref.obj in left for ref in value):
        return value
    return tuple(ref if ref.obj in left else ref._replace(must=False) for ref in value)
