"""`tenure check`: its arguments and its output. Exit codes: 0 no reports, 1 reports, 2 a mistake."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

from tenure.check import fix
from tenure.check.output import FORMATS, written
from tenure.check.output.statistics import table
from tenure.check.session import Options, Outcome, run
from tenure.check.settings import SettingsError, check_names
from tenure.check.source import read_bytes
from tenure.cli.watch import rest, watch
from tenure.codes import LAWS
from tenure.diagnostic import Diagnostic
from tenure.report.style import painter_for
from tenure.report.text import render

__all__ = ["add_arguments", "command"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tenure check`."""
    add = parser.add_argument
    add("paths", nargs="*", default=["."], metavar="PATH", help="files and folders; - is standard input (default: .)")
    add("--select", action="append", default=[], metavar="RULES", help="report only these codes or rules")
    add("--ignore", action="append", default=[], metavar="RULES", help="leave these codes or rules out")
    add("--strict", action="store_true", help="also report possible errors")
    add("--diff", metavar="REF", help="report only findings on lines changed since a commit")
    add("--baseline", metavar="FILE", help="leave out the reports that this file lists")
    add("--write-baseline", action="store_true", help="list the present reports in the baseline")
    add("--output-format", choices=["text", *FORMATS], default="text", help="the form of the reports")
    add("--statistics", action="store_true", help="count the reports of each rule instead")
    add("--exit-zero", action="store_true", help="exit with 0 even if there are reports")
    add("--fix", action="store_true", help="make the fixes that are safe")
    add("--dry-run", action="store_true", help="with --fix: print the changes as a diff, and write nothing")
    add("--watch", action="store_true", help="check again at each change, until interrupted")
    add("--no-cache", action="store_true", help="neither read nor write the cache of earlier runs")
    add("--jobs", type=int, metavar="N", help="processes to use (default: one for each processor)")


def command(arguments: argparse.Namespace) -> int:
    """Run `tenure check` and return its exit code."""
    if not arguments.watch:
        return _once(arguments)
    if arguments.fix or arguments.write_baseline or "-" in arguments.paths:
        print("tenure check: --watch: it writes no files, and does not read standard input", file=sys.stderr)
        return 2
    try:
        watch(arguments.paths, lambda: _once(arguments), clear=sys.stdout.isatty(), pause=rest)
    except KeyboardInterrupt:
        return 130


def _once(arguments: argparse.Namespace) -> int:
    try:
        options = _options(arguments)
        fixes = _fixes(options) if arguments.fix else fix.Fixed()
        if arguments.dry_run:
            return _preview(fixes)
        fix.write(fixes.contents)
        outcome = run(options)
    except SettingsError as error:
        print(f"tenure check: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    if outcome.written is not None:
        print(f"wrote a baseline of {_count(outcome.written, 'report')}")
        return 0
    try:
        _print(outcome, arguments, fixes.number)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"tenure check: cannot write the reports: {error.strerror}", file=sys.stderr)
        return 2
    return 1 if outcome.found and not arguments.exit_zero else 0


def _options(arguments: argparse.Namespace) -> Options:
    if arguments.jobs is not None and arguments.jobs < 1:
        raise SettingsError("--jobs: at least one process is needed")
    if arguments.dry_run and not arguments.fix:
        raise SettingsError("--dry-run: it shows what --fix would write, and needs it")
    if arguments.fix and "-" in arguments.paths:
        raise SettingsError("--fix: standard input cannot be written")
    return Options(
        paths=tuple(arguments.paths),
        select=check_names(_listed("--select", arguments.select)) if arguments.select else None,
        ignore=check_names(_listed("--ignore", arguments.ignore)),
        strict=arguments.strict,
        diff=arguments.diff,
        baseline=arguments.baseline,
        write_baseline=arguments.write_baseline,
        cache=not arguments.no_cache,
        jobs=arguments.jobs,
    )


def _listed(option: str, given: Sequence[str]) -> list[str]:
    names = [name.strip() for names in given for name in names.split(",") if name.strip()]
    if given and not names:
        raise SettingsError(f"{option}: a code or the name of a rule is needed")
    return names


def _fixes(options: Options) -> fix.Fixed:
    chosen = replace(options, write_baseline=False)
    return fix.proven(lambda: run(chosen).found)


def _preview(fixes: fix.Fixed) -> int:
    """Print what the fixes would change as a unified diff; 1 if anything."""
    for path, data in sorted(fixes.contents.items()):
        old, new = (text.decode(errors="replace").splitlines(keepends=True) for text in (read_bytes(path), data))
        sys.stdout.writelines(import_module("difflib").unified_diff(old, new, path, path))
    print(f"{_count(fixes.number, 'report')} would be fixed")
    return 1 if fixes.contents else 0


def _print(outcome: Outcome, arguments: argparse.Namespace, fixed: int) -> None:
    if arguments.statistics:
        print(table(outcome.found), end="")
    elif arguments.output_format != "text":
        print(written(arguments.output_format, outcome.found), end="")
    else:
        paint = painter_for(sys.stdout)
        for one in outcome.found:
            print(render(one, outcome.lines, paint), end="\n\n")
        print(_summary(outcome.found, outcome.files, fixed) if outcome.files else _nothing(arguments.paths))


def _nothing(paths: Sequence[str]) -> str:
    """The message where no file was checked: perhaps another folder was meant."""
    return f"no Python files in {', '.join(paths)} (those that pyproject.toml excludes are left out)"


def _summary(found: Sequence[Diagnostic], files: int, fixed: int) -> str:
    done = f"fixed {fixed}, " if fixed else ""
    if not found:
        return f"{done}no reports in {_count(files, 'file')}"
    fixable = sum(bool(one.edits) for one in found)
    more = f", {fixable} of them fixable with --fix" if fixable else ""
    rules = sorted({one.rule for one in found if one.code in LAWS})
    hint = f"\n`tenure rule NAME` explains {', '.join(rules)}" if rules else ""
    return f"{done}{_count(len(found), 'report')} in {_count(files, 'file')}{more}{hint}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
