"""Batches of a data set for all ranks: which samples are in batch k, and in which shard, depends on k alone.

So does what is drawn for them: a shard of a batch has a seed of its own, for this process or a worker. No default
generator is advanced, whoever loads how many shards, and however often an iteration begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from tenure.data.collate import default_collate
from tenure.data.fetch import Fetcher
from tenure.data.loader import DataLoader
from tenure.data.samplers import Seeded, list_of, sized
from tenure.distributed.shards import Shards, count_of
from tenure.distributed.tree import share
from tenure.distributed.world import RankGroup, chosen
from tenure.errors import StateDictError, following, shown
from tenure.values.operations.generator import Generator, derive
from tenure.values.operations.streams import drawing_from
from tenure.values.tensor.random import randperm
from tenure.values.trace.given import flag, int_of

REFUSED: dict[str, Any] = {"generator": None, "in_order": True, "sampler": None, "batch_sampler": None}
"""Options of a DataLoader that would decide on batches, and what stands for none."""


def sizes(name: str, batch_size: Any, shards: Any) -> tuple[int, int]:
    """Samples of a batch and shards, as they were given to a class of this name. ValueError for what is none."""
    size = int_of(batch_size, f"{name}: batch_size")
    if size < 1:
        raise ValueError(f"{name}: batch_size: a batch has one sample or more, not {size}")
    return size, count_of(shards, name)


class ShardSampler:
    """Batch sampler that gives the indices of this rank's shards of an epoch, a list for each shard.

    For ``DataLoader(dataset, batch_sampler=…)``. ``epoch`` and ``first``, the batch to begin with, may be set. What is
    drawn for the samples of a shard follows from ``seed``, epoch, batch and shard.

    >>> [part for part in tn.distributed.ShardSampler(range(6), 4, 2)]
    [[0, 1], [2, 3], [4], [5]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        shards: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        group: RankGroup | None = None,
    ) -> None:
        self.dataset, self.group = sized("dataset", dataset), group
        self.batch_size, self.shards = sizes("ShardSampler", batch_size, shards)
        self.shuffle, self.seed = flag("shuffle", shuffle), int_of(seed, "seed")
        self.drop_last = flag("drop_last", drop_last)
        self.epoch, self.first = 0, 0
        self._order: Callable[[int], Any] = lru_cache(maxsize=2)(self._drawn)

    @property
    def batches(self) -> int:
        """The number of batches of an epoch."""
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def parts(self, epoch: int, number: int) -> list[Seeded]:
        """The indices in each shard of a batch, of all ranks."""
        order = self._order(epoch)[number * self.batch_size : (number + 1) * self.batch_size]
        seed = derive(self.epoch_seed(epoch), number)
        shares = [share(len(order), self.shards, s) for s in range(self.shards)]
        return [Seeded([order[k] for k in part], derive(seed, s)) for s, part in enumerate(shares)]

    def epoch_seed(self, epoch: int) -> int:
        """The seed of an epoch: of its order and, by batch and shard, of what is drawn for samples."""
        return derive(self.seed % 2**64, epoch)

    def mine(self) -> range:
        """The numbers of this rank's shards."""
        group = chosen(self.group)
        return share(self.shards, group.size, group.rank)

    def __iter__(self) -> Iterator[list[int]]:
        return self._from(self.epoch, self.first)

    def _from(self, epoch: int, first: int) -> Iterator[list[int]]:
        for number in range(first, self.batches):
            parts = self.parts(epoch, number)
            yield from [parts[s] for s in self.mine() if parts[s]]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _drawn(self, epoch: int) -> Any:
        n = len(self.dataset)
        if not self.shuffle:
            return range(n)
        return list_of(randperm(n, generator=Generator(self.epoch_seed(epoch))))


