"""Graph of run values: leaves, segments and their results, for the gradients.

A trace that has run leaves a ``Segment`` behind for as long as one of its results may still be differentiated.
Each such result has an ``Out``, without its segment once a ``backward()`` has consumed the graph; a leaf has a
``Leaf``. References go from results to the past only, so counting frees everything.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import CodeType
from typing import Any

from tenure.values.rules import packs
from tenure.values.rules.rows import Path

CodeSite = tuple[CodeType, int] | None
"""Site of the user's program as recorded: a code object and an instruction offset; None where unknown."""

Hook = Callable[[Any], Any]
_numbers = itertools.count()
EXPECTED = {"backward": False}
"""Whether the run of a new path saves for a backward: True if one followed the last run."""


class Leaf:
    """Identity of a differentiation leaf; ``grad`` is the place that holds its gradient, or None."""

    __slots__ = ("__weakref__", "grad", "hooks")

    def __init__(self) -> None:
        self.grad: Any = None
        self.hooks: dict[int, Hook] = {}


class RowLeaf(Leaf):
    """Rows of a leaf, read at an index, as a source of their own: their cotangent is the leaf's sparse gradient.

    ``index`` (n,) has the table's number of rows where nothing is to arrive, if ``padded``.
    """

    __slots__ = ("aval", "index", "of", "padded")

    def __init__(self, of: Leaf, index: Any, aval: Any, padded: bool) -> None:
        self.of, self.index, self.aval, self.padded = of, index, aval, padded
        self.hooks = {}

    grad = property(lambda self: self.of.grad)
    """The gradient's place of the leaf."""


class Frozen:
    """Former leaf of a place that requires no grad any more, with its gradient: earlier recorded operations do not
    reach it meanwhile, as the leaf has none then."""

    __slots__ = ("grad", "leaf")

    def __init__(self, leaf: Leaf) -> None:
        self.leaf = leaf
        self.grad = leaf.grad


def keeper(x: Any) -> Any:
    """Holder of a place's gradient as ``grad``: its leaf, or its former one; None without either."""
    return getattr(x, "_leaf", None) or getattr(x, "_frozen", None)


class Out:
    """Differentiable result of a trace that has run. Once its graph is consumed ``segment`` is None, and ``where`` the
    line of the ``backward()`` that did it."""

    __slots__ = ("__weakref__", "name", "segment", "slot", "where")

    def __init__(self, segment: Segment | None, slot: int, name: str, where: CodeSite = None) -> None:
        self.segment = segment
        self.slot = slot
        self.name = name
        self.where = where
        if segment is not None:
            segment.outs[slot] = weakref.ref(self)

    def join(self, segment: Segment) -> None:
        """Stand in a segment."""
        self.segment = segment
        segment.outs[self.slot] = weakref.ref(self)

    def consume(self, where: CodeSite) -> None:
        """Release the graph; the result is a number from now on."""
        self.where = where
        self.segment = None


GRAFTED = -1
"""Slot of a value whose place in a graph is a result's, and whose elements are others: written outside of the graph."""
Source = Leaf | Out | None
Twin = weakref.ref[Out]
"""Result that another one is the double of: the gradient with respect to it is that with respect to both."""


class Segment:
    """Residuals of a run trace: its path, and its inputs or the values saved of them.

    Whether a backward came is noted at the path: unused residuals are not saved again.

    ``sources`` maps source slots to where their gradient goes on. ``saved`` maps value numbers of the path's
    expansion to arrays, where the run has saved what the adjoint needs; ``inputs`` is then not kept whole. A ``lean``
    one keeps none, as its adjoint reads none. ``trace`` is set if another thread has made a segment of it, too. It
    is the ``first`` one of its path, or not. ``values`` are its results that
    are leaves, kept with the inputs. ``twins`` are those that are doubles of results of earlier segments.
    """

    __slots__ = (
        "__weakref__", "first", "handlers", "inputs", "lean", "me", "number", "outs", "path", "saved", "scalars",
        "sources", "trace", "twins", "values",
    )  # fmt: skip

    def __init__(
        self,
        path: Path,
        inputs: list[Any],
        scalars: list[Any],
        sources: dict[int, Source],
        handlers: dict[int, Any],
        twins: dict[int, Twin],
    ) -> None:
        self.path = path
        self.inputs: list[Any] = inputs
        self.scalars = scalars
        self.sources = sources
        self.handlers = handlers
        self.twins = twins
        self.saved: dict[packs.Saved, Any] | None = None
        self.outs: dict[int, weakref.ref[Out]] = {}
        self.number = next(_numbers)
        self.trace: Any = None
        self.lean = False
        self.first = False
        self.values: dict[int, Any] = {}
        self.me: weakref.ref[Segment] | None = None
        for x in inputs:
            x._held = True

    def slim(self) -> None:
        """Drop all values: the gradient of the remaining results reads none."""
        self.lean, self.inputs, self.saved, self.values = True, [], None, {}
        _unused.pop(self.me, None)

    def consumed(self) -> CodeSite:
        """Site of a backward that has consumed a result."""
        outs = [reference() for reference in list(self.outs.values())]
        return next((out.where for out in outs if out is not None and out.segment is None), None)

    def keep(self, saved: dict[packs.Saved, Any]) -> None:
        """Keep the saved values of the run."""
        self.saved = saved
        self.me = me = weakref.ref(self, _gone.append)
        _unused[me] = self.path

    def use(self) -> None:
        """Note that a backward has come."""
        self.path.save = EXPECTED["backward"] = True
        _unused.pop(self.me, None)


_unused: dict[Any, Path] = {}
_gone: deque[Any] = deque()
"""Segments that died since the last check: no finalizer runs Python code, as an interrupt in one is lost."""


def forget_unused() -> None:
    """Stop saving in the paths of segments that died before a backward came."""
    with suppress(IndexError):  # another thread may have taken the last
        while _gone:
            path = _unused.pop(_gone.popleft(), None)
            if path is not None:
                path.save = EXPECTED["backward"] = False
