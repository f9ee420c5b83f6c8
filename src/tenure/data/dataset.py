"""Data sets: sequences of samples, and parts of them."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, Protocol, cast, overload

import numpy as np

from tenure.errors import OutOfRange, ShapeError, shown
from tenure.values.operations.generator import Generator
from tenure.values.tensor.random import randperm
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.given import refuse_array

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from tenure.values.tensor.typing import Array

    T = TypeVar("T", covariant=True, default=Any)
    Rows = TypeVar("Rows", Tensor, Array, Tensor | Array, default=Tensor)
else:
    from typing import TypeVar

    T = TypeVar("T", covariant=True)
    Rows = TypeVar("Rows")
Other = TypeVar("Other")


class Items(Protocol[T]):
    """Samples by index: a data set, a list, a tensor."""

    def __getitem__(self, index: int, /) -> T:
        """The sample at an index."""
        raise NotImplementedError


class Dataset(Generic[T]):
    """The base of data sets: a subclass defines ``__getitem__``, and ``__len__`` if it has an end.

    >>> class Squares(data.Dataset[int]):
    ...     def __getitem__(self, index: int) -> int:
    ...         return index * index
    >>> Squares()[3]
    9
    """

    def __getitem__(self, index: Any) -> T:
        """The sample at an index."""
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __add__(self, other: Items[Other]) -> ConcatDataset[T | Other]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """The base of data sets without indices: a subclass defines ``__iter__``, which gives the samples.

    Each worker of a loader iterates over a copy: ``get_worker_info()`` says which share of the samples is its own.

    >>> class Lines(data.IterableDataset[str]):
    ...     def __iter__(self):
    ...         return iter(["a", "b", "c"])
    >>> list(data.DataLoader(Lines(), batch_size=2))
    [['a', 'b'], ['c']]
    """

    __getitem__: Any = None

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")

    def __add__(self, other: Any) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Rows, ...]], Generic[Rows]):
    """Data set of the rows of tensors that agree in their first size: each sample is a tuple of values.

    >>> samples = data.TensorDataset(tn.tensor([[1, 2], [3, 4]]), tn.tensor([0, 1]))
    >>> len(samples), samples[1]
    (2, (tensor([3, 4]), tensor(1)))
    """

    @checked_first
    def __init__(self, *tensors: Rows) -> None:
        if not tensors:
            raise ShapeError("a TensorDataset is made of one tensor or more")
        for t in tensors:
            if isinstance(t, np.ndarray):
                refuse_array(t)
        sizes = [t.shape[0] if t.shape else None for t in tensors]
        if len(set(sizes)) > 1 or sizes[0] is None:
            raise ShapeError(f"the tensors of a TensorDataset agree in their first size, not {sizes}")
        self.tensors: tuple[Rows, ...] = tensors

    def __getitem__(self, index: Any) -> tuple[Rows, ...]:
        rows: list[Any] = [t._read()[index] if isinstance(t, Tensor) else t[index] for t in self.tensors]
        return tuple(rows)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class Subset(Dataset[T]):
    """Data set of the samples at some indices of another. It is not copied: what is set on it is set for all.

    >>> data.Subset(tn.arange(5), [3, 1])[0]
    tensor(3)
    """

    @checked_first
    def __init__(self, dataset: Items[T], indices: Sequence[int]) -> None:
        if not hasattr(type(dataset), "__getitem__") or isinstance(cast(object, dataset), str | bytes):
            raise TypeError(f"dataset is indexed, dataset[k], which {shown(dataset)} is not")
        self.dataset = dataset
        self.indices = indices

    @overload
    def __getitem__(self, index: list[int]) -> list[T]: ...
    @overload
    def __getitem__(self, index: int) -> T: ...
    def __getitem__(self, index: int | list[int]) -> T | list[T]:
        if isinstance(index, list):
            return [self.dataset[self.indices[k]] for k in index]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def gathered(dataset: Any, indices: Any) -> Any:
    """The batch that collated samples come to, by one read of each tensor; None for other data sets and indices.

    Of ``TensorDataset``, tensors, and subsets of them, unless a class of its own reads samples in another way."""
    if not all(type(k) is int for k in indices):
        return None
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        size = len(dataset.indices)
        inside = all(-size <= k < size for k in indices)
        return gathered(dataset.dataset, [dataset.indices[k] for k in indices]) if inside else None
    several = isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__
    tensors = dataset.tensors if several else (dataset,)
    if not all(isinstance(t, Tensor) and t.ndim for t in tensors):
        return None
    size, places = tensors[0].shape[0], np.asarray(indices, np.int64)
    if not ((places >= -size) & (places < size)).all():
        return None
    rows = tuple([t._read()[places] for t in tensors])
    return rows if several else rows[0]


class ConcatDataset(Dataset[T]):
    """Data set of the samples of others, one after the other.

    >>> data.ConcatDataset([[1, 2], [3]])[2]
    3
    """

    @checked_first
    def __init__(self, datasets: Sequence[Items[T]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ShapeError("a ConcatDataset is made of one data set or more")
        for d in self.datasets:
            if isinstance(d, IterableDataset):
                raise TypeError(f"ConcatDataset: data sets are indexed, and {shown(d)} is not: use ChainDataset")
        self.cumulative_sizes = list(accumulate(len(d) for d in self.datasets))  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> T:
        size = len(self)
        if not -size <= index < size:
            raise OutOfRange(f"index {index} is out of range for {size} samples")
        index %= size
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[T]):
    """Data set of the samples of others without indices, one after the other.

    >>> class Letters(data.IterableDataset[str]):
    ...     def __iter__(self):
    ...         return iter("ab")
    >>> list(Letters() + Letters())
    ['a', 'b', 'a', 'b']
    """

    @checked_first
    def __init__(self, datasets: Iterable[Iterable[T]]) -> None:
        self.datasets = list(datasets)
        for d in self.datasets:
            if not hasattr(type(d), "__iter__") or isinstance(d, str | bytes):
                raise TypeError(f"ChainDataset: datasets are iterated over, which {shown(d)} is not")

    def __iter__(self) -> Iterator[T]:
        for d in self.datasets:
            yield from d

    def __len__(self) -> int:
        return sum([len(cast(Any, d)) for d in self.datasets])


class StackDataset(Dataset[Any]):
    """Data set of tuples of the samples of others that have one index, or of dicts if they are given by name.

    ShapeError (TN802) where the data sets differ in length, or there are none.

    >>> data.StackDataset([1, 2], ["a", "b"])[1]
    (2, 'b')
    >>> data.StackDataset(x=[1, 2], y=["a", "b"])[0]
    {'x': 1, 'y': 'a'}
    """

    @checked_first
    def __init__(self, *args: Items[Any], **kwargs: Items[Any]) -> None:
        if bool(args) == bool(kwargs):
            raise ShapeError("a StackDataset is made of data sets in order, or of data sets by name")
        self.datasets: Any = kwargs or args
        parts = list(kwargs.values() or args)
        sizes = []
        for d in parts:
            if not hasattr(type(d), "__getitem__") or not hasattr(type(d), "__len__"):
                raise TypeError(f"StackDataset: a data set is indexed and has a length, which {shown(d)} is not")
            sizes.append(len(d))  # type: ignore[arg-type]
        if len(set(sizes)) > 1:
            raise ShapeError(f"the data sets of a StackDataset agree in their length, not {sizes}")
        self._size = sizes[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: d[index] for name, d in self.datasets.items()}
        return tuple([d[index] for d in self.datasets])

    def __len__(self) -> int:
        return self._size


@checked_first
def random_split(
    dataset: Items[T], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[T]]:
    """Parts of a data set at random, of the given lengths, or of fractions that sum to 1.

    ShapeError (TN802) if the lengths do not sum to the number of samples.

    >>> [len(part) for part in data.random_split(range(10), [0.8, 0.2])]
    [8, 2]
    """
    size = len(dataset)  # type: ignore[arg-type]
    counts = list(lengths)
    if any(isinstance(n, float) for n in counts):
        if not math.isclose(sum(counts), 1.0):
            raise ShapeError(f"random_split: the fractions {counts} do not sum to 1")
        whole = [math.floor(size * part) for part in counts]
        counts = [n + (k < size - sum(whole)) for k, n in enumerate(whole)]
    if sum(counts) != size:
        raise ShapeError(f"random_split: lengths {counts} do not sum to the {size} samples")
    order = randperm(size, generator=generator).tolist()
    ends = list(accumulate(int(n) for n in counts))
    return [Subset(dataset, order[end - int(n) : end]) for n, end in zip(counts, ends, strict=True)]
