"""``torch.utils.data``: the home library's data sets, samplers and loaders, with batches of the face's tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure import data as home
from tenure.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    get_worker_info,
)
from tenure.data import random_split as home_split
from tenure.errors import TenureError
from tenure.torch import virtual
from tenure.torch.errors import plainly, translated
from tenure.torch.utils.data.batches import default_collate, default_convert
from tenure.torch.utils.data.passes import (  # noqa: F401, the base by its name in a room of names
    _BaseDataLoaderIter,
    _MultiProcessingDataLoaderIter,
    _SingleProcessDataLoaderIter,
)


def random_split(dataset: Any, lengths: Any, generator: Any = None) -> list[Any]:
    """Parts of a data set, of some lengths or fractions, at random."""
    try:
        return list(home_split(dataset, lengths, generator))
    except TenureError as error:
        raise translated(error) from None


class TensorDataset(Dataset[Any]):
    """Data set of the rows of tensors that are equally long."""

    def __init__(self, *tensors: Any) -> None:
        if any(tensors[0].size(0) != t.size(0) for t in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple([t[index] for t in self.tensors])

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


class DataLoader(home.DataLoader[Any]):
    """Loader that iterates over batches of a data set, as tensors."""

    _alone, _by_workers = _SingleProcessDataLoaderIter, _MultiProcessingDataLoaderIter

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None,
        batch_sampler: Any = None, num_workers: int = 0, collate_fn: Any = None, pin_memory: bool = False,
        drop_last: bool = False, timeout: float = 0, worker_init_fn: Any = None, multiprocessing_context: Any = None,
        generator: Any = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        if collate_fn is None:
            alone = batch_size is None and batch_sampler is None
            collate_fn = default_convert if alone else default_collate
        if batch_size is not None and not isinstance(batch_size, bool) and batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        try:
            super().__init__(
                dataset, batch_size, bool(shuffle), sampler=sampler, batch_sampler=batch_sampler,
                num_workers=num_workers, collate_fn=collate_fn, pin_memory=pin_memory, drop_last=drop_last,
                timeout=timeout if num_workers or timeout < 0 else 0, worker_init_fn=worker_init_fn,
                multiprocessing_context=multiprocessing_context,
                generator=generator, prefetch_factor=prefetch_factor, persistent_workers=persistent_workers,
                in_order=in_order,
            )  # fmt: skip
        except ValueError as error:
            raise plainly(error) from None


for _cls in (TensorDataset, DataLoader):
    _cls.__module__ = "torch.utils.data"
_collate_fn_t, _worker_init_fn_t = Callable[[list[Any]], Any], Callable[[int], None]
_PLACES = {
    "dataset": "ChainDataset ConcatDataset Dataset IterableDataset StackDataset Subset TensorDataset random_split",
    "dataloader": "DataLoader default_collate get_worker_info _BaseDataLoaderIter _MultiProcessingDataLoaderIter"
    " _SingleProcessDataLoaderIter _collate_fn_t _worker_init_fn_t",
    "sampler": "BatchSampler RandomSampler Sampler SequentialSampler SubsetRandomSampler WeightedRandomSampler",
    "distributed": "DistributedSampler",
    "_utils.collate": "default_collate default_convert",
}
virtual.room("utils.data._utils", lambda name: globals()[name], ["default_collate"])
virtual.rooms("utils.data", _PLACES, lambda name: globals()[name])

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler", "IterableDataset",
    "RandomSampler", "Sampler", "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset",
    "WeightedRandomSampler", "default_collate", "default_convert", "get_worker_info", "random_split",
]  # fmt: skip
