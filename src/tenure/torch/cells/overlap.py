"""Writes whose target and operands share elements: PyTorch's refusals, and those where its result depends on a loop.

TensorIterator refuses a target that shows one element twice, and an operand that overlaps a dense target in part. Where
one of the two is not dense it does not look, and its result depends on the order of its loop: that is refused here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.errors import BorrowError
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.geometry import Geometry, Layout, is_dense, made
from tenure.torch.cells.windows import geometry, lineage, present
from tenure.torch.errors import refuse
from tenure.values.rules.sites import here, site

PLEASE = "Please clone() the tensor before performing the operation."


def owner_of(x: Any) -> Any:
    """Cell whose elements a tensor shows."""
    return x if x._window is None else x._window.owner


def refuse_overlap(x: Any, operands: Sequence[Any], copies: bool = False, part: Geometry | None = None) -> None:
    """RuntimeError where a write of x reads some of what it writes; a copy of elements onto themselves is none. An
    operand is compared as it is, with a ``part`` of x as an index assigns it: broadcast, without leading ones."""
    if x._window is None and not any(getattr(v, "_window", None) is not None or (part and v is x) for v in operands):
        return
    target = part or geometry(x)
    sources = [source_of(v, target, part) for v in operands
               if (v is not x or part) and hasattr(v, "_window") and owner_of(v) is owner_of(x)]
    if part is not None and any(source.shape != target.shape for source in sources):
        return  # it cannot be broadcast, which is said first
    if copies and any(source.is_same(target) for source in sources) and not present(x)._kind.tracked:
        return
    if not target.layout.is_contiguous:
        refuse_folded(target.layout)
        if x._window is not None and shows_twice(target):
            raise undefined()
    for source in sources:
        if source.is_same(target) or not source.overlaps(target):
            continue
        if is_dense(source.layout) and is_dense(target.layout):
            raise shared()
        if not (copies and onto_itself(source, target)):
            raise undefined()


def source_of(v: Any, target: Geometry, part: Geometry | None) -> Geometry:
    """Geometry of an operand; where a part is assigned, as the assignment broadcasts it."""
    source = geometry(v)
    if part is None or any(n not in (1, m) for n, m in zip(source.shape[::-1], target.shape[::-1], strict=False)):
        return source
    return Geometry(source.offset, source.layout.fitted(target.shape))


def refuse_folded(of: Layout) -> None:
    """RuntimeError where what is written shows one element along an axis."""
    if not of.is_contiguous and made(of, "folded", folded):
        raise refuse(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory"
            f" location. {PLEASE}"
        )


def folded(of: Layout) -> bool:
    """Whether an axis shows the same element again and again."""
    return bool(of.size) and any(step == 0 and n > 1 for step, n in zip(of.strides, of.shape, strict=True))


def refuse_repeated(x: Any, written: Geometry | None) -> None:
    """TN506 where a write of a part of a view that shows elements more than once changes the rest of that view."""
    for t in lineage(x):
        step = t._window and t._window.step
        if step is None or not step.repeats or (t is x and written is None):
            continue
        part = set(elements(written or geometry(x)))
        if sum([e in part for e in elements(geometry(t))]) > (written or geometry(x)).size and is_safe():
            raise BorrowError(
                "an element is written that a view shows more than once",
                code="TN506",
                at=site(here()),
                notes=[("the view was taken here", site(t._window.where))],
                help="`.clone()` where the view is taken has an element for each place",
            )


def shares(x: Any, v: Any) -> bool:
    """Whether two tensors show an element in common."""
    return hasattr(v, "_window") and owner_of(v) is owner_of(x) and geometry(v).overlaps(geometry(x))


def refuse_itself(x: Any, operands: Sequence[Any], in_order: bool = False) -> None:
    """RuntimeError where an operand of a write by index shares elements with its target; ``in_order`` if PyTorch does
    not look whether it is the target, and reads it while it writes."""
    if shows_twice(geometry(x)):
        raise undefined()
    for v in operands:
        if v is x:
            raise undefined() if in_order else shared()
        if shares(x, v):
            raise undefined()


def shared() -> Any:
    """RuntimeError where an operand and what is written share elements."""
    return refuse(
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single"
        f" memory location. {PLEASE}"
    )


def shows_twice(g: Geometry) -> bool:
    """Whether a geometry shows an element twice."""
    if g.layout.is_contiguous:
        return False
    return made(g.layout, "twice", repeats)  # type: ignore[no-any-return]


def repeats(of: Layout) -> bool:
    """Whether a layout shows an element twice."""
    g = Geometry(0, of)
    low, high = g.bounds()
    if is_dense(of) or not g.size:
        return False
    if g.size > high - low + 1:
        return True
    reach = 0
    for step, n in sorted([(abs(step), n) for step, n in zip(g.strides, g.shape, strict=True) if n != 1]):
        if step <= reach:
            return len(set(elements(g))) < g.size
        reach += (n - 1) * step
    return False  # each axis steps over all that the smaller ones reach


def onto_itself(source: Geometry, target: Geometry) -> bool:
    """Whether each element that both show is copied onto itself."""
    shared = set(elements(source))
    if len(source.shape) > len(target.shape):
        return False
    pairs = zip(elements(Geometry(source.offset, source.layout.expanded(target.shape))), elements(target), strict=True)
    return all(a == b or b not in shared for a, b in pairs)


def elements(g: Geometry) -> list[int]:
    """Numbers of the elements, in the order of the axes."""
    found = [g.offset]
    for n, step in zip(g.shape, g.strides, strict=True):
        found = [at + k * step for at in found for k in range(n)]
    return found


def undefined() -> Any:
    """RuntimeError where PyTorch's own result depends on the order of its loop."""
    return refuse(
        "a write reads elements that it writes: in PyTorch the result depends on the order of a loop",
        help="`.clone()` the operand first",
    )
