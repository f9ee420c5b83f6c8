"""One pass of a loader, by PyTorch's names, and with its words for an error in a worker."""

from __future__ import annotations

import pickle
from typing import Any, NoReturn

from tenure.data.iterators import Parallel, Serial
from tenure.torch._utils import caught


class _BaseDataLoaderIter:
    """Base of the passes of a loader, about which programs ask."""

    __module__ = "torch.utils.data.dataloader"


class _SingleProcessDataLoaderIter(Serial, _BaseDataLoaderIter):
    """Pass in this process."""

    __module__ = "torch.utils.data.dataloader"


class _MultiProcessingDataLoaderIter(Parallel, _BaseDataLoaderIter):
    """Pass by workers; an error of theirs has its class, and its traceback in the message."""

    __module__ = "torch.utils.data.dataloader"

    def _failed(self, failure: Any, worker: int) -> NoReturn:
        if failure.pickled is None:
            failure.throw(self._pool.name(worker))
        kind = type(pickle.loads(failure.pickled))
        raise caught(kind, f"in DataLoader worker process {worker}", failure.trace)
