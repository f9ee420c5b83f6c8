"""Collectives that ranks do not reach together: errors that can be caught, and at last one that cannot."""

from __future__ import annotations

import sys
from typing import Any

import tenure as tn
from tenure.distributed import all_reduce, barrier, broadcast, rank, size

dist = tn.distributed
CASES: list[tuple[Any, Any, str, str]] = [
    (lambda: barrier(), lambda: all_reduce(tn.ones(3)), "barrier()", "all_reduce(float32[3], 'sum')"),
    (lambda: all_reduce(tn.ones(3)), lambda: all_reduce(tn.ones(4)), "float32[3]", "float32[4]"),
    (lambda: all_reduce(tn.ones(3)), lambda: all_reduce(tn.ones(3, dtype=tn.float64)), "float32", "float64"),
    (lambda: all_reduce(tn.ones(3), "max"), lambda: all_reduce(tn.ones(3)), "'max'", "'sum'"),
    (lambda: broadcast(tn.ones(3), 0), lambda: broadcast(tn.ones(3), 1), "source=0", "source=1"),
    (lambda: dist.all_gather_object(1), lambda: dist.broadcast_object(1), "all_gather_object", "broadcast_object"),
]


def main() -> None:
    last = size() - 1
    for mine, theirs, first, second in CASES:
        try:
            (mine if rank() < last else theirs)()
        except tn.CollectiveError as error:
            said = str(error)
            assert first in said and second in said and "mismatches.py" in said and f"rank {last} waits" in said, said
        else:
            raise AssertionError("no error")
    assert all_reduce(tn.ones(2)).tolist() == [size()] * 2  # they are in step all the same
    if rank() == 0:
        print("all caught", flush=True)
    ENDINGS[sys.argv[1]]()


def deadlock() -> None:
    """A message that is never sent."""
    if rank() == last_rank():
        dist.recv(0)
    else:
        barrier()


def ended() -> None:
    """A rank whose program ends while the others go on."""
    if rank() != last_rank():
        barrier()


def error() -> None:
    """An error of one rank alone."""
    if rank() == last_rank():
        raise ZeroDivisionError("the rank's own")
    barrier()


def same() -> None:
    """An error of all ranks."""
    tn.ones(3) + tn.ones(4)


def late() -> None:
    """A rank that comes later than the limit."""
    import time

    dist.init(timeout=1.0)
    if rank() == last_rank():
        time.sleep(30)
    barrier()


def last_rank() -> int:
    return size() - 1


ENDINGS = {f.__name__: f for f in (deadlock, ended, error, same, late)}

if __name__ == "__main__":
    main()
