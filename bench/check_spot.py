"""Random programs are run with tracing, and what a read sees is compared with what `tenure check` reports.

A miss is a read that saw a write through another name (or a loop that went on over what was resized) of which no
report names the line. A false alarm is a report at no line of such that a run came to. Both are counted by cause.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from checking.programs import Program, generate
from checking.tracing import Run, Useless, runs

from tenure.check.engine import check
from tenure.diagnostic import Diagnostic


@dataclass
class Tally:
    """What was seen and reported: events by cause, those reported, reports by rule, and those without an event."""

    programs: int = 0
    unreached: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Program] = field(default_factory=dict)

    def add(self, program: Program, done: Collection[Run], reported: Iterable[Diagnostic]) -> None:
        """One program."""
        happened = {event for one in done for event in one.events}
        reached = {line for one in done for line in one.reached}
        self.programs += 1
        spans = {row: {row.primary.span.line, *(label.span.line for label in row.labels)} for row in reported}
        for event in happened:
            self.seen[event.cause] += 1
            if any({*event.writes, event.read} & lines for lines in spans.values()):
                self.found[event.cause] += 1
            else:
                self.examples.setdefault(f"missed: {event.cause}", program)
        seen = happened.union(*(one.carried for one in done))
        lines = {line for event in seen for line in (*event.writes, event.read)}
        for row, own in spans.items():
            self.reports[row.rule] += 1
            if not own & lines and not own & reached:
                self.unreached += 1
            elif not own & lines:
                self.false[row.rule] += 1
                self.examples.setdefault(f"false: {row.rule}, line {row.primary.span.line}: {row.message}", program)


def tally(seeds: Iterable[int], *, strict: bool = False) -> Tally:
    """The programs of these seeds, run and checked."""
    total = Tally()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        for seed in seeds:
            program = generate(seed)
            try:
                done = runs(program)
            except Useless:
                continue
            path.write_text(program.source, encoding="utf-8")
            total.add(program, done, check([str(path)], strict=strict).diagnostics)
    return total


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--strict", action="store_true", help="with what may happen")
    parser.add_argument("--examples", action="store_true", help="print one program of each cause")
    options = parser.parse_args()
    total = tally(range(options.first, options.first + options.programs), strict=options.strict)
    print(f"{total.programs} programs, {total.seen.total()} events, {total.found.total()} reported\n")
    print(f"{'seen':>5} {'reported':>9}  cause")
    for cause, count in total.seen.most_common():
        print(f"{count:5} {total.found[cause]:5} {total.found[cause] / count:4.0%}  {cause}")
    print(f"\n{'reports':>8} {'false':>6}  rule")
    for rule, count in total.reports.most_common():
        print(f"{count:8} {total.false[rule]:6}  {rule}")
    print(f"{total.unreached:8} reports are of lines that no run comes to, an error being raised before")
    if options.examples:
        for cause, program in total.examples.items():
            print(f"\n# {cause}")
            print(*(f"{i:3} {line}" for i, line in enumerate(program.plain, 1)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
