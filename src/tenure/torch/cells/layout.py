"""Strides of results: which order of axes PyTorch gives what it computes.

An elementwise result keeps the order of its operands' axes, by the first operand that tells two of them apart
(TensorIterator). It decides what can be viewed afterwards, so it is kept where an operand is not in C order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.torch.cells.geometry import Layout, contiguous, is_dense, keep, layout
from tenure.torch.cells.windows import layout as layout_of
from tenure.torch.errors import refuse


def laid(result: Any, operands: Sequence[Any]) -> Any:
    """An elementwise result, with the strides that PyTorch gives it for these operands."""
    for x in operands:
        if getattr(x, "_window", None) is not None or getattr(x, "_layout", None) is not None:
            break
    else:
        return result
    shape = result._val._aval.shape
    if len(shape) > 1:
        tensors = tuple([layout_of(x) for x in operands if hasattr(x, "_window")])
        known = tensors[0].views
        key = (shape, tensors)
        if key not in known:
            keep(known, key, ordered(shape, tensors))
        result._layout = known[key]
    return result


def stored(x: Any, strides: Sequence[int] | None = None, order: Sequence[int] | None = None) -> Any:
    """A new tensor with strides, or with its axes in an order of memory; where these leave gaps it is in C order."""
    shape = x._val._aval.shape
    if order is not None:
        n = len(shape)
        if len(order) != n:
            raise refuse("Number of dimensions in size does not match the length of the physical_layout; i.e."
                         f" len(size) = {n} is not equal to len(physical_layout) = {len(order)}")
        for k, d in enumerate(order):
            if not 0 <= d < n:
                text = f"(expected to be between 0 and {n - 1}, but got {d} at index {k})"
                raise refuse(f"Dimension out of range {text}.")
        if len(set(order)) != n:
            raise refuse("Duplicate dim not allowed")
        strides = strides_of(shape, order)
    if strides is not None:
        of = layout(shape, tuple(strides))
        x._layout = None if of.is_contiguous or not is_dense(of) else of
    return x


def ordered(shape: tuple[int, ...], tensors: Sequence[Layout]) -> Layout | None:
    """Layout of an elementwise result for those of the operands; None for C order."""
    if all(of.is_contiguous and of.shape == shape for of in tensors):
        return None
    first = tensors[0]
    if first.shape == shape and is_dense(first) and all(of is first for of in tensors):
        return first
    strides = strides_of(shape, order_of(shape, tensors))
    return None if strides is None else layout(shape, strides)


def order_of(shape: tuple[int, ...], tensors: Sequence[Any]) -> list[int]:
    """Axes of an elementwise result from the outermost to the innermost."""
    ndim = len(shape)
    steps = []
    for g in tensors:
        missing = ndim - len(g.shape)
        sizes, strides = [1] * missing + list(g.shape), [0] * missing + list(g.strides)
        steps.append([0 if n == 1 != m else s for n, s, m in zip(sizes, strides, shape, strict=True)])
    order = list(range(ndim))[::-1]
    for i in range(1, ndim):
        at = i
        for j in range(i - 1, -1, -1):
            found = compared(order[j], order[at], steps, shape)
            if found > 0:
                order[j], order[at] = order[at], order[j]
                at = j
            elif found < 0:
                break
    return order[::-1]


def compared(a: int, b: int, steps: Sequence[Sequence[int]], shape: Sequence[int]) -> int:
    """Positive where axis a steps further than axis b, by the first operand that tells them apart; 0 if none does."""
    for of in steps:
        if of[a] == 0 or of[b] == 0:
            continue
        if of[a] != of[b]:
            return -1 if of[a] < of[b] else 1
        if shape[a] > shape[b]:
            return 1
    return 0


def strides_of(shape: tuple[int, ...], order: Sequence[int]) -> tuple[int, ...] | None:
    """Strides of a shape without gaps, its axes in an order; None for C order."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(order):
        strides[axis] = step
        step *= max(shape[axis], 1)
    found = tuple(strides)
    return None if found == contiguous(shape).strides else found
