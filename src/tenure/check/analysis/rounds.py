"""Where ways meet: what one of them has made in this round of a loop, the others hold of an earlier round."""

from collections.abc import Collection

from tenure.check.analysis.gradients import Gradients
from tenure.check.state import State
from tenure.check.values import Obj

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
            self._outdate(state, other.fresh.keys() - state.fresh.keys())
            if missing := (state.fresh.keys() - other.fresh.keys()) & (other.referred() | other.gone.keys()):
                other = other.copy()
                self._outdate(other, missing)
        return state.join(other)

    def _outdate(self, state: State, made: Collection[Obj]) -> None:
        """What is held of these objects is of an earlier round."""
        present, self.state = self.state, state
        referred = state.referred() if made else set()
        for obj in made:
            if obj in referred:
                self.age(obj)
            else:
                state.gone.pop(obj, None)
        self.state = present
