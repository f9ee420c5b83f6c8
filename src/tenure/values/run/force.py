"""Run traces: from the path and the live handles to a program, its run, and values in the handles.

The wanted results are known only now: those with a holder. The programs of a path are kept
at its end; one whose outputs are a superset serves the call, and output sets only widen until all that
was wanted in many calls is less.
"""

from __future__ import annotations

import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from tenure.compile.late import late
from tenure.compile.tiers import Tiered
from tenure.errors import TenureError
from tenure.interp.interp import Poison
from tenure.runtime import buffers
from tenure.values.rules import graph, paths, spending
from tenure.values.rules.inside import internally
from tenure.values.rules.rows import COUNTS, ROOT, Path, count, prune
from tenure.values.rules.sites import Sites
from tenure.values.rules.unfinished import MOVED
from tenure.values.run import first, sized
from tenure.values.run.first import Once
from tenure.values.run.handing import Handing, deliver, due, get_ready, keep_residuals, start
from tenure.values.run.lost import Running, break_off, locate, no_memory
from tenure.values.run.pieces import ASKED, in_pieces
from tenure.values.run.plan import Plan, Prefix, Save, has_run, new_plan

NARROW_AFTER = 64
MOST_PLANS = 32
ROW_BUDGET = 100_000
ROWS_KEPT = ROW_BUDGET // 2

BEFORE_RUN: list[Callable[[Any, Any], Exception | None]] = []
"""Observers called with a trace and its plan before each run. An error that one returns is raised after the run."""


SOON = 32
"""Runs within which a path comes again that recurs, as the turns of a loop do."""


class Last(threading.local):
    """Plan of the last run in this thread: ``tn.explain`` explains it."""

    plan: Plan | Once | None = None


LAST = Last()


def lasting(t: Any) -> tuple[int, ...]:
    """Inputs of a trace that outlive it in any case: the values of leaves, and tensors made of data."""
    return tuple([k for k, x in enumerate(t.inputs) if type(x._src) is graph.Leaf or getattr(x, "_code", None) is None])


def plan_for(t: Any, wanted: tuple[int, ...], save: Save) -> Plan:
    """Plan for a set of wanted outputs of a trace at its end; made if none serves."""
    path: Path = t.path
    exact: Plan | None = path.plans.get((wanted, save))
    if exact is not None:
        return exact
    wide: Plan | None = path.plans.get(save)
    if wide is not None and set(wide.slots) >= set(wanted):
        wide.lately |= set(wanted)
        wide.hits += 1
        if wide.hits < NARROW_AFTER:
            return wide
        slots, wide.hits = tuple(sorted({*wide.lately, *wanted})), 0  # another thread may have begun anew
        wide.lately = set()
        if slots == wide.slots:
            return wide
    else:
        slots = tuple(sorted(set(wanted) | set(wide.slots if wide else ())))
    plan = path.plans.get((slots, save)) or second_sight(path, slots, save, new_plan(t, path, slots, save))
    if len(path.plans) > MOST_PLANS:
        path.forget()
    if not paths.keep(path, {save: plan, (slots, save): plan}, plan.baked):
        return plan_for(t, wanted, save)
    return plan


def second_sight(path: Path, slots: tuple[int, ...], save: Save, plan: Plan) -> Plan:
    """A new plan; if its path has run for these results without one, this is not its first run."""
    if type(plan.executable) is Tiered and path.rows <= sized.MOST_ROWS:
        plan.executable.sight = sized.sight_of(path, sized.key_of(slots, save))
        if has_run(path, slots):
            plan.executable.seen = max(plan.executable.seen, 1)
    return plan


def _references(handles: Sequence[Any]) -> list[int]:
    return [h._slot for h in handles if sys.getrefcount(h) > _ALONE]


def _calibrate() -> int:
    """Reference count of a handle that only the list of handles holds."""

    class Probe:
        _slot = 0

    for n in range(1, 10):
        globals()["_ALONE"] = n
        if not _references([Probe()]):
            return n
    raise RuntimeError("this Python does not count references")


_ALONE = _calibrate()


def alive(handles: list[Any]) -> tuple[int, ...]:
    """Slots of the handles with a holder besides the list."""
    return tuple(_references(handles))


def hand_over(
    t: Any, spec: Any, slots: tuple[int, ...], numbers: tuple[int, ...], context: Any, residuals: list[Any]
) -> Any:
    """Run a compiled program of a trace and store the results in the handles, and the others in the list of residuals,
    with no moment in between: True. None, and nothing done, if the program cannot be run so; arrays, status and table
    where it has failed."""
    return None


