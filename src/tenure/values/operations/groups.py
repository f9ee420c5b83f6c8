"""Joins of many tensors in groups, and of these two and two: the number of tensors is no kind of its own.

    stack of 21        is  stack of 8, of 8, of 4, of 1; the first two joined, and the others; and these

Rules, templates and records are made for joins of few parts, of whatever extents, and serve all numbers of parts.
Programs join the parts at once (``transform.flatten``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tenure.ops import promote
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.rules.sites import at_users_line

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor

MOST = 8
"""Parts of a join that is recorded as one."""
AXIS = ("axis",)
WHOLE: dict[Operation, Operation] = {}
"""The join of groups, by the operation that makes one group; under its name."""


def joined(operation: Operation, params: Any, axis: int, xs: Sequence[Tensor]) -> Tensor:
    """Tensors that are ``alike`` as an operation joins them along an axis of its result, in groups."""
    whole = WHOLE.get(operation)
    if whole is None:
        whole = WHOLE.setdefault(operation, Operation(operation.name, promote.join, operation.grad_name))
    xs = [at_users_line(apply(operation, tuple(group), params)) for group in parted(xs)]
    params = parameters(AXIS, axis)
    while len(xs) > 1:
        pairs = [(xs[k], xs[k + 1]) for k in range(0, len(xs) - 1, 2)]
        xs = [*[at_users_line(apply(whole, pair, params)) for pair in pairs], *xs[2 * len(pairs) :]]
    return xs[0]


def parted(xs: Sequence[Tensor]) -> list[Sequence[Tensor]]:
    """Groups of ``MOST`` tensors; what is left, in groups of its half, its quarter, …: of few sizes in all."""
    found, start, size = list[Sequence["Tensor"]](), 0, MOST
    while start < len(xs):
        while size > len(xs) - start:
            size //= 2
        found.append(xs[start : start + size])
        start += size
    return found


def many(xs: Sequence[Tensor], axis: int | None = None) -> bool:
    """Whether tensors are joined in groups: more than ``MOST``, of one dtype and one shape, in which an axis may
    differ. In a group of others, dtypes would be promoted apart from the rest."""
    if len(xs) <= MOST:
        return False
    first = xs[0]._aval
    if first.weak:
        return False
    for x in xs:
        aval = x._aval
        if aval is not first and aval != first:
            if axis is None or aval.dtype is not first.dtype or aval.weak or len(aval.shape) != len(first.shape):
                return False
            if any(n != m for k, (n, m) in enumerate(zip(aval.shape, first.shape, strict=True)) if k != axis):
                return False
    return True
