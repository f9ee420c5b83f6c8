"""Writes that PyTorch's graph does not notice: through ``.data``, between a forward and its backward.

    y = w * 1; z = y * y; y.data.add_(1); z.backward()       PyTorch's gradient has the new elements of y: stopped here

A graph here keeps the elements that it was recorded on, so each such write is noted, and a backward whose graph saved
what was written is refused (TN506). Who writes nothing through ``.data`` pays a look at an empty list.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from tenure.errors import BorrowError
from tenure.values.operations.boundary import array_of
from tenure.values.rules.expand import expand_mark
from tenure.values.rules.graph import CodeSite, Out, Segment
from tenure.values.rules.rows import ROOT, Path
from tenure.values.rules.rules import Rule
from tenure.values.rules.sites import here, site

VIEWS = {
    "getitem", "slice", "reshape", "broadcast_to", "permute_dims", "transpose", "diagonal", "squeeze", "unsqueeze",
    "unfold", "detach", "mark",
}  # fmt: skip
"""Functions whose result shows elements of the operand."""
OF_RESULT = {
    "exp", "exp2", "expm1", "sqrt", "rsqrt", "reciprocal", "tanh", "sigmoid", "softmax", "log_softmax",
    "relu", "cumprod",
}  # fmt: skip
"""Functions whose gradient PyTorch computes from the result."""
OF_BOTH = {"prod", "std", "norm", "logsumexp"}
"""Functions whose gradient PyTorch computes from operand and result."""
OF_NOTHING = {
    "add", "subtract", "negative", "sum", "mean", "cumsum", "clone", "copy", "cast", "astype", "concat",
    "concatenate", "stack", "pad", "flip", "roll", "repeat", "tile", "tril", "triu", "diag", "setitem",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "floor", "ceil", "round", "sign",
}  # fmt: skip
"""Functions whose gradient needs no elements."""
BY_INDEX = {"index", "gather", "take_along_axis", "masked", "repeat_interleave"}
"""Functions that save their indices alone."""
PRODUCTS = {"multiply", "matmul", "divide"}
"""Functions that save an operand where a gradient flows to the other."""


class Noted:
    """A silent write: the value before it, its place in a graph if it is a result of one, and the line."""

    __slots__ = ("of_object", "said", "segment", "slot", "value", "where")

    def __init__(self, value: Any, segment: Any, slot: int, where: CodeSite, of_object: bool) -> None:
        self.of_object = of_object
        self.said = "they were written here"
        self.value, self.segment, self.slot, self.where = weakref.ref(value), segment, slot, where

    def is_alive(self) -> bool:
        """Whether a graph may still hold the value."""
        return self.value() is not None or (self.segment is not None and self.segment() is not None)

    def slots(self, segment: Segment) -> set[int]:
        """Slots of a segment that hold the value."""
        value = self.value()
        found = {~k for k, x in enumerate(segment.inputs) if x is value} if value is not None else set()
        return found | ({self.slot} if self.segment is not None and self.segment() is segment else set())


NOTED: list[Noted] = []
"""Silent writes of values that a graph may still hold."""


def note(value: Any, of_object: bool = False) -> None:
    """Note that a value's elements are about to be written silently; ``of_object`` if only its tensor gets others. No
    graph holds a gradient, or another pending value without one, that no recorded step with a gradient has read."""
    if value._trace is not None and not value._kind.tracked and not is_read(value._trace, value._slot):
        return
    if len(NOTED) > 16:
        NOTED[:] = [n for n in NOTED if n.is_alive()]
    segment = segment_of(value)
    NOTED.append(Noted(value, segment and weakref.ref(segment), value._slot if segment else 0, here(), of_object))


def is_read(t: Any, slot: int) -> bool:
    """Whether a graph may hold a result of a trace, or a view of it."""
    if t.handlers or slot in read_by(t.rules, t.slots):
        return True
    return any(slot in read_in(block) for block in t.path.blocks())


def read_by(rules: Sequence[Rule], slots: Sequence[int]) -> set[int]:
    """Slots that some rows read to give results in a graph, or views."""
    found, at = set[int](), 0
    for rule in rules:
        in_graph = rule.tracked and any(kind.tracked and k not in rule.leaves for k, kind in enumerate(rule.kinds))
        if in_graph or name_of(rule) in VIEWS:
            found.update(slots[at : at + rule.arity])
        at += rule.arity
    return found


def read_in(block: Path) -> set[int]:
    """``read_by`` of a path's own block; cached."""
    if "read" not in block.plans:
        block.plans["read"] = read_by(block.rules, block.slots)
    found: set[int] = block.plans["read"]
    return found