def run(t: Any) -> None:
    """Run a closed trace: its live handles get their values, and the trace releases all references.

    Its inputs are computed before its lock is taken: so the holder of a lock never waits for another, and two threads
    may read pending values in each other's traces.
    """
    settle(t, t.inputs)
    found = Running.locked(_run, t, True)
    if isinstance(found, Plan):
        internally(t.path, get_ready, found.executable)
        found = Running.locked(_run, t, False)
    if found:
        try:
            raise found[0]
        finally:
            del found, t  # else the error would hold itself and the trace, through its traceback
    if COUNTS["rows"] > ROW_BUDGET:
        forget_paths()


def _run(t: Any, compiles: bool) -> Plan | list[Exception]:
    """Run a trace whose lock is held; returns errors of the observers. A plan due to be compiled is compiled first:
    with no lock held, so that another thread that needs the trace meanwhile can run it."""
    if t.done:
        return []
    if t.suspended is not None:
        t.suspended.finish(t)
        _release(t)
        return []
    graph.forget_unused()
    handles, path = t.handles, t.closed()
    found: list[Exception | None] = []
    live = alive(handles)
    if t.vmapped:
        live = tuple([s for s in live if handles[s]._kind.level is None])
    if live:
        expected = graph.EXPECTED["backward"] if path.save is None else path.save
        save: Save = lasting(t) if t.cutting else expected
        once = None if path.stamp or BEFORE_RUN or MOVED else internally(path, first.run, t, path, live, save)
        if once is not None:
            LAST.plan = once
            return _finish(t, path, found, internally(path, first.is_done, once))
        if save is True and not path.stamp and sized.is_small(path):
            save = False
        plan = path.plans.get((live, save)) or internally(path, plan_for, t, live, save)
        if plan.sites is None:
            plan.sites = Sites(t, handles)
        if ASKED.trace is t:
            in_pieces(plan)
        note_recurrence(path, plan.executable)
        if compiles and due(plan.executable):
            return plan
        if BEFORE_RUN:
            found = [look(t, plan) for look in BEFORE_RUN]
        LAST.plan = plan
        if MOVED or plan.moved:
            plan.moved = frozenset([k for k, x in enumerate(t.inputs) if id(x) in MOVED])
        if t.cutting or not _execute_at_once(t, plan, handles):
            Handing(plan).finish(t)
    return _finish(t, path, found)


def note_recurrence(path: Path, executable: Any) -> None:
    """Note whether a path has come again soon: if not, that may be by chance."""
    if path.stamp and type(executable) is Tiered and executable.seen < 2:
        executable.rare = COUNTS["runs"] - path.stamp > SOON


def _finish(t: Any, path: Path, found: Sequence[Exception | None], counts: bool = True) -> list[Exception]:
    """End a trace that has run; the errors that were found. If it ``counts``, its path gets a plan when it comes
    again."""
    t.handles = []
    _release(t)
    count("runs")
    if counts:
        path.stamp = COUNTS["runs"]
    return [wrong for wrong in found if wrong is not None]


def forget_paths() -> None:
    """Prune the paths to those at whose ends traces ended last."""
    COUNTS["rows"] = prune(ROOT, ROWS_KEPT)


def settle(t: Any, inputs: Sequence[Any]) -> None:
    """Compute every input and, if a gradient flows to it, give it its node in the graph. The operands of an input come
    before it: threads and signal handlers may have recorded in turns, to any depth."""
    todo = [x for x in inputs if x._data is None or (x._kind.tracked and _unsettled(x))]
    looked: set[int] = set()
    while todo:
        x = todo[-1]
        if id(x) not in looked:
            looked.add(id(x))
            todo.extend(_behind(x))
            continue
        todo.pop()
        if x._data is None:
            t.compute(x)
        if x._kind.tracked and x._src is None and x._trace is not None:
            adopt(x._trace, x)


def _unsettled(x: Any) -> bool:
    """Whether an input has no value yet, or lacks a node in the graph."""
    return x._data is None or bool(x._kind.tracked and x._src is None and x._trace is not None)


def _behind(x: Any) -> list[Any]:
    """Inputs of another trace to be settled before its result ``x``."""
    t = x._trace
    return [] if t is None else [y for y in inputs_before(t, x._slot) if _unsettled(y)]


