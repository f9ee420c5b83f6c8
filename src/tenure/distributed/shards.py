"""Batches as a fixed number of shards, of which each rank has neighbouring ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tenure.distributed.tree import share
from tenure.distributed.world import RankGroup, chosen
from tenure.errors import ShapeError, shown
from tenure.func import tree
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import int_of

MOST = 1 << 16
"""Shards of a batch: their tree is made node by node."""


class Shards:
    """The shards of one batch that this rank has: pairs of a number and its data.

    ``count`` is the number of all shards, ``sizes`` their numbers of samples.
    """

    def __init__(self, mine: Sequence[tuple[int, Any]], sizes: Sequence[int]) -> None:
        self.mine, self.sizes = list(mine), list(sizes)

    @property
    def count(self) -> int:
        """The number of all shards, whoever has them."""
        return len(self.sizes)

    def weight(self, number: int) -> float | None:
        """Factor that makes the mean of a shard its part of the mean of the batch; None where all are equally large."""
        if len(set(self.sizes)) == 1:
            return None
        return self.sizes[number] * self.count / sum(self.sizes)

    def __len__(self) -> int:
        return len(self.mine)

    def __iter__(self) -> Iterator[Any]:
        return (data for _, data in self.mine)


def count_of(shards: Any, name: str) -> int:
    """A number of shards that was given."""
    found = int_of(shards, f"{name}: shards")
    if not 1 <= found <= MOST:
        raise ValueError(f"{name}: shards lie in [1, {MOST}], and {found} does not")
    return found


def shard(batch: Any, shards: int, *, group: RankGroup | None = None) -> Shards:
    """Shards of this rank, of a batch that every rank has as a whole.

    ``batch`` is a tensor, or a tuple, list or dict of tensors; their first axes are cut into ``shards`` parts, as equal
    as can be. ShapeError (TN802) for first axes that differ.

    >>> [part.tolist() for part in tn.distributed.shard(tn.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    into, count = chosen(group), count_of(shards, "shard")
    leaves = tree.leaves(batch)
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    lengths = {x.shape[0] if x.shape else -1 for x in tensors}
    if len(lengths) != 1 or -1 in lengths:
        raise ShapeError(
            "shard: a batch is made of tensors whose first axis is that of the samples, not"
            f" {', '.join(map(shown, tensors[:3])) or 'no tensor'}",
            at=site(here()),
        )
    parts = [share(lengths.copy().pop(), count, k) for k in range(count)]

    def cut(part: range) -> Any:
        return tree.rebuild(batch, iter([x[part.start : part.stop] if isinstance(x, Tensor) else x for x in leaves]))

    mine = [(k, cut(parts[k])) for k in share(count, into.size, into.rank) if len(parts[k])]
    return Shards(mine, [len(part) for part in parts])
