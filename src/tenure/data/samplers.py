"""Samplers: the order in which a loader takes the samples of a data set."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Generic

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError, shown
from tenure.values.operations.creation import as_tensor
from tenure.values.operations.generator import Generator, default_generator, derive
from tenure.values.tensor.random import randint, randperm
from tenure.values.tensor.sampling import multinomial
from tenure.values.trace.blame import checked_first
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", covariant=True, default=int)
else:
    from typing import TypeVar

    T = TypeVar("T", covariant=True)


MOST = 2**32
"""Indices that are drawn at once, or make a batch, at most."""


class Seeded(list[int]):
    """Indices of a batch with the seed of what is drawn for its samples, whoever loads them."""

    def __init__(self, indices: Iterable[int], seed: int) -> None:
        super().__init__(indices)
        self.seed = seed

    def __reduce__(self) -> Any:
        return Seeded, (list(self), self.seed)


def seed_of(task: Any) -> int | None:
    """The seed that the indices of a batch bring, if they do."""
    return task.seed if isinstance(task, Seeded) else None


class Sampler(Generic[T]):
    """The base of samplers: a subclass defines ``__iter__``, which gives indices, and ``__len__`` if it knows.

    >>> class Backwards(data.Sampler[int]):
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    >>> list(data.DataLoader(["a", "b", "c"], sampler=Backwards(), batch_size=None))
    ['c', 'b', 'a']
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


class SequentialSampler(Sampler[int]):
    """Sampler of all indices in their order.

    >>> list(data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    @checked_first
    def __init__(self, data_source: Sized) -> None:
        self.data_source = sized("data_source", data_source)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Sampler of ``num_samples`` indices at random, as many as there are samples unless given.

    Without ``replacement`` each index comes once before any comes again. The order is drawn from ``generator``, or from
    a seed that the default generator gives, when the iteration begins. ValueError for a number that is not positive.

    >>> sorted(data.RandomSampler("abc", generator=tn.Generator(0)))
    [0, 1, 2]
    """

    @checked_first
    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = sized("data_source", data_source)
        self.replacement = flag("RandomSampler: replacement", replacement)
        if num_samples is not None and not 0 < num_samples < MOST:
            raise ValueError(f"RandomSampler: num_samples lies in [1, 2**32), not {num_samples}")
        self._num_samples = None if num_samples is None else int(num_samples)
        self.generator = generator

    @property
    def num_samples(self) -> int:
        """The number of indices that one iteration gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        size, wanted = len(self.data_source), self.num_samples
        generator = self.generator or seeded()
        if size == 0:
            return iter(())
        if self.replacement:
            return iter(list_of(randint(0, size, (wanted,), generator=generator)))
        order: list[int] = []
        while len(order) < wanted:
            order += list_of(randperm(size, generator=generator))
        return iter(order[:wanted])

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Sampler of some indices in an order drawn at random.

    >>> sorted(data.SubsetRandomSampler([7, 2, 5]))
    [2, 5, 7]
    """

    @checked_first
    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = list_of(randperm(len(self.indices), generator=self.generator))
        return iter([self.indices[k] for k in order])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Sampler of ``num_samples`` indices drawn with probabilities in proportion to ``weights``, shape (n,).

    Without ``replacement`` none is drawn twice. ValueError for a number of samples that is not positive, and ShapeError
    (TN802) for weights that are no sequence.

    >>> list(data.WeightedRandomSampler([0.0, 1.0], 3))
    [1, 1, 1]
    """

    @checked_first
    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not 0 < num_samples < MOST:
            raise ValueError(f"WeightedRandomSampler: num_samples lies in [1, 2**32), not {num_samples}")
        given: Any = weights
        self.weights = as_tensor(given, dtype=dtypes.float64)
        if self.weights.ndim != 1:
            raise ShapeError(f"WeightedRandomSampler: weights have one axis, not shape {list(self.weights.shape)}")
        self.num_samples = int(num_samples)
        self.replacement = flag("WeightedRandomSampler: replacement", replacement)
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return iter(list_of(drawn))

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Sampler of lists of ``batch_size`` indices of another; ``drop_last`` leaves out a last one that is shorter.

    >>> list(data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    @checked_first
    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if batch_size < 1:
            raise ValueError(f"BatchSampler: a batch has one sample or more, not {batch_size}")
        self.sampler = sampler
        self.batch_size = int(batch_size)
        self.drop_last = flag("BatchSampler: drop_last", drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches(iter(self.sampler))  # which draws now, not at the first batch

    def _batches(self, indices: Iterator[int]) -> Iterator[list[int]]:
        while batch := list(itertools.islice(indices, min(self.batch_size, MOST))):
            if len(batch) >= self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        size = len(self.sampler)  # type: ignore[arg-type]
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)


class DistributedSampler(Sampler[int]):
    """Sampler of the share that process ``rank`` of ``num_replicas`` has of a data set, equally large for each.

    Indices are repeated for that, or left out with ``drop_last``. The order follows from ``seed`` and the epoch, which
    ``set_epoch`` says before each. Where they are not given, number and rank are those of the environment's WORLD_SIZE
    and RANK. ValueError for a rank that is none of them.

    >>> list(data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    @checked_first
    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset = sized("dataset", dataset)
        self.num_replicas = _from_environment("num_replicas", num_replicas, "WORLD_SIZE")
        self.rank = _from_environment("rank", rank, "RANK")
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"DistributedSampler: rank lies in [0, {self.num_replicas}), and {self.rank} does not")
        self.shuffle = flag("DistributedSampler: shuffle", shuffle)
        self.seed = int(seed)
        self.drop_last = flag("DistributedSampler: drop_last", drop_last)
        self.epoch = 0
        size = len(dataset)
        self.num_samples = size // self.num_replicas if self.drop_last else math.ceil(size / self.num_replicas)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        generator = Generator((self.seed + self.epoch) % 2**64) if self.shuffle else None
        order = list(range(size)) if generator is None else list_of(randperm(size, generator=generator))
        return iter([order[k % size] for k in range(self.rank, self.total_size, self.num_replicas)])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins; each has an order of its own."""
        self.epoch = int(epoch)


def _from_environment(argument: str, given: int | None, name: str) -> int:
    found = os.environ.get(name) if given is None else str(int(given))
    if found is None or not found.lstrip("-").isdigit():
        raise ValueError(f"DistributedSampler: {argument} is given, or {name} says it in the environment")
    return int(found)


def sized(argument: str, x: Any) -> Any:
    """A collection with a length; DTypeError (TN802) for another object."""
    if not hasattr(type(x), "__len__"):
        raise DTypeError(f"{argument} has a length, which {shown(x)} does not", help="give num_samples= or a sampler")
    return x


def seeded() -> Generator:
    """Generator of one iteration, with a seed from the default one."""
    return Generator(derive(*default_generator().take()))


def list_of(indices: Any) -> list[int]:
    """The indices in a tensor."""
    found: list[int] = indices.tolist()
    return found
