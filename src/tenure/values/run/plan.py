"""Plans: the program of a path for a set of outputs, with what a run must know of the path."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tenure.compile.ahead import made_ready
from tenure.compile.tiers import Tiered, compile_program
from tenure.errors import TenureError
from tenure.interp.interp import Executable, interpret
from tenure.ir.verify import verified
from tenure.values.rules import packs, paths, spending
from tenure.values.rules.expand import Expansion
from tenure.values.rules.forms import Formed
from tenure.values.rules.rows import Path, count
from tenure.values.rules.sites import Sites
from tenure.values.run import sized

Save = bool | tuple[int, ...]
"""Residuals of a run: whether it saves any for a backward; of a part of a loop, the inputs that outlive it in any
case."""


def choose_executor() -> Callable[[Any], Executable]:
    """Executor of programs: the compiler, or the one that TENURE_EXECUTOR names (reference interpreter; compiler at the
    first run)."""
    wanted = os.environ.get("TENURE_EXECUTOR", "tiered")
    if wanted not in EXECUTORS:
        raise TenureError(f"TENURE_EXECUTOR is {wanted!r}, which is no executor", help=f"one of {', '.join(EXECUTORS)}")
    return EXECUTORS[wanted]


EXECUTORS: dict[str, Callable[[Any], Executable]] = {
    "tiered": Tiered,
    "compiled": compile_program,
    "interpreted": interpret,
}
EXECUTOR = choose_executor()


class Standing:
    """The standing of some results of a path in the graph of gradients.

    ``leaves`` are those that are leaves, ``open`` those that can be differentiated; ``consumed`` maps those that no
    longer can to the result slot of the backward that consumed them. It is ``lean`` if no gradient of the open ones
    reads a value. ``graph`` is whether there are any of these.
    """

    __slots__ = ("consumed", "graph", "lean", "leaves", "open")

    def __init__(self, path: Path, slots: tuple[int, ...]) -> None:
        leaves, differentiable = paths.tracked(path, slots) if path.tracked else ((), ())
        spent = paths.spread(path, spending.consumed_within(path)) if differentiable else {}
        self.leaves = tuple(leaves)
        self.open = tuple([s for s in differentiable if s not in spent])
        self.consumed = {s: spent[s] for s in differentiable if s in spent}
        self.lean = spending.needs(path).isdisjoint(self.open) if self.open else False
        self.graph = bool(self.open or self.consumed or self.leaves)


class Plan:
    """Compiled program of a path for a set of outputs.

    ``leaves`` are outputs that are leaves, ``open`` those that can be differentiated; ``consumed`` maps those
    that no longer can to the result slot of the backward that consumed them. ``saved`` are the values, and ``kept``
    the inputs, that the adjoint reads. ``baked`` are the numbers it took for constants, ``numbers``
    the others, which are handed in. ``lately`` are the results wanted in the ``hits`` calls for which it was too wide.
    ``sites`` are the lines that recorded the path's results when the plan was new; ``moved`` are the inputs that
    ``tn.move`` had given when it last ran.
    """

    __slots__ = (
        "baked", "consumed", "executable", "graph", "hits", "kept", "lately", "lean", "leaves", "moved", "numbers",
        "open", "saved", "sites", "slots",
    )  # fmt: skip

    def __init__(self, path: Path, slots: tuple[int, ...], save: Save, ex: Expansion) -> None:
        self.slots = slots
        standing = Standing(path, slots)
        self.leaves, self.open, self.consumed = standing.leaves, standing.open, standing.consumed
        self.lean, self.graph = standing.lean, standing.graph
        lasting = save if isinstance(save, tuple) else ()
        saved, self.kept = paths.residuals(path, self.open, lasting) if save is not False and self.open else ((), ())
        self.saved = packs.grouped(ex.builder, saved)
        self.hits = 0
        self.lately: set[int] = set()
        self.moved: frozenset[int] = frozenset()
        self.sites: Sites | None = None
        kept = [packs.pack(ex.builder, what) for what in self.saved]
        literals, self.baked = paths.literals(path, ex)
        self.numbers = tuple([k for k, v in enumerate(ex.scalars) if v not in literals])
        numbers = [ex.scalars[k] for k in self.numbers]
        program = ex.builder.extract([*ex.inputs, *numbers], [*[ex[s].id for s in slots], *kept], literals)
        self.executable = EXECUTOR(verified(made_ready(program)))

    @classmethod
    def alike(cls, path: Path, like: Plan, executable: Executable, literals: dict[int, Any]) -> Plan:
        """The plan of a path that differs from another plan's in extents alone."""
        plan = cls.__new__(cls)
        for name in ("consumed", "graph", "kept", "lean", "leaves", "numbers", "open", "saved", "slots"):
            setattr(plan, name, getattr(like, name))
        plan.numbers = tuple([k for k in range(path.scalars) if k not in literals])
        plan.baked = sized.baked(path, literals)
        plan.hits, plan.lately, plan.moved, plan.sites = 0, set(), frozenset(), None
        plan.executable = executable
        return plan


class Prefix:
    """Program for some results of a path whose trace stays open, from the arrays known so far."""

    __slots__ = ("executable", "inputs", "known", "numbers", "slots")

    def __init__(self, ex: Expansion, slots: tuple[int, ...], known: tuple[int, ...]) -> None:
        b = ex.builder
        outputs = [ex[s].id for s in slots]
        given = [ex.inputs, [ex[s].id for s in known], ex.scalars]
        used = b.reads(outputs, {v for part in given for v in part})
        self.slots = slots
        self.inputs, at, self.numbers = ([k for k, v in enumerate(part) if v in used] for part in given)
        self.known = [known[k] for k in at]
        fed = zip(given, (self.inputs, at, self.numbers), strict=True)
        self.executable = EXECUTOR(made_ready(b.extract([part[k] for part, ks in fed for k in ks], outputs)))
        count("programs")


ONCE = "once"
"""Key of what a path has that has run without a plan, among its plans."""


def has_run(path: Path, slots: tuple[int, ...]) -> bool:
    """Whether a path has run for some results without a plan."""
    once = path.plans.get(ONCE)
    return once is not None and once.slots == slots


def new_plan(t: Any, path: Path, slots: tuple[int, ...], save: Save) -> Plan:
    """A plan for a set of outputs: by a program that paths of its form share, if there is one."""
    formed = None if t.cutting or t.vmapped or EXECUTOR is not Tiered or path.rows > sized.MOST_ROWS else Formed(path)
    if formed is None or formed.forms is None:
        return own_plan(t, path, slots, save)
    key = slots, save if save is not True or Standing(path, slots).open else False
    found = sized.found(path, formed, key)
    if found is not None:
        like, executable, literals = found
        return Plan.alike(path, like, executable, literals)
    plan = own_plan(t, path, slots, save)
    sized.note(path, formed, key, plan, lambda first: Plan(first, slots, save, Expansion().advance(first)))
    return plan


def own_plan(t: Any, path: Path, slots: tuple[int, ...], save: Save) -> Plan:
    """A plan for a set of outputs, of the path's own program; one that has run before is no new program."""
    if not has_run(path, slots):
        count("programs")
    return Plan(path, slots, save, t.expanded(path))
