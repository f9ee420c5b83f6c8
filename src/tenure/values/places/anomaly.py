"""``tn.detect_anomaly``: the first operation that makes a NaN or an infinity of finite numbers is an error.

    y = (w * 0).log()          # AnomalyError: log made -inf
    y.sum().backward()

Before a program runs, it is run instruction by instruction in NumPy, and what each gives is looked at. What an
operation only computes on the way does not count, but for a gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import Any, Self

import numpy as np

from tenure.errors import AnomalyError
from tenure.interp.interp import Poison, reference
from tenure.runtime.bracket import Bracketed
from tenure.values.places.strict import finish, program_of
from tenure.values.rules.sites import site, site_of
from tenure.values.run.force import BEFORE_RUN
from tenure.values.trace.blame import checked_first

ACTIVE: ContextVar[bool] = ContextVar("tenure_anomaly", default=False)
SWITCHED: ContextVar[bool] = ContextVar("tenure_anomaly_switched", default=False)
"""Whether this thread's switch is on."""
GRADIENT = "GradBackward0"


class detect_anomaly(Bracketed, ContextDecorator):
    """Context in which the first operation that makes a NaN or an infinity is an error, be it forward or backward.

    An AnomalyError names the operation, its line (of a gradient, that of the backward, and where what it reads was
    computed) and the number. It comes when the operation is computed, at the end of the block for what is pending then.
    Programs are run twice, once of them in NumPy: for debugging. Without ``check_nan`` nothing is looked at.

    >>> with tn.detect_anomaly():
    ...     tn.tensor([0.0, 1.0]).log().tolist()
    Traceback (most recent call last):
    AnomalyError
    """

    @checked_first
    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = bool(check_nan)

    def _opening(self) -> Any:
        finish()
        outer = ACTIVE.get()
        begin = (ACTIVE.set, self.check_nan), (BEFORE_RUN.append, look)
        return begin, ((finish,),), ((ACTIVE.set, outer), (BEFORE_RUN.remove, look))


class set_detect_anomaly(detect_anomaly):
    """Switch of ``detect_anomaly`` for this thread from now on; as a context, for the block.

    >>> switch = tn.autograd.set_detect_anomaly(False)
    """

    @checked_first
    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(bool(mode) and bool(check_nan))
        self.before = ACTIVE.get(), SWITCHED.get()
        finish()
        ACTIVE.set(self.check_nan)
        switch(self.check_nan)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any = None, error: Any = None, at: Any = None, /) -> None:
        try:
            if kind is None:
                finish()
        finally:
            active, switched = self.before
            ACTIVE.set(active)
            switch(switched)


def switch(on: bool) -> None:
    """Let this thread's switch look at programs before they run, or no longer."""
    if on and not SWITCHED.get():
        BEFORE_RUN.append(look)
    if not on and SWITCHED.get():
        BEFORE_RUN.remove(look)
    SWITCHED.set(on)


def look(t: Any, plan: Any) -> Exception | None:
    """The error for a program that is about to run."""
    if not ACTIVE.get():
        return None
    program = program_of(plan.executable)
    counted = escaping(program)
    for v, (at, operands, found) in enumerate(computed(t, plan, program), len(program.inputs)):
        gradient = is_gradient(t, at)
        number = made(found, operands) if operands and (gradient or v in counted) else None
        if number is not None:
            return error(t, program, at, number, gradient)
    return None


def computed(t: Any, plan: Any, program: Any) -> Iterator[tuple[Any, list[Any], Any]]:
    """Each instruction of a program that is about to run, with its operands and its result, one after the other; none
    from where the run itself has an error on."""
    arrays = [x._data for x in t.inputs]
    if any(type(x) is Poison or x is None for x in arrays):
        return
    numbers = [t.scalars[k] for k in plan.numbers]
    kinds = [aval.dtype.numpy for aval in program.inputs[len(arrays) :]]
    values = [*arrays, *[np.array(x, kind) for x, kind in zip(numbers, kinds, strict=True)]]
    last = last_uses(program)
    for k, at in enumerate(program.instructions):
        operands = [values[v] for v in at.operands]
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(reference(at)(*operands, **at.params))
        except Exception:
            return
        values.append(found)
        yield at, operands, found
        for v in last[k]:
            values[v] = None


def is_gradient(t: Any, at: Any) -> bool:
    """Whether an instruction is of a gradient."""
    return bool(0 <= at.origin < len(t.handles) and t.handles[at.origin]._rule.name == GRADIENT)


def escaping(program: Any) -> set[int]:
    """The values that leave the recorded operation that they are of."""
    n = len(program.inputs)
    origin = [at.origin for at in program.instructions]
    out = set(program.outputs)
    for at in program.instructions:
        out |= {v for v in at.operands if v >= n and origin[v - n] != at.origin}
    return out


def last_uses(program: Any) -> list[list[int]]:
    """The values that no instruction behind each reads."""
    last: dict[int, int] = {}
    for k, at in enumerate(program.instructions):
        last.update(dict.fromkeys(at.operands, k))
    out: list[list[int]] = [[] for _ in program.instructions]
    for v, k in last.items():
        out[k].append(v)
    return out


def made(found: Any, operands: list[Any]) -> Any:
    """A NaN where no operand has one, or an infinity where all are finite; None if there is neither."""
    if found.dtype.kind not in "fc" or np.isfinite(found).all():
        return None
    given = [x for x in operands if x.dtype.kind in "fc"]
    if np.isnan(found).any():
        return None if any(np.isnan(x).any() for x in given) else found[np.isnan(found)].flat[0].item()
    return None if any(not np.isfinite(x).all() for x in given) else found[np.isinf(found)].flat[0].item()


def error(t: Any, program: Any, at: Any, number: Any, gradient: bool) -> AnomalyError:
    """The error for an instruction: the operation, its line, and of a gradient where it reads its operands from."""
    h = t.handles[at.origin] if 0 <= at.origin < len(t.handles) else None
    name = at.primitive.name
    if h is not None and not gradient:
        name = str(getattr(h._rule.key[0], "name", name))
    said = "the gradient is that of this operation, or of one that reads its result"
    notes = [(said, where) for where in read(t, program, at)]
    what = f"in a gradient, {name}" if gradient else name
    return AnomalyError(
        f"{what} made {number} of numbers that were {usual(number)}",
        at=None if h is None else site(site_of(t, h)),
        notes=notes if gradient else (),
        help="keep its operands within its domain: clamp them, add an epsilon, or choose by tn.where before it",
    )


def usual(number: Any) -> str:
    """The property that numbers lack one of which is made."""
    return "not NaN" if number != number else "finite"


def read(t: Any, program: Any, at: Any) -> list[Any]:
    """The lines of the nearest values of the forward pass that an instruction of a gradient reads."""
    lines: list[Any] = []
    for h in nearest(t, program, at, at.operands):
        where = site(site_of(t, h))
        if where is not None and where not in lines:
            lines.append(where)
    return lines[:3]


def nearest(t: Any, program: Any, at: Any, operands: Sequence[int]) -> Iterator[Any]:
    """The results of the nearest operations that an instruction reads by way of some operands, nearest first."""
    n, todo, seen = len(program.inputs), list(operands), set[int]()
    while todo:
        v = todo.pop(0)
        if v < n or v in seen:
            continue
        seen.add(v)
        other = program.instructions[v - n]
        if other.origin == at.origin:
            todo += other.operands
        elif 0 <= other.origin < len(t.handles):
            yield t.handles[other.origin]
