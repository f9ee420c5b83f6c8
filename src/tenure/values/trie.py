"""The trie of recorded operations.

A node is reached by one exact, typed key per recorded step; it knows what the step gives (avals, which
sources its gradient reaches) and how to expand it into primitives. Walking the same path again costs a
dictionary step. Nodes hold slots, never objects: slot k ≥ 0 is the k-th result of the trace, slot −1−k its
k-th input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isnan
from typing import Any, Final

from tenure.errors import DTypeError
from tenure.ir.aval import Aval
from tenure.ir.traits import Limit
from tenure.ops.pointwise import DIVISOR

Key = tuple[Any, ...]
Slots = tuple[int, ...]


class _General:
    """Marker of a scalar position that has met more than one value: an input of the program for good."""

    def __repr__(self) -> str:
        return "GENERAL"


GENERAL: Final = _General()
Bound = tuple[int, int, Limit | None]
"""Bound of a Python number where it is recorded: its range, and further conditions."""
INT64: Bound = (-(2**63), 2**63 - 1, None)
DIVIDES: Bound = (*INT64[:2], DIVISOR)


class Level:
    """Vmapped call on a path: so many examples, ``depth`` calls deep, within the level ``outer``."""

    __slots__ = ("count", "depth", "outer")

    def __init__(self, count: int, outer: Level | None) -> None:
        self.count = count
        self.outer = outer
        self.depth: int = 1 if outer is None else outer.depth + 1


class Node:
    """One step of a path, and the programs of the traces that end here.

    ``avals`` and ``deps`` say for each result its aval and the source slots that its gradient reaches.
    ``args`` are the slots read, None standing for the next scalar; ``kinds`` are the scalars' Python types.
    ``leaves`` says which results of an operation are sources of gradients from here on.
    ``results``, ``inputs``, ``scalars`` count those of the whole path, ``size`` its operations, each of a composite one
    by itself. ``single`` is the one scalar's value
    while it is specialized, ``likely`` the child that was taken last: the recorder's shortcuts. ``made`` keeps what
    ``paths.steps`` found. ``level`` is the vmapped call of whose example the results are, ``open`` the innermost one
    that has not returned here. ``recipe`` knows what an operation emits (``ir.templates``).
    """

    made: list[tuple[Node, int]] | None
    save: bool | None
    recipe: Any
    __slots__ = (
        "args",
        "aval",
        "avals",
        "baked",
        "bounds",
        "cut",
        "deps",
        "depss",
        "expand",
        "fixed",
        "inputs",
        "key",
        "kinds",
        "leaves",
        "level",
        "likely",
        "made",
        "name",
        "next",
        "open",
        "params",
        "parent",
        "plans",
        "recipe",
        "results",
        "save",
        "scalars",
        "single",
        "size",
        "stamp",
    )

    def __init__(
        self,
        parent: Node | None,
        key: Key,
        expand: Callable[..., None],
        *,
        args: tuple[int | None, ...] = (),
        params: Any = None,
        avals: tuple[Aval, ...] = (),
        depss: tuple[Slots, ...] = (),
        inputs: int = 0,
        scalars: tuple[Any, ...] = (),
        bounds: tuple[Bound | None, ...] = (),
        name: str = "",
        leaves: tuple[int, ...] = (),
        level: Level | None = None,
        size: int = 0,
    ) -> None:
        self.parent = parent
        self.key = key
        self.expand = expand
        self.args = args
        self.params = params
        self.avals = avals
        self.depss = depss
        self.aval = avals[0] if len(avals) == 1 else None
        self.deps = depss[0] if depss else ()
        self.name = name
        self.leaves = leaves
        self.level, self.recipe = level, None
        self.next: dict[Key, Node] = {}
        self.likely: Node | None = None
        self.plans: dict[Any, Any] = {}
        self.baked: dict[Node, None] = {}
        self.cut, self.save, self.made, self.stamp = False, None, None, 0
        self.kinds = tuple([type(s) for s in scalars])
        self.bounds = bounds or tuple([INT64 if k is int else None for k in self.kinds])
        self.fixed: list[Any] = [GENERAL if _unspecializable(s) else s for s in scalars]
        self.single = self.fixed[0] if len(scalars) == 1 else GENERAL
        self._follow(parent, len(avals), inputs, size)

    def _follow(self, parent: Node | None, results: int, inputs: int, size: int) -> None:
        """Derive the counts of the path from the parent node."""
        self.open: Level | None = parent.open if parent else None
        self.results: int = (parent.results if parent else 0) + results
        self.inputs: int = (parent.inputs if parent else 0) + inputs
        self.scalars: int = (parent.scalars if parent else 0) + len(self.kinds)
        self.size: int = (parent.size if parent else 0) + max(size, results)

    def admit(self, scalars: tuple[Any, ...]) -> None:
        """Check the scalars of this visit; a position that meets a second value becomes an input for good."""
        for k, value in enumerate(scalars):
            bound = self.bounds[k]
            if bound is not None and not within(value, bound):
                raise out_of_bounds(value, bound)
            if self.fixed[k] is not GENERAL and self.fixed[k] != value:
                self.generalize(k)

    def generalize(self, k: int) -> None:
        """Turn a scalar position into an input for good; programs that took it for a constant are dropped."""
        self.fixed[k] = self.single = GENERAL
        for end in list(self.baked):
            end.plans.clear()
        self.baked.clear()

    def path(self, start: Node | None = None) -> list[Node]:
        """Nodes from the first step, or the one behind ``start``, to this one."""
        out: list[Node] = []
        node: Node | None = self
        while node is not None and node is not start and node.parent is not None:
            out.append(node)
            node = node.parent
        out.reverse()
        return out


def _unspecializable(value: Any) -> bool:
    """Whether a number cannot be specialized: 0.0 equals −0.0 and NaN equals nothing."""
    return type(value) is float and (value == 0.0 or isnan(value))


def within(value: int, bound: Bound) -> bool:
    """Whether a Python number lies within a bound."""
    return bound[0] <= value <= bound[1] and (bound[2] is None or bound[2].admits(value))


def out_of_bounds(value: int, bound: Bound) -> Exception:
    """Error for a Python number outside the range of its dtype, or refused by a primitive."""
    if bound[2] is not None and bound[0] <= value <= bound[1]:
        return bound[2].error(value)
    bits = (bound[1] - bound[0] + 1).bit_length() - 1
    return DTypeError(f"the number {value} does not fit in int{bits}", help="write it as a float, or cast the tensor")


def below(node: Node) -> Iterator[Node]:
    """Nodes under this one, parents before children."""
    stack = list(node.next.values())
    while stack:
        at = stack.pop()
        yield at
        stack += at.next.values()


def prune(root: Node, most: int) -> int:
    """Keep the paths at whose ends traces ended last, as many as have this number of nodes; returns how many remain."""
    order = list(below(root))
    alive = {id(root)}
    for end in sorted(order, key=lambda node: node.stamp, reverse=True):
        path: list[Node] = []
        node: Node | None = end
        while node is not None and id(node) not in alive:
            path.append(node)
            node = node.parent
        if len(alive) > 1 and len(alive) + len(path) > most:
            break
        alive.update(map(id, path))
    for node in [root, *order]:
        node.likely = None
        node.next = {k: child for k, child in node.next.copy().items() if id(child) in alive}
    return len(alive) - 1


def _nothing(*args: Any) -> None:
    """Expansion of the root: no primitives."""


ROOT = Node(None, (), _nothing)
"""Root of every path."""
