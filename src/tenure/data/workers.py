"""Workers of a loader: what each knows of itself, how it is seeded, and the loop in which it serves batches."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from tenure.data.dataset import IterableDataset
from tenure.data.fetch import Exhausted, Fetcher
from tenure.data.progress import stateful
from tenure.data.samplers import seed_of
from tenure.values.operations.generator import default_generator, derive, manual_seed, settle
from tenure.values.operations.streams import start


@dataclass(frozen=True)
class WorkerInfo:
    """A worker of a loader: its number ``id`` of ``num_workers``, its ``seed`` in this epoch, and its ``dataset``."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Here(threading.local):
    """The worker that this thread is."""

    info: WorkerInfo | None = None


_here = _Here()


def get_worker_info() -> WorkerInfo | None:
    """The worker that is asking: its number, how many there are, its seed and its data set. None in the main process.

    >>> data.get_worker_info() is None
    True
    """
    return _here.info


@dataclass(frozen=True)
class Setup:
    """Options of a loader that all its workers are given."""

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batched: bool
    drop_last: bool
    num_workers: int
    worker_init_fn: Callable[[int], Any] | None


class Begin(NamedTuple):
    """Message: an epoch begins, with a seed, and with a state of the data set where one was saved."""

    seed: int
    state: Any = None


class Task(NamedTuple):
    """Message: load the batch of a number, or only pass it over."""

    number: int
    samples: Any
    wanted: bool


class Reply(NamedTuple):
    """Answer to a task: a batch, nothing (it was passed over), the end of the samples, or a failure.

    ``state`` is that of the data set behind the task, if it has one, and ``over`` whether it has no more samples.
    """

    number: int
    kind: str
    content: Any
    state: Any = None
    over: bool = False


class WorkerTraceback(Exception):
    """The traceback of an error in a worker, as the cause of the error that the loader raises."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


class Failure(NamedTuple):
    """An error in a worker: itself, pickled where that can be, its class and text, and its traceback."""

    pickled: bytes | None
    name: str
    text: str
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure that an error is."""
        trace = "".join(traceback.format_exception(error))
        try:
            pickled: bytes | None = pickle.dumps(error)
            pickled = pickled if type(pickle.loads(pickled or b"")) is type(error) else None
        except Exception:
            pickled = None
        return cls(pickled, type(error).__name__, str(error), trace)

    def throw(self, worker: str) -> NoReturn:
        """Raise the error here, as its class if it can be made here and does not end a loop in silence."""
        error = None if self.pickled is None else pickle.loads(self.pickled)
        if not isinstance(error, Exception) or isinstance(error, StopIteration | StopAsyncIteration):
            error = RuntimeError(f"DataLoader: {self.name} in {worker}: {self.text}")
        raise error from WorkerTraceback(f"in {worker} of a DataLoader:\n{self.trace}")


def seed_everything(seed: int, alone: bool) -> None:
    """Start the default generators of a worker: Tenure's, and in a process of its own those of Python and NumPy."""
    if alone:
        manual_seed(seed)
        start(seed)
    else:
        default_generator().manual_seed(seed)


def serve(number: int, setup: Setup, receive: Callable[[], Any], send: Callable[[Reply], None], alone: bool) -> None:
    """The loop of a worker: tasks until there is None. ``alone`` in a process of its own.

    Without a ``worker_init_fn`` each batch of a data set with indices, or with a state, has a seed of its own, so that
    the numbers drawn for it depend neither on the worker nor on how many there are. Indices that bring a seed have it
    always.
    """
    fetcher = Fetcher(setup.dataset, setup.collate_fn, setup.batched, setup.drop_last)
    kept = alone and stateful(setup.dataset)
    by_batch = setup.worker_init_fn is None and (kept or not isinstance(setup.dataset, IterableDataset))
    failed, begun, seed = None, False, 0
    for message in iter(receive, None):
        try:
            if isinstance(message, Begin):
                seed, failed = message.seed, None
                own = (seed + number) % 2**63
                _here.info = WorkerInfo(number, setup.num_workers, own, setup.dataset)
                if alone and not begun:
                    settle(own)
                if by_batch or not begun:
                    seed_everything(own, alone)
                if setup.worker_init_fn is not None and not begun:
                    setup.worker_init_fn(number)
                begun = True
                if message.state is not None:
                    setup.dataset.load_state_dict(message.state)
                fetcher.begin()
                continue
            if failed is None:
                brought = seed_of(message.samples)
                if brought is not None or by_batch:
                    seed_everything(derive(seed, message.number) if brought is None else brought, alone)
                batch = fetcher.fetch(message.samples, message.wanted)
                kind = "end" if isinstance(batch, Exhausted) else "batch" if message.wanted else "passed"
                state = setup.dataset.state_dict() if kept else None
                send(Reply(message.number, kind, batch if kind == "batch" else None, state, fetcher.over))
                continue
        except Exception as error:
            failure = Failure.of(error)
            if isinstance(message, Begin):
                failed = failure
                continue
            send(Reply(message.number, "error", failure))
            continue
        send(Reply(message.number, "error", failed))
