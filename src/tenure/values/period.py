"""Cuts of long traces at the loop's own period, so that a loop that never forces compiles nothing new.

Each step is coded by its operation and by how far back its operands lie; Python numbers that vary are left
out. A steady loop is then exactly periodic from some point on. The cut falls on a multiple of the period
counted from that point of the loop where least is alive: the next trace begins there too, and ends at the same cut.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from tenure.values.expand import (
    expand_close,
    expand_gradient,
    expand_return,
    expand_select,
    expand_tangent,
    expand_widen,
)
from tenure.values.inside import internally
from tenure.values.paths import ancestors
from tenure.values.rows import FIRST_LOOK, Path, Step, look_after
from tenure.values.rules import GENERAL

REPEATS = 3
LONGEST = 16384


def codes(path: Sequence[Step]) -> list[Hashable]:
    """Codes of results: the rule, and each operand as the distance to its last occurrence."""
    out: list[Hashable] = []
    last_use: dict[int, int] = {}
    for step in path:
        if not step.rule.kinds:
            continue
        here = len(out)
        operands: list[Hashable] = []
        for slot in step.args:
            seen = last_use.get(slot)
            operands.append(here - max(slot, seen if seen is not None else slot) if slot >= 0 else _back(seen, here))
            last_use[slot] = here
        head = step.expand if step.expand in POSITIONAL else step.rule
        out.extend([(head, tuple(operands), k) for k in range(len(step.rule.kinds))])
    return out


POSITIONAL = (expand_close, expand_gradient, expand_return, expand_select, expand_tangent, expand_widen)
"""Steps whose rules name slots, which differ from turn to turn."""


def _back(seen: int | None, here: int) -> Hashable:
    return "new" if seen is None else here - seen


def shortest_period(sequence: Sequence[Hashable], repeats: int = REPEATS) -> int | None:
    """The shortest p such that the sequence ends in at least ``repeats`` runs of p equal elements, else None.

    Source: Knuth, Morris, Pratt (1977), the failure function of the reversed sequence.
    """
    numbers: dict[Hashable, int] = {}
    r = [numbers.setdefault(c, len(numbers)) for c in reversed(sequence)]
    failure = [0] * len(r)
    best: tuple[int, int] | None = None
    k = 0
    for i in range(1, len(r)):
        while k and r[i] != r[k]:
            k = failure[k - 1]
        if r[i] == r[k]:
            k += 1
        failure[i] = k
        length, p = i + 1, i + 1 - k
        if length >= repeats * p and (best is None or length > best[0]):
            best = (length, p)
    return best[1] if best else None


def narrowest(path: Sequence[Step], period: int) -> int:
    """Cut within a period at which fewest bytes are live: the number of results from the start of a path; a backward
    reads all ancestors of its roots."""
    made = [(step, k) for step in path for k in range(len(step.rule.kinds))]
    last: dict[int, int] = {}
    for step in path:
        if step.rule.kinds:
            read = {slot for slot in step.args if slot >= 0}
            if step.expand is expand_gradient:
                read |= ancestors(made, read)
            last.update(dict.fromkeys(read, step.first))
    crossing = dict.fromkeys(range(len(made) - 2 * period, len(made) - period), 0)
    for slot, use in last.items():
        for at in range(max(slot + 1, len(made) - 2 * period), min(use + 1, len(made) - period)):
            step, k = made[slot]
            crossing[at] += step.rule.kinds[k].aval.nbytes
    return min([(size, at % period) for at, size in crossing.items()])[1]


def generalize(path: Path, period: int) -> None:
    """Turn Python numbers that differ between the periods into inputs, before a program is built on one of them."""
    numbers = [(block, k) for block in path.blocks() for k in range(len(block.fixed))]
    at = [(end(step) % period, k) for step in path.steps() for k in range(len(step.rule.numbers))]
    met: dict[tuple[int, int], object] = {}
    for where, (block, k) in zip(at, numbers, strict=True):
        value = block.fixed[k]
        if met.setdefault(where, value) != value:
            met[where] = GENERAL
    vary: dict[Path, list[int]] = {}
    for where, (block, k) in zip(at, numbers, strict=True):
        if met[where] is GENERAL and block.fixed[k] is not GENERAL:
            vary.setdefault(block, []).append(k)
    for block, places in vary.items():
        block.generalize(places)


def end(step: Step) -> int:
    """Number of results up to a step and with it."""
    return step.first + len(step.rule.kinds)


def due(t: Any, is_open: bool) -> bool:
    """Whether a trace, which has come to its ``limit``, is to be cut here. While transforms are open it is not."""
    if is_open:
        t.limit = len(t.rules) + FIRST_LOOK
        return False
    path, rows = t.path, len(t.rules)
    if path.cut is not None and rows >= path.cut:
        return True
    size = path.size + sum([rule.size for rule in t.rules])
    if size >= look_after(path.size):
        end = t.point()
        found = look(end)
        t.limit = end.limit
        return found
    left = (look_after(path.size) - size) // (1 + size // max(1, path.rows + rows))
    t.limit = rows + max(1, left)
    return False


def look(path: Path) -> bool:
    """Look for the period of a trace, once for each path; whether it is to be cut here."""
    if "period" not in path.plans:
        internally(path, choose_cut, path)
        path.plans["period"] = True
    return path.cut == 0


def choose_cut(path: Path) -> None:
    """Mark the end of a path as a cut, or a row behind it, if the trace is to be cut there. The choice depends on the
    recorded rows alone: the same trace is cut alike each time."""
    if path.size >= LONGEST:
        path.cut = 0
        return
    steps = path.steps()
    period = shortest_period(codes(steps))
    if period is None:
        return
    generalize(path, period)
    rest = (narrowest(steps, period) - path.results) % period
    turn = [end(step) for step in steps if end(step) > path.results - period]
    path.cut = path.limit = sum([at <= path.results - period + rest for at in turn])