def inputs_before(t: Any, slot: int) -> list[Any]:
    """Inputs of a trace that were bound before a result was recorded."""
    return t.inputs[: bisect_right(t.bound_at, slot)]  # type: ignore[no-any-return]


def _execute_at_once(t: Any, plan: Plan, handles: list[Any]) -> bool:
    """Run the program of a trace in one builtin, during which no signal handler runs; whether that was possible."""
    call = getattr(plan.executable, "call", None)
    if call is None:
        return False
    residuals: list[Any] = []
    try:
        segment = start(t, plan, handles) if plan.graph else None
        done = hand_over(t, call.spec, plan.slots, plan.numbers, buffers.context(), residuals)
    except BaseException as error:
        raise break_off(t, plan, handles, error) from error.__cause__
    if type(done) is tuple:
        account(t, plan, done)
    elif residuals:
        keep_residuals(segment, plan, residuals)
    return done is not None


def account(t: Any, plan: Plan, done: tuple[Any, Any, Any]) -> None:
    """Store the results of a failed run, by its arrays, status and table, and poison the rest."""
    arrays, status, table = done
    try:
        numbers = [t.scalars[k] for k in plan.numbers]
        code: Any = getattr(plan.executable, "compiled", plan.executable)
        if table is not None:
            code = late("stepwise").Stepwise(table.program, table)
        deliver(t, plan, t.handles, code.left(arrays, status, numbers))
    except BaseException as error:
        raise break_off(t, plan, t.handles, error) from error.__cause__


def _release(t: Any) -> None:
    """Break the trace's references; dead values are freed here."""
    t.done = True
    t.handles, t.inputs, t.scalars, t.expansion, t.suspended = [], [], [], None, None
    t.marks, t.handlers, t.twins, t.bound, t.rules, t.slots = {}, {}, {}, {}, [], []


def run_prefix(t: Any, h: Any, *, alone: bool = False) -> None:
    """Compute a handle of a trace that must not be closed: another thread's, or one held open by a transform.

    The live results before it are computed with it, so that the next such read starts from there; ``alone`` only
    those that it needs.
    """
    settle(t, inputs_before(t, h._slot))
    Running.locked(_run_prefix, t, h, alone)


def _run_prefix(t: Any, h: Any, alone: bool) -> None:
    if t.done or h._trace is None or t.handles[h._slot]._data is not None:
        return  # or h has been moved away, and another handle is in its place
    if t.running:
        raise TenureError(
            "a signal handler or __del__ reads a value that the interrupted run is about to compute",
            help="read it after the run: set a flag in the handler and look at it in the loop",
        )
    if t.suspended is not None:
        _run(t, False)
        return
    path = t.prefix(h._slot)
    inputs, scalars, before = t.inputs, t.scalars, t.handles[: path.results]
    live = {s for s in (*_references(before), h._slot) if before[s]._kind.level is None}
    if alone:
        live &= paths.behind(path, h._slot)
    known = tuple([s for s in sorted(live) if before[s]._data is not None])
    wanted = tuple([s for s in sorted(live) if before[s]._data is None])
    key = ("prefix", wanted, known)
    plan = path.plans.get(key)
    if plan is None:
        plan = path.plans[key] = internally(path, lambda: Prefix(t.expanded(path), wanted, known))
    if t.done:
        return  # a finalizer has run it meanwhile
    arrays = [inputs[k]._data for k in plan.inputs] + [before[s]._data for s in plan.known]
    try:
        results = plan.executable(arrays, [scalars[k] for k in plan.numbers])
    except MemoryError:
        raise no_memory(t, [before[slot] for slot in wanted]) from None
    for slot, array in zip(wanted, results, strict=True):
        if type(array) is Poison:
            locate(t, before, array)
        before[slot]._data = array


def adopt(t: Any, h: Any) -> None:
    """Give a differentiable result of another thread's trace a graph of its own, for use in this thread."""
    settle(t, inputs_before(t, h._slot))
    Running.locked(_adopt, t, h)


def _adopt(t: Any, h: Any) -> None:
    if t.suspended is not None and not t.running:
        _run(t, False)
    if h._src is None and h._trace is not None and not t.done:
        path = t.prefix(h._slot)
        inputs, scalars = t.inputs[: path.inputs], t.scalars[: path.scalars]
        segment = graph.Segment(path, inputs, scalars, paths.sources(t, path), t.handlers, dict(t.twins))
        spending.share(t, segment)
        h._src = t.marks.get(h._slot) or spending.out_of(segment, h._slot, h._rule.name)
