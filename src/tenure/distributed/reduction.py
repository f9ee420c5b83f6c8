"""Means over all shards, bucket by bucket, while this rank still computes what the next ones hold.

    computing   ▒▒ forward ▒▒ backward: bucket 0 ▒▒ bucket 1 ▒▒ bucket 2 ▒▒
    reducing                                     ░░ 0 ░░     ░░ 1 ░░    ░░ 2 ░░

All ranks reduce the buckets in their order, in a thread of each. It has the group for itself: the ranks have met, and
the thread that computes sends nothing meanwhile.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.distributed import algorithms
from tenure.distributed.tree import Array, Sums, share
from tenure.distributed.waiting import Wait
from tenure.distributed.world import JOB, RankGroup
from tenure.dtypes import float64
from tenure.errors import CollectiveError, DTypeError, TenureError, shown
from tenure.ir.aval import Aval
from tenure.values.operations.creation import wrap
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor

Form = tuple[int, Any]


class Reduction:
    """A reduction in progress: sums of this rank's shards, by bucket, and what they come to on all ranks."""

    def __init__(self, group: RankGroup, forms: Sequence[Form], sums: Sequence[Sums], count: int, wait: Wait) -> None:
        self.group, self.forms, self.sums, self.count, self.wait = group, forms, sums, count, wait
        self.found: list[Array] = []
        self.error: BaseException | None = None
        self.complete: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.put_so_far = 0
        self.thread: threading.Thread | None = None

    def put(self) -> None:
        """Reduce the next bucket: its sums are complete."""
        self.put_so_far += 1
        if self.group.size == 1:
            return
        if self.thread is None:
            self.thread = threading.Thread(target=self._work, name="tenure reduction", daemon=True)
            self.thread.start()
        self.complete.put(True)

    def finish(self) -> list[Array]:
        """Reduce what is left, and wait for all; raises what has gone wrong."""
        if self.thread is not None:
            self.complete.put(False)
            self.thread.join()
        if self.error is not None:
            raise self.error
        while len(self.found) < len(self.forms):
            self._next()
        return self.found

    def abandon(self) -> None:
        """Let the other thread end, as this rank has failed in between: the ranks are out of step."""
        if self.thread is not None and JOB.broken is None:
            JOB.broken = CollectiveError("a rank has failed while gradients were reduced", at=self.wait.at)
        self.complete.put(False)

    def _work(self) -> None:
        try:
            while self.complete.get():
                self._next()
        except BaseException as error:
            self.error = error

    def _next(self) -> None:
        """Reduce one bucket."""
        b = len(self.found)
        self.found.append(mean(self.group, self.sums[b], self.forms[b], self.count, self.wait))


def mean_of_numbers(group: RankGroup, values: Any, count: int, filled: int) -> Tensor:
    """The mean over all shards of a number that each gave, from those of this rank's: of all, or of as many as are
    ``filled``, the first ones."""
    numbers = share(count, group.size, group.rank)
    if isinstance(values, str | bytes) or not hasattr(type(values), "__iter__"):
        raise DTypeError(f"mean: values is a list, a number for each shard of this rank, not {shown(values)}")
    given = [float(value_of(x).item()) for x in values]
    if len(given) not in (len(numbers), sum(k < filled for k in numbers)):
        raise TenureError(f"mean: {len(given)} values for the {len(numbers)} shards of this rank", at=site(here()))
    sums = Sums(count)
    for j, k in enumerate(numbers):
        sums.take(k, np.array([given[j], 1.0] if j < len(given) else [0.0, 0.0]))
    out = mean(group, sums, (2, np.float64), count, algorithms.meet(group, f"mean of {count} shards"))
    return wrap(np.divide(out[0], out[1]).reshape(()), Aval((), float64))


def mean(group: RankGroup, sums: Sums, form: Form, count: int, wait: Wait) -> Array:
    """The mean over all shards of one buffer."""

    def divided(a: Array) -> Array:
        return np.divide(a, count, out=a)

    if group.size == 1:
        return divided(sums.found[0][1])
    return algorithms.reduced(group, count, sums.found, form, wait, last=divided)
