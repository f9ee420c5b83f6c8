"""Random numbers as pure functions of (seed, operation number, element index): Philox4x32-10."""

from __future__ import annotations

from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.traits import Traits, shaped
from tenure.ops import philox
from tenure.ops.batching import one_by_one
from tenure.ops.declare import claim, primitive
from tenure.ops.lowering import Element


def _random(name: str, draw: Any) -> Primitive:
    def aval(seed: Aval, number: Aval, *, shape: tuple[int, ...], dtype: DType) -> Aval:
        claim(name, dtype, "f")
        return Aval(shape, dtype)

    def samples(rng: Any, dtype: DType) -> Any:
        for shape in ((), (7,), (2, 3), (0,)):
            yield (dtypes.int64.numpy.type(5), dtypes.int64.numpy.type(1)), {"shape": shape, "dtype": dtype}

    def element(e: Any, index: Any, seed: Any, number: Any, *, shape: tuple[int, ...], dtype: DType) -> Any:
        return e.random(name, e.at(seed, ()), e.at(number, ()), e.position(e.address(index, shape)), dtype=dtype)

    return primitive(
        name,
        lower=Element(element, Cost.HEAVY, numbered=True),
        batch=one_by_one,
        aval=aval,
        ref=lambda np, seed, number, *, shape, dtype: draw(int(seed), int(number), shape, dtype.numpy),
        vjp=NOT_DIFFERENTIABLE,
        jvp=NOT_DIFFERENTIABLE,
        argnums=(),
        traits=Traits(extents=shaped),
        dtypes="f",
        samples=samples,
    )


uniform = _random("uniform", philox.uniform)
"""Uniform on [0, 1); operands are the generator's seed and the number of the operation, int64."""
normal = _random("normal", philox.normal)
"""Standard normal, by the Box–Muller transform of the same stream."""


def _integers(np: Any, seed: Any, number: Any, low: Any, count: Any, *, shape: tuple[int, ...]) -> Any:
    first = int(low)
    return philox.integers(int(seed), int(number), first, first + (int(count) % 2**64 or 2**64), shape, np.int64)


def _integer(e: Any, index: Any, seed: Any, number: Any, low: Any, count: Any, *, shape: tuple[int, ...]) -> Any:
    position = e.position(e.address(index, shape))
    drawn, first, n = [e.at(x, ()) for x in (seed, number)], e.at(low, ()), e.at(count, ())
    return e.random("integers", *drawn, position, low=first, count=n)


integers = primitive(
    "integers",
    lower=Element(_integer, Cost.HEAVY, numbered=True),
    batch=one_by_one,
    aval=lambda seed, number, low, count, *, shape: Aval(shape, dtypes.int64),
    ref=_integers,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    traits=Traits(extents=shaped),
    dtypes="i",
    samples=lambda rng, dtype: [
        (tuple([dtypes.int64.numpy.type(x) for x in (5, 1, low, count)]), {"shape": shape})
        for shape, low, count in (((), -2, 11), ((7,), 0, 1), ((2, 3), -(2**63), 0), ((4,), -1, -(2**63)), ((0,), 1, 3))
    ],
)
"""Whole numbers of [low, low + count), int64; a count is modulo 2⁶⁴, so 0 is that of all numbers. Operands are the
generator's seed, the number of the operation, and the range: numbers of the call, so that all ranges share programs."""
