"""Code that is new to the library, beside PyTorch's eager mode: what the first calls cost, and when they settle.

    python bench/cold.py                     all sections
    python bench/cold.py unseen first        some of them: unseen, programs, irregular, kernels, first
    python bench/cold.py --quick             fewer repetitions
    python bench/cold.py programs --large    the large programs too

Both libraries run the same code with one thread, by turns, with Python's collector on. Their values and gradients are
compared; a disagreement is shown, and the command fails. Each program of the sections *programs*, *irregular* and
*kernels* has a process of its own for each library, with an empty disk cache.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fresh import graphs
from fresh.irregular import IRREGULAR
from fresh.kernels import KERNELS
from fresh.models import MODELS
from fresh.programs import LARGE, PROGRAMS
from harness.children import keep_bytecode
from harness.sides import SIDES
from harness.table import plain

HERE = Path(__file__).parent
NAMES = ("tenure", "torch")
TOLERANCE = 1e-6
FLOOR = 1e-6
"""Size below which results may be what rounding has left: gradients of graphs that forget their input."""
SINGLE = 2e-3
"""The tolerance of training in single precision."""
CALLS = 6
PATIENCE, QUICK_PATIENCE = 40.0, 10.0
"""Seconds for the calls of a kernel."""
MOST = 400
STEADY = 1.5
"""Times the steady call that a settled one takes, at most."""

Row = list[str]
Section = Callable[[argparse.Namespace], Iterator[Row]]


def agree(some: Sequence[Any], others: Sequence[Any], tolerance: float = TOLERANCE) -> str:
    """Nothing, or that results disagree."""
    same = len(some) == len(others) and all(
        np.shape(x) == np.shape(y) and np.allclose(x, y, rtol=tolerance, atol=tolerance * np.abs(y).max(initial=FLOOR))
        for x, y in zip(some, others, strict=True)
    )
    return "" if same else "wrong"


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:.0f}"


def unseen(options: argparse.Namespace) -> Iterator[Row]:
    """Microseconds an operation of graphs that never repeat."""
    yield ["graphs, operations", "tenure, µs", "mean", "torch, µs", "mean", "ratio", "of means", ""]
    sides = {name: SIDES[name]() for name in NAMES}
    for side in sides.values():
        side.start(1)
    for name, times, results in graphs.measured(sides, options.quick):
        least, mean = ([f(times[side]) for side in NAMES] for f in (min, statistics.fmean))
        figures = [f"{x:.2f}" for pair in zip(least, mean, strict=True) for x in pair]
        ratios = [f"{ours / theirs:.2f}" for ours, theirs in (least, mean)]
        yield [name, *figures, *ratios, agree(results["tenure"], results["torch"])]


def called(side: str, name: str, patience: float, calls: int, folder: str, connection: Any) -> None:
    """Build a program, call it, and send seconds and results of the calls: the first and the last."""
    os.environ["TENURE_CACHE_DIR"] = folder
    made = SIDES[side]()
    made.start(1)
    make, size = {**PROGRAMS, **LARGE, **IRREGULAR, **KERNELS}[name]
    step = make(made, size)
    times: list[float] = []
    results = []
    begin = time.perf_counter()
    while len(times) < calls and going_on(times, time.perf_counter() - begin, patience):
        start = time.perf_counter()
        found = step()
        times.append(time.perf_counter() - start)
        results = [*results[:1], found]
    connection.send((times, results))


def going_on(times: Sequence[float], seconds: float, patience: float) -> bool:
    """Whether to call again: some calls at least, then until patience ends and the last calls are alike."""
    if len(times) < CALLS or seconds < patience:
        return True
    return seconds < 3 * patience and max(times[-CALLS:]) > 2 * min(times[-CALLS:])


def in_process(side: str, name: str, patience: float, calls: int) -> tuple[list[float], list[Any]]:
    """What ``called`` sends, from a process of its own."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = context.Process(target=called, args=(side, name, patience, calls, folder, theirs))
        process.start()
        theirs.close()
        try:
            found: tuple[list[float], list[Any]] = mine.recv()
        except EOFError:
            found = [], []
        process.join()
    return found


def both(name: str, patience: float, calls: int) -> tuple[dict[str, list[float]], str]:
    """Seconds of each call by library, and whether they disagree."""
    found = {side: in_process(side, name, patience, calls) for side in NAMES}
    ours, theirs = (found[side][1] for side in NAMES)
    if not ours or not theirs:
        return {side: found[side][0] for side in NAMES}, "failed"
    tolerance = SINGLE if len(ours[0]) == 1 else TOLERANCE
    same = agree(ours[0], theirs[0], tolerance)
    if len(found["tenure"][0]) == len(found["torch"][0]):
        same = same or agree(ours[-1], theirs[-1], tolerance)
    return {side: found[side][0] for side in NAMES}, same


def programs(options: argparse.Namespace) -> Iterator[Row]:
    """The first calls of long programs."""
    return first_calls({**PROGRAMS, **(LARGE if options.large else {})})


