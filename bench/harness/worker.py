"""A process for each library: it builds rows, runs them, and times them when it is told to.

So that no library's threads or memory disturb another, and a crash ends one process only.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import re
import resource
import statistics
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from harness.sides import SIDES

COMPARED = 3
"""The call whose results are compared: programs seen before are compiled by then."""
WARM_UP = 3
PATIENCE = 300.0
FILES = ("pointwise", "reductions", "scans", "training", "networks", "indexing", "order", "draws", "convolutions")
FILES += ("batches", "images", "tables", "formats", "models")


def rows_of(*files: str) -> dict[str, Any]:
    """The rows of some files by name."""
    return {row.name: row for name in files for row in importlib.import_module(f"rows.{name}").ROWS}


def all_rows() -> dict[str, Any]:
    """The rows of ``bench/peers.py`` by name."""
    return rows_of(*FILES)


class Failure(Exception):
    """A library could not run a row; the text says why."""


class Bench:
    """What runs in the process of a library."""

    def __init__(self, side: str, threads: int) -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        os.environ.setdefault("TENURE_COMPILE", "wait")
        self.side = SIDES[side]()
        self.side.start(threads)
        self.rows = rows_of(*FILES, "lookups")
        self.step: Any = None

    def version(self) -> str:
        return self.side.version()

    def prepare(self, name: str, size: str) -> list[Any]:
        """Build a row and warm up; the results that are compared."""
        self.step = None
        self.side.reset()
        gc.collect()
        row = self.rows[name]
        if row.not_in and self.side.name in row.not_in:
            raise Failure(row.not_in[self.side.name])
        self.side.whole(row.whole)
        self.step = getattr(row, self.side.style)(self.side, *row.inputs(np.random.default_rng(0), *row.sizes[size]))
        for _ in range(COMPARED):
            results = self.run()
        found = [np.array(a) for a in row.compared([self.side.numpy(x) for x in results])]
        del results
        for _ in range(WARM_UP):
            self.time(row.warm_up / WARM_UP)
        return found

    def run(self) -> Any:
        results = self.step()
        self.side.wait(results)
        return results

    def time(self, seconds: float) -> float:
        """The median time of a call, in seconds, over about so many seconds."""
        times: list[float] = []
        end = time.perf_counter() + seconds
        while not times or (time.perf_counter() < end and len(times) < 20000):
            start = time.perf_counter()
            results = self.run()
            times.append(time.perf_counter() - start)
            del results
        return statistics.median(times)

    def memory(self, name: str, small: str, large: str) -> int:
        """By how many bytes the peak grows when a row runs at its large size, once its code has run at the small."""
        self.prepare(name, small)
        before = peak()
        self.prepare(name, large)
        return peak() - before


def peak() -> int:
    """The largest resident set so far, in bytes. Linux hands ``ru_maxrss`` down to new processes, but not VmHWM."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def serve(side: str, threads: int, connection: Any) -> None:
    """Answer calls until the connection closes."""
    try:
        bench = Bench(side, threads)
        connection.send((True, bench.version()))
    except Exception as error:
        connection.send((False, f"{type(error).__name__}: {error}"))
        return
    while True:
        try:
            method, args = connection.recv()
        except EOFError:
            return
        try:
            connection.send((True, getattr(bench, method)(*args)))
        except Exception as error:
            if not isinstance(error, Failure):
                traceback.print_exc()
            lines = str(error).strip().splitlines()
            kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
            connection.send((False, kind + (lines[0][:160] if lines else "")))


class Worker:
    """The process of a library, as the driver sees it. A call gives the answer or raises Failure."""

    def __init__(self, side: str, threads: int) -> None:
        self.side = side
        self.threads = threads
        self.process: Any = None
        self.version = self.start()

    def start(self) -> str:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(self.side, self.threads, theirs), daemon=True)
        self.process.start()
        theirs.close()
        return str(self.answer())

    def call(self, method: str, *args: Any) -> Any:
        if self.process is None:
            self.start()
        self.connection.send((method, args))
        return self.answer()

    def answer(self) -> Any:
        try:
            if not self.connection.poll(PATIENCE):
                self.stop()
                raise Failure(f"no answer within {PATIENCE:.0f} s")
            fine, answer = self.connection.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            self.process = None
            raise Failure(f"the process ended with {code}") from None
        if not fine:
            raise Failure(answer)
        return answer

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.connection.close()
            self.process.kill()
            self.process.join()
            self.process = None
