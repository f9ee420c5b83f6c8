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
        lower=Element(element, Cost.HEAVY),
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


def _integers(np: Any, seed: Any, number: Any, *, low: int, high: int, shape: tuple[int, ...]) -> Any:
    return philox.integers(int(seed), int(number), low, high, shape, np.int64)


def _integer(e: Any, index: Any, seed: Any, number: Any, *, low: int, high: int, shape: tuple[int, ...]) -> Any:
    position = e.position(e.address(index, shape))
    return e.random("integers", e.at(seed, ()), e.at(number, ()), position, low=low, high=high)


integers = primitive(
    "integers",
    lower=Element(_integer, Cost.HEAVY, generic=False),
    batch=one_by_one,
    aval=lambda seed, number, *, low, high, shape: Aval(shape, dtypes.int64),
    ref=_integers,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    traits=Traits(extents=shaped),
    dtypes="i",
    samples=lambda rng, dtype: [
        ((dtypes.int64.numpy.type(5), dtypes.int64.numpy.type(1)), {"low": -2, "high": 9, "shape": s})
        for s in ((), (7,), (2, 3), (0,))
    ],
)
"""Whole numbers of [low, high), int64."""
