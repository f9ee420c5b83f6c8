"""Progress of a pass of a loader, and its state: what is saved of it, and of a data set that has a state of its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tenure.errors import StateDictError, shown


@dataclass
class Turns:
    """Turns of workers: the number of the next task, who has no more samples, and the states of their data sets."""

    next: int = 0
    ended: set[int] = field(default_factory=set)
    states: list[Any] = field(default_factory=list)


@dataclass
class Progress:
    """Progress of a pass: states of the generators at its begin, batches handed out, and whether it is over.

    ``restored`` says that the data set has its own position, so that nothing has to be passed over.
    """

    begun: list[Any]
    position: int
    turns: Turns
    restored: bool = False
    done: bool = False


def stateful(dataset: Any) -> bool:
    """Whether a data set has a state of its own: a ``state_dict`` and a ``load_state_dict``."""
    return callable(getattr(dataset, "state_dict", None)) and callable(getattr(dataset, "load_state_dict", None))


def state_of(dataset: Any) -> Any:
    """The state of a data set as of now, which nothing changes later; None if it has none."""
    return copy.deepcopy(dataset.state_dict()) if stateful(dataset) else None


def saved(turns: Turns) -> dict[str, Any]:
    """The state of the turns, as plain data."""
    return {"next": turns.next, "ended": sorted(turns.ended), "states": list(turns.states)}


def loaded(state: Mapping[str, Any], workers: int) -> Turns:
    """The turns of a state. StateDictError for another number of workers."""
    found = state.get("workers")
    if found is None:
        return Turns(next=int(state["position"]))
    if not isinstance(found, Mapping) or any(key not in found for key in ("next", "ended", "states")):
        raise StateDictError(f"the state of a DataLoader's workers has next, ended and states, not {shown(found)}")
    if len(found["states"]) != workers:
        raise StateDictError(f"the state is of {len(found['states'])} workers, and this DataLoader has {workers}")
    return Turns(int(found["next"]), set(found["ended"]), list(found["states"]))


def load_dataset(dataset: Any, state: Mapping[str, Any]) -> bool:
    """Load the state of a data set, if there is one. StateDictError if it takes none."""
    if "dataset" not in state:
        return False
    if not stateful(dataset):
        raise StateDictError(f"the state has one of the data set, which {shown(dataset)} does not load")
    dataset.load_state_dict(state["dataset"])
    return True
