"""Cheap values that are computed once more where they are read late: less memory, the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile import rematerialize
from tenure.compile.executable import compiled
from tenure.compile.fuse import fuse
from tenure.compile.memory import plan_memory
from tenure.compile.simplify import simplify
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Program
from tenure.ops.contract import matmul
from tenure.ops.pointwise import exp
from tenure.ops.special import erf
from tenure.transform.vjp import pull_back
from tests.compile.test_programs import softmax

SIZE = 48


def program(layers: int) -> Program:
    """Products, functions and softmax in turn, and the gradient by the first operand."""
    b = Builder()
    xs = [b.input(Aval((SIZE, SIZE), dtypes.float32), tracked=k == 0) for k in range(3)]
    x, w, seed = xs
    y = x
    for _ in range(layers):
        y = matmul(y, w)
        y = y * (1.0 + erf(y * 0.7))
        y = softmax(matmul(y, w)) + exp(-y)
    (dx,) = pull_back(b, {y.id: seed}, [x.id], {}).values()
    return b.extract([x.id for x in xs], [y.id, dx.id])


def arrays(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 0.3, (SIZE, SIZE)).astype("float32") for _ in range(3)]


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_arena_gets_smaller_and_no_bit_changes(layers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = program(layers)
    plain = plan_memory(fuse(simplify(given))).arena
    before = [a.tobytes() for a in compiled(given)(arrays(layers))]
    monkeypatch.setattr(rematerialize, "LARGE", 0)
    monkeypatch.setattr("tenure.compile.executable.LAYOUT", "remade")
    layout = plan_memory(rematerialize.rematerialize(fuse(simplify(given))))
    assert layout.arena < (plain if layers > 1 else plain + 1)
    assert [a.tobytes() for a in compiled(given)(arrays(layers))] == before


def test_what_is_dear_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of functions of which the last is read at the end: only a single one may be computed twice."""
    monkeypatch.setattr(rematerialize, "LARGE", 0)
    b = Builder()
    x, w = (b.input(Aval((SIZE, SIZE), dtypes.float32)) for _ in range(2))
    y = exp(erf(exp(matmul(x, w))))
    z = y
    for _ in range(6):
        z = matmul(z, w)
    plan = rematerialize.rematerialize(fuse(simplify(b.extract([x.id, w.id], [(z * y).id]))))
    assert sum(at.primitive.name == "erf" for at in plan.program.instructions) == 1


def test_a_row_kernel_writes_where_it_reads() -> None:
    """The softmax of a product takes the product's buffer: the arena holds it and no more."""
    b = Builder()
    x, w = (b.input(Aval((SIZE, SIZE), dtypes.float32)) for _ in range(2))
    y = matmul(softmax(matmul(x, w)), w)
    given = simplify(b.extract([x.id, w.id], [y.id]))
    assert plan_memory(fuse(given)).arena == 4 * SIZE * SIZE
    found = compiled(given)(arrays(0)[:2])[0]
    p = arrays(0)[0] @ arrays(0)[1]
    p = np.exp(p - p.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, (p / p.sum(axis=1, keepdims=True)) @ arrays(0)[1], rtol=1e-5, atol=1e-6)
