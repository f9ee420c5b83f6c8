"""``torch.distributed`` on MPI: PyTorch's names and habits for ``tenure.distributed``.

Ranks are those of ``tenure launch`` or ``mpirun``; a backend's name, an address and a port are accepted and not used.
Collectives write their results into the tensors that they are given, and are done when they return: the ``Work`` of
``async_op=True`` has nothing to wait for, but for ``irecv``.
"""

from __future__ import annotations

import os
from typing import Any

from tenure import distributed as home
from tenure.distributed.letters import arrived
from tenure.distributed.world import JOB, RankGroup, chosen
from tenure.torch import absent, virtual
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.errors import TorchValueError, refuse
from tenure.torch.groups import exchanged, inside, members_only
from tenure.torch.works import Backend as Backend
from tenure.torch.works import GroupMember, P2POp, ReduceOp, Work
from tenure.torch.works import group as group
from tenure.values.operations.shaping import concat, stack
from tenure.values.rules.modes import no_grad

ProcessGroup = RankGroup
_STARTED = [False]
_NAMED = ["mpi"]
"""The backend that the program has asked for."""


reduce_op = ReduceOp


def is_available() -> bool:
    """True: a program that MPI has not started is a group of one."""
    return True


def is_initialized() -> bool:
    """Whether ``init_process_group`` was called."""
    return _STARTED[0]


def init_process_group(backend: Any = None, init_method: Any = None, timeout: Any = None, world_size: int = -1,
                       rank: int = -1, store: Any = None, group_name: str = "", pg_options: Any = None,
                       device_id: Any = None) -> None:  # fmt: skip
    """Join the ranks that MPI has started; ValueError if there is another number of them than is said."""
    if is_initialized():
        raise refuse("trying to initialize the default process group twice!", TorchValueError)
    seconds = None if timeout is None else timeout.total_seconds()
    home.init(**({} if seconds is None else {"timeout": seconds}))
    said = world_size if world_size >= 0 else int(os.environ.get("WORLD_SIZE", home.size()))
    if said != home.size():
        raise refuse(f"init_process_group: {said} processes are said to be there, and MPI has started {home.size()}",
                     TorchValueError, help=f"tenure launch -n {said} script.py")  # fmt: skip
    _STARTED[0] = True
    _NAMED[0] = str(backend).lower() if backend else "mpi"


def destroy_process_group(group: Any = None) -> None:
    """Leave; a new ``init_process_group`` joins again."""
    if group is None or group is GroupMember.WORLD:
        _STARTED[0] = False


def get_rank(group: Any = None) -> int:
    """The number of this process in a group, −1 outside of it."""
    return _started(group).rank


def get_world_size(group: Any = None) -> int:
    """The number of processes in a group, −1 outside of it."""
    found = _started(group)
    return found.size if found.rank >= 0 else -1


def get_backend(group: Any = None) -> str:
    """The backend's name, as ``init_process_group`` was given it; MPI carries what is sent, whatever the name."""
    _started(group)
    return _NAMED[0]


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The numbers of a group's ranks among all."""
    every = home.world().ranks
    return [every.index(r) for r in _started(group).ranks]


