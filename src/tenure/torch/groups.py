"""Groups of ranks in ``torch.distributed``: who takes part in a collective, and the numbers of ranks in a group."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from tenure import distributed as home
from tenure.distributed.world import RankGroup
from tenure.torch.errors import TorchValueError, refuse

__all__ = ["inside", "members_only"]


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
