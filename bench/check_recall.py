"""How many aliasing bugs `tenure check` finds in real code: defensive copies are removed, one at a time.

Each stripped file is checked alone, and counts as found if the checker (or ruff's B909, or pylint's W4701 to W4703)
reports a line that it does not report in the file as it was. Fails if the default tier finds fewer than half of the
iterated copies, or a fifth of the copied views.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from checking.corpus import add_options, fetch, packages
from checking.linters import Found, pylint, ruff
from checking.strip import Site, sites

from tenure.check.engine import check

GOALS = {"iteration": 0.5, "view": 0.2}
FAMILIES = ("iteration", "view", "alias")
TOOLS = ("tenure", "strict", "B909", "pylint")


@dataclass(frozen=True)
class Case:
    """A site in a file of the corpus, and the two versions of the file: as it was, and without the copy."""

    path: str
    site: Site
    text: str
    before: Path
    after: Path


def cases(files: Iterator[str], folder: Path) -> Iterator[Case]:
    """Every site of the files once (the same code again is left out), written out in both versions."""
    seen: set[tuple[str, str, str]] = set()
    for number, path in enumerate(files):
        source = Path(path).read_text("utf-8", "replace")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        before = folder / f"before{number}" / Path(path).name
        for i, (site, around) in enumerate(sites(source, tree)):
            key = site.family, site.replacement, around
            if key in seen:
                continue
            seen.add(key)
            after = folder / f"after{number}_{i}" / Path(path).name
            for version, text in (before, source), (after, site.strip(source)):
                version.parent.mkdir(exist_ok=True)
                version.write_text(text, encoding="utf-8")
            yield Case(path, site, source.split("\n")[site.line - 1].strip(), before, after)


def tenure(paths: Sequence[Path]) -> tuple[Found, Found]:
    """What the checker reports by default, and with `strict`, on each file alone."""
    default: Found = {}
    strict: Found = {}
    for path in paths:
        rows = check([str(path)], strict=True).diagnostics
        strict[str(path)] = {(row.rule, row.primary.span.line) for row in rows}
        default[str(path)] = {(row.rule, row.primary.span.line) for row in rows if row.tier != "strict"}
    return default, strict


def main() -> int:
    """Print the table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--list", action="store_true", help="print every site and who reported it")
    parser.add_argument("--alone", action="store_true", help="without the linters")
    options = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)
    chosen = packages([name for name in options.packages.split(",") if name])
    for package in chosen:
        fetch(package, options.cache)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = list(cases((f for p in chosen for f in p.files(options.cache)), folder))
        versions = sorted({path for case in found for path in (case.before, case.after)})
        results = dict(zip(TOOLS, tenure(versions), strict=False))
        if not options.alone:
            loops = sorted({str(p) for c in found if c.site.family == "iteration" for p in (c.before, c.after)})
            results |= {"B909": ruff(folder), "pylint": pylint(loops, options.cache)}
        return show(found, results, options)


def show(found: list[Case], results: dict[str, Found], options: argparse.Namespace) -> int:
    """The shares found, by family and tool."""
    counts: Counter[tuple[str, str]] = Counter()
    for case in found:
        by = [tool for tool, result in results.items() if new(result, case)]
        counts.update((case.site.family, tool) for tool in by)
        if options.list:
            path = Path(case.path).relative_to(options.cache)
            print(f"{case.site.family:9} {'+'.join(by) or '-':24} {path}:{case.site.line} {case.text}")
    sizes = Counter(case.site.family for case in found)
    print(f"{'family':10} {'sites':>6}  " + "  ".join(f"{tool:>12}" for tool in results))
    for family in FAMILIES:
        shares = [f"{counts[family, tool]:5} {counts[family, tool] / max(sizes[family], 1):6.1%}" for tool in results]
        print(f"{family:10} {sizes[family]:6}  " + "  ".join(f"{share:>12}" for share in shares))
    missed = [f for f, goal in GOALS.items() if counts[f, "tenure"] < goal * sizes[f]]
    print(*(f"missed: {family} family below {GOALS[family]:.0%}" for family in missed), sep="\n")
    return 1 if missed else 0


def new(result: Found, case: Case) -> bool:
    """Whether the stripped file has a report that the file as it was has not."""
    return bool(result.get(str(case.after), set()) - result.get(str(case.before), set()))


if __name__ == "__main__":
    sys.exit(main())
