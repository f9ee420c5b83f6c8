"""Batches of a data set, in order or shuffled, loaded here or by workers; the position can be saved and resumed."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypedDict, overload

from tenure.data.collate import default_collate, default_convert
from tenure.data.dataset import Items, IterableDataset
from tenure.data.iterators import Parallel, Serial, begin, generators_of
from tenure.data.options import check_options
from tenure.data.pools import Pool, made
from tenure.data.progress import Progress, Turns, load_dataset, loaded, saved, state_of
from tenure.data.samplers import MOST, BatchSampler, RandomSampler, SequentialSampler
from tenure.data.workers import Setup
from tenure.errors import StateDictError, shown
from tenure.values.operations.generator import Generator
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
    pin_memory: bool
    drop_last: bool
    timeout: float
    worker_init_fn: Callable[[int], Any] | None
    multiprocessing_context: Any
    generator: Generator | None
    prefetch_factor: int | None
    persistent_workers: bool
    pin_memory_device: str
    in_order: bool
    threads: bool


class DataLoader(Generic[Batch]):
    """Loader that iterates over batches of a data set: ``collate_fn`` of the samples of each. Batches are values.

    ``batch_size`` None gives single samples. ``shuffle`` draws another order each time, from ``generator`` or the
    default one; ``sampler`` gives indices instead, ``batch_sampler`` lists of them. ``drop_last`` leaves out a last
    batch that is smaller.

    With ``num_workers`` batches are loaded by so many processes, or ``threads``, each up to ``prefetch_factor`` ahead
    (2 unless given), and kept from one pass to the next if ``persistent_workers``. Without ``in_order`` they come as
    they are ready. ``worker_init_fn`` is called in each with its number; ``timeout`` is in seconds, 0 for none. An
    error in a worker is raised here with its traceback, and so is the death of one, as RuntimeError.
    ``multiprocessing_context`` is how processes start: by fork on Linux, else by spawn, which needs ``if __name__ ==
    "__main__":``.

    ``pin_memory`` and ``pin_memory_device`` are accepted and have no effect. ``state_dict`` is the position, and
    ``load_state_dict`` goes on there with the same batches. ValueError for options that do not go together.

    >>> for batch in data.DataLoader([1.0, 2.0, 3.0], batch_size=2):
    ...     print(batch)
    tensor([1., 2.])
    tensor([3.])
    """

    _alone, _by_workers = Serial, Parallel

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
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        threads: bool = False,
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
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        threads: bool = False,
    ) -> None:
        if not hasattr(type(dataset), "__getitem__") or isinstance(dataset, str | bytes):
            raise TypeError(f"dataset is indexed, dataset[k], which {shown(dataset)} is not")
        self.dataset, self.num_workers, self.timeout = dataset, int(num_workers), float(timeout)
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.worker_init_fn, self.multiprocessing_context = worker_init_fn, multiprocessing_context
        self.prefetch_factor, self.persistent_workers = prefetch_factor, bool(persistent_workers)
        self.generator, self.in_order, self.threads = generator, bool(in_order), bool(threads)
        self.batched = batch_size is not None or batch_sampler is not None
        self.shuffle, self.drop_last = bool(shuffle), bool(drop_last)
        check_options(self, batch_size, sampler, batch_sampler)
        self.batch_size = None if batch_sampler is not None else batch_size
        self.sampler, self.batch_sampler = self._samplers(sampler, batch_sampler)
        self.collate_fn = collate_fn or (default_collate if self.batched else default_convert)
        self._progress: Progress | None = None
        self._resumed: Progress | None = None
        self._states: list[Any] = [None] * self.num_workers
        self._pool: Pool | None = None
        self._pass: Parallel | None = None

    def _samplers(self, sampler: Any, batch_sampler: Any) -> tuple[Any, Any]:
        """The sampler and the sampler of batches, those that are not given made."""
        if sampler is None and not isinstance(self.dataset, IterableDataset):
            shuffled = self.shuffle and batch_sampler is None
            sampler = RandomSampler(self.dataset, generator=self.generator) if shuffled else None
            if sampler is None and batch_sampler is None:
                sampler = SequentialSampler(self.dataset)
        if batch_sampler is None and self.batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, self.batch_size, self.drop_last)
        return sampler, batch_sampler

    def __iter__(self) -> Iterator[Batch]:
        resumed, self._resumed = self._resumed, None
        progress, seed, tasks = begin(self, resumed)
        self._progress = progress
        if not self.num_workers:
            return self._alone(self, progress, tasks)
        if not self.threads and getattr(multiprocessing.current_process(), "_inheriting", False):
            raise RuntimeError(
                "DataLoader: a worker that imports the main module comes upon this loop again; put it under"
                ' `if __name__ == "__main__":`'
            )
        if self._pass is not None:
            self._pass.leave()
        pool = self._workers()
        self._pass = self._by_workers(self, progress, tasks, pool, seed)
        ahead = self._pass
        if not self.persistent_workers:
            self._pass = None
        return ahead

    def _workers(self) -> Pool:
        """The pool of a pass, or of all passes."""
        if self._pool is not None and not self._pool.closed:
            return self._pool
        setup = Setup(
            self.dataset, self.collate_fn, self.batched, self.drop_last, self.num_workers, self.worker_init_fn
        )
        pool = made(setup, int(self.prefetch_factor or 2), self.multiprocessing_context, self.threads)
        if self.persistent_workers:
            self._pool = pool
        return pool

    def _tasks(self) -> Iterator[Any]:
        """The tasks of a pass: lists of indices, or indices; of a data set without indices how many samples."""
        if isinstance(self.dataset, IterableDataset):
            return itertools.repeat(range(min(self.batch_size, MOST)) if self.batch_size is not None else None)
        if self.batched:
            return self._batches(iter(self.batch_sampler))
        return iter(self.sampler)

    @staticmethod
    def _batches(batches: Iterator[Any]) -> Iterator[list[int]]:
        for several in batches:
            if not is_iterable(several):
                raise TypeError(f"DataLoader: batch_sampler gives lists of indices, not {shown(several)}")
            yield several if isinstance(several, list) else list(several)

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            size = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return size
            return size // self.batch_size if self.drop_last else -(-size // self.batch_size)
        return len(self.batch_sampler if self.batched else self.sampler)

    def state_dict(self) -> dict[str, Any]:
        """The position: how many batches of the pass in progress have been handed out, and the states of generators.

        A data set with a ``state_dict`` and a ``load_state_dict`` is saved with it: as it is here, and as it was in
        each worker behind the last batch handed out. What ``tn.save`` writes. ValueError without ``in_order``, where
        batches have no order to go on in, and for such a data set with ``threads``, which share it.

        >>> loader = data.DataLoader([1, 2, 3])
        >>> batches = iter(loader)
        >>> for batch in batches:
        ...     break
        >>> loader.state_dict()["position"]
        1
        """
        if not self.in_order:
            raise ValueError("DataLoader: with in_order=False batches have no order to be resumed in")
        state = state_of(self.dataset)
        if state is not None and self.num_workers and self.threads:
            raise ValueError("DataLoader: threads share the data set, whose state is that of no batch; use processes")
        progress = self._resumed or self._progress
        if progress is None or progress.done:
            progress = Progress([], 0, Turns(states=self._worker_states()))
        own = state is not None or isinstance(self.dataset, IterableDataset)
        return {
            "position": progress.position,
            "begun": list(progress.begun),
            "generators": [g.get_state() for g in generators_of(self)[:-1]],
            **({"workers": saved(progress.turns)} if own else {}),
            **({} if state is None else {"dataset": state}),
        }

    def _worker_states(self) -> list[Any]:
        """The states of the data sets in the workers at the begin of a pass: persistent ones keep theirs."""
        kept = self._progress.turns.states if self.persistent_workers and self._progress is not None else self._states
        return list(kept)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on, at the next iteration, where ``state_dict`` was taken: with the same batches in the same order.

        The samples before are not loaded again; those of a data set without indices are iterated over, unless it has a
        state of its own, which is loaded here. StateDictError for what is no state of such a loader.

        >>> loader = data.DataLoader([1, 2, 3])
        >>> loader.load_state_dict({"position": 2, "begun": [tn.get_rng_state()], "generators": []})
        >>> list(loader)
        [tensor([3])]
        """
        own = generators_of(self)[:-1]
        keys = ("position", "begun", "generators")
        if not isinstance(state_dict, Mapping) or any(key not in state_dict for key in keys):
            raise StateDictError(f"the state of a DataLoader has {', '.join(keys)}, which {shown(state_dict)} does not")
        position, begun, states = (state_dict[key] for key in keys)
        if len(states) != len(own) or len(begun) not in (0, len(own) + 1):
            raise StateDictError(f"the state is of a DataLoader with {len(states)} generators, and this has {len(own)}")
        turns = loaded(state_dict, self.num_workers)
        restored = load_dataset(self.dataset, state_dict)
        self._states = [None] * self.num_workers if begun else turns.states
        for generator, state in zip(own, states, strict=True):
            generator.set_state(state)
        self._resumed = Progress(list(begun), int(position), turns, restored) if begun else None
        self._progress = None
