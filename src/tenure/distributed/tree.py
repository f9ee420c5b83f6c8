"""The one binary tree in which parts are added, whoever holds them.

    parts    0   1   2   3   4   5
              ╲ ╱     ╲ ╱     ╲ ╱
              0:2     2:4     4:6
                 ╲   ╱         │
                  0:4          │
                     ╲        ╱
                        0:6

A node of n parts has the largest power of two below n on its left. So the order of additions, and with it each bit of
the sum, depends on the number of parts alone. A rank holds neighbouring parts; it adds its own up to the largest
subtrees (``Sums``), and only those are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Adder = Callable[..., Any]


class Node(NamedTuple):
    """A subtree: its first part, and the one behind its last."""

    first: int
    last: int


def middle(node: Node) -> int:
    """The first part of the right half of a node."""
    count = node.last - node.first
    return node.first + (1 << (count - 1).bit_length() - 1)


@cache
def nodes(parts: int) -> frozenset[Node]:
    """All nodes of the tree of so many parts."""
    found, left = set(), [Node(0, parts)]
    while left:
        node = left.pop()
        found.add(node)
        if node.last - node.first > 1:
            m = middle(node)
            left += [Node(node.first, m), Node(m, node.last)]
    return frozenset(found)


@cache
def share(parts: int, ranks: int, rank: int) -> range:
    """The neighbouring parts that a rank holds: as equal as can be, the first ranks have one more."""
    each, more = divmod(parts, ranks)
    first = rank * each + min(rank, more)
    return range(first, first + each + (rank < more))


@cache
def roots(parts: int, held: range) -> tuple[Node, ...]:
    """The largest subtrees of some neighbouring parts, from left to right."""
    found: list[Node] = []

    def visit(node: Node) -> None:
        if node.last <= held.start or held.stop <= node.first:
            return
        if held.start <= node.first and node.last <= held.stop:
            found.append(node)
            return
        m = middle(node)
        visit(Node(node.first, m))
        visit(Node(m, node.last))

    visit(Node(0, parts))
    return tuple(found)


class Sums:
    """Sums of neighbouring parts, taken one after the other: of the largest subtrees so far.

    The arrays that are given are written.
    """

    def __init__(self, parts: int, add: Adder = np.add) -> None:
        self._nodes, self._add = nodes(parts), add
        self.found: list[tuple[Node, Array]] = []

    def take(self, part: int, array: Array) -> None:
        """Take the next part."""
        node = Node(part, part + 1)
        while self.found:
            left, before = self.found[-1]
            both = Node(left.first, node.last)
            if both not in self._nodes or middle(both) != node.first:
                break
            self.found.pop()
            node, array = both, self._add(before, array, out=before)
        self.found.append((node, array))


def total(
    parts: int, found: dict[Node, Array], mine: frozenset[Node] | set[Node], add: Adder, out: Array
) -> Array:
    """The sum of all parts from those of subtrees, written to ``out``. Arrays of the nodes in ``mine`` may be
    written."""
    whole = Node(0, parts)
    if whole in found:
        out[...] = found[whole]
        return out
    m = middle(whole)
    left, right = _sum(Node(0, m), found, mine, add)[0], _sum(Node(m, parts), found, mine, add)[0]
    return add(left, right, out=out)  # type: ignore[no-any-return]


def _sum(node: Node, found: dict[Node, Array], mine: Any, add: Adder) -> tuple[Array, bool]:
    """The sum of a node, and whether it may be written. No closure, which would hold the arrays until a collection."""
    if node in found:
        return found[node], node in mine
    m = middle(node)
    left, free = _sum(Node(node.first, m), found, mine, add)
    right, also = _sum(Node(m, node.last), found, mine, add)
    out = left if free else right if also else None
    return (add(left, right) if out is None else add(left, right, out=out)), True
