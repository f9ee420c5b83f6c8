"""Small programs for the tests: build, differentiate, run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tenure.dtypes import as_dtype
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Builder, Program, Value
from tenure.ir.verify import verify
from tenure.transform.jvp import push_forward
from tenure.transform.vjp import pull_back

Array = np.ndarray[Any, Any]
Arrays = list[Array]
Function = Callable[..., Value]


def aval_of(x: Array) -> Aval:
    """Shape and dtype of an array."""
    return Aval(x.shape, as_dtype(x.dtype))


def applied(prim: Primitive, params: dict[str, Any]) -> Function:
    """A primitive with its parameters, as a function of builder values."""

    def function(b: Builder, *xs: Value) -> Value:
        return b.emit(prim, xs, params)

    return function


def accepts(prim: Primitive, arrays: Sequence[Array], params: dict[str, Any], operand: int, index: int) -> Array | None:
    """What NumPy gives with an index as the last element of an operand of indices; None if it refuses it."""
    changed = [np.array(a) for a in arrays]
    changed[operand].reshape(-1)[-1] = index
    try:
        return np.asarray(prim.ref(np, *changed, **params))
    except (IndexError, ValueError):
        return None


def extent(prim: Primitive, arrays: Sequence[Array], params: dict[str, Any], operand: int) -> int:
    """The least number that NumPy refuses as an index."""
    return next(n for n in range(100) if accepts(prim, arrays, params, operand, n) is None)


def build(xs: Sequence[Array], tracked: Sequence[int] = ()) -> tuple[Builder, list[Value]]:
    """A builder with one input per array."""
    b = Builder()
    return b, [b.input(aval_of(x), tracked=k in tracked) for k, x in enumerate(xs)]


def cut(b: Builder, inputs: Sequence[Value], outputs: Sequence[Value]) -> Program:
    """The verified program from inputs to outputs."""
    program = b.extract([x.id for x in inputs], [y.id for y in outputs])
    verify(program)
    return program


def run(program: Program, xs: Sequence[Array]) -> Arrays:
    """Interpret, holding on to every input and looking that none has changed."""
    xs = [np.asarray(x) for x in xs]
    before = [x.tobytes() for x in xs]
    out = interpret(program)(list(xs))
    assert [x.tobytes() for x in xs] == before, "an input that the caller holds was changed"
    assert all(isinstance(y, np.ndarray) for y in out), out
    return out  # type: ignore[return-value]


def value(f: Function, xs: Sequence[Array]) -> Array:
    """f(*xs)."""
    b, inputs = build(xs)
    return run(cut(b, inputs, [f(b, *inputs)]), xs)[0]


def zeros_where_absent(found: dict[int, Value], at: Sequence[Value]) -> list[Value]:
    """What a derivative gives for some values; zeros for those it does not reach."""
    return [found[x.id] if x.id in found else x.zeros() for x in at]


def pull(b: Builder, cotangents: Sequence[tuple[Value, Value]], sources: Sequence[Value]) -> list[Value]:
    """Cotangents of sources; those of one value given twice are summed."""
    held: dict[int, Value] = {}
    for y, g in cotangents:
        held[y.id] = held[y.id] + g if y.id in held else g
    return zeros_where_absent(pull_back(b, held, {x.id for x in sources}, {}), sources)


def jvp(f: Function, xs: Sequence[Array], numbers: Sequence[int], dxs: Sequence[Array]) -> Array:
    """The tangent of f at xs along dxs, one for each operand of ``numbers``."""
    b, inputs = build([*xs, *dxs], numbers)
    operands, tangents = inputs[: len(xs)], inputs[len(xs) :]
    ans = f(b, *operands)
    found = push_forward(b, {operands[k].id: t for k, t in zip(numbers, tangents, strict=True)})
    return run(cut(b, inputs, zeros_where_absent(found, [ans])), [*xs, *dxs])[0]


def vjp(f: Function, xs: Sequence[Array], numbers: Sequence[int], g: Array) -> Arrays:
    """The cotangents of the operands ``numbers`` of f at xs."""
    b, inputs = build([*xs, g], numbers)
    operands = inputs[:-1]
    found = pull(b, [(f(b, *operands), inputs[-1])], [operands[k] for k in numbers])
    return run(cut(b, inputs, found), [*xs, g])


def jvp_of_vjp(f: Function, xs: Sequence[Array], numbers: Sequence[int], g: Array, along: Sequence[Array]) -> Arrays:
    """How the cotangents change as the operands and g move along ``along`` (whose last is for g)."""
    b, inputs = build([*xs, g, *along], [*numbers, len(xs)])
    operands, cotangent, tangents = inputs[: len(xs)], inputs[len(xs)], inputs[len(xs) + 1 :]
    moving = [*[operands[k] for k in numbers], cotangent]
    found = pull(b, [(f(b, *operands), cotangent)], moving[:-1])
    pushed = push_forward(b, {x.id: t for x, t in zip(moving, tangents, strict=True)})
    return run(cut(b, inputs, zeros_where_absent(pushed, found)), [*xs, g, *along])


def vjp_of_vjp(f: Function, xs: Sequence[Array], numbers: Sequence[int], g: Array, ws: Sequence[Array]) -> Arrays:
    """The cotangents of the operands and of g, from those of f's own cotangents."""
    b, inputs = build([*xs, g, *ws], [*numbers, len(xs)])
    operands, cotangent, weights = inputs[: len(xs)], inputs[len(xs)], inputs[len(xs) + 1 :]
    moving = [*[operands[k] for k in numbers], cotangent]
    found = pull(b, [(f(b, *operands), cotangent)], moving[:-1])
    again = pull(b, list(zip(found, weights, strict=True)), moving)
    return run(cut(b, inputs, again), [*xs, g, *ws])


STEP = 1e-4


def slope(f: Callable[..., Arrays], xs: Sequence[Array], along: Sequence[Array]) -> Arrays:
    """The derivative of f along a direction by central differences of the fourth order, for float64."""

    def at(t: float) -> Arrays:
        return f(*[x + t * d for x, d in zip(xs, along, strict=True)])

    terms = zip(at(STEP), at(-STEP), at(2 * STEP), at(-2 * STEP), strict=True)
    return [(8 * (a - b) - (c - d)) / (12 * STEP) for a, b, c, d in terms]


def inner(xs: Sequence[Array], ys: Sequence[Array]) -> float:
    """The sum of products."""
    return float(sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True)))
