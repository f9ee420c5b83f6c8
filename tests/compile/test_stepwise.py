"""Op by op, a program gives the bits of the compiled one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder
from tenure.ops.lowering import Library
from tests import traits

RNG = np.random.default_rng(11)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e30, -1e30, 88.0, -104.0]
DEFINITE = [p for p in TABLE.values() if not traits.blank(p) and not traits.parted(p)]
"""Blocks of a reduction are compared with it whole, and blank results by what reads them, ``survives``."""
CLAIMS = [(p, d) for p in DEFINITE for d in traits.few(p, "stepwise")]
IDS = [f"{p.name}-{d.name}" for p, d in CLAIMS]


def bits(x: Any) -> bytes:
    """The bits of an array; one NaN is as good as another."""
    return np.where(np.isnan(x), np.nan, x).astype(x.dtype).tobytes() if x.dtype.kind == "f" else bytes(x.tobytes())


def agree(primitive: Any, samples: Any) -> None:
    """One program of all samples, run both ways."""
    b = Builder()
    arrays: list[Any] = []
    outputs = []
    for operands, params in samples:
        xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype))) for a in operands]
        arrays += operands
        outputs.append((xs, params))
    given = [x.id for xs, _ in outputs for x in xs]
    program = b.extract(given, [b.emit(primitive, xs, params).id for xs, params in outputs])
    one, two = (run(program)([np.array(a) for a in arrays]) for run in (stepwise, compiled))
    for x, y in zip(one, two, strict=True):
        assert x.dtype == y.dtype and x.shape == y.shape and bits(x) == bits(y)


@pytest.mark.parametrize(("primitive", "dtype"), CLAIMS, ids=IDS)
def test_each_primitive(primitive: Any, dtype: Any) -> None:
    agree(primitive, list(primitive.samples(RNG, dtype)))


REAL = [c for c in CLAIMS if c[1].kind == "f" and c[0].traits.interval is None and not isinstance(c[0].lower, Library)]
"""But for what draws, and for LAPACK, which gives anything for NaN; a check behind it says so."""


@pytest.mark.parametrize(("primitive", "dtype"), REAL)
def test_special_values(primitive: Any, dtype: Any) -> None:
    def special(a: Any) -> Any:
        a = np.asarray(a)
        return RNG.choice(SPECIAL, a.shape).astype(a.dtype) if a.dtype.kind == "f" else a

    samples = [([special(a) for a in xs], p) for xs, p in primitive.samples(RNG, dtype)]
    if primitive.name == "cast":  # what does not fit in an integer is undefined
        samples = [(xs, p) for xs, p in samples if p["dtype"].kind == "f"]
    agree(primitive, samples)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("shape", [(3, 1, 5), (130, 4, 1), (2, 700, 3), (5, 70, 129), (1, 2, 70000)])
def test_reductions_of_all_sizes(axes: tuple[int, ...], shape: tuple[int, ...]) -> None:
    x = RNG.standard_normal(shape).astype(np.float32)
    for name in ("reduce_sum", "reduce_max"):
        agree(TABLE[name], [([x], {"axes": axes})])