def irregular(options: argparse.Namespace) -> Iterator[Row]:
    """The first calls of programs whose structure does not recur, or in parts."""
    return first_calls(IRREGULAR)


def first_calls(names: Iterable[str]) -> Iterator[Row]:
    """The first calls of some programs."""
    yield ["program", "", *[f"call {k + 1}, ms" for k in range(CALLS)], "ratio of the last", "of all", ""]
    for name in names:
        times, note = both(name, 0.0, CALLS)
        rows = [[name if side == NAMES[0] else "", side, *map(milliseconds, times[side])] for side in NAMES]
        if note == "failed":
            yield [*rows[0], *[""] * (CALLS + 4 - len(rows[0])), note]
            continue
        last, every = ([f(times[side]) for side in NAMES] for f in (lambda t: t[-1], sum))
        yield [*rows[0], f"{last[0] / last[1]:.2f}", f"{every[0] / every[1]:.2f}", note]
        yield [*rows[1], "", "", ""]


def settled(times: Sequence[float]) -> tuple[int, float, float]:
    """The first of three steady calls in a row, the seconds of a steady call, and the worst later call beside it."""
    steady = statistics.median(times[-CALLS:])
    fine = [t <= STEADY * steady for t in times]
    first = next((k for k in range(len(times)) if all(fine[k : k + 3])), len(times) - 1)
    return first + 1, steady, max(times[first:]) / steady


def kernels(options: argparse.Namespace) -> Iterator[Row]:
    """Calls until a kernel is steady."""
    columns = ["first, ms", "worst, ms", "calls until settled", "seconds", "steady, ms", "worst later / steady"]
    yield ["kernel", *columns, "torch, ms", "ratio", ""]
    for name in KERNELS:
        times, note = both(name, QUICK_PATIENCE if options.quick else PATIENCE, MOST)
        ours, theirs = (times[side] for side in NAMES)
        if not ours or not theirs:
            yield [name, *[""] * 8, note]
            continue
        calls, steady, later = settled(ours)
        peer = statistics.median(theirs)
        first = [milliseconds(ours[0]), milliseconds(max(ours)), str(calls), f"{sum(ours[: calls - 1]):.2f}"]
        rest = [milliseconds(steady), f"{later:.1f}", milliseconds(peer), f"{steady / peer:.2f}"]
        yield [name, *first, *rest, note]


def process_seconds(side: str, name: str, folder: str) -> tuple[float, float]:
    """Seconds of a whole process that takes a first training step, and what it printed."""
    environment = {**os.environ, "TENURE_CACHE_DIR": folder, "TENURE_NUM_THREADS": "1"}
    start = time.perf_counter()
    command = [sys.executable, "-m", "fresh.models", side, name]
    out = subprocess.run(command, cwd=HERE, env=environment, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - start, float(out.rpartition("result")[2])


def first(options: argparse.Namespace) -> Iterator[Row]:
    """The first training step of a process, import included."""
    yield ["model", "empty cache, ms", "mean", "warm, ms", "mean", "torch, ms", "mean", "ratio, empty", "warm", ""]
    order = ("tenure", "tenure", "torch")
    for name in MODELS:
        times: list[list[float]] = [[], [], []]
        note = ""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as kept:
            process_seconds("tenure", name, kept)
            for _ in range(2 if options.quick else 5):
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    runs = [process_seconds(s, name, f) for s, f in zip(order, (folder, kept, kept), strict=True)]
                for column, (seconds, _) in zip(times, runs, strict=True):
                    column.append(seconds)
                note = note or agree([runs[0][1]], [runs[2][1]], SINGLE) or agree([runs[0][1]], [runs[1][1]], 0.0)
        least = [min(column) for column in times]
        figures = [milliseconds(f(column)) for column in times for f in (min, statistics.fmean)]
        yield [name, *figures, f"{least[0] / least[2]:.2f}", f"{least[1] / least[2]:.2f}", note]


SECTIONS: dict[str, Section] = {
    "unseen": unseen, "programs": programs, "irregular": irregular, "kernels": kernels, "first": first,
}  # fmt: skip


def main() -> int:
    """Print a table for each section; 1 if results disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--large", action="store_true", help="large programs too")
    options = parser.parse_args()
    if not {*options.sections} <= SECTIONS.keys():
        parser.error(f"the sections are {', '.join(SECTIONS)}")
    os.environ.setdefault("TENURE_NUM_THREADS", "1")
    keep_bytecode()
    disagree = False
    for name in options.sections or SECTIONS:
        rows = []
        for row in SECTIONS[name](options):
            rows.append(row)
            print("  ".join(row), file=sys.stderr, flush=True)
            disagree = disagree or row[-1] == "wrong"
        print(f"{name}: {SECTIONS[name].__doc__}\n\n{plain(rows)}\n", flush=True)
    return int(disagree)


if __name__ == "__main__":
    sys.exit(main())
