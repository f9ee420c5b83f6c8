"""Rules for examples: a primitive on operands of which some have an axis of examples in front.

``rule(of, batched, *xs, **params)`` is the primitive ``of`` applied to each example. ``batched[k]`` says whether
operand k has the axis; those without it are the same for every example, and at least one has it. The result has
it in front.

These reach other primitives through the table, since every declaration needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure import dtypes
from tenure.errors import following
from tenure.ir.program import TABLE, Value

Batch = Callable[..., Value]


def examples(batched: Sequence[bool], xs: Sequence[Value]) -> int:
    """The number of examples."""
    return following(x.shape[0] for x, has in zip(xs, batched, strict=True) if has)


def spread(x: Value, has: bool, count: int) -> Value:
    """An operand with the axis of examples; repeated along it where it had none."""
    return x if has else TABLE["broadcast_to"](x, shape=(count, *x.shape))


def in_front(x: Value, ndim: int) -> Value:
    """A batched operand whose examples have ``ndim`` axes, by axes of size 1 in front of theirs."""
    missing = ndim + 1 - x.ndim
    if not missing:
        return x
    return TABLE["reshape"](x, shape=(x.shape[0], *[1] * missing, *x.shape[1:]))


def aligned(of: Any, batched: Sequence[bool], *xs: Value, **params: Any) -> Value:
    """The rule of what broadcasts its operands: examples are given equally many axes."""
    ndim = max(x.ndim - has for x, has in zip(xs, batched, strict=True))
    return of(*[in_front(x, ndim) if has else x for x, has in zip(xs, batched, strict=True)], **params)  # type: ignore[no-any-return]


def spreading(of: Any, batched: Sequence[bool], *xs: Value, **params: Any) -> Value:
    """The rule of what goes over leading axes by itself, where all operands have them."""
    count = examples(batched, xs)
    return of(*[spread(x, has, count) for x, has in zip(xs, batched, strict=True)], **params)  # type: ignore[no-any-return]


def shift_axes(*names: str) -> Batch:
    """The rule where the named parameters are axes: one or a tuple of them."""

    def rule(of: Any, batched: Sequence[bool], *xs: Value, **params: Any) -> Value:
        for name in names:
            axes = params[name]
            params[name] = axes + 1 if isinstance(axes, int) else tuple([k + 1 for k in axes])
        return spreading(of, batched, *xs, **params)

    return rule


def prefix(name: str, entry: Callable[[int], Any]) -> Batch:
    """The rule where a parameter has an entry for each axis: that of the examples' is ``entry(count)``."""

    def rule(of: Any, batched: Sequence[bool], *xs: Value, **params: Any) -> Value:
        params[name] = (entry(examples(batched, xs)), *params[name])
        return spreading(of, batched, *xs, **params)

    return rule


def one_by_one(of: Any, batched: Sequence[bool], *xs: Value, **params: Any) -> Value:
    """The rule of what has no form for several examples: an instruction for each."""
    count = examples(batched, xs)
    shapes = [x.aval.with_shape(x.shape[1:]) if has else x.aval for x, has in zip(xs, batched, strict=True)]
    aval = of.aval(*shapes, **params)
    if count == 0:
        return xs[0].builder.full((0, *aval.shape), 0, aval.dtype)
    rows = []
    for k in range(count):
        own = [example(x, k) if has else x for x, has in zip(xs, batched, strict=True)]
        rows.append(TABLE["reshape"](of(*own, **params), shape=(1, *aval.shape)))
    return TABLE["concat"](*rows, axis=0)


def example(x: Value, k: int) -> Value:
    """Example k of a batched operand."""
    at = x.builder.constant(k, dtypes.int64)
    return TABLE["getitem"](x, at, spec=("i", *[":"] * (x.ndim - 1)))


def without_operands(of: Any, batched: Sequence[bool], *xs: Value, **params: Any) -> Value:
    """The rule of what has no operands: it is the same for every example, so it is never asked for."""
    raise AssertionError(f"{of} has no operand that could be batched")