WATCHED: dict[int, tuple[Any, Any, CodeSite, Any]] = {}
"""Values of elements that NumPy's arrays may write, by identity: a reference, what says whether they were written, the
line that took the array, and the memory that they were read of, if tensors write it too."""


def watch(value: Any, is_written: Callable[[Any], bool], where: CodeSite, memory: Any = None) -> None:
    """Keep an eye on a value whose elements arrays may write, for as long as a graph may hold it."""
    name = id(value)
    WATCHED[name] = weakref.ref(value, partial(forget, name)), is_written, where, memory


def forget(name: int, _: object, watched: dict[int, Any] = WATCHED) -> None:
    """Forget a value that is gone. The dictionary is an argument: values go after the module's names at the end."""
    watched.pop(name, None)


def unwatch(value: Any) -> None:
    """Forget a watched value."""
    WATCHED.pop(id(value), None)


def note_array(value: Any, where: CodeSite) -> None:
    """Note that an array taken at a line has written a value's elements."""
    unwatch(value)
    segment = segment_of(value)
    noted = Noted(value, segment and weakref.ref(segment), value._slot if segment else 0, where, False)
    noted.said = "an array of them was taken here"
    NOTED.append(noted)


def changed(memory: Any = None) -> None:
    """Note the watched values whose memory has other elements by now. Before a tensor writes some ``memory``, those
    read of it are forgotten: a graph keeps the elements that such a write replaces."""
    for reference, is_written, where, its in list(WATCHED.values()):
        value = reference()
        if value is None or (memory is not None and its is not memory):
            continue
        if is_written(value):
            note_array(value, where)
        elif memory is not None:
            unwatch(value)


def segment_of(value: Any) -> Any:
    """Segment that a value is a result of; a pending trace is run if it has recorded more than leaves. None without."""
    t = value._trace
    if t is not None:
        if not t.path.tracked and not any(rule.tracked and rule.expand is not expand_mark for rule in t.rules):
            return None
        handles = list(t.handles)
        for h in handles:
            if h._kind.tracked and h._rule is not None and h._rule.expand is not expand_mark:
                array_of(h)
        array_of(value)
        found = [h._src.segment for h in handles if type(h._src) is Out and h._src.segment is not None]
        return found[-1] if found else None
    return value._src.segment if type(value._src) is Out else None


def refuse_rewritten(roots: list[Any]) -> list[Any]:
    """The values; TN506 where the graph of one saved elements that have been written silently since."""
    if NOTED or WATCHED:
        changed()
        walk(roots)
    return roots


def walk(roots: list[Any]) -> None:
    """Refuse values whose graph saved elements of one of the noted."""
    NOTED[:] = [n for n in NOTED if n.is_alive()]
    starts: list[tuple[Any, int]] = []
    for root in [root for root in roots if NOTED and may_have_saved(root)]:
        array_of(root)
        if type(root._src) is Out:
            starts.append((root._src.segment, root._src.slot))
    for segment, reached in reached_slots(starts).items():
        for noted in [] if segment.lean else NOTED:
            slots = noted.slots(segment)
            if slots and is_saved(segment, slots, reached, noted.of_object):
                raise rewritten(noted)


def may_have_saved(root: Any) -> bool:
    """Whether the graph of a value holds one of the noted. Nothing is run for those that it has nothing to do with."""
    t = root._trace
    shown = [root] if t is None else t.inputs
    starts = [(x._src.segment, x._src.slot) for x in shown if type(x._src) is Out]
    if any(noted.slots(segment) for segment in behind(starts) for noted in NOTED):
        return True
    values = [noted.value() for noted in NOTED]
    return any(x is value for x in shown for value in values)


