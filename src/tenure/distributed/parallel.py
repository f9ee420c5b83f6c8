"""Data-parallel training that gives the same bits at any number of ranks.

    model = distributed.parallel(model, shards=8)
    for x, y in model.shards(batch):                # those of this rank
        loss_of(model(x), y).backward()             # each alone, wherever it is computed
    optimizer.step()                                # behind the loop: gradients are added in the one tree of 8

Each shard begins with the same parameters and buffers and with random numbers of its own; its gradient is read into a
flat buffer (``flats``) before it is added to others. So nothing that a rank computes depends on what else it computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tenure.distributed import algorithms
from tenure.distributed.algorithms import meet
from tenure.distributed.buffers import Buffers
from tenure.distributed.evening import even
from tenure.distributed.flats import Flats
from tenure.distributed.reduction import Reduction, mean_of_numbers
from tenure.distributed.rows import Rows
from tenure.distributed.shards import Shards, count_of, shard
from tenure.distributed.tree import Array, Sums, share
from tenure.distributed.world import RankGroup, chosen
from tenure.dtypes import float32, float64
from tenure.errors import CollectiveError, DTypeError, TenureError, shown
from tenure.ir.aval import Aval
from tenure.nn.module import Module
from tenure.optim.optimizer import gradient_of
from tenure.values.grad.autograd import set_grad
from tenure.values.grad.handlers import Finally, RemovableHandle
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.operations.generator import default_generator, derive
from tenure.values.operations.pieces import run_in_pieces
from tenure.values.operations.streams import restore, states
from tenure.values.operations.streams import start as draw_from
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag

LOOPS: list[Any] = []
"""Modules that are in a loop over shards."""
ALIKE = "all ranks make the same model and draw the same random numbers; what one draws alone is from its own Generator"
BUCKET = 25.0
"""Megabytes of a bucket, as in PyTorch."""


class Parallel(Module):
    """A module, in ``module``, whose gradients are means over shards or ranks. ``distributed.parallel`` makes it."""

    def __init__(self, module: Module, shards: int | None, bucket: float, buffers: bool, group: Any) -> None:
        super().__init__()
        self.module = module
        self._given = group
        self.count = shards
        self._bucket, self._averaged = int(bucket * 2**20), buffers
        self.syncs, self._inside = True, False
        self._filled = shards or 0
        """Shards of the last batch that had samples: the first so many."""
        self._waiting: dict[int, list[Array]] = {}
        self._carried: dict[int, list[Tensor]] = {}
        """Buffers of each shard, while there is no communication; ``_waiting`` has its gradients."""
        self._rows = Rows()
        """Rows of sparse gradients: their order is that of the shards, whatever was carried."""
        self._apart = False
        """Whether the last backward of a shard for each rank was not communicated."""
        self._places = [p for p in module.parameters() if p.requires_grad]
        if not self._places:
            raise TenureError("parallel: this module has no parameter that requires grad", at=site(here()))
        self._marks = float64 if self._places[0]._read()._aval.dtype is float64 else float32
        """The dtype of the marks of what was used, that they need no message of their own."""
        self._watch = Finally(self._after_backward)
        self._handles = [RemovableHandle(p._leaf.hooks, self._watch) for p in self._places if p._leaf is not None]
        even(self.group, module, self.count is not None)

    @property
    def group(self) -> RankGroup:
        """The ranks: those of the group that was given, or all that are alive."""
        return chosen(self._given)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the module. TenureError in the loop of another one if this one changes buffers in training:
        they would change from shard to shard, by as many as a rank has."""
        if LOOPS and LOOPS[-1] is not self and self._averaged and self.training and any(True for _ in self.buffers()):
            raise TenureError(
                "a module with buffers is trained in the loop of another one, which leaves them", at=site(here()),
                help="join both: parallel(nn.ModuleList([a, b]), shards=…); or put this one in eval()",
            )  # fmt: skip
        return self.module(*args, **kwargs)

    @property
    def accumulates(self) -> bool:
        """Whether this rank holds gradients that were not communicated yet."""
        return bool(self._waiting or self._rows or self._apart)

    def forget(self) -> None:
        """Drop what has been accumulated without communication, and what is left of a loop that was not finished."""
        self._waiting.clear()
        self._carried.clear()
        self._rows.clear()
        self._apart = False

    def shards(self, batch: Any) -> Iterator[Any]:
        """The shards of a batch that this rank has: a loop around forward and backward.

        ``batch`` is one of ``distributed.Loader``, or a batch that all ranks have as a whole, tensors whose first axes
        are cut. After the loop every ``.grad`` has the mean over all shards on top of the gradient that it had before:
        of means over the samples of each, weighed where shards differ in size. Buffers become means over shards, too.
        TenureError if the module was made without ``shards``.

        >>> net = tn.distributed.parallel(nn.Linear(2, 1), shards=2)
        >>> for x in net.shards(tn.ones(4, 2)):
        ...     net(x).mean().backward()
        >>> net.module.weight.grad
        tensor([[1., 1.]])
        """
        if self.count is None:
            raise TenureError(
                "this module has a shard for each rank", at=site(here()), help="parallel(model, shards=8) has 8"
            )
        parts = batch if isinstance(batch, Shards) else shard(batch, self.count, group=self.group)
        if parts.count != self.count:
            raise TenureError(f"a batch of {parts.count} shards for a module of {self.count}", at=site(here()))
        mine = share(parts.count, self.group.size, self.group.rank)
        if [k for k, _ in parts.mine] != [k for k in mine if parts.sizes[k]]:
            raise TenureError(
                f"a batch of other shards than this rank's {len(mine)}: of another group, or before a rank was lost",
                at=site(here()), help="begin to iterate over the loader anew, or take batch k as loader[k]",
            )  # fmt: skip
        return self._each(parts)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Context in which gradients are accumulated without communication; the next ones outside reduce them all."""
        before, self.syncs = self.syncs, False
        try:
            yield
        finally:
            self.syncs = before

    def mean(self, values: Any) -> Tensor:
        """The mean over all shards of a number that each gave, from those of this rank's shards in their order.

        A float64 value on every rank, with the bits of the one tree. Behind a batch of fewer samples than shards it is
        the mean over shards that had some. TenureError for another number of values.

        >>> net = tn.distributed.parallel(nn.Linear(2, 1), shards=2)
        >>> net.mean([1.0, 2.0])
        tensor(1.5000, dtype=tenure.float64)
        """
        return mean_of_numbers(self.group, values, self.count or self.group.size, self._filled)

    def _kinds(self) -> Buffers:
        return Buffers.of(self.module) if self._averaged else Buffers([], [], [])

    def _flats(self) -> Flats:
        """The layout of gradients, buffers and marks, in one buffer where one dtype and its size allow that."""
        marks, buffers = self._marks, self._kinds()
        places = [p._read()._aval for p in (*reversed(self._places), *buffers.floats, *buffers.small)]
        return Flats([*places, Aval((2 * len(self._places),), marks)], self._bucket, marks.numpy)

    def _each(self, parts: Shards) -> Iterator[Any]:
        """The loop of ``shards``."""
        flats = self._flats()
        sums = [Sums(parts.count) for _ in flats.sizes]
        before = [self._taken(p) for p in self._places]
        kinds = self._kinds()
        buffers = kinds.every
        start, whole = [now(b) for b in buffers], list[Tensor]()
        data, drawn, (seed, turn) = dict(parts.mine), states(), default_generator().take()
        self._inside, last, self._filled = True, None, sum(map(bool, parts.sizes))
        LOOPS.append(self)
        numbers = share(parts.count, self.group.size, self.group.rank)
        try:
            for number in numbers:
                copy(self._carried.pop(number, start), buffers)
                draw_from(derive(derive(seed, turn), number))
                if number in data:
                    yield data[number]
                if number == 0:
                    whole = [now(b) for b in kinds.of_first]
                taken = self._gradients(number, parts.weight(number))
                if self.syncs and number == numbers[-1]:
                    last = taken
                    break
                self._keep(number, self._packed(flats, taken), sums)
                if not self.syncs:
                    self._carried[number] = [now(b) for b in buffers]
        finally:
            self._inside = False
            LOOPS.remove(self)
            restore(drawn)
            default_generator().take()
            for p, g in zip(self._places, before, strict=True):
                set_grad(p, g)
        if self.syncs:
            copy(whole, kinds.of_first[: len(whole)])
            self._reduce(flats, sums, parts.count, last, f"; random numbers of seed {seed}, operation {turn}")
            return
        copy(start, buffers)

    @staticmethod
    def _taken(p: Any) -> Any:
        """The gradient of a parameter, which has none from now on."""
        found = gradient_of(p)
        set_grad(p, None)
        return found

    def _keep(self, number: int, buffers: list[Array], sums: list[Sums]) -> None:
        """Add a shard to the sums, or to what it has accumulated without communication."""
        held = self._waiting.pop(number, None)
        if held is not None:
            buffers = [np.add(a, b, out=b) for a, b in zip(held, buffers, strict=True)]
        if not self.syncs:
            self._waiting[number] = buffers
            return
        for total, flat in zip(sums, buffers, strict=True):
            total.take(number, flat)

    def _gradients(self, number: int, scale: float | None) -> Taken:
        """The gradients of what was recorded last, dense ones as they are; rows are kept apart."""
        count = len(self._places)
        used = np.zeros(2 * count)
        found: list[Any] = []
        for k in reversed(range(count)):
            g = self._taken(self._places[k])
            if isinstance(g, SparseRows):
                used[count + k] = 1
                self._rows.add(k, number, g, scale)
                g = None
            elif g is not None:
                used[k] = 1
            found.append(g)
        buffers, marks = self._kinds(), used.astype(self._marks.numpy)
        floats = [now(b) if self.syncs else None for b in buffers.floats]
        small = [now(b) if self.syncs and number == 0 else None for b in buffers.small]
        rest = [*floats, *small, wrap(marks)]
        return Taken(number, [*found, *rest], [*[scale] * count, *[None] * len(rest)])

    @staticmethod
    def _packed(flats: Flats, taken: Taken) -> list[Array]:
        """The same, computed, in flat buffers."""
        arrays = {k: None if x is None else array_of(x) for k, x in enumerate(taken.tensors)}
        return [flats.packed(b, arrays, taken.scales) for b in range(len(flats.sizes))]

    def _after_backward(self) -> None:
        """Reduce behind a ``backward()`` outside of ``shards``: a shard for each rank."""
        if self._inside:
            return
        self._apart = self.count is None and not self.syncs
        if not self.syncs:
            return
        if self.count is not None:
            raise CollectiveError(
                "a backward of a module with shards outside of its loop",
                at=site(here()),
                help="for x, y in model.shards(batch): …; with model.no_sync(): where its gradients are not meant",
            )
        flats = self._flats()
        sums = [Sums(self.group.size) for _ in flats.sizes]
        self._reduce(flats, sums, self.group.size, self._gradients(self.group.rank, None))

    def _reduce(self, flats: Flats, sums: list[Sums], count: int, last: Taken | None, also: str = "") -> None:
        """Means over all shards, to gradients and buffers; ``last`` is perhaps not computed yet. ``also``: what has to
        be equal besides."""
        what, brought = f"the gradients of {count} shards", f"{flats.avals}{also}"
        wait = replace(meet(self.group, what, brought, ALIKE), at=site(here()))
        reduction = Reduction(self.group, list(zip(flats.sizes, flats.dtypes, strict=True)), sums, count, wait)
        try:
            error = None if last is None else self._compute(flats, sums, last, reduction)
            found = reduction.finish()
        except BaseException:
            reduction.abandon()
            raise
        used = array_of(flats.tensor(found, len(flats.avals) - 1))
        if error is not None or np.isnan(used).any():
            self._rows.clear()
            raise error or CollectiveError("another rank has failed to compute its gradients", at=site(here()))
        places = len(self._places)
        for k, p in enumerate(self._places):
            if used[k]:
                _add(p, flats.tensor(found, places - 1 - k))
            if used[places + k]:
                _add(p, self._rows.mean(k, p, self.group, count, wait))
        self._rows.clear()
        buffers = self._kinds()
        for k, b in enumerate(buffers.floats, places):
            b.data.copy_(flats.tensor(found, k))
        for k, b in enumerate(buffers.small, places + len(buffers.floats)):
            b.data.copy_(flats.decoded(found, k, count))
        for b in buffers.large if self.group.size > 1 else ():
            array = array_of(b).copy()
            algorithms.spread(self.group, array, 0, wait)
            b.data.copy_(wrap(array, b._read()._aval))

    def _compute(self, flats: Flats, sums: list[Sums], last: Taken, reduction: Reduction) -> Exception | None:
        """Compute the last shard of this rank; a bucket whose gradients are there is reduced while the next ones are
        computed. Gives an error, if there is one; then no rank gets gradients, and all stay in step."""
        held = self._waiting.pop(last.number, None)

        def complete(b: int, arrays: Mapping[int, Array | None]) -> None:
            flat = flats.packed(b, arrays, last.scales)
            sums[b].take(last.number, flat if held is None else np.add(held[b], flat, out=held[b]))
            reduction.put()

        early: list[list[int]] = []
        for members in flats.members if self.group.size > 1 else ():
            if any(k >= len(self._places) or last.tensors[k] is None for k in members):
                break
            early.append(members)

        def told(b: int, arrays: list[Any]) -> None:
            if b == reduction.put_so_far and not any(map(is_wrong, arrays)):
                complete(b, dict(zip(early[b], arrays, strict=True)))

        if early:
            run_in_pieces([[last.tensors[k] for k in members] for members in early], told)
        error: Exception | None = None
        for b in range(reduction.put_so_far, len(flats.sizes)):
            tensors = {k: last.tensors[k] for k in flats.members[b]}
            try:
                arrays = {k: None if x is None else array_of(x) for k, x in tensors.items()}
            except Exception as failed:
                error, arrays = error or failed, dict.fromkeys(tensors)
            mark = len(last.tensors) - 1
            if error is not None and mark in arrays:
                arrays[mark] = np.full(2 * len(self._places), np.nan)
            complete(b, arrays)
        return error


class Taken(NamedTuple):
    """Gradients, buffers and marks of one shard, in the order of the flat buffers, and the factor of each."""

    number: int
    tensors: list[Any]
    scales: list[float | None]


def is_wrong(array: Any) -> bool:
    """Whether there is an error in the place of an array."""
    return not isinstance(array, np.ndarray)


def now(place: Any) -> Tensor:
    """The value of a place at this moment, outside of the graph."""
    return detach(place._read())


def copy(values: Sequence[Tensor], places: Sequence[Any]) -> None:
    """Write values to places."""
    for value, place in zip(values, places, strict=True):
        place.data.copy_(value)


def _add(p: Any, g: Any) -> None:
    before = gradient_of(p)
    set_grad(p, g if before is None else before + g)


def parallel(
    module: Module,
    shards: int | None = None,
    *,
    bucket_mb: float = BUCKET,
    buffers: bool = True,
    group: RankGroup | None = None,
) -> Parallel:
    """A module whose gradients are reduced over the ranks of a group.

    Parameters, buffers and the default generator become those of the first rank. With ``shards`` a batch is so many
    parts, gradients are their mean, and the bits of a run do not depend on the number of ranks:
    ``for x, y in model.shards(batch): loss(model(x), y).backward()``. Without it each rank has one part, and every
    ``backward()`` outside of ``no_sync()`` ends with the reduction, as in PyTorch's DistributedDataParallel; a
    parameter that no rank has used keeps its gradient. Sums are sent in buckets of ``bucket_mb`` megabytes. With
    ``buffers`` floating ones are averaged, the others are those of the first shard. CollectiveError if ranks bring
    modules of other parameters.

    >>> net = tn.distributed.parallel(nn.Linear(2, 1))
    >>> net(tn.ones(3, 2)).mean().backward()
    >>> net.module.weight.grad
    tensor([[1., 1.]])
    """
    if not isinstance(module, Module):
        raise DTypeError(f"parallel: module is an nn.Module, not {shown(module)}")
    if isinstance(bucket_mb, bool) or not isinstance(bucket_mb, int | float) or not bucket_mb > 0:
        raise ValueError(f"parallel: bucket_mb is a number of megabytes above 0, not {shown(bucket_mb)}")
    count = None if shards is None else count_of(shards, "parallel")
    return Parallel(module, count, bucket_mb, flag("parallel: buffers", buffers), group)


