"""One run of the checker: discovery, cached and new reports, selection, suppression, and the baseline."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tenure.check import baseline, discover, notebook, suppress
from tenure.check.cache import FOLDER, Cache
from tenure.check.changed import Changes
from tenure.check.parallel import check_files, default_jobs
from tenure.check.settings import Found, SettingsError
from tenure.check.source import STDIN, raw_bytes, read, read_bytes
from tenure.diagnostic import Diagnostic

__all__ = ["Options", "Outcome", "run"]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line; None where pyproject.toml decides."""

    paths: tuple[str, ...] = (".",)
    select: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    strict: bool = False
    diff: str | None = None
    baseline: str | None = None
    write_baseline: bool = False
    cache: bool = True
    jobs: int | None = None


@dataclass(slots=True)
class Outcome:
    """The reports, in the order of files and lines, and the files that were checked."""

    found: list[Diagnostic]
    files: int
    lines: "Sources"
    written: int | None = None


@dataclass(slots=True)
class Sources:
    """The lines of files, read when a report first shows one."""

    split: dict[str, list[str] | None] = field(default_factory=dict)

    def __call__(self, path: str, line: int) -> str | None:
        if path not in self.split:
            self.split[path] = _split(path)
        lines = self.split[path]
        return lines[line - 1] if lines is not None and 1 <= line <= len(lines) else None


def _split(path: str) -> list[str] | None:
    file, cell = notebook.parted(path)
    if cell is not None:
        return notebook.lines_of(raw_bytes(file), cell)
    text = read(path)
    return text.split("\n") if isinstance(text, str) else None


def run(options: Options) -> Outcome:
    """Check the files of the options. A mistake in the options is a `SettingsError`."""
    settings = Found()
    changes = Changes(options.diff) if options.diff is not None else None
    known = _baseline_path(options, settings)
    files = discover.discover(options.paths, settings)
    contents = {path: data for path in files if (data := _bytes(path)) is not None}
    found = _reports(options, settings, files, contents)
    kept = list(_kept(options, settings, found, contents))
    lines = Sources()
    kept.sort(key=lambda one: (one.primary.span, one.code, one.rule))
    outcome = Outcome(kept, len(files), lines)
    if options.write_baseline:
        outcome.written = baseline.write(known or "", kept, lines)
        outcome.found = []
        return outcome
    if known is not None:
        outcome.found = baseline.Baseline(known).unknown(outcome.found, lines)
    if changes is not None:
        outcome.found = changes.touched(outcome.found)
    outcome.found = [cell for one in outcome.found for cell in _in_cells(one, contents)]
    return outcome


def _in_cells(one: Diagnostic, contents: dict[str, bytes]) -> list[Diagnostic]:
    path = one.primary.span.path
    if not notebook.is_notebook(path) or path not in contents:
        return [one]
    return notebook.in_cells([one], raw_bytes(path))


def _reports(
    options: Options, settings: Found, files: list[str], contents: dict[str, bytes]
) -> dict[str, list[Diagnostic]]:
    """The reports of each file before selection: those cached, and those of a check."""
    out: dict[str, list[Diagnostic]] = {path: [] for path in files}
    sizes = {path: len(data) for path, data in contents.items()}
    for strict in (False, True):
        group = [path for path in files if (options.strict or settings.of(path).strict) == strict]
        if not group:
            continue
        own = {path: contents[path] for path in group if path in contents}
        cache = Cache(_cache_folder(options, settings, files), repr((strict, os.getcwd(), sorted(options.paths))))
        cache.load()
        remembered = cache.known(own)
        out.update(remembered)
        left = [path for path in group if path not in remembered]
        if not left:
            continue
        checked = check_files(left, files, sizes, strict, options.jobs or default_jobs())
        for one in checked.found:
            # A file's reports may be found from its callers, and by several of them.
            if one not in (known := out.setdefault(one.primary.span.path, [])):
                known.append(one)
        cache.store(own, out, checked.depends)
    return out


def _kept(
    options: Options, settings: Found, found: dict[str, list[Diagnostic]], contents: dict[str, bytes]
) -> Iterable[Diagnostic]:
    """The reports that are selected and not suppressed, and reports of comments that suppress nothing."""
    for path, reports in found.items():
        commented = suppress.may_suppress(contents.get(path, b""), reported=bool(reports))
        if not reports and not commented:
            continue
        wanted = _selector(options, settings, path)
        chosen = [one for one in reports if wanted(one.code, one.rule)]
        text = read(path) if commented else ""
        comments = suppress.suppressions(path, text) if isinstance(text, str) and text else []
        yield from suppress.unsuppressed(chosen, comments)
        if comments and isinstance(text, str) and wanted("TN001", "unused-suppression"):
            yield from suppress.unused(comments, text, lambda name, wanted=wanted: wanted(name, name))  # type: ignore[misc]


def _selector(options: Options, settings: Found, path: str) -> Callable[[str, str], bool]:
    """The selection of the command line, else that of the settings; each may ignore rules of the other."""
    own = settings.of(path)

    def wanted(code: str, rule: str) -> bool:
        names = {code, rule}
        if names & options.ignore:
            return False
        if options.select is not None:
            return bool(names & options.select) or code == "TN000"
        return own.wants(path, code, rule)

    return wanted


def _baseline_path(options: Options, settings: Found) -> str | None:
    if options.baseline is not None:
        return options.baseline
    here = settings.of_folder(os.getcwd())
    if here.baseline is not None:
        return os.path.join(here.root, here.baseline)
    if options.write_baseline:
        raise SettingsError("--write-baseline: no file is named by --baseline or by `baseline` in pyproject.toml")
    return None


def _cache_folder(options: Options, settings: Found, files: list[str]) -> str | None:
    """The folder of the cache: beside the pyproject.toml that counts here, else in the folder of the run."""
    here = settings.of_folder(os.getcwd())
    if not options.cache or not here.cache or not files or STDIN in files:
        return None
    return os.path.join(here.root or os.getcwd(), FOLDER)


def _bytes(path: str) -> bytes | None:
    try:
        return read_bytes(path)
    except (OSError, notebook.NotebookError):
        return None


def of_file(path: str, tree: Sequence[str], *, strict: bool = False) -> list[Diagnostic]:
    """The reports of one file, whose imports are followed into `tree`; in notebooks by cell."""
    settings = Found()
    strict = strict or settings.of(path).strict
    found = check_files([path], [path, *(other for other in tree if other != path)], {}, strict, 1).found
    data = _bytes(path)
    contents = {} if data is None else {path: data}
    kept = list(_kept(Options(), settings, {path: found}, contents))
    kept.sort(key=lambda one: (one.primary.span, one.code, one.rule))
    return [cell for one in kept for cell in _in_cells(one, contents)]


def certain(script: str, tree: list[str]) -> list[Diagnostic]:
    """The reports of certain errors in a script and in its imports from the tree."""
    settings = Found()
    script = os.path.normpath(script)
    first = check_files([script], [script, *tree], {}, False, 1)
    others = sorted(first.depends.get(script, set()) - {script})
    found = [*first.found, *(check_files(others, [script, *tree], {}, False, 1).found if others else [])]
    by_file: dict[str, list[Diagnostic]] = {path: [] for path in (script, *others)}
    for one in found:
        by_file.setdefault(one.primary.span.path, []).append(one)
    contents = {path: data for path in by_file if (data := _bytes(path)) is not None}
    kept = _kept(Options(), settings, by_file, contents)
    return sorted((one for one in kept if one.certain), key=lambda one: one.primary.span)
