"""Options of a loader that do not go together."""

from __future__ import annotations

from typing import Any

from tenure.data.dataset import IterableDataset
from tenure.data.pools import context_of

MOST = 4096
"""Workers, and batches ahead of each, at most."""


def check_options(loader: Any, batch_size: int | None, sampler: Any, batch_sampler: Any) -> None:
    """ValueError for options of a loader that contradict each other or lie out of range."""
    for wrong, said in (*_orders(loader, batch_size, sampler, batch_sampler), *_workers(loader)):
        if wrong:
            raise ValueError(f"DataLoader: {said}")
    if loader.multiprocessing_context is not None:
        context_of(loader.multiprocessing_context)


def _orders(loader: Any, batch_size: int | None, sampler: Any, batch_sampler: Any) -> list[tuple[bool, str]]:
    iterated = isinstance(loader.dataset, IterableDataset)
    ordered = sampler is not None or batch_sampler is not None
    beside = batch_size != 1 or loader.shuffle or sampler is not None or loader.drop_last
    return [
        (batch_size is not None and batch_size < 1, f"a batch has one sample or more, not {batch_size}"), (iterated and
        (loader.shuffle or ordered), "an IterableDataset has an order of its own: no shuffle, no sampler"),
        (loader.shuffle and ordered, "shuffle draws an order, and a sampler gives one: choose"), (batch_sampler is not
        None and beside, "batch_sampler stands for batch_size, shuffle, sampler and drop_last"), (batch_size is None
        and loader.drop_last, "drop_last is about batches, and batch_size=None has none"),
    ]


def _workers(loader: Any) -> list[tuple[bool, str]]:
    alone, factor = not loader.num_workers, loader.prefetch_factor
    for_workers = {
        "prefetch_factor": factor is not None,
        "persistent_workers": loader.persistent_workers,
        "timeout": loader.timeout > 0,
        "threads": loader.threads,
        "multiprocessing_context": loader.multiprocessing_context is not None,
    }
    return [
        (not 0 <= loader.num_workers <= MOST, f"num_workers lies in [0, {MOST}], and {loader.num_workers} does not"),
        (not 0 <= loader.timeout < float("inf"), f"timeout is a number of seconds, not {loader.timeout}"),
        (factor is not None and not 1 <= factor <= MOST, f"prefetch_factor lies in [1, {MOST}], not {factor}"),
        *[(alone and given, f"{name} is for workers: give num_workers") for name, given in for_workers.items()],
        (loader.threads and for_workers["multiprocessing_context"], "threads have no multiprocessing_context"),
    ]
