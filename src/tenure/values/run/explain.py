"""Report on the last program of this thread, by the user's own lines: ``tn.explain()``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from tenure.compile.explain import KernelReport, Report, Reuse, Touch, report
from tenure.compile.tiers import Tiered
from tenure.errors import Site, TenureError
from tenure.interp.interp import Executable, Interpreted
from tenure.values.rules.rows import ROOT, below
from tenure.values.rules.sites import site
from tenure.values.run import plan as plans
from tenure.values.run.explain_page import Box, Edge, page
from tenure.values.run.first import Once
from tenure.values.run.force import LAST
from tenure.values.run.plan import Plan

COMPILED = "one native call"
STEPWISE = "run op by op so far"
SHOWN = "; shown as it will be compiled"
INTERPRETED = "run by the reference interpreter; shown as it would be compiled"
FIRST = 2
"""Number of runs in which a program counts as new, compiling included."""


@dataclass(frozen=True)
class KernelLines:
    """Kernel with the user's lines that were fused into it."""

    report: KernelReport
    lines: tuple[Site, ...]


@dataclass(frozen=True)
class Explanation:
    """Explanation of a program; ``str`` of it is a page of text, and ``html`` writes a page with the graph.

    ``state`` says how it ran. ``moved`` are the bytes that its kernels read and write, ``floor`` those of each input
    and each output once, ``arena`` those of its buffers for what is neither. ``host_calls`` are calls of libraries,
    ``moves`` the inputs that were moved.

    >>> (tn.arange(4).float() * 2 + 1).sum().item()
    16.0
    >>> isinstance(tn.explain().moved, int)
    True
    """

    state: str
    kernels: tuple[KernelLines, ...]
    reuses: tuple[Reuse, ...]
    moved: int
    floor: int
    arena: int
    host_calls: tuple[str, ...]
    report: Report
    runs: int | None = None
    moves: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return "\n".join(text(self))

    def __repr__(self) -> str:
        return str(self)

    def html(self, path: str | Path) -> None:
        """Write one HTML page, which needs nothing else, with the program's graph and all that the text says."""
        lines = text(self)
        Path(path).write_text(page(lines[0], "\n".join(lines), *graph_of(self)), encoding="utf-8")


def explain() -> Explanation:
    """Explanation of the last program that this thread has run: kernels, fused lines, bytes moved, buffers.

    Recording alone runs nothing: read a value first. Lines are those that recorded the program when it was new.
    TenureError where nothing has run yet.

    >>> (tn.arange(4).float() * 2 + 1).sum().item()
    16.0
    >>> len(tn.explain().kernels) > 0
    True
    """
    if LAST.plan is None:
        raise TenureError("no program has run in this thread yet", help="read a value first: .item(), print, .numpy()")
    return explanation(LAST.plan.made() if isinstance(LAST.plan, Once) else LAST.plan)


class Timed:
    """Executable that counts its runs, and measures their seconds once compiling is over."""

    __slots__ = ("inner", "runs", "seconds")

    def __init__(self, inner: Executable) -> None:
        self.inner = inner
        self.runs = 0
        self.seconds = 0.0

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        start = perf_counter()
        try:
            return self.inner(arrays, numbers)
        finally:
            self.runs += 1
            if self.runs > FIRST:
                self.seconds += perf_counter() - start


@contextmanager
def watched() -> Iterator[Callable[[], Explanation]]:
    """Context that times all new programs; ``longest`` explains the slowest."""
    executor = plans.EXECUTOR
    plans.EXECUTOR = lambda program: Timed(executor(program))
    try:
        yield longest
    finally:
        plans.EXECUTOR = executor


def longest() -> Explanation:
    """Explanation of the slowest program of those watched."""
    every = [p for path in below(ROOT) for p in tuple(path.plans.values())]
    timed = [p for p in every if type(p) is Plan and type(p.executable) is Timed]
    if not timed:
        raise TenureError("no program has run", help="reading a value runs one: .item(), print, .numpy()")

    def rank(plan: Plan) -> tuple[float, int]:
        executable: Any = plan.executable
        return executable.seconds, executable.runs

    plan = max(timed, key=rank)
    return explanation(plan, rank(plan)[1])


def explanation(plan: Plan, runs: int | None = None) -> Explanation:
    """Explanation of a program by the lines that recorded it when it was new."""
    executable: Any = getattr(plan.executable, "inner", plan.executable)
    compiled = getattr(executable, "compiled", executable)
    held = getattr(compiled, "held", None)
    state = COMPILED if held is not None else INTERPRETED if type(executable) is Interpreted else stepwise(executable)
    found = report(executable.program, held)
    recorded = plan.sites.all() if plan.sites else []
    sites: dict[int, Site | None] = {}

    def lines(origins: Sequence[int]) -> tuple[Site, ...]:
        for k in origins:
            if k not in sites:
                sites[k] = site(recorded[k]) if 0 <= k < len(recorded) else None
        unique = {(s.filename, s.line): s for s in (sites[k] for k in sorted(origins)) if s is not None}
        return tuple(unique.values())

    return Explanation(
        state,
        tuple([KernelLines(k, lines(k.origins)) for k in found.kernels]),
        found.reuses,
        found.moved,
        found.floor,
        found.layout.arena,
        tuple([k.host for k in found.kernels if k.host is not None]),
        found,
        runs,
        plan.moved,
    )


