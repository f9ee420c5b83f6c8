"""Cuts of long traces at the loop's own period, so that a loop that never forces compiles nothing new.

Each row is coded by its operation and by how far back its operands lie; Python numbers that vary are left out. A steady
loop is then exactly periodic from some point on. The cut falls on a multiple of the period counted from that point of
the loop where least is alive: the next trace begins there too, and ends at the same cut.

A period counts if most of the trace repeats it: an inner loop also repeats its body many times, but the loop around it
need not. What has no period is one program, up to a limit: the trace then ends behind the next backward, where no graph
is open whose residuals would have to be kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from tenure.values.rules import rows
from tenure.values.rules.expand import (
    expand_close,
    expand_gradient,
    expand_return,
    expand_select,
    expand_tangent,
    expand_widen,
)
from tenure.values.rules.inside import internally
from tenure.values.rules.paths import ancestors_in
from tenure.values.rules.rows import FIRST_LOOK, Path, Step, look_after
from tenure.values.rules.rules import GENERAL, Rule

REPEATS, COVER = 3.0, 0.75
"""Turns of a loop, and the part of a trace that they are, for a cut at its period."""
FURTHEST = 1.25
"""So many times the longest, a trace no longer waits for a backward."""
BEGUN, HALF = 1.25, 0.5
"""Turns that are a period where it is cut in any case, and the part that they must be if it can wait for a backward."""
LIGHT, HEAVY = 1024, 1 << 26
"""Operations below which a trace is not cut, unless its inputs have so many bytes."""
POSITIONAL = (expand_close, expand_gradient, expand_return, expand_select, expand_tangent, expand_widen)
"""Steps whose rules name slots, which differ from turn to turn."""
WINDOW, CANDIDATES = 64, 64
"""Last rows whose rules are looked for further up, and the places where a period is tried."""
MIX = -7046029254386353131
"""The golden ratio in 64 bits: its multiples are spread evenly."""

Numbers = Any
"""Array of int64."""


def heads(rules: Sequence[Rule]) -> dict[Rule, int]:
    """A number for each of some rules, the same for those whose rows may repeat each other."""
    found: dict[Any, int] = {}
    unlike = {rule: rule.expand if rule.expand in POSITIONAL else rule for rule in dict.fromkeys(rules)}
    return {rule: found.setdefault(head, len(found)) for rule, head in unlike.items()}


def may_repeat(sequence: Sequence[int]) -> bool:
    """Whether numbers may have a period as ``shortest_period`` asks for, at a small part of its cost: where those of
    the rules have none, rows have none."""
    row = array("q", sequence)
    n, data, size = len(row), row.tobytes(), row.itemsize
    covered, at = (n - int(COVER * n)) * size, n - int(n / REPEATS)
    window = min(WINDOW, n - at)
    last, begin = data[len(data) - window * size :], size * max(0, at - window)
    for _ in range(CANDIDATES):
        begin = data.find(last, begin, len(data) - 1)
        if begin < 0:
            return False
        turn = len(data) - len(last) - begin
        if turn % size == 0 and data[covered : len(data) - turn] == data[covered + turn :]:
            return True
        begin += 1
    return True


def codes(rules: Sequence[Rule], number: dict[Rule, int], slots: Sequence[int]) -> Numbers:
    """Code of each row with results: its rule, and each operand as the distance to its last occurrence."""
    rows = np.array([(number[rule], rule.arity, len(rule.kinds)) for rule in rules], np.int64)
    head, arity, results = rows.reshape(-1, 3).T
    ends, made = np.cumsum(arity), np.cumsum(results) - results
    row = np.repeat(np.arange(len(rules)), arity)
    place = np.arange(len(row)) - (ends - arity)[row]
    counts = results[row] > 0
    read = np.zeros(len(row) + 1, np.int64)
    read[1:][counts] = mixed(mixed(distances(np.array(slots, np.int64)[counts], made[row[counts]])) + place[counts])
    sums = np.cumsum(read)
    return (mixed(head) + sums[ends] - sums[ends - arity])[results > 0]


def distances(slots: Numbers, here: Numbers) -> Numbers:
    """Distance of each slot to its last use, or else to where it was made, in results; −1 if an input is new."""
    order = np.argsort(slots, kind="stable")
    again = order[1:][slots[order][1:] == slots[order][:-1]]
    before = np.where(slots >= 0, slots, -1)
    last = np.empty(len(slots), np.int64)
    last[order[1:]] = here[order[:-1]]
    before[again] = np.maximum(before[again], last[again])
    return np.where(before < 0, -1, here - before)


def mixed(x: Numbers) -> Numbers:
    """Numbers that differ in all bits, as a rule, where these differ in some."""
    x = (x ^ (x >> 29)) * MIX
    return x ^ (x >> 32)


def shortest_period(sequence: Numbers, repeats: float = REPEATS, cover: float = COVER) -> int | None:
    """The period of the longest end of a sequence that is at least so many runs of it, and such a part of the whole.

    Source: Knuth, Morris, Pratt (1977), the failure function of the reversed sequence.
    """
    n = len(sequence)
    _, numbers = np.unique(sequence, return_inverse=True)
    if cover and (np.bincount(numbers)[numbers[n - int(cover * n) :]] < repeats).any():
        return None
    r = numbers[::-1].tolist()
    failure = [0] * n
    longest, period = 0, None
    k = 0
    for i in range(1, n):
        while k and r[i] != r[k]:
            k = failure[k - 1]
        if r[i] == r[k]:
            k += 1
        failure[i] = k
        if i + 1 >= repeats * (i + 1 - k):
            longest, period = i + 1, i + 1 - k
    return period if longest >= cover * n else None


def narrowest(path: Sequence[Step], period: int) -> int:
    """Cut within a period at which fewest bytes are live: the number of results from the start of a path; a backward
    reads all ancestors of its roots."""
    made = [(step, k) for step in path for k in range(len(step.rule.kinds))]
    begin, stop = len(made) - 2 * period, len(made) - period
    last: dict[int, int] = {}
    for step in path:
        if step.rule.kinds and step.first >= begin:
            read = {slot for slot in step.args if slot >= 0}
            if step.expand is expand_gradient:
                read |= ancestors_in(made, read)
            last.update(dict.fromkeys(read, step.first))
    change = [0] * (period + 1)
    for slot, use in last.items():
        step, k = made[slot]
        born, dead = max(slot + 1, begin), min(use + 1, stop)
        if born < dead:
            change[born - begin] += step.rule.kinds[k].aval.nbytes
            change[dead - begin] -= step.rule.kinds[k].aval.nbytes
    crossing = list(accumulate(change[:period]))
    return min([(size, at % period) for at, size in enumerate(crossing, begin)])[1]


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
    path, behind = t.path, len(t.rules)
    waits = path.cut is None and path.size >= rows.LONGEST
    if is_open:
        t.limit = behind + (1 if waits else FIRST_LOOK)
        return False
    if path.cut is not None and behind >= path.cut:
        return arrived(t.point())
    if waits:
        t.limit = behind + 1
        return has_come(path, t.rules) and arrived(t.point())
    size = path.size + sum([rule.size for rule in t.rules])
    if size >= look_after(path.size) and (size >= LIGHT or sum([x._kind.aval.nbytes for x in t.inputs]) >= HEAVY):
        end = t.point()
        found = look(end)
        t.limit = end.limit
        return found
    left = (look_after(size) - size) // (1 + size // max(1, path.rows + behind))
    t.limit = behind + max(1, left)
    return False


def has_come(path: Path, rules: Sequence[Rule]) -> bool:
    """Whether a trace that waits for a backward, so many rows behind a path, ends here."""
    last = rules[-1] if rules else path.rules[-1]
    return last.expand is expand_gradient or path.size + len(rules) >= FURTHEST * rows.LONGEST


def look(path: Path) -> bool:
    """Look for the period of a trace, once for each path; whether it is to be cut here."""
    if path.period is None:
        internally(path, choose_cut, path)
    return path.cut == 0 and arrived(path)


def arrived(path: Path) -> bool:
    """Cut a trace at a path, whose last rows have come after the look: True."""
    if path.period:
        internally(path, generalize, path, path.period)
        path.period = 0
    return True


def choose_cut(path: Path) -> None:
    """Mark the end of a path as a cut, or a row behind it, if the trace is to be cut there. The choice depends on the
    recorded rows alone: the same trace is cut alike each time."""
    must, blocks, period = path.size >= rows.LONGEST, path.blocks(), 0
    recorded = [r for block in blocks for r in block.rules]
    number = heads(recorded)
    if not (must or may_repeat([number[rule] for rule in recorded if rule.kinds])):
        path.cut, path.period = None, period
        return
    coded = codes(recorded, number, [s for block in blocks for s in block.slots])
    waits = must and any(rule.expand is expand_gradient for block in blocks for rule in block.rules)
    turn = shortest_period(coded, BEGUN, HALF if waits else 0.0) if must else shortest_period(coded)
    if turn is None:
        path.cut = 0 if must and not waits else None
    else:
        steps = path.steps()
        period = sum([len(step.rule.kinds) for step in steps if step.rule.kinds][-turn:])
        generalize(path, period)
        rest = (narrowest(steps, period) - path.results) % period
        ends = [end(step) for step in steps if end(step) > path.results - period]
        path.cut = path.limit = sum([at <= path.results - period + rest for at in ends])
    path.period = period  # an interrupt before this is followed by another look
