"""Many files, checked by several processes where that pays."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from tenure.check.engine import check
from tenure.diagnostic import Diagnostic

__all__ = ["Checked", "check_files", "default_jobs"]

_PAYS = 1_500_000  # bytes for each process more, below which starting it takes longer than it saves
_PARTS = 4  # for each process, so that none waits long for another


class Checked(NamedTuple):
    """The reports of some files, before suppressions, and which files each depends on."""

    found: list[Diagnostic]
    depends: dict[str, set[str]]


def default_jobs() -> int:
    """How many processes may run at once here."""
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
    method = "fork" if sys.platform == "linux" else "spawn"
    out = Checked([], {})
    with import_module("multiprocessing").get_context(method).Pool(jobs, _leave_interrupts) as pool:
        for part in pool.imap_unordered(_part, parts):
            out.found.extend(part.found)
            out.depends.update(part.depends)
    return out


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


def _part(given: tuple[list[str], list[str], bool]) -> Checked:
    files, tree, strict = given
    result = check(files, strict=strict, tree=tree)
    return Checked(result.diagnostics, result.depends)


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; the one that shares the work out ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
