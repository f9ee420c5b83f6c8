"""Where ways meet: what one of them has made in this round of a loop, the others hold of an earlier round."""

from collections.abc import Collection

from tenure.check.analysis.gradients import Gradients
from tenure.check.state import State

__all__ = ["Rounds"]


class Rounds(Gradients):
    """Joining states."""

    def next_round(self, blocks: Collection[int]) -> State:
        """The present state as a loop of these blocks starts on another round: nothing is made in it yet."""
        state = self.state
        if any(block in blocks for block in state.fresh.values()):
            state = state.copy()
            state.fresh = {obj: block for obj, block in state.fresh.items() if block not in blocks}
        return state

    def meet(self, state: State, other: State) -> bool:
        """Join what `other` holds to `state`; whether that was anything new."""
        if state.fresh.keys() != other.fresh.keys():
            if made := (other.fresh.keys() - state.fresh.keys()) & (state.referred() | state.gone.keys()):
                self.outdate(state, made)
            if made := (state.fresh.keys() - other.fresh.keys()) & (other.referred() | other.gone.keys()):
                other = other.copy()
                self.outdate(other, made)
        return state.join(other)
