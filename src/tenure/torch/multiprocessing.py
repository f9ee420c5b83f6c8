"""``torch.multiprocessing``: Python's, with ``spawn``; tensors are copied between processes."""

from __future__ import annotations

import multiprocessing as _home
from multiprocessing import *  # noqa: F403
from typing import Any

from tenure.torch import virtual

_SHARING = ["file_system"]


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: tensors are copied."""
    _SHARING[:] = [new_strategy]


def get_sharing_strategy() -> str:
    """The strategy that was set."""
    return _SHARING[0]


def get_all_sharing_strategies() -> set[str]:
    """The strategies that are accepted."""
    return {"file_descriptor", "file_system"}


class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes: list[Any]) -> None:
        self.processes = processes

    def pids(self) -> list[Any]:
        """The numbers of the processes."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for all; ProcessRaisedException for one that has failed."""
        for p in self.processes:
            p.join(timeout)
        for k, p in enumerate(self.processes):
            if p.exitcode:
                raise ProcessRaisedException(f"process {k} terminated with exit code {p.exitcode}")
        return all(p.exitcode == 0 for p in self.processes)


class ProcessRaisedException(Exception):
    """A process has failed."""


class ProcessExitedException(ProcessRaisedException):
    """A process has ended."""


def spawn(
    fn: Any, args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str | None = None,
) -> Any:  # fmt: skip
    """Start processes that call ``fn(number, *args)``: by fork where there is one, so that ``torch`` is the face."""
    methods = _home.get_all_start_methods()
    context: Any = _home.get_context("fork" if "fork" in methods else start_method or "spawn")
    processes = [context.Process(target=fn, args=(k, *args), daemon=daemon) for k in range(nprocs)]
    for p in processes:
        p.start()
    made = ProcessContext(processes)
    return made.join() if join else made


start_processes = spawn
SpawnContext = ProcessContext
virtual.room("multiprocessing.spawn", lambda name: globals()[name], ["spawn", "ProcessContext", "start_processes"])


def __getattr__(name: str) -> Any:
    return getattr(_home, name)
