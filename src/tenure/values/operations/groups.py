"""Joins of many tensors in groups, and of these: the number of tensors is no kind of its own where it varies.

    stack of 21        is  stack of 8, of 8, of 4, of 1; the first two joined, and the others; and these

Rules, templates and records are made for joins of few parts, of whatever extents, and serve all numbers of parts. The
first few numbers of a join are recorded as one all the same: most programs have no others. Programs join the parts at
once (``transform.flatten``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tenure.ops import promote
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.rules.sites import user_frame

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor

MOST = 8
"""Parts of a group."""
FEW = 2
"""Numbers of parts of a join that are recorded as one."""
AXIS = ("axis",)
WHOLE: dict[Operation, Operation] = {}
"""The join of groups, by the operation that makes one group; under its name."""
FIRST: dict[tuple[Operation, Any, int], set[int]] = {}
"""The first numbers of parts of an operation with some parameters on tensors of so many axes."""


def joined(operation: Operation, params: Any, axis: int, xs: Sequence[Tensor]) -> Tensor:
    """Tensors as an operation joins them along an axis of its result, in groups."""
    whole = WHOLE.get(operation)
    if whole is None:
        whole = WHOLE.setdefault(operation, Operation(operation.name, promote.join, operation.grad_name))
    frame = user_frame()
    code, at = frame.f_code, frame.f_lasti
    while len(xs) > 1:
        made: list[Tensor] = []
        for group in parted(xs, MOST if operation is not whole or len(xs) > MOST else 2):
            h: Any = group[0]
            if len(group) > 1 or operation is not whole:
                h = apply(operation, tuple(group), params)
                h._code, h._lasti = code, at
            made.append(h)
        xs, operation, params = made, whole, parameters(AXIS, axis)
    return xs[0]


def parted(xs: Sequence[Tensor], size: int) -> list[Sequence[Tensor]]:
    """Groups of so many tensors; what is left, in groups of its half, its quarter, …: of few sizes in all."""
    found, start = list[Sequence["Tensor"]](), 0
    while start < len(xs):
        while size > len(xs) - start:
            size //= 2
        found.append(xs[start : start + size])
        start += size
    return found


def many(operation: Operation, params: Any, xs: Sequence[Tensor], axis: int | None = None) -> bool:
    """Whether tensors are joined in groups: more than ``MOST``, as many as seldom, of one dtype and one shape, in which
    an axis may differ. In a group of others, dtypes would be promoted apart from the rest."""
    if len(xs) <= MOST:
        return False
    first = xs[0]._aval
    known = FIRST.setdefault((operation, params, len(first.shape)), set())
    if len(xs) in known:
        return False
    if len(known) < FEW:
        known.add(len(xs))
        return False
    return not first.weak and all(like(first, x._aval, axis) for x in xs)


def like(first: Any, aval: Any, axis: int | None) -> bool:
    """Whether avals are of one dtype, and of one shape but for an axis."""
    if aval is first or aval == first:
        return True
    if axis is None or aval.dtype is not first.dtype or aval.weak or len(aval.shape) != len(first.shape):
        return False
    return all(n == m for k, (n, m) in enumerate(zip(aval.shape, first.shape, strict=True)) if k != axis)
