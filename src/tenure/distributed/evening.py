"""The begin of data-parallel training: all ranks have what the first one has."""

from __future__ import annotations

from typing import Any

from tenure.distributed.algorithms import meet
from tenure.distributed.collectives import broadcast, broadcast_object
from tenure.distributed.world import RankGroup
from tenure.nn.module import Module
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.generator import get_rng_state, set_rng_state
from tenure.values.operations.streams import restore, states


def even(group: RankGroup, module: Module, everywhere: bool) -> None:
    """Make parameters, buffers and the default generator those of the first rank; ``everywhere`` Python's and NumPy's
    generators, too. CollectiveError for modules of other parameters."""
    forms = [f"{name} {p._read()._aval}" for name, p in module.named_parameters()]
    meet(group, "parallel(module)", "; ".join(forms))
    if group.size == 1:
        return
    places: list[Any] = [*module.parameters(), *module.buffers()]
    for place in places:
        place.data.copy_(broadcast(detach(place._read()), group=group))
    if everywhere:
        restore(broadcast_object(states(), group=group))
    else:
        set_rng_state(broadcast(get_rng_state(), group=group))
