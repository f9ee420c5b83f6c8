"""Collectives of arrays, as messages between pairs of ranks.

Each begins with a meeting: the ranks compare in log₂(size) rounds of 17 bytes that they are at the same collective of
the same shapes, so that no data is ever taken for other data. Arrays are sent from where they lie and received where
they are wanted. All sums are those of ``tree``: an all-reduce sends each rank its chunk of every subtree, which that
rank adds, and gathers the chunks; twice the size goes through each rank, as in a ring.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from tenure.distributed.tree import Adder, Array, Node, roots, share, total
from tenure.distributed.waiting import ORDER, Note, Wait, begun, finish, line_of, refuse_broken, unmet
from tenure.distributed.world import JOB, RankGroup
from tenure.errors import CollectiveError
from tenure.runtime.buffers import empty

MEETING, DATA, SUM = 1, 2, 3
"""Tags of messages."""
PIECE = 1 << 30
"""Bytes that one message of MPI takes: its counts are C ints."""
SMALL = 1 << 14
"""Bytes up to which all parts are sent to all ranks, in one round instead of two."""
LINE = 64
"""Bytes of which a chunk is a multiple: cache lines."""
BLOCK, AHEAD = 1 << 22, 2
"""Bytes of a chunk that are added and sent on while the next ones come; how many of these are awaited at once."""
Parcel = tuple[int, Array]
"""Rank of a group, and the array that is sent to it or received from it."""


def octets(array: Array) -> Array:
    """The bytes of a contiguous array."""
    return array.reshape(-1).view(np.uint8)


class Flight:
    """Messages of a group that are under way, and the memory that they use."""

    def __init__(self, group: RankGroup, wait: Wait) -> None:
        self.group, self.wait = group, wait
        self.requests: list[Any] = []
        self.held: list[Any] = []

    def send(self, to: int, array: Array, tag: int = DATA) -> None:
        """Send an array."""
        self._begin(self.group.comm.Isend, to, array, tag)

    def receive(self, source: int, array: Array, tag: int = DATA) -> None:
        """Receive into an array."""
        self._begin(self.group.comm.Irecv, source, array, tag)

    def _begin(self, begin: Any, other: int, array: Array, tag: int) -> None:
        data, byte = octets(array), JOB.mpi.BYTE
        self.held.append(data)
        for start in range(0, data.size, PIECE):
            self.requests.append(begun(begin, [data[start : start + PIECE], byte], other, tag))

    def finish(self, first: int = 0, last: int | None = None) -> None:
        """Wait for messages, of all or of those between two counts."""
        finish(self.requests[first:last], self.wait, (self.requests, self.held))


def exchange(
    group: RankGroup, sends: Sequence[Parcel], receives: Sequence[Parcel], wait: Wait, tag: int = DATA
) -> None:
    """Send and receive arrays, all at once."""
    flight = Flight(group, wait)
    for other, array in receives:
        flight.receive(other, array, tag)
    for other, array in sends:
        flight.send(other, array, tag)
    if flight.requests:
        flight.finish()


def meet(group: RankGroup, what: str, detail: str = "", help: str = ORDER) -> Wait:
    """Begin a collective, once all ranks of the group are at it; CollectiveError where some are at another one.

    ``what`` is how messages call it, ``detail`` what has to be equal besides; ``help`` is for ranks that differ in it.
    """
    refuse_broken(group)
    group.number += 1
    if group.size == 1:
        return Wait(what)
    others = tuple(r for k, r in enumerate(group.ranks) if k != group.rank)
    wait = Wait(what, others, group.name, group.number)
    mine = np.frombuffer(blake2b(f"{what}|{detail}".encode(), digest_size=16).digest() + b"\1", np.uint8).copy()
    digest, step = mine[:16].tobytes(), 1
    theirs = np.empty_like(mine)
    while step < group.size:
        after, before = (group.rank + step) % group.size, (group.rank - step) % group.size
        exchange(group, [(after, mine.copy())], [(before, theirs)], wait, MEETING)
        mine[16] &= theirs[16] & (theirs[:16].tobytes() == digest)
        step *= 2
    there = Wait(what)
    if not mine[16]:
        raise apart(group, objects(group, (Note(there, line_of(there)), detail), there), help)
    return there


def apart(group: RankGroup, found: Sequence[tuple[Note, str]], help: str) -> CollectiveError:
    """The error of ranks that have not met; where they differ in the detail alone, it says the first part of that."""
    notes, message = [note for note, _ in found], "ranks have come to different collectives"
    if len({note.wait.what for note in notes}) == 1:
        parts = [detail.split("; ") for _, detail in found]
        k = next((k for k, several in enumerate(zip(*parts, strict=False)) if len(set(several)) > 1), 0)
        said = [own[k] if len({len(p) for p in parts}) == 1 else f"{len(own)} of them" for own in parts]
        message = f"ranks bring different things to {notes[0].wait.what}"
        notes = [
            replace(note, wait=replace(note.wait, what=f"{note.wait.what}: {text[:80]}"))
            for note, text in zip(notes, said, strict=True)
        ]
    else:
        help = ORDER
    return unmet(message, dict(zip(group.ranks, notes, strict=True)), help)


def objects(group: RankGroup, x: Any, wait: Wait) -> list[Any]:
    """An object of each rank, pickled, within a collective."""
    data = np.frombuffer(pickle.dumps(x, protocol=5), np.uint8)
    found = pieces(group, data, wait)
    return [x if k == group.rank else pickle.loads(part.tobytes()) for k, part in enumerate(found)]


def pieces(group: RankGroup, data: Array, wait: Wait) -> list[Array]:
    """Bytes of each rank, of any length."""
    lengths = np.zeros((group.size, 1), np.int64)
    lengths[group.rank] = data.size
    gather(group, lengths, wait)
    out = [np.empty(int(n), np.uint8) for n in lengths[:, 0]]
    out[group.rank] = data
    others = [k for k in range(group.size) if k != group.rank]
    exchange(group, [(k, data) for k in others], [(k, out[k]) for k in others], wait)
    return out


def gather(group: RankGroup, rows: Array, wait: Wait) -> None:
    """Fill an array (size, …) whose row ``rank`` is there with the rows of the other ranks."""
    others = [k for k in range(group.size) if k != group.rank]
    exchange(group, [(k, rows[group.rank]) for k in others], [(k, rows[k]) for k in others], wait)


def spread(group: RankGroup, array: Array, source: int, wait: Wait) -> None:
    """Copy an array of one rank to all others, by a binomial tree: it is read there and written elsewhere."""
    number, step = (group.rank - source) % group.size, 1
    while step < group.size:
        if number < step and number + step < group.size:
            exchange(group, [((group.rank + step) % group.size, array)], [], wait)
        elif step <= number < 2 * step:
            exchange(group, [], [((group.rank - step) % group.size, array)], wait)
        step *= 2


def cuts(count: int, itemsize: int, ranks: int) -> list[slice]:
    """The chunk of each rank, of an array of so many elements."""
    line = max(1, LINE // itemsize)
    each = -(-count // (ranks * line)) * line
    return [slice(min(r * each, count), min((r + 1) * each, count)) for r in range(ranks)]


Last = Callable[[Array], Array]


def reduced(
    group: RankGroup,
    parts: int,
    own: Sequence[tuple[Node, Array]],
    form: tuple[int, Any],
    wait: Wait,
    add: Adder = np.add,
    last: Last | None = None,
) -> Array:
    """The sum of parts that are spread over the ranks by ``share``, on every rank, as a new array of one axis.

    ``own`` are subtrees of this rank, flat, of ``form`` (elements, dtype); they are only read. ``last`` is applied to
    the sum, element by element.
    """
    held = [roots(parts, share(parts, group.size, r)) for r in range(group.size)]
    size, dtype = form[0], np.dtype(form[1])
    out = empty(size, dtype)
    spreads = size * dtype.itemsize > SMALL
    chunks = cuts(size, dtype.itemsize, group.size) if spreads else [slice(0, size)] * group.size
    flight = Flight(group, wait)
    others = [k for k in range(group.size) if k != group.rank]

    def put(piece: slice, found: dict[Node, Array], free: set[Node]) -> None:
        added = total(parts, found, free, add, out[piece])
        if last is not None:
            last(added)
        for k in others if spreads else ():
            flight.send(k, added, SUM)

    for k in others if spreads else ():
        for piece in blocks(chunks[k], dtype.itemsize):
            flight.receive(k, out[piece], SUM)
    chunk_by_chunk(flight, held, own, chunks, dtype, put)
    flight.finish()
    return out


def blocks(chunk: slice, itemsize: int) -> list[slice]:
    """A chunk in parts of ``BLOCK`` bytes."""
    step = BLOCK // itemsize
    return [slice(start, min(start + step, chunk.stop)) for start in range(chunk.start, chunk.stop, step)]


def chunk_by_chunk(
    flight: Flight,
    held: Sequence[tuple[Node, ...]],
    own: Sequence[tuple[Node, Array]],
    chunks: Sequence[slice],
    dtype: Any,
    put: Callable[[slice, dict[Node, Array], set[Node]], None],
) -> None:
    """Send the chunks of this rank's subtrees, and take its own chunk of those of all: ``put`` has it block by block,
    with the nodes whose arrays it may write."""
    rank, size = flight.group.rank, dtype.itemsize
    theirs = [(r, node) for r, nodes in enumerate(held) for node in nodes if r != rank]
    mine = blocks(chunks[rank], size)
    taken: list[tuple[int, int, list[Array]]] = []

    def take(piece: slice) -> None:
        room, first = [empty(piece.stop - piece.start, dtype) for _ in theirs], len(flight.requests)
        for (r, _), array in zip(theirs, room, strict=True):
            flight.receive(r, array)
        taken.append((first, len(flight.requests), room))

    for piece in mine[:AHEAD]:
        take(piece)
    for r in range(len(chunks)):
        for piece in blocks(chunks[r], size) if r != rank else ():
            for _, array in own:
                flight.send(r, array[piece])
    for k, piece in enumerate(mine):
        first, last, room = taken[k]
        flight.finish(first, last)
        found = dict(zip((node for _, node in theirs), room, strict=True))
        put(piece, found | {node: array[piece] for node, array in own}, set(found))
        if k + AHEAD < len(mine):
            take(mine[k + AHEAD])
