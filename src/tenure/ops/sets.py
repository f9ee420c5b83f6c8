"""Changes among sorted elements, in primitives: by them distinct elements are found."""

from __future__ import annotations

from tenure import dtypes
from tenure.ir.program import Value
from tenure.ops import advanced, move, pointwise, reduce
from tenure.ops.rearrange import part, shaped
from tenure.ops.sorting import part as sorted_part


def in_order(x: Value) -> tuple[Value, Value, Value]:
    """A list sorted, the indices that sort it, and whether each sorted element differs from the one before."""
    values, indices = sorted_part(x, axis=0, length=x.shape[0], name="unique")
    return values, indices, changes(values)


def changes(x: Value) -> Value:
    """Whether each part along the first axis differs from the one before; the first does. A NaN differs from any."""
    n = x.shape[0]
    if not n:
        return x.builder.full((0,), True, dtypes.bool_)
    first = x.builder.full((1,), True, dtypes.bool_)
    differs = pointwise.not_equal(part(x, 0, 1, n - 1), part(x, 0, 0, n - 1))
    axes = tuple(range(1, x.ndim))
    if axes and 0 in x.shape[1:]:
        differs = x.builder.full((n - 1,), False, dtypes.bool_)
    elif axes:
        differs = reduce.reduce_max(differs, axes=axes)
    return move.concat(first, differs, axis=0)


def placed(indices: Value, numbers: Value, *, shape: tuple[int, ...]) -> Value:
    """Numbers written at indices, all of which are different."""
    base = numbers.builder.full(numbers.shape, 0, numbers.dtype)
    return shaped(advanced.scatter(base, numbers, indices, spec=("a",), at=0, unique=True), shape)