def stepwise(executable: Any) -> str:
    """State of a program that is not compiled, with the reason."""
    said = executable.state() if isinstance(executable, Tiered) else STEPWISE
    return f"{said}{SHOWN}"


def text(e: Explanation) -> list[str]:
    """Lines of the text."""
    program = e.report.plan.program
    count = sum([len(k.report.operations) for k in e.kernels])
    head = f"a program of {plural(count, 'operation')} in {plural(len(e.kernels), 'kernel')}, {e.state}"
    out = [head if e.runs is None else f"{head}, {plural(e.runs, 'run')}"]
    inputs = ", ".join(f"%{v} {aval}" for v, aval in enumerate(program.inputs))
    out += [f"inputs   {inputs or 'none'}", f"outputs  {', '.join(f'%{v} {program.aval(v)}' for v in program.outputs)}"]
    for k, kernel in enumerate(e.kernels):
        out += ["", f"kernel {k}: {over(kernel.report)}"]
        out += [f"  {s}  {s.text.strip()}".rstrip() for s in kernel.lines]
        out.append(f"  does    {operations(kernel.report)}")
        out.append(f"  reads   {touched(kernel.report.reads)}")
        out.append(f"  writes  {touched(kernel.report.writes)}")
    ratio = f" ({e.moved / e.floor:.2f} times that)" if e.floor else ""
    out += ["", f"moves {size(e.moved)}; each input and each output once are {size(e.floor)}{ratio}"]
    out.append(f"arena {size(e.arena)}")
    out += [reuse(r, e.moves) for r in e.reuses]
    out.append(f"calls of libraries: {', '.join(e.host_calls) or 'none'}")
    return out


def over(k: KernelReport) -> str:
    """Iteration space of a kernel, with its threads."""
    if k.host is not None:
        return f"{k.host}, called since {k.why}"
    rows = f"rows {list(k.rows)} of {list(k.row)}" if k.rows else str(list(k.row))
    return f"{rows}, on {'several threads' if k.threads else 'one thread'}"


def operations(k: KernelReport) -> str:
    """Primitives and their counts, in order of first occurrence."""
    return ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in Counter(k.names).items()) or "a number"


def touched(touches: Sequence[Touch]) -> str:
    """Bytes, with their parts."""
    if not touches:
        return "nothing"
    return f"{size(sum(t.nbytes for t in touches))}: {', '.join(f'%{t.value} {t.aval}' for t in touches)}"


def reuse(r: Reuse, moved: frozenset[int]) -> str:
    """Line on the reuse of a buffer, or on the reason against it; ``moved`` are inputs that ``tn.move`` gave."""
    source = f"{'the array of input ' if r.given else ''}%{r.of}"
    if r.why is None:
        why = "" if not r.given else ", which was moved" if r.of in moved else ", which nobody else holds"
        return f"in place: kernel {r.kernel} writes %{r.value} into {source}{why}"
    return f"copied: kernel {r.kernel} does not write %{r.value} into {source}: {r.why}"


def size(n: float) -> str:
    """Bytes, to three digits."""
    for unit in ("B", "kB", "MB"):
        if n < 999.5:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} GB"


def plural(n: int, what: str) -> str:
    """A number of things."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def graph_of(e: Explanation) -> tuple[list[Box], list[Edge]]:
    """Boxes for inputs, kernels and outputs, with arrows for the values stored between them."""
    program = e.report.plan.program
    boxes: list[Box] = []
    edges: list[Edge] = []
    made: dict[int, int] = {}
    for v, aval in enumerate(program.inputs):
        made[v] = len(boxes)
        boxes.append(Box(f"input %{v}", (str(aval), size(aval.nbytes)), f"%{v} {aval}", "input"))
    for k, kernel in enumerate(e.kernels):
        here, r = len(boxes), kernel.report
        lines = [f"{s}  {s.text.strip()}" for s in kernel.lines]
        shown = (operations(r), lines[0] if lines else "")
        title = "\n".join([over(r), operations(r), *lines])
        boxes.append(Box(f"kernel {k}: {over(r)}", shown, title, "kernel" if r.host is None else "host"))
        edges += [Edge(made[t.value], here, f"%{t.value} {size(t.nbytes)}") for t in r.reads]
        made.update({t.value: here for t in r.writes})
    for v in dict.fromkeys(program.outputs):
        edges.append(Edge(made[v], len(boxes), f"%{v}"))
        aval = program.aval(v)
        boxes.append(Box(f"output %{v}", (str(aval), size(aval.nbytes)), f"%{v} {aval}", "output"))
    return boxes, edges
