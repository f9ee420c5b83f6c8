"""Fetching: the samples of one batch from a data set, collated."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from tenure.data.collate import default_collate
from tenure.data.dataset import IterableDataset, gathered


class Exhausted:
    """Sign that a data set without indices has no more samples."""


class Fetcher:
    """Batches of a data set by their indices, or, of one that is iterated, by how many samples they have.

    ``batched`` says whether a task is a list of indices or one index; ``over`` whether iterating has come to its end.
    """

    def __init__(self, dataset: Any, collate_fn: Callable[[Any], Any], batched: bool, drop_last: bool) -> None:
        self.dataset, self.collate_fn, self.batched, self.drop_last = dataset, collate_fn, batched, drop_last
        self._samples: Iterator[Any] | None = None
        self.over = False

    def begin(self) -> None:
        """Start an epoch: iterate anew."""
        self._samples, self.over = iter(self.dataset) if isinstance(self.dataset, IterableDataset) else None, False

    def fetch(self, task: Any, wanted: bool = True) -> Any:
        """The batch of a task, or `Exhausted`. One that is not wanted is left out where that costs nothing."""
        if self._samples is not None:
            return self._next(task)
        if not wanted:
            return None
        if not self.batched:
            return self.collate_fn(self.dataset[task])
        several = getattr(self.dataset, "__getitems__", None)
        if several is None and self.collate_fn is default_collate:
            batch = gathered(self.dataset, task)
            if batch is not None:
                return batch
        samples = [self.dataset[k] for k in task] if several is None else several(task)
        if several is not None and len(samples) != len(task):
            raise ValueError(f"__getitems__ gave {len(samples)} samples for {len(task)} indices")
        return self.collate_fn(samples)

    def _next(self, task: Any) -> Any:
        assert self._samples is not None
        if not self.batched:
            for sample in self._samples:
                return self.collate_fn(sample)
            return Exhausted()
        samples = list(itertools.islice(self._samples, len(task)))
        self.over = len(samples) < len(task)
        if not samples or (self.drop_last and len(samples) < len(task)):
            return Exhausted()
        return self.collate_fn(samples)