def get_group_rank(group: Any, global_rank: int) -> int:
    """The number in a group of a rank."""
    return inside(_started(group), global_rank, "global_rank")


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number among all of a rank of a group."""
    return get_process_group_ranks(group)[group_rank]


def new_group(
    ranks: Any = None,
    timeout: Any = None,
    backend: Any = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: Any = None,
    device_id: Any = None,
) -> Any:
    """A group of some ranks; all ranks call it."""
    _started(None)
    return home.new_group(ranks)


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Any:
    """Wait until all ranks have come."""
    home.barrier(group=_started(group))
    return Work() if async_op else None


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """Wait until all ranks have come; CollectiveError where one never can."""
    barrier(group)


def all_reduce(tensor: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Any:
    """Write the sum over all ranks into the tensor."""
    found = home.all_reduce(_plain(tensor), op, group=_started(group))
    return _done(async_op, (tensor, found))


def reduce(tensor: Any, dst: Any = None, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False,
           group_dst: Any = None) -> Any:  # fmt: skip
    """Write the sum over all ranks into the tensor of one of them."""
    into = _started(group)
    to = inside(into, dst, "dst") if group_dst is None else group_dst
    found = home.all_reduce(_plain(tensor), op, group=into)
    return _done(async_op, *([(tensor, found)] if into.rank == to else []))


def broadcast(tensor: Any, src: Any = None, group: Any = None, async_op: bool = False, group_src: Any = None) -> Any:
    """Write the tensor of one rank into those of all."""
    into = _started(group)
    source = inside(into, src, "src") if group_src is None else group_src
    return _done(async_op, (tensor, home.broadcast(_plain(tensor), source, group=into)))


def all_gather(tensor_list: Any, tensor: Any, group: Any = None, async_op: bool = False) -> Any:
    """Write the tensors of all ranks into those of a list."""
    found = home.all_gather(_plain(tensor), group=_started(group))
    return _done(async_op, *_by_row(tensor_list, found, "tensor_list"))


def all_gather_into_tensor(output_tensor: Any, input_tensor: Any, group: Any = None, async_op: bool = False) -> Any:
    """Write the tensors of all ranks into one: end to end, or as its rows."""
    found = home.all_gather(_plain(input_tensor), group=_started(group))
    return _done(async_op, (output_tensor, found.reshape(tuple(output_tensor.shape))))


def gather(tensor: Any, gather_list: Any = None, dst: Any = None, group: Any = None, async_op: bool = False,
           group_dst: Any = None) -> Any:  # fmt: skip
    """Write the tensors of all ranks into those of a list on one rank."""
    into = _started(group)
    to = inside(into, 0 if dst is None else dst, "dst") if group_dst is None else group_dst
    found = home.all_gather(_plain(tensor), group=into)
    return _done(async_op, *(_by_row(gather_list, found, "gather_list") if into.rank == to else []))


def scatter(tensor: Any, scatter_list: Any = None, src: Any = None, group: Any = None, async_op: bool = False,
            group_src: Any = None) -> Any:  # fmt: skip
    """Write an entry of one rank's list into the tensor of each."""
    into = _started(group)
    source = inside(into, 0 if src is None else src, "src") if group_src is None else group_src
    given = scatter_list if into.rank == source else [tensor] * into.size
    found = home.all_to_all(stack([_plain(x) for x in given]), group=into)
    return _done(async_op, (tensor, found[source]))


def reduce_scatter(output: Any, input_list: Any, op: Any = ReduceOp.SUM, group: Any = None,
                   async_op: bool = False) -> Any:  # fmt: skip
    """Write the sum of the entries for this rank into a tensor."""
    found = home.reduce_scatter(stack([_plain(x) for x in input_list]), op, group=_started(group))
    return _done(async_op, (output, found))


def reduce_scatter_tensor(output: Any, input: Any, op: Any = ReduceOp.SUM, group: Any = None,
                          async_op: bool = False) -> Any:  # fmt: skip
    """Write this rank's part of the sum of tensors into one."""
    into = _started(group)
    rows = _plain(input).reshape((into.size, *output.shape))
    return _done(async_op, (output, home.reduce_scatter(rows, op, group=into)))


def all_to_all(output_tensor_list: Any, input_tensor_list: Any, group: Any = None, async_op: bool = False) -> Any:
    """Write entry ``rank`` of each rank's list into the tensors of another."""
    found = exchanged(_started(group), [_plain(x) for x in input_tensor_list], [_plain(x) for x in output_tensor_list])
    return _done(async_op, *zip(output_tensor_list, found, strict=True))