def behind(starts: list[tuple[Any, int]]) -> set[Segment]:
    """Segments of a graph."""
    found: set[Segment] = set()
    stack = [segment for segment, _ in starts]
    while stack:
        segment = stack.pop()
        if segment is not None and segment not in found:
            found.add(segment)
            stack += [source.segment for source in segment.sources.values() if type(source) is Out]
    return found


def reached_slots(stack: list[tuple[Any, int]]) -> dict[Segment, set[int]]:
    """Slots of each segment that a backward reaches."""
    seen: dict[Segment, set[int]] = {}
    while stack:
        segment, slot = stack.pop()
        if segment is not None and slot not in seen.setdefault(segment, set()):
            seen[segment].add(slot)
            step = steps_of(segment.path)[1].get(slot)
            if step is not None and step.is_tracked and not step.is_mark:
                stack += [(segment, a) for a in step.args]
            source = segment.sources.get(slot)
            stack += [(source.segment, source.slot)] if type(source) is Out else []
    return seen


class Known(NamedTuple):
    """Properties of a step that the check reads."""

    name: str
    results: range
    args: Any
    is_tracked: bool
    is_mark: bool


def name_of(rule: Rule) -> str:
    """Name of a step's operation; "mark" of another step."""
    is_named = type(rule.params) is tuple and rule.params and rule.numbers is not None
    return getattr(rule.params[0], "name", "mark") if is_named else "mark"


def steps_of(path: Path) -> tuple[list[Known], dict[int, Known]]:
    """Steps of a path that have results, and by the slot of each result; the path keeps them."""
    found = path.plans.get(Known)
    if found is None:
        steps = []
        for step in path.steps(ROOT):
            if step.rule.kinds:
                name, results = name_of(step.rule), range(step.first, step.first + len(step.rule.kinds))
                steps.append(Known(name, results, step.args, step.rule.tracked, step.expand is expand_mark))
        found = path.plans[Known] = steps, {k: step for step in steps for k in step.results}
    return found


def is_saved(segment: Segment, slots: set[int], reached: set[int], of_object: bool) -> bool:
    """Whether a step that the backward reaches saved elements of some slots, or of views of them; its own result is
    saved by its elements, which an object that gets others does not change."""
    tracked = set(segment.sources)
    shown = set(slots)
    for step in steps_of(segment.path)[0]:
        results = step.results
        if step.is_tracked:
            tracked.update(results)
        by_result = step.name in OF_RESULT | OF_BOTH and not of_object and step.is_tracked
        if by_result and any(k in slots and k in reached for k in results):
            return True
        if not shown.intersection(step.args):
            continue
        if step.name in VIEWS:
            shown.update(results)
            continue
        if step.is_tracked and not reached.isdisjoint(results) and saves(step.name, step.args, shown, tracked):
            return True
    return False


def saves(name: str, args: Any, shown: set[int], tracked: set[int]) -> bool:
    """Whether a function saves an operand that is shown."""
    if name in PRODUCTS:
        return len(args) == 2 and any(a in shown and b in tracked for a, b in (args, args[::-1]))
    if name in BY_INDEX:
        return bool(shown.intersection(args[1:]))
    return name not in OF_RESULT | OF_NOTHING


def refuse_noted(value: weakref.ref[Any]) -> None:
    """TN506 if a value, by its plain weak reference, has been written silently; for who saves values himself."""
    for noted in NOTED:
        if noted.value is value:
            raise rewritten(noted)


def rewritten(noted: Noted) -> BorrowError:
    """TN506 with the line that wrote."""
    return BorrowError(
        "a backward needs elements that were written through .data or NumPy after its forward",
        code="TN506",
        at=site(here()),
        notes=[(noted.said, site(noted.where))],
        help="in PyTorch the gradient has the new elements; write after the backward, or write a `.clone()`",
    )
