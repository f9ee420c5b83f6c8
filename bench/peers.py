"""Tenure in plain user code beside PyTorch, torch.compile, JAX and MLX.

Every library gets the same inputs. What it computes is compared with the others before anything is timed; a
disagreement is shown as "wrong", and the command fails (but for MLX, whose long sums are inexact). Each library
has a process of its own, with two threads on two processors; they take turns, round by round, and the medians are
shown.

    python bench/peers.py                         all rows
    python bench/peers.py --quick --rows softmax  fewer rounds, rows whose name contains a word
    python bench/peers.py --markdown              as Markdown
    python bench/peers.py --write                 rewrite the measured part of docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import table
from harness.sides import PEERS, SIDES
from harness.table import OURS, Line
from harness.worker import Failure, Worker, all_rows

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
ROUNDS, SECONDS = 7, 0.25
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.08
HEAVY = ("MLP step with Adam", "transformer block with gradient", "2-layer GRU with gradient")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="words, with commas between them, of the rows to run")
    parser.add_argument("--sizes", default="", help="sizes to run, with commas between them: L2,L3,memory")
    parser.add_argument("--sides", default=",".join(PEERS), help="libraries to run, with commas between them")
    parser.add_argument("--threads", type=int, default=2, help="threads and processors for each library")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--write", action="store_true", help="rewrite the measured part of docs/benchmarks.md")
    return parser.parse_args()


def started(names: Sequence[str], threads: int) -> tuple[dict[str, Worker], dict[str, str]]:
    """The processes of the libraries that are installed, and their versions or why there is none."""
    workers, versions = {}, {}
    for name in names:
        try:
            workers[name] = Worker(name, threads)
            versions[name] = workers[name].version
        except Failure as failure:
            versions[name] = f"n/a ({failure})"
    return workers, versions


def differ(found: Sequence[Any], wanted: Sequence[Any], tolerance: float) -> str:
    """How two lists of results differ, or nothing."""
    if len(found) != len(wanted):
        return f"{len(found)} results, not {len(wanted)}"
    for k, (x, y) in enumerate(zip(found, wanted, strict=True)):
        if x.size != y.size:
            return f"result {k} has shape {list(x.shape)}, not {list(y.shape)}"
        if x.dtype != y.dtype and x.dtype.kind == y.dtype.kind == "i":
            return f"result {k} is {x.dtype}, not {y.dtype}"
        error = np.abs(x.reshape(-1).astype("f8") - y.reshape(-1))
        scale = max(float(np.abs(y).max(initial=0.0)), 1e-30)
        if not float(error.max(initial=0.0)) <= tolerance * scale:
            return f"result {k} differs by {error.max() / scale:.1e} of its largest element"
    return ""


def prepared(row: Any, size: str, workers: dict[str, Worker], line: Line) -> list[str]:
    """The sides that have built a row and agree with the first peer that has."""
    results = {}
    for name, worker in workers.items():
        try:
            results[name] = worker.call("prepare", row.name, size)
        except Failure as failure:
            line.reasons[name] = str(failure)
    peers = [name for name in results if name != OURS]
    if not peers:
        return list(results)
    ready = [peers[0]]
    for name in results:
        if name != peers[0]:
            wrong = differ(results[name], results[peers[0]], row.tolerance)
            if wrong:
                line.reasons[name] = f"wrong beside {peers[0]}: {wrong}"
            else:
                ready.append(name)
    return ready


def measured(row: Any, size: str, workers: dict[str, Worker], quick: bool) -> Line:
    """A row at one size, in every library."""
    line = Line(row.name, f"{size}: {'×'.join(map(str, row.sizes[size]))}")
    ready = prepared(row, size, workers, line)
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    times: dict[str, list[float]] = {name: [] for name in ready}
    for k in range(rounds):
        for name in ready:
            if k < QUICK_ROUNDS or times[name][0] < 1.0:
                times[name].append(workers[name].call("time", seconds))
    line.times = {name: 1e6 * statistics.median(found) for name, found in times.items()}
    return line


def memory(names: Sequence[str], words: Sequence[str], threads: int) -> dict[str, dict[str, float | str]]:
    """Peak memory of the heavy rows, each in a fresh process."""
    found: dict[str, dict[str, float | str]] = {}
    for row in HEAVY:
        if not matches(row, words):
            continue
        found[row] = {}
        for name in names:
            try:
                worker = Worker(name, threads)
                found[row][name] = worker.call("memory", row, "L2", "memory")
                worker.stop()
            except Failure as failure:
                print(f"{row}, {name}: {failure}", file=sys.stderr)
    return found


def matches(name: str, words: Sequence[str]) -> bool:
    return not words or any(word in name.lower() for word in words)


def main() -> int:
    """Measure, print, and say by the exit status whether all agree."""
    options = arguments()
    words = [w.strip().lower() for w in options.rows.split(",") if w.strip()]
    names = [name for name in SIDES if name in options.sides.split(",")]
    workers, versions = started(names, options.threads)
    lines: list[Line] = []
    for row in all_rows().values():
        if matches(row.name, words):
            for size in row.sizes:
                if not options.sizes or size in options.sizes.split(","):
                    lines.append(measured(row, size, workers, options.quick))
                    print("  ".join(table.cells(lines[-1], names)), file=sys.stderr, flush=True)
                    for side, reason in lines[-1].reasons.items():
                        print(f"    {side}: {reason}", file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.stop()
    used = memory(list(workers), words, options.threads)
    form = table.markdown if options.markdown or options.write else table.plain
    text = report(table.setting(versions, options.threads), lines, used, names, form)
    print(text)
    if options.write:
        table.rewrite(PAGE, text)
    return any("wrong" in reason and SIDES[side].exact for line in lines for side, reason in line.reasons.items())


def report(setting: str, lines: Sequence[Line], used: Any, names: Sequence[str], form: Any) -> str:
    """All of it as text."""
    parts = [setting, form([table.head(names), *[table.cells(line, names) for line in lines]])]
    parts.append(f"Geometric mean of best peer / tenure: {table.mean_ratio(lines):.2f}")
    if used:
        parts += ["Growth of the peak resident set by a step at the large size:", form(table.memory_rows(used, names))]
    slow = table.behind(lines)
    if slow:
        parts.append("A peer is ahead:\n\n" + "\n".join(f"- {s}" for s in slow))
    empty = table.missing(lines)
    if empty:
        parts.append("Not measured:\n\n" + "\n".join(f"- {s}" for s in empty))
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
