"""The entry point: files in, diagnostics out."""

import gc
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tenure.check.analysis import Findings, Session, analyze, open_session, release
from tenure.check.facts import Facts
from tenure.check.program import Module, Program
from tenure.check.rules import RULES, Rule
from tenure.check.source import Source, cells_left_out, failure, parse, read
from tenure.diagnostic import Diagnostic

__all__ = ["Result", "check"]

_DEPTH = 10_000
_OF_WRITES = ("snapshot-not-copied", "view-read-after-write", "alias-read-after-write")
"""Rules that may report one write, the most special first."""


@dataclass(slots=True)
class Result:
    """The result of a check: sorted diagnostics before suppressions, and the text of each file that could be read.

    `depends` has, for each file, the files whose contents its diagnostics depend on.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    depends: dict[str, set[str]] = field(default_factory=dict)


def check(
    files: Sequence[str],
    *,
    strict: bool = False,
    select: Collection[str] | None = None,
    ignore: Collection[str] | None = None,
    tree: Sequence[str] = (),
) -> Result:
    """Check files with the rules whose code or name is selected and not ignored; `strict` adds what may happen.

    Imports are followed into `tree`, the files that are checked together; these may be checked in several processes.
    """
    rules = [rule for rule in RULES if _wanted(rule, select, ignore)]
    with _collector_paused(), _deep_recursion():
        result = _check_files(files, rules, strict, tree)
    result.diagnostics.sort(key=lambda found: (found.primary.span, found.code, found.rule))
    return result


def _check_files(files: Sequence[str], rules: Sequence[Rule], strict: bool, tree: Sequence[str]) -> Result:
    result, program, session = Result(), Program(tree or files), open_session(rule.on for rule in RULES)
    try:
        for path in files:
            result.diagnostics += _check_file(path, rules, strict, program, session, result)
        result.diagnostics = _once(result.diagnostics)
    finally:
        session.close()
        program.close()
    return result


def _check_file(
    path: str, rules: Sequence[Rule], strict: bool, program: Program, session: Session, result: Result
) -> list[Diagnostic]:
    text = read(path)
    if isinstance(text, Diagnostic):
        return [text]
    result.texts[path] = text
    source = parse(path, text)
    if isinstance(source, Diagnostic):
        return [source]
    broken = [failure("syntax-error", path, why, line) for line, why in cells_left_out(path)]
    return broken + _check_source(path, source, rules, strict, program, session, result)


def _check_source(
    path: str,
    source: Source,
    rules: Sequence[Rule],
    strict: bool,
    program: Program,
    session: Session,
    result: Result,
) -> list[Diagnostic]:
    program.read = set()
    try:
        module = program.open(path, source)
        if module is None:
            return []
        findings = analyze(program, module, session)
        found = _diagnostics(module, findings, rules, strict, program)
        for one in found:
            result.depends.setdefault(one.primary.span.path, set()).add(path)
        release(program, module)
        return found
    except RecursionError:
        return [failure("too-deep", path, "this file nests too deeply to be checked")]
    finally:
        result.depends.setdefault(path, set()).update(program.read)


def _diagnostics(
    module: Module, findings: Findings, rules: Sequence[Rule], strict: bool, program: Program
) -> list[Diagnostic]:
    """The reports of a module: by its syntax, and by findings in it and in functions of other files that it calls."""
    own = module.source.path
    facts = {own: Facts(module.source, program, module, strict)}
    for path in [one.path for one in findings.conflicts.values()] + [one.path for one in findings.events.values()]:
        if path not in facts and (other := program.open(path)) is not None:
            facts[path] = Facts(other.source, program, other, strict, whole=False)
    for path, of in facts.items():
        of.found = [found for found in findings.conflicts.values() if found.path == path]
        of.noted = [found for found in findings.events.values() if found.path == path]
    return _once([found for of in facts.values() for rule in rules for found in rule.check(of)])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the garbage collector: trees have no cycles, and the search takes as long as the analysis.

    The objects left are moved to the oldest generation, so that they are not searched at once.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()
            gc.unfreeze()
            gc.enable()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for the deepest expressions that the parser takes: a sum of a thousand terms is a thousand levels."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """One report for each rule, site and loan, however many reads follow, and however many names one read goes by."""
    by_loan: dict[tuple[object, ...], Diagnostic] = {}
    for one in sorted(found, key=lambda one: one.labels[-1].span if one.labels else one.primary.span):
        by_loan.setdefault((one.rule, one.primary.span, one.labels[0].span if one.labels else None), one)
    by_read: dict[tuple[object, ...], Diagnostic] = {}
    for one in by_loan.values():
        at = (one.labels[-1].span if one.labels else None) if one.rule in _OF_WRITES else id(one)
        by_read.setdefault((one.rule, one.primary.span, at), one)
    return _of_one_write(list(by_read.values()))


def _of_one_write(found: list[Diagnostic]) -> list[Diagnostic]:
    """One report for one write that several kinds of references do not expect: that of the most special rule."""
    best: dict[tuple[object, ...], str] = {}
    for one in found:
        if one.rule in _OF_WRITES:
            key = one.primary.span, one.tier
            best[key] = min(best.get(key, one.rule), one.rule, key=_OF_WRITES.index)
    return [one for one in found if one.rule not in _OF_WRITES or best[one.primary.span, one.tier] == one.rule]


def _wanted(rule: Rule, select: Collection[str] | None, ignore: Collection[str] | None) -> bool:
    names = {rule.code, rule.name}
    return (select is None or bool(names & set(select))) and not (ignore and names & set(ignore))
