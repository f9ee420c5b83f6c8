"""Checks of many files in several processes, where that pays."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from tenure.check.engine import check
from tenure.check.settings import SettingsError
from tenure.diagnostic import Diagnostic, Label, Span

__all__ = ["Checked", "check_files", "default_jobs"]

_PAYS = 400_000  # bytes for each process more, below which starting it takes longer than it saves
_PARTS = 4  # for each process, so that none waits long for another


_Given = tuple[list[str], list[str], bool]


class Checked(NamedTuple):
    """The reports of some files, before suppressions, and the dependencies of each."""

    found: list[Diagnostic]
    depends: dict[str, set[str]]


def default_jobs() -> int:
    """The number of processes that may run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_files(
    files: Sequence[str], tree: Sequence[str], sizes: Mapping[str, int], strict: bool, jobs: int
) -> Checked:
    """Check files; imports are followed into `tree`."""
    total = sum(sizes.get(path, 0) for path in files)
    jobs = min(jobs, 1 + total // _PAYS)
    if jobs < 2:
        return _part((list(files), list(tree), strict))
    parts = [(part, list(tree), strict) for part in split(files, sizes, jobs * _PARTS)]
    return _in_processes(parts, jobs)


def _in_processes(parts: Sequence[_Given], jobs: int) -> Checked:
    """The parts, checked by several processes. The processes end with this function, also by an exception."""
    processes = import_module("multiprocessing")
    futures = import_module("concurrent.futures")
    context = processes.get_context("fork" if sys.platform == "linux" else "spawn")
    out, threads = Checked([], {}), {*threading.enumerate()}
    try:
        with futures.ProcessPoolExecutor(jobs, context, _leave_interrupts) as pool:
            try:
                with _interrupts_later():  # the processes are started, and start out without interrupts
                    checked = pool.map(_part, parts)
                for part in checked:
                    out.found.extend(part.found)
                    for path, needed in part.depends.items():
                        out.depends.setdefault(path, set()).update(needed)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                _end(processes.active_children())
                for thread in {*threading.enumerate()} - threads:  # the pool's: Python's exit may not meet its end
                    thread.join(5.0)
                raise
    except futures.process.BrokenProcessPool:
        raise SettingsError("a process of the check was ended from outside, perhaps for lack of memory") from None
    return out


def _end(children: Sequence[Any]) -> None:
    """End processes. The pool's own thread waits for them too, and only one of the two sees each end."""
    for child in children:
        child.terminate()
    for child in children:
        while child.is_alive():
            child.join(0.01)


def split(files: Sequence[str], sizes: Mapping[str, int], parts: int) -> list[list[str]]:
    """Neighbouring files together, which share imports, in parts of about the same size."""
    wanted = sum(sizes.get(path, 0) for path in files) / parts
    out: list[list[str]] = [[]]
    size = 0
    for path in files:
        if size >= wanted and out[-1]:
            out.append([])
            size = 0
        out[-1].append(path)
        size += sizes.get(path, 0)
    return out


def _part(given: _Given) -> Checked:
    """The result of `check`; a file on which it fails is one report, and the rest is checked."""
    files, tree, strict = given
    try:
        result = check(files, strict=strict, tree=tree)
    except Exception as error:
        if len(files) == 1:
            return Checked([_failure(files[0], error)], {files[0]: set(tree)})
        middle = len(files) // 2
        halves = [_part((half, tree, strict)) for half in (files[:middle], files[middle:])]
        return Checked(halves[0].found + halves[1].found, {**halves[0].depends, **halves[1].depends})
    return Checked(result.diagnostics, result.depends)


def _failure(path: str, error: Exception) -> Diagnostic:
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    message = f"the checker fails on this file ({said})"
    return Diagnostic("TN000", "checker-failed", message, Label(Span(path, 1, 0, 1, 0)), help="please report it")


def _leave_interrupts() -> None:
    """Ignore Ctrl-C in a worker: it reaches every process of the terminal, and the parent ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Delay interrupts to the end of the block."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
