"""Generic kernels: one function for all shapes of a rank class, with the bits of specialised code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure.ops  # noqa: F401  (fills the table)
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.generic_calls import Generic
from tenure.compile.generic_library import FUNCTIONS
from tenure.compile.rules import RULES
from tenure.compile.stepwise import stepwise
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE, Builder, Program
from tenure.ops.reduce import BLOCKED
from tests.ops.declared import only_here, running_total, softshrink
from tests.traits import few

MADE = {p.name for p in BLOCKED.values()}
"""Reductions in blocks, which the compiler makes of one that it knows the size of."""
CLAIMS = [
    (p, d)
    for p in TABLE.values()
    for d in few(p, "generic")
    if p.lower.generic and p.name not in MADE and p.alias is None
]


def program(primitive: Primitive, arrays: list[Any], params: dict[str, Any]) -> Program:
    """One instruction."""
    b = Builder()
    xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype))) for a in arrays]
    return b.extract([x.id for x in xs], [b.emit(primitive, xs, params).id])


def bits(x: Any) -> bytes:
    """The bits of an array; one NaN is as good as another."""
    return np.where(np.isnan(x), np.nan, x).astype(x.dtype).tobytes() if x.dtype.kind == "f" else bytes(x.tobytes())


def agrees(primitive: Primitive, arrays: list[Any], params: dict[str, Any]) -> None:
    """The generic kernel gives the specialised code's bits, and what the interpreter says."""
    one = program(primitive, arrays, params)
    found, native, meant = (run(one)([np.array(a) for a in arrays])[0] for run in (stepwise, compiled, interpret))
    assert found.dtype == native.dtype and found.shape == native.shape
    if getattr(primitive.lower, "blank", False):
        found, native = (np.where(meant != 0, x, 0) for x in (found, native))
    assert bits(found) == bits(native)
    if meant.dtype.kind == "V":
        assert bits(found) == bits(meant)
    else:
        np.testing.assert_allclose(found, meant, rtol=4e-6, atol=4e-6)


@pytest.mark.parametrize(("primitive", "dtype"), CLAIMS, ids=[f"{p.name}-{d.name}" for p, d in CLAIMS])
def test_a_generic_kernel_gives_the_bits_of_specialised_code(primitive: Primitive, dtype: Any) -> None:
    for arrays, params in primitive.samples(np.random.default_rng(5), dtype):
        agrees(primitive, list(arrays), params)


def reals(*shapes: tuple[int, ...]) -> list[Any]:
    """Operands of float32."""
    rng = np.random.default_rng(sum(map(len, shapes)))
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def indexed(shape: tuple[int, ...], count: int) -> list[Any]:
    """An array, and indices along its last axis."""
    return [*reals(shape), np.random.default_rng(0).integers(-shape[-1], shape[-1], (*shape[:-1], count))]


ONE_FUNCTION: dict[str, list[tuple[list[Any], dict[str, Any]]]] = {
    "add": [(reals(s, s[-1:]), {}) for s in ((3, 5), (16, 33), (4, 2, 64), (0, 3))],
    "exp": [(reals(s), {}) for s in ((2, 3, 4), (1, 17, 40), (5, 1, 8))],
    "permute": [(reals(s), {"order": (1, 0)}) for s in ((3, 5), (40, 17))],
    "reshape": [(reals(s), {"shape": (s[1], s[0])}) for s in ((3, 5), (40, 17))],
    "broadcast_to": [(reals((n,)), {"shape": (m, n)}) for m, n in ((3, 5), (40, 17))],
    "take_along": [(indexed(s, n), {}) for s, n in (((3, 5), 2), ((40, 17), 33))],
    "getitem": [
        ([*reals((n,)), np.int64(k)], {"spec": ((size, 2),)}) for n, k, size in ((9, 1, 4), (100, 3, 40), (5, 4, 1))
    ],
    "reduce_sum": [(reals(s), {"axes": a}) for s, a in (((3, 5), (1,)), ((3, 700), (1,)), ((9, 9, 70), (1, 2)))],
    "argmax": [(reals(s), {"axis": 1}) for s in ((3, 5), (40, 17))],
    "concat": [(reals((m, 3), (n, 3)), {"axis": 0}) for m, n in ((1, 2), (0, 5), (9, 9))],
    "scatter_add": [
        ([*reals((n,), (m,)), np.random.default_rng(1).integers(-n, n, m)], {"spec": ("a",), "at": 0, "unique": False})
        for n, m in ((3, 9), (50, 7))
    ],
    "pad": [(reals(s), {"widths": ((1, 2), (0, -1))}) for s in ((3, 5), (40, 17))],
}


@pytest.mark.parametrize("name", ONE_FUNCTION)
def test_shapes_of_one_rank_class_share_a_function(name: str) -> None:
    RULES.clear()
    FUNCTIONS.clear()
    for arrays, params in ONE_FUNCTION[name]:
        agrees(TABLE[name], arrays, params)
    assert len([key for key in FUNCTIONS if key.split()[0] not in ("check", "zero")]) == 1


def test_operands_may_lie_in_any_order() -> None:
    x, y = reals((6, 8), (8, 6))
    one = program(TABLE["multiply"], [x, y.T], {}).instructions[0]
    assert Generic(one)(x, y.T).tobytes() == (x * y.T).tobytes()
    assert Generic(one)(x[:, ::-1], y.T).tobytes() == (x[:, ::-1] * y.T).tobytes()


def test_kinds_and_primitives_of_the_tests_have_generic_kernels_too() -> None:
    with only_here():
        for primitive in (running_total(), softshrink()):
            for arrays, params in primitive.samples(np.random.default_rng(5), dtypes.float32):
                agrees(primitive, list(arrays), params)