class Loader:
    """Loader whose batches are the same for any number of ranks: each is the ``Shards`` of this rank.

    ``loader[k]`` is batch k, counted over all epochs, so that a step that other ranks repeat finds its data; the order
    of an epoch follows from ``seed`` and its number, and what a data set draws from Tenure's, Python's or NumPy's
    default generator from ``seed``, batch and shard. Iteration goes over one epoch, the next one each time, or what is
    left of one, and takes the options of ``data.DataLoader``, as ``num_workers``. ``state_dict`` is the position, for
    any number of ranks. TypeError for an option that does not go together with shards.

    >>> loader = tn.distributed.Loader(tn.arange(6), batch_size=4, shards=2)
    >>> [part.tolist() for part in loader[0]], len(loader)
    ([[0, 1], [2, 3]], 2)
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        shards: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        group: RankGroup | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        **options: Any,
    ) -> None:
        sizes("Loader", batch_size, shards)
        self.sampler = ShardSampler(
            dataset, batch_size, shards, shuffle=shuffle, seed=seed, drop_last=drop_last, group=group
        )
        refused = [name for name in REFUSED if options.get(name, REFUSED[name]) is not REFUSED[name]]
        if refused:
            raise TypeError(f"Loader takes no {refused[0]}={shown(options[refused[0]])}: batches follow from its seed")
        if not self.sampler.batches:
            raise ValueError(f"Loader: batches of {batch_size} samples of a data set of {len(dataset)}")
        self.collate = collate_fn or default_collate
        self._generator = Generator(0)
        """Source of the seeds of workers, as one pass has no part in any other's numbers."""
        given = {name: x for name, x in options.items() if name not in REFUSED}
        self.loader: DataLoader[Any] = DataLoader(
            dataset, batch_sampler=self.sampler, collate_fn=self.collate, generator=self._generator, **given
        )
        self._epoch, self._next = 0, 0

    def __len__(self) -> int:
        return self.sampler.batches

    def __getitem__(self, k: int) -> Shards:
        k = int_of(k, "Loader[k]: k")
        if k < 0:
            raise IndexError(f"Loader[k]: batches are counted from 0, and {k} is below")
        parts = self.sampler.parts(*divmod(k, len(self)))
        fetcher, mine = Fetcher(self.sampler.dataset, self.collate, True, False), []
        for s in self.sampler.mine():
            if parts[s]:
                with drawing_from(parts[s].seed):
                    mine.append((s, fetcher.fetch(parts[s])))
        return Shards(mine, [len(part) for part in parts])

    def __iter__(self) -> Iterator[Shards]:
        sampler = self.sampler
        sampler.epoch, sampler.first = self._epoch, self._next
        self._generator.manual_seed(sampler.epoch_seed(self._epoch))
        loaded, mine, epoch = iter(self.loader), sampler.mine(), self._epoch
        for number in range(self._next, len(self)):
            parts = sampler.parts(epoch, number)
            batch = [(s, following(loaded)) for s in mine if parts[s]]
            self._epoch, self._next = divmod(epoch * len(self) + number + 1, len(self))
            yield Shards(batch, [len(part) for part in parts])

    def state_dict(self) -> dict[str, int]:
        """The position: epoch and batch to come.

        >>> tn.distributed.Loader(tn.arange(6), batch_size=4, shards=2).state_dict()
        {'epoch': 0, 'batch': 0}
        """
        return {"epoch": self._epoch, "batch": self._next}

    def load_state_dict(self, state_dict: Mapping[str, int]) -> None:
        """Go on where ``state_dict`` was taken, by this or another number of ranks. StateDictError for what is none.

        >>> loader = tn.distributed.Loader(tn.arange(6), batch_size=4, shards=2)
        >>> loader.load_state_dict({"epoch": 3, "batch": 1})
        >>> len(list(loader))
        1
        """
        if not isinstance(state_dict, Mapping) or not {"epoch", "batch"} <= state_dict.keys():
            raise StateDictError(f"the state of a Loader has epoch and batch, which {shown(state_dict)} does not")
        self._epoch, self._next = int(state_dict["epoch"]), int(state_dict["batch"])
