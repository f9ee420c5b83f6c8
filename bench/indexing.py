"""Reads and writes by index beside PyTorch, jax.jit and HIPS autograd: what docs/indexing.md says of their speed.

Results are compared before anything is timed, each library has a process of its own, and they take turns, as in
``bench/peers.py``. A call that takes longer than a second is timed in three rounds only.

    python bench/indexing.py                       all rows
    python bench/indexing.py --rows lu --quick     fewer rounds, rows whose name contains a word
    python bench/indexing.py --write               rewrite the measured part of docs/indexing.md
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import table
from harness.table import OURS, Line
from harness.worker import rows_of
from peers import matches, measured, report, started

PAGE = Path(__file__).parent.parent / "docs" / "indexing.md"
NAMES = (OURS, "torch", "jax", "autograd")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="words, with commas between them, of the rows to run")
    parser.add_argument("--sizes", default="", help="sizes to run, with commas between them: 1e3,1e4")
    parser.add_argument("--sides", default=",".join(NAMES), help="libraries to run, with commas between them")
    parser.add_argument("--threads", type=int, default=2, help="threads and processors for each library")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--write", action="store_true", help="rewrite the measured part of docs/indexing.md")
    return parser.parse_args()


def growth(lines: Sequence[Line]) -> str:
    """By which power of n the time of the scalar reads grows, for each library."""
    reads = [line for line in lines if line.row.startswith("(a)")]
    parts = []
    for name in NAMES:
        found = [(float(line.size.split(":")[0]), line.times[name]) for line in reads if name in line.times]
        if len(found) > 1:
            (m, first), (n, last) = found[0], found[-1]
            parts.append(f"{name} {math.log(last / first) / math.log(n / m):.2f} (from {m:.0e} to {n:.0e})")
    return "Growth of (a), as a power of n: " + ", ".join(parts) if parts else ""


def main() -> int:
    """Measure, print, and say by the exit status whether all agree."""
    options = arguments()
    words = [w.strip().lower() for w in options.rows.split(",") if w.strip()]
    names = [name for name in NAMES if name in options.sides.split(",")]
    workers, versions = started(names, options.threads)
    lines: list[Line] = []
    for row in rows_of("lookups").values():
        if matches(row.name, words):
            for size in row.sizes:
                if not options.sizes or size in options.sizes.split(","):
                    lines.append(measured(row, size, workers, options.quick))
                    print("  ".join(table.cells(lines[-1], names)), file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.stop()
    form = table.markdown if options.write else table.plain
    text = report(table.setting(versions, options.threads), lines, {}, names, form)
    text = "\n\n".join(filter(None, [text, growth(lines)]))
    print(text)
    if options.write:
        table.rewrite(PAGE, text)
    return any("wrong" in reason for line in lines for reason in line.reasons.values())


if __name__ == "__main__":
    sys.exit(main())
