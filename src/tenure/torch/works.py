"""The classes of ``torch.distributed``: ways to reduce, names, and collectives that were begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.torch.futures import Future

__all__ = ["Backend", "GroupMember", "P2POp", "ReduceOp", "Work", "group"]


class ReduceOp:
    """Ways to reduce, by PyTorch's names."""

    SUM, PRODUCT, MIN, MAX, AVG = "sum", "product", "min", "max", "mean"
    BAND, BOR, BXOR = "and", "or", "xor"


class Backend(str):
    """Name of a backend; MPI is used for any."""

    GLOO, NCCL, MPI, UNDEFINED = "gloo", "nccl", "mpi", "undefined"


class group:
    """The group of all ranks, as ``group.WORLD``."""

    WORLD: Any = None


class GroupMember:
    """Marks of groups."""

    WORLD: Any = None
    NON_GROUP_MEMBER = -100


class Work:
    """A collective that was begun; all but a reception are done."""

    def __init__(self, wait: Callable[[], Any] | None = None, result: Any = None) -> None:
        self._wait, self._result = wait, result
        self.source = -1
        """The number in its group of the rank that a message has come from."""

    def wait(self, timeout: Any = None) -> bool:
        """Wait until it is done; True."""
        waiting, self._wait = self._wait, None
        if waiting is not None:
            self._result = waiting()
        return True

    def is_completed(self) -> bool:
        """Whether it is done."""
        return self._wait is None

    is_success = is_completed

    def result(self) -> Any:
        """The tensors that were written."""
        return self._result

    def get_future(self) -> Future:
        """The same as a future."""
        self.wait()
        made = Future()
        made.set_result(self._result)
        return made


class P2POp:
    """A message for ``batch_isend_irecv``."""

    def __init__(self, op: Any, tensor: Any, peer: Any = None, group: Any = None, tag: int = 0) -> None:
        self.op, self.tensor, self.peer, self.group, self.tag = op, tensor, peer, group, tag
