"""The same program with less in it: equal instructions once, dead ones gone, reductions in their defined order.

a = sin x; b = sin x; c = reduce_sum (add a b) axes=(0, 2)      becomes
a = sin x; t = reduce_sum (add a a) axes=(2,); c = reduce_sum t axes=(0,)

r = reduce_sum x axes=(0,) of float32[1000, 8]                  becomes
p = block_sum x axes=(0,) block=64; q = reduce_sum p axes=(0,)  of 16 rows

y = cumsum x axis=0 reverse=False of float32[9000]              becomes
t = cumsum_totals x; s = cumsum_serial t; y = cumsum_onward x s of 9 spans

s = sin x; z = again x; t = sin z                               stay two, and z is x from here on

y = add_along 0 v i, i of one column                            becomes
y = add_one_along 0 v i, which is elementwise

y = matmul_transposed x w                                       becomes
t = permute w; y = matmul x t

k = survives i j sizes=(3, 4)                                   becomes
n = iota; t = stamp n i j; k = equal (gather t i j) n           so what is written last is seen by its number
"""

from __future__ import annotations

from math import prod
from typing import Any

from tenure import dtypes
from tenure.ir.primitive import Primitive
from tenure.ir.program import Builder, Instruction, Program, Value
from tenure.ops.advanced import gather, stamp, survives
from tenure.ops.contract import matmul, matmul_transposed
from tenure.ops.index import add_along, add_one_along
from tenure.ops.move import iota, permute, reshape
from tenure.ops.order import CHUNK, HEIGHT, extent, runs
from tenure.ops.pointwise import again, cast, equal, mark
from tenure.ops.reduce import BLOCKED
from tenure.ops.scan import STEPS
from tenure.ops.spans import parted


def simplify(program: Program) -> Program:
    """Rewrite instruction by instruction; the bits of every output stay."""
    b = Builder()
    values: list[Value] = [b.input(aval) for aval in program.inputs]
    seen: dict[Any, Value] = {}
    for at in program.instructions:
        b.origin = at.origin
        values.append(rewrite(b, at, [values[o] for o in at.operands], seen))
    return b.extract(range(len(program.inputs)), [values[v].id for v in program.outputs])


def rewrite(b: Builder, at: Instruction, operands: list[Value], seen: dict[Any, Value]) -> Value:
    """The value of one instruction on rewritten operands."""
    if at.primitive in BLOCKED:
        return fold(b, at.primitive, operands[0], at.params["axes"], seen)
    if at.primitive in STEPS and parted(at.aval.shape, at.params["axis"]):
        return scan(b, at, operands, seen)
    if at.primitive is again:
        return emit(b, mark, operands, {}, seen)
    if at.primitive is cast and operands[0].dtype is at.params["dtype"] and not operands[0].aval.weak:
        return operands[0]
    if at.primitive is add_along and one_hot(b, operands):
        return emit(b, add_one_along, operands, {}, seen)
    if at.primitive is matmul_transposed:
        x, y = operands
        swap = {"order": (*range(y.ndim - 2), y.ndim - 1, y.ndim - 2)}
        return emit(b, matmul, [x, emit(b, permute, [y], swap, seen)], {}, seen)
    if at.primitive is survives:
        return last_ones(b, operands, at.params["sizes"], at.aval.shape, seen)
    return emit(b, at.primitive, operands, dict(at.params), seen)


def last_ones(
    b: Builder, arrays: list[Value], sizes: tuple[int, ...], block: tuple[int, ...], seen: dict[Any, Value]
) -> Value:
    """The indices that no later one equals: written in order, their own number is found at their place."""
    count = emit(b, iota, [], {"length": prod(block), "dtype": dtypes.int64}, seen)
    order = emit(b, reshape, [count], {"shape": block}, seen)
    stamped = emit(b, stamp, [order, *arrays], {"sizes": sizes}, seen)
    params = {"spec": ("a",) * len(sizes), "at": 0, "unique": False}
    return emit(b, equal, [emit(b, gather, [stamped, *arrays], params, seen), order], {}, seen)


def one_hot(b: Builder, operands: list[Value]) -> bool:
    """Whether a single element is added in each row of a number: no row of memory is needed for that."""
    base, _, index = operands
    made = b.made(base.id)
    return made is not None and made.primitive.traits.number is not None and index.shape[-1] == 1


def fold(b: Builder, primitive: Primitive, x: Value, axes: tuple[int, ...], seen: dict[Any, Value]) -> Value:
    """A reduction over any axes, in the order of ``folds``."""
    single = [k for k in axes if x.shape[k] == 1]
    if single:
        shape = tuple([n for k, n in enumerate(x.shape) if k not in single])
        axes = tuple([k - sum(s < k for s in single) for k in axes if k not in single])
        x = emit(b, reshape, [x], {"shape": shape}, seen)
    for run in runs(x.shape, axes):
        _, n, inner = extent(x.shape, run)
        block = CHUNK if inner == 1 else HEIGHT
        while n > block:
            x = emit(b, BLOCKED[primitive], [x], {"axes": run, "block": block}, seen)
            n, run = -(-n // block), (run[-1] - len(run) + 1,)
        x = emit(b, primitive, [x], {"axes": run}, seen)
    return x


def scan(b: Builder, at: Instruction, operands: list[Value], seen: dict[Any, Value]) -> Value:
    """A long scan in its three steps."""
    steps, axis, way = STEPS[at.primitive], at.params["axis"], at.params["reverse"]
    params = {"axis": axis, "reverse": way}
    totals = [emit(b, made, operands[:count], params, seen) for made, count in steps.totals]
    starts = emit(b, steps.serial, totals, {"axis": axis, "reverse": False, "exclusive": True}, seen)
    return emit(b, steps.onward, [*operands, starts], dict(at.params), seen)


def emit(
    b: Builder, primitive: Primitive, operands: list[Value], params: dict[str, Any], seen: dict[Any, Value]
) -> Value:
    """An instruction, or the equal one that is there."""
    given = tuple([(k, type(v), repr(v)) for k, v in sorted(params.items())])
    key = (primitive, tuple([x.id for x in operands]), given)
    if key not in seen:
        seen[key] = b.emit(primitive, operands, params)
    return seen[key]
