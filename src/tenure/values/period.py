"""Cuts of long traces at the loop's own period, so that a loop that never forces compiles nothing new.

Each step is coded by its operation and by how far back its operands lie; Python numbers that vary are left
out. A steady loop is then exactly periodic from some point on. The cut falls on a multiple of the period
counted from that point of the loop where least is alive: the next trace begins there too, walks the same nodes and
ends at the same cut. A long path is needed to see the period; once it is seen, cuts come after SHORT operations, since
compiling takes as long as a program is.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tenure.values.expand import expand_gradient
from tenure.values.paths import ancestors
from tenure.values.trie import GENERAL, Node

REPEATS = 3
SHORT = 192
LONGEST = 16384


def codes(path: Sequence[Node]) -> list[Hashable]:
    """Codes of results: operation, parameters, and each operand as the distance to its last occurrence."""
    out: list[Hashable] = []
    last_use: dict[int, int] = {}
    for node in path:
        if not node.avals:
            continue
        here = len(out)
        operands: list[Hashable] = []
        for slot in node.args:
            if slot is None:
                operands.append("number")
                continue
            seen = last_use.get(slot)
            operands.append(here - max(slot, seen if seen is not None else slot) if slot >= 0 else _back(seen, here))
            last_use[slot] = here
        head = (
            node.expand,
            node.params if node.kinds or node.key[0].__class__.__name__ == "Operation" else None,
        )
        out.extend([(head, tuple(operands), k) for k in range(len(node.avals))])
    return out


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


def narrowest(path: Sequence[Node], period: int) -> int:
    """Cut within a period at which fewest bytes are live: the number of results from the start of a path; a backward
    reads all ancestors of its roots."""
    made = [(node, k) for node in path for k in range(len(node.avals))]
    last: dict[int, int] = {}
    here = 0
    for node in path:
        if node.avals:
            read = {slot for slot in node.args if slot is not None and slot >= 0}
            if node.expand is expand_gradient:
                read |= ancestors(made, read)
            last.update(dict.fromkeys(read, here))
            here += len(node.avals)
    crossing = dict.fromkeys(range(len(made) - 2 * period, len(made) - period), 0)
    for slot, use in last.items():
        for at in range(max(slot + 1, len(made) - 2 * period), min(use + 1, len(made) - period)):
            node, k = made[slot]
            crossing[at] += node.avals[k].nbytes
    return min([(size, at % period) for at, size in crossing.items()])[1]


def generalize(path: Sequence[Node], period: int) -> None:
    """Turn Python numbers that differ between the periods into inputs, before a program is built on one of them."""
    met: dict[tuple[int, int], object] = {}
    for node in path:
        for k, value in enumerate(node.fixed):
            at = (node.results % period, k)
            if met.setdefault(at, value) != value:
                met[at] = GENERAL
    for node in path:
        for k in range(len(node.fixed)):
            if met[node.results % period, k] is GENERAL:
                node.generalize(k)


def choose_cut(node: Node, look: int) -> int:
    """Mark the node as a cut if the trace is to be cut here; gives the size at which to look again."""
    if node.size >= LONGEST:
        node.cut = True
        return node.size + LONGEST
    path = node.path()
    period = shortest_period(codes(path))
    if period is None:
        return 2 * look
    generalize(path, period)
    phase = narrowest(path, period)
    before = next((at for at in reversed(path) if at.results <= node.results - period), path[0])
    early = phase + -(-SHORT // (node.size - before.size)) * period
    for at in reversed(path):  # nowhere, where the first step alone gives more results: that of many parameters
        if at.results <= early and at.avals:
            at.cut = True
            break
    rest = (phase - node.results) % period
    if rest == 0:
        node.cut = True
        return look
    return node.size + rest
