"""`tenure check` on real code: its reports beside the labels of check_corpus.toml, its speed and its memory.

Downloads the packages that the manifest names (once, into a cache folder), checks each as one tree in a process of
its own, in the default tier, and fails if a report has no label, or a goal is missed: at least 80 % of the reports
true, at most one false report per 500,000 lines, a million lines a minute. `--checkouts FOLDER` does the same with
repositories that were cloned into a folder, at the commits of the manifest.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from checking.corpus import Package, Repository, add_options, fetch, packages, repositories
from checking.labels import Report, Verdicts, compare, labels, template

from tenure.diagnostic import Diagnostic

PRECISION = 0.8
LINES_PER_FALSE = 500_000
LINES_PER_MINUTE = 1_000_000
MIB = 1024 if sys.platform != "darwin" else 1024 * 1024


@dataclass(frozen=True)
class Run:
    """What one package took. `seconds` are of the processor; `peak` is in MiB."""

    package: str
    files: int
    lines: int
    seconds: float
    peak: float
    reports: list[Report]

    @property
    def rate(self) -> float:
        """Lines a minute."""
        return self.lines / self.seconds * 60


def check(package: Package | Repository, cache: Path) -> Run:
    """The checker on one package, in this process."""
    from tenure.check.engine import check as run_check

    files = package.files(cache)
    lines = sum(Path(path).read_bytes().count(b"\n") for path in files)
    start = time.process_time()
    found = run_check(files).diagnostics
    seconds = time.process_time() - start
    # What a newer Python's syntax is needed for is no report on the code.
    reported = [one for one in found if one.tier == "default" and one.rule != "syntax-error"]
    reports = [_report(package, one, cache) for one in reported]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    return Run(package.name, len(files), lines, seconds, peak, reports)


def _report(package: Package | Repository, found: Diagnostic, cache: Path) -> Report:
    span = found.primary.span
    path = str(Path(span.path).relative_to(package.folder(cache)))
    text = Path(span.path).read_text("utf-8", "replace").split("\n")[span.line - 1].strip()
    return Report(package.name, path, found.rule, span.line, text, found.message)


def apart(package: Package | Repository, cache: Path, *options: str) -> Run:
    """The same in a process of its own, so that time and memory are its own."""
    command = [sys.executable, __file__, "--cache", str(cache), "--only", package.name, *options]
    out = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Run(**{**out, "reports": [Report(**row) for row in out["reports"]]})


def main() -> int:
    """Print the tables; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="print every report with its label")
    parser.add_argument("--template", action="store_true", help="print the missing labels, to be filled in")
    parser.add_argument("--held-out", action="store_true", help="the packages that nothing was fitted to")
    parser.add_argument("--checkouts", type=Path, help="check the repositories that this folder has instead")
    options = parser.parse_args()
    if options.checkouts:
        return _checkouts(options.checkouts, options.only)
    if options.only:
        (package,) = packages([options.only])
        print(json.dumps(asdict(check(package, options.cache))))
        return 0
    chosen = packages([name for name in options.packages.split(",") if name], held_out=options.held_out)
    for package in chosen:
        fetch(package, options.cache)
    runs = [apart(package, options.cache) for package in chosen]
    known = labels()
    verdicts = compare([r for run in runs for r in run.reports], known, [p.name for p in chosen])
    if options.list:
        for report in (report for run in runs for report in run.reports):
            kind = known[report.key].kind if report.key in known else "?"
            print(f"{kind:9} {report.package}: {report.path}:{report.line} [{report.rule}] {report.message}")
    if options.template:
        print(*map(template, verdicts.unlabelled), sep="\n")
    return show(runs, verdicts)


def _checkouts(root: Path, only: str | None) -> int:
    """Check the repositories that lie in a folder, each in a process of its own, and print the same tables."""
    found = {one.name: one for one in repositories(root)}
    if only:
        print(json.dumps(asdict(check(found[only], root))))
        return 0
    runs = [apart(one, root, "--checkouts", str(root)) for one in found.values()]
    verdicts = compare([report for run in runs for report in run.reports], labels(), ())
    for report in verdicts.unlabelled:
        print(f"? {report.package}: {report.path}:{report.line} [{report.rule}] {report.message}")
    return show(runs, verdicts)


def show(runs: list[Run], verdicts: Verdicts) -> int:
    """The figures, and which goals were missed."""
    print(f"{'package':20} {'files':>6} {'lines':>9} {'M lines/min':>12} {'peak MiB':>9}  genuine harmless false")
    for run in runs:
        counts = verdicts.by_package.get(run.package, {})
        kinds = "  ".join(f"{counts.get(kind, 0):6}" for kind in ("genuine", "harmless", "false"))
        print(f"{run.package:20} {run.files:6} {run.lines:9} {run.rate / 1e6:12.2f} {run.peak:9.0f} {kinds}")
    print()
    for rule, counts in sorted(verdicts.by_rule.items()):
        print(f"{rule:36} {counts['genuine']:4} genuine {counts['harmless']:4} harmless {counts['false']:4} false")
    lines, seconds = sum(run.lines for run in runs), sum(run.seconds for run in runs)
    falses = verdicts.counts["false"]
    print(f"\n{lines:,} lines, {lines / seconds * 60 / 1e6:.2f} M lines a minute on one core, ", end="")
    print(f"peak {max(run.peak for run in runs):.0f} MiB")
    print(f"{verdicts.reports} labelled reports: {verdicts.counts['genuine']} genuine, ", end="")
    print(f"{verdicts.counts['harmless']} true and harmless, {falses} false; {verdicts.precision:.0%} true; ", end="")
    print(f"{falses * LINES_PER_FALSE / lines:.2f} false per {LINES_PER_FALSE:,} lines")
    goals = {
        f"{len(verdicts.unlabelled)} reports have no label (--template prints them)": not verdicts.unlabelled,
        f"less than {PRECISION:.0%} of the reports are true": verdicts.precision >= PRECISION,
        f"more than one false report per {LINES_PER_FALSE:,} lines": falses * LINES_PER_FALSE <= lines,
        f"fewer than {LINES_PER_MINUTE:,} lines a minute": lines / seconds * 60 >= LINES_PER_MINUTE,
    }
    for key in verdicts.unused:
        print("no report has this label any more:", *key, sep="  ")
    missed = [goal for goal, met in goals.items() if not met]
    print(*(f"missed: {goal}" for goal in missed), sep="\n", end="\n" if missed else "")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