def all_to_all_single(output: Any, input: Any, output_split_sizes: Any = None, input_split_sizes: Any = None,
                      group: Any = None, async_op: bool = False) -> Any:  # fmt: skip
    """Write part ``rank`` of each rank's tensor into one, end to end; parts are equally long unless sizes are given."""
    into = _started(group)
    given, room = (
        list(_plain(x).split(list(sizes) if sizes else len(x) // into.size))
        for x, sizes in ((input, input_split_sizes), (output, output_split_sizes))
    )
    return _done(async_op, (output, concat(exchanged(into, given, room))))


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Write the objects of all ranks into a list."""
    object_list[:] = home.all_gather_object(obj, group=_started(group))


def gather_object(obj: Any, object_gather_list: Any = None, dst: Any = None, group: Any = None,
                  group_dst: Any = None) -> None:  # fmt: skip
    """Write the objects of all ranks into a list on one."""
    into = _started(group)
    to = inside(into, 0 if dst is None else dst, "dst") if group_dst is None else group_dst
    found = home.all_gather_object(obj, group=into)
    if into.rank == to:
        object_gather_list[:] = found


def broadcast_object_list(object_list: list[Any], src: Any = None, group: Any = None, device: Any = None,
                          group_src: Any = None) -> None:  # fmt: skip
    """Write the objects of one rank's list into that of each."""
    into = _started(group)
    source = inside(into, 0 if src is None else src, "src") if group_src is None else group_src
    object_list[:] = home.broadcast_object(list(object_list), source, group=into)


def scatter_object_list(scatter_object_output_list: list[Any], scatter_object_input_list: Any = None, src: Any = None,
                        group: Any = None, group_src: Any = None) -> None:  # fmt: skip
    """Write an entry of one rank's list into the first place of each rank's."""
    into = _started(group)
    source = inside(into, 0 if src is None else src, "src") if group_src is None else group_src
    scatter_object_output_list[0] = home.broadcast_object(scatter_object_input_list, source, group=into)[into.rank]


def send(tensor: Any, dst: Any = None, group: Any = None, tag: int = 0, group_dst: Any = None) -> None:
    """Send a tensor."""
    isend(tensor, dst, group, tag, group_dst)


def isend(tensor: Any, dst: Any = None, group: Any = None, tag: int = 0, group_dst: Any = None) -> Work:
    """Send a tensor as it is now: writing it afterwards changes nothing."""
    into = _started(group)
    home.send(_plain(tensor), inside(into, dst, "dst") if group_dst is None else group_dst, tag, group=into)
    return Work(result=tensor)


def recv(tensor: Any, src: Any = None, group: Any = None, tag: int = 0, group_src: Any = None) -> int:
    """Write the next tensor from a rank into one; gives the rank."""
    work = irecv(tensor, src, group, tag, group_src)
    work.wait()
    return get_global_rank(group, work.source)


def irecv(tensor: Any, src: Any = None, group: Any = None, tag: int = 0, group_src: Any = None) -> Work:
    """The same, when ``wait()`` is called."""
    into = _started(group)
    source = None if src is None and group_src is None else inside(into, src, "src") if group_src is None else group_src

    def wait() -> Any:
        work.source = arrived(into, tag) if source is None else source
        _write(tensor, home.recv(work.source, tag, group=into))
        return tensor

    work = Work(wait)
    return work


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Work]:
    """Begin several messages."""
    return [op.op(op.tensor, op.peer, op.group, op.tag) for op in p2p_op_list]


def _started(group: Any) -> RankGroup:
    if not is_initialized():
        message = "Default process group has not been initialized, please make sure to call init_process_group."
        raise refuse(message, TorchValueError)
    if isinstance(group, RankGroup) and group.rank < 0:
        return group
    return chosen(group)


def _plain(x: Any) -> Any:
    """The value of a tensor, outside of the graph."""
    if not isinstance(x, Tensor):
        raise refuse(f"a collective takes a Tensor, not a {type(x).__name__}", TypeError)
    return unwrap(x).detach()


def _write(tensor: Any, found: Any) -> None:
    no_grad().apply(tensor.copy_, wrap(found))


def _done(async_op: bool, *pairs: tuple[Any, Any]) -> Work | None:
    """Write results into their tensors."""
    for tensor, found in pairs:
        _write(tensor, found)
    return Work(result=[tensor for tensor, _ in pairs]) if async_op else None


def _by_row(tensors: Any, found: Any, name: str) -> list[tuple[Any, Any]]:
    if tensors is None or len(tensors) != found.shape[0]:
        raise refuse(f"{name} has a tensor for each of {found.shape[0]} ranks", TorchValueError)
    return [(x, found[k]) for k, x in enumerate(tensors)]


COLLECTIVES = """
barrier all_reduce reduce broadcast all_gather all_gather_into_tensor gather scatter reduce_scatter
reduce_scatter_tensor all_to_all all_to_all_single all_gather_object gather_object broadcast_object_list
scatter_object_list
"""
for _name in COLLECTIVES.split():
    globals()[_name] = members_only(globals()[_name])
ANSWERS: dict[str, Any] = {
    **dict.fromkeys(["is_mpi_available", "is_gloo_available"], is_available),
    **dict.fromkeys(["is_nccl_available", "is_ucc_available", "is_torchelastic_launched"], lambda: False),
    "get_default_backend_for_device": lambda device: "mpi",
    "get_node_local_rank": lambda fallback_rank=0: JOB.local_rank,
}
"""Names that are answered."""
ABSENT = ["Store", "TCPStore", "FileStore", "PrefixStore", "HashStore", "init_device_mesh", "DeviceMesh"]
"""Names that are refused when they are used."""


def __getattr__(name: str) -> Any:
    if name in ANSWERS:
        return ANSWERS[name]
    if name in ABSENT:
        return absent.refused("distributed", name, absent.PROCESSES)
    found = absent.made(f"distributed.{name}")
    if found is None:
        raise AttributeError(f"module 'torch.distributed' has no attribute {name!r}", name=name)
    return found


virtual.room("distributed.distributed_c10d", lambda name: globals()[name], ["ReduceOp", "ProcessGroup", "Work"])
for _name in ("elastic", "elastic.multiprocessing"):
    virtual.room(f"distributed.{_name}", lambda name: None, [])
virtual.room("distributed.elastic.multiprocessing.errors", lambda name: lambda function=None, *_: function, ["record"])
