"""One pass of a loader over its data set: the tasks in their order, in this thread or by a pool of workers."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tenure.data.dataset import IterableDataset
from tenure.data.fetch import Exhausted, Fetcher
from tenure.data.pools import Pool
from tenure.data.progress import Progress, Turns
from tenure.data.samplers import seed_of
from tenure.data.workers import Begin, Failure, Reply, Task
from tenure.values.operations.generator import Generator, default_generator, derive
from tenure.values.operations.streams import drawing_from

if TYPE_CHECKING:
    from tenure.data.loader import DataLoader


HASTE = 0.2
"""Seconds that workers have to end, once one is gone or somebody has interrupted."""


LONGEST = 1e6
"""Seconds that are waited at most."""


def generators_of(loader: Any) -> list[Generator]:
    """The generators from which a pass draws its order, in a fixed order."""
    inner = getattr(loader.batch_sampler, "sampler", loader.sampler)
    given = [loader.generator, getattr(loader.batch_sampler, "generator", None), getattr(inner, "generator", None)]
    return list(dict.fromkeys([g for g in given if isinstance(g, Generator)] + [default_generator()]))


@contextmanager
def _at(generator: Generator, state: Any) -> Iterator[None]:
    """Draw from another state of a generator, and leave it as it is."""
    now = generator.get_state()
    generator.set_state(state)
    yield
    generator.set_state(now)


def begin(loader: DataLoader[Any], resumed: Progress | None) -> tuple[Progress, int, Iterator[Any]]:
    """Begin a pass: its progress, its seed and its tasks. One that is resumed has the order that it had."""
    generators = generators_of(loader)
    if resumed is not None and len(resumed.begun) != len(generators):
        raise ValueError(
            f"DataLoader: the state is of a loader with {len(resumed.begun)} generators, not {len(generators)}"
        )
    states = [g.get_state() for g in generators] if resumed is None else resumed.begun
    with ExitStack() as stack:
        if resumed is not None:
            for generator, state in zip(generators, states, strict=True):
                stack.enter_context(_at(generator, state))
        seed = derive(*(loader.generator or default_generator()).take()) % 2**63
        tasks = loader._tasks()
        progress = resumed or Progress(states, 0, Turns(states=loader._worker_states()))
        if not isinstance(loader.dataset, IterableDataset):
            tasks = itertools.islice(tasks, progress.position, None)
    return progress, seed, tasks


class Serial(Iterator[Any]):
    """Pass in the thread that iterates."""

    def __init__(self, loader: DataLoader[Any], progress: Progress, tasks: Iterator[Any]) -> None:
        self._progress, self._tasks = progress, iter(()) if 0 in progress.turns.ended else tasks
        self._fetcher = Fetcher(loader.dataset, loader.collate_fn, loader.batched, loader.drop_last)
        self._fetcher.begin()
        if isinstance(loader.dataset, IterableDataset) and not progress.restored:
            for task in itertools.islice(tasks, progress.position):
                self._fetcher.fetch(task, wanted=False)

    def __next__(self) -> Any:
        for task in self._tasks:
            self._progress.position += 1
            try:
                with drawing_from(seed_of(task)):
                    batch = self._fetcher.fetch(task)
            except StopIteration as error:
                raise RuntimeError("DataLoader: the data set raised StopIteration for a sample") from error
            if self._fetcher.over:
                self._progress.turns.ended.add(0)
            if isinstance(batch, Exhausted):
                break
            return batch
        self._progress.done = True
        raise StopIteration


class Parallel(Iterator[Any]):
    """Pass by workers: batch k is loaded by worker k modulo their number, and comes in its turn.

    So the order of batches depends on no one's pace. Without ``in_order`` whoever has room takes the next, and batches
    come as they are ready.
    """

    def __init__(
        self, loader: DataLoader[Any], progress: Progress, tasks: Iterator[Any], pool: Pool, seed: int
    ) -> None:
        self._progress, self._tasks, self._pool = progress, tasks, pool
        self._timeout, self._in_order = min(loader.timeout, LONGEST) or None, loader.in_order
        self._iterated = isinstance(loader.dataset, IterableDataset)
        self._room = [int(loader.prefetch_factor or 2)] * loader.num_workers
        self._at: dict[int, int] = {}
        self._replies: dict[int, tuple[Reply, int]] = {}
        turns, again = progress.turns, self._iterated and not progress.restored
        self._ended = set() if again else set(turns.ended)
        self._skip = turns.next if again else 0
        self._sent = self._next = 0 if again else turns.next
        self._close = None if loader.persistent_workers else weakref.finalize(self, pool.close)
        try:
            while pool.outstanding:  # of a pass that was left early
                pool.receive(None)
            for k in range(loader.num_workers):
                pool.send(k, Begin(seed, turns.states[k] if turns.states else None))
            self._fill()
        except BaseException:
            self.abandon()
            raise

    def _worker(self) -> int:
        """The worker of the next task."""
        if self._in_order or self._iterated:
            return self._sent % len(self._room)
        return max(range(len(self._room)), key=self._room.__getitem__)

    def _fill(self) -> None:
        """Give out tasks as long as their workers have room."""
        while len(self._ended) < len(self._room):
            k = self._worker()
            if k in self._ended:
                self._replies[self._sent] = Reply(self._sent, "end", None), k
                self._sent += 1
                continue
            if not self._room[k]:
                return
            task = next(self._tasks, Exhausted)
            if task is Exhausted:
                return
            self._pool.send(k, Task(self._sent, task, self._sent >= self._skip))
            self._room[k] -= 1
            self._at[self._sent] = k
            self._sent += 1

    def __next__(self) -> Any:
        while True:
            try:
                found = self._turn()
            except BaseException:
                self.abandon()
                raise
            if found is None:
                break
            reply, worker = found
            self._count(reply, worker)
            if reply.kind == "error":
                self._progress.position += 1
                self._failed(reply.content, worker)
            if reply.kind == "batch":
                self._progress.position += 1
                return reply.content
        self._progress.done = True
        if self._close is not None:
            self._close()
        raise StopIteration

    def _failed(self, failure: Failure, worker: int) -> None:
        """Raise the error of a worker here."""
        failure.throw(self._pool.name(worker))

    def _count(self, reply: Reply, worker: int) -> None:
        """Note whose turn is over, and the state of its data set."""
        turns = self._progress.turns
        turns.next = reply.number + 1
        if reply.over or reply.kind == "end":
            turns.ended.add(worker)
        if reply.state is not None:
            turns.states[worker] = reply.state

    def _turn(self) -> tuple[Reply, int] | None:
        """The reply whose turn it is, and its worker; None if there are no more."""
        while self._at or self._replies:
            number = self._next if self._in_order else min(self._replies, default=-1)
            if number in self._replies:
                found = self._replies.pop(number)
                self._next = number + 1
                self._fill()
                return found
            reply = self._pool.receive(self._timeout)
            if reply is not None:
                k = self._at.pop(reply.number)
                self._room[k] += 1
                if reply.kind == "end":
                    self._ended.add(k)
                self._replies[reply.number] = reply, k
            elif self._timeout is not None:
                raise RuntimeError(f"DataLoader: no batch came within timeout={self._timeout} seconds")
        return None

    def leave(self) -> None:
        """End this pass: another one begins by the same workers."""
        self._at.clear()
        self._replies.clear()

    def abandon(self) -> None:
        """End the workers at once, so that none is left behind an error or an interrupt."""
        self.leave()
        self._pool.close(grace=HASTE)
