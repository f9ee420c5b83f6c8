"""Messages between two ranks.

A value never changes, so ``send`` copies nothing and does not wait: the message leaves from the value's own memory,
which is kept until the other rank has it. Shape, dtype and line travel in front of the elements.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.distributed.algorithms import PIECE, octets
from tenure.distributed.collectives import flat, shaped
from tenure.distributed.waiting import Wait, begun, finish, refuse_broken, sweep
from tenure.distributed.world import JOB, RankGroup, chosen, peer
from tenure.dtypes import as_dtype
from tenure.errors import CollectiveError
from tenure.func.custom import custom_vjp
from tenure.ir.aval import Aval
from tenure.runtime.buffers import empty
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.var import Var
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.given import flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike

HEAD = 512
"""Bytes of what is sent in front of the elements."""
MOST_TAG = 2**14
BACK = MOST_TAG
"""Tags of users lie below; those of the cotangents of their messages above."""


@checked_first
def send(x: ArrayLike, to: int, tag: int = 0, *, group: RankGroup | None = None) -> Tensor:
    """Send a tensor to another rank, without waiting for it; ``recv`` there takes it.

    The result is a zero that depends on x: ``send(h, 1).backward()`` waits for the cotangent of h from the rank that
    has received it with ``requires_grad=True``. ValueError for a rank or a tag that is none.

    >>> net = nn.Linear(2, 2)
    >>> stage = lambda x: tn.distributed.send(net(x), 1).backward()
    """
    into, number, tag = _checked("send", group, to, tag)
    value = value_of(x)
    if not (value.requires_grad and is_grad_enabled()):
        post(into, value, number, tag)
        return zeros((), dtype=value.dtype)

    def forward(y: Tensor) -> tuple[Tensor, Any]:
        post(into, y, number, tag)
        return zeros((), dtype=y.dtype), ()

    rule = custom_vjp(lambda y: forward(y)[0])
    rule.defvjp(forward, lambda _, g: (take(into, number, BACK + tag, f"the backward of send(…, to={number})"),))
    return rule(value)


@checked_first
def recv(source: int, tag: int = 0, *, requires_grad: bool = False, group: RankGroup | None = None) -> Tensor:
    """The next tensor that rank ``source`` has sent with this tag: a value; waits for it.

    With ``requires_grad`` its cotangent goes back to the sender in ``backward()``. ValueError for a rank or a tag that
    is none; CollectiveError where no message can ever come.

    >>> head = nn.Linear(2, 1)
    >>> stage = lambda: head(tn.distributed.recv(0, requires_grad=True)).sum().backward()
    """
    into, number, tag = _checked("recv", group, source, tag)
    found = take(into, number, tag, f"recv(source={number}, tag={tag})")
    if not flag("recv: requires_grad", requires_grad):
        return found

    def backward(_: Any, g: Tensor) -> tuple[Tensor]:
        post(into, g, number, BACK + tag)
        return (zeros((), dtype=found.dtype),)

    rule = custom_vjp(lambda y: found)
    rule.defvjp(lambda y: (found, ()), backward)
    return rule(Var(zeros((), dtype=found.dtype), requires_grad=True))


def _checked(name: str, group: RankGroup | None, other: Any, tag: Any) -> tuple[RankGroup, int, int]:
    into = chosen(group)
    refuse_broken(into)
    number, tag = peer(into, other, f"{name}: the rank"), int_of(tag, f"{name}: tag")
    if number == into.rank:
        raise ValueError(f"{name}: rank {number} is this one")
    if not 0 <= tag < MOST_TAG:
        raise ValueError(f"{name}: tag lies in [0, {MOST_TAG}), and {tag} does not")
    return into, number, tag


def post(group: RankGroup, x: Tensor, to: int, tag: int) -> list[Any]:
    """Send a value; gives the requests of MPI."""
    array, aval = flat(x)
    head = pickle.dumps((tuple(aval.shape), aval.dtype.name, site(here())))
    if len(head) > HEAD:
        head = pickle.dumps((tuple(aval.shape), aval.dtype.name, None))
    sweep()
    assert JOB.world is not None
    number = group.ranks[to]
    data, byte, where = octets(array), JOB.mpi.BYTE, JOB.world.ranks.index(number)
    first = head.ljust(HEAD, b"\0")
    whole = [first, *(data[k : k + PIECE] for k in range(0, data.size, PIECE))]
    found = [begun(JOB.letters.Isend, [part, byte], where, tag) for part in whole]
    JOB.under_way += [(request, (first, data)) for request in found]
    JOB.sent[number, tag] += 1
    return found


def take(group: RankGroup, source: int, tag: int, what: str) -> Tensor:
    """Receive a value."""
    assert JOB.world is not None
    number = group.ranks[source]
    wait = Wait(what, (number,), number=JOB.received[number, tag] + 1, tag=tag)
    where, byte, first = JOB.world.ranks.index(number), JOB.mpi.BYTE, np.empty(HEAD, np.uint8)
    finish([begun(JOB.letters.Irecv, [first, byte], where, tag)], wait, first)
    shape, name, _ = pickle.loads(first.tobytes())
    aval = Aval(shape, as_dtype(name))
    out = empty(aval.size, aval.dtype.numpy)
    data = octets(out)
    pieces = [data[k : k + PIECE] for k in range(0, data.size, PIECE)]
    parts = [begun(JOB.letters.Irecv, [part, byte], where, tag) for part in pieces]
    finish(parts, Wait(what), data)
    JOB.received[number, tag] += 1
    return shaped(out, aval)


class Arrival:
    """The next message with a tag from any rank, as a request that ``finish`` can wait for."""

    def __init__(self, tag: int) -> None:
        self.tag, self.status = tag, JOB.mpi.Status()

    def Test(self) -> bool:
        """Whether there is one."""
        return bool(JOB.letters.Iprobe(JOB.mpi.ANY_SOURCE, self.tag, self.status))


def arrived(group: RankGroup, tag: int) -> int:
    """The rank, in a group, whose message with this tag comes next; waits for one."""
    assert JOB.world is not None
    refuse_broken(group)
    if group.size == 1:
        raise CollectiveError("recv: there is no other rank", at=site(here()))
    coming = Arrival(tag)
    finish([coming], Wait(f"recv(tag={tag}) from any rank"))
    return group.ranks.index(JOB.world.ranks[coming.status.Get_source()])
