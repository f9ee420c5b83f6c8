"""Groups of ranks in ``torch.distributed``: who takes part in a collective, and the numbers of ranks in a group."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from tenure import distributed as home
from tenure.distributed.algorithms import exchange, meet, objects
from tenure.distributed.collectives import flat, shaped
from tenure.distributed.world import RankGroup
from tenure.runtime.buffers import empty
from tenure.torch.errors import TorchValueError, refuse

__all__ = ["exchanged", "inside", "members_only"]


def members_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """A collective in which a rank outside of its group takes no part: it warns, as PyTorch's does, and gives None."""
    place = list(inspect.signature(function).parameters).index("group")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        group = args[place] if len(args) > place else kwargs.get("group")
        if isinstance(group, RankGroup) and group.rank < 0:
            said = f"Running {function.__name__} on global rank {home.rank()} which does not belong to the given group."
            warnings.warn(said, stacklevel=2)
            return None
        return function(*args, **kwargs)

    return call


def inside(group: RankGroup, rank: Any, name: str) -> int:
    """The number in a group of a rank given by its number among all."""
    every = home.world().ranks
    if not isinstance(rank, int) or not 0 <= rank < len(every) or every[rank] not in group.ranks:
        raise refuse(f"{name}: {rank} is no rank of the group", TorchValueError)
    return group.ranks.index(every[rank])


def exchanged(group: RankGroup, given: list[Any], room: list[Any]) -> list[Any]:
    """Part ``rank`` of those that each rank gives, of any shapes: those of ``room``."""
    if not len(given) == len(room) == group.size:
        raise refuse(f"all_to_all: a part for each of {group.size} ranks", TorchValueError)
    wait = meet(group, f"all_to_all({given[0].dtype.name}, …)")
    if group.size == 1:
        return given
    sent = [flat(x) for x in given]
    sizes = objects(group, [array.size for array, _ in sent], wait)
    out = [flat(x)[1] for x in room]
    if any(theirs[group.rank] != aval.size for theirs, aval in zip(sizes, out, strict=True)):
        coming = [theirs[group.rank] for theirs in sizes]
        raise refuse(f"all_to_all: {coming} elements come, to parts of {[a.size for a in out]}", TorchValueError)
    arrays = [sent[k][0] if k == group.rank else empty(a.size, a.dtype.numpy) for k, a in enumerate(out)]
    others = [k for k in range(group.size) if k != group.rank]
    exchange(group, [(k, sent[k][0]) for k in others], [(k, arrays[k]) for k in others], wait)
    return [given[k] if k == group.rank else shaped(arrays[k], a) for k, a in enumerate(out)]
