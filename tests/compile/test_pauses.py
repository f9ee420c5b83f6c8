"""Pauses of long programs: stopped at each of them and gone on with, a program gives the bits of one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tenure.compile import executable, pauses
from tenure.compile.executable import compiled, linked
from tenure.compile.pipeline import compile_module
from tenure.compile.stepwise import stepwise
from tenure.interp.interp import Arrays
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Program
from tenure.ops import contract, pointwise
from tenure.runtime.extension import AVAILABLE
from tenure.runtime.pauses import NOTED, Paused
from tests.compile.random_ir import cases, outputs_of
from tests.compile.test_fuzz import copies, same
from tests.compile.test_loops import F32, descent
from tests.traits import EVERY

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="programs are paused by generated builtins")


@pytest.fixture(params=[0.0, 50.0, 1000.0])
def short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every program of so many nanoseconds is long, and a signal is always noted."""
    monkeypatch.setattr(pauses, "LONG", request.param)
    monkeypatch.setattr(executable, "load", anew)
    NOTED.append(2)
    yield
    NOTED.clear()


def anew(program: Program) -> Any:
    """The code of a program, from no cache."""
    engine = linked()
    return engine.load(str(compile_module(program, engine.target.vector_bits)))


def with_pauses(program: Program, arrays: list[Any], numbers: list[Any]) -> tuple[list[Any], int]:
    """What a program gives that is gone on with at each pause, and how many there were."""
    native, state, count = compiled(program), Arrays(arrays), 0
    arrays.clear()
    while True:
        try:
            return native(state, numbers), count
        except Paused:
            count += 1


@pytest.mark.parametrize("seed", range(12 if EVERY else 4))
def test_a_program_that_pauses_gives_the_same(seed: int, short: None) -> None:
    r = cases(seed, 3)
    program, arrays, numbers = r.finish(outputs_of(r))
    NOTED.clear()
    want = stepwise(program)(copies(arrays), numbers)
    NOTED.append(2)
    assert same(with_pauses(program, copies(arrays), numbers)[0], want)


def layers(turns: int) -> Program:
    """So many turns of x ← tanh(x @ w)."""
    b = Builder()
    x, w = b.input(Aval((16, 16), F32)), b.input(Aval((16, 16), F32))
    for _ in range(turns):
        x = pointwise.tanh(contract.matmul(x, w))
    return b.extract([0, 1], [x.id])


@pytest.mark.parametrize("program", [descent(60), layers(2), layers(9)], ids=["descent", "two layers", "nine layers"])
def test_a_loop_pauses_in_its_turns(program: Program, short: None) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=aval.shape).astype(aval.dtype.numpy) for aval in program.inputs]
    NOTED.clear()
    want = stepwise(program)(copies(arrays), [])
    NOTED.append(2)
    found, count = with_pauses(program, copies(arrays), [])
    assert same(found, want)
    assert count >= (5 if len(program.instructions) > 4 else 1) or pauses.LONG
