"""Batches of a data set, in order or shuffled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypedDict, overload

import numpy as np

from tenure.data.dataset import Items
from tenure.errors import shown
from tenure.values.operations.creation import tensor
from tenure.values.operations.generator import Generator
from tenure.values.operations.shaping import stack
from tenure.values.tensor.random import randperm
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first, is_iterable

if TYPE_CHECKING:
    from typing_extensions import TypeVar, Unpack

    from tenure.values.tensor.typing import Operand

    Batch = TypeVar("Batch", covariant=True, default=Any)
    Tensors = TypeVar("Tensors", bound=Tensor | tuple[Tensor, ...] | list[Tensor] | dict[str, Tensor])
else:
    from typing import TypeVar

    Batch = TypeVar("Batch", covariant=True)
Sample = TypeVar("Sample")


class Options(TypedDict, total=False):
    """Options that say nothing of the type of a batch."""

    sampler: Iterable[int] | None
    batch_sampler: Iterable[list[int]] | None
    num_workers: int
    drop_last: bool
    generator: Generator | None


class DataLoader(Generic[Batch]):
    """Loader that iterates over batches of a data set: ``collate_fn`` of the samples of each. Batches are values.

    ``batch_size`` None gives single samples. ``shuffle`` draws another order each time, from ``generator`` or the
    default one; ``sampler`` gives indices instead, ``batch_sampler`` lists of them. ``drop_last`` leaves out a last
    batch that is smaller. Samples are loaded here, in this thread: ``num_workers`` is 0.

    >>> for batch in data.DataLoader([1.0, 2.0, 3.0], batch_size=2):
    ...     print(batch)
    tensor([1., 2.])
    tensor([3.])
    """

    @overload
    def __init__(
        self: DataLoader[Tensors],
        dataset: Items[Tensors],
        batch_size: int | None = 1,
        shuffle: bool = False,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: DataLoader[tuple[Tensor, ...]],
        dataset: Items[tuple[Operand, ...]],
        batch_size: int = 1,
        shuffle: bool = False,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: DataLoader[Tensor],
        dataset: Items[Operand],
        batch_size: int = 1,
        shuffle: bool = False,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: DataLoader[Batch],
        dataset: Items[Sample],
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        collate_fn: Callable[[list[Sample]], Batch],
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: DataLoader[Any],
        dataset: Items[Any],
        batch_size: int | None = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        drop_last: bool = False,
        generator: Generator | None = None,
    ) -> None: ...
    @checked_first
    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        drop_last: bool = False,
        generator: Generator | None = None,
    ) -> None:
        if not hasattr(type(dataset), "__getitem__") or isinstance(dataset, str | bytes):
            raise TypeError(f"dataset is indexed, dataset[k], which {shown(dataset)} is not")
        if num_workers:
            raise ValueError("samples are loaded in the thread that iterates: num_workers is 0")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"a batch has one sample or more, not {batch_size}")
        if shuffle and (sampler is not None or batch_sampler is not None):
            raise ValueError("shuffle draws an order, and a sampler gives one: choose")
        if batch_size is None and drop_last:
            raise ValueError("drop_last is about batches, and batch_size=None has none")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or default_collate
        self.drop_last = drop_last
        self.generator = generator

    def __iter__(self) -> Iterator[Batch]:
        if self.batch_sampler is None and self.batch_size is None:
            return (self.dataset[k] for k in self._order())
        return (self.collate_fn([self.dataset[k] for k in batch]) for batch in self._batches())

    def _order(self) -> Iterable[int]:
        if self.sampler is not None:
            return self.sampler
        if self.shuffle:
            order: list[int] = randperm(len(self.dataset), generator=self.generator).tolist()
            return order
        return range(len(self.dataset))

    def _batches(self) -> Iterator[list[int]]:
        if self.batch_sampler is not None:
            for several in self.batch_sampler:
                if not is_iterable(several):
                    raise TypeError(f"DataLoader: batch_sampler gives lists of indices, not {shown(several)}")
                yield several
            return
        batch: list[int] = []
        for k in self._order():
            batch.append(k)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        size = len(self.dataset) if self.sampler is None else len(self.sampler)  # type: ignore[arg-type]
        if self.batch_size is None:
            return size
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)


@checked_first
def default_collate(samples: list[Any]) -> Any:
    """Samples as one batch: tensors and arrays stacked, numbers as a tensor, strings as they are.

    Tuples, lists and mappings are taken part by part. ValueError where samples have different numbers of parts.

    >>> data.default_collate([(tn.tensor([1, 2]), 0), (tn.tensor([3, 4]), 1)])
    (tensor([[1, 2],
            [3, 4]]), tensor([0, 1]))
    """
    first = samples[0]
    if isinstance(first, Tensor):
        return stack(samples)
    if isinstance(first, np.ndarray | np.generic):
        return tensor(np.stack(samples))
    if isinstance(first, bool | int | float):
        return tensor(samples)
    if isinstance(first, str | bytes):
        return samples
    if isinstance(first, Mapping):
        return type(first)({key: default_collate([s[key] for s in samples]) for key in first})  # type: ignore[call-arg]
    if isinstance(first, tuple | list):
        if len({len(s) for s in samples}) > 1:
            raise ValueError(f"the samples of a batch have different numbers of parts: {[len(s) for s in samples]}")
        parts = [default_collate(list(part)) for part in zip(*samples, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return type(first)(parts)
    raise TypeError(f"a batch is made of tensors, arrays, numbers and containers of them, not {shown(first)}")
