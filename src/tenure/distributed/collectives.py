"""Collectives on tensors and on objects.

A collective reads its operand as it is at that line, and gives a value of its own: what is pending runs first, so that
it is in order with all writes of places before and after it. The gradient of a collective is another one, which all
ranks come to in their ``backward()``: the loss that is differentiated is the sum of the losses of all ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.distributed import algorithms
from tenure.distributed.algorithms import meet
from tenure.distributed.tree import Array, Node, total
from tenure.distributed.world import RankGroup, chosen, peer
from tenure.dtypes import DType, bfloat16, float16
from tenure.errors import DTypeError, GradientError, ShapeError, shown
from tenure.func.custom import custom_vjp
from tenure.ir.aval import Aval
from tenure.ops.convert import narrowed, widened
from tenure.runtime.buffers import empty
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.operations.reading import value_of
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike

OPS: dict[str, Any] = {
    "sum": np.add, "mean": np.add, "product": np.multiply, "max": np.maximum, "min": np.minimum,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}  # fmt: skip
"""Ways to reduce."""
KINDS = {"mean": "hfc", "max": "biuhf", "min": "biuhf", "and": "biu", "or": "biu", "xor": "biu"}
"""Kinds of dtypes that a way takes, where it does not take all."""


@checked_first
def barrier(*, group: RankGroup | None = None) -> None:
    """Wait until all ranks of a group have come to their barrier.

    >>> tn.distributed.barrier()
    """
    meet(chosen(group), "barrier()")


@checked_first
def all_reduce(x: ArrayLike, op: str = "sum", *, group: RankGroup | None = None) -> Tensor:
    """The sum over all ranks of tensors of one shape and dtype, on every rank: a value.

    ``op`` is "sum", "mean", "product", "max", "min", "and", "or" or "xor". The order of additions is the one binary
    tree, so that equal tensors give equal bits. Half-precision numbers are added in float32. Sum and mean have a
    gradient. CollectiveError if ranks come with other shapes, dtypes or operations; ValueError for another ``op``.

    >>> tn.distributed.all_reduce(tn.tensor([1.0, 2.0]), "mean")
    tensor([1., 2.])
    """
    into = chosen(group)
    _check_op("all_reduce", op, x)
    back = (lambda g: all_reduce(g, op, group=into)) if op in ("sum", "mean") else _refused(f"all_reduce by {op!r}")
    return differentiable(lambda y: _all_reduced(into, y, op), back, x)


@checked_first
def reduce_scatter(x: ArrayLike, op: str = "sum", *, group: RankGroup | None = None) -> Tensor:
    """Row ``rank`` of the sum over all ranks: of x (size, …) a value of shape (…).

    ``op``, order and gradient are those of ``all_reduce``. ShapeError (TN802) if the first axis is not as long as the
    group is large.

    >>> tn.distributed.reduce_scatter(tn.tensor([[1.0, 2.0]]))
    tensor([1., 2.])
    """
    into = chosen(group)
    _check_op("reduce_scatter", op, x)
    _check_rows("reduce_scatter", value_of(x), into)
    scale = 1 if op == "sum" else into.size

    def back(g: Tensor) -> Tensor:
        found = all_gather(g, group=into)
        return found if scale == 1 else found / scale

    rule = back if op in ("sum", "mean") else _refused(f"reduce_scatter by {op!r}")
    return differentiable(lambda y: _reduce_scattered(into, y, op), rule, x)


@checked_first
def all_gather(x: ArrayLike, *, group: RankGroup | None = None) -> Tensor:
    """The tensors of all ranks, of one shape and dtype, as the rows of a value (size, …), on every rank.

    The gradient is a ``reduce_scatter``. CollectiveError if shapes or dtypes differ.

    >>> tn.distributed.all_gather(tn.tensor([1.0, 2.0]))
    tensor([[1., 2.]])
    """
    into = chosen(group)
    return differentiable(lambda y: _all_gathered(into, y), lambda g: reduce_scatter(g, group=into), x)


@checked_first
def all_to_all(x: ArrayLike, *, group: RankGroup | None = None) -> Tensor:
    """Row ``rank`` of the tensors of all ranks: of x (size, …) a value of that shape, whose row k comes from rank k.

    The gradient is another ``all_to_all``. ShapeError (TN802) if the first axis is not as long as the group is large.

    >>> tn.distributed.all_to_all(tn.tensor([[1.0, 2.0]]))
    tensor([[1., 2.]])
    """
    into = chosen(group)
    _check_rows("all_to_all", value_of(x), into)
    return differentiable(lambda y: _exchanged(into, y), lambda g: all_to_all(g, group=into), x)


@checked_first
def broadcast(x: ArrayLike, source: int = 0, *, group: RankGroup | None = None) -> Tensor:
    """The tensor of rank ``source``, on every rank; each gives one of that shape and dtype.

    The gradient is that of the tensor of ``source`` alone: the sum of all cotangents. ValueError for a rank that is
    none; CollectiveError if ranks name different ones.

    >>> tn.distributed.broadcast(tn.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    into = chosen(group)
    number = peer(into, source, "broadcast: source")

    def back(g: Tensor) -> Tensor:
        found = all_reduce(g, group=into)
        return found if into.rank == number else found * 0

    return differentiable(lambda y: _broadcast(into, y, number), back, x)


@checked_first
def all_gather_object(x: Any, *, group: RankGroup | None = None) -> list[Any]:
    """An object of each rank, in their order, on every rank; what can be pickled.

    >>> tn.distributed.all_gather_object({"rank": 0})
    [{'rank': 0}]
    """
    into = chosen(group)
    return algorithms.objects(into, x, meet(into, "all_gather_object(…)")) if into.size > 1 else [x]


@checked_first
def broadcast_object(x: Any = None, source: int = 0, *, group: RankGroup | None = None) -> Any:
    """The object of rank ``source``, on every rank; what the others give does not count.

    >>> tn.distributed.broadcast_object([1, 2])
    [1, 2]
    """
    into = chosen(group)
    number = peer(into, source, "broadcast_object: source")
    wait = meet(into, f"broadcast_object(…, source={number})")
    return algorithms.objects(into, x if into.rank == number else None, wait)[number] if into.size > 1 else x


def differentiable(forward: Callable[[Tensor], Tensor], backward: Callable[[Tensor], Tensor], x: Any) -> Tensor:
    """A function of one tensor with its rule."""
    value = value_of(x)
    if not (value.requires_grad and is_grad_enabled()):
        return forward(value)
    rule = custom_vjp(forward)
    rule.defvjp(lambda y: (forward(y), ()), lambda _, g: (backward(g),))
    return rule(value)


def flat(x: Tensor) -> tuple[Array, Aval]:
    """The elements of a value, on one axis, where they lie."""
    return array_of(x).reshape(-1), x._aval


def shaped(array: Array, aval: Aval) -> Tensor:
    """A value that takes over a flat array."""
    return wrap(array.reshape(aval.shape), Aval(aval.shape, aval.dtype))


def wide(array: Array, dtype: DType) -> Array:
    """Elements as they are added: half precision as float32."""
    if dtype is bfloat16:
        array = widened(np, array)
    return array.astype(np.float32) if dtype is float16 else array


def narrow(array: Array, dtype: DType) -> Array:
    """Sums in the dtype of their elements."""
    if dtype is bfloat16:
        array = narrowed(np, array)
    return array.astype(np.float16) if dtype is float16 else array


def _check_op(name: str, op: Any, x: Any) -> None:
    if not isinstance(op, str) or op not in OPS:
        raise ValueError(f"{name}: op is one of {', '.join(map(repr, OPS))}, not {shown(op)}")
    dtype = value_of(x).dtype
    if dtype.kind not in KINDS.get(op, dtype.kind):
        raise DTypeError(f"{name}: {op!r} is not defined for {dtype.name}", at=site(here()))


def _check_rows(name: str, x: Tensor, group: RankGroup) -> None:
    if not x.shape or x.shape[0] != group.size:
        raise ShapeError(
            f"{name}: x has a row for each of {group.size} ranks, and this has shape {list(x.shape)}", at=site(here())
        )


def _refused(what: str) -> Callable[[Tensor], Tensor]:
    def refuse(g: Tensor) -> Tensor:
        raise GradientError(f"{what} has no gradient", at=site(here()), help="sum and mean have one")

    return refuse


def _adder(op: str, dtype: DType) -> Any:
    if dtype.kind == "b":
        return {"sum": np.logical_or, "product": np.logical_and}.get(op, OPS[op])
    return OPS[op]


def _divider(op: str, size: int) -> Any:
    return (lambda a: np.divide(a, size, out=a)) if op == "mean" and size > 1 else None


def _all_reduced(group: RankGroup, x: Tensor, op: str) -> Tensor:
    array, aval = flat(x)
    wait = meet(group, f"all_reduce({aval}, {op!r})")
    if group.size == 1:
        return x
    own = [(Node(group.rank, group.rank + 1), wide(array, aval.dtype))]
    form, divide = (array.size, own[0][1].dtype), _divider(op, group.size)
    out = algorithms.reduced(group, group.size, own, form, wait, _adder(op, aval.dtype), divide)
    return shaped(narrow(out, aval.dtype), aval)


def _reduce_scattered(group: RankGroup, x: Tensor, op: str) -> Tensor:
    array, aval = flat(x)
    wait = meet(group, f"reduce_scatter({aval}, {op!r})")
    part = Aval(aval.shape[1:], aval.dtype)
    n = part.size
    rows = [slice(k * n, (k + 1) * n) for k in range(group.size)]
    nodes = [(Node(k, k + 1),) for k in range(group.size)]
    given = wide(array, aval.dtype)
    out, divide, add = empty(n, given.dtype), _divider(op, group.size), _adder(op, aval.dtype)

    def put(piece: slice, found: dict[Node, Array], free: set[Node]) -> None:
        into = out[piece.start - group.rank * n : piece.stop - group.rank * n]
        total(group.size, found, free, add, into)
        if divide is not None:
            divide(into)

    if group.size == 1:
        out[...] = given
    else:
        flight = algorithms.Flight(group, wait)
        algorithms.chunk_by_chunk(flight, nodes, [(nodes[group.rank][0], given)], rows, given.dtype, put)
        flight.finish()
    return shaped(narrow(out, aval.dtype), part)


def _all_gathered(group: RankGroup, x: Tensor) -> Tensor:
    array, aval = flat(x)
    wait = meet(group, f"all_gather({aval})")
    out = empty((group.size, array.size), array.dtype)
    out[group.rank] = array
    if group.size > 1:
        algorithms.gather(group, out, wait)
    return shaped(out.reshape(-1), Aval((group.size, *aval.shape), aval.dtype))


def _exchanged(group: RankGroup, x: Tensor) -> Tensor:
    array, aval = flat(x)
    wait = meet(group, f"all_to_all({aval})")
    rows = array.reshape(group.size, -1) if array.size else array.reshape(group.size, 0)
    out = empty(rows.shape, array.dtype)
    out[group.rank] = rows[group.rank]
    if group.size > 1:
        others = [k for k in range(group.size) if k != group.rank]
        algorithms.exchange(group, [(k, rows[k]) for k in others], [(k, out[k]) for k in others], wait)
    return shaped(out.reshape(-1), aval)


def _broadcast(group: RankGroup, x: Tensor, source: int) -> Tensor:
    array, aval = flat(x)
    wait = meet(group, f"broadcast({aval}, source={source})")
    if group.rank == source or group.size == 1:
        out = array
    else:
        out = empty(array.size, array.dtype)
    if group.size > 1:
        algorithms.spread(group, out, source, wait)
    return x if out is array else shaped(out, aval)


