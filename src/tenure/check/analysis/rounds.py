"""Joins of paths: objects that only one path made in this round of a loop belong to an earlier round on the others."""

from collections.abc import Collection

from tenure.check.analysis.gradients import Gradients
from tenure.check.state import State

__all__ = ["Rounds"]


class Rounds(Gradients):
    """Joins of states."""

    def next_round(self, blocks: Collection[int]) -> State:
        """The present state at the next round of a loop of these blocks, in which nothing is made yet."""
        state = self.state
        if any(block in blocks for block in state.fresh.values()):
            state = state.copy()
            state.fresh = {obj: block for obj, block in state.fresh.items() if block not in blocks}
        return state

    def meet(self, state: State, other: State) -> bool:
        """Join `other` to `state`, and return whether that changed anything."""
        if state.fresh.keys() != other.fresh.keys():
            if made := (other.fresh.keys() - state.fresh.keys()) & (state.referred() | state.gone.keys()):
                self.move_to_twins(state, made)
            if made := (state.fresh.keys() - other.fresh.keys()) & (other.referred() | other.gone.keys()):
                other = other.copy()
                self.move_to_twins(other, made)
        return state.join(other)
